/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.c - the commands that look after the queue. */
#include "work/internal.h"

#include "base/log.h"
#include "cli/signals.h"
#include "json/json.h"

#include <string.h>
#include <unistd.h>

enum { LOOK_US = 200000 };

/* --- jobs --- */

static int retry(struct mt_work *w, const char *id, struct mt_err *err)
{
    if (mt_queue_retry(w->db, id, err) < 0)
        return -1;
    return mt_work_say(w, id, "pending", err);
}

int mt_work_retry(struct mt_work *w, struct mt_err *err)
{
    return mt_work_each(w, retry, err);
}

static int cancel(struct mt_work *w, const char *id, struct mt_err *err)
{
    const char *status = "";

    if (mt_queue_cancel(w->db, id, &status, err) < 0)
        return -1;
    if (strcmp(status, "processing") == 0)
        status = "cancelling"; /* its worker hears of it with the next heartbeat */
    return mt_work_say(w, id, status, err);
}

int mt_work_cancel(struct mt_work *w, struct mt_err *err)
{
    return mt_work_each(w, cancel, err);
}

static int no_operands(const struct mt_work *w, struct mt_err *err)
{
    if (w->run->n_operands == 0)
        return 0;
    return mt_fail(err, MT_ERR_USAGE, "'%s' takes no operands, and here is '%.100s'",
                   w->run->command->name, w->run->operands[0]);
}

/* Until it is proven that the database has been up for one lease time, or a signal comes. */
static int prove(struct mt_work *w, struct mt_err *err)
{
    double proven_s = 0;

    while (!mt_stop_signal()) {
        if (mt_queue_tick(w->db, (double)w->lease_us / 1e6, &proven_s, err) < 0)
            return -1;
        if (proven_s >= (double)w->lease_us / 1e6)
            break;
        usleep(w->lease_us / 24 < LOOK_US ? (useconds_t)(w->lease_us / 24) : LOOK_US);
    }
    return 0;
}

int mt_work_reap(struct mt_work *w, struct mt_err *err)
{
    size_t i;
    json_t *row;
    int ret = 0;

    if (no_operands(w, err) < 0 || mt_work_open(w, err) < 0 || (w->wait && prove(w, err) < 0))
        return -1;
    json_t *reaped = mt_queue_reap(w->db, (double)w->lease_us / 1e6, err);
    if (!reaped)
        return -1;
    json_array_foreach(reaped, i, row)
    {
        ret = mt_print(row, err);
        if (ret < 0)
            break;
        mt_outcome_add(&w->run->outcome, MT_OK);
    }
    json_decref(reaped);
    return ret;
}

int mt_work_prune(struct mt_work *w, struct mt_err *err)
{
    json_t *states = NULL;
    int64_t removed = 0;

    if (no_operands(w, err) < 0 || mt_work_words("--states", w->states, &states, err) < 0)
        return -1;
    int ret = mt_work_open(w, err);
    if (ret == 0)
        ret = mt_queue_prune(w->db, states, (double)w->older_us / 1e6, w->common->dry_run, &removed,
                             err);
    json_decref(states);
    if (ret < 0)
        return -1;
    json_t *answer = json_pack("{s:i, s:I, s:b}", "schema", 1, "removed", (json_int_t)removed,
                               "dry_run", (int)w->common->dry_run);
    ret = mt_print(answer, err);
    json_decref(answer);
    return ret;
}

/* --- types --- */

static int say_type(struct mt_work *w, const char *type, int64_t running, struct mt_err *err)
{
    json_t *answer = json_pack("{s:i, s:s, s:s, s:I}", "schema", 1, "type", type, "command",
                               w->run->command->name, "running", (json_int_t)running);
    int ret = mt_print(answer, err);

    json_decref(answer);
    mt_outcome_add(&w->run->outcome, MT_OK);
    return ret;
}

/* Until none of the type runs any more. */
static int await_none(struct mt_work *w, const char *type, int64_t *running, struct mt_err *err)
{
    do {
        if (mt_queue_running(w->db, type, running, err) < 0)
            return -1;
        if (*running == 0 || !w->wait)
            return 0;
        usleep(LOOK_US);
    } while (!mt_stop_signal());
    return mt_fail(err, MT_ERR_CANCELLED, "%lld still run", (long long)*running);
}

static int limit_one(struct mt_work *w, const char *type, int paused, struct mt_err *err)
{
    struct mt_queue_limit limit = {
        .type = type, .paused = paused, .max_running = w->max_running, .schedule = w->window};
    int64_t running = 0;

    if (mt_queue_limit(w->db, &limit, err) < 0 || await_none(w, type, &running, err) < 0)
        return -1;
    return say_type(w, type, running, err);
}

/* Each type among the operands; without any the whole queue, which is called "". */
static int limit_all(struct mt_work *w, int paused, struct mt_err *err)
{
    if (mt_work_open(w, err) < 0)
        return -1;
    if (w->run->n_operands == 0)
        return limit_one(w, "", paused, err);
    for (int i = 0; i < w->run->n_operands; i++)
        if (limit_one(w, w->run->operands[i], paused, err) < 0)
            return -1;
    return 0;
}

int mt_work_pause(struct mt_work *w, struct mt_err *err)
{
    return limit_all(w, 1, err);
}

int mt_work_resume(struct mt_work *w, struct mt_err *err)
{
    return limit_all(w, 0, err);
}

int mt_work_drain(struct mt_work *w, struct mt_err *err)
{
    if (!w->filter.worker) {
        w->wait = true;
        return limit_all(w, 1, err);
    }
    if (no_operands(w, err) < 0 || mt_work_open(w, err) < 0 ||
        mt_queue_worker_drain(w->db, w->filter.worker, true, err) < 0)
        return -1;
    json_t *answer =
        json_pack("{s:i, s:s, s:b}", "schema", 1, "worker", w->filter.worker, "draining", 1);
    int ret = mt_print(answer, err);
    json_decref(answer);
    return ret;
}

int mt_work_limit(struct mt_work *w, struct mt_err *err)
{
    if (w->max_running < 0 && !w->window) {
        mt_fail(err, MT_ERR_USAGE, "'limit' wants --max-running or --schedule");
        return mt_hint(err, "--max-running 0 and --schedule '' lift the limits");
    }
    return limit_all(w, -1, err);
}

int mt_work_depth(struct mt_work *w, struct mt_err *err)
{
    if (no_operands(w, err) < 0 || mt_db_open(&w->db, w->common->db, w->dbs, MT_DB_READ, err) < 0)
        return -1;
    if (mt_db_begin(w->db, false, err) < 0)
        return -1;
    json_t *depth = mt_queue_depth(w->db, err);
    mt_db_rollback(w->db);
    int ret = -1;
    if (depth)
        ret = w->json ? mt_print_line(depth, err) : mt_print(depth, err);
    json_decref(depth);
    return ret;
}
