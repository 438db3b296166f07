/* SPDX-License-Identifier: GPL-2.0-or-later */
/* asset.c - see asset.h. */
#include "catalog/asset.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "catalog/hold.h"
#include "catalog/journal.h"
#include "catalog/owner.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { PUBLISH_ATTEMPTS = 3 };

/* --- intents --- */

static int record_user(struct mt_db *db, const char *id, struct mt_err *err)
{
    char now[MT_TIME_TEXT];

    if (!id)
        return 0;
    return mt_db_exec(db, NULL, err,
                      "INSERT INTO users (id, created_at) VALUES ($1, $2)"
                      " ON CONFLICT (id) DO NOTHING",
                      "ss", id, mt_time_text(mt_now_us(), now));
}

static int insert_intent(struct mt_db *db, const struct mt_asset_intent *in, struct mt_err *err)
{
    char self[MT_OWNER_TEXT];
    char now[MT_TIME_TEXT];
    json_t *named = json_object();

    mt_doc_set_name(named, in->name);
    int ret = mt_db_exec(
        db, NULL, err,
        "INSERT INTO media_assets (id, original_filename, content_type, mime_type, file_size,"
        " s3_bucket, s3_key, upload_status, metadata, uploaded_by, owner, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, 'uploading', $8, $9, $10, $11, $11)",
        "ssssissjsss", in->id, mt_json_str(named, "original_filename", ""), in->content_type,
        in->mime_type, in->file_size, in->bucket ? in->bucket : "local", in->key,
        json_object_get(named, "metadata"), in->uploaded_by, mt_owner_self(self),
        mt_time_text(mt_now_us(), now));
    json_decref(named);
    return ret;
}

int mt_asset_intend_within(struct mt_db *db, const struct mt_asset_intent *intent,
                           struct mt_err *err)
{
    if (!mt_uuid_valid(intent->id) || !mt_key_is_safe(intent->key))
        return mt_fail(err, MT_ERR_BUG, "no asset can be '%s' at '%s'", intent->id, intent->key);
    if (record_user(db, intent->uploaded_by, err) < 0)
        return -1;
    return insert_intent(db, intent, err);
}

int mt_asset_intend(struct mt_db *db, const struct mt_asset_intent *intent, struct mt_err *err)
{
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    if (mt_asset_intend_within(db, intent, err) < 0) {
        mt_db_rollback(db);
        return -1;
    }
    return mt_db_commit(db, err);
}

/* The objects first: a row without object can be swept again, an object without row never. */
static int remove_objects(struct mt_store *store, const json_t *row, struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    const char *key = mt_json_str(row, "s3_key", "");

    if (!store)
        return 0;
    char *prefix = mt_asprintf("%s/", id);
    int ret = mt_store_remove_below(store, prefix, err);
    /* Also if it is not there: a directory may be, that was made for it. */
    if (ret == 0)
        ret = mt_store_remove(store, key, err);
    free(prefix);
    return ret;
}

int mt_asset_discard(struct mt_db *db, struct mt_store *store, const json_t *row, const char *owner,
                     const char *heir, struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");

    if (remove_objects(store, row, err) < 0 || mt_db_begin(db, true, err) < 0)
        return -1;
    if (mt_db_exec(db, NULL, err,
                   "UPDATE processing_jobs SET media_asset_id = $2 WHERE media_asset_id = $1", "ss",
                   id, heir) < 0 ||
        mt_db_exec(db, NULL, err,
                   "UPDATE uploads SET media_asset_id = $2 WHERE media_asset_id = $1", "ss", id,
                   heir) < 0 ||
        mt_db_exec(db, NULL, err,
                   "DELETE FROM media_assets"
                   " WHERE id = $1 AND upload_status = 'uploading' AND owner = $2",
                   "ss", id, owner) < 0) {
        mt_db_rollback(db);
        return -1;
    }
    return mt_db_commit(db, err);
}

