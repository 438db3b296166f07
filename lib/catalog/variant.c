/* SPDX-License-Identifier: GPL-2.0-or-later */
/* variant.c - see variant.h. */
#include "catalog/variant.h"

#include "base/path.h"
#include "base/text.h"
#include "catalog/journal.h"
#include "catalog/lease.h"
#include "catalog/owner.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

/* --- intents --- */

/* *added: no, if somebody else has just announced the same. */
static int insert(struct mt_db *db, const struct mt_variant_intent *in, char id[MT_UUID_TEXT],
                  bool *added, struct mt_err *err)
{
    char self[MT_OWNER_TEXT];
    char now[MT_TIME_TEXT];
    int64_t changes = 0;
    int ret = mt_db_exec(db, &changes, err,
                         "INSERT INTO media_variants (id, media_asset_id, variant_type, format,"
                         " quality, recipe, s3_bucket, s3_key, s3_prefix, processing_status, owner,"
                         " created_at, updated_at)"
                         " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'processing', $10, $11, $11)"
                         " ON CONFLICT (media_asset_id, s3_key) DO NOTHING",
                         "sssssssssss", mt_uuid(id), in->asset_id, in->type, in->format,
                         in->quality, in->recipe, in->bucket ? in->bucket : "local", in->key,
                         in->prefix, mt_lease_owner(db, self), mt_time_text(mt_now_us(), now));

    *added = changes == 1;
    return ret;
}

static int fail_taken(const json_t *row, struct mt_err *err)
{
    const char *owner = mt_json_str(row, "owner", "");

    mt_fail(err, MT_ERR_LOCKED, "'%s' is being made by process %d on '%.*s'",
            mt_json_str(row, "s3_key", ""), mt_owner_pid(owner), (int)strcspn(owner, "/"), owner);
    return mt_hint(err, "wait until it has finished, then run the command again");
}

/* There is a row for the key: done, somebody's, or to be taken over. */
static int take_over(struct mt_db *db, const struct mt_variant_intent *in, const json_t *row,
                     char id[MT_UUID_TEXT], enum mt_variant_claim *claim, struct mt_err *err)
{
    const char *owner = mt_json_str(row, "owner", NULL);
    bool done = strcmp(mt_json_str(row, "processing_status", ""), "completed") == 0;
    char self[MT_OWNER_TEXT];
    char now[MT_TIME_TEXT];

    snprintf(id, MT_UUID_TEXT, "%s", mt_json_str(row, "id", ""));
    if (done && !in->force) {
        *claim = MT_VARIANT_DONE;
        return 0;
    }
    bool is_void = false;
    if (mt_lease_is_void(db, owner, &is_void, err) < 0)
        return -1;
    if (owner && !is_void && strcmp(owner, mt_lease_owner(db, self)) != 0 &&
        mt_owner_state(owner) != MT_OWNER_DEAD)
        return fail_taken(row, err);
    int64_t changes = 0;
    if (mt_db_exec(db, &changes, err,
                   "UPDATE media_variants SET owner = $2, updated_at = $3, s3_prefix = $4,"
                   " variant_type = $5, format = $6, quality = $7, recipe = $8 WHERE id = $1"
                   " AND COALESCE(CAST(owner AS TEXT), '') = $9",
                   "sssssssss", id, mt_lease_owner(db, self), mt_time_text(mt_now_us(), now),
                   in->prefix, in->type, in->format, in->quality, in->recipe,
                   owner ? owner : "") < 0)
        return -1;
    return changes == 1 ? 0 : fail_taken(row, err); /* somebody was quicker */
}

static int need_asset(struct mt_db *db, const char *id, struct mt_err *err)
{
    json_t *row = mt_db_row(db, err, "SELECT id FROM media_assets WHERE id = $1", "s", id);

    if (row) {
        json_decref(row);
        return 0;
    }
    return err->code == MT_ERR_NOT_FOUND
               ? mt_fail(err, MT_ERR_NOT_FOUND, "there is no asset '%s'", id)
               : -1;
}

static json_t *find(struct mt_db *db, const struct mt_variant_intent *in, struct mt_err *err)
{
    return mt_db_row(db, err,
                     "SELECT * FROM media_variants WHERE media_asset_id = $1 AND s3_key = $2", "ss",
                     in->asset_id, in->key);
}

