/* SPDX-License-Identifier: GPL-2.0-or-later */
/* document.c - see document.h. */
#include "catalog/document.h"

#include "base/clock.h"
#include "catalog/analysis.h"
#include "catalog/asset.h"
#include "catalog/variant.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* --- parts --- */

static json_t *url_of(const json_t *row, struct mt_store *store)
{
    char *url = store ? mt_store_url(store, mt_json_str(row, "s3_key", "")) : NULL;
    json_t *json = mt_json_text(url);

    free(url);
    return json;
}

/* Copies the columns named, as they are, in this order. */
static void copy(json_t *to, const json_t *row, const char *const columns[])
{
    for (; *columns; columns++) {
        json_t *value = json_object_get(row, *columns);
        if (value)
            json_object_set(to, *columns, value);
    }
}

json_t *mt_document_asset(const json_t *row, struct mt_store *store)
{
    static const char *const first[] = {
        "id", "original_filename", "content_type", "mime_type", "file_size", "checksum", NULL};
    static const char *const second[] = {"cdn_url", "upload_status", NULL};
    static const char *const third[] = {"uploaded_by", "outcome", "created_at", "updated_at", NULL};
    json_t *asset = json_object();
    json_t *scan = json_object_get(row, "scan");
    json_t *metadata = json_object_get(row, "metadata");
    const char *status = mt_json_str(row, "upload_status", "");
    bool stored = strcmp(status, "completed") == 0 || strcmp(status, "held") == 0;

    copy(asset, row, first);
    json_object_set_new(asset, "url", stored ? url_of(row, store) : json_null());
    copy(asset, row, second);
    json_object_set_new(asset, "duplicate", json_false());
    copy(asset, row, third);
    if (json_is_object(scan))
        json_object_set(asset, "scan", scan);
    if (json_is_object(metadata))
        json_object_set(asset, "metadata", metadata);
    return asset;
}

json_t *mt_document_variant(const json_t *row, struct mt_store *store)
{
    static const char *const first[] = {"id",         "variant_type", "quality",  "format",
                                        "resolution", "bitrate",      "duration", NULL};
    static const char *const second[] = {"cdn_url", "file_size", "checksum", NULL};
    json_t *variant = json_object();
    json_t *details = json_object_get(row, "details");

    copy(variant, row, first);
    json_object_set_new(variant, "url", url_of(row, store));
    copy(variant, row, second);
    json_object_set_new(variant, "verified", json_boolean(mt_json_int(row, "verified", 0) != 0));
    if (mt_json_at(row, "score"))
        json_object_set(variant, "score", json_object_get(row, "score"));
    if (mt_json_at(row, "recipe"))
        json_object_set(variant, "recipe", json_object_get(row, "recipe"));
    if (json_is_number(json_object_get(details, "duration"))) /* the column has whole seconds */
        json_object_set(variant, "duration", json_object_get(details, "duration"));
    if (json_is_object(details))
        json_object_update_missing(variant, details);
    return variant;
}

json_t *mt_document_thumbnail(const json_t *row, struct mt_store *store)
{
    static const char *const from_details[] = {"width", "height", NULL};
    static const char *const columns[] = {"format", "id", "file_size", "checksum", NULL};
    json_t *details = json_object_get(row, "details");
    json_t *thumbnail = json_object();
    json_t *at = json_object_get(details, "timestamp");

    json_object_set_new(thumbnail, "timestamp", at ? json_incref(at) : json_integer(0));
    json_object_set_new(thumbnail, "url", url_of(row, store));
    copy(thumbnail, details, from_details);
    copy(thumbnail, row, columns);
    if (json_is_object(details))
        json_object_update_missing(thumbnail, details);
    return thumbnail;
}

const char *mt_document_stage_of(const char *job_type)
{
    return strcmp(job_type, "thumbnail") == 0 ? "thumbs" : job_type;
}

/* --- the whole --- */

static int add_variants(json_t *doc, struct mt_db *db, struct mt_store *store, const char *id,
                        struct mt_err *err)
{
    json_t *rows = mt_variants_of(db, id, err);
    json_t *variants = json_array();
    json_t *thumbnails = json_array();
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        if (strcmp(mt_json_str(row, "variant_type", ""), "thumbnail") == 0)
            mt_doc_insert_thumbnail(thumbnails, mt_document_thumbnail(row, store));
        else
            json_array_append_new(variants, mt_document_variant(row, store));
    }
    json_object_set_new(doc, "variants", variants);
    json_object_set_new(doc, "thumbnails", thumbnails);
    json_decref(rows);
    return rows ? 0 : -1;
}

