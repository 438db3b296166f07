/* SPDX-License-Identifier: GPL-2.0-or-later */
/* job.c - see job.h. */
#include "catalog/job.h"

#include "catalog/journal.h"
#include "catalog/owner.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

enum { WRITE_EVERY_US = 1000000 };

/* --- steps --- */

/* Ends the step that is going on, if any, with the status. */
static void end_step(struct mt_job *job, const char *status)
{
    size_t n = json_array_size(job->steps);
    json_t *last = n ? json_array_get(job->steps, n - 1) : NULL;
    char now[MT_TIME_TEXT];

    if (!last || json_object_get(last, "completed_at"))
        return;
    json_object_set_new(last, "status", json_string(status));
    if (strcmp(status, "completed") == 0) /* how far it was when that was last written is over */
        json_object_del(last, "progress");
    json_object_set_new(last, "completed_at", json_string(mt_time_text(mt_now_us(), now)));
}

static void begin_step(struct mt_job *job, const char *name)
{
    char now[MT_TIME_TEXT];

    if (!name || strncmp(job->step, name, sizeof job->step - 1) == 0)
        return;
    end_step(job, "completed");
    snprintf(job->step, sizeof job->step, "%s", name);
    json_t *step = json_object();
    json_object_set_new(step, "name", mt_json_text(job->step));
    json_object_set_new(step, "status", json_string("processing"));
    json_object_set_new(step, "started_at", json_string(mt_time_text(mt_now_us(), now)));
    json_array_append_new(job->steps, step);
}

/* --- life --- */

static void release(struct mt_job *job)
{
    json_decref(job->steps);
    *job = (struct mt_job){.db = NULL};
}

int mt_job_start(struct mt_job *job, struct mt_db *db, const struct mt_job_plan *plan,
                 struct mt_err *err)
{
    char self[MT_OWNER_TEXT];
    char now[MT_TIME_TEXT];

    *job = (struct mt_job){.db = db, .steps = json_array(), .written_us = mt_mono_us()};
    snprintf(job->type, sizeof job->type, "%s", plan->type);
    begin_step(job, plan->step);
    int ret = mt_db_exec(
        db, NULL, err,
        "INSERT INTO processing_jobs (id, media_asset_id, job_type, status, started_at,"
        " input_parameters, current_step, steps, owner, submitted_by, attempts, max_attempts,"
        " run_after, heartbeat_at, created_at, updated_at)"
        " VALUES ($1, $2, $3, 'processing', $4, $5, $6, $7, $8, $9, 1, 1, $4, $4, $4, $4)",
        "ssssjsjss", mt_uuid(job->id), plan->asset_id, plan->type,
        mt_time_text(plan->started_us ? plan->started_us : mt_now_us(), now), plan->input,
        plan->step, job->steps, mt_owner_self(self), plan->submitted_by);
    if (ret < 0)
        release(job);
    return ret;
}

int mt_job_set_asset(struct mt_job *job, const char *asset_id, struct mt_err *err)
{
    if (!job->id[0])
        return 0;
    return mt_db_exec(job->db, NULL, err,
                      "UPDATE processing_jobs SET media_asset_id = $2 WHERE id = $1", "ss", job->id,
                      asset_id);
}

static int write_progress(struct mt_job *job, struct mt_err *err)
{
    char self[MT_OWNER_TEXT];
    char now[MT_TIME_TEXT];
    json_t *row = mt_db_row(
        job->db, err,
        "UPDATE processing_jobs SET progress = $3, current_step = $4, steps = $5,"
        " heartbeat_at = $6, updated_at = $6"
        " WHERE id = $1 AND status = 'processing' AND owner = $2 RETURNING cancel_requested",
        "ssisjs", job->id, mt_owner_self(self), (int64_t)job->percent,
        job->step[0] ? job->step : NULL, job->steps, mt_time_text(mt_now_us(), now));

    if (!row && err->code == MT_ERR_NOT_FOUND)
        return mt_fail(err, MT_ERR_CANCELLED, "job '%s' was taken from this process", job->id);
    if (!row)
        return mt_code_retryable(err->code) ? 0 : -1;
    bool cancelled = mt_json_int(row, "cancel_requested", 0) != 0;
    json_decref(row);
    return cancelled ? mt_fail(err, MT_ERR_CANCELLED, "job '%s' was cancelled", job->id) : 0;
}

int mt_job_progress(struct mt_job *job, int percent, const char *step, struct mt_err *err)
{
    int64_t now = mt_mono_us();

    if (!job->id[0])
        return 0;
    job->percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
    begin_step(job, step);
    if (now - job->written_us < WRITE_EVERY_US)
        return 0;
    job->written_us = now;
    size_t n = json_array_size(job->steps);
    if (n)
        json_object_set_new(json_array_get(job->steps, n - 1), "progress",
                            json_integer(job->percent));
    return write_progress(job, err);
}