static int intend(struct mt_db *db, const struct mt_variant_intent *in, char id[MT_UUID_TEXT],
                  enum mt_variant_claim *claim, struct mt_err *err)
{
    if (need_asset(db, in->asset_id, err) < 0)
        return -1;
    bool added = false;
    json_t *row = find(db, in, err);
    if (!row && (err->code != MT_ERR_NOT_FOUND || insert(db, in, id, &added, err) < 0))
        return -1;
    if (!row && !added)
        row = find(db, in, err);
    if (!row)
        return added ? 0 : -1;
    int ret = take_over(db, in, row, id, claim, err);
    json_decref(row);
    return ret;
}

static int check_intent(const struct mt_variant_intent *in, struct mt_err *err)
{
    if (mt_key_is_safe(in->key) && (!in->prefix || mt_str_ends(in->prefix, "/")))
        return 0;
    return mt_fail(err, MT_ERR_BUG, "no variant can be at '%s'", in->key);
}

int mt_variants_intend(struct mt_db *db, const struct mt_variant_intent *intents, int n,
                       char (*ids)[MT_UUID_TEXT], enum mt_variant_claim *claims, struct mt_err *err)
{
    for (int i = 0; i < n; i++)
        if (check_intent(&intents[i], err) < 0)
            return -1;
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        claims[i] = MT_VARIANT_MINE;
        if (intend(db, &intents[i], ids[i], &claims[i], err) < 0) {
            mt_db_rollback(db);
            return -1;
        }
    }
    return mt_db_commit(db, err);
}

int mt_variant_intend(struct mt_db *db, const struct mt_variant_intent *intent,
                      char id[MT_UUID_TEXT], enum mt_variant_claim *claim, struct mt_err *err)
{
    return mt_variants_intend(db, intent, 1, (char(*)[MT_UUID_TEXT])id, claim, err);
}

/* --- publishing and not --- */

static json_t *own(struct mt_db *db, const char *id, struct mt_err *err)
{
    char self[MT_OWNER_TEXT];
    json_t *row = mt_db_row(db, err, "SELECT * FROM media_variants WHERE id = $1 AND owner = $2",
                            "ss", id, mt_lease_owner(db, self));

    if (!row && err->code == MT_ERR_NOT_FOUND) {
        mt_fail(err, MT_ERR_NOT_FOUND, "variant '%s' is not being made by this process", id);
        mt_hint(err, "its asset was erased meanwhile");
    }
    return row;
}

static int publish(struct mt_db *db, const json_t *row, const struct mt_variant_result *r,
                   struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    json_t *what =
        json_pack("{s:s, s:O, s:O, s:O}", "variant_id", id, "variant_type",
                  json_object_get(row, "variant_type"), "quality", json_object_get(row, "quality"),
                  "s3_key", json_object_get(row, "s3_key"));
    char now[MT_TIME_TEXT];
    int ret = mt_db_exec(
        db, NULL, err,
        "UPDATE media_variants SET processing_status = 'completed', processing_progress = 100,"
        " resolution = $2, bitrate = $3, duration = NULLIF($4, -1), file_size = $5, checksum = $6,"
        " verified = $7, score = $8, details = $9, updated_at = $10, owner = NULL WHERE id = $1",
        "sssiisbjjs", id, r->resolution, r->bitrate,
        r->duration_s < 0 ? (int64_t)-1 : r->duration_s, r->file_size, r->checksum,
        (int)r->verified, r->score, r->details, mt_time_text(mt_now_us(), now));

    if (ret == 0)
        ret = mt_event_add(db, "variant.completed", mt_json_str(row, "media_asset_id", NULL), NULL,
                           what, err);
    json_decref(what);
    return ret;
}

static int publish_own(struct mt_db *db, const char *id, const struct mt_variant_result *result,
                       struct mt_err *err)
{
    json_t *row = own(db, id, err);
    int ret = row ? publish(db, row, result, err) : -1;

    json_decref(row);
    return ret;
}

int mt_variants_publish_within(struct mt_db *db, char (*ids)[MT_UUID_TEXT],
                               const struct mt_variant_result *results, int n, struct mt_err *err)
{
    for (int i = 0; i < n; i++)
        if (publish_own(db, ids[i], &results[i], err) < 0)
            return -1;
    return 0;
}

