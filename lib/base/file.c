/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file.c - see file.h. */
#include "base/file.h"

#include "base/beneath.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
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
    return mt_read_unless(fd, data, n, NULL);
}

ssize_t mt_read_unless(int fd, void *data, size_t n, int (*stopped)(void))
{
    size_t got = 0;

    while (got < n) {
        ssize_t r = read(fd, (char *)data + got, n - got);
        if (r < 0 && errno == EINTR) {
            if (!stopped || !stopped())
                continue;
            errno = EINTR;
        }
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
           : S_ISLNK(mode)  ? "a symbolic link"
                            : "not a regular file";
}

/* Closes fd unless it is a regular file. */
static int keep_regular(const char *path, int fd, struct stat *st, struct mt_err *err)
{
    int ret = fstat(fd, st);

    if (ret < 0)
        mt_fail_errno(err, "cannot stat '%s'", path);
    else if (!S_ISREG(st->st_mode))
        ret = mt_fail(err, MT_ERR_NOT_REGULAR, "'%s' is %s", path, kind_of(st->st_mode));
    if (ret < 0)
        close(fd);
    return ret < 0 ? -1 : fd;
}

enum { TO_READ = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

int mt_open_regular(const char *path, struct stat *st, struct mt_err *err)
{
    /* Looked at first: opening some devices has effects of its own. */
    if (stat(path, st) == 0 && !S_ISREG(st->st_mode))
        return mt_fail(err, MT_ERR_NOT_REGULAR, "'%s' is %s", path, kind_of(st->st_mode));
    int fd = open(path, TO_READ);
    return fd < 0 ? mt_fail_errno(err, "cannot open '%s'", path) : keep_regular(path, fd, st, err);
}

int mt_open_below(const char *path, size_t given, int flags)
{
    char *dir = mt_strndup(path, given);
    const char *rest = path + given + strspn(path + given, "/");
    int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = root < 0 ? -1 : mt_open_beneath(root, *rest ? rest : ".", flags);

    mt_fd_close(&root);
    free(dir);
    return fd;
}

int mt_open_found(const char *path, size_t given, struct stat *st, struct mt_err *err)
{
    int fd = mt_open_below(path, given, O_PATH | O_NOFOLLOW);

    if (fd >= 0 && keep_regular(path, fd, st, err) < 0)
        return -1;
    mt_fd_close(&fd);
    fd = mt_open_below(path, given, TO_READ);
    if (fd < 0 && errno == ELOOP)
        return mt_fail(err, MT_ERR_NOT_REGULAR, "'%s' is, or lies behind, %s", path,
                       kind_of(S_IFLNK));
    return fd < 0 ? mt_fail_errno(err, "cannot open '%s'", path) : keep_regular(path, fd, st, err);
}

/* The directory that holds the name at path; free() it. */
static char *parent_of(const char *path)
{
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    return n ? mt_strndup(path, n) : mt_strdup(".");
}

static int make_dir(const char *path, struct mt_err *err)
{
    struct stat st;

    if (mkdir(path, 0777) == 0) {
        char *parent = parent_of(path);
        int ret = mt_fsync_dir(parent, err);
        free(parent);
        return ret;
    }
    int saved = errno;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        saved = ENOTDIR;
    }
    errno = saved;
    return mt_fail_errno(err, "cannot create the directory '%s'", path);
}

int mt_mkdirs(const char *path, struct mt_err *err)
{
    char *copy = mt_strdup(path);
    int ret = *path ? 0 : make_dir(path, err);

    for (char *p = copy; ret == 0 && *p; p++) {
        char next = p[1];
        if (next != '/' && next != '\0')
            continue;
        p[1] = '\0';
        ret = make_dir(copy, err);
        p[1] = next;
    }
    free(copy);
    return ret;
}

int mt_fsync_dirfd(int fd)
{
    return fsync(fd) < 0 && errno != EINVAL ? -1 : 0;
}

int mt_fsync_dir(const char *path, struct mt_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return mt_fail_errno(err, "cannot open the directory '%s'", path);
    int ret =
        mt_fsync_dirfd(fd) < 0 ? mt_fail_errno(err, "cannot sync the directory '%s'", path) : 0;
    close(fd);
    return ret;
}

/* Writes the whole temporary file; it gets the mode of what it will replace. -1 with errno. */
static int write_durably(int fd, const char *target, const void *data, size_t n)
{
    struct stat st;

    if (stat(target, &st) == 0 && S_ISREG(st.st_mode) && fchmod(fd, st.st_mode & 0777) < 0)
        return -1;
    return mt_write_all(fd, data, n) < 0 ? -1 : fsync(fd);
}

int mt_write_file(const char *path, const void *data, size_t n, struct mt_err *err)
{
    char uuid[MT_UUID_TEXT];
    char *dir = parent_of(path);
    char *name = mt_asprintf(".tmp-%s", mt_uuid(uuid));
    char *tmp = mt_path_join(dir, name);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int ret = -1;

    if (fd < 0) {
        mt_fail_errno(err, "cannot write '%s'", path);
    } else if (write_durably(fd, path, data, n) < 0 || rename(tmp, path) < 0) {
        mt_fail_errno(err, "cannot write '%s'", path);
        unlink(tmp);
    } else {
        ret = mt_fsync_dir(dir, err);
    }
    mt_fd_close(&fd);
    free(tmp);
    free(name);
    free(dir);
    return ret;
}
