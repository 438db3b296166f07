/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lists.c - jobs and assets, page by page, newest first. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/asset.h"
#include "catalog/document.h"
#include "catalog/lookup.h"
#include "doc/public.h"
#include "queue/queue.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 50, LIMIT_MAX = 200 };

/* A cursor says where a page ends; as base64, so that nobody makes his own out of habit. */
static char *cursor_in(const char *given)
{
    return given ? (char *)mt_base64url_decode(given, strlen(given), NULL) : NULL;
}

/* "next" of the body, and the same as a Link (RFC 8288). */
static void set_next(struct mt_api_call *call, json_t *body, const char *cursor)
{
    char *next = cursor ? mt_base64url(cursor, strlen(cursor)) : NULL;

    json_object_set_new(body, "next", mt_json_text(next));
    if (next) {
        struct mt_buf link;
        struct mt_err ignored;
        const char *name;
        mt_buf_init(&link, MT_HTTP_TARGET_MAX);
        for (int i = 0; (name = mt_http_query_name(call->x, i)); i++)
            if (strcmp(name, "cursor") != 0 &&
                mt_buf_printf(&link, &ignored, "%s=%s&", name, mt_http_query(call->x, name)) < 0)
                break;
        mt_http_add(call->x, "Link", "<%s?%scursor=%s>; rel=\"next\"", call->request->path,
                    link.data ? link.data : "", next);
        mt_buf_free(&link);
    }
    free(next);
}

static int page_of(struct mt_api_call *call, struct mt_page *page, char **cursor,
                   struct mt_err *err)
{
    const char *given = mt_http_query(call->x, "cursor");
    int64_t limit = LIMIT;

    if (mt_api_query_int(call, "limit", 1, INT64_MAX, &limit, err) < 0)
        return -1;
    *cursor = cursor_in(given);
    if (given && !*cursor)
        return mt_fail(err, MT_ERR_USAGE, "'%.40s' is no cursor", given);
    *page =
        (struct mt_page){.limit = (int)(limit > LIMIT_MAX ? LIMIT_MAX : limit), .cursor = *cursor};
    return 0;
}

/* A filter that is an id, or one of some words; else 400. */
static int check_filter(struct mt_api_call *call, const char *name, const char *words,
                        struct mt_err *err)
{
    const char *value = mt_http_query(call->x, name);

    if (!value)
        return 0;
    if (words ? mt_api_listed(words, value) : mt_uuid_valid(value))
        return 0;
    mt_fail(err, MT_ERR_USAGE, "'%s' cannot be '%.60s'", name, value);
    return words ? mt_hint(err, "%s", words) : -1;
}

/* Who may not see everything sees his own. With an id that nobody has, if he is nobody. */
static const char *only_user(const struct mt_api_call *call, unsigned all)
{
    if (call->may & all)
        return NULL;
    return call->user ? call->user : "00000000-0000-0000-0000-000000000000";
}

static json_t *job_rows(struct mt_api_call *call, const struct mt_page *page, char **next,
                        struct mt_err *err)
{
    const char *status = mt_http_query(call->x, "status");
    const struct mt_filter filters[MT_LOOKUP_FILTERS] = {
        {"submitted_by", only_user(call, MT_MAY_ALL_JOBS), NULL},
        /* A job that has used up its attempts has failed, for who asks by HTTP. */
        {"status", status, status && strcmp(status, "failed") == 0 ? "dead" : NULL},
        {"job_type", mt_http_query(call->x, "type"), NULL},
        {"media_asset_id", mt_http_query(call->x, "asset_id"), NULL},
    };
    struct mt_db *db = mt_api_db(call, err);

    return db ? mt_lookup_page(db, "processing_jobs", filters, page, next, err) : NULL;
}

int mt_api_jobs(struct mt_api_call *call, struct mt_err *err)
{
    const char *type = mt_http_query(call->x, "type");
    struct mt_page page;
    char *cursor = NULL;
    char *next = NULL;
    json_t *rows = NULL;
    json_t *list = json_array();
    int ret = -1;
    size_t i;
    json_t *row;

    if (page_of(call, &page, &cursor, err) < 0 ||
        check_filter(call, "status", "pending,processing,completed,failed,cancelled,dead", err) <
            0 ||
        check_filter(call, "asset_id", NULL, err) < 0)
        goto out;
    if (type && !mt_queue_word_ok(type)) {
        mt_fail(err, MT_ERR_USAGE, "no job is of type '%.40s'", type);
        goto out;
    }
    rows = job_rows(call, &page, &next, err);
    if (!rows)
        goto out;
    json_array_foreach(rows, i, row)
    {
        json_array_append_new(list, mt_api_job_body(call, row, false, err));
    }
    json_t *body = json_pack("{s:O}", "jobs", list);
    set_next(call, body, next);
    ret = mt_http_json(call->x, 200, body, err);
out:
    json_decref(list);
    json_decref(rows);
    free(cursor);
    free(next);
    return ret;
}

/* --- assets --- */