/* The row of this process's intent; MT_ERR_NOT_FOUND. */
static json_t *own_intent(struct mt_db *db, const char *id, struct mt_err *err)
{
    char self[MT_OWNER_TEXT];
    json_t *row = mt_db_row(db, err,
                            "SELECT * FROM media_assets"
                            " WHERE id = $1 AND upload_status = 'uploading' AND owner = $2",
                            "ss", id, mt_owner_self(self));

    if (!row && err->code == MT_ERR_NOT_FOUND) {
        mt_fail(err, MT_ERR_NOT_FOUND, "asset '%s' is not being stored by this process", id);
        mt_hint(err, "it was erased meanwhile: run the command again");
    }
    return row;
}

int mt_asset_abandon(struct mt_db *db, struct mt_store *store, const char *id, struct mt_err *err)
{
    char self[MT_OWNER_TEXT];
    json_t *row = own_intent(db, id, err);

    if (!row)
        return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
    int ret = mt_asset_discard(db, store, row, mt_owner_self(self), NULL, err);
    json_decref(row);
    return ret;
}

/* --- publishing --- */

static bool is_visible(const char *status)
{
    return strcmp(status, "completed") == 0 || strcmp(status, "held") == 0;
}

json_t *mt_asset_find(struct mt_db *db, const char *uploaded_by, const char *checksum,
                      struct mt_err *err)
{
    static const char for_user[] = "SELECT * FROM media_assets WHERE uploaded_by = $1"
                                   " AND checksum = $2 AND upload_status IN ('completed', 'held')";
    static const char for_nobody[] = "SELECT * FROM media_assets WHERE uploaded_by IS NULL"
                                     " AND checksum = $1 AND upload_status IN"
                                     " ('completed', 'held')";
    json_t *row = uploaded_by ? mt_db_row(db, err, for_user, "ss", uploaded_by, checksum)
                              : mt_db_row(db, err, for_nobody, "s", checksum);

    if (!row && err->code == MT_ERR_NOT_FOUND)
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no asset with the checksum %s", checksum);
    return row;
}

/* 1 and its id when the user has these bytes already. */
static int find_duplicate(struct mt_db *db, const json_t *intent,
                          const struct mt_asset_result *result, char duplicate[MT_UUID_TEXT],
                          struct mt_err *err)
{
    if (!is_visible(result->status))
        return 0;
    json_t *row =
        mt_asset_find(db, mt_json_str(intent, "uploaded_by", NULL), result->checksum, err);
    if (!row)
        return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
    snprintf(duplicate, MT_UUID_TEXT, "%s", mt_json_str(row, "id", ""));
    json_decref(row);
    return 1;
}

/* -1: it has none. */
static int64_t duration_ms(const json_t *metadata)
{
    double s = mt_json_num(metadata, "duration", -1);

    return s >= 0 && s < 1e12 ? (int64_t)(s * 1000 + 0.5) : -1;
}

static int update_row(struct mt_db *db, const json_t *intent, const struct mt_asset_result *r,
                      struct mt_err *err)
{
    const char *exact_name = mt_json_str(intent, "metadata.name_base64", NULL);
    json_t *metadata = r->metadata ? json_copy((json_t *)(uintptr_t)r->metadata) : json_object();
    char now[MT_TIME_TEXT];

    if (exact_name)
        json_object_set_new(metadata, "name_base64", json_string(exact_name));
    int ret = mt_db_exec(
        db, NULL, err,
        "UPDATE media_assets SET upload_status = $2, outcome = $3, checksum = $4, file_size = $5,"
        " content_type = COALESCE($6, content_type), mime_type = COALESCE($7, mime_type),"
        " metadata = $8, scan = $9, updated_at = $10, upload_progress = 100, owner = NULL,"
        " duration_ms = NULLIF($11, -1) WHERE id = $1",
        "ssssissjjsi", mt_json_str(intent, "id", ""), r->status, r->outcome, r->checksum,
        r->file_size, r->content_type, r->mime_type, metadata, r->scan,
        mt_time_text(mt_now_us(), now), duration_ms(metadata));
    json_decref(metadata);
    return ret;
}

