/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store_fs.c - the driver's table, its life and the objects at rest. */
#include "store-fs/store_fs.h"

#include "store-fs/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The message, with both names short enough to leave room for the reason. */
static int fail(const struct mt_fs *fs, const char *doing, const char *key, struct mt_err *err)
{
    int saved = errno;
    char *k = mt_text_printable(key, 180);
    char *r = mt_text_printable(fs->root, 180);

    errno = saved;
    if (saved == ELOOP)
        mt_fail(err, MT_ERR_OUTSIDE_STORE,
                "cannot %s '%s' in '%s': a symbolic link is in the way, which is not followed",
                doing, k, r);
    else
        mt_fail_errno(err, "cannot %s '%s' in '%s'", doing, k, r);
    free(r);
    free(k);
    return -1;
}

int mt_fs_fail_read(const struct mt_fs *fs, const char *key, struct mt_err *err)
{
    bool absent = errno == ENOENT || errno == ENOTDIR;

    fail(fs, "find", key, err);
    if (absent)
        err->code = MT_ERR_NOT_FOUND;
    return -1;
}

int mt_fs_fail_write(const struct mt_fs *fs, const char *doing, const char *key, struct mt_err *err)
{
    int saved = errno;

    fail(fs, doing, key, err);
    if (saved == EACCES || saved == EPERM) {
        err->code = MT_ERR_READ_ONLY;
        mt_hint(err, "check owner and mode of the directories with ls -ld");
    } else if (saved == ENOTDIR || saved == EISDIR || saved == EEXIST || saved == ENOTEMPTY) {
        err->code = MT_ERR_FAILED;
        mt_hint(err, "a name cannot be a file and a directory at the same time");
    } else if (saved == ENOENT) {
        err->code = MT_ERR_IO;
        mt_hint(err, "the store was removed or moved while it was in use");
    }
    return -1;
}

/* The directory's path out of the URL, its slashes single and none at the end; NULL if it is wrong.
 */
static char *parse_url(const char *url, bool *plain)
{
    size_t n = strcspn(url, "?#");

    *plain = strcmp(url + n, "?plain") == 0;
    if (url[n] && !*plain)
        return NULL;
    char *bare = mt_strndup(url, n);
    char *path = mt_path_of_file_url(bare);
    free(bare);
    if (!path)
        return NULL;
    char *out = path;
    for (const char *p = path; *p; p++)
        if (*p != '/' || (p[1] != '/' && p[1] != '\0'))
            *out++ = *p;
    if (out == path)
        *out++ = '/';
    *out = '\0';
    return path;
}

static int make_root(const struct mt_fs *fs, struct mt_err *err)
{
    if (fs->plain)
        return mt_mkdirs(fs->root, err);

    size_t n = (size_t)(mt_path_base(fs->root) - fs->root);
    char *parent = mt_strndup(fs->root, n);
    int ret = mt_mkdirs(parent, err);
    if (ret == 0 && mkdir(fs->root, 0770) == 0)
        ret = mt_fsync_dir(parent, err);
    else if (ret == 0 && errno != EEXIST)
        ret = mt_fail_errno(err, "cannot create the directory '%.180s'", fs->root);
    free(parent);
    return ret;
}

