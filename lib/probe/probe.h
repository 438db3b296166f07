/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - what a file is, found out in a jail.
 *
 * One jailed child per file asks libmagic what the bytes look like and the
 * media libraries what they hold. media-probe answers with it, as a program
 * for people and as media-ingest's helper; filters use it for plain files.
 */
#ifndef MT_PROBE_PROBE_H
#define MT_PROBE_PROBE_H

#include "av/av.h"

#include <jansson.h>

struct mt_prober; /* the magic database, loaded once */

struct mt_probe_limits {
    struct mt_av_limits av;
    int64_t memory_bytes; /* of the child; 0: the jail's own limit */
    int64_t wall_us;      /* for one file; 0: a minute */
    /*
     * Decodes all of the file. wall_us is then the longest time without a step forward, a few of
     * which come each second; the whole may take a day.
     */
    bool thorough;
    struct mt_av_progress progress; /* told how far a thorough look is, in microseconds of film */
};

int mt_prober_open(struct mt_prober **out, struct mt_err *err) MT_MUST_USE;
void mt_prober_close(struct mt_prober **prober);

/*
 * {"mime_type", "description", "content_type", "metadata"} of the regular file
 * behind fd; name is for messages. A new reference. When the file is refused,
 * NULL with the codes of mt_av_probe() and mt_worker_run(); *seen is then, as
 * far as it got, {"mime_type", "description"}, a new reference, else NULL.
 */
json_t *mt_prober_run(struct mt_prober *prober, int fd, const char *name,
                      const struct mt_probe_limits *limits, json_t **seen, struct mt_err *err);

/*
 * The helper's side of media-ingest's socket: answers requests, one line each
 * with a descriptor beside it, until the peer closes. Request: {"name", "limits":
 * {"pixels", "side", "streams", "duration_us", "frames", "memory", "wall_us", "thorough"}}.
 * Answer: {"ok": result} or {"error": mt_err_to_json(), "seen": ...}.
 */
int mt_prober_serve(struct mt_prober *prober, int socket, struct mt_err *err) MT_MUST_USE;

#endif
