/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sweep.c - what nobody needs any more.
 *
 * expires_at is only when to look at an upload again: whether it is over is told
 * by the time of the last byte in its file, and by the lock of a living writer.
 */
#include "upload/internal.h"

#include "base/file.h"
#include "base/log.h"
#include "json/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 500, ORPHAN_AGE_S = 3600 };

/* What one sweep works with. */
struct sweep {
    struct mt_uploads *area;
    struct mt_db *db;
    struct mt_upload_swept *swept;
    int64_t now_us;
    char now[MT_TIME_TEXT];
};

/* One that cannot be removed is a warning, and stays for the next time. */
static void warn(const char *id, const struct mt_err *err)
{
    mt_log(MT_LOG_WARN, "the upload '%s' stays: %s", id, err->msg);
}

/* --- those that nobody goes on with --- */

static int look_later(struct sweep *s, const char *id, int64_t when_us, struct mt_err *err)
{
    char when[MT_TIME_TEXT];

    return mt_db_exec(s->db, NULL, err, "UPDATE uploads SET expires_at = $2 WHERE id = $1", "ss",
                      id, mt_time_text(when_us, when));
}

static int expire(struct sweep *s, const char *id, const char *status, struct mt_err *err)
{
    bool changed;
    struct mt_err failure;

    if (mt_upload_change(s->db, id, status, "expired", NULL, NULL, &changed, err) < 0)
        return -1;
    if (!changed)
        return 0;
    s->swept->expired++;
    if (mt_upload_unlink(s->area, id, &failure) < 0)
        warn(id, &failure);
    return 0;
}

/* fd: locked, so that nobody writes. */
static int judge_idle(struct sweep *s, const char *id, const char *status, int fd,
                      struct mt_err *err)
{
    struct stat st;
    bool joined = strcmp(status, "joined") == 0;

    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot look at the upload '%s'", id);
    int64_t until = (int64_t)st.st_mtim.tv_sec * 1000000 + s->area->rules.max_age_us;
    return until > s->now_us && !joined ? look_later(s, id, until, err)
                                        : expire(s, id, status, err);
}

static int try_expire(struct sweep *s, const json_t *row, struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    const char *status = mt_json_str(row, "status", "");
    struct mt_err failure;
    int fd = mt_upload_open_held(s->area, id, 0, &failure);
    int ret;

    if (fd < 0 && failure.code == MT_ERR_NOT_FOUND)
        return expire(s, id, status, err);
    if (fd < 0)
        return 0; /* somebody writes, or it cannot be told */
    ret = judge_idle(s, id, status, fd, err);
    mt_fd_close(&fd);
    return ret;
}

static int sweep_idle(struct sweep *s, struct mt_err *err)
{
    json_t *rows = mt_db_rows(s->db, err,
                              "SELECT id, status FROM uploads WHERE expires_at < $1"
                              " AND status IN ('uploading', 'joined')"
                              " ORDER BY expires_at LIMIT $2",
                              "si", s->now, (int64_t)BATCH);
    json_t *row;
    size_t i;
    int ret = rows ? 0 : -1;

    json_array_foreach(rows, i, row) if (ret == 0) ret = try_expire(s, row, err);
    json_decref(rows);
    return ret;
}

/* --- those whose job has ended --- */

static bool is_old(const struct sweep *s, const json_t *row)
{
    struct mt_err ignored;
    int64_t at_us;
    const char *at = mt_json_str(row, "completed_at", mt_json_str(row, "updated_at", NULL));

    return at && mt_time_parse(at, &at_us, &ignored) == 0 &&
           at_us + s->area->rules.max_age_us < s->now_us;
}

static int end(struct sweep *s, const json_t *row, const char *status, struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    const char *asset = mt_json_str(row, "results_json.asset.id", NULL);
    bool done = strcmp(status, "completed") == 0;
    struct mt_err failure;
    bool changed;

    if (mt_upload_change(s->db, id, "processing", status,
                         done ? NULL : mt_json_at(row, "error_json"),
                         done && asset && mt_uuid_valid(asset) ? asset : NULL, &changed, err) < 0)
        return -1;
    if (!changed)
        return 0;
    s->swept->ended++;
    if (mt_upload_unlink(s->area, id, &failure) < 0)
        warn(id, &failure);
    return 0;
}

