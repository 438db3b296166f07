/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys.c - every setting that media.yaml may hold. */
#include "conf/conf.h"

#include <stddef.h>

const struct mt_conf_key mt_conf_keys[] = {
    {"store", "text", "URL of the object store"},
    {"db", "text", "URL of the database"},
    {"max_file_size", "size", "refuse larger files"},
    {"supported_formats.video", "list", "video formats that are accepted, by extension"},
    {"supported_formats.audio", "list", "audio formats that are accepted"},
    {"supported_formats.image", "list", "image formats that are accepted"},
    {"processing.video_qualities", "list", "renditions that media-transcode makes"},
    {"processing.thumbnail_count", "integer", "pictures that media-thumbs takes"},
    {"processing.preview_duration", "integer", "seconds of a preview"},
    {"processing.concurrent_jobs", "integer", "jobs that one host runs at once"},
    {"limits.pixels", "integer", "largest picture, width times height"},
    {"limits.side", "integer", "longest side of a picture, pixels"},
    {"limits.streams", "integer", "streams in one file"},
    {"limits.duration", "duration", "longest film"},
    {"limits.frames", "integer", "pictures in one stream"},
    {"limits.memory", "size", "memory of one jailed process"},
    {"aws.s3_bucket", "text", "keep objects in this S3 bucket, unless store says otherwise"},
    {"aws.region", "text", "region of the bucket"},
    {"aws.endpoint_url", "text", "address of an S3-compatible server"},
    {"aws.mediaconvert_role", "text", "for services that run MediaConvert; not used here"},
    {"aws.transcribe_language_codes", "list", "languages for Amazon Transcribe"},
    {"redis.host", "text", "where events are published"},
    {"redis.port", "integer", "its port"},
    {"redis.db", "integer", "its database number"},
    {"database.host", "text", "use PostgreSQL on this host, unless db says otherwise"},
    {"database.port", "integer", "its port"},
    {"database.name", "text", "its database"},
    {"database.pool_size", "integer", "connections of one process at most"},
    {"queue.lease", "duration", "how long a lease on a job lasts without a heartbeat"},
    {"queue.heartbeat", "duration", "how often a worker renews its leases"},
    {"queue.backoff", "duration", "wait after the first failed attempt; doubles with each"},
    {"queue.backoff_max", "duration", "longest wait between two attempts"},
    {"queue.handlers", "text", "directory of the handlers of jobs"},
    {"log.format", "text", "text, json or journal"},
    {NULL, NULL, NULL},
};