json_t *mt_api_asset_row(struct mt_api_call *call, const char *id, struct mt_err *err)
{
    struct mt_db *db;
    json_t *row;

    if (!mt_uuid_valid(id)) {
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no such asset");
        return NULL;
    }
    db = mt_api_db(call, err);
    row = db ? mt_db_row(db, err, "SELECT * FROM media_assets WHERE id = $1", "s", id) : NULL;
    if (!row || (call->may & MT_MAY_ALL_ASSETS))
        return row;
    const char *by = mt_json_str(row, "uploaded_by", "");
    if (!call->user || strcmp(by, call->user) != 0) {
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no such asset");
        json_decref(row);
        row = NULL;
    }
    return row;
}

/* Replaces the store's URL by one for clients, or null. */
static void publish_url(struct mt_api_call *call, json_t *part)
{
    const char *url = mt_json_str(part, "url", NULL);
    struct mt_err ignored;
    struct mt_store *store = mt_api_store(call, true, &ignored);
    char *key = store && url ? mt_store_key_of(store, url) : NULL;
    char *found = NULL;

    if (key && (!mt_url_is_original(key) || (call->may & MT_MAY_SUBMIT)))
        found = mt_api_media_url(call->api, key);
    if (json_object_get(part, "url"))
        json_object_set_new(part, "url", mt_json_text(found));
    free(found);
    free(key);
}

/* The document for clients: URLs that they can use, and nothing private for others than the owner.
 */
static void publish(struct mt_api_call *call, json_t *document)
{
    json_t *asset = json_object_get(document, "asset");
    const char *by = mt_json_str(asset, "uploaded_by", "");
    bool own = (call->user && strcmp(by, call->user) == 0) || (call->may & MT_MAY_ADMIN);
    size_t i;
    json_t *part;

    if (!own)
        mt_doc_make_public(document);
    publish_url(call, asset);
    json_array_foreach(json_object_get(document, "variants"), i, part)
    {
        publish_url(call, part);
    }
    json_array_foreach(json_object_get(document, "thumbnails"), i, part)
    {
        publish_url(call, part);
    }
}

int mt_api_asset_get(struct mt_api_call *call, struct mt_err *err)
{
    json_t *row = mt_api_asset_row(call, call->args[0], err);
    struct mt_db *db = row ? mt_api_db(call, err) : NULL;
    struct mt_store *store = db ? mt_api_store(call, true, err) : NULL;
    json_t *document = store ? mt_document_of_asset(db, store, call->args[0], err) : NULL;
    int ret = -1;

    json_decref(row);
    if (!document)
        return -1;
    publish(call, document);
    if (!call->api->set.audit_reads ||
        mt_api_audit(call, db, "asset.read", "asset", call->args[0], NULL, err) == 0)
        ret = mt_http_json(call->x, 200, json_incref(document), err);
    json_decref(document);
    return ret;
}

static json_t *asset_of(struct mt_api_call *call, const json_t *row)
{
    static const char *const columns[] = {"original_filename", "content_type", "mime_type",
                                          "file_size",         "checksum",     "upload_status",
                                          "upload_progress",   "created_at",   "updated_at"};
    json_t *asset = json_object();

    json_object_set(asset, "asset_id", json_object_get(row, "id"));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        json_object_set(asset, columns[i], json_object_get(row, columns[i]));
    json_object_set_new(asset, "duration",
                        mt_json_at(row, "duration_ms")
                            ? mt_json_real((double)mt_json_int(row, "duration_ms", 0) / 1000, 3)
                            : json_null());
    if (call->may & MT_MAY_ALL_ASSETS)
        json_object_set(asset, "uploaded_by", json_object_get(row, "uploaded_by"));
    return asset;
}

int mt_api_assets(struct mt_api_call *call, struct mt_err *err)
{
    const struct mt_filter filters[MT_LOOKUP_FILTERS] = {
        {"uploaded_by", only_user(call, MT_MAY_ALL_ASSETS), NULL},
        {"upload_status", mt_http_query(call->x, "status"), NULL},
        {"content_type", mt_http_query(call->x, "type"), NULL},
    };
    struct mt_page page;
    struct mt_db *db;
    char *cursor = NULL;
    char *next = NULL;
    json_t *rows = NULL;
    json_t *list = json_array();
    int ret = -1;
    size_t i;
    json_t *row;

    if (page_of(call, &page, &cursor, err) < 0 ||
        check_filter(call, "status", "pending,uploading,processing,completed,held,rejected,failed",
                     err) < 0 ||
        check_filter(call, "type", "video,audio,image", err) < 0 || !(db = mt_api_db(call, err)))
        goto out;
    rows = mt_lookup_page(db, "media_assets", filters, &page, &next, err);
    if (!rows)
        goto out;
    json_array_foreach(rows, i, row)
    {
        json_array_append_new(list, asset_of(call, row));
    }
    json_t *body = json_pack("{s:O}", "assets", list);
    set_next(call, body, next);
    ret = mt_http_json(call->x, 200, body, err);
out:
    json_decref(list);
    json_decref(rows);
    free(cursor);
    free(next);
    return ret;
}
