/* SPDX-License-Identifier: GPL-2.0-or-later */
/* job.c - one job: the specification's answer to a status query, and more. */
#include "status/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/asset.h"
#include "catalog/document.h"
#include "catalog/job.h"
#include "catalog/owner.h"
#include "catalog/variant.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the body --- */

static void set(json_t *body, const char *name, const json_t *row, const char *column)
{
    json_t *value = json_object_get(row, column);

    json_object_set(body, name, value ? value : json_null());
}

/* Who works on it: a worker of the queue, or the process that records it itself. New. */
static json_t *worker_of(const json_t *row)
{
    const char *worker = mt_json_str(row, "worker", NULL);
    const char *owner = mt_json_str(row, "owner", NULL);
    char text[128];

    if (worker || !owner)
        return mt_json_text(worker);
    snprintf(text, sizeof text, "%.*s:%d", (int)strcspn(owner, "/"), owner, mt_owner_pid(owner));
    return mt_json_text(text);
}

/* Whether that one lives; null where nobody works or nobody here can tell. New. */
static json_t *alive_of(const json_t *row)
{
    const char *owner = mt_json_str(row, "owner", NULL);
    const char *lease = mt_json_str(row, "lease_until", NULL);
    char now[MT_TIME_TEXT];

    if (strcmp(mt_json_str(row, "status", ""), "processing") != 0)
        return json_null();
    if (lease)
        return json_boolean(strcmp(lease, mt_time_text(mt_now_us(), now)) >= 0);
    if (!owner)
        return json_null();
    enum mt_owner_state state = mt_owner_state(owner);
    return state == MT_OWNER_ELSEWHERE ? json_null() : json_boolean(state == MT_OWNER_ALIVE);
}

static json_t *error_of(const json_t *row)
{
    json_t *error = mt_json_at(row, "error");
    const char *message = mt_json_str(row, "error_message", NULL);
    struct mt_err failure;

    if (json_is_object(error))
        return json_incref(error);
    if (!message)
        return json_null();
    mt_fail(&failure, MT_ERR_FAILED, "%s", message);
    error = mt_err_to_json(&failure);
    set(error, "stage", row, "job_type");
    return error;
}

json_t *mt_status_job_body(const json_t *row)
{
    json_t *steps = json_object_get(row, "steps");
    json_t *body = json_object();

    json_object_set_new(body, "schema", json_integer(MT_DOC_SCHEMA));
    set(body, "job_id", row, "id");
    set(body, "status", row, "status");
    set(body, "progress", row, "progress");
    set(body, "current_step", row, "current_step");
    json_object_set_new(body, "steps", json_is_array(steps) ? json_incref(steps) : json_array());
    set(body, "type", row, "job_type");
    set(body, "asset_id", row, "media_asset_id");
    set(body, "outcome", row, "outcome");
    json_object_set_new(body, "error", error_of(row));
    set(body, "attempts", row, "attempts");
    set(body, "max_attempts", row, "max_attempts");
    json_object_set_new(body, "worker", worker_of(row));
    json_object_set_new(body, "alive", alive_of(row));
    set(body, "created_at", row, "created_at");
    set(body, "started_at", row, "started_at");
    set(body, "completed_at", row, "completed_at");
    bool running = strcmp(mt_json_str(row, "status", ""), "processing") == 0;
    json_object_set_new(body, "took_ms",
                        mt_status_took(row, "started_at", running ? NULL : "completed_at"));
    return body;
}

/* --- results --- */

/* Where users are to fetch it: from the CDN if it is there. */
static void set_url(json_t *to, const char *name, const json_t *part)
{
    json_t *cdn = mt_json_at(part, "cdn_url");

    json_object_set(to, name, cdn ? cdn : json_object_get(part, "url"));
}

