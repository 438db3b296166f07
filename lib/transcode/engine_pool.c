/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_pool.c - who encodes which segment.
 *
 * Each process decodes forward from where it began and takes segment after segment as long as
 * the next one is free, so that access points are looked for, and pictures decoded in vain, only
 * where a process begins. One that has nothing left to do begins in the middle of the
 * longest stretch that nobody has taken; the process that is on its way there stops when it
 * arrives. Which segments are taken stands in memory that all of them share: what a
 * compromised process can do with it is to have segments left out, which is noticed at the end.
 */
#include "transcode/engine_pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "json/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { TRIES = 3, LOAD_US = 2000000, TELL_US = 250000 };

/* ---- in the child ---- */

static unsigned claim(void *ctx, int segment)
{
    struct slot *slot = ctx;
    struct shared *shared = slot->pool->shared;
    unsigned char expected = FREE, own = (unsigned char)(slot->number + 1);
    bool given = segment == slot->first && atomic_load(&shared->taken[segment]) == own;

    if (atomic_load(&shared->open) <= slot->number ||
        (!given && !atomic_compare_exchange_strong(&shared->taken[segment], &expected, own)))
        return 0;
    atomic_store(&shared->at[slot->number], segment);
    return slot->pool->wanted[segment];
}

static int done(void *ctx, const json_t *report, struct mt_err *err)
{
    struct slot *slot = ctx;

    return mt_worker_send(slot->worker, report, NULL, 0, err);
}

static int encode_segments(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct slot *slot = arg;
    const struct mt_engine *engine = slot->pool->engine;
    struct mt_av_rendition renditions[MT_ENGINE_MOST];
    struct mt_av_segments spec = {.plan = slot->pool->plan,
                                  .renditions = renditions,
                                  .n = engine->n,
                                  .preset = engine->preset,
                                  .threads = (int)mt_json_int(slot->pool->plan, "threads", 1),
                                  .first = slot->first,
                                  .wider = slot->wider,
                                  .burn = engine->burn,
                                  .score = true,
                                  .limits = engine->limits,
                                  .progress = {mt_stage_tell, worker},
                                  .claim = claim,
                                  .done = done,
                                  .ctx = slot};

    slot->worker = worker;
    for (int i = 0; i < engine->n; i++) {
        renditions[i] = engine->renditions[i].av;
        renditions[i].fd = slot->fds[i];
    }
    return mt_av_segments_encode(engine->item->fd, &spec, err);
}

static int encode_sound(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct slot *slot = arg;

    return mt_voices_encode(&slot->pool->voices, slot->pool->engine, slot->pool->plan, slot->fds,
                            worker, err);
}

/* ---- how far it is ---- */

static int64_t start_us(const struct pool *pool, int segment)
{
    const json_t *base = json_object_get(pool->plan, "base");
    const json_t *planned =
        json_array_get(json_object_get(pool->plan, "segments"), (size_t)segment);
    double tick = (double)json_integer_value(json_array_get(base, 0)) /
                  (double)json_integer_value(json_array_get(base, 1));

    if (segment >= pool->n)
        return mt_json_int(pool->plan, "duration_us", 0);
    return (int64_t)((double)mt_json_int(planned, "start", 0) * tick * 1e6);
}

static bool is_ours(const struct pool *pool, int segment)
{
    const struct mt_engine_share *share = pool->engine->share;

    return !share || (segment >= share->first && segment < share->first + share->n);
}

/* How much of a segment is made: from its beginning, in microseconds of film. */
static int64_t made_of(const struct pool *pool, int segment)
{
    unsigned char by = atomic_load(&pool->shared->taken[segment]);
    int64_t from = start_us(pool, segment), to = start_us(pool, segment + 1);
    int64_t at;

    if (by == DONE)
        return to - from;
    if (by == FREE || by > pool->jobs)
        return 0;
    at = pool->slots[by - 1].reached_us;
    return at < from ? 0 : (at < to ? at : to) - from;
}

