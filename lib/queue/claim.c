/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * claim.c - the best jobs that are ready, leased.
 *
 * Ready jobs stand in lanes: one class, one type, one priority, in the order in
 * which they became ready. An index holds them so, and one walk that jumps from
 * lane to lane finds the heads of all, however many jobs stand behind them. Which
 * lanes are open to this worker is decided here; then jobs are taken from the
 * best ones. So neither a hundred thousand queued jobs nor as many that are
 * paused, delayed or meant for other workers make a claim slower.
 */
#include "queue/internal.h"

#include "queue/schedule.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* What a claim needs on its way. */
struct claiming {
    struct mt_db *db;
    const struct mt_queue_claim *claim;
    json_t *limits; /* rows of queue_limits */
    int64_t now_us;
    json_t *taken;
};

/* --- lanes --- */

#define READY "status = 'pending' AND waiting_on = 0"

static json_t *read_lanes(struct mt_db *db, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];

    return mt_db_rows(
        db, err,
        mt_queue_sql(
            db, sql,
            "WITH RECURSIVE lane(id) AS ("
            " SELECT (SELECT id FROM processing_jobs {lane} WHERE " READY
            " ORDER BY worker_class, job_type, priority, run_after, id LIMIT 1)"
            " UNION ALL"
            " SELECT COALESCE((SELECT id FROM processing_jobs {lane} WHERE " READY
            " AND worker_class = c.worker_class AND job_type = c.job_type"
            " AND priority > c.priority ORDER BY priority, run_after, id LIMIT 1),"
            " (SELECT id FROM processing_jobs {lane} WHERE " READY
            " AND worker_class = c.worker_class AND job_type > c.job_type"
            " ORDER BY job_type, priority, run_after, id LIMIT 1),"
            " (SELECT id FROM processing_jobs {lane} WHERE " READY
            " AND worker_class > c.worker_class"
            " ORDER BY worker_class, job_type, priority, run_after, id LIMIT 1))"
            " FROM lane JOIN processing_jobs AS c ON c.id = lane.id)"
            " SELECT j.id, j.worker_class, j.job_type, j.priority, j.run_after, {now} AS now"
            " FROM lane JOIN processing_jobs AS j ON j.id = lane.id"),
        "");
}

static bool has_word(const json_t *words, const char *word)
{
    size_t i;
    json_t *w;

    json_array_foreach(words, i, w)
    {
        if (strcmp(json_string_value(w), word) == 0)
            return true;
    }
    return words == NULL;
}

static const json_t *limit_of(const struct claiming *c, const char *type)
{
    size_t i;
    json_t *row;

    json_array_foreach(c->limits, i, row)
    {
        if (strcmp(mt_json_str(row, "job_type", ""), type) == 0)
            return row;
    }
    return NULL;
}

/* Whether jobs of the type ("": any) may start at this moment. */
static bool is_open(const struct claiming *c, const char *type)
{
    const json_t *limit = limit_of(c, type);
    const char *text = mt_json_str(limit, "schedule", NULL);
    struct mt_schedule schedule;
    struct mt_err ignored;

    if (mt_json_int(limit, "paused", 0))
        return false;
    return !text || mt_schedule_parse(text, &schedule, &ignored) < 0 ||
           mt_schedule_next(&schedule, c->now_us) <= c->now_us;
}

static bool wanted(const struct claiming *c, const json_t *lane)
{
    const char *type = mt_json_str(lane, "job_type", "");

    return has_word(c->claim->types, type) &&
           has_word(c->claim->classes, mt_json_str(lane, "worker_class", "")) &&
           mt_queue_time(lane, "run_after") <= c->now_us && is_open(c, type) && is_open(c, "");
}

/* Highest priority first, then longest ready. */
static int compare(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a;
    const json_t *y = *(json_t *const *)b;
    int64_t px = mt_json_int(x, "priority", 0);
    int64_t py = mt_json_int(y, "priority", 0);

    if (px != py)
        return px > py ? -1 : 1;
    int order = strcmp(mt_json_str(x, "run_after", ""), mt_json_str(y, "run_after", ""));
    return order ? order : strcmp(mt_json_str(x, "id", ""), mt_json_str(y, "id", ""));
}

/* The same rows, sorted. New; the argument is released. */
static json_t *sorted(json_t *rows)
{
    size_t n = json_array_size(rows);
    json_t **all = calloc(n + 1, sizeof(json_t *));
    json_t *out = json_array();

    for (size_t i = 0; all && i < n; i++)
        all[i] = json_array_get(rows, i);
    if (all)
        qsort((void *)all, n, sizeof *all, compare);
    for (size_t i = 0; all && i < n; i++)
        json_array_append(out, all[i]);
    free((void *)all);
    json_decref(rows);
    return out;
}

