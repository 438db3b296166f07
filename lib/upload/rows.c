/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rows.c - the table uploads. */
#include "upload/internal.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char *const known[] = {"uploading", "processing", "completed", "failed",
                                    "cancelled", "expired",    "joined",    NULL};

json_t *mt_upload_row(struct mt_db *db, const struct mt_upload_user *user, const char *id,
                      struct mt_err *err)
{
    json_t *row =
        mt_uuid_valid(id)
            ? mt_db_row(db, err,
                        "SELECT u.*, j.status AS job_status, j.progress AS job_progress,"
                        " j.current_step AS job_step, j.error AS job_error_json,"
                        " j.output_results AS job_results_json, j.completed_at AS job_completed_at"
                        " FROM uploads u LEFT JOIN processing_jobs j ON j.id = u.job_id"
                        " WHERE u.id = $1",
                        "s", id)
            : NULL;
    const char *owner = mt_json_str(row, "uploaded_by", NULL);

    if (!row && mt_uuid_valid(id) && err->code != MT_ERR_NOT_FOUND)
        return NULL;
    if (row && (user->all || (owner && user->id ? strcasecmp(owner, user->id) == 0 : !owner)))
        return row;
    json_decref(row);
    mt_fail(err, MT_ERR_NOT_FOUND, "there is no upload '%.64s'", id);
    return NULL;
}

const char *mt_upload_status(const json_t *row)
{
    const char *status = mt_json_str(row, "status", "");
    const char *job = mt_json_str(row, "job_status", "");

    if (strcmp(status, "processing") == 0 && strcmp(job, "completed") == 0)
        return "completed";
    if (strcmp(status, "processing") == 0 &&
        (strcmp(job, "failed") == 0 || strcmp(job, "dead") == 0 || strcmp(job, "cancelled") == 0))
        return "failed";
    for (int i = 0; known[i]; i++)
        if (strcmp(known[i], status) == 0)
            return known[i];
    return "failed"; /* a newer program's word */
}