/* What some renditions have of earlier runs, the others may lack. */
static void tell_renditions(struct pool *pool)
{
    int64_t done[MT_ENGINE_MOST] = {0}, total = 0;

    if (mt_mono_us() - pool->told_at < TELL_US)
        return;
    pool->told_at = mt_mono_us();
    for (int i = 0; i < pool->n; i++) {
        int64_t whole = start_us(pool, i + 1) - start_us(pool, i), made;

        if (!is_ours(pool, i))
            continue;
        made = made_of(pool, i);
        total += whole;
        for (int k = 0; k < pool->engine->n; k++)
            done[k] += pool->wanted[i] & 1U << k ? made : whole;
    }
    mt_engine_tell_renditions(pool->engine, "encoding", done, total);
}

static int tell(struct pool *pool, struct mt_err *err)
{
    int64_t sum = 0, total = 0;

    for (int i = 0; i < pool->n; i++) {
        if (!is_ours(pool, i))
            continue;
        total += start_us(pool, i + 1) - start_us(pool, i);
        sum += made_of(pool, i);
    }
    if (pool->told_at == 0)
        mt_item_resumed(pool->engine->item, pool->kept_us, total);
    tell_renditions(pool);
    return mt_item_progress(pool->engine->item, sum, total, err);
}

/* Only what was really asked of the slot is believed. */
static int on_segment(struct slot *slot, const json_t *line, struct mt_err *err)
{
    struct pool *pool = slot->pool;
    const char *recipes[MT_ENGINE_MOST];
    int64_t segment = mt_json_int(line, "segment", -1);
    json_t *lane;
    size_t i;

    if (segment < 0 || segment >= pool->n ||
        atomic_load(&pool->shared->taken[segment]) != slot->number + 1)
        return mt_fail(err, MT_ERR_CRASHED, "a worker reports a segment that is not its own");
    json_array_foreach(json_object_get(line, "renditions"), i, lane)
    {
        int64_t k = mt_json_int(lane, "rendition", -1);

        if (k < 0 || k >= pool->engine->n)
            return mt_fail(err, MT_ERR_CRASHED, "a worker reports a rendition that is not there");
    }
    for (int k = 0; k < pool->engine->n; k++)
        recipes[k] = pool->engine->renditions[k].recipe;
    if (mt_ledger_record(pool->engine->ledger, line, recipes, slot->number, err) < 0)
        return -1;
    atomic_store(&pool->shared->taken[segment], DONE);
    mt_log(MT_LOG_DEBUG, "segment %lld of %d is finished", (long long)segment, pool->n);
    return 0;
}

static int on_line(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct slot *slot = ctx;
    const json_t *progress = json_object_get(line, "progress");

    (void)data;
    (void)n;
    if (json_is_array(progress)) {
        int64_t at = json_integer_value(json_array_get(progress, 0));

        if (slot->sound && slot->pool->engine->share)
            return mt_item_progress(slot->pool->engine->item, at,
                                    json_integer_value(json_array_get(progress, 1)), err);
        slot->reached_us = slot->sound ? 0 : at;
        return tell(slot->pool, err);
    }
    return slot->sound ? mt_voices_record(&slot->pool->voices, slot->pool->engine, line, err)
                       : on_segment(slot, line, err);
}

/* ---- starting ---- */

static int start_slot(struct slot *slot, struct mt_err *err)
{
    struct mt_engine *engine = slot->pool->engine;

    slot->reached_us = 0;
    slot->work = (struct mt_item_work){.what = slot->sound ? "encoding the sound of" : "encoding",
                                       .encode = true,
                                       .run = slot->sound ? encode_sound : encode_segments,
                                       .arg = slot,
                                       .on_line = on_line,
                                       .ctx = slot,
                                       .fds = slot->fds,
                                       .n_fds = slot->sound ? slot->pool->voices.n : engine->n,
                                       .raw = true,
                                       .nice = engine->nice};
    return mt_item_start(engine->item, &slot->work, &slot->child, err);
}

static int start_sound(struct slot *slot, struct mt_err *err)
{
    struct pool *pool = slot->pool;

    pool->sound_begun = true;
    slot->sound = true;
    for (int i = 0; i < pool->voices.n; i++) {
        slot->fds[i] =
            mt_ledger_sound_data(pool->engine->ledger, pool->voices.list[i].number, true, err);
        if (slot->fds[i] < 0)
            return -1;
    }
    return start_slot(slot, err);
}

