/* SPDX-License-Identifier: GPL-2.0-or-later */
/* look.c - what is known of an upload, and taking it. */
#include "upload/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A status is one of a few constants, and each is one string. */
static bool is(const char *status, const char *what)
{
    return strcmp(status, what) == 0;
}

/* When an unfinished upload ends if nothing more comes. */
static int64_t expiry(const struct mt_uploads *area, const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000 +
           area->rules.max_age_us;
}

static void fill(struct mt_uploads *area, json_t *row, const struct stat *st,
                 struct mt_upload_info *info)
{
    const char *concat = mt_json_str(row, "concat", "");

    *info = (struct mt_upload_info){.row = row, .status = mt_upload_status(row)};
    strncpy(info->id, mt_json_str(row, "id", ""), sizeof info->id - 1);
    info->length = mt_json_int(row, "upload_length", -1);
    info->offset = st ? (int64_t)st->st_size : -1;
    if (!st && (is(info->status, "completed") || is(info->status, "processing")))
        info->offset = info->length; /* all came; the bytes are not needed any more */
    if (is(info->status, "uploading") && st)
        info->expires_us = expiry(area, st);
    info->partial = is(concat, "partial");
    info->final = is(concat, "final");
    info->job_id = mt_json_str(row, "job_id", NULL);
    info->asset_id = mt_json_str(row, "media_asset_id", NULL);
    if (!info->asset_id && is(info->status, "completed"))
        info->asset_id = mt_json_str(row, "job_results_json.asset.id", NULL);
    info->error = mt_json_at(row, "error");
    if (!info->error && is(info->status, "failed"))
        info->error = mt_json_at(row, "job_error_json");
    info->remember = mt_json_at(row, "storage");
}

int mt_upload_look(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                   const char *id, struct mt_upload_info *info, struct mt_err *err)
{
    struct stat st;
    json_t *row = mt_upload_row(db, user, id, err);

    if (!row)
        return -1;
    bool there = fstatat(area->dirfd, mt_json_str(row, "id", ""), &st, AT_SYMLINK_NOFOLLOW) == 0;
    fill(area, row, there ? &st : NULL, info);
    return 0;
}

void mt_upload_info_free(struct mt_upload_info *info)
{
    json_decref(info->row);
    memset(info, 0, sizeof *info);
}

/* --- taking --- */

/* What a dead writer left: an unfinished checked chunk goes, the rest becomes safe. */
static int settle(struct mt_upload *up, struct mt_err *err)
{
    struct stat st;

    mt_upload_mark_read(up->state_fd, &up->mark);
    if (fstat(up->fd, &st) < 0)
        return mt_fail_errno(err, "cannot look at the upload '%s'", up->id);
    up->offset = st.st_size;
    if (up->mark.guard >= 0 && up->mark.guard < up->offset) {
        if (ftruncate(up->fd, up->mark.guard) < 0)
            return mt_fail_errno(err, "cannot cut the upload '%s'", up->id);
        up->offset = up->mark.guard;
    }
    if (fdatasync(up->fd) < 0)
        return mt_fail_errno(err, "cannot make the upload '%s' durable", up->id);
    if (up->mark.guard >= 0) {
        up->mark.guard = -1;
        if (mt_upload_mark_write(up->state_fd, &up->mark, true, err) < 0)
            return -1;
    }
    up->durable = up->offset;
    return 0;
}

static int find_ceiling(struct mt_upload *up, struct mt_db *db, struct mt_err *err)
{
    int64_t bytes;
    int64_t files;

    up->length = mt_json_int(up->row, "upload_length", -1);
    up->ceiling = up->length;
    if (up->length >= 0)
        return 0;
    if (mt_upload_room(up->area, db, mt_json_str(up->row, "uploaded_by", NULL), up->id, &bytes,
                       &files, err) < 0)
        return -1;
    int64_t most = up->area->rules.max_bytes;
    up->ceiling = bytes < most ? bytes : most;
    return 0;
}

int mt_upload_reread(struct mt_upload *up, struct mt_db *db, struct mt_err *err)
{
    static const struct mt_upload_user anybody = {.all = true};
    json_t *row = mt_upload_row(db, &anybody, up->id, err);

    if (!row)
        return -1;
    json_decref(up->row);
    up->row = row;
    return 0;
}

