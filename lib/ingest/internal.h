/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/ingest only. */
#ifndef MT_INGEST_INTERNAL_H
#define MT_INGEST_INTERNAL_H

#include "base/clock.h"
#include "catalog/job.h"
#include "catalog/lease.h"
#include "digest/digest.h"
#include "ingest/ingest.h"
#include "ingest/scanning.h"

#include <sys/stat.h>

struct mt_crew;
struct mt_feed;
struct mt_policy;

/* What has become of all inputs so far, for the report at the end. */
struct mt_tally {
    int64_t taken, degraded; /* of those taken in, the damaged ones */
    int64_t held, duplicates, known, reviewed, planned;
    int64_t rejected, failed; /* refused for what they are, or not done */
    int64_t bytes;            /* taken in */
};

/* What one run of media-ingest holds. */
struct mt_intake {
    const struct mt_ingest *spec;
    struct mt_run *run;
    struct mt_lease lease; /* what db writes under, if a supervisor runs us */
    struct mt_db *db;      /* the main thread's; NULL in a dry run, as is the store */
    struct mt_store *store;
    struct mt_crew *crew;
    struct mt_feed *feed;
    struct mt_policy *policy; /* or NULL */
    struct mt_tally tally;
};

/* One input on its way. Until it is ready it is the worker's, then the main thread's. */
struct mt_entry {
    struct mt_intake *in;
    char *name;     /* as the user gave it, for messages */
    char *base;     /* the file name that is recorded */
    bool is_stream; /* standard input or a URL: read once, from its beginning */
    bool is_url;
    size_t given;  /* bytes of name above what was found in a directory; 0: all of it is given */
    bool watched;  /* --watch has found it */
    bool is_asset; /* named by its id, or by a document */
    bool passed;   /* a document with an error, which goes on as it is */
    int fd;
    struct stat stat; /* of fd when it was opened */
    json_t *doc;
    const char *status; /* completed, skipped, planned */

    json_t *found;                /* the helper's answer */
    json_t *metadata;             /* what the asset's row will keep */
    struct mt_scanning *scanning; /* while it runs */
    json_t *scan;                 /* the verdict */
    const struct mt_format *format;
    char *note; /* a warning for the main thread to print */

    char id[MT_UUID_TEXT];
    char *key; /* "{id}/original.{ext}" */
    struct mt_put *put;
    int64_t size;
    char sha256[MT_SHA256_TEXT];
    const char *publish_as; /* upload_status that it gets: completed, held; rejected in a review */

    /* An asset that is there already and looked at anew; see review.h. */
    json_t *row;   /* as it was read, or NULL */
    bool reviewed; /* the asset was known before anything was read */
    bool rescans;  /* a worker is to scan the stored object */
    bool decided;  /* publish_as, scan and metadata.policy are news for the row */

    bool failed;
    struct mt_err failure;
    bool intended, in_place, published;
    bool known;                  /* its file is an asset already, and was not read again */
    char existing[MT_UUID_TEXT]; /* the asset that has these bytes, or "" */

    struct mt_job job; /* our row in processing_jobs */
    int64_t start_us;  /* mt_mono_us() */
    int64_t begun_us;  /* since 1970 */
    _Atomic int64_t done_bytes, total_bytes;
};

/* What each worker has of its own. */
struct mt_hands {
    struct mt_helper *helper;
    struct mt_scanner *scanner;
};

/* A new entry; name is copied. */
struct mt_entry *mt_entry_new(struct mt_intake *in, const char *name);
void mt_entry_free(struct mt_entry **e);

/* Marks it failed, unless it is already. */
void mt_entry_fail(struct mt_entry *e, const struct mt_err *failure);

/*
 * What its job is to remember: {"name", "path" (absolute, or a URL without its query, when
 * "path_cut" says so; null for stdin), "path_base64" where the path is not UTF-8, "command"
 * without the input}. New.
 */
json_t *mt_entry_input(const struct mt_entry *e);

/*
 * A worker's part: opens the input, checks it, finds out what it is, and (unless
 * in a dry run) copies it into the store and hashes it. How it went is in the
 * entry. Asks nothing of the database.
 */
void mt_entry_work(struct mt_entry *e, const struct mt_hands *hands);

/*
 * Opens the input and checks what needs no look inside. The bytes of a stream go
 * straight into the store (or, in a dry run, nowhere but a nameless file) and
 * are hashed on the way; e->fd is then what was kept.
 */
int mt_entry_open(struct mt_entry *e, struct mt_err *err) MT_MUST_USE;

/* The object that the input becomes is called after its id and ext ("" for none). */
void mt_entry_set_key(struct mt_entry *e, const char *ext);

/* Finds out what it is and whether that is accepted; fills found, format, metadata, scan, key. */
int mt_entry_identify(struct mt_entry *e, struct mt_helper *helper, struct mt_err *err) MT_MUST_USE;

/*
 * Makes the entries that did not fail visible, all together where that works and
 * one by one where not, and records the jobs of all of them. For each: intent,
 * then object durable, then visible, as if it were alone.
 */
void mt_group_publish(struct mt_intake *in, struct mt_entry *const entries[], int n);

/*
 * For bytes that asset id has already: makes sure that the store has them still, and puts them
 * back from the entry's file if not. Needs fd and sha256.
 */
int mt_entry_restore(struct mt_entry *e, const char *id, struct mt_err *err) MT_MUST_USE;

/* Records that work on the entry has begun, so that others see it. */
void mt_group_announce(struct mt_entry *e);

#endif