static int start_segments(struct slot *slot, int first, struct mt_err *err)
{
    const struct mt_engine *engine = slot->pool->engine;

    slot->sound = false;
    slot->first = first;
    slot->wider = slot->pool->wider[first];
    atomic_store(&slot->pool->shared->at[slot->number], first);
    atomic_store(&slot->pool->shared->taken[first], (unsigned char)(slot->number + 1));
    for (int i = 0; i < engine->n; i++) {
        slot->fds[i] =
            mt_ledger_data(engine->ledger, engine->renditions[i].recipe, slot->number, err);
        if (slot->fds[i] < 0)
            return -1;
    }
    return start_slot(slot, err);
}

/* Where the next process is to begin; -1: all segments are taken. */
static int next_start(const struct pool *pool)
{
    int best = 0, best_at = -1;

    for (int i = 0, from = 0; i <= pool->n; i++) {
        if (i < pool->n && atomic_load(&pool->shared->taken[i]) == FREE) {
            if (pool->wider[i])
                return i;
            continue;
        }
        if (i - from > best) {
            best = i - from;
            best_at = from;
        }
        from = i + 1;
    }
    if (best_at <= 0 || atomic_load(&pool->shared->taken[best_at - 1]) == DONE)
        return best_at;
    return best_at + best / 2; /* somebody is on the way to its beginning */
}

static void look_at_load(struct pool *pool)
{
    double limit = pool->engine->max_load, load;
    int open = atomic_load(&pool->shared->open);

    if (limit <= 0 || mt_mono_us() - pool->looked_at < LOAD_US || getloadavg(&load, 1) != 1)
        return;
    pool->looked_at = mt_mono_us();
    if (load > limit && open > 1)
        open--;
    else if (load < limit - 1 && open < pool->jobs)
        open++;
    atomic_store(&pool->shared->open, open);
}

