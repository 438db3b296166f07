/* SPDX-License-Identifier: GPL-2.0-or-later */
/* beneath.c - names below the root, without following a link. */
#include "store-fs/internal.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

/* open() says ENOTDIR for a link that should have been a directory. */
static void tell_links(int dir, const char *name)
{
    struct stat st;
    int saved = errno;

    if (saved == ENOTDIR && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(st.st_mode))
        saved = ELOOP;
    errno = saved;
}

/* One name of one part. */
static int open_part(int dir, const char *name, int flags)
{
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        tell_links(dir, name);
    return fd;
}

/*
 * Follows path part by part from a copy of root, through directories only. make: creates what
 * is missing with this mode, durable: for good. Returns the directory of the last part, whose
 * name *last is.
 */
static int walk(int root, const char *path, mode_t make, bool durable, char last[256])
{
    int dir = openat(root, ".", DIR_FLAGS);

    while (dir >= 0) {
        size_t n = strcspn(path, "/");
        if (n > 255) {
            errno = ENAMETOOLONG;
            break;
        }
        memcpy(last, path, n);
        last[n] = '\0';
        if (!path[n])
            return dir;
        if (make && mkdirat(dir, last, make) == 0) {
            if (durable && mt_fsync_dirfd(dir) < 0)
                break;
        } else if (make && errno != EEXIST) {
            break;
        }
        int next = open_part(dir, last, DIR_FLAGS);
        mt_fd_close(&dir);
        dir = next;
        path += n + 1;
    }
    mt_fd_close(&dir);
    return -1;
}

int mt_fs_open(const struct mt_fs *fs, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    char name[256];

    int fd = (int)syscall(SYS_openat2, fs->root_fd, path, &how, sizeof how);
    /* EPERM: what some containers say to calls they do not know. */
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
        return fd;
    int dir = walk(fs->root_fd, path, 0, false, name);
    if (dir < 0)
        return -1;
    fd = open_part(dir, name, flags);
    mt_fd_close(&dir);
    return fd;
}

int mt_fs_open_file(const struct mt_fs *fs, const char *key, int flags, int64_t *size)
{
    struct stat st;
    /* openat2() is strict: nothing of this goes with O_PATH, which needs none of it. */
    int fd = mt_fs_open(fs, key, flags & O_PATH ? flags : flags | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0) {
        mt_fd_close(&fd);
    } else if (!S_ISREG(st.st_mode)) {
        mt_fd_close(&fd);
        errno = S_ISLNK(st.st_mode) ? ELOOP : ENOENT;
    } else {
        *size = st.st_size;
    }
    return fd;
}

static mode_t dir_mode(const struct mt_fs *fs)
{
    return fs->plain ? 0777 : 0770;
}

int mt_fs_open_parent(const struct mt_fs *fs, const char *key, enum mt_fs_make make,
                      const char **name)
{
    const char *slash = strrchr(key, '/');
    char last[256];

    *name = slash ? slash + 1 : key;
    if (!slash)
        return openat(fs->root_fd, ".", DIR_FLAGS);
    char *parent = mt_strndup(key, (size_t)(slash - key));
    int fd = mt_fs_open(fs, parent, DIR_FLAGS);
    free(parent);
    if (fd < 0 && errno == ENOENT && make != MT_FS_NO_MAKE)
        fd = walk(fs->root_fd, key, dir_mode(fs), make == MT_FS_MAKE_DURABLE, last);
    return fd;
}

int mt_fs_open_tmp(struct mt_fs *fs, bool create)
{
    if (fs->tmp_fd >= 0)
        return 0;
    if (create && mkdirat(fs->root_fd, MT_FS_TMP, dir_mode(fs)) < 0 && errno != EEXIST)
        return -1;
    fs->tmp_fd = mt_fs_open(fs, MT_FS_TMP, DIR_FLAGS);
    return fs->tmp_fd < 0 ? -1 : 0;
}

void mt_fs_prune(const struct mt_fs *fs, const char *key)
{
    char *path = mt_strdup(key);
    char *slash;
    int removed = 0;

    while (removed == 0 && (slash = strrchr(path, '/'))) {
        const char *name;
        *slash = '\0';
        int dir = mt_fs_open_parent(fs, path, MT_FS_NO_MAKE, &name);
        removed = dir < 0 ? -1 : unlinkat(dir, name, AT_REMOVEDIR);
        mt_fd_close(&dir);
    }
    free(path);
}