/* The row of a variant as the specification shows it. New. */
static json_t *variant_of(const json_t *row, struct mt_store *store)
{
    json_t *whole = mt_document_variant(row, store);
    json_t *variant = json_object();

    set(variant, "quality", whole, "quality");
    set(variant, "format", whole, "format");
    set_url(variant, "url", whole);
    set(variant, "file_size", whole, "file_size");
    set(variant, "variant_type", whole, "variant_type");
    json_decref(whole);
    return variant;
}

static json_t *thumbnail_of(const json_t *row, struct mt_store *store)
{
    json_t *whole = mt_document_thumbnail(row, store);
    json_t *thumbnail = json_object();

    set(thumbnail, "timestamp", whole, "timestamp");
    json_object_set(whole, "cdn_url", json_object_get(row, "cdn_url"));
    set_url(thumbnail, "url", whole);
    json_decref(whole);
    return thumbnail;
}

/* What there is of the job's asset by now. New. */
static json_t *results_of(struct mt_status *s, const json_t *asset_row, const json_t *rows)
{
    json_t *results = json_object();
    json_t *asset = mt_document_asset(asset_row, s->store);
    json_t *variants = json_array();
    json_t *thumbnails = json_array();
    size_t i;
    json_t *row;

    set_url(results, "original_url", asset);
    json_array_foreach(rows, i, row)
    {
        if (strcmp(mt_json_str(row, "variant_type", ""), "thumbnail") == 0)
            json_array_append_new(thumbnails, thumbnail_of(row, s->store));
        else
            json_array_append_new(variants, variant_of(row, s->store));
    }
    json_object_set_new(results, "variants", variants);
    json_object_set_new(results, "thumbnails", thumbnails);
    json_decref(asset);
    return results;
}

static int add_results(struct mt_status *s, json_t *body, struct mt_err *err)
{
    const char *id = mt_json_str(body, "asset_id", NULL);
    int ret = -1;

    if (!id) {
        json_object_set_new(body, "results", json_null());
        return 0;
    }
    json_t *asset = mt_asset_get(s->db, id, err);
    json_t *rows = asset ? mt_variants_of(s->db, id, err) : NULL;
    if (rows) {
        json_object_set_new(body, "results", results_of(s, asset, rows));
        ret = 0;
    }
    json_decref(rows);
    json_decref(asset);
    return ret;
}

static json_t *get_job(struct mt_status *s, const char *id, struct mt_err *err)
{
    json_t *row = mt_job_get(s->db, id, err);

    if (!row)
        return NULL;
    json_t *body = mt_status_job_body(row);
    json_decref(row);
    if (add_results(s, body, err) < 0) {
        json_decref(body);
        return NULL;
    }
    return body;
}

/* --- for people --- */

static void show_progress(const struct mt_table_style *style, const json_t *job)
{
    int64_t progress = mt_json_int(job, "progress", 0);
    const char *step = mt_json_str(job, "current_step", NULL);
    bool running = strcmp(mt_json_str(job, "status", ""), "processing") == 0;
    json_t *alive = json_object_get(job, "alive");
    char *text =
        mt_asprintf("%lld %%%s%s", (long long)progress, step ? ", " : "", step ? step : "");

    if (running || (progress > 0 && progress < 100))
        mt_table_field(style, "Progress", text);
    free(text);
    mt_table_field(style, "Worker", mt_json_str(job, "worker", NULL));
    if (json_is_boolean(alive))
        mt_table_status(style, "Alive", json_is_true(alive) ? "alive" : "dead", NULL);
}

static void show_times(const struct mt_table_style *style, const json_t *job)
{
    static const char *const times[][2] = {
        {"Created", "created_at"}, {"Started", "started_at"}, {"Ended", "completed_at"}};
    char took[MT_FIGURE];

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char *when = mt_status_when(mt_json_str(job, times[i][1], NULL));
        mt_table_field(style, times[i][0], when);
        free(when);
    }
    mt_table_field(style, "Took", mt_status_ms(mt_json_int(job, "took_ms", -1), took));
    if (mt_json_int(job, "max_attempts", 1) > 1) {
        char *text = mt_asprintf("%lld of %lld", (long long)mt_json_int(job, "attempts", 0),
                                 (long long)mt_json_int(job, "max_attempts", 0));
        mt_table_field(style, "Attempts", text);
        free(text);
    }
}