/* The lanes open to the worker, best first. New. */
static json_t *open_lanes(struct claiming *c, struct mt_err *err)
{
    json_t *lanes = read_lanes(c->db, err);
    json_t *open = json_array();
    size_t i;
    json_t *lane;

    c->now_us = mt_queue_time(json_array_get(lanes, 0), "now");
    if (json_array_size(lanes) > 0)
        c->limits = mt_db_rows(c->db, err, "SELECT * FROM queue_limits", "");
    if (!lanes || (json_array_size(lanes) > 0 && !c->limits)) {
        json_decref(lanes);
        json_decref(open);
        return NULL;
    }
    json_array_foreach(lanes, i, lane)
    {
        if (wanted(c, lane))
            json_array_append(open, lane);
    }
    json_decref(lanes);
    return sorted(open);
}

/* --- limits --- */

int mt_queue_running(struct mt_db *db, const char *type, int64_t *n, struct mt_err *err)
{
    json_t *row = type && *type
                      ? mt_db_row(db, err,
                                  "SELECT count(*) AS n FROM processing_jobs WHERE status ="
                                  " 'processing' AND job_type = $1 AND lease_until IS NOT NULL",
                                  "s", type)
                      : mt_db_row(db, err,
                                  "SELECT count(*) AS n FROM processing_jobs WHERE status ="
                                  " 'processing' AND lease_until IS NOT NULL",
                                  "");

    *n = mt_json_int(row, "n", 0);
    json_decref(row);
    return row ? 0 : -1;
}

/* Lowers *room to what the limit of the type ("": of all) leaves. Its row is locked by now. */
static int leave_room(const struct claiming *c, const char *type, int64_t *room, struct mt_err *err)
{
    int64_t max = mt_json_int(limit_of(c, type), "max_running", -1);
    int64_t running = 0;

    if (max < 0)
        return 0;
    if (mt_queue_running(c->db, type, &running, err) < 0)
        return -1;
    if (max - running < *room)
        *room = max > running ? max - running : 0;
    return 0;
}

/* Counting and claiming are one, where there is something to be counted. */
static int lock_limits(const struct claiming *c, struct mt_err *err)
{
    bool counted = false;
    char sql[MT_QUEUE_SQL];
    size_t i;
    json_t *row;

    json_array_foreach(c->limits, i, row) counted |= mt_json_int(row, "max_running", -1) >= 0;
    if (!counted)
        return 0;
    json_t *locked =
        mt_db_rows(c->db, err,
                   mt_queue_sql(c->db, sql,
                                "SELECT job_type FROM queue_limits WHERE max_running IS NOT NULL"
                                " ORDER BY job_type {update}"),
                   "");
    json_decref(locked);
    return locked ? 0 : -1;
}

/* --- taking --- */

#define LEASED                                                                                     \
    "UPDATE processing_jobs SET status = 'processing', attempts = attempts + 1,"                   \
    " lease_token = lease_token + 1, lease_until = {now+$1}, heartbeat_at = {now},"                \
    " started_at = {now}, updated_at = {now}, completed_at = NULL, worker = $2, owner = $3,"       \
    " progress = 0, current_step = NULL, steps = NULL, outcome = NULL, output_results = NULL,"     \
    " error = NULL, error_message = NULL, cancel_requested = 0 WHERE "

static json_t *lease_lane(const struct claiming *c, const json_t *lane, int64_t n,
                          struct mt_err *err)
{
    const struct mt_queue_claim *q = c->claim;
    char sql[MT_QUEUE_SQL];
    json_t *none = json_array();
    json_t *rows =
        mt_db_rows(c->db, err,
                   mt_queue_sql(c->db, sql,
                                LEASED "id {in (}SELECT id FROM processing_jobs {lane} WHERE " READY
                                       " AND worker_class = $4 AND job_type = $5 AND priority = $6"
                                       " AND run_after <= {now} AND {needs $7}"
                                       " ORDER BY run_after, id LIMIT $8 {skip}{)} RETURNING *"),
                   "dssssiji", q->lease_s, q->worker, q->owner,
                   mt_json_str(lane, "worker_class", ""), mt_json_str(lane, "job_type", ""),
                   mt_json_int(lane, "priority", 0), q->has ? q->has : none, n);

    json_decref(none);
    return rows;
}

static json_t *lease_one(const struct claiming *c, struct mt_err *err)
{
    const struct mt_queue_claim *q = c->claim;
    char sql[MT_QUEUE_SQL];

    return mt_db_rows(
        c->db, err,
        mt_queue_sql(c->db, sql, LEASED "id = $4 AND " READY " AND run_after <= {now} RETURNING *"),
        "dsss", q->lease_s, q->worker, q->owner, q->job_id);
}

