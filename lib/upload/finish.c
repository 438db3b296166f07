/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finish.c - how uploads end: handed on, failed, removed, joined. */
#include "upload/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "queue/queue.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* --- handing on --- */

static json_t *member(const json_t *row, const char *name)
{
    json_t *value = mt_json_at(row, name);

    return value ? json_incref(value) : json_null();
}

static json_t *job_of(const struct mt_upload *up, const char *sha256)
{
    char *path = mt_path_join(up->area->dir, up->id);
    char *key = mt_asprintf("upload:%s", up->id);
    json_t *job = json_pack("[{s:s, s:s, s:{s:s, s:s, s:o, s:I, s:s, s:o, s:o, s:o}}]", "type",
                            "ingest", "unique_key", key, "parameters", "upload_id", up->id, "path",
                            path, "filename", member(up->row, "original_filename"), "size",
                            (json_int_t)up->durable, "checksum", sha256, "uploaded_by",
                            member(up->row, "uploaded_by"), "metadata", member(up->row, "metadata"),
                            "processing_options", member(up->row, "processing_options"));
    const char *user = mt_json_str(up->row, "uploaded_by", NULL);

    if (user)
        json_object_set_new(json_array_get(job, 0), "submitted_by", json_string(user));
    json_object_set_new(json_array_get(job, 0), "class", json_string("io"));
    /* Done is done: a second answer is the first job. */
    json_object_set_new(json_array_get(job, 0), "unless_done", json_true());
    free(key);
    free(path);
    return job;
}

static int submit(struct mt_upload *up, struct mt_db *db, struct mt_upload_done *done,
                  struct mt_err *err)
{
    char now[MT_TIME_TEXT];
    json_t *job = job_of(up, done->sha256);
    json_t *answer = job ? mt_queue_submit(db, job, err) : NULL;
    int ret = -1;

    if (!job)
        mt_fail(err, MT_ERR_BUG, "no job can be made of the upload '%s'", up->id);
    if (!answer)
        goto out;
    strncpy(done->job_id, mt_json_str(json_array_get(answer, 0), "job_id", ""),
            sizeof done->job_id - 1);
    ret = mt_db_exec(db, NULL, err,
                     "UPDATE uploads SET status = 'processing', job_id = $2, upload_length = $3,"
                     " checksum = $4, updated_at = $5 WHERE id = $1 AND status = 'uploading'",
                     "ssiss", up->id, done->job_id, up->durable, done->sha256,
                     mt_time_text(mt_now_us(), now));
out:
    json_decref(answer);
    json_decref(job);
    return ret;
}

/* What was answered already is answered again. */
static int repeat(const struct mt_upload *up, struct mt_upload_done *done, struct mt_err *err)
{
    const char *status = mt_upload_status(up->row);
    const char *job = mt_json_str(up->row, "job_id", NULL);

    if (!job || (strcmp(status, "processing") != 0 && strcmp(status, "completed") != 0 &&
                 strcmp(status, "failed") != 0))
        return mt_fail(err, MT_ERR_USAGE, "the upload '%s' has ended: %s", up->id, status);
    strncpy(done->job_id, job, sizeof done->job_id - 1);
    strncpy(done->sha256, mt_json_str(up->row, "checksum", ""), sizeof done->sha256 - 1);
    return 0;
}

static int check_promise(struct mt_upload *up, struct mt_db *db, const char *sha256,
                         struct mt_err *err)
{
    const char *promise = mt_json_str(up->row, "checksum", NULL);
    struct mt_err worse;

    if (!promise || strncmp(promise, "sha256 ", 7) != 0 || strcmp(promise + 7, sha256) == 0)
        return 0;
    mt_fail(err, MT_ERR_CHECKSUM, "the bytes that came have the SHA-256 %s, announced was %s",
            sha256, promise + 7);
    if (mt_upload_fail(up, db, err, &worse) < 0)
        *err = worse;
    return -1;
}

int mt_upload_finish(struct mt_upload *up, struct mt_db *db,
                     int (*allowed)(void *ctx, struct mt_err *err), void *ctx,
                     struct mt_upload_done *done, struct mt_err *err)
{
    memset(done, 0, sizeof *done);
    if (strcmp(mt_upload_status(up->row), "uploading") != 0)
        return repeat(up, done, err);
    if (strcmp(mt_json_str(up->row, "concat", ""), "partial") == 0)
        return mt_fail(err, MT_ERR_USAGE, "a part of an upload is not handed on by itself");
    if (up->length >= 0 && up->durable != up->length)
        return mt_fail(err, MT_ERR_USAGE, "the upload '%s' has %lld bytes of %lld", up->id,
                       (long long)up->durable, (long long)up->length);
    if (mt_upload_catch_up(up, err) < 0)
        return -1;
    mt_running_hex(up->hash, done->sha256);
    if (check_promise(up, db, done->sha256, err) < 0)
        return -1;
    if (allowed && allowed(ctx, err) < 0)
        return -1;
    return submit(up, db, done, err) == 0 ? mt_upload_reread(up, db, err) : -1;
}

/* --- giving up --- */

int mt_upload_fail(struct mt_upload *up, struct mt_db *db, const struct mt_err *why,
                   struct mt_err *err)
{
    json_t *error = mt_err_to_json(why);
    bool changed;
    int ret = mt_upload_change(db, up->id, "uploading", "failed", error, NULL, &changed, err);

    json_decref(error);
    if (ret == 0 && changed)
        ret = mt_upload_unlink(up->area, up->id, err);
    return ret;
}

static int cancel_job(struct mt_db *db, const json_t *row, struct mt_err *err)
{
    const char *job = mt_json_str(row, "job_id", NULL);
    const char *status;

    if (!job || mt_queue_cancel(db, job, &status, err) == 0)
        return 0;
    return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
}

static int remove_now(struct mt_uploads *area, struct mt_db *db, const json_t *row,
                      struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    bool changed;

    if (strcmp(mt_upload_status(row), "processing") == 0 && cancel_job(db, row, err) < 0)
        return -1;
    if (mt_upload_change(db, id, NULL, "cancelled", NULL, NULL, &changed, err) < 0)
        return -1;
    return mt_upload_unlink(area, id, err);
}

static bool is_gone(const char *status)
{
    return strcmp(status, "cancelled") == 0 || strcmp(status, "expired") == 0;
}

int mt_upload_remove(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                     const char *id, struct mt_err *err)
{
    json_t *row = mt_upload_row(db, user, id, err);
    int fd = -1;
    int ret = -1;

    if (!row)
        return -1;
    if (is_gone(mt_upload_status(row))) {
        mt_fail(err, MT_ERR_NOT_FOUND, "the upload '%s' has been removed", id);
        goto out;
    }
    fd = mt_upload_open_held(area, mt_json_str(row, "id", ""), MT_UPLOAD_PATIENCE_MS, err);
    if (fd < 0 && err->code != MT_ERR_NOT_FOUND)
        goto out;
    json_decref(row);
    row = mt_upload_row(db, user, id, err); /* its writer may have finished it meanwhile */
    if (row)
        ret = remove_now(area, db, row, err);
out:
    mt_fd_close(&fd);
    json_decref(row);
    return ret;
}
