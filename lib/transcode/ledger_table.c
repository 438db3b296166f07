/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ledger_table.c - the rows of a ledger in the database. */
#include "base/clock.h"
#include "catalog/lease.h"
#include "catalog/owner.h"
#include "transcode/ledger_rows.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

int mt_rows_put(struct mt_rows *l, const struct mt_rows_row *r, struct mt_err *err)
{
    const struct mt_lease *lease = mt_db_fence(l->at.db);
    char id[MT_UUID_TEXT], now[MT_TIME_TEXT], worker[MT_OWNER_TEXT];

    mt_time_text(mt_now_us(), now);
    return mt_db_exec(
        l->at.db, NULL, err,
        "INSERT INTO segments (id, media_asset_id, recipe, rendition, number, start_us, end_us,"
        " status, job_id, lease_token, worker, s3_key, checksum, file_size, frames, details,"
        " created_at, completed_at) VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7, -1), 'completed',"
        " $8, NULLIF($9, 0), $10, $11, $12, $13, $14, $15, $16, $17)"
        " ON CONFLICT (media_asset_id, recipe, rendition, number) DO UPDATE SET"
        " job_id = excluded.job_id, lease_token = excluded.lease_token, worker = excluded.worker,"
        " s3_key = excluded.s3_key, checksum = excluded.checksum, file_size = excluded.file_size,"
        " frames = excluded.frames, details = excluded.details,"
        " completed_at = excluded.completed_at",
        "ssssiiisisssiijss", mt_uuid(id), l->at.asset_id, l->at.work, r->rendition, r->number,
        r->start_us, r->end_us, lease ? lease->job : NULL, lease ? lease->token : (int64_t)0,
        mt_lease_owner(l->at.db, worker), r->key, r->checksum, r->size, r->frames, r->details, now,
        now);
}

int mt_rows_delete(struct mt_rows *l, const char *rendition, int64_t number, struct mt_err *err)
{
    return mt_db_exec(l->at.db, NULL, err,
                      "DELETE FROM segments WHERE media_asset_id = $1 AND recipe = $2"
                      " AND rendition = $3 AND number = $4",
                      "sssi", l->at.asset_id, l->at.work, rendition, number);
}

static void load_row(struct mt_rows *l, const json_t *row)
{
    const char *rendition = mt_json_str(row, "rendition", "");
    int64_t number = mt_json_int(row, "number", 0);
    long long voice;
    json_t *details = json_object_get(row, "details");
    json_t *lane;

    if (strcmp(rendition, "source") == 0) {
        mt_ledger_know_source(&l->base, number, details);
    } else if (sscanf(rendition, "sound-%lld", &voice) == 1) {
        json_object_set(details, "checksum", json_object_get(row, "checksum"));
        mt_ledger_know_sound(&l->base, voice, details);
    } else {
        lane = json_deep_copy(details);
        json_object_set_new(lane, "offset", json_integer(0));
        json_object_set(lane, "size", json_object_get(row, "file_size"));
        json_object_set(lane, "checksum", json_object_get(row, "checksum"));
        mt_ledger_know_segment(&l->base, rendition, number, lane);
        json_decref(lane);
    }
}

int mt_rows_load(struct mt_rows *l, struct mt_err *err)
{
    json_t *rows = mt_db_rows(l->at.db, err,
                              "SELECT rendition, number, checksum, file_size, details"
                              " FROM segments WHERE media_asset_id = $1 AND recipe = $2"
                              " ORDER BY rendition, number",
                              "ss", l->at.asset_id, l->at.work);
    json_t *row;
    size_t i;

    if (!rows)
        return -1;
    mt_ledger_forget(&l->base, NULL);
    json_array_foreach(rows, i, row)
    {
        if (strcmp(mt_json_str(row, "rendition", ""), "plan") == 0)
            mt_ledger_forget(&l->base, json_object_get(row, "details"));
    }
    json_array_foreach(rows, i, row)
    {
        if (l->base.plan && strcmp(mt_json_str(row, "rendition", ""), "plan") != 0)
            load_row(l, row);
    }
    json_decref(rows);
    return 0;
}

int mt_rows_forget(struct mt_rows *l, const char *work, struct mt_err *err)
{
    return mt_db_exec(l->at.db, NULL, err,
                      "DELETE FROM segments WHERE media_asset_id = $1 AND recipe = $2", "ss",
                      l->at.asset_id, work);
}
