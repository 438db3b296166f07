/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sweep.c - see sweep.h. */
#include "catalog/sweep.h"

#include "base/clock.h"
#include "base/log.h"
#include "catalog/asset.h"
#include "catalog/journal.h"
#include "catalog/lease.h"
#include "catalog/owner.h"
#include "catalog/variant.h"
#include "json/json.h"

#include <string.h>

enum { SILENT_HOURS = 24 };

/* What all of this needs to know. */
struct sweep {
    struct mt_db *db;
    struct mt_store *store;
    char self[MT_OWNER_TEXT];
    char silent_since[MT_TIME_TEXT]; /* who has not been heard of since then is gone */
};

/*
 * Whether the owner of the row is gone: dead, or out of sight and silent. What
 * works elsewhere may be silent about an intent, but not about its job.
 */
static int is_gone(const struct sweep *s, const json_t *row, bool *gone, struct mt_err *err)
{
    const char *owner = mt_json_str(row, "owner", "");
    enum mt_owner_state state = mt_owner_state_for(owner, s->self);

    if (mt_lease_is_void(s->db, owner, gone, err) < 0)
        return -1;
    *gone = *gone || state == MT_OWNER_DEAD;
    if (*gone || state != MT_OWNER_ELSEWHERE ||
        strcmp(mt_json_str(row, "updated_at", ""), s->silent_since) >= 0)
        return 0;
    json_t *job = mt_db_row(s->db, err,
                            "SELECT id FROM processing_jobs WHERE status = 'processing'"
                            " AND owner = $1 AND updated_at >= $2 LIMIT 1",
                            "ss", owner, s->silent_since);
    if (!job && err->code != MT_ERR_NOT_FOUND)
        return -1;
    *gone = job == NULL;
    json_decref(job);
    return 0;
}

/* One kind of intent: how to find it, to make it ours, and to remove it. */
struct kind {
    const char *find;
    const char *take;
    int (*discard)(const struct sweep *s, const json_t *row, struct mt_err *err);
};

static int discard_asset(const struct sweep *s, const json_t *row, struct mt_err *err)
{
    return mt_asset_discard(s->db, s->store, row, s->self, NULL, err);
}

static int discard_variant(const struct sweep *s, const json_t *row, struct mt_err *err)
{
    return mt_variant_discard(s->db, s->store, row, s->self, err);
}

static const struct kind assets = {
    "SELECT id, s3_key, owner, updated_at FROM media_assets"
    " WHERE upload_status = 'uploading' AND owner IS NOT NULL ORDER BY created_at",
    "UPDATE media_assets SET owner = $3, updated_at = $4"
    " WHERE id = $1 AND upload_status = 'uploading' AND owner = $2",
    discard_asset,
};

static const struct kind variants = {
    "SELECT id, s3_key, s3_prefix, processing_status, owner, updated_at FROM media_variants"
    " WHERE processing_status <> 'completed' AND owner IS NOT NULL ORDER BY created_at",
    "UPDATE media_variants SET owner = $3, updated_at = $4"
    " WHERE id = $1 AND processing_status <> 'completed' AND owner = $2",
    discard_variant,
};

/* Takes the row over; only one sweep can, and nobody else takes what a living sweep owns. */
static int take(const struct sweep *s, const struct kind *kind, const json_t *row, bool *taken,
                struct mt_err *err)
{
    char now[MT_TIME_TEXT];
    int64_t changes = 0;

    if (mt_db_exec(s->db, &changes, err, kind->take, "ssss", mt_json_str(row, "id", ""),
                   mt_json_str(row, "owner", ""), s->self, mt_time_text(mt_now_us(), now)) < 0)
        return -1;
    *taken = changes == 1;
    return 0;
}

static int sweep_one(const struct sweep *s, const struct kind *kind, const json_t *row,
                     int64_t *count, struct mt_err *err)
{
    struct mt_err why;
    bool gone = false;
    bool taken = false;

    if (is_gone(s, row, &gone, err) < 0)
        return -1;
    if (!gone)
        return 0;
    if (take(s, kind, row, &taken, err) < 0)
        return -1;
    if (!taken)
        return 0;
    if (kind->discard(s, row, &why) < 0) {
        mt_fail_in(&why, "cannot remove what a dead process left");
        mt_log_err(MT_LOG_WARN, &why);
        return 0;
    }
    ++*count;
    return 0;
}

