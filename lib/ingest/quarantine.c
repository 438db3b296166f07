/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quarantine.c - see quarantine.h. */
#include "ingest/quarantine.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "digest/digest.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 18 };

bool mt_quarantine_takes(enum mt_code code)
{
    int status = mt_code_exit_status(code);

    return (status == 6 || status == 7) && code != MT_ERR_TOO_LARGE && code != MT_ERR_EMPTY &&
           code != MT_ERR_NOT_REGULAR;
}

static int open_dir(const char *path, struct mt_err *err)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return mt_fail_errno(err, "cannot make the quarantine '%s'", path);
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? mt_fail_errno(err, "cannot open the quarantine '%s'", path) : dir;
}

/* A new file that only we can read, under a name that says it is not whole. */
static int begin(int dir, char name[MT_UUID_TEXT + 8])
{
    char id[MT_UUID_TEXT];

    snprintf(name, MT_UUID_TEXT + 8, ".tmp-%s", mt_uuid(id));
    return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
}

/* Durable, then visible; what is there under that name stays. Closes *out. -1 with errno. */
static int finish(int dir, int *out, const char *name, const char *final)
{
    int ret = fchmod(*out, 0400) < 0 || fsync(*out) < 0 ? -1 : 0;

    if (ret == 0)
        ret = renameat2(dir, name, dir, final, RENAME_NOREPLACE);
    int saved = errno;
    if (ret < 0)
        unlinkat(dir, name, 0);
    mt_fd_close(out);
    errno = saved;
    return ret < 0 && saved != EEXIST ? -1 : 0;
}

static int copy_bytes(int from, int to, struct mt_sha256 *sha, struct mt_err *err)
{
    char *chunk = mt_realloc(NULL, CHUNK, 1);
    int64_t at = 0;
    ssize_t n;
    int ret = 0;

    while (ret == 0 && (n = mt_pread_full(from, chunk, CHUNK, at)) != 0) {
        ret = n < 0 || mt_write_all(to, chunk, (size_t)n) < 0
                  ? mt_fail_errno(err, "cannot copy")
                  : mt_sha256_add(sha, chunk, (size_t)n, err);
        at += n;
    }
    free(chunk);
    return ret;
}

static int keep_file(int dir, int fd, char hex[MT_SHA256_TEXT], struct mt_err *err)
{
    char name[MT_UUID_TEXT + 8];
    struct mt_sha256 *sha = NULL;
    int out = begin(dir, name);
    int ret = -1;

    if (out < 0)
        return mt_fail_errno(err, "cannot write");
    if (mt_sha256_open(&sha, err) == 0 && copy_bytes(fd, out, sha, err) == 0 &&
        mt_sha256_end(sha, hex, err) == 0) {
        ret = finish(dir, &out, name, hex);
        if (ret < 0)
            mt_fail_errno(err, "cannot keep the copy");
    } else {
        unlinkat(dir, name, 0);
    }
    mt_sha256_close(&sha);
    mt_fd_close(&out);
    return ret;
}

static int keep_text(int dir, const char *hex, const json_t *about, struct mt_err *err)
{
    char name[MT_UUID_TEXT + 8];
    char final[MT_SHA256_TEXT + 8];
    int out = begin(dir, name);

    if (out < 0)
        return mt_fail_errno(err, "cannot write");
    snprintf(final, sizeof final, "%s.json", hex);
    char *text = mt_json_compact(about);
    char *line = mt_asprintf("%s\n", text);
    int ret = mt_write_all(out, line, strlen(line));
    if (ret < 0)
        unlinkat(dir, name, 0);
    else
        ret = finish(dir, &out, name, final);
    if (ret < 0)
        mt_fail_errno(err, "cannot write");
    mt_fd_close(&out);
    free(line);
    free(text);
    return ret;
}

int mt_quarantine(const char *dir, int fd, json_t *about, struct mt_err *err)
{
    char hex[MT_SHA256_TEXT];
    int at = open_dir(dir, err);
    int ret = at < 0 ? -1 : keep_file(at, fd, hex, err);

    if (at < 0)
        return -1;
    if (ret == 0) {
        json_object_set_new(about, "sha256", json_string(hex));
        ret = keep_text(at, hex, about, err);
    }
    if (ret == 0 && mt_fsync_dirfd(at) < 0)
        ret = mt_fail_errno(err, "cannot make the copy durable");
    mt_fd_close(&at);
    return ret < 0 ? mt_fail_in(err, "quarantine '%s'", dir) : 0;
}