static int open_root(struct mt_fs *fs, bool write, struct mt_err *err)
{
    enum { FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

    fs->root_fd = open(fs->root, FLAGS);
    if (fs->root_fd < 0 && errno == ENOENT && write) {
        if (make_root(fs, err) < 0) {
            mt_fail_in(err, "cannot create the store '%.180s'", fs->root);
            if (err->code == MT_ERR_UNREADABLE)
                err->code = MT_ERR_READ_ONLY;
            return -1;
        }
        fs->root_fd = open(fs->root, FLAGS);
    }
    if (fs->root_fd >= 0)
        return 0;
    int saved = errno;
    mt_fail_errno(err, "cannot open the store '%.180s'", fs->root);
    if (saved == ENOENT)
        err->code = MT_ERR_NOT_FOUND;
    if (saved == ENOTDIR)
        err->code = MT_ERR_CONFIG;
    if (saved == ENOENT || saved == ENOTDIR)
        mt_hint(err, "name a directory with --store or -o");
    return -1;
}

static int fs_name(void *priv, const char *url, struct mt_err *err)
{
    struct mt_fs *fs = priv;

    fs->tmp_fd = -1;
    pthread_mutex_init(&fs->beginning, NULL);
    fs->root_fd = -1;
    fs->root = parse_url(url, &fs->plain);
    if (fs->root)
        return 0;
    mt_fail(err, MT_ERR_CONFIG, "'%.200s' does not name a directory of this machine", url);
    return mt_hint(err, "write file:///srv/media, with %%3F for '?' and %%23 for '#'");
}

static int fs_open(void *priv, const char *url, bool write, struct mt_err *err)
{
    struct mt_fs *fs = priv;

    if (fs_name(priv, url, err) < 0)
        return -1;
    if (open_root(fs, write, err) == 0)
        return 0;
    free(fs->root);
    return -1;
}

static void fs_close(void *priv)
{
    struct mt_fs *fs = priv;

    /* Refused while a file is in it. */
    if (fs->plain && fs->tmp_fd >= 0)
        unlinkat(fs->root_fd, MT_FS_TMP, AT_REMOVEDIR);
    mt_fd_close(&fs->tmp_fd);
    mt_fd_close(&fs->root_fd);
    free(fs->root);
}

static int fs_stat(void *priv, const char *key, int64_t *size, struct mt_err *err)
{
    int fd = mt_fs_open_file(priv, key, O_PATH, size);

    if (fd < 0)
        return mt_fs_fail_read(priv, key, err);
    mt_fd_close(&fd);
    return 0;
}

static int fs_get(void *priv, const char *key, int *fd, struct mt_err *err)
{
    int64_t size;

    *fd = mt_fs_open_file(priv, key, O_RDONLY, &size);
    if (*fd < 0)
        return mt_fs_fail_read(priv, key, err);
    /* It was there against FIFOs. */
    fcntl(*fd, F_SETFL, 0);
    return 0;
}

static int fs_remove(void *priv, const char *key, struct mt_err *err)
{
    struct mt_fs *fs = priv;
    const char *name;
    int dir = mt_fs_open_parent(fs, key, MT_FS_NO_MAKE, &name);
    int ret = dir < 0 ? -1 : unlinkat(dir, name, 0);

    if (ret == 0)
        ret = mt_fsync_dirfd(dir);
    else if (errno == ENOENT || errno == ENOTDIR || errno == EISDIR)
        ret = 0;
    if (ret < 0)
        mt_fs_fail_write(fs, "remove", key, err);
    mt_fd_close(&dir);
    if (ret == 0)
        mt_fs_prune(fs, key);
    return ret;
}

static char *fs_url(void *priv, const char *key)
{
    const struct mt_fs *fs = priv;
    char *path = mt_path_join(fs->root, key);
    char *url = mt_path_to_file_url(path);

    free(path);
    return url;
}

static char *fs_key_of(void *priv, const char *url)
{
    const struct mt_fs *fs = priv;
    char *path = strpbrk(url, "?#") ? NULL : mt_path_of_file_url(url);
    char *root = mt_path_join(fs->root, "");
    char *key = path && mt_str_starts(path, root) ? mt_strdup(path + strlen(root)) : NULL;

    free(root);
    free(path);
    return key;
}

const struct mt_store_driver mt_store_fs = {
    .scheme = "file",
    .help = "file:///DIR: files below a directory of this machine",
    .priv_size = sizeof(struct mt_fs),
    .put_size = sizeof(struct mt_fs_put),
    .open = fs_open,
    .name = fs_name,
    .close = fs_close,
    .begin = mt_fs_begin,
    .commit = mt_fs_commit,
    .commit_all = mt_fs_commit_all,
    .commit_many = mt_fs_commit_many,
    .abort = mt_fs_abort,
    .stat = fs_stat,
    .get = fs_get,
    .remove = fs_remove,
    .list = mt_fs_list,
    .url = fs_url,
    .key_of = fs_key_of,
    .sweep = mt_fs_sweep,
};
