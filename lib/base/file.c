/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file.c - see file.h. */
#include "base/file.h"

#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void mt_fds_reserve(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            /* The wrong way round, so that using it fails as it would have: lowest free number. */
            if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
                return;
}

void mt_fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int mt_write_all(int fd, const void *data, size_t n)
{
    const char *p = data;

    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -1;
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

ssize_t mt_read_full(int fd, void *data, size_t n)
{
    size_t got = 0;

    while (got < n) {
        ssize_t r = read(fd, (char *)data + got, n - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

ssize_t mt_pread_full(int fd, void *data, size_t n, int64_t offset)
{
    size_t got = 0;

    while (got < n) {
        ssize_t r = pread(fd, (char *)data + got, n - got, (off_t)(offset + (int64_t)got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

int mt_read_file(const char *path, struct mt_buf *buf, struct mt_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int ret = -1;

    if (fd < 0)
        return mt_fail_errno(err, "cannot open '%s'", path);
    for (;;) {
        if (mt_buf_reserve(buf, buf->max - buf->len < 65536 ? buf->max - buf->len : 65536, err) < 0)
            goto out;
        size_t room = buf->cap - buf->len - 1;
        if (room > buf->max - buf->len)
            room = buf->max - buf->len;
        char extra;
        ssize_t n = room ? read(fd, buf->data + buf->len, room) : read(fd, &extra, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            mt_fail_errno(err, "cannot read '%s'", path);
            goto out;
        }
        if (n == 0)
            break;
        if (room == 0) {
            mt_fail(err, MT_ERR_LIMIT, "'%s' has more than %zu bytes", path, buf->max);
            goto out;
        }
        buf->len += (size_t)n;
    }
    buf->data[buf->len] = '\0';
    ret = 0;
out:
    close(fd);
    return ret;
}

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
           : S_ISCHR(mode)  ? "a character device"
           : S_ISBLK(mode)  ? "a block device"
                            : "not a regular file";
}

int mt_open_regular(const char *path, struct stat *st, struct mt_err *err)
{
    int fd;

    /* Looked at first: opening some devices has effects of its own. */
    if (stat(path, st) == 0 && !S_ISREG(st->st_mode))
        return mt_fail(err, MT_ERR_NOT_REGULAR, "'%s' is %s", path, kind_of(st->st_mode));
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return mt_fail_errno(err, "cannot open '%s'", path);
    if (fstat(fd, st) < 0) {
        mt_fail_errno(err, "cannot stat '%s'", path);
        close(fd);
        return -1;
    }
    if (!S_ISREG(st->st_mode)) {
        close(fd);
        return mt_fail(err, MT_ERR_NOT_REGULAR, "'%s' is %s", path, kind_of(st->st_mode));
    }
    return fd;
}

int mt_mkdirs(const char *path, struct mt_err *err)
{
    char *copy = mt_strdup(path);
    int ret = 0;

    for (char *p = copy + 1; ret == 0; p++) {
        char c = *p;
        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST && errno != EISDIR) {
            struct stat st;
            int saved = errno;
            if (stat(copy, &st) < 0 || !S_ISDIR(st.st_mode)) {
                errno = saved;
                ret = mt_fail_errno(err, "cannot create the directory '%s'", copy);
            }
        }
        *p = c;
        if (c == '\0')
            break;
    }
    free(copy);
    return ret;
}

int mt_fsync_dir(const char *path, struct mt_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return mt_fail_errno(err, "cannot open the directory '%s'", path);
    int ret = fsync(fd) < 0 ? mt_fail_errno(err, "cannot sync the directory '%s'", path) : 0;
    close(fd);
    return ret;
}

static int write_durably(int fd, const char *path, const void *data, size_t n, struct mt_err *err)
{
    if (fchmod(fd, 0644) < 0 || mt_write_all(fd, data, n) < 0 || fsync(fd) < 0)
        return mt_fail_errno(err, "cannot write '%s'", path);
    return 0;
}

int mt_write_file(const char *path, const void *data, size_t n, struct mt_err *err)
{
    const char *base = mt_path_base(path);
    char *dir = base == path ? mt_strdup(".") : mt_strndup(path, (size_t)(base - path));
    char *tmp = mt_asprintf("%s/.%s.XXXXXX", dir, base);
    int fd = mkostemp(tmp, O_CLOEXEC);
    int ret = -1;

    if (fd < 0) {
        mt_fail_errno(err, "cannot write '%s'", path);
        goto out;
    }
    if (write_durably(fd, path, data, n, err) < 0) {
        unlink(tmp);
        goto out;
    }
    if (rename(tmp, path) < 0) {
        mt_fail_errno(err, "cannot write '%s'", path);
        unlink(tmp);
        goto out;
    }
    ret = mt_fsync_dir(dir, err);
out:
    mt_fd_close(&fd);
    free(tmp);
    free(dir);
    return ret;
}