static int start_some(struct pool *pool, struct mt_err *err)
{
    look_at_load(pool);
    for (int i = 0; i < pool->jobs && i < atomic_load(&pool->shared->open); i++) {
        struct slot *slot = &pool->slots[i];
        int first;

        if (slot->child)
            continue;
        if (pool->voices.n > 0 && !pool->sound_begun) {
            if (start_sound(slot, err) < 0)
                return -1;
            continue;
        }
        first = next_start(pool);
        if (first < 0)
            continue;
        if (start_segments(slot, first, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- ending ---- */

/* Failures that another try may not meet: the rest is the same each time. */
static bool may_pass(enum mt_code code)
{
    return code == MT_ERR_CRASHED || code == MT_ERR_TIMEOUT || code == MT_ERR_VERIFY ||
           code == MT_ERR_LIMIT;
}

static int blame(struct pool *pool, int segment, struct mt_err *err)
{
    double from = (double)start_us(pool, segment) / 1e6;
    double to = (double)start_us(pool, segment + 1) / 1e6;

    return mt_fail_in(err, "segment %d of %d (%.3f to %.3f s)", segment + 1, pool->n, from, to);
}

static int slot_ended(struct slot *slot, struct mt_err *err)
{
    struct pool *pool = slot->pool;
    int at = atomic_load(&pool->shared->at[slot->number]);
    int ret = mt_item_end(&slot->child, err);

    for (int i = 0; !slot->sound && i < pool->n; i++)
        if (atomic_load(&pool->shared->taken[i]) == slot->number + 1)
            atomic_store(&pool->shared->taken[i], FREE);
    if (ret == 0)
        return 0;
    if (slot->sound && err->code == MT_ERR_NOT_APPLICABLE)
        return mt_voices_record_silence(&pool->voices, pool->engine, err);
    if (slot->sound) {
        pool->sound_begun = ++pool->sound_failures >= TRIES || !may_pass(err->code);
        return pool->sound_begun ? -1 : 0;
    }
    if (at < 0 || at >= pool->n)
        at = slot->first;
    if (!may_pass(err->code))
        return err->code == MT_ERR_CANCELLED ? -1 : blame(pool, at, err);
    if (++pool->failures[at] >= TRIES)
        return blame(pool, at, err);
    if (err->code == MT_ERR_VERIFY)
        pool->wider[at] = true;
    mt_log(MT_LOG_INFO, "segment %d of %d is tried again: %s", at + 1, pool->n, err->msg);
    return 0;
}

static int running(struct pool *pool, struct slot *slots[], struct mt_item_child *children[])
{
    int n = 0;

    for (int i = 0; i < pool->jobs; i++)
        if (pool->slots[i].child) {
            slots[n] = &pool->slots[i];
            children[n++] = pool->slots[i].child;
        }
    return n;
}

static int work(struct pool *pool, struct mt_err *err)
{
    struct mt_item_child *children[MT_JOBS_MAX];
    struct slot *slots[MT_JOBS_MAX];
    int n, over;

    for (;;) {
        if (start_some(pool, err) < 0)
            return -1;
        n = running(pool, slots, children);
        if (n == 0)
            return 0;
        over = mt_item_wait(children, n);
        if (over >= 0 && slot_ended(slots[over], err) < 0)
            return -1;
    }
}

/* ---- all of it ---- */

static void want(struct pool *pool)
{
    const struct mt_engine *engine = pool->engine;

    for (int i = 0; i < pool->n; i++) {
        if (is_ours(pool, i))
            pool->wanted[i] = mt_engine_wants(engine, i);
        atomic_init(&pool->shared->taken[i], pool->wanted[i] == 0 ? DONE : FREE);
        if (is_ours(pool, i) && pool->wanted[i] == 0)
            pool->kept_us += start_us(pool, i + 1) - start_us(pool, i);
    }
    if (!engine->share || engine->share->sound)
        mt_voices_want(&pool->voices, engine);
}

static int open_pool(struct pool *pool, struct mt_engine *engine, struct mt_err *err)
{
    pool->engine = engine;
    pool->plan = mt_ledger_plan(engine->ledger);
    pool->n = (int)json_array_size(json_object_get(pool->plan, "segments"));
    pool->jobs = mt_engine_jobs(engine);
    pool->wanted = mt_alloc((size_t)pool->n * sizeof *pool->wanted);
    pool->failures = mt_alloc((size_t)pool->n);
    pool->wider = mt_alloc((size_t)pool->n * sizeof *pool->wider);
    pool->shared_bytes = sizeof *pool->shared + (size_t)pool->n;
    pool->shared =
        mmap(NULL, pool->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pool->shared == MAP_FAILED)
        return mt_fail_errno(err, "cannot share memory with workers");
    atomic_init(&pool->shared->open, pool->jobs);
    for (int i = 0; i < pool->jobs; i++)
        pool->slots[i] = (struct slot){.pool = pool, .number = i};
    want(pool);
    return 0;
}

static void close_pool(struct pool *pool)
{
    struct mt_err ignored;

    for (int i = 0; i < pool->jobs; i++)
        if (pool->slots[i].child)
            mt_item_end(&pool->slots[i].child, &ignored);
    if (pool->shared && pool->shared != MAP_FAILED)
        munmap(pool->shared, pool->shared_bytes);
    free(pool->wanted);
    free(pool->failures);
    free(pool->wider);
}

static int finished(const struct pool *pool)
{
    int n = 0;

    for (int i = 0; i < pool->n; i++)
        n += atomic_load(&pool->shared->taken[i]) == DONE;
    return n;
}

int mt_engine_encode(struct mt_engine *engine, struct mt_err *err)
{
    struct pool *pool = mt_alloc(sizeof *pool);
    int ret = open_pool(pool, engine, err);
    int all;

    if (ret == 0)
        ret = work(pool, err);
    all = pool->shared && pool->shared != MAP_FAILED ? finished(pool) : 0;
    if (ret == 0 && all < pool->n)
        ret = mt_fail(err, MT_ERR_CRASHED, "%d of %d segments were never made", pool->n - all,
                      pool->n);
    if (ret < 0 && (err->code == MT_ERR_CANCELLED || err->code == MT_ERR_TIMEOUT))
        mt_hint(err,
                "run the same command again%s to go on: %d of %d segments are finished and kept",
                err->code == MT_ERR_TIMEOUT ? " with a longer --timeout" : "", all, pool->n);
    if (ret == 0)
        mt_engine_sum_up(engine);
    close_pool(pool);
    free(pool);
    return ret;
}
