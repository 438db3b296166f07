/* SPDX-License-Identifier: GPL-2.0-or-later */
/* join.c - one upload out of several. */
#include "upload/internal.h"

#include "base/file.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHORT_AGE_S = 15 * 60 };

struct joint {
    struct mt_uploads *area;
    const char *const *parts;
    int n, i;
    int fd;
    int64_t at;
};

/* A source of mt_upload_append(): the parts, one after the other. */
static ssize_t read_parts(void *ctx, void *data, size_t n, int wait_ms, struct mt_err *err)
{
    struct joint *j = ctx;

    (void)wait_ms;
    for (;;) {
        if (j->fd < 0) {
            if (j->i == j->n)
                return 0;
            j->fd = openat(j->area->dirfd, j->parts[j->i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
            j->at = 0;
            if (j->fd < 0)
                return mt_fail_errno(err, "cannot read the part '%s'", j->parts[j->i]);
        }
        ssize_t got = mt_pread_full(j->fd, data, n, j->at);
        if (got < 0)
            return mt_fail_errno(err, "cannot read the part '%s'", j->parts[j->i]);
        if (got > 0) {
            j->at += got;
            return got;
        }
        mt_fd_close(&j->fd);
        j->i++;
    }
}

/* Whether all are there, and how long they are together. */
static int measure(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                   const char *const parts[], int n, int64_t *length, struct mt_err *err)
{
    struct mt_upload_info info;

    *length = 0;
    for (int i = 0; i < n; i++) {
        if (mt_upload_look(area, db, user, parts[i], &info, err) < 0)
            return -1;
        bool whole = info.partial && info.offset >= 0 && info.offset == info.length;
        bool fits = info.offset <= area->rules.max_bytes - *length;
        *length += info.offset;
        mt_upload_info_free(&info);
        if (!whole)
            return mt_fail(err, MT_ERR_USAGE, "'%s' is not a complete part", parts[i]);
        if (!fits)
            return mt_fail(err, MT_ERR_TOO_LARGE, "the parts are more than %lld bytes together",
                           (long long)area->rules.max_bytes);
    }
    return 0;
}

/* Kept for a while: a client that missed the answer asks again. */
static int retire(struct mt_db *db, const char *const parts[], int n, struct mt_err *err)
{
    char now[MT_TIME_TEXT];
    char until[MT_TIME_TEXT];
    int64_t now_us = mt_now_us();

    mt_time_text(now_us, now);
    mt_time_text(now_us + SHORT_AGE_S * INT64_C(1000000), until);
    for (int i = 0; i < n; i++)
        if (mt_db_exec(db, NULL, err,
                       "UPDATE uploads SET status = 'joined', expires_at = $2, updated_at = $3"
                       " WHERE id = $1 AND status IN ('uploading', 'joined')",
                       "sss", parts[i], until, now) < 0)
            return -1;
    return 0;
}

static int begin_final(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                       const struct mt_upload_spec *spec, const char *const parts[], int n,
                       char id[MT_UUID_TEXT], struct mt_err *err)
{
    json_t *ids = json_array();
    struct mt_upload_spec final = *spec;
    int ret = -1;

    for (int i = 0; i < n; i++)
        json_array_append_new(ids, json_string(parts[i]));
    final.partial = false;
    if (measure(area, db, user, parts, n, &final.length, err) == 0)
        ret = mt_upload_begin(area, db, user, &final, ids, id, err);
    json_decref(ids);
    return ret;
}

static int copy_parts(struct mt_upload *up, struct mt_db *db, const char *const parts[], int n,
                      struct mt_err *err)
{
    struct joint j = {.area = up->area, .parts = parts, .n = n, .fd = -1};
    struct mt_upload_source source = {.read = read_parts, .ctx = &j};
    int ret = mt_upload_append(up, &source, NULL, err);

    mt_fd_close(&j.fd);
    return ret == 0 ? retire(db, parts, n, err) : -1;
}

int mt_upload_join(struct mt_upload **out, struct mt_uploads *area, struct mt_db *db,
                   const struct mt_upload_user *user, const struct mt_upload_spec *spec,
                   const char *const parts[], int n, char id[MT_UUID_TEXT], struct mt_err *err)
{
    struct mt_upload *up = NULL;
    struct mt_err worse;

    if (n < 1 || n > MT_UPLOAD_PARTS_MAX)
        return mt_fail(err, MT_ERR_USAGE, "an upload is joined of 1 to %d parts",
                       MT_UPLOAD_PARTS_MAX);
    if (begin_final(area, db, user, spec, parts, n, id, err) < 0 ||
        mt_upload_take(&up, area, db, user, id, NULL, err) < 0)
        return -1;
    if (copy_parts(up, db, parts, n, err) == 0) {
        *out = up;
        return 0;
    }
    if (mt_upload_fail(up, db, err, &worse) < 0)
        mt_hint(err, "'%s' stays until it expires", id);
    mt_upload_release(&up);
    return -1;
}
