/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease.c - what the holder of a lease may do before the end. */
#include "queue/internal.h"

#include "base/text.h"
#include "catalog/journal.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mt_queue_fail_lease(struct mt_db *db, const char *id, int64_t token, struct mt_err *err)
{
    json_t *row = mt_db_row(
        db, err, "SELECT status, lease_token, worker FROM processing_jobs WHERE id = $1", "s", id);

    if (!row && err->code == MT_ERR_NOT_FOUND)
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no job '%.60s'", id);
    if (!row)
        return -1;
    const char *status = mt_json_str(row, "status", "");
    int64_t latest = mt_json_int(row, "lease_token", 0);
    if (strcmp(status, "processing") == 0 && latest != token)
        mt_fail(err, MT_ERR_LEASE, "token %lld of job '%s' is void: '%s' has token %lld",
                (long long)token, id, mt_json_str(row, "worker", "somebody"), (long long)latest);
    else
        mt_fail(err, MT_ERR_LEASE, "token %lld of job '%s' is void: the job is %s",
                (long long)token, id, status);
    json_decref(row);
    return -1;
}

/* What the row says of the job's end being wanted; a missing row is a lost lease. */
static int cancel_of(struct mt_db *db, const char *id, int64_t token, json_t *row, bool *cancel,
                     struct mt_err *err)
{
    if (!row)
        return err->code == MT_ERR_NOT_FOUND ? mt_queue_fail_lease(db, id, token, err) : -1;
    *cancel = mt_json_int(row, "cancel_requested", 0) != 0;
    json_decref(row);
    return 0;
}

int mt_queue_heartbeat(struct mt_db *db, const char *id, int64_t token, double lease_s,
                       bool *cancel, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];

    return cancel_of(
        db, id, token,
        mt_db_row(db, err,
                  mt_queue_sql(db, sql,
                               "UPDATE processing_jobs SET lease_until = {now+$3},"
                               " heartbeat_at = {now} WHERE id = $1 AND lease_token = $2"
                               " AND status = 'processing' AND lease_until IS NOT NULL"
                               " RETURNING cancel_requested"),
                  "sid", id, token, lease_s),
        cancel, err);
}

/* Too early to be written again: only whether the lease holds. */
static json_t *look(struct mt_db *db, const char *id, int64_t token, struct mt_err *err)
{
    return mt_db_row(db, err,
                     "SELECT cancel_requested FROM processing_jobs WHERE id = $1"
                     " AND lease_token = $2 AND status = 'processing'"
                     " AND lease_until IS NOT NULL",
                     "si", id, token);
}

int mt_queue_progress(struct mt_db *db, const char *id, int64_t token,
                      const struct mt_queue_progress *p, bool *cancel, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    int percent = p->percent > 100 ? 100 : p->percent;
    json_t *row = mt_db_row(
        db, err,
        mt_queue_sql(db, sql,
                     "UPDATE processing_jobs SET progress = CASE WHEN $3 < 0 THEN progress ELSE $3"
                     " END, current_step = COALESCE($4, current_step),"
                     " steps = COALESCE($5, steps), updated_at = {now}"
                     " WHERE id = $1 AND lease_token = $2 AND status = 'processing'"
                     " AND lease_until IS NOT NULL AND (updated_at <= {now+$6}"
                     " OR updated_at > {now+$7} OR (progress = 0 AND current_step IS NULL))"
                     " RETURNING cancel_requested"),
        "siisjdd", id, token, (int64_t)percent, p->step, p->steps, -1.0, 1.0);

    if (!row && err->code == MT_ERR_NOT_FOUND)
        row = look(db, id, token, err);
    return cancel_of(db, id, token, row, cancel, err);
}

/* --- shared with the ends --- */

int mt_queue_event(struct mt_db *db, const char *what, const json_t *job, const char *status,
                   const json_t *error, struct mt_err *err)
{
    json_t *payload = json_pack("{s:O*, s:s, s:O*}", "job_type", json_object_get(job, "job_type"),
                                "status", status, "error", error);
    char type[48];

    snprintf(type, sizeof type, "job.%s", what);
    int ret = mt_event_add(db, type, mt_json_str(job, "media_asset_id", NULL),
                           mt_json_str(job, "id", ""), payload, err);
    json_decref(payload);
    return ret;
}

int mt_queue_end_attempt(struct mt_db *db, const char *id, int64_t token,
                         const struct mt_queue_attempt_end *end, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    char *words = end->words ? mt_text_printable(end->words, MT_QUEUE_WORDS) : NULL;
    int ret =
        mt_db_exec(db, NULL, err,
                   mt_queue_sql(db, sql,
                                "UPDATE job_attempts SET ended_at = {now}, status = $3, stage = $4,"
                                " exit_status = NULLIF($5, -1), signal = NULLIF($6, 0), error = $7,"
                                " last_words = $8 WHERE job_id = $1 AND lease_token = $2"
                                " AND ended_at IS NULL"),
                   "sissiijs", id, token, end->status, end->stage, (int64_t)end->exit_status,
                   (int64_t)end->signal, end->error, words);

    free(words);
    return ret;
}