static int record(struct mt_db *db, const json_t *intent, const struct mt_asset_result *r,
                  struct mt_err *err)
{
    const char *id = mt_json_str(intent, "id", "");
    json_t *what = json_pack("{s:s, s:O, s:s?}", "status", r->status, "original_filename",
                             json_object_get(intent, "original_filename"), "checksum", r->checksum);
    char type[32];

    snprintf(type, sizeof type, "asset.%s", r->status);
    int ret =
        mt_audit_add(db, mt_json_str(intent, "uploaded_by", NULL), type, "asset", id, what, err);
    if (ret == 0)
        ret = mt_event_add(db, type, id, NULL, what, err);
    json_decref(what);
    return ret;
}

int mt_asset_publish_within(struct mt_db *db, const char *id, const struct mt_asset_result *result,
                            char duplicate[MT_UUID_TEXT], struct mt_err *err)
{
    duplicate[0] = '\0';
    if (is_visible(result->status) && !result->checksum)
        return mt_fail(err, MT_ERR_BUG, "an asset without checksum cannot become visible");
    json_t *intent = own_intent(db, id, err);
    int ret = intent ? find_duplicate(db, intent, result, duplicate, err) : -1;
    if (ret == 0 &&
        (update_row(db, intent, result, err) < 0 || record(db, intent, result, err) < 0))
        ret = -1;
    if (ret == 0 && strcmp(result->status, "held") == 0)
        ret = mt_hold_record(db, id, result->status, result->scan,
                             json_object_get(result->metadata, "policy"), NULL, err);
    json_decref(intent);
    return ret;
}

/* One attempt; 1: there is a duplicate, and nothing has been changed. */
static int try_publish(struct mt_db *db, const char *id, const struct mt_asset_result *result,
                       char duplicate[MT_UUID_TEXT], struct mt_err *err)
{
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    int ret = mt_asset_publish_within(db, id, result, duplicate, err);
    if (ret != 0) {
        mt_db_rollback(db);
        return ret;
    }
    return mt_db_commit(db, err);
}

static int discard_duplicate(struct mt_db *db, struct mt_store *store, const char *id,
                             const char *heir, struct mt_err *err)
{
    char self[MT_OWNER_TEXT];
    json_t *row = own_intent(db, id, err);
    int ret = row ? mt_asset_discard(db, store, row, mt_owner_self(self), heir, err) : -1;

    json_decref(row);
    return ret;
}

int mt_asset_publish(struct mt_db *db, struct mt_store *store, const char *id,
                     const struct mt_asset_result *result, char duplicate[MT_UUID_TEXT],
                     struct mt_err *err)
{
    int ret = -1;

    /* Where transactions run side by side, the unique index tells of a rival. */
    for (int i = 0; i < PUBLISH_ATTEMPTS; i++) {
        ret = try_publish(db, id, result, duplicate, err);
        if (ret >= 0 || !mt_db_is_conflict(err))
            break;
    }
    return ret == 1 ? discard_duplicate(db, store, id, duplicate, err) : ret;
}

/* --- looking --- */

json_t *mt_asset_get(struct mt_db *db, const char *id, struct mt_err *err)
{
    return mt_lookup(db, "asset", "media_assets", id, err);
}

json_t *mt_asset_list(struct mt_db *db, const struct mt_asset_filter *filter,
                      const struct mt_page *page, char **next, struct mt_err *err)
{
    const struct mt_filter filters[] = {{"upload_status", filter->status, NULL},
                                        {"content_type", filter->content_type, NULL},
                                        {"uploaded_by", filter->uploaded_by, NULL},
                                        {NULL, NULL, NULL}};

    return mt_lookup_page(db, "media_assets", filters, page, next, err);
}

json_t *mt_asset_counts(struct mt_db *db, struct mt_err *err)
{
    return mt_db_rows(db, err,
                      "SELECT upload_status, content_type, count(*) AS n,"
                      " CAST(sum(file_size) AS BIGINT) AS bytes FROM media_assets"
                      " GROUP BY upload_status, content_type ORDER BY upload_status, content_type",
                      "");
}
