/* SPDX-License-Identifier: GPL-2.0-or-later */
/* job.c - one job: its status from its own row, and its end. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "catalog/document.h"
#include "catalog/variant.h"
#include "queue/queue.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the row --- */

const char *mt_api_job_status(const json_t *row)
{
    const char *status = mt_json_str(row, "status", "pending");

    return strcmp(status, "dead") == 0 ? "failed" : status;
}

/* Somebody else's job is as good as none; unless it is about an asset of the caller's. */
static int check_owner(struct mt_api_call *call, struct mt_db *db, const json_t *row,
                       struct mt_err *err)
{
    const char *by = mt_json_str(row, "submitted_by", NULL);
    const char *asset = mt_json_str(row, "media_asset_id", NULL);

    if ((call->may & MT_MAY_ALL_JOBS) || (by && call->user && strcmp(by, call->user) == 0))
        return 0;
    if (asset && call->user) {
        json_t *owned =
            mt_db_row(db, err, "SELECT id FROM media_assets WHERE id = $1 AND uploaded_by = $2",
                      "ss", asset, call->user);
        json_decref(owned);
        if (owned)
            return 0;
        if (err->code != MT_ERR_NOT_FOUND)
            return -1;
    }
    return mt_fail(err, MT_ERR_NOT_FOUND, "there is no such job");
}

json_t *mt_api_job_row(struct mt_api_call *call, const char *id, struct mt_err *err)
{
    struct mt_db *db;
    json_t *row;

    if (!mt_uuid_valid(id)) {
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no such job");
        return NULL;
    }
    db = mt_api_db(call, err);
    row = db ? mt_db_row(db, err,
                         "SELECT id, media_asset_id, job_type, status, progress, current_step,"
                         " steps, output_results, outcome, error, error_message, submitted_by,"
                         " attempts, max_attempts, cancel_requested, created_at, started_at,"
                         " completed_at, updated_at FROM processing_jobs WHERE id = $1",
                         "s", id)
             : NULL;
    if (row && check_owner(call, db, row, err) < 0) {
        json_decref(row);
        row = NULL;
    }
    return row;
}

/* --- entity tags --- */

static uint64_t hash(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (h ^ 0xff) * UINT64_C(1099511628211);
}

/* All that the answer depends on: the row changes, the URLs in it expire, and roles see more. */
static void tag_of(struct mt_api_call *call, const json_t *row, const char *kind,
                   char out[MT_API_ETAG])
{
    static const char *const columns[] = {"id", "updated_at", "status", "current_step"};
    static const char *const numbers[] = {"progress", "attempts", "cancel_requested"};
    uint64_t h = hash(UINT64_C(14695981039346656037), kind);
    char text[64];

    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        h = hash(h, mt_json_str(row, columns[i], "-"));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(text, sizeof text, "%lld", (long long)mt_json_int(row, numbers[i], -1));
        h = hash(h, text);
    }
    snprintf(text, sizeof text, "%lld %u", (long long)mt_api_url_expiry(call->api), call->may);
    h = hash(h, text);
    snprintf(out, MT_API_ETAG, "\"%016llx\"", (unsigned long long)h);
}

/* Whether the field (RFC 9110, section 13.1.2) names the tag. */
static bool names_tag(const char *field, const char *tag)
{
    size_t n = strlen(tag);

    while (*field) {
        field += strspn(field, " ,\t");
        if (strcmp(field, "*") == 0)
            return true;
        if (strncmp(field, "W/", 2) == 0)
            field += 2;
        size_t k = strcspn(field, ",");
        while (k > 0 && strchr(" \t", field[k - 1]))
            k--;
        if (k == n && strncmp(field, tag, n) == 0)
            return true;
        field += strcspn(field, ",");
    }
    return false;
}

static int give_tag(struct mt_api_call *call, const char *tag, struct mt_err *err)
{
    const char *field = mt_http_header(call->x, "If-None-Match");

    mt_http_add(call->x, "ETag", "%s", tag);
    mt_http_add(call->x, "Cache-Control", "private, no-cache");
    mt_http_add(call->x, "Vary", "Authorization");
    if (!field || !names_tag(field, tag))
        return 0;
    return mt_http_send(call->x, 304, NULL, NULL, 0, err) < 0 ? -1 : 1;
}

int mt_api_etag(struct mt_api_call *call, const json_t *row, const char *kind, struct mt_err *err)
{
    char tag[MT_API_ETAG];

    tag_of(call, row, kind, tag);
    return give_tag(call, tag, err);
}

/* --- the body --- */

static void set(json_t *to, const char *name, const json_t *from, const char *member)
{
    json_t *value = json_object_get(from, member);

    json_object_set(to, name, value ? value : json_null());
}

