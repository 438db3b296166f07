/* SPDX-License-Identifier: GPL-2.0-or-later */
/* submit.c - requests that become jobs: transcode, analyze, and many at once. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "digest/digest.h"
#include "queue/queue.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 100, ACCEPTED = 202 };

/* The two kinds of requests that become jobs. */
static const struct kind {
    const char *name;   /* in a batch, and the job's type */
    const char *member; /* that names the source */
    void (*check)(json_t *errors, const char *at, const json_t *body);
} kinds[] = {
    {"transcode", "source_url", mt_api_check_transcode},
    {"analyze", "media_url", mt_api_check_analyze},
};

/* Identical work of one user is one job as long as it is not done. free() it. */
static char *unique_key(const struct mt_api_call *call, const struct kind *kind, const char *asset,
                        const json_t *parameters, struct mt_err *err)
{
    char hex[MT_SHA256_TEXT];
    char *text = json_dumps(parameters, JSON_COMPACT | JSON_SORT_KEYS);
    char *whole = mt_asprintf("%s\n%s\n%s\n%s", call->user ? call->user : "", kind->name, asset,
                              text ? text : "");
    int ret = mt_sha256_of(whole, strlen(whole), hex, err);

    free(whole);
    free(text);
    return ret < 0 ? NULL : mt_asprintf("api:%s:%s", kind->name, hex);
}

/* Where the request came from, for whoever reads the job or its logs later. */
static void add_request(const struct mt_api_call *call, json_t *parameters)
{
    const struct mt_http_request *r = call->request;
    json_t *request = json_pack("{s:s}", "id", r->id);

    if (*r->trace)
        json_object_set_new(request, "traceparent", json_string(r->trace));
    json_object_set_new(parameters, "request", request);
    if (call->user)
        json_object_set_new(parameters, "uploaded_by", json_string(call->user));
}

/* The job of a body that was checked. New. */
static json_t *job_of(struct mt_api_call *call, const struct kind *kind, const json_t *body,
                      const struct mt_api_source *source, struct mt_err *err)
{
    json_t *parameters = json_copy((json_t *)(uintptr_t)body);
    json_t *job = json_object();

    json_object_del(parameters, "asset_id");
    if (*source->asset) {
        json_object_del(parameters, kind->member);
        json_object_set_new(job, "asset_id", json_string(source->asset));
    }
    char *key = unique_key(call, kind, source->asset, parameters, err);
    if (!key) {
        json_decref(parameters);
        json_decref(job);
        return NULL;
    }
    add_request(call, parameters);
    json_object_set_new(job, "type", json_string(kind->name));
    json_object_set_new(job, "unique_key", json_string(key));
    json_object_set_new(job, "parameters", parameters);
    if (call->user)
        json_object_set_new(job, "submitted_by", json_string(call->user));
    free(key);
    return job;
}

/*
 * When it may be done: how long such jobs took so far for each second of media, or each on
 * average, behind as many as wait. A guess, and told as such.
 */
static int estimate(struct mt_db *db, const struct kind *kind, const struct mt_api_source *source,
                    char out[MT_TIME_TEXT], struct mt_err *err)
{
    json_t *row = mt_db_row(db, err,
                            "SELECT COALESCE(SUM(n), 0) AS n, COALESCE(SUM(took_ms), 0) AS took,"
                            " COALESCE(SUM(media_ms), 0) AS media FROM job_totals"
                            " WHERE job_type = $1 AND status = 'completed'",
                            "s", kind->name);
    if (!row)
        return -1;
    double n = mt_json_num(row, "n", 0);
    double took = mt_json_num(row, "took", 0);
    double media = mt_json_num(row, "media", 0);
    double ms = n > 0 ? took / n : 60000;
    if (source->duration_ms > 0)
        ms = (double)source->duration_ms * (media > 0 ? took / media : 1);
    json_decref(row);
    mt_time_text(mt_now_us() + (int64_t)((ms < 1000 ? 1000 : ms) * 1000), out);
    return 0;
}

