/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * graph.c - jobs that wait for jobs.
 *
 * A job may only depend on jobs that exist when it is submitted, so the graph
 * has no cycles. How many a job waits for is counted anew whenever one of them
 * changes, behind a lock of its row: two that end at the same moment count one
 * after the other, and the second one sees both ends.
 */
#include "queue/internal.h"

#include "json/json.h"

#include <string.h>

/* --- recording --- */

static bool can_be_completed(const char *status)
{
    return strcmp(status, "pending") == 0 || strcmp(status, "processing") == 0;
}

static int add_one(struct mt_db *db, const char *id, const char *on, const char *on_failure,
                   int64_t *waiting_on, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *row = mt_db_row(
        db, err, mt_queue_sql(db, sql, "SELECT status FROM processing_jobs WHERE id = $1 {share}"),
        "s", on);
    const char *status = mt_json_str(row, "status", "");
    int ret = -1;

    if (!row) {
        if (err->code == MT_ERR_NOT_FOUND)
            mt_fail(err, MT_ERR_NOT_FOUND, "depends on job '%.60s', and there is none", on);
        return -1;
    }
    if (can_be_completed(status))
        ++*waiting_on;
    if (strcmp(status, "completed") == 0 || can_be_completed(status) ||
        strcmp(on_failure, "ignore") == 0)
        ret = mt_db_exec(db, NULL, err,
                         "INSERT INTO job_dependencies (job_id, depends_on, on_failure)"
                         " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                         "sss", id, on, on_failure);
    else
        mt_fail(err, MT_ERR_FAILED, "depends on job '%s', which is %s", on, status);
    json_decref(row);
    return ret;
}

/* The job that an entry of depends_on names; NULL with MT_ERR_USAGE. */
static const char *named(const json_t *entry, const json_t *refs, struct mt_err *err)
{
    const char *ref = mt_json_str(entry, "ref", NULL);
    const char *id =
        json_is_string(entry) ? json_string_value(entry) : mt_json_str(entry, "job_id", NULL);

    if (ref) {
        id = json_string_value(json_object_get(refs, ref));
        if (!id)
            mt_fail(err, MT_ERR_USAGE, "depends on ref '%.60s', which no earlier job has", ref);
    } else if (!id || !mt_uuid_valid(id)) {
        mt_fail(err, MT_ERR_USAGE, "depends_on names no job: '%.60s'", id ? id : "");
        mt_hint(err, "the whole id of a job, or {\"ref\": ...} of an earlier one of the same call");
        id = NULL;
    }
    return id;
}

int mt_queue_depend(struct mt_db *db, const char *id, const json_t *depends_on, const json_t *refs,
                    int64_t *waiting_on, struct mt_err *err)
{
    size_t i;
    json_t *entry;

    json_array_foreach(depends_on, i, entry)
    {
        const char *on = named(entry, refs, err);
        const char *on_failure = mt_json_str(entry, "on_failure", "cancel");
        if (!on)
            return -1;
        if (strcmp(on_failure, "cancel") != 0 && strcmp(on_failure, "ignore") != 0)
            return mt_fail(err, MT_ERR_USAGE, "on_failure is cancel or ignore, not '%.40s'",
                           on_failure);
        if (add_one(db, id, on, on_failure, waiting_on, err) < 0)
            return -1;
    }
    return 0;
}

/* --- ends --- */

static json_t *dependents(struct mt_db *db, const char *id, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];

    return mt_db_rows(db, err,
                      mt_queue_sql(db, sql,
                                   "SELECT id, job_type, media_asset_id, status, on_failure, error"
                                   " FROM processing_jobs"
                                   " JOIN job_dependencies ON job_id = id"
                                   " WHERE depends_on = $1 ORDER BY id {update}"),
                      "s", id);
}

/* A failure of what is waited for in the middle of the work (on_failure 'wake') ends all waiting.
 */