/* Where a client finds a part of a document: the CDN, or here. */
static void set_url(struct mt_api_call *call, json_t *to, const char *name, const json_t *part)
{
    const char *cdn = mt_json_str(part, "cdn_url", NULL);
    const char *url = mt_json_str(part, "url", NULL);
    struct mt_err ignored;
    struct mt_store *store = url && !cdn ? mt_api_store(call, true, &ignored) : NULL;
    char *key = store ? mt_store_key_of(store, url) : NULL;
    char *found = NULL;

    /* Originals are not for who may only look. */
    if (key && (!mt_url_is_original(key) || (call->may & MT_MAY_SUBMIT)))
        found = mt_api_media_url(call->api, key);
    json_object_set_new(to, name, mt_json_text(cdn ? cdn : found));
    free(found);
    free(key);
}

static json_t *variant_of(struct mt_api_call *call, const json_t *part)
{
    json_t *variant = json_object();

    set(variant, "quality", part, "quality");
    set(variant, "format", part, "format");
    set_url(call, variant, "url", part);
    set(variant, "file_size", part, "file_size");
    set(variant, "variant_type", part, "variant_type");
    return variant;
}

static json_t *thumbnail_of(struct mt_api_call *call, const json_t *part)
{
    json_t *thumbnail = json_object();

    set(thumbnail, "timestamp", part, "timestamp");
    set_url(call, thumbnail, "url", part);
    set(thumbnail, "width", part, "width");
    set(thumbnail, "height", part, "height");
    set(thumbnail, "format", part, "format");
    return thumbnail;
}

/* What a job has made: its own result is a media document. New. */
static json_t *results_of(struct mt_api_call *call, const json_t *document)
{
    json_t *results = json_object();
    json_t *variants = json_array();
    json_t *thumbnails = json_array();
    size_t i;
    json_t *part;

    set_url(call, results, "original_url", json_object_get(document, "asset"));
    json_array_foreach(json_object_get(document, "variants"), i, part)
    {
        json_array_append_new(variants, variant_of(call, part));
    }
    json_array_foreach(json_object_get(document, "thumbnails"), i, part)
    {
        json_array_append_new(thumbnails, thumbnail_of(call, part));
    }
    json_object_set_new(results, "variants", variants);
    json_object_set_new(results, "thumbnails", thumbnails);
    return results;
}

/* While it works: what is there of its asset by now. New. */
static json_t *results_so_far(struct mt_api_call *call, const char *asset, struct mt_err *err)
{
    struct mt_db *db = mt_api_db(call, err);
    struct mt_store *store = mt_api_store(call, true, err);
    json_t *rows = db && store ? mt_variants_of(db, asset, err) : NULL;
    json_t *document;
    size_t i;
    json_t *row;

    if (!rows)
        return NULL;
    document = json_pack("{s:[], s:[]}", "variants", "thumbnails");
    json_array_foreach(rows, i, row)
    {
        bool thumbnail = strcmp(mt_json_str(row, "variant_type", ""), "thumbnail") == 0;
        json_array_append_new(json_object_get(document, thumbnail ? "thumbnails" : "variants"),
                              thumbnail ? mt_document_thumbnail(row, store)
                                        : mt_document_variant(row, store));
    }
    json_t *results = results_of(call, document);
    json_decref(document);
    json_decref(rows);
    return results;
}

static int add_results(struct mt_api_call *call, const json_t *row, json_t *body,
                       struct mt_err *err)
{
    const json_t *made = json_object_get(row, "output_results");
    const char *asset = mt_json_str(row, "media_asset_id", NULL);
    const char *type = mt_json_str(row, "job_type", "");
    bool working = strcmp(mt_json_str(row, "status", ""), "processing") == 0 &&
                   (strcmp(type, "transcode") == 0 || strcmp(type, "thumbnail") == 0);
    json_t *results = working && asset ? results_so_far(call, asset, err) : results_of(call, made);

    if (!results)
        return -1;
    json_object_set_new(body, "results", results);
    if (json_is_object(json_object_get(made, "workflow")))
        json_object_set(body, "workflow", json_object_get(made, "workflow"));
    return 0;
}

/* The failure without what is of the machine: members that clients may act on. New. */
static json_t *error_of(const json_t *row)
{
    const json_t *error = json_object_get(row, "error");
    const char *message = mt_json_str(error, "message", mt_json_str(row, "error_message", NULL));

    if (!message)
        return json_null();
    return json_pack("{s:s, s:s, s:b, s:s?, s:s?}", "code", mt_json_str(error, "code", "failed"),
                     "message", message, "retryable", (int)mt_json_bool(error, "retryable", false),
                     "stage", mt_json_str(error, "stage", NULL), "hint",
                     mt_json_str(error, "hint", NULL));
}