/* What the specification answers. New. */
static json_t *answer_of(const struct kind *kind, const json_t *made, const char *done_at)
{
    const char *id = mt_json_str(made, "job_id", "");
    char url[128];

    if (strcmp(kind->name, "analyze") == 0) {
        snprintf(url, sizeof url, "%s/analysis/%s/results", MT_API_BASE, id);
        return json_pack("{s:s, s:s, s:s}", "analysis_id", id, "status",
                         strcmp(mt_json_str(made, "status", ""), "processing") == 0 ? "processing"
                                                                                    : "pending",
                         "results_url", url);
    }
    snprintf(url, sizeof url, "%s/job/%s/status", MT_API_BASE, id);
    return json_pack("{s:s, s:s, s:s}", "job_id", id, "estimated_completion", done_at, "status_url",
                     url);
}

static int audit_job(struct mt_api_call *call, struct mt_db *db, const struct kind *kind,
                     const json_t *made, struct mt_err *err)
{
    json_t *details = json_pack("{s:s, s:b}", "type", kind->name, "duplicate",
                                (int)mt_json_bool(made, "duplicate", false));

    return mt_api_audit(call, db, "job.submitted", "job", mt_json_str(made, "job_id", NULL),
                        details, err);
}

/* Checks a body and makes its job. 0; 1: answered; -1. *job stays NULL with errors. */
static int prepare(struct mt_api_call *call, const struct kind *kind, const char *at,
                   const json_t *body, struct mt_api_source *source, json_t *errors, json_t **job,
                   struct mt_err *err)
{
    *job = NULL;
    kind->check(errors, at, body);
    int ret = json_array_size(errors) == 0
                  ? mt_api_source(call, body, kind->member, source, errors, err)
                  : 0;
    if (ret != 0 || json_array_size(errors) > 0)
        return ret;
    *job = job_of(call, kind, body, source, err);
    return *job ? 0 : -1;
}

static int submit(struct mt_api_call *call, const struct kind *kind, const json_t *job,
                  const struct mt_api_source *source, struct mt_err *err)
{
    struct mt_db *db = mt_api_db(call, err);
    json_t *list = json_pack("[O]", job);
    json_t *made = NULL;
    char done_at[MT_TIME_TEXT] = "";
    int ret = -1;

    if (db && mt_api_user_seen(call, db, err) == 0)
        made = mt_queue_submit(db, list, err);
    const json_t *one = json_array_get(made, 0);
    if (made && audit_job(call, db, kind, one, err) == 0 &&
        estimate(db, kind, source, done_at, err) == 0) {
        mt_http_add(call->x, "Location", "%s/job/%s/status", MT_API_BASE,
                    mt_json_str(one, "job_id", ""));
        mt_http_add(call->x, "Retry-After", "2");
        ret = mt_api_answer(call, ACCEPTED, answer_of(kind, one, done_at), err);
    }
    json_decref(made);
    json_decref(list);
    return ret;
}

static int one(struct mt_api_call *call, const struct kind *kind, struct mt_err *err)
{
    json_t *body = mt_api_body(call, err);
    struct mt_api_source source;
    json_t *job = NULL;

    if (!body)
        return -1;
    json_t *errors = json_array();
    int ret = prepare(call, kind, "", body, &source, errors, &job, err);
    if (ret == 0 && !job)
        return mt_api_invalid(call, errors, err);
    json_decref(errors);
    if (ret == 0)
        ret = submit(call, kind, job, &source, err);
    json_decref(job);
    return ret < 0 ? -1 : 0;
}

int mt_api_transcode(struct mt_api_call *call, struct mt_err *err)
{
    return one(call, &kinds[0], err);
}

int mt_api_analyze(struct mt_api_call *call, struct mt_err *err)
{
    return one(call, &kinds[1], err);
}

/* --- many at once --- */

