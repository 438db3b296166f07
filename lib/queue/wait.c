/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wait.c - jobs that give work to others in the middle of their own, and what belongs to a job. */
#include "queue/internal.h"

#include "json/json.h"

#include <string.h>

/* --- waiting --- */

/* What is not there any more is not waited for: the handler will see what it has left. */
static int add_one(struct mt_db *db, const char *id, const char *on, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *row = mt_db_row(
        db, err, mt_queue_sql(db, sql, "SELECT status FROM processing_jobs WHERE id = $1 {share}"),
        "s", on);

    if (!row)
        return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
    json_decref(row);
    return mt_db_exec(db, NULL, err,
                      "INSERT INTO job_dependencies (job_id, depends_on, on_failure)"
                      " VALUES ($1, $2, 'wake') ON CONFLICT (job_id, depends_on)"
                      " DO UPDATE SET on_failure = 'wake'",
                      "ss", id, on);
}

static int add_all(struct mt_db *db, const char *id, const json_t *waits_for, struct mt_err *err)
{
    size_t i;
    json_t *on;

    json_array_foreach(waits_for, i, on)
    {
        const char *text = json_string_value(on);

        if (text && mt_uuid_valid(text) && strcmp(text, id) != 0 && add_one(db, id, text, err) < 0)
            return -1;
    }
    return 0;
}

int mt_queue_wait_for(struct mt_db *db, const json_t *row, const struct mt_queue_end *end,
                      struct mt_err *err)
{
    struct mt_queue_attempt_end a = {.status = "waiting",
                                     .exit_status = end->exit_status,
                                     .signal = end->signal,
                                     .words = end->words};
    char sql[MT_QUEUE_SQL];

    if (add_all(db, end->job_id, end->waits_for, err) < 0 ||
        mt_db_exec(db, NULL, err,
                   mt_queue_sql(db, sql,
                                "UPDATE processing_jobs SET status = 'pending',"
                                " attempts = attempts - 1, current_step = 'waiting', worker = NULL,"
                                " owner = NULL, lease_until = NULL, heartbeat_at = NULL,"
                                " error = NULL, error_message = NULL, updated_at = {now}"
                                " WHERE id = $1"),
                   "s", end->job_id) < 0 ||
        mt_queue_recount(db, end->job_id, err) < 0 ||
        mt_queue_end_attempt(db, end->job_id, end->token, &a, err) < 0)
        return -1;
    return mt_queue_event(db, "waiting", row, "pending", NULL, err);
}

int mt_queue_wait_on(struct mt_db *db, const char *id, bool completed, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];

    if (completed)
        return mt_db_exec(
            db, NULL, err,
            mt_queue_sql(db, sql,
                         "UPDATE processing_jobs SET updated_at = {now}, progress = (SELECT"
                         " CAST(sum(CASE WHEN p.status = 'completed' THEN 95 ELSE 0 END)"
                         " / count(*) AS INTEGER) FROM job_dependencies AS d"
                         " JOIN processing_jobs AS p ON p.id = d.depends_on"
                         " WHERE d.job_id = $1 AND d.on_failure = 'wake')"
                         " WHERE id = $1 AND status = 'pending'"),
            "s", id);
    return mt_db_exec(db, NULL, err,
                      "UPDATE processing_jobs SET priority = (SELECT CASE WHEN max(p.priority) < $2"
                      " THEN max(p.priority) + 1 ELSE max(p.priority) END FROM job_dependencies"
                      " AS d JOIN processing_jobs AS p ON p.id = d.depends_on"
                      " WHERE d.job_id = $1 AND d.on_failure = 'wake')"
                      " WHERE id = $1 AND status = 'pending'",
                      "si", id, (int64_t)MT_QUEUE_PRIORITY_MAX);
}

/* --- what belongs to a job --- */

static json_t *children(struct mt_db *db, const char *id, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];

    return mt_db_rows(db, err,
                      mt_queue_sql(db, sql,
                                   "SELECT id, job_type, media_asset_id, status"
                                   " FROM processing_jobs {children} WHERE parent_id = $1"
                                   " AND status IN ('pending', 'processing') ORDER BY id {update}"),
                      "s", id);
}

int mt_queue_hold_children(struct mt_db *db, const char *id, struct mt_err *err)
{
    json_t *rows;

    if (mt_db_dialect(db) == MT_DB_SQLITE || !mt_uuid_valid(id))
        return 0; /* there is one writer at a time */
    rows = children(db, id, err);
    json_decref(rows);
    return rows ? 0 : -1;
}

static int cancel_pending(struct mt_db *db, const json_t *job, const char *parent,
                          const char *status, struct mt_err *err)
{
    const char *id = mt_json_str(job, "id", "");
    char sql[MT_QUEUE_SQL];
    struct mt_err why;

    mt_fail(&why, MT_ERR_CANCELLED, "job '%s', to which it belongs, is %s", parent, status);
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
        ret = mt_queue_event(db, "cancelled", job, "cancelled", error, err);
    json_decref(error);
    return ret < 0 ? -1 : mt_queue_settle(db, id, "cancelled", err);
}

int mt_queue_cancel_children(struct mt_db *db, const char *id, const char *status,
                             struct mt_err *err)
{
    json_t *rows = children(db, id, err);
    int ret = rows ? 0 : -1;
    size_t i;
    json_t *job;

    json_array_foreach(rows, i, job)
    {
        if (ret < 0)
            break;
        if (strcmp(mt_json_str(job, "status", ""), "pending") == 0)
            ret = cancel_pending(db, job, id, status, err);
        else
            ret = mt_db_exec(db, NULL, err,
                             "UPDATE processing_jobs SET cancel_requested = 1 WHERE id = $1", "s",
                             mt_json_str(job, "id", ""));
    }
    json_decref(rows);
    return ret;
}
