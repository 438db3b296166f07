/* SPDX-License-Identifier: GPL-2.0-or-later */
/* steps.c - what a supervisor does with the database; see supervise.h. */
#include "work/supervise.h"

#include "base/log.h"
#include "base/mem.h"
#include "work/tree.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { SECOND_US = 1000000, TICK_US = 5 * SECOND_US, TELL_US = SECOND_US };

int mt_supervisor_busy(const struct mt_supervisor *s)
{
    int n = 0;

    for (int i = 0; i < s->n; i++)
        n += s->slots[i].state != MT_SLOT_FREE;
    return n;
}

int64_t mt_supervisor_pause(const struct mt_work *w)
{
    return w->lease_us < 20 * SECOND_US ? w->lease_us / 20 : SECOND_US;
}

/* --- claims --- */

/* Not all workers at the same moment. */
static int64_t soon(int64_t us)
{
    return mt_mono_us() + (int64_t)((double)us * (0.8 + 0.4 * mt_queue_random()));
}

static void start_all(struct mt_supervisor *s, const json_t *rows)
{
    int at = 0;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        while (s->slots[at].state != MT_SLOT_FREE)
            at++;
        mt_slot_start(&s->slots[at], row, &s->plan);
        mt_log(MT_LOG_INFO, "job '%s' (%s): attempt %lld", s->slots[at].id, s->slots[at].type,
               (long long)mt_json_int(row, "attempts", 0));
    }
}

/* Where the database can tell that there may be work, it is not waited for by the clock. */
static void hear(struct mt_supervisor *s)
{
    bool stirs = false;
    struct mt_err err;

    if (!s->db.db)
        return;
    if (mt_queue_stirs(s->db.db, &stirs, &err) < 0)
        mt_patient_lost(&s->db, &err);
    else if (stirs)
        s->claim_us = 0;
}

void mt_supervisor_claim(struct mt_supervisor *s)
{
    int room = s->most - mt_supervisor_busy(s);
    struct mt_err err;

    if (!s->draining && room > 0)
        hear(s);
    if (s->draining || (s->w->once && s->asked) || room <= 0 || mt_mono_us() < s->claim_us ||
        json_array_size(s->types) == 0 || !mt_patient_ready(&s->db))
        return;
    struct mt_queue_claim claim = {.types = s->types,
                                   .classes = s->classes,
                                   .has = s->has,
                                   .limit = room < MT_QUEUE_BATCH_MAX ? room : MT_QUEUE_BATCH_MAX,
                                   .worker = s->name,
                                   .owner = s->worker.owner,
                                   .lease_s = s->times.lease_s};
    json_t *rows = mt_queue_claim(s->db.db, &claim, &err);
    if (!rows) {
        if (!mt_patient_lost(&s->db, &err))
            mt_log_err(MT_LOG_ERROR, &err);
        s->claim_us = soon(s->w->poll_us);
        return;
    }
    s->asked = true;
    s->empty = json_array_size(rows) == 0;
    if ((int)json_array_size(rows) < room)
        s->claim_us = soon(s->w->poll_us);
    start_all(s, rows);
    json_decref(rows);
}

/* --- leases --- */

/* Whether the slot may go on; the lease's loss and the wish to cancel stop it. */
static bool heed(struct mt_supervisor *s, struct mt_slot *slot, int ret, bool cancel,
                 const struct mt_err *err)
{
    if (ret < 0 && mt_patient_lost(&s->db, err))
        return false;
    if (ret < 0) {
        mt_log_err(MT_LOG_WARN, err);
        mt_slot_stop(slot, MT_STOP_LOST, 0);
    } else if (cancel) {
        mt_slot_stop(slot, MT_STOP_CANCEL, s->w->grace_us);
    }
    return true;
}

static bool due(const struct mt_slot *slot, int64_t now)
{
    return slot->state != MT_SLOT_FREE && slot->stop != MT_STOP_LOST && now >= slot->beat_us;
}

static int count_due(const struct mt_supervisor *s)
{
    int64_t now = mt_mono_us();
    int n = 0;

    for (int i = 0; i < s->n; i++)
        n += due(&s->slots[i], now);
    return n;
}

/* None of a transaction that was not committed counts. */
static void beat_again(struct mt_supervisor *s)
{
    for (int i = 0; i < s->n; i++)
        s->slots[i].beat_us = 0;
}

/* Renews all that are due, in one transaction if there are several. */
void mt_supervisor_beat(struct mt_supervisor *s)
{
    int64_t now = mt_mono_us();
    int n = count_due(s);
    struct mt_err err;

    if (n == 0 || !mt_patient_ready(&s->db))
        return;
    if (n > 1 && mt_db_begin(s->db.db, true, &err) < 0) {
        mt_patient_lost(&s->db, &err);
        return;
    }
    for (int i = 0; i < s->n; i++) {
        struct mt_slot *slot = &s->slots[i];
        bool cancel = false;
        if (!due(slot, now))
            continue;
        int ret =
            mt_queue_heartbeat(s->db.db, slot->id, slot->token, s->times.lease_s, &cancel, &err);
        if (!heed(s, slot, ret, cancel, &err)) {
            beat_again(s);
            return;
        }
        slot->beat_us = now + s->plan.beat_us;
    }
    if (n > 1 && mt_db_commit(s->db.db, &err) < 0) {
        beat_again(s);
        mt_patient_lost(&s->db, &err);
    }
}

