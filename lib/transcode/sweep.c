/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sweep.c - see sweep.h. */
#include "transcode/sweep.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "transcode/ledger_parts.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* What is known of all works: "{asset}/.work/{work}/" to {"newest_us", "objects", "here"}. */
struct works {
    struct mt_db *db;
    struct mt_store *store;
    json_t *all;
    int64_t since_us; /* what is younger stays */
};

static const char between[] = "/.work/";

static void know(json_t *all, const char *prefix, int64_t at_us, int objects, bool here)
{
    json_t *work = json_object_get(all, prefix);

    if (!work) {
        work = json_pack("{s:I, s:I}", "newest_us", (json_int_t)at_us, "objects", (json_int_t)0);
        json_object_set_new(all, prefix, work);
    }
    if (at_us > mt_json_int(work, "newest_us", 0))
        json_object_set_new(work, "newest_us", json_integer(at_us));
    json_object_set_new(work, "objects", json_integer(mt_json_int(work, "objects", 0) + objects));
    if (here)
        json_object_set_new(work, "here", json_true());
}

static int take_object(void *ctx, const struct mt_object *object, struct mt_err *err)
{
    const char *at = strstr(object->key, between);
    const char *name = at ? strchr(at + sizeof between - 1, '/') : NULL;

    (void)err;
    if (!name)
        return 0;
    char *prefix = mt_strndup(object->key, (size_t)(name + 1 - object->key));
    know(ctx, prefix, object->modified_us, 1, strcmp(name + 1, "journal") == 0);
    free(prefix);
    return 0;
}

static int take_rows(struct works *w, struct mt_err *err)
{
    json_t *rows = mt_db_rows(w->db, err,
                              "SELECT media_asset_id, recipe, max(completed_at) AS newest"
                              " FROM segments GROUP BY media_asset_id, recipe",
                              "");
    json_t *row;
    size_t i;
    int ret = rows ? 0 : -1;

    json_array_foreach(rows, i, row)
    {
        int64_t at_us = INT64_MAX;
        char *prefix = mt_asprintf("%s%s%s/", mt_json_str(row, "media_asset_id", ""), between,
                                   mt_json_str(row, "recipe", ""));

        if (ret == 0)
            ret = mt_time_parse(mt_json_str(row, "newest", ""), &at_us, err);
        know(w->all, prefix, at_us, 0, false);
        free(prefix);
    }
    json_decref(rows);
    return ret;
}

/* Whether a job will go on with it, or may. */
static int is_wanted(struct works *w, const char *asset, bool *wanted, struct mt_err *err)
{
    json_t *row = mt_db_row(w->db, err,
                            "SELECT id FROM processing_jobs WHERE media_asset_id = $1"
                            " AND status IN ('pending', 'processing')"
                            " AND job_type IN ('film', 'segment', 'transcode') LIMIT 1",
                            "s", asset);

    *wanted = row != NULL;
    json_decref(row);
    return row || err->code == MT_ERR_NOT_FOUND ? 0 : -1;
}

/* A ledger of this machine's has a lock. */
static int remove_here(struct works *w, const char *prefix, bool *removed, struct mt_err *err)
{
    char *key = mt_strndup(prefix, strlen(prefix) - 1);
    char *url = mt_store_url(w->store, key);
    char *path = url ? mt_path_of_file_url(url) : NULL;

    *removed = path && mt_ledger_discard_dir(path);
    free(path);
    free(url);
    free(key);
    return *removed ? mt_store_remove_below(w->store, prefix, err) : 0;
}

static int remove_one(struct works *w, const char *asset, const char *prefix, const json_t *work,
                      bool *removed, struct mt_err *err)
{
    const char *name = prefix + strlen(asset) + sizeof between - 1;
    char *recipe = mt_strndup(name, strcspn(name, "/"));
    char since[MT_TIME_TEXT];
    int ret;

    mt_log(MT_LOG_INFO, "removing the abandoned work '%s'", prefix);
    if (mt_json_at(work, "here")) {
        ret = remove_here(w, prefix, removed, err);
    } else {
        ret = mt_db_exec(w->db, NULL, err,
                         "DELETE FROM segments WHERE media_asset_id = $1 AND recipe = $2"
                         " AND completed_at < $3",
                         "sss", asset, recipe, mt_time_text(w->since_us, since));
        if (ret == 0)
            ret = mt_store_remove_below(w->store, prefix, err);
        *removed = ret == 0;
    }
    free(recipe);
    return ret;
}

static int sweep_one(struct works *w, const char *prefix, const json_t *work, bool dry_run,
                     struct mt_transcode_swept *swept, struct mt_err *err)
{
    char *asset = mt_strndup(prefix, (size_t)(strstr(prefix, between) - prefix));
    struct mt_err why;
    bool stays = !mt_uuid_valid(asset) || mt_json_int(work, "newest_us", 0) >= w->since_us;
    bool removed = dry_run;
    int ret = stays ? 0 : is_wanted(w, asset, &stays, err);

    if (ret == 0 && !stays && !dry_run && remove_one(w, asset, prefix, work, &removed, &why) < 0) {
        mt_log_err(MT_LOG_WARN, &why);
        removed = false;
    }
    if (ret == 0 && !stays && removed) {
        swept->works++;
        swept->objects += mt_json_int(work, "objects", 0);
    }
    free(asset);
    return ret;
}

int mt_transcode_sweep(struct mt_db *db, struct mt_store *store, bool dry_run,
                       struct mt_transcode_swept *swept, struct mt_err *err)
{
    struct works w = {.db = db,
                      .store = store,
                      .all = json_object(),
                      .since_us = mt_now_us() - (int64_t)MT_LEDGER_STALE_S * 1000000};
    const char *prefix;
    json_t *work;
    int ret = mt_store_list(store, "", take_object, w.all, err);

    *swept = (struct mt_transcode_swept){.works = 0};
    if (ret == 0)
        ret = take_rows(&w, err);
    json_object_foreach(w.all, prefix, work)
    {
        if (ret == 0)
            ret = sweep_one(&w, prefix, work, dry_run, swept, err);
    }
    json_decref(w.all);
    return ret;
}
