/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kit.h - the other side of media-engine(7): what every engine written in C does alike. */
#ifndef MT_ENGINE_KIT_KIT_H
#define MT_ENGINE_KIT_KIT_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { MT_KIT_MATERIAL = 3 }; /* the descriptor of what is to be examined */

struct mt_kit_engine {
    /* The description, a new object. options: as in the configuration; lent. */
    json_t *(*about)(const json_t *options);

    /*
     * Does the task (lent), saying what it finds; -1 with *err when it cannot. The error goes out
     * as "unavailable", "temporary" or "failed" by its code.
     */
    int (*run)(const json_t *task, struct mt_err *err);
};

/* The whole of main(): --describe, or one task and its end. Returns the exit status. */
int mt_kit_main(const struct mt_kit_engine *engine, int argc, char **argv);

/* Says {"type": "finding"} with these members; takes the reference. */
int mt_kit_finding(json_t *finding, struct mt_err *err) MT_MUST_USE;

/* done: 0..1. */
int mt_kit_progress(double done, struct mt_err *err) MT_MUST_USE;

/*
 * The samples of a span of the task's sound, 16 bits, one channel; *n is how many. free() them.
 * A span of more than an hour is MT_ERR_LIMIT.
 */
int16_t *mt_kit_samples(const json_t *task, const json_t *span, size_t *n, struct mt_err *err);

#endif