/* What handlers have told lately, once a second each. */
void mt_supervisor_relay(struct mt_supervisor *s)
{
    int64_t now = mt_mono_us();

    for (int i = 0; i < s->n; i++) {
        struct mt_slot *slot = &s->slots[i];
        struct mt_queue_progress p = {.percent = slot->handler.percent,
                                      .step = *slot->handler.step ? slot->handler.step : NULL};
        bool cancel = false;
        struct mt_err err;
        if (slot->state != MT_SLOT_RUNNING || !slot->handler.news || slot->stop ||
            now - slot->told_us < TELL_US || !mt_patient_ready(&s->db))
            continue;
        slot->handler.news = false;
        slot->told_us = now;
        int ret = mt_queue_progress(s->db.db, slot->id, slot->token, &p, &cancel, &err);
        if (!heed(s, slot, ret, cancel, &err))
            return;
    }
}

/* --- ends --- */

static void say_end(const struct mt_slot *slot, const char *status, double retry_s)
{
    int64_t ms = (mt_mono_us() - slot->started_us) / 1000;

    if (slot->error && strcmp(status, "completed") != 0)
        mt_log(MT_LOG_WARN, "job '%s' (%s): %s after %lld ms: %s", slot->id, slot->type,
               retry_s > 0 ? "to be retried" : status, (long long)ms,
               mt_json_str(slot->error, "message", ""));
    else
        mt_log(MT_LOG_INFO, "job '%s' (%s): %s after %lld ms", slot->id, slot->type, status,
               (long long)ms);
}

/* 0: it is written, or refused for good; -1: the database is away. */
static int write_end(struct mt_supervisor *s, struct mt_slot *slot)
{
    struct mt_queue_ended ended = {.status = "pending"};
    bool waiting = !slot->release && json_array_size(slot->end.waits_for) > 0;
    struct mt_err err;
    int ret = slot->release ? mt_queue_release(s->db.db, slot->id, slot->token, slot->words, &err)
                            : mt_queue_finish(s->db.db, &slot->end, &s->times, &ended, &err);

    if (ret < 0 && mt_patient_lost(&s->db, &err))
        return -1;
    if (ret < 0) {
        mt_log_err(MT_LOG_WARN, &err);
        return 0;
    }
    s->done += strcmp(ended.status, "completed") == 0;
    s->retried += strcmp(ended.status, "pending") == 0 && !waiting;
    s->failed += strcmp(ended.status, "failed") == 0 || strcmp(ended.status, "dead") == 0;
    say_end(slot,
            slot->release                                     ? "released"
            : waiting && strcmp(ended.status, "pending") == 0 ? "waiting for others"
                                                              : ended.status,
            ended.retry_s);
    return 0;
}

void mt_supervisor_finish(struct mt_supervisor *s)
{
    for (int i = 0; i < s->n; i++) {
        struct mt_slot *slot = &s->slots[i];
        if (slot->state != MT_SLOT_ENDED)
            continue;
        if (slot->stop == MT_STOP_LOST) {
            mt_slot_clear(slot);
            continue;
        }
        if (!mt_patient_ready(&s->db) || write_end(s, slot) < 0)
            return;
        mt_slot_clear(slot);
        s->claim_us = 0;
    }
}

/* --- the worker itself --- */

static void reap(struct mt_supervisor *s)
{
    struct mt_err err;
    json_t *reaped = mt_queue_reap(s->db.db, s->times.lease_s, &err);
    size_t i;
    json_t *row;

    if (!reaped && !mt_patient_lost(&s->db, &err))
        mt_log_err(MT_LOG_ERROR, &err);
    json_array_foreach(reaped, i, row)
    {
        char *tag = mt_asprintf("MEDIA_LEASE=%s:%lld", mt_json_str(row, "job_id", ""),
                                (long long)mt_json_int(row, "token", 0));
        int killed = mt_tree_kill_tagged(tag);
        mt_log(MT_LOG_WARN, "job '%s': worker '%s' was lost, the job is %s%s",
               mt_json_str(row, "job_id", ""), mt_json_str(row, "worker", "?"),
               mt_json_str(row, "status", ""), killed ? "; what it left here was killed" : "");
        free(tag);
    }
    json_decref(reaped);
}

void mt_supervisor_tick(struct mt_supervisor *s)
{
    int64_t now = mt_mono_us();
    bool draining = false;
    struct mt_err err;

    if (now >= s->reap_us && mt_patient_ready(&s->db)) {
        reap(s);
        s->reap_us = now + (s->w->lease_us < 12 * SECOND_US ? s->w->lease_us / 12 : SECOND_US);
    }
    if (now < s->tick_us || !mt_patient_ready(&s->db))
        return;
    s->tick_us = soon(TICK_US);
    if (mt_queue_worker_seen(s->db.db, &s->worker, &draining, &err) < 0) {
        if (!mt_patient_lost(&s->db, &err))
            mt_log_err(MT_LOG_ERROR, &err);
    } else if (draining && !s->draining) {
        mt_log(MT_LOG_WARN, "worker '%s' is to take no more jobs", s->name);
        s->draining = true;
    }
}