static int add_analyses(json_t *doc, struct mt_db *db, const char *id, struct mt_err *err)
{
    json_t *rows = mt_analyses_of(db, id, err);
    json_t *analysis = json_object();
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        const char *type = mt_json_str(row, "analysis_type", "");
        if (strcmp(mt_json_str(row, "status", ""), "completed") == 0 &&
            !json_object_get(analysis, type))
            json_object_set(analysis, type, json_object_get(row, "results"));
    }
    json_object_set_new(doc, "analysis", analysis);
    json_decref(rows);
    return rows ? 0 : -1;
}

static const char *stage_status(const json_t *job)
{
    const char *outcome = mt_json_str(job, "outcome", "");
    const char *status = mt_json_str(job, "status", "");

    if (strcmp(outcome, "not_applicable") == 0 || strcmp(outcome, "degraded") == 0)
        return outcome;
    return strcmp(status, "dead") == 0 ? "failed" : status;
}

/* What failed has an error, also where whoever did it could not write one any more. New. */
static json_t *stage_error(const json_t *job, const char *status)
{
    json_t *error = mt_json_at(job, "error");

    if (json_is_object(error))
        return json_incref(error);
    if (strcmp(status, "failed") != 0)
        return json_null();
    return json_pack("{s:s, s:s, s:b}", "code", "failed", "message", "it failed without saying why",
                     "retryable", 0);
}

static json_t *stage_of(const json_t *job)
{
    json_t *stage = json_object();
    const char *status = stage_status(job);
    struct mt_err ignored;
    int64_t from = 0;
    int64_t to = 0;

    json_object_set_new(stage, "status", json_string(status));
    json_object_set_new(stage, "error", stage_error(job, status));
    if (mt_time_parse(mt_json_str(job, "started_at", ""), &from, &ignored) == 0 &&
        mt_time_parse(mt_json_str(job, "completed_at", ""), &to, &ignored) == 0)
        json_object_set_new(stage, "took_ms", json_integer(to > from ? (to - from) / 1000 : 0));
    json_object_set(stage, "job_id", json_object_get(job, "id"));
    return stage;
}

static int add_stages(json_t *doc, struct mt_db *db, const char *id, struct mt_err *err)
{
    json_t *rows = mt_db_rows(db, err,
                              "SELECT id, job_type, status, outcome, error, started_at,"
                              " completed_at FROM processing_jobs WHERE media_asset_id = $1"
                              " ORDER BY created_at, id",
                              "s", id);
    json_t *stages = json_object();
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        json_object_set_new(stages, mt_document_stage_of(mt_json_str(row, "job_type", "")),
                            stage_of(row));
    }
    json_object_set_new(doc, "stages", stages);
    json_decref(rows);
    return rows ? 0 : -1;
}

/* What kept the asset from becoming visible is fatal to it. */
static void add_error(json_t *doc)
{
    const char *status = mt_json_str(doc, "asset.upload_status", "");
    json_t *error = mt_json_at(doc, "stages.ingest.error");

    if (error && (strcmp(status, "rejected") == 0 || strcmp(status, "failed") == 0))
        json_object_set(doc, "error", error);
}

json_t *mt_document_of_asset(struct mt_db *db, struct mt_store *store, const char *id,
                             struct mt_err *err)
{
    json_t *row = mt_asset_get(db, id, err);

    if (!row)
        return NULL;
    const char *whole = mt_json_str(row, "id", "");
    json_t *doc = json_object();
    json_object_set_new(doc, "schema", json_integer(MT_DOC_SCHEMA));
    json_object_set_new(doc, "asset", mt_document_asset(row, store));
    if (add_variants(doc, db, store, whole, err) < 0 || add_analyses(doc, db, whole, err) < 0 ||
        add_stages(doc, db, whole, err) < 0) {
        json_decref(doc);
        doc = NULL;
    } else {
        add_error(doc);
    }
    json_decref(row);
    return doc;
}