int mt_queue_recount(struct mt_db *db, const char *id, struct mt_err *err)
{
    if (mt_queue_wake(db, err) < 0)
        return -1;
    return mt_db_exec(
        db, NULL, err,
        "UPDATE processing_jobs SET waiting_on = CASE WHEN EXISTS (SELECT 1"
        " FROM job_dependencies AS d JOIN processing_jobs AS p ON p.id = d.depends_on"
        " WHERE d.job_id = $1 AND d.on_failure = 'wake'"
        " AND p.status IN ('failed', 'dead', 'cancelled')) THEN 0 ELSE (SELECT count(*)"
        " FROM job_dependencies AS d JOIN processing_jobs AS p ON p.id = d.depends_on"
        " WHERE d.job_id = $1 AND p.status <> 'completed'"
        " AND (d.on_failure = 'cancel' OR p.status IN ('pending', 'processing'))) END"
        " WHERE id = $1 AND status = 'pending'",
        "s", id);
}

static int cancel_dependent(struct mt_db *db, const json_t *job, const char *on, const char *status,
                            struct mt_err *err)
{
    const char *id = mt_json_str(job, "id", "");
    char sql[MT_QUEUE_SQL];
    struct mt_err why;

    mt_fail(&why, MT_ERR_CANCELLED, "job '%s', on which it depends, is %s", on, status);
    mt_hint(&why, "media-queue retry %s tries both again", on);
    json_t *error = mt_err_to_json(&why);
    json_object_set_new(error, "stage", json_string("queue"));
    json_object_set_new(error, "depends_on", json_string(on));
    int ret = mt_db_exec(
        db, NULL, err,
        mt_queue_sql(db, sql,
                     "UPDATE processing_jobs SET status = 'cancelled', completed_at = {now},"
                     " updated_at = {now}, error = $2, error_message = $3"
                     " WHERE id = $1 AND status = 'pending'"),
        "sjs", id, error, why.msg);
    if (ret == 0)
        ret = mt_queue_event(db, "cancelled", job, "cancelled", error, err);
    json_decref(error);
    return ret < 0 ? -1 : mt_queue_settle(db, id, "cancelled", err);
}

int mt_queue_settle(struct mt_db *db, const char *id, const char *status, struct mt_err *err)
{
    json_t *rows = dependents(db, id, err);
    bool completed = strcmp(status, "completed") == 0;
    int ret = rows ? 0 : -1;
    size_t i;
    json_t *job;

    json_array_foreach(rows, i, job)
    {
        if (ret < 0 || strcmp(mt_json_str(job, "status", ""), "pending") != 0)
            continue;
        const char *on_failure = mt_json_str(job, "on_failure", "");
        if (completed || strcmp(on_failure, "cancel") != 0)
            ret = mt_queue_recount(db, mt_json_str(job, "id", ""), err);
        else
            ret = cancel_dependent(db, job, id, status, err);
        if (ret == 0 && strcmp(on_failure, "wake") == 0)
            ret = mt_queue_wait_on(db, mt_json_str(job, "id", ""), completed, err);
    }
    json_decref(rows);
    return ret < 0 || completed ? ret : mt_queue_cancel_children(db, id, status, err);
}

/* Whether the job was cancelled because the other one had failed. */
static bool fell_with(const json_t *job, const char *id)
{
    return strcmp(mt_json_str(job, "status", ""), "cancelled") == 0 &&
           strcmp(mt_json_str(job, "error.depends_on", ""), id) == 0;
}

static int revive(struct mt_db *db, const json_t *job, struct mt_err *err)
{
    const char *id = mt_json_str(job, "id", "");
    char sql[MT_QUEUE_SQL];

    if (mt_db_exec(db, NULL, err,
                   mt_queue_sql(db, sql,
                                "UPDATE processing_jobs SET status = 'pending', error = NULL,"
                                " error_message = NULL, completed_at = NULL, updated_at = {now}"
                                " WHERE id = $1 AND status = 'cancelled'"),
                   "s", id) < 0 ||
        mt_queue_recount(db, id, err) < 0 ||
        mt_queue_event(db, "queued", job, "pending", NULL, err) < 0)
        return -1;
    return mt_queue_unsettle(db, id, err);
}

int mt_queue_unsettle(struct mt_db *db, const char *id, struct mt_err *err)
{
    json_t *rows = dependents(db, id, err);
    int ret = rows ? 0 : -1;
    size_t i;
    json_t *job;

    json_array_foreach(rows, i, job)
    {
        if (ret == 0 && fell_with(job, id))
            ret = revive(db, job, err);
        else if (ret == 0)
            ret = mt_queue_recount(db, mt_json_str(job, "id", ""), err);
    }
    json_decref(rows);
    return ret;
}
