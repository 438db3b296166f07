/* SPDX-License-Identifier: GPL-2.0-or-later */
/* analysis.c - see analysis.h. */
#include "catalog/analysis.h"

#include "catalog/journal.h"
#include "catalog/lookup.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

static int insert(struct mt_db *db, const struct mt_analysis *a, const char *id, struct mt_err *err)
{
    json_t *error = a->error ? mt_err_to_json(a->error) : NULL;
    char now[MT_TIME_TEXT];
    int ret = mt_db_exec(
        db, NULL, err,
        "INSERT INTO content_analysis (id, media_asset_id, analysis_type, language, status,"
        " confidence_score, results, engine, recipe, outcome, error, job_id, created_at,"
        " completed_at)"
        " VALUES ($1, $2, $3, $4, $5, NULLIF(CAST($6 AS DOUBLE PRECISION), -1), $7, $8, $9, $10,"
        " $11, $12, $13, $13)",
        "sssssdjsssjss", id, a->asset_id, a->type, a->language, a->status,
        a->confidence < 0 ? -1.0 : a->confidence, a->results, a->engine, a->recipe, a->outcome,
        error, a->job_id, mt_time_text(mt_now_us(), now));

    json_decref(error);
    if (ret < 0 && mt_db_is_conflict(err)) {
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no asset '%s'", a->asset_id);
        return mt_hint(err, "it was erased meanwhile");
    }
    return ret;
}

int mt_analysis_put(struct mt_db *db, const struct mt_analysis *a, char id[MT_UUID_TEXT],
                    struct mt_err *err)
{
    char type[40];

    if (mt_db_begin(db, true, err) < 0)
        return -1;
    json_t *what = json_pack("{s:s, s:s, s:s?}", "analysis_id", mt_uuid(id), "analysis_type",
                             a->type, "language", a->language);
    snprintf(type, sizeof type, "analysis.%s", a->status);
    int ret = insert(db, a, id, err);
    if (ret == 0)
        ret = mt_event_add(db, type, a->asset_id, a->job_id, what, err);
    json_decref(what);
    if (ret < 0) {
        mt_db_rollback(db);
        return -1;
    }
    return mt_db_commit(db, err);
}

json_t *mt_analysis_get(struct mt_db *db, const char *id, struct mt_err *err)
{
    return mt_lookup(db, "analysis", "content_analysis", id, err);
}

json_t *mt_analyses_of(struct mt_db *db, const char *asset_id, struct mt_err *err)
{
    return mt_db_rows(db, err,
                      "SELECT * FROM content_analysis WHERE media_asset_id = $1"
                      " ORDER BY created_at DESC, id DESC",
                      "s", asset_id);
}

json_t *mt_analysis_find(struct mt_db *db, const char *asset_id, const char *type,
                         const char *language, const char *recipe, struct mt_err *err)
{
    json_t *rows = mt_db_rows(db, err,
                              "SELECT * FROM content_analysis WHERE media_asset_id = $1"
                              " AND analysis_type = $2 AND status = 'completed'"
                              " ORDER BY created_at DESC, id DESC",
                              "ss", asset_id, type);
    json_t *found = NULL;
    size_t i;
    json_t *row;

    if (!rows)
        return NULL;
    json_array_foreach(rows, i, row)
    {
        if (!found && (!language || strcmp(mt_json_str(row, "language", ""), language) == 0) &&
            (!recipe || strcmp(mt_json_str(row, "recipe", ""), recipe) == 0))
            found = json_incref(row);
    }
    json_decref(rows);
    if (!found)
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no such analysis of asset '%s'", asset_id);
    return found;
}