/* The window of a job that has waited beyond it is closed: back it goes, until it opens again. */
static int put_off(const struct claiming *c, const json_t *row, bool *off, struct mt_err *err)
{
    const char *text = mt_json_str(row, "schedule", NULL);
    struct mt_schedule schedule;
    struct mt_err ignored;
    char sql[MT_QUEUE_SQL];
    char when[MT_TIME_TEXT];

    *off = false;
    if (!text || mt_schedule_parse(text, &schedule, &ignored) < 0)
        return 0;
    int64_t next = mt_schedule_next(&schedule, c->now_us);
    if (next <= c->now_us)
        return 0;
    *off = true;
    return mt_db_exec(
        c->db, NULL, err,
        mt_queue_sql(c->db, sql,
                     "UPDATE processing_jobs SET status = 'pending', attempts = attempts - 1,"
                     " lease_until = NULL, heartbeat_at = NULL, started_at = NULL, worker = NULL,"
                     " owner = NULL, run_after = $2, updated_at = {now} WHERE id = $1"),
        "ss", mt_json_str(row, "id", ""), mt_time_text(next, when));
}

static int keep(struct claiming *c, json_t *rows, struct mt_err *err)
{
    int ret = rows ? 0 : -1;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        bool off = false;
        if (ret == 0)
            ret = put_off(c, row, &off, err);
        if (ret == 0 && !off)
            json_array_append(c->taken, row);
    }
    json_decref(rows);
    return ret;
}

static int take_from_lanes(struct claiming *c, const json_t *lanes, struct mt_err *err)
{
    int64_t limit = c->claim->limit;
    size_t i;
    json_t *lane;

    json_array_foreach(lanes, i, lane)
    {
        int64_t room = limit - (int64_t)json_array_size(c->taken);
        if (room <= 0)
            break;
        if (leave_room(c, "", &room, err) < 0 ||
            leave_room(c, mt_json_str(lane, "job_type", ""), &room, err) < 0)
            return -1;
        if (room > 0 && keep(c, lease_lane(c, lane, room, err), err) < 0)
            return -1;
    }
    return 0;
}

/* Rows of job_attempts and events, for all that were taken at once. */
static int record(const struct claiming *c, struct mt_err *err)
{
    json_t *ids = json_array();
    char sql[MT_QUEUE_SQL];
    size_t i;
    json_t *row;

    json_array_foreach(c->taken, i, row) json_array_append(ids, json_object_get(row, "id"));
    int ret = mt_db_exec(
        c->db, NULL, err,
        mt_queue_sql(c->db, sql,
                     "INSERT INTO job_attempts (job_id, lease_token, attempt, worker, started_at)"
                     " SELECT id, lease_token, attempts, worker, started_at FROM processing_jobs"
                     " WHERE id IN {ids $1}"),
        "j", ids);
    if (ret == 0)
        ret = mt_db_exec(c->db, NULL, err,
                         mt_queue_sql(c->db, sql,
                                      "INSERT INTO events (id, type, asset_id, job_id, created_at)"
                                      " SELECT {uuid}, 'job.started', media_asset_id, id, {now}"
                                      " FROM processing_jobs WHERE id IN {ids $1}"),
                         "j", ids);
    json_decref(ids);
    return ret;
}

static int take(struct claiming *c, const json_t *lanes, struct mt_err *err)
{
    if (lock_limits(c, err) < 0)
        return -1;
    if (c->claim->job_id ? keep(c, lease_one(c, err), err) : take_from_lanes(c, lanes, err))
        return -1;
    return json_array_size(c->taken) ? record(c, err) : 0;
}

static int claim_all(struct claiming *c, struct mt_err *err)
{
    json_t *lanes = c->claim->job_id ? json_array() : open_lanes(c, err);

    if (c->claim->job_id && mt_queue_now(c->db, &c->now_us, err) < 0) {
        json_decref(lanes);
        return -1;
    }
    int ret = lanes ? 0 : -1;
    if (ret == 0 && (c->claim->job_id || json_array_size(lanes) > 0)) {
        ret = mt_db_begin(c->db, true, err);
        if (ret == 0) {
            ret = take(c, lanes, err);
            if (ret == 0)
                ret = mt_db_commit(c->db, err);
            else
                mt_db_rollback(c->db);
        }
    }
    json_decref(lanes);
    return ret;
}

json_t *mt_queue_claim(struct mt_db *db, const struct mt_queue_claim *claim, struct mt_err *err)
{
    struct claiming c = {.db = db, .claim = claim, .taken = json_array()};
    int ret = claim_all(&c, err);

    json_decref(c.limits);
    if (ret == 0)
        return sorted(c.taken);
    json_decref(c.taken);
    return NULL;
}
