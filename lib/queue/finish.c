/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finish.c - how attempts end, and what that makes of their jobs. */
#include "queue/internal.h"

#include "base/mem.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { EXIT_TEMPORARY = 5, EXIT_LOCKED = 11, EXIT_SIGNAL = 128 };

const struct mt_queue_times mt_queue_times = {
    .lease_s = 60, .heartbeat_s = 15, .backoff_s = 10, .backoff_max_s = 3600};

/* --- figures --- */

double mt_queue_random(void)
{
    uint32_t bits = 0;

    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        bits = (uint32_t)mt_mono_us();
    return (double)bits / 4294967296.0;
}

double mt_queue_backoff(const struct mt_queue_times *times, int64_t n, double random)
{
    double wait = n < 1 ? times->backoff_s : times->backoff_s * exp2((double)(n > 64 ? 64 : n) - 1);

    if (wait > times->backoff_max_s)
        wait = times->backoff_max_s;
    return wait / 2 + wait / 2 * random;
}

bool mt_queue_status_is_temporary(int exit_status)
{
    return exit_status == EXIT_TEMPORARY || exit_status == EXIT_LOCKED || exit_status > EXIT_SIGNAL;
}

/* --- ends --- */

/* The row under the lease, locked for us. NULL with MT_ERR_LEASE or NOT_FOUND. */
static json_t *hold(struct mt_db *db, const char *id, int64_t token, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *row = mt_db_row(
        db, err,
        mt_queue_sql(db, sql,
                     "SELECT id, job_type, media_asset_id, attempts, max_attempts,"
                     " cancel_requested FROM processing_jobs WHERE id = $1 AND lease_token = $2"
                     " AND status = 'processing' AND lease_until IS NOT NULL {update}"),
        "si", id, token);

    if (!row && err->code == MT_ERR_NOT_FOUND)
        mt_queue_fail_lease(db, id, token, err);
    return row;
}

/* The state that the end leads to. */
static const char *state_after(const json_t *row, const struct mt_queue_end *end)
{
    bool last = mt_json_int(row, "attempts", 0) >= mt_json_int(row, "max_attempts", 1);

    if (strcmp(end->status, "completed") == 0)
        return "completed";
    if (strcmp(end->status, "cancelled") == 0 || mt_json_int(row, "cancel_requested", 0))
        return "cancelled";
    return !end->temporary ? "failed" : last ? "dead" : "pending";
}

static int write_end(struct mt_db *db, const struct mt_queue_end *end, const char *state,
                     double wait_s, struct mt_err *err)
{
    bool completed = strcmp(state, "completed") == 0;
    const char *outcome = completed ? (end->outcome ? end->outcome : "ok") : NULL;
    char sql[MT_QUEUE_SQL];

    if (strcmp(state, "pending") == 0)
        return mt_db_exec(
            db, NULL, err,
            mt_queue_sql(db, sql,
                         "UPDATE processing_jobs SET status = 'pending', run_after = {now+$2},"
                         " error = $3, error_message = $4, current_step = NULL, worker = NULL,"
                         " owner = NULL, lease_until = NULL, heartbeat_at = NULL,"
                         " updated_at = {now} WHERE id = $1"),
            "sdjs", end->job_id, wait_s, end->error, mt_json_str(end->error, "message", NULL));
    return mt_db_exec(
        db, NULL, err,
        mt_queue_sql(db, sql,
                     "UPDATE processing_jobs SET status = $2, outcome = $3, output_results = $4,"
                     " error = $5, error_message = $6, progress = CASE WHEN $7 = 1 THEN 100 ELSE"
                     " progress END, current_step = NULL, owner = NULL, lease_until = NULL,"
                     " completed_at = {now}, updated_at = {now} WHERE id = $1"),
        "sssjjsi", end->job_id, state, outcome, end->results, completed ? NULL : end->error,
        completed ? NULL : mt_json_str(end->error, "message", NULL), (int64_t)completed);
}

static int write_attempt(struct mt_db *db, const struct mt_queue_end *end, const char *state,
                         struct mt_err *err)
{
    bool failed = strcmp(state, "completed") != 0 && strcmp(state, "cancelled") != 0;
    struct mt_queue_attempt_end a = {.status = failed ? "failed" : state,
                                     .stage = mt_json_str(end->error, "stage", NULL),
                                     .exit_status = end->exit_status,
                                     .signal = end->signal,
                                     .error = end->error,
                                     .words = end->words};

