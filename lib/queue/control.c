/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control.c - the queue from outside: cancel, retry, prune, limits, workers. */
#include "queue/internal.h"

#include "catalog/owner.h"
#include "queue/schedule.h"
#include "json/json.h"

#include <string.h>

enum { PRUNE_AT_ONCE = 500, SILENT_S = 3600 };

/* Runs fn in a writing transaction. */
static int within(struct mt_db *db,
                  int (*fn)(struct mt_db *db, const char *id, void *arg, struct mt_err *err),
                  const char *id, void *arg, struct mt_err *err)
{
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    if (fn(db, id, arg, err) == 0)
        return mt_db_commit(db, err);
    mt_db_rollback(db);
    return -1;
}

/* The row, locked. NULL with MT_ERR_NOT_FOUND. */
static json_t *hold(struct mt_db *db, const char *id, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *row = mt_db_row(
        db, err,
        mt_queue_sql(db, sql,
                     "SELECT id, job_type, media_asset_id, status, lease_until, unique_key"
                     " FROM processing_jobs WHERE id = $1 {update}"),
        "s", id);

    if (!row && err->code == MT_ERR_NOT_FOUND)
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no job '%.60s'", id);
    return row;
}

static bool is(const json_t *row, const char *status)
{
    return strcmp(mt_json_str(row, "status", ""), status) == 0;
}

/* --- cancel --- */

static const char *constant(const char *status)
{
    static const char *const all[] = {"pending", "processing", "completed",
                                      "failed",  "cancelled",  "dead"};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i], status) == 0)
            return all[i];
    return "pending";
}

static int cancel_pending(struct mt_db *db, const json_t *row, struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    char sql[MT_QUEUE_SQL];
    struct mt_err why;

    mt_fail(&why, MT_ERR_CANCELLED, "cancelled before it was begun");
    json_t *error = mt_err_to_json(&why);
    json_object_set_new(error, "stage", json_string("queue"));
    int ret = mt_db_exec(
        db, NULL, err,
        mt_queue_sql(db, sql,
                     "UPDATE processing_jobs SET status = 'cancelled', completed_at = {now},"
                     " updated_at = {now}, cancel_requested = 1, error = $2, error_message = $3"
                     " WHERE id = $1"),
        "sjs", id, error, why.msg);
    if (ret == 0)
        ret = mt_queue_event(db, "cancelled", row, "cancelled", error, err);
    json_decref(error);
    return ret < 0 ? -1 : mt_queue_settle(db, id, "cancelled", err);
}

static int cancel(struct mt_db *db, const char *id, void *arg, struct mt_err *err)
{
    const char **status = arg;
    json_t *row = mt_queue_hold_children(db, id, err) < 0 ? NULL : hold(db, id, err);
    int ret = row ? 0 : -1;

    if (ret == 0 && is(row, "pending")) {
        *status = "cancelled";
        ret = cancel_pending(db, row, err);
    } else if (ret == 0) {
        *status = constant(mt_json_str(row, "status", ""));
        if (is(row, "processing"))
            ret = mt_db_exec(db, NULL, err,
                             "UPDATE processing_jobs SET cancel_requested = 1 WHERE id = $1", "s",
                             id);
    }
    json_decref(row);
    return ret;
}

int mt_queue_cancel(struct mt_db *db, const char *id, const char **status, struct mt_err *err)
{
    return within(db, cancel, id, status, err);
}

/* --- retry --- */

static int fail_same(const json_t *row, struct mt_err *err)
{
    mt_fail(err, MT_ERR_LOCKED, "work identical to job '%s' waits or runs already (key '%.100s')",
            mt_json_str(row, "id", ""), mt_json_str(row, "unique_key", ""));
    return mt_hint(err, "media-queue depth and media-status jobs show what there is");
}