/* A job that was pruned can tell nothing any more; its upload has not been heard to be done. */
static int try_end(struct sweep *s, const json_t *row, struct mt_err *err)
{
    const char *job = mt_json_str(row, "job_status", NULL);

    if (job && strcmp(job, "completed") == 0)
        return end(s, row, "completed", err);
    return is_old(s, row) ? end(s, row, "failed", err) : 0;
}

static int sweep_ended(struct sweep *s, struct mt_err *err)
{
    json_t *rows = mt_db_rows(s->db, err,
                              "SELECT u.id, u.updated_at, j.status AS job_status, j.completed_at,"
                              " j.error AS error_json, j.output_results AS results_json"
                              " FROM uploads u LEFT JOIN processing_jobs j ON j.id = u.job_id"
                              " WHERE u.status = 'processing' AND (j.status IS NULL OR j.status IN"
                              " ('completed', 'failed', 'dead', 'cancelled'))"
                              " ORDER BY u.updated_at LIMIT $1",
                              "i", (int64_t)BATCH);
    json_t *row;
    size_t i;
    int ret = rows ? 0 : -1;

    json_array_foreach(rows, i, row) if (ret == 0) ret = try_end(s, row, err);
    json_decref(rows);
    return ret;
}

/* --- files without a row --- */

/* The id in a name, "ID" or "ID.state". */
static bool id_of(const char *name, char id[MT_UUID_TEXT])
{
    size_t n = strlen(name);

    if (n < MT_UUID_TEXT - 1)
        return false;
    memcpy(id, name, MT_UUID_TEXT - 1);
    id[MT_UUID_TEXT - 1] = '\0';
    return mt_uuid_valid(id) &&
           (n == MT_UUID_TEXT - 1 || strcmp(name + MT_UUID_TEXT - 1, ".state") == 0);
}

/* Young files may be of a row that is about to come. */
static bool is_orphan(struct sweep *s, const char *name, const char *id)
{
    struct mt_err err;
    struct stat st;
    json_t *row;

    if (fstatat(s->area->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        (int64_t)st.st_mtim.tv_sec + ORPHAN_AGE_S > s->now_us / 1000000)
        return false;
    row = mt_db_row(s->db, &err, "SELECT status FROM uploads WHERE id = $1", "s", id);
    if (!row)
        return err.code == MT_ERR_NOT_FOUND;
    const char *status = mt_json_str(row, "status", "");
    bool over = strcmp(status, "expired") == 0 || strcmp(status, "cancelled") == 0 ||
                strcmp(status, "completed") == 0;
    json_decref(row);
    return over;
}

static int sweep_orphans(struct sweep *s, struct mt_err *err)
{
    struct mt_err failure;
    struct dirent *entry;
    char id[MT_UUID_TEXT];
    int fd = openat(s->area->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (!dir) {
        mt_fd_close(&fd);
        return mt_fail_errno(err, "cannot list the directory of uploads '%s'", s->area->dir);
    }
    while ((entry = readdir(dir))) {
        if (!id_of(entry->d_name, id) || !is_orphan(s, entry->d_name, id))
            continue;
        if (mt_upload_unlink(s->area, id, &failure) < 0)
            warn(id, &failure);
        else
            s->swept->orphans++;
    }
    closedir(dir);
    return 0;
}

int mt_upload_sweep(struct mt_uploads *area, struct mt_db *db, struct mt_upload_swept *swept,
                    struct mt_err *err)
{
    struct sweep s = {.area = area, .db = db, .swept = swept, .now_us = mt_now_us()};

    memset(swept, 0, sizeof *swept);
    mt_time_text(s.now_us, s.now);
    if (sweep_idle(&s, err) < 0 || sweep_ended(&s, err) < 0)
        return -1;
    return sweep_orphans(&s, err);
}