    return mt_queue_end_attempt(db, end->job_id, end->token, &a, err);
}

/* In the transaction. -1 with MT_ERR_LEASE or NOT_FOUND leaves it in order. */
static int finish_one(struct mt_db *db, const struct mt_queue_end *end,
                      const struct mt_queue_times *times, struct mt_queue_ended *ended,
                      struct mt_err *err)
{
    json_t *row = hold(db, end->job_id, end->token, err);

    if (!row)
        return -1;
    const char *state = state_after(row, end);
    bool again = strcmp(state, "pending") == 0;
    ended->status = state;
    if (again)
        ended->retry_s =
            mt_queue_backoff(times, mt_json_int(row, "attempts", 1), mt_queue_random());
    int ret = write_end(db, end, state, ended->retry_s, err);
    if (ret == 0)
        ret = write_attempt(db, end, state, err);
    if (ret == 0)
        ret = mt_queue_event(db, again ? "retrying" : state, row, state, end->error, err);
    if (ret == 0 && !again)
        ret = mt_queue_settle(db, end->job_id, state, err);
    json_decref(row);
    return ret;
}

static bool refused(const struct mt_err *err)
{
    return err->code == MT_ERR_LEASE || err->code == MT_ERR_NOT_FOUND;
}

static int finish_all(struct mt_db *db, const struct mt_queue_end ends[], int n,
                      const struct mt_queue_times *times, struct mt_queue_ended ended[],
                      struct mt_err *err)
{
    for (int i = 0; i < n; i++) {
        ended[i] = (struct mt_queue_ended){.status = NULL};
        if (finish_one(db, &ends[i], times, &ended[i], err) == 0)
            continue;
        if (!refused(err))
            return -1;
        ended[i].code = err->code;
    }
    return 0;
}

int mt_queue_finish_many(struct mt_db *db, const struct mt_queue_end ends[], int n,
                         const struct mt_queue_times *times, struct mt_queue_ended ended[],
                         struct mt_err *err)
{
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    if (finish_all(db, ends, n, times, ended, err) < 0) {
        mt_db_rollback(db);
        return -1;
    }
    return mt_db_commit(db, err);
}

int mt_queue_finish(struct mt_db *db, const struct mt_queue_end *end,
                    const struct mt_queue_times *times, struct mt_queue_ended *ended,
                    struct mt_err *err)
{
    *ended = (struct mt_queue_ended){.status = NULL};
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    if (finish_one(db, end, times, ended, err) == 0)
        return mt_db_commit(db, err);
    ended->code = err->code;
    mt_db_rollback(db);
    return -1;
}

/* --- release --- */

static int release(struct mt_db *db, const char *id, int64_t token, const char *words,
                   struct mt_err *err)
{
    json_t *row = hold(db, id, token, err);
    struct mt_queue_attempt_end a = {.status = "released", .exit_status = -1, .words = words};
    char sql[MT_QUEUE_SQL];

    if (!row)
        return -1;
    bool cancelled = mt_json_int(row, "cancel_requested", 0) != 0;
    int ret = mt_db_exec(
        db, NULL, err,
        mt_queue_sql(db, sql,
                     "UPDATE processing_jobs SET status = $2,"
                     " attempts = attempts - 1, current_step = NULL, worker = NULL, owner = NULL,"
                     " lease_until = NULL, heartbeat_at = NULL, started_at = NULL, progress = 0,"
                     " completed_at = CASE WHEN $3 = 1 THEN {now} END,"
                     " updated_at = {now} WHERE id = $1"),
        "ssi", id, cancelled ? "cancelled" : "pending", (int64_t)cancelled);
    if (ret == 0)
        ret = mt_queue_end_attempt(db, id, token, &a, err);
    if (ret == 0)
        ret = mt_queue_event(db, cancelled ? "cancelled" : "released", row,
                             cancelled ? "cancelled" : "pending", NULL, err);
    if (ret == 0)
        ret = cancelled ? mt_queue_settle(db, id, "cancelled", err) : mt_queue_wake(db, err);
    json_decref(row);
    return ret;
}

int mt_queue_release(struct mt_db *db, const char *id, int64_t token, const char *words,
                     struct mt_err *err)
{
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    if (release(db, id, token, words, err) == 0)
        return mt_db_commit(db, err);
    mt_db_rollback(db);
    return -1;
}