static void show_error(const struct mt_table_style *style, const json_t *job)
{
    if (!mt_json_at(job, "error"))
        return;
    mt_table_field(style, "Error", mt_json_str(job, "error.message", NULL));
    mt_table_field(style, "Code", mt_json_str(job, "error.code", NULL));
    mt_table_field(style, "Stage", mt_json_str(job, "error.stage", NULL));
    mt_table_field(style, "Hint", mt_json_str(job, "error.hint", NULL));
    mt_table_field(style, "Retry",
                   mt_json_bool(job, "error.retryable", false)
                       ? "may help without changing anything"
                       : "will not help before the cause is gone");
}

static void show_steps(const struct mt_table_style *style, const json_t *job)
{
    static const struct mt_column columns[] = {{.title = "STEP", .least = 8},
                                               {.title = "STATUS", .status = true, .rank = 1},
                                               {.title = "TOOK", .right = true, .rank = 2}};
    struct mt_table table;
    size_t i;
    json_t *step;

    mt_table_init(&table, columns, 3);
    json_array_foreach(json_object_get(job, "steps"), i, step)
    {
        char figure[MT_FIGURE];
        json_t *took = mt_status_took(step, "started_at", "completed_at");
        const char *cells[] = {
            mt_json_str(step, "name", ""), mt_json_str(step, "status", ""),
            mt_status_ms(json_is_integer(took) ? json_integer_value(took) : -1, figure)};
        mt_table_add(&table, cells);
        json_decref(took);
    }
    if (table.rows > 0)
        mt_table_heading(style, "Steps");
    mt_table_print(&table, style);
    mt_table_free(&table);
}

static void show_results(const struct mt_table_style *style, const json_t *job)
{
    size_t thumbnails = json_array_size(mt_json_at(job, "results.thumbnails"));
    char figure[MT_FIGURE];
    size_t i;
    json_t *variant;

    if (!mt_json_at(job, "results"))
        return;
    mt_table_heading(style, "Results");
    mt_table_url(style, "original", mt_json_str(job, "results.original_url", NULL));
    json_array_foreach(mt_json_at(job, "results.variants"), i, variant)
    {
        const char *quality = mt_json_str(variant, "quality", NULL);
        mt_table_url(style, quality ? quality : mt_json_str(variant, "variant_type", ""),
                     mt_json_str(variant, "url", NULL));
    }
    snprintf(figure, sizeof figure, "%zu", thumbnails);
    if (thumbnails > 0)
        mt_table_field(style, "thumbnails", figure);
}

static int show_job(struct mt_status *s, const json_t *job, struct mt_err *err)
{
    struct mt_table_style style = mt_status_style(s);
    const char *outcome = mt_json_str(job, "outcome", "");

    mt_table_field(&style, "Job", mt_json_str(job, "job_id", NULL));
    mt_table_field(&style, "Type", mt_json_str(job, "type", NULL));
    mt_table_status(&style, "Status", mt_json_str(job, "status", ""),
                    strcmp(outcome, "ok") == 0 ? NULL : outcome);
    mt_table_field(&style, "Asset", mt_json_str(job, "asset_id", NULL));
    show_progress(&style, job);
    show_times(&style, job);
    show_error(&style, job);
    show_steps(&style, job);
    show_results(&style, job);
    return mt_status_check(s, err);
}

int mt_status_job(struct mt_status *s, struct mt_err *err)
{
    static const struct mt_status_answer answer = {MT_STATUS_JOB, get_job, show_job};

    return mt_status_each(s, &answer, err);
}
