/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list.c - walks the tree of objects. */
#include "store-fs/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_MAX = 500 }; /* see mt_key_is_safe(); it bounds the depth too */

struct tree_walk {
    const struct mt_fs *fs;
    const char *prefix;
    int (*each)(void *ctx, const struct mt_object *object, struct mt_err *err);
    void *ctx;
    char key[KEY_MAX + 2]; /* of the entry being looked at */
};

static int walk_dir(struct tree_walk *w, int fd, size_t len, struct mt_err *err);

/* Whether names below the key of n bytes can begin with the prefix. */
static bool leads_to_prefix(const struct tree_walk *w, size_t n)
{
    size_t m = strlen(w->prefix);

    return strncmp(w->key, w->prefix, n < m ? n : m) == 0;
}

/* The entry whose key of n bytes is w->key and whose name in dir is the end of that. */
static int visit(struct tree_walk *w, int dir, const char *name, size_t n, struct mt_err *err)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : mt_fs_fail_read(w->fs, w->key, err);
    if (S_ISREG(st.st_mode)) {
        struct mt_object object = {
            .key = w->key,
            .size = st.st_size,
            .modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000,
        };
        return mt_str_starts(w->key, w->prefix) ? w->each(w->ctx, &object, err) : 0;
    }
    if (!S_ISDIR(st.st_mode))
        return 0;
    w->key[n++] = '/';
    w->key[n] = '\0';
    if (!leads_to_prefix(w, n))
        return 0;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return 0; /* removed or replaced meanwhile */
    return fd < 0 ? mt_fs_fail_read(w->fs, w->key, err) : walk_dir(w, fd, n, err);
}

static bool is_foreign(const char *name, size_t len)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || mt_str_starts(name, MT_FS_TMP) ||
           (len == 0 && strcmp(name, "lost+found") == 0);
}

/* Visits what is in the directory, whose key with '/' is the first len bytes of w->key. */
static int walk_dir(struct tree_walk *w, int fd, size_t len, struct mt_err *err)
{
    DIR *dir = fdopendir(fd);
    const struct dirent *entry;
    int ret = 0;

    if (!dir) {
        mt_fs_fail_read(w->fs, w->key, err);
        mt_fd_close(&fd);
        return -1;
    }
    while (ret == 0 && (errno = 0, entry = readdir(dir))) {
        size_t n = len + strlen(entry->d_name);
        if (is_foreign(entry->d_name, len) || n > KEY_MAX)
            continue;
        strcpy(w->key + len, entry->d_name);
        if (leads_to_prefix(w, n))
            ret = visit(w, fd, entry->d_name, n, err);
    }
    if (ret == 0 && errno) {
        w->key[len] = '\0';
        ret = mt_fs_fail_read(w->fs, w->key, err);
    }
    closedir(dir);
    return ret;
}

int mt_fs_list(void *priv, const char *prefix,
               int (*each)(void *ctx, const struct mt_object *object, struct mt_err *err),
               void *ctx, struct mt_err *err)
{
    struct tree_walk w = {.fs = priv, .prefix = prefix, .each = each, .ctx = ctx};
    const char *name;

    /* Begins at the directory of the prefix: its last part may be half a name. */
    int fd = mt_fs_open_parent(w.fs, prefix, MT_FS_NO_MAKE, &name);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0)
        return mt_fs_fail_read(w.fs, prefix, err);
    size_t len = (size_t)(name - prefix);
    memcpy(w.key, prefix, len);
    return walk_dir(&w, fd, len, err);
}
