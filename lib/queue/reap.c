/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reap.c - leases that nobody renews.
 *
 * shared_state 'queue.uptime' holds since when the database has been seen up
 * without a gap, and when it was seen last, both in its own time. A gap is an
 * outage, a pause of all workers, or a clock that was set forward: in each case
 * workers are given one lease time before anything is taken from them.
 */
#include "queue/internal.h"

#include "catalog/owner.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { REAP_MAX = 1000, SECOND = 1000000 };

/* How far a clock may step back without being noticed. */
static const int64_t back_us = INT64_C(1) * SECOND;

/* The longest silence that is no gap: a worker that misses so much can still renew in time. */
static int64_t gap_of(double lease_s)
{
    return (int64_t)(lease_s / 3 * SECOND);
}

/* --- ticks --- */

/*
 * A clock that was set back leaves heartbeats in the future: their leases would
 * last that much too long. Each is made to begin now.
 */
static int mend_leases(struct mt_db *db, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *rows = mt_db_rows(
        db, err,
        mt_queue_sql(db, sql,
                     "SELECT id, lease_token, heartbeat_at, lease_until FROM processing_jobs"
                     " WHERE status = 'processing' AND heartbeat_at > {now}"
                     " AND lease_until IS NOT NULL"),
        "");
    int ret = rows ? 0 : -1;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        int64_t length = mt_queue_time(row, "lease_until") - mt_queue_time(row, "heartbeat_at");
        if (ret == 0)
            ret = mt_db_exec(db, NULL, err,
                             mt_queue_sql(db, sql,
                                          "UPDATE processing_jobs SET heartbeat_at = {now},"
                                          " lease_until = {now+$3} WHERE id = $1"
                                          " AND lease_token = $2 AND heartbeat_at > {now}"),
                             "sid", mt_json_str(row, "id", ""), mt_json_int(row, "lease_token", 0),
                             (double)length / SECOND);
    }
    json_decref(rows);
    return ret;
}

/*
 * Nor has a job that was ready before to wait until the clock comes to that time again, or one
 * whose next attempt was due some seconds later. What somebody wanted later, stays later.
 */
static int mend_pending(struct mt_db *db, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];

    return mt_db_exec(db, NULL, err,
                      mt_queue_sql(db, sql,
                                   "UPDATE processing_jobs SET run_after = {now},"
                                   " updated_at = {now} WHERE status = 'pending'"
                                   " AND updated_at > {now} AND run_after > {now}"
                                   " AND (run_after <= updated_at OR attempts > 0)"),
                      "");
}

static int write_uptime(struct mt_db *db, int64_t since_us, int64_t seen_us, struct mt_err *err)
{
    char since[MT_TIME_TEXT];
    char seen[MT_TIME_TEXT];
    json_t *value = json_pack("{s:s, s:s}", "since", mt_time_text(since_us, since), "seen",
                              mt_time_text(seen_us, seen));
    char sql[MT_QUEUE_SQL];
    int ret = mt_db_exec(
        db, NULL, err,
        mt_queue_sql(db, sql,
                     "INSERT INTO shared_state (name, value, updated_at)"
                     " VALUES ('queue.uptime', $1, {now}) ON CONFLICT (name)"
                     " DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"),
        "j", value);

    json_decref(value);
    return ret;
}

/* When it was up since and seen last; *now_us. No row yet is no failure. */
static int read_uptime(struct mt_db *db, int64_t *since_us, int64_t *seen_us, int64_t *now_us,
                       struct mt_err *err)
{
    json_t *row =
        mt_db_row(db, err, "SELECT value FROM shared_state WHERE name = 'queue.uptime'", "");

    if (!row && err->code != MT_ERR_NOT_FOUND)
        return -1;
    *since_us = mt_queue_time(json_object_get(row, "value"), "since");
    *seen_us = mt_queue_time(json_object_get(row, "value"), "seen");
    json_decref(row);
    return mt_queue_now(db, now_us, err);
}

int mt_queue_tick(struct mt_db *db, double lease_s, double *proven_s, struct mt_err *err)
{
    int64_t gap_us = gap_of(lease_s);
    int64_t since;
    int64_t seen;
    int64_t now;

    if (read_uptime(db, &since, &seen, &now, err) < 0)
        return -1;
    bool back = seen > now + back_us;
    bool gap = seen == 0 || since > seen || now - seen > gap_us || back;
    if (gap)
        since = now;
    if (proven_s)
        *proven_s = (double)(now - since) / SECOND;
    if (back && (mend_leases(db, err) < 0 || mend_pending(db, err) < 0))
        return -1;
    return gap || now - seen >= gap_us / 4 ? write_uptime(db, since, now, err) : 0;
}

/* --- reaping --- */

/* Whether the lease may be taken: it is over for sure, or its process is dead for sure. */
static bool is_lost(const json_t *row, int64_t now_us, double lease_s, double proven_s)
{
    const char *owner = mt_json_str(row, "owner", NULL);
    int64_t until = mt_queue_time(row, "lease_until");
    double length = (double)(until - mt_queue_time(row, "heartbeat_at")) / SECOND;

    if (owner && mt_owner_state(owner) == MT_OWNER_DEAD)
        return true;
    /* Of shorter leases than ours a gap may have gone unnoticed. */
    int64_t spare_us = length < lease_s ? gap_of(lease_s) - gap_of(length) : 0;
    return until + spare_us < now_us && proven_s >= length;
}

