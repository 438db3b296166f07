/* SPDX-License-Identifier: GPL-2.0-or-later */
/* decision.c - see decision.h. */
#include "catalog/decision.h"

#include "base/clock.h"
#include "catalog/asset.h"
#include "catalog/hold.h"
#include "catalog/journal.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

/* Only one asset of a user with the same bytes is visible. */
static int check_alone(struct mt_db *db, const json_t *row, const char *status, struct mt_err *err)
{
    const char *sha256 = mt_json_str(row, "checksum", "");

    if (strcmp(status, "rejected") == 0)
        return 0;
    json_t *other = mt_asset_find(db, mt_json_str(row, "uploaded_by", NULL), sha256, err);
    if (!other)
        return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
    const char *id = mt_json_str(other, "id", "");
    int ret =
        strcmp(id, mt_json_str(row, "id", "")) == 0
            ? 0
            : mt_fail(err, MT_ERR_POLICY, "asset %s has the same bytes and is there already", id);
    json_decref(other);
    return ret;
}

/* 1; 0 if the row is not in the state any more in which it was read. */
static int update(struct mt_db *db, const json_t *row, const struct mt_decision *d,
                  struct mt_err *err)
{
    const json_t *had = json_object_get(row, "metadata");
    json_t *metadata = json_is_object(had) ? json_copy((json_t *)(uintptr_t)had) : json_object();
    char now[MT_TIME_TEXT];
    int64_t changed = 0;

    if (d->policy)
        json_object_set(metadata, "policy", (json_t *)(uintptr_t)d->policy);
    else
        json_object_del(metadata, "policy");
    int ret = mt_db_exec(db, &changed, err,
                         "UPDATE media_assets SET upload_status = $2, scan = COALESCE($3, scan),"
                         " metadata = $4, updated_at = $5 WHERE id = $1 AND upload_status = $6",
                         "ssjjss", mt_json_str(row, "id", ""), d->status, d->scan, metadata,
                         mt_time_text(mt_now_us(), now), mt_json_str(row, "upload_status", ""));
    json_decref(metadata);
    return ret < 0 ? -1 : changed > 0;
}

/* Somebody else was first. That is no failure if he decided the same. */
static int check_same(struct mt_db *db, const json_t *row, const char *status, struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    json_t *now = mt_asset_get(db, id, err);
    int ret = 0;

    if (!now)
        return -1;
    if (strcmp(mt_json_str(now, "upload_status", ""), status) != 0)
        ret = mt_fail(err, MT_ERR_CHANGED, "asset %s was changed by somebody else meanwhile", id);
    json_decref(now);
    return ret;
}

static int record(struct mt_db *db, const json_t *row, const struct mt_decision *d,
                  struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    const char *before = mt_json_str(row, "upload_status", "");
    json_t *what = json_pack("{s:s, s:s, s:O*, s:O*, s:O*}", "status", d->status, "before", before,
                             "original_filename", json_object_get(row, "original_filename"),
                             "policy", d->policy, "scan", d->scan);
    char type[32];

    snprintf(type, sizeof type, "asset.%s", d->status);
    int ret = mt_audit_add(db, d->actor, d->action, "asset", id, what, err);
    if (ret == 0 && strcmp(before, d->status) != 0)
        ret = mt_event_add(db, type, id, NULL, what, err);
    json_decref(what);
    return ret;
}

int mt_asset_decide_within(struct mt_db *db, const json_t *row, const struct mt_decision *d,
                           struct mt_err *err)
{
    if (check_alone(db, row, d->status, err) < 0)
        return -1;
    int ret = update(db, row, d, err);
    if (ret == 0)
        return check_same(db, row, d->status, err);
    if (ret < 0 || mt_hold_record(db, mt_json_str(row, "id", ""), d->status,
                                  d->scan ? d->scan : json_object_get(row, "scan"), d->policy,
                                  d->actor, err) < 0)
        return -1;
    return record(db, row, d, err);
}

json_t *mt_asset_find_rejected(struct mt_db *db, const char *uploaded_by, const char *checksum,
                               struct mt_err *err)
{
    static const char for_user[] = "SELECT * FROM media_assets WHERE checksum = $1"
                                   " AND uploaded_by = $2 AND upload_status = 'rejected'"
                                   " ORDER BY updated_at DESC LIMIT 1";
    static const char for_nobody[] = "SELECT * FROM media_assets WHERE checksum = $1"
                                     " AND uploaded_by IS NULL AND upload_status = 'rejected'"
                                     " ORDER BY updated_at DESC LIMIT 1";
    json_t *row = uploaded_by ? mt_db_row(db, err, for_user, "ss", checksum, uploaded_by)
                              : mt_db_row(db, err, for_nobody, "s", checksum);

    if (!row && err->code == MT_ERR_NOT_FOUND)
        mt_fail(err, MT_ERR_NOT_FOUND, "no asset with the checksum %s was rejected", checksum);
    return row;
}