static int sweep_kind(const struct sweep *s, const struct kind *kind, int64_t *count,
                      struct mt_err *err)
{
    json_t *rows = mt_db_rows(s->db, err, kind->find, "");
    int ret = rows ? 0 : -1;

    for (size_t i = 0; ret == 0 && i < json_array_size(rows); i++)
        ret = sweep_one(s, kind, json_array_get(rows, i), count, err);
    json_decref(rows);
    return ret;
}

/* --- jobs --- */

static json_t *crash_report(const json_t *row)
{
    const char *owner = mt_json_str(row, "owner", "");
    struct mt_err crash;

    mt_fail(&crash, MT_ERR_CRASHED, "process %d on '%.*s' ended without finishing the job",
            mt_owner_pid(owner), (int)strcspn(owner, "/"), owner);
    mt_hint(&crash, "run the same command again; it goes on where it can");
    json_t *error = mt_err_to_json(&crash);
    json_object_set(error, "stage", json_object_get(row, "job_type"));
    return error;
}

static int fail_row(const struct sweep *s, const json_t *row, const json_t *error, int64_t *count,
                    struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    char now[MT_TIME_TEXT];
    int64_t changes = 0;

    if (mt_db_exec(s->db, &changes, err,
                   "UPDATE processing_jobs SET status = 'failed', error_message = $3, error = $4,"
                   " completed_at = $5, updated_at = $5, owner = NULL"
                   " WHERE id = $1 AND status = 'processing' AND owner = $2"
                   " AND lease_until IS NULL AND updated_at = $6",
                   "sssjss", id, mt_json_str(row, "owner", ""), mt_json_str(error, "message", ""),
                   error, mt_time_text(mt_now_us(), now), mt_json_str(row, "updated_at", "")) < 0)
        return -1;
    if (changes == 0)
        return 0;
    ++*count;
    return mt_event_add(s->db, "job.failed", mt_json_str(row, "media_asset_id", NULL), id, error,
                        err);
}

static int sweep_job(const struct sweep *s, const json_t *row, int64_t *count, struct mt_err *err)
{
    int64_t more = *count;
    bool gone = false;

    if (is_gone(s, row, &gone, err) < 0)
        return -1;
    if (!gone)
        return 0;
    if (mt_db_begin(s->db, true, err) < 0)
        return -1;
    json_t *error = crash_report(row);
    int ret = fail_row(s, row, error, &more, err);
    json_decref(error);
    if (ret < 0) {
        mt_db_rollback(s->db);
        return -1;
    }
    if (mt_db_commit(s->db, err) < 0)
        return -1;
    *count = more;
    return 0;
}

static int sweep_jobs(const struct sweep *s, int64_t *count, struct mt_err *err)
{
    json_t *rows = mt_db_rows(s->db, err,
                              "SELECT id, job_type, media_asset_id, owner, updated_at"
                              " FROM processing_jobs WHERE status = 'processing'"
                              " AND lease_until IS NULL AND owner IS NOT NULL ORDER BY created_at",
                              "");
    int ret = rows ? 0 : -1;

    for (size_t i = 0; ret == 0 && i < json_array_size(rows); i++)
        ret = sweep_job(s, json_array_get(rows, i), count, err);
    json_decref(rows);
    return ret;
}

int mt_sweep(struct mt_db *db, struct mt_store *store, struct mt_swept *swept, struct mt_err *err)
{
    struct sweep s = {.db = db, .store = store};

    *swept = (struct mt_swept){.assets = 0};
    mt_lease_owner(db, s.self);
    mt_time_text(mt_now_us() - SILENT_HOURS * INT64_C(3600000000), s.silent_since);
    /* Jobs last: while one of a silent process is young, its intents are left alone. */
    if (sweep_kind(&s, &assets, &swept->assets, err) < 0 ||
        sweep_kind(&s, &variants, &swept->variants, err) < 0)
        return -1;
    return sweep_jobs(&s, &swept->jobs, err);
}