static json_t *lapse_error(const json_t *row)
{
    const char *worker = mt_json_str(row, "worker", "?");
    struct mt_err why;

    mt_fail(&why, MT_ERR_CRASHED, "worker '%s' was not heard of again", worker);
    mt_hint(&why, "it died, froze or was cut off; its own log may say more");
    json_t *error = mt_err_to_json(&why);
    json_object_set_new(error, "stage", json_string("queue"));
    return error;
}

static const char *state_after(const json_t *row)
{
    if (mt_json_int(row, "cancel_requested", 0))
        return "cancelled";
    return mt_json_int(row, "attempts", 0) >= mt_json_int(row, "max_attempts", 1) ? "dead"
                                                                                  : "pending";
}

/*
 * Only if nobody has renewed it since it was looked at. A row that somebody holds just now, who
 * may be a frozen worker in the middle of a transaction, is left for the next time: the others
 * must not wait for it.
 */
static int take_back(struct mt_db *db, const json_t *row, const char *state, const json_t *error,
                     bool *taken, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    int64_t changes = 0;
    bool over = strcmp(state, "pending") != 0;
    int ret = mt_db_exec(
        db, &changes, err,
        mt_queue_sql(
            db, sql,
            "UPDATE processing_jobs SET status = $4, run_after = {now}, error = $5,"
            " error_message = $6, current_step = NULL, owner = NULL, lease_until = NULL,"
            " completed_at = CASE WHEN $7 = 1 THEN {now} END, updated_at = {now}"
            " WHERE id = (SELECT id FROM processing_jobs WHERE id = $1"
            " AND lease_token = $2 AND status = 'processing' AND lease_until = $3 {skip})"),
        "sissjsi", mt_json_str(row, "id", ""), mt_json_int(row, "lease_token", 0),
        mt_json_str(row, "lease_until", ""), state, error, mt_json_str(error, "message", NULL),
        (int64_t)over);

    *taken = changes == 1;
    return ret;
}

static int reap_row(struct mt_db *db, const json_t *row, json_t *reaped, struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    const char *state = state_after(row);
    json_t *error = lapse_error(row);
    struct mt_queue_attempt_end a = {.status = "lapsed", .exit_status = -1, .error = error};
    bool taken = false;
    int ret = take_back(db, row, state, error, &taken, err);

    if (ret == 0 && taken) {
        bool again = strcmp(state, "pending") == 0;
        ret = mt_queue_end_attempt(db, id, mt_json_int(row, "lease_token", 0), &a, err);
        if (ret == 0)
            ret = mt_queue_event(db, again ? "lapsed" : state, row, state, error, err);
        if (ret == 0 && !again)
            ret = mt_queue_settle(db, id, state, err);
        json_array_append_new(reaped, json_pack("{s:i, s:s, s:s, s:O*, s:O*, s:O*}", "schema", 1,
                                                "job_id", id, "status", state, "worker",
                                                json_object_get(row, "worker"), "attempt",
                                                json_object_get(row, "attempts"), "token",
                                                json_object_get(row, "lease_token")));
    }
    json_decref(error);
    return ret;
}

static int reap_rows(struct mt_db *db, const json_t *rows, json_t *reaped, struct mt_err *err)
{
    size_t i;
    json_t *row;

    if (mt_db_begin(db, true, err) < 0)
        return -1;
    json_array_foreach(rows, i, row)
    {
        if (reap_row(db, row, reaped, err) < 0) {
            mt_db_rollback(db);
            return -1;
        }
    }
    if (mt_queue_wake(db, err) < 0) {
        mt_db_rollback(db);
        return -1;
    }
    return mt_db_commit(db, err);
}

/* The leases that are lost, oldest first. New. */
static json_t *lost(struct mt_db *db, double lease_s, double proven_s, struct mt_err *err)
{
    json_t *rows = mt_db_rows(db, err,
                              "SELECT id, job_type, media_asset_id, attempts, max_attempts,"
                              " lease_token, lease_until, heartbeat_at, worker, owner,"
                              " cancel_requested FROM processing_jobs"
                              " WHERE status = 'processing' AND lease_until IS NOT NULL"
                              " ORDER BY lease_until LIMIT $1",
                              "i", (int64_t)REAP_MAX);
    json_t *out = rows ? json_array() : NULL;
    int64_t now = 0;
    size_t i;
    json_t *row;

    if (rows && json_array_size(rows) > 0 && mt_queue_now(db, &now, err) < 0) {
        json_decref(rows);
        json_decref(out);
        return NULL;
    }
    json_array_foreach(rows, i, row)
    {
        if (is_lost(row, now, lease_s, proven_s))
            json_array_append(out, row);
    }
    json_decref(rows);
    return out;
}

json_t *mt_queue_reap(struct mt_db *db, double lease_s, struct mt_err *err)
{
    double proven_s = 0;
    json_t *reaped = json_array();

    if (mt_queue_tick(db, lease_s, &proven_s, err) < 0) {
        json_decref(reaped);
        return NULL;
    }
    json_t *rows = lost(db, lease_s, proven_s, err);
    if (!rows || (json_array_size(rows) > 0 && reap_rows(db, rows, reaped, err) < 0)) {
        json_decref(rows);
        json_decref(reaped);
        return NULL;
    }
    json_decref(rows);
    return reaped;
}
