/* SPDX-License-Identifier: GPL-2.0-or-later */
/* beneath.c - names below the root, without following a link. */
#include "store-fs/internal.h"

#include "base/beneath.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

int mt_fs_open(const struct mt_fs *fs, const char *path, int flags)
{
    return mt_open_beneath(fs->root_fd, path, flags);
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
        fd = mt_dir_beneath(fs->root_fd, key, dir_mode(fs), make == MT_FS_MAKE_DURABLE, last);
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