int mt_variants_publish(struct mt_db *db, char (*ids)[MT_UUID_TEXT],
                        const struct mt_variant_result *results, int n, struct mt_err *err)
{
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    if (mt_variants_publish_within(db, ids, results, n, err) == 0)
        return mt_db_commit(db, err);
    mt_db_rollback(db);
    return -1;
}

int mt_variant_publish(struct mt_db *db, const char *id, const struct mt_variant_result *result,
                       struct mt_err *err)
{
    char ids[1][MT_UUID_TEXT];

    snprintf(ids[0], sizeof ids[0], "%s", id);
    return mt_variants_publish(db, ids, result, 1, err);
}

int mt_variant_amend(struct mt_db *db, const char *id, const json_t *details, struct mt_err *err)
{
    int64_t changes = 0;
    char now[MT_TIME_TEXT];

    if (mt_db_exec(db, &changes, err,
                   "UPDATE media_variants SET details = $2, updated_at = $3"
                   " WHERE id = $1 AND processing_status = 'completed'",
                   "sjs", id, details, mt_time_text(mt_now_us(), now)) < 0)
        return -1;
    return changes ? 0 : mt_fail(err, MT_ERR_NOT_FOUND, "there is no variant '%s' any more", id);
}

int mt_variant_discard(struct mt_db *db, struct mt_store *store, const json_t *row,
                       const char *owner, struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    const char *prefix = mt_json_str(row, "s3_prefix", NULL);

    if (strcmp(mt_json_str(row, "processing_status", ""), "completed") == 0)
        return mt_db_exec(db, NULL, err,
                          "UPDATE media_variants SET owner = NULL WHERE id = $1 AND owner = $2",
                          "ss", id, owner);
    if (store && (mt_store_remove(store, mt_json_str(row, "s3_key", ""), err) < 0 ||
                  (prefix && mt_store_remove_below(store, prefix, err) < 0)))
        return -1;
    return mt_db_exec(db, NULL, err,
                      "DELETE FROM media_variants"
                      " WHERE id = $1 AND processing_status <> 'completed' AND owner = $2",
                      "ss", id, owner);
}

static int abandon(struct mt_db *db, struct mt_store *store, const char *id, struct mt_err *err)
{
    char self[MT_OWNER_TEXT];
    json_t *row = own(db, id, err);

    if (!row)
        return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
    int ret = mt_variant_discard(db, store, row, mt_lease_owner(db, self), err);
    json_decref(row);
    return ret;
}

/*
 * Under a lease the object goes within the transaction that makes sure of it: when the lease is
 * over the key may be somebody else's, and what is there is left to whoever has it now.
 */
int mt_variant_abandon(struct mt_db *db, struct mt_store *store, const char *id, struct mt_err *err)
{
    if (!mt_lease_is_attached(db))
        return abandon(db, store, id, err);
    if (mt_db_begin(db, true, err) < 0)
        return err->code == MT_ERR_LEASE ? 0 : -1;
    if (abandon(db, store, id, err) == 0)
        return mt_db_commit(db, err);
    mt_db_rollback(db);
    return -1;
}

/* --- looking --- */

json_t *mt_variants_of(struct mt_db *db, const char *asset_id, struct mt_err *err)
{
    return mt_db_rows(db, err,
                      "SELECT * FROM media_variants WHERE media_asset_id = $1"
                      " AND processing_status = 'completed' ORDER BY created_at, s3_key",
                      "s", asset_id);
}

json_t *mt_variants_by_recipe(struct mt_db *db, const char *asset_id, const char *recipe,
                              struct mt_err *err)
{
    return mt_db_rows(db, err,
                      "SELECT * FROM media_variants WHERE media_asset_id = $1 AND recipe = $2"
                      " AND processing_status = 'completed' ORDER BY created_at, s3_key",
                      "ss", asset_id, recipe);
}

json_t *mt_variant_find(struct mt_db *db, const char *asset_id, const char *key, struct mt_err *err)
{
    json_t *row = mt_db_row(db, err,
                            "SELECT * FROM media_variants WHERE media_asset_id = $1"
                            " AND s3_key = $2 AND processing_status = 'completed'",
                            "ss", asset_id, key);

    if (!row && err->code == MT_ERR_NOT_FOUND)
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no variant '%s'", key);
    return row;
}
