/* SPDX-License-Identifier: GPL-2.0-or-later */
/* copy.h - the one pass over a source: into the store and through the hash. */
#ifndef MT_INGEST_COPY_H
#define MT_INGEST_COPY_H

#include "base/err.h"
#include "digest/digest.h"
#include "store/store.h"

#include <stdint.h>

struct mt_copy {
    int from;                                   /* descriptor, read from its position to the end */
    int64_t max_bytes;                          /* more is MT_ERR_TOO_LARGE */
    int64_t expected;                           /* bytes it probably has; -1: unknown */
    const char *name;                           /* for messages */
    void (*progress)(void *ctx, int64_t bytes); /* called after each chunk; may be NULL */
    int (*stopped)(void); /* asked after each chunk and each signal; MT_ERR_CANCELLED */
    void *ctx;
};

/*
 * Copies the source into what was begun and hashes it on the way, both at
 * once (a small one without further threads). *bytes and hex are set on success.
 */
int mt_copy_hashed(const struct mt_copy *copy, struct mt_put *put, int64_t *bytes,
                   char hex[MT_SHA256_TEXT], struct mt_err *err) MT_MUST_USE;

#endif
