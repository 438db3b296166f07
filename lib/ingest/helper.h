/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * helper.h - media-probe --serve, kept running for a batch of files.
 *
 * The program that ingests loads no media library; the helper has them loaded
 * and forks a jailed child per file, which costs milliseconds.
 */
#ifndef MT_INGEST_HELPER_H
#define MT_INGEST_HELPER_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct mt_helper;

/* Ceilings for one file; the same figures as media-probe's options. */
struct mt_helper_limits {
    int64_t pixels, side_px, streams, duration_us, frames;
    int64_t memory_bytes, wall_us;
    bool thorough; /* decode all of each file; wall_us is then the longest time without a step */
};

/* dir: where this program lies. The process starts with the first question. */
void mt_helper_open(struct mt_helper **out, const char *dir, const struct mt_helper_limits *limits);
void mt_helper_close(struct mt_helper **helper);

/*
 * Sends the question only, so that the caller can do something else while the
 * helper looks. The next mt_helper_ask() must be about the same file.
 */
void mt_helper_begin(struct mt_helper *helper, int fd, const char *name);

/*
 * What the regular file behind fd is: {"mime_type", "description",
 * "content_type", "metadata"}, a new reference. NULL with the code of the
 * refusal; *seen is then {"mime_type", ...} as far as known (a new
 * reference) or NULL. A helper that died is started again once.
 */
json_t *mt_helper_ask(struct mt_helper *helper, int fd, const char *name, json_t **seen,
                      struct mt_err *err);

#endif