char *mt_upload_last_part(const char *name)
{
    if (!name)
        return NULL;
    const char *base = mt_path_base(name);
    const char *cut = strrchr(base, '\\');
    char *clean = mt_utf8_clean(cut ? cut + 1 : base, strlen(cut ? cut + 1 : base));

    for (char *c = clean; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '_';
    if (clean[0] && strcmp(clean, ".") != 0 && strcmp(clean, "..") != 0)
        return clean;
    free(clean);
    return NULL;
}

static int insert(struct mt_uploads *area, struct mt_db *db, const char *user,
                  const struct mt_upload_spec *spec, const char *id, const json_t *parts,
                  struct mt_err *err)
{
    char now[MT_TIME_TEXT];
    char until[MT_TIME_TEXT];
    char *name = mt_upload_last_part(spec->filename);
    char *promise = spec->sha256 ? mt_asprintf("sha256 %s", spec->sha256) : NULL;
    int64_t now_us = mt_now_us();

    mt_time_text(now_us, now);
    mt_time_text(now_us + area->rules.max_age_us, until);
    int ret = mt_db_exec(
        db, NULL, err,
        "INSERT INTO uploads (id, original_filename, content_type, checksum, metadata,"
        " processing_options, status, concat, parts, storage, uploaded_by, expires_at,"
        " created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, 'uploading', $7, $8, $9, $10, $11, $12, $12)",
        "ssssjjsjjsss", id, name, spec->content_type, promise, spec->metadata, spec->options,
        spec->partial ? "partial"
        : parts       ? "final"
                      : NULL,
        parts, spec->remember, user, until, now);
    if (ret == 0 && spec->length >= 0)
        ret = mt_db_exec(db, NULL, err, "UPDATE uploads SET upload_length = $2 WHERE id = $1", "si",
                         id, spec->length);
    free(promise);
    free(name);
    return ret;
}

int mt_upload_change(struct mt_db *db, const char *id, const char *from, const char *to,
                     const json_t *error, const char *asset, bool *changed, struct mt_err *err)
{
    char now[MT_TIME_TEXT];
    int64_t n = 0;

    mt_time_text(mt_now_us(), now);
    int ret = from ? mt_db_exec(db, &n, err,
                                "UPDATE uploads SET status = $2, error = $3, updated_at = $4,"
                                " media_asset_id = COALESCE($5, media_asset_id)"
                                " WHERE id = $1 AND status = $6",
                                "ssjsss", id, to, error, now, asset, from)
                   : mt_db_exec(db, &n, err,
                                "UPDATE uploads SET status = $2, error = $3, updated_at = $4,"
                                " media_asset_id = COALESCE($5, media_asset_id) WHERE id = $1",
                                "ssjss", id, to, error, now, asset);
    *changed = n > 0;
    return ret;
}

/* --- quota --- */

struct sum {
    struct mt_uploads *area;
    const char *but;
    int64_t bytes, files;
};

/* One unfinished upload: what it announced, or what it has. */
static int add_up(void *ctx, const struct mt_db_row *row, struct mt_err *err)
{
    struct sum *sum = ctx;
    const char *id = row->values[0].text;
    struct stat st;
    int64_t bytes = row->values[1].type == MT_DB_INT ? row->values[1].i : 0;

    (void)err;
    if (sum->but && strcmp(id, sum->but) == 0)
        return 0;
    if (row->values[1].type == MT_DB_NULL && fstatat(sum->area->dirfd, id, &st, 0) == 0)
        bytes = st.st_size;
    sum->bytes = bytes > INT64_MAX - sum->bytes ? INT64_MAX : sum->bytes + bytes;
    sum->files++;
    return 0;
}

int mt_upload_room(struct mt_uploads *area, struct mt_db *db, const char *user, const char *but,
                   int64_t *bytes, int64_t *files, struct mt_err *err)
{
    struct sum sum = {.area = area, .but = but};
    const struct mt_upload_rules *rules = &area->rules;
    int ret;

    *bytes = *files = INT64_MAX;
    if (!rules->user_bytes && !rules->user_files)
        return 0;
    ret = user ? mt_db_each(db, add_up, &sum, err,
                            "SELECT id, upload_length FROM uploads WHERE uploaded_by = $1"
                            " AND status = 'uploading' AND COALESCE(concat, '') <> 'final'",
                            "s", user)
               : mt_db_each(db, add_up, &sum, err,
                            "SELECT id, upload_length FROM uploads WHERE uploaded_by IS NULL"
                            " AND status = 'uploading' AND COALESCE(concat, '') <> 'final'",
                            "");
    if (rules->user_bytes)
        *bytes = rules->user_bytes - sum.bytes;
    if (rules->user_files)
        *files = rules->user_files - sum.files;
    return ret;
}

/* Others who begin for the same user wait here, so that no two take the same room. */
static int lock_user(struct mt_db *db, const char *user, struct mt_err *err)
{
    if (mt_db_dialect(db) != MT_DB_POSTGRESQL) /* elsewhere one transaction writes at a time */
        return 0;
    json_t *row = mt_db_row(db, err, "SELECT id FROM users WHERE id = $1 FOR UPDATE", "s", user);
    json_decref(row);
    return row ? 0 : -1;
}

static int check_quota(struct mt_uploads *area, struct mt_db *db, const char *user, int64_t length,
                       struct mt_err *err)
{
    char want[MT_FIGURE];
    char have[MT_FIGURE];
    int64_t bytes;
    int64_t files;

    if (mt_upload_room(area, db, user, NULL, &bytes, &files, err) < 0)
        return -1;
    if (files < 1) {
        mt_fail(err, MT_ERR_LIMIT, "there are %lld unfinished uploads already, which is the limit",
                (long long)area->rules.user_files);
        return mt_hint(err, "finish or remove one of them first");
    }
    if (length < 0 ? bytes > 0 : length <= bytes)
        return 0;
    mt_fail(err, MT_ERR_NO_SPACE, "an upload of %s is more than the %s that are left to the user",
            mt_show_bytes(length > 0 ? length : 0, want),
            mt_show_bytes(bytes > 0 ? bytes : 0, have));
    return mt_hint(err, "finish or remove other uploads first");
}

static int insert_within(struct mt_uploads *area, struct mt_db *db, const char *user,
                         const struct mt_upload_spec *spec, const char *id, const json_t *parts,
                         struct mt_err *err)
{
    char now[MT_TIME_TEXT];

    if (user && (mt_db_exec(db, NULL, err,
                            "INSERT INTO users (id, created_at) VALUES ($1, $2)"
                            " ON CONFLICT (id) DO NOTHING",
                            "ss", user, mt_time_text(mt_now_us(), now)) < 0 ||
                 lock_user(db, user, err) < 0))
        return -1;
    if (!parts && check_quota(area, db, user, spec->length, err) < 0)
        return -1; /* what is joined has been counted as parts */
    return insert(area, db, user, spec, id, parts, err);
}

int mt_upload_insert(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                     const struct mt_upload_spec *spec, const char *id, const json_t *parts,
                     struct mt_err *err)
{
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    if (insert_within(area, db, user->id, spec, id, parts, err) == 0)
        return mt_db_commit(db, err);
    mt_db_rollback(db);
    return -1;
}