static int retry(struct mt_db *db, const char *id, void *arg, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *row = hold(db, id, err);
    int ret = -1;

    (void)arg;
    if (!row)
        return -1;
    if (is(row, "failed") || is(row, "dead") || is(row, "cancelled"))
        ret = mt_db_exec(
            db, NULL, err,
            mt_queue_sql(db, sql,
                         "UPDATE processing_jobs SET status = 'pending', attempts = 0,"
                         " run_after = {now}, error = NULL, error_message = NULL, progress = 0,"
                         " started_at = NULL, completed_at = NULL, worker = NULL, owner = NULL,"
                         " cancel_requested = 0, outcome = NULL, updated_at = {now}"
                         " WHERE id = $1"),
            "s", id);
    else
        mt_fail(err, MT_ERR_USAGE, "job '%s' is %s, there is nothing to retry", id,
                mt_json_str(row, "status", ""));
    if (ret < 0 && mt_db_is_conflict(err))
        fail_same(row, err);
    /* What it has waited for in the middle of its work is of no concern from the beginning. */
    if (ret == 0)
        ret = mt_db_exec(db, NULL, err,
                         "DELETE FROM job_dependencies WHERE job_id = $1 AND on_failure = 'wake'",
                         "s", id);
    if (ret == 0)
        ret = mt_queue_recount(db, id, err);
    if (ret == 0)
        ret = mt_queue_event(db, "queued", row, "pending", NULL, err);
    if (ret == 0)
        ret = mt_queue_unsettle(db, id, err);
    if (ret == 0)
        ret = mt_queue_wake(db, err);
    json_decref(row);
    return ret;
}

int mt_queue_retry(struct mt_db *db, const char *id, struct mt_err *err)
{
    return within(db, retry, id, NULL, err);
}

/* --- prune --- */

/* What others depend on stays while they wait. $1: states, $2: the age, negative. */
#define IS_OLD                                                                                     \
    "status IN {words $1} AND completed_at < {now+$2} AND NOT EXISTS (SELECT 1"                    \
    " FROM job_dependencies AS d JOIN processing_jobs AS p ON p.id = d.job_id"                     \
    " WHERE d.depends_on = j.id AND p.status IN ('pending', 'processing'))"

/*
 * Some at a time, so that nobody waits for long. Deleting a job deletes what belongs to it, so
 * that goes first, by itself, and what of it has to stay keeps the job.
 */
static int prune_some(struct mt_db *db, const json_t *states, double age_s, int64_t *n,
                      struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];

    return mt_db_exec(db, n, err,
                      mt_queue_sql(db, sql,
                                   "DELETE FROM processing_jobs WHERE id IN"
                                   " (SELECT id FROM processing_jobs AS j WHERE " IS_OLD
                                   " AND NOT EXISTS (SELECT 1 FROM processing_jobs AS c"
                                   " WHERE c.parent_id = j.id) LIMIT $3)"),
                      "jdi", states, -age_s, (int64_t)PRUNE_AT_ONCE);
}

/* How many that comes to: of those that are old not what leads to one that is not. */
static int count_old(struct mt_db *db, const json_t *states, double age_s, int64_t *n,
                     struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *row = mt_db_row(
        db, err,
        mt_queue_sql(db, sql,
                     "WITH RECURSIVE old AS (SELECT id FROM processing_jobs AS j WHERE " IS_OLD "),"
                     " kept AS (SELECT parent_id FROM processing_jobs WHERE parent_id IS NOT NULL"
                     " AND id NOT IN (SELECT id FROM old) UNION SELECT p.parent_id FROM kept AS k"
                     " JOIN processing_jobs AS p ON p.id = k.parent_id"
                     " WHERE p.parent_id IS NOT NULL)"
                     " SELECT count(*) AS n FROM old"
                     " WHERE id NOT IN (SELECT parent_id FROM kept)"),
        "jd", states, -age_s);

    *n = mt_json_int(row, "n", 0);
    json_decref(row);
    return row ? 0 : -1;
}

int mt_queue_prune(struct mt_db *db, const json_t *states, double age_s, bool dry_run,
                   int64_t *removed, struct mt_err *err)
{
    int64_t n = 0;

    *removed = 0;
    if (dry_run)
        return count_old(db, states, age_s, removed, err);
    do {
        if (prune_some(db, states, age_s, &n, err) < 0)
            return -1;
        *removed += n;
    } while (n > 0);
    return 0;
}

/* --- limits --- */

