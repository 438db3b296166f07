/* SPDX-License-Identifier: GPL-2.0-or-later */
/* area.c - the directory, and new uploads in it. */
#include "upload/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

int mt_uploads_open(struct mt_uploads **out, const struct mt_upload_rules *rules,
                    struct mt_err *err)
{
    if (!rules->dir || rules->dir[0] != '/')
        return mt_fail(err, MT_ERR_CONFIG, "the directory of uploads is not absolute: '%s'",
                       rules->dir ? rules->dir : "");
    if (mt_mkdirs(rules->dir, err) < 0)
        return mt_fail_in(err, "cannot keep uploads");
    struct mt_uploads *area = mt_alloc(sizeof *area);
    area->rules = *rules;
    area->dir = mt_strdup(rules->dir);
    area->rules.dir = area->dir;
    area->dirfd = open(area->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (area->dirfd < 0) {
        mt_fail_errno(err, "cannot open the directory of uploads '%s'", area->dir);
        mt_uploads_close(&area);
        return -1;
    }
    *out = area;
    return 0;
}

void mt_uploads_close(struct mt_uploads **area)
{
    if (!*area)
        return;
    mt_fd_close(&(*area)->dirfd);
    free((*area)->dir);
    free(*area);
    *area = NULL;
}

const struct mt_upload_rules *mt_uploads_rules(const struct mt_uploads *area)
{
    return &area->rules;
}

char *mt_upload_state_name(const char *id, char out[MT_UPLOAD_STATE_NAME])
{
    snprintf(out, MT_UPLOAD_STATE_NAME, "%s.state", id);
    return out;
}

int mt_upload_unlink(struct mt_uploads *area, const char *id, struct mt_err *err)
{
    char state[MT_UPLOAD_STATE_NAME];

    if (unlinkat(area->dirfd, id, 0) < 0 && errno != ENOENT)
        return mt_fail_errno(err, "cannot remove the upload '%s' in '%s'", id, area->dir);
    if (unlinkat(area->dirfd, mt_upload_state_name(id, state), 0) < 0 && errno != ENOENT)
        return mt_fail_errno(err, "cannot remove the state of the upload '%s'", id);
    return 0;
}

/* --- creating --- */

static int check_disk(struct mt_uploads *area, int64_t length, struct mt_err *err)
{
    struct statvfs fs;
    char want[MT_FIGURE];
    char have[MT_FIGURE];

    if (fstatvfs(area->dirfd, &fs) < 0)
        return mt_fail_errno(err, "cannot ask how full the disk of '%s' is", area->dir);
    int64_t bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    if ((length > 0 ? length : 0) <= bytes - area->rules.spare_bytes)
        return 0;
    mt_fail(err, MT_ERR_NO_SPACE, "an upload of %s does not fit: %s are free",
            mt_show_bytes(length > 0 ? length : 0, want), mt_show_bytes(bytes, have));
    return mt_hint(err, "try again when older uploads have been taken in");
}

int mt_upload_check_spec(struct mt_uploads *area, const struct mt_upload_spec *spec,
                         struct mt_err *err)
{
    char want[MT_FIGURE];
    char most[MT_FIGURE];

    if (spec->length > area->rules.max_bytes)
        return mt_fail(
            err, MT_ERR_TOO_LARGE, "an upload of %s is larger than the %s that are allowed",
            mt_show_bytes(spec->length, want), mt_show_bytes(area->rules.max_bytes, most));
    if (spec->id && !mt_uuid_valid(spec->id))
        return mt_fail(err, MT_ERR_USAGE, "the id of an upload is a UUID, not '%.64s'", spec->id);
    if (spec->filename && strlen(spec->filename) > MT_UPLOAD_NAME_MAX)
        return mt_fail(err, MT_ERR_USAGE, "the file name has more than %d bytes",
                       MT_UPLOAD_NAME_MAX);
    if ((spec->metadata && !json_is_object(spec->metadata)) ||
        (spec->options && !json_is_object(spec->options)))
        return mt_fail(err, MT_ERR_USAGE, "metadata and processing options are JSON objects");
    return 0;
}

/* Both files, empty and durable with their names. */
static int make_files(struct mt_uploads *area, const char *id, struct mt_err *err)
{
    char name[MT_UPLOAD_STATE_NAME];
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int state = openat(area->dirfd, mt_upload_state_name(id, name), flags, 0640);
    int bytes = -1;
    int ret = -1;

    if (state < 0)
        return mt_fail_errno(err, "cannot begin an upload in '%s'", area->dir);
    if (mt_upload_mark_create(state, err) < 0)
        goto out;
    bytes = openat(area->dirfd, id, flags, 0640);
    if (bytes < 0 || fsync(bytes) < 0 || mt_fsync_dirfd(area->dirfd) < 0) {
        mt_fail_errno(err, "cannot begin an upload in '%s'", area->dir);
        goto out;
    }
    ret = 0;
out:
    mt_fd_close(&bytes);
    mt_fd_close(&state);
    if (ret < 0) {
        unlinkat(area->dirfd, id, 0);
        unlinkat(area->dirfd, name, 0);
    }
    return ret;
}

/* The row is last: what it speaks of is there. */
static int create(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                  const struct mt_upload_spec *spec, const json_t *parts, const char *id,
                  struct mt_err *err)
{
    struct mt_err ignored;

    if (make_files(area, id, err) < 0) {
        if (err->os_errno == EEXIST) {
            mt_fail(err, MT_ERR_FAILED, "there is an upload '%s' already", id);
            err->os_errno = EEXIST;
        }
        return -1;
    }
    if (mt_upload_insert(area, db, user, spec, id, parts, err) == 0)
        return 0;
    if (mt_upload_unlink(area, id, &ignored) < 0)
        mt_hint(err, "'%s' of the upload directory is of no use any more", id);
    return -1;
}

int mt_upload_begin(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                    const struct mt_upload_spec *spec, const json_t *parts, char id[MT_UUID_TEXT],
                    struct mt_err *err)
{
    if (mt_upload_check_spec(area, spec, err) < 0 || check_disk(area, spec->length, err) < 0)
        return -1;
    if (spec->id)
        mt_str_lower(memmove(id, spec->id, MT_UUID_TEXT));
    else
        mt_uuid(id);
    return create(area, db, user, spec, parts, id, err);
}

int mt_upload_create(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                     const struct mt_upload_spec *spec, char id[MT_UUID_TEXT], struct mt_err *err)
{
    return mt_upload_begin(area, db, user, spec, NULL, id, err);
}
