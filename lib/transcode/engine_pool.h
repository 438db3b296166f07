/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_pool.h - the processes of an engine and what they share. Private to lib/transcode. */
#ifndef MT_TRANSCODE_ENGINE_POOL_H
#define MT_TRANSCODE_ENGINE_POOL_H

#include "transcode/engine.h"
#include "transcode/engine_sound.h"

#include <stdatomic.h>

enum { FREE = 0, DONE = 255 }; /* between them: a slot's number, from 1 */

struct shared {
    _Atomic int open;              /* slots that may go on */
    _Atomic int at[MT_JOBS_MAX];   /* the segment that a slot works on */
    _Atomic unsigned char taken[]; /* of each segment */
};

struct pool;

struct slot {
    struct pool *pool;
    int number;
    bool sound; /* it encodes the sound */
    bool wider;
    int first;
    int64_t reached_us; /* how far into the film it is */
    struct mt_item_work work;
    struct mt_item_child *child;
    int fds[MT_VOICES_MOST];
    struct mt_worker *worker; /* in the child */
};

struct pool {
    struct mt_engine *engine;
    const json_t *plan;
    int n;                   /* segments */
    unsigned *wanted;        /* a bit for each rendition that a segment lacks */
    unsigned char *failures; /* of each segment */
    bool *wider;
    struct shared *shared;
    size_t shared_bytes;
    struct slot slots[MT_JOBS_MAX];
    int jobs;
    struct mt_voices voices; /* of sound, to be made */
    bool sound_begun;
    int sound_failures;
    int64_t looked_at; /* when the load was looked at */
    int64_t kept_us;   /* of film was there before */
    int64_t told_at;   /* when progress was told rendition by rendition */
};

#endif