int mt_queue_limit(struct mt_db *db, const struct mt_queue_limit *l, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    struct mt_schedule parsed;

    if (*l->type && !mt_queue_word_ok(l->type))
        return mt_fail(err, MT_ERR_USAGE, "no job type is called '%.60s'", l->type);
    if (l->schedule && *l->schedule && mt_schedule_parse(l->schedule, &parsed, err) < 0)
        return -1;
    return mt_db_exec(
        db, NULL, err,
        mt_queue_sql(db, sql,
                     "INSERT INTO queue_limits (job_type, paused, max_running, schedule,"
                     " updated_at) VALUES ($1, CASE WHEN $2 < 0 THEN 0 ELSE $2 END,"
                     " CASE WHEN $3 > 0 THEN $3 END, NULLIF(COALESCE($4, ''), ''), {now})"
                     " ON CONFLICT (job_type) DO UPDATE SET"
                     " paused = CASE WHEN $2 < 0 THEN queue_limits.paused ELSE $2 END,"
                     " max_running = CASE WHEN $3 < 0 THEN queue_limits.max_running"
                     " WHEN $3 > 0 THEN $3 END,"
                     " schedule = CASE WHEN $4 IS NULL THEN queue_limits.schedule"
                     " ELSE NULLIF($4, '') END, updated_at = {now}"),
        "siis", l->type, (int64_t)l->paused, l->max_running, l->schedule);
}

/* --- workers --- */

/* Those of this machine whose process is dead, and any that has been silent for long. */
static int forget_dead(struct mt_db *db, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *rows = mt_db_rows(
        db, err,
        mt_queue_sql(db, sql,
                     "SELECT id, owner, CASE WHEN heartbeat_at < {now+$1} THEN 1 ELSE 0 END AS"
                     " silent FROM workers"),
        "d", -(double)SILENT_S);
    int ret = rows ? 0 : -1;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        const char *owner = mt_json_str(row, "owner", "");
        if (ret == 0 && (mt_json_int(row, "silent", 0) || mt_owner_state(owner) == MT_OWNER_DEAD))
            ret = mt_db_exec(db, NULL, err, "DELETE FROM workers WHERE id = $1 AND owner = $2",
                             "ss", mt_json_str(row, "id", ""), owner);
    }
    json_decref(rows);
    return ret;
}

int mt_queue_worker_seen(struct mt_db *db, const struct mt_queue_worker *w, bool *draining,
                         struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *row = mt_db_row(
        db, err,
        mt_queue_sql(db, sql,
                     "INSERT INTO workers (id, owner, classes, capabilities, slots, started_at,"
                     " heartbeat_at) VALUES ($1, $2, $3, $4, $5, {now}, {now})"
                     " ON CONFLICT (id) DO UPDATE SET draining = CASE WHEN workers.owner ="
                     " excluded.owner THEN workers.draining ELSE 0 END, owner = excluded.owner,"
                     " classes = excluded.classes, capabilities = excluded.capabilities,"
                     " slots = excluded.slots, heartbeat_at = excluded.heartbeat_at"
                     " RETURNING draining"),
        "ssjji", w->id, w->owner, w->classes, w->has, (int64_t)w->slots);

    *draining = mt_json_int(row, "draining", 0) != 0;
    json_decref(row);
    return row ? forget_dead(db, err) : -1;
}

int mt_queue_worker_gone(struct mt_db *db, const struct mt_queue_worker *w, struct mt_err *err)
{
    return mt_db_exec(db, NULL, err, "DELETE FROM workers WHERE id = $1 AND owner = $2", "ss",
                      w->id, w->owner);
}

int mt_queue_worker_drain(struct mt_db *db, const char *id, bool draining, struct mt_err *err)
{
    int64_t changes = 0;

    if (mt_db_exec(db, &changes, err, "UPDATE workers SET draining = $2 WHERE id = $1", "sb", id,
                   (int)draining) < 0)
        return -1;
    if (changes)
        return 0;
    mt_fail(err, MT_ERR_NOT_FOUND, "there is no worker '%.100s'", id);
    return mt_hint(err, "media-queue depth lists them");
}