json_t *mt_api_job_body(struct mt_api_call *call, const json_t *row, bool results,
                        struct mt_err *err)
{
    static const char *const more[][2] = {{"type", "job_type"},
                                          {"asset_id", "media_asset_id"},
                                          {"outcome", "outcome"},
                                          {"attempts", "attempts"},
                                          {"max_attempts", "max_attempts"},
                                          {"created_at", "created_at"},
                                          {"started_at", "started_at"},
                                          {"completed_at", "completed_at"}};
    json_t *steps = json_object_get(row, "steps");
    json_t *body = json_object();

    set(body, "job_id", row, "id");
    json_object_set_new(body, "status", json_string(mt_api_job_status(row)));
    set(body, "progress", row, "progress");
    set(body, "current_step", row, "current_step");
    json_object_set_new(body, "steps", json_is_array(steps) ? json_incref(steps) : json_array());
    if (results && add_results(call, row, body, err) < 0) {
        json_decref(body);
        return NULL;
    }
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        set(body, more[i][0], row, more[i][1]);
    json_object_set_new(body, "error", error_of(row));
    json_object_set_new(body, "cancel_requested",
                        json_boolean(mt_json_int(row, "cancel_requested", 0) != 0));
    return body;
}

/* --- handlers --- */

/* The answer, or 304. */
static int tell(struct mt_api_call *call, const struct mt_api_told *told, struct mt_err *err)
{
    int known = give_tag(call, told->etag, err);

    if (known != 0)
        return known < 0 ? -1 : 0;
    if (told->waits)
        mt_http_add(call->x, "Retry-After", "2");
    return mt_http_send(call->x, 200, "application/json", told->body, strlen(told->body), err);
}

/* Reads the row, and makes of it what is to be told. */
static int look(struct mt_api_call *call, struct mt_api_told *told, struct mt_err *err)
{
    json_t *row = mt_api_job_row(call, call->args[0], err);
    json_t *body = row ? mt_api_job_body(call, row, true, err) : NULL;
    const char *status = mt_api_job_status(row);

    if (body) {
        tag_of(call, row, "job", told->etag);
        told->waits = strcmp(status, "pending") == 0 || strcmp(status, "processing") == 0;
        told->body = mt_json_compact(body);
    }
    json_decref(body);
    json_decref(row);
    return told->body ? 0 : -1;
}

int mt_api_job_get(struct mt_api_call *call, struct mt_err *err)
{
    const char *id = call->args[0];
    struct mt_api_moment now;
    struct mt_api_told told;
    struct mt_db *db = mt_api_db(call, err);
    int ret = 0;

    if (!db)
        return -1;
    if (!mt_api_recent_find(call, db, id, &now, &told)) {
        ret = look(call, &told, err);
        if (ret == 0)
            mt_api_recent_keep(call, db, id, &now, &told);
    }
    if (ret == 0 && call->api->set.audit_reads)
        ret = mt_api_audit(call, db, "job.read", "job", id, NULL, err);
    if (ret == 0)
        ret = tell(call, &told, err);
    free(told.body);
    return ret;
}

int mt_api_job_cancel(struct mt_api_call *call, struct mt_err *err)
{
    json_t *row = mt_api_job_row(call, call->args[0], err);
    struct mt_db *db = row ? mt_api_db(call, err) : NULL;
    const char *id = call->args[0];
    const char *status = NULL;
    int ret = -1;

    if (!db || mt_queue_cancel(db, id, &status, err) < 0)
        goto out;
    if (mt_api_audit(call, db, "job.cancelled", "job", id, NULL, err) < 0)
        goto out;
    if (strcmp(status, "processing") == 0)
        ret = mt_http_json(call->x, 202,
                           json_pack("{s:s, s:s}", "job_id", id, "status", "cancelling"), err);
    else if (strcmp(status, "cancelled") == 0)
        ret = mt_http_json(call->x, 200, json_pack("{s:s, s:s}", "job_id", id, "status", status),
                           err);
    else
        ret = mt_http_problem(call->x, "conflict", NULL, err,
                              "the job has ended as '%s': there is nothing to cancel",
                              strcmp(status, "dead") == 0 ? "failed" : status);
out:
    json_decref(row);
    return ret;
}

int mt_api_job_retry(struct mt_api_call *call, struct mt_err *err)
{
    json_t *row = mt_api_job_row(call, call->args[0], err);
    struct mt_db *db = row ? mt_api_db(call, err) : NULL;
    const char *id = call->args[0];
    int ret = -1;

    if (!db)
        goto out;
    if (mt_queue_retry(db, id, err) == 0) {
        ret = mt_api_audit(call, db, "job.retried", "job", id, NULL, err);
        if (ret == 0)
            ret = mt_http_json(call->x, 202,
                               json_pack("{s:s, s:s}", "job_id", id, "status", "pending"), err);
    } else if (err->code == MT_ERR_USAGE || err->code == MT_ERR_LOCKED) {
        ret = mt_http_problem(call->x, "conflict", NULL, err,
                              "the job is '%s': only what failed or was cancelled is tried again",
                              mt_api_job_status(row));
    }
out:
    json_decref(row);
    return ret;
}