static const struct kind *kind_of(const json_t *entry)
{
    const char *name = mt_json_str(entry, "operation", "");

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* One entry of the batch. 0; 1: answered; -1. */
static int add_entry(struct mt_api_call *call, size_t i, const json_t *entry, json_t *jobs,
                     json_t *errors, struct mt_err *err)
{
    const struct kind *kind = kind_of(entry);
    const json_t *body = json_object_get(entry, "parameters");
    struct mt_api_source source;
    json_t *job = NULL;
    json_t *own = json_array();
    char at[32];
    size_t k;
    json_t *wrong;

    snprintf(at, sizeof at, "/requests/%zu", i);
    if (!kind || !json_is_object(body)) {
        mt_api_wrong(errors, at, "has an \"operation\", transcode or analyze, and \"parameters\"");
        json_decref(own);
        return 0;
    }
    int ret = prepare(call, kind, "", body, &source, own, &job, err);
    json_array_foreach(own, k, wrong)
    {
        char *pointer = mt_asprintf("%s/parameters%s", at, mt_json_str(wrong, "pointer", ""));
        mt_api_wrong(errors, pointer, "%s", mt_json_str(wrong, "detail", ""));
        free(pointer);
    }
    if (job)
        json_array_append_new(jobs, job);
    if (ret < 0)
        mt_fail_in(err, "request %zu", i + 1);
    json_decref(own);
    return ret;
}

static int submit_batch(struct mt_api_call *call, const json_t *requests, const json_t *jobs,
                        struct mt_err *err)
{
    struct mt_db *db = mt_api_db(call, err);
    json_t *made = NULL;
    json_t *answers = json_array();
    int ret = -1;
    size_t i;
    json_t *job;

    if (db && mt_api_user_seen(call, db, err) == 0)
        made = mt_queue_submit(db, jobs, err);
    if (made)
        ret = 0;
    json_array_foreach(made, i, job)
    {
        const struct kind *kind = kind_of(json_array_get(requests, i));
        const char *id = mt_json_str(job, "job_id", "");
        char url[128];
        if (ret == 0)
            ret = audit_job(call, db, kind, job, err);
        snprintf(url, sizeof url, "%s/job/%s/status", MT_API_BASE, id);
        json_array_append_new(answers, json_pack("{s:s, s:s, s:s, s:b}", "operation", kind->name,
                                                 "job_id", id, "status_url", url, "duplicate",
                                                 (int)mt_json_bool(job, "duplicate", false)));
    }
    json_decref(made);
    if (ret < 0) {
        json_decref(answers);
        return -1;
    }
    return mt_api_answer(call, ACCEPTED, json_pack("{s:o}", "jobs", answers), err);
}

/* All of the requests or none: a list of which half was refused is work for the client. */
int mt_api_batch(struct mt_api_call *call, struct mt_err *err)
{
    const json_t *body = mt_api_body(call, err);
    const json_t *requests = json_object_get(body, "requests");
    json_t *errors;
    json_t *jobs;
    int ret = 0;
    size_t i;
    json_t *entry;

    if (!body)
        return -1;
    errors = json_array();
    jobs = json_array();
    mt_api_check_members(errors, "", body, "requests");
    if (!json_is_array(requests) || json_array_size(requests) == 0 ||
        json_array_size(requests) > BATCH_MAX)
        mt_api_wrong(errors, "/requests", "is an array of 1 to %d requests", BATCH_MAX);
    if (json_array_size(errors) == 0)
        json_array_foreach((json_t *)(uintptr_t)requests, i, entry)
        {
            ret = add_entry(call, i, entry, jobs, errors, err);
            if (ret != 0)
                break;
        }
    if (ret == 0 && json_array_size(errors) > 0)
        ret = mt_api_invalid(call, json_incref(errors), err);
    else if (ret == 0)
        ret = submit_batch(call, requests, jobs, err);
    json_decref(jobs);
    json_decref(errors);
    return ret < 0 ? -1 : 0;
}