static int write_end(struct mt_job *job, const struct mt_job_end *end, const json_t *error,
                     struct mt_err *err)
{
    bool completed = strcmp(end->status, "completed") == 0;
    char self[MT_OWNER_TEXT];
    char now[MT_TIME_TEXT];
    int64_t changes = 0;
    int ret = mt_db_exec(
        job->db, &changes, err,
        "UPDATE processing_jobs SET status = $3, outcome = $4, output_results = $5,"
        " error_message = $6, error = $7, steps = $8, completed_at = $9, updated_at = $9,"
        " progress = CASE WHEN $10 = 1 THEN 100 ELSE $11 END, current_step = NULL, owner = NULL"
        " WHERE id = $1 AND status = 'processing' AND owner = $2",
        "ssssjsjjsii", job->id, mt_owner_self(self), end->status, end->outcome, end->results,
        end->error ? end->error->msg : NULL, error, job->steps, mt_time_text(mt_now_us(), now),
        (int64_t)completed, (int64_t)job->percent);

    if (ret == 0 && changes == 0)
        return mt_fail(err, MT_ERR_NOT_FOUND, "job '%s' was taken from this process", job->id);
    return ret;
}

static int end_in_transaction(struct mt_job *job, const struct mt_job_end *end, json_t *error,
                              struct mt_err *err)
{
    json_t *what = json_pack("{s:s, s:s, s:s?, s:O?}", "job_type", job->type, "status", end->status,
                             "outcome", end->outcome, "error", error);
    char type[32];
    int ret = write_end(job, end, error, err);

    snprintf(type, sizeof type, "job.%s", end->status);
    if (ret == 0) {
        json_t *row = mt_db_row(
            job->db, err, "SELECT media_asset_id FROM processing_jobs WHERE id = $1", "s", job->id);
        ret = row ? mt_event_add(job->db, type, mt_json_str(row, "media_asset_id", NULL), job->id,
                                 what, err)
                  : -1;
        json_decref(row);
    }
    json_decref(what);
    return ret;
}

int mt_job_end_within(struct mt_job *job, const struct mt_job_end *end, struct mt_err *err)
{
    json_t *error = NULL;

    if (!job->id[0])
        return 0;
    end_step(job, end->status);
    if (end->error) {
        error = mt_err_to_json(end->error);
        json_object_set_new(error, "stage", json_string(end->stage ? end->stage : job->type));
    }
    int ret = end_in_transaction(job, end, error, err);
    json_decref(error);
    return ret;
}

void mt_job_drop(struct mt_job *job)
{
    release(job);
}

int mt_job_finish(struct mt_job *job, const struct mt_job_end *end, struct mt_err *err)
{
    if (!job->id[0])
        return 0;
    int ret = mt_db_begin(job->db, true, err);
    if (ret == 0) {
        ret = mt_job_end_within(job, end, err);
        if (ret == 0)
            ret = mt_db_commit(job->db, err);
        else
            mt_db_rollback(job->db);
    }
    release(job);
    return ret;
}

/* --- looking --- */

json_t *mt_job_get(struct mt_db *db, const char *id, struct mt_err *err)
{
    return mt_lookup(db, "job", "processing_jobs", id, err);
}

json_t *mt_job_list(struct mt_db *db, const struct mt_job_filter *filter,
                    const struct mt_page *page, char **next, struct mt_err *err)
{
    const struct mt_filter filters[MT_LOOKUP_FILTERS + 1] = {
        {"status", filter->status, NULL},
        {"job_type", filter->type, NULL},
        {"media_asset_id", filter->asset_id, NULL},
        {"parent_id", filter->parent_id, NULL},
        {NULL, NULL, NULL},
    };

    return mt_lookup_page(db, "processing_jobs", filters, page, next, err);
}

json_t *mt_job_counts(struct mt_db *db, struct mt_err *err)
{
    return mt_db_rows(db, err,
                      "SELECT status, job_type, count(*) AS n FROM processing_jobs"
                      " GROUP BY status, job_type ORDER BY status, job_type",
                      "");
}

json_t *mt_job_lapsed(struct mt_db *db, int limit, struct mt_err *err)
{
    char now[MT_TIME_TEXT];
    json_t *out = json_array();
    json_t *rows = mt_db_rows(db, err,
                              "SELECT * FROM processing_jobs WHERE status = 'processing'"
                              " AND (lease_until < $1 OR (lease_until IS NULL AND owner IS NOT"
                              " NULL)) ORDER BY created_at, id",
                              "s", mt_time_text(mt_now_us(), now));
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        const char *owner = mt_json_str(row, "owner", NULL);
        bool leased = mt_json_str(row, "lease_until", NULL) != NULL;
        if (json_array_size(out) < (size_t)limit &&
            (leased || (owner && mt_owner_state(owner) == MT_OWNER_DEAD)))
            json_array_append(out, row);
    }
    if (!rows) {
        json_decref(out);
        return NULL;
    }
    json_decref(rows);
    return out;
}

json_t *mt_job_attempts(struct mt_db *db, const char *id, struct mt_err *err)
{
    return mt_db_rows(db, err, "SELECT * FROM job_attempts WHERE job_id = $1 ORDER BY lease_token",
                      "s", id);
}