static int open_files(struct mt_upload *up, struct mt_err *err)
{
    char name[MT_UPLOAD_STATE_NAME];

    up->fd = mt_upload_open_held(up->area, up->id, MT_UPLOAD_PATIENCE_MS, err);
    if (up->fd < 0)
        return -1;
    up->state_fd = openat(up->area->dirfd, mt_upload_state_name(up->id, name),
                          O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (up->state_fd < 0)
        return mt_fail_errno(err, "cannot open the state of the upload '%s'", up->id);
    return 0;
}

int mt_upload_take(struct mt_upload **out, struct mt_uploads *area, struct mt_db *db,
                   const struct mt_upload_user *user, const char *id, struct mt_upload_info *info,
                   struct mt_err *err)
{
    struct stat st;
    struct mt_upload *up = mt_alloc(sizeof *up);

    *up = (struct mt_upload){.area = area, .fd = -1, .state_fd = -1};
    up->row = mt_upload_row(db, user, id, err);
    if (!up->row)
        goto fail;
    strncpy(up->id, mt_json_str(up->row, "id", ""), sizeof up->id - 1);
    if (open_files(up, err) < 0 || settle(up, err) < 0)
        goto fail;
    /* Only now nobody changes it: what was true before we waited may not be any more. */
    if (mt_upload_reread(up, db, err) < 0 || find_ceiling(up, db, err) < 0)
        goto fail;
    if (info && fstat(up->fd, &st) == 0)
        fill(area, json_incref(up->row), &st, info);
    *out = up;
    return 0;
fail:
    mt_upload_release(&up);
    return -1;
}

/* The hash goes on from here next time; if that cannot be kept it is computed again. */
static void keep_hash(struct mt_upload *up)
{
    struct mt_err ignored;

    if (!up->hash || mt_running_count(up->hash) != up->durable)
        return;
    mt_running_save(up->hash, up->mark.hash);
    up->mark.guard = -1;
    if (mt_upload_mark_write(up->state_fd, &up->mark, false, &ignored) < 0)
        return;
}

void mt_upload_release(struct mt_upload **up)
{
    struct mt_upload *u = *up;

    if (!u)
        return;
    if (u->state_fd >= 0)
        keep_hash(u);
    mt_running_close(&u->hash);
    mt_fd_close(&u->state_fd);
    mt_fd_close(&u->fd); /* the lock goes with it */
    json_decref(u->row);
    free(u);
    *up = NULL;
}

int64_t mt_upload_offset(const struct mt_upload *up)
{
    return up->durable;
}

int64_t mt_upload_length(const struct mt_upload *up)
{
    return up->length;
}

int mt_upload_set_length(struct mt_upload *up, struct mt_db *db, int64_t length, struct mt_err *err)
{
    char want[32];
    int64_t n = 0;

    if (up->length == length)
        return 0;
    if (up->length >= 0 || length < up->durable)
        return mt_fail(err, MT_ERR_USAGE, "a length of %lld does not fit the upload '%s', %s %lld",
                       (long long)length, up->id, up->length >= 0 ? "whose length is" : "which has",
                       (long long)(up->length >= 0 ? up->length : up->durable));
    if (length > up->ceiling)
        return mt_fail(err, MT_ERR_TOO_LARGE, "%lld bytes are more than the %lld that are allowed",
                       (long long)length, (long long)up->ceiling);
    if (mt_db_exec(db, &n, err,
                   "UPDATE uploads SET upload_length = $2, updated_at = $3"
                   " WHERE id = $1 AND upload_length IS NULL AND status = 'uploading'",
                   "sis", up->id, length, mt_time_text(mt_now_us(), want)) < 0)
        return -1;
    if (n != 1)
        return mt_fail(err, MT_ERR_USAGE, "the upload '%s' has ended", up->id);
    up->length = up->ceiling = length;
    return 0;
}

int mt_upload_describe(struct mt_upload *up, struct mt_db *db, const struct mt_upload_spec *spec,
                       struct mt_err *err)
{
    char now[MT_TIME_TEXT];
    char *name = mt_upload_last_part(spec->filename);
    int ret = mt_upload_check_spec(up->area, spec, err);

    if (ret == 0)
        ret = mt_db_exec(db, NULL, err,
                         "UPDATE uploads SET original_filename = COALESCE($2, original_filename),"
                         " content_type = COALESCE($3, content_type),"
                         " metadata = COALESCE($4, metadata),"
                         " processing_options = COALESCE($5, processing_options),"
                         " updated_at = $6 WHERE id = $1 AND status = 'uploading'",
                         "sssjjs", up->id, name, spec->content_type, spec->metadata, spec->options,
                         mt_time_text(mt_now_us(), now));
    free(name);
    return ret == 0 ? mt_upload_reread(up, db, err) : -1;
}
