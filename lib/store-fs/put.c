/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * put.c - objects on their way in, and what is left of those that never arrived.
 *
 * A temporary file is locked by its writer from just after its creation until
 * it has left .tmp. Between creation and lock the sweeper may take it for
 * dead, so the writer looks once more, when it has the lock, whether the name
 * is still there; the sweeper does the same, since the name may have been
 * committed between its open and its lock.
 */
#include "store-fs/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

/* How often others may take away a directory that was just made, or a file. */
enum { TRIES = 32 };

/* From how many objects on it is quicker to sync the whole file system. */
enum { MANY = 6 };

static bool lock(int fd)
{
    int r;

    do
        r = flock(fd, LOCK_EX | LOCK_NB);
    while (r < 0 && errno == EINTR);
    return r == 0;
}

/* Whether name in dir still is the regular file behind fd. */
static bool is_still(int dir, const char *name, int fd)
{
    struct stat a, b;

    return fstat(fd, &a) == 0 && fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A new file in .tmp that no sweeper will touch. Returns its descriptor, or -1 with errno. */
static int create_locked(struct mt_fs *fs, char name[MT_UUID_TEXT])
{
    int saved = EBUSY;

    for (int i = 0; i < TRIES; i++) {
        if (mt_fs_open_tmp(fs, true) < 0 && errno != ENOENT)
            return -1;
        int fd = fs->tmp_fd < 0 ? -1
                                : openat(fs->tmp_fd, mt_uuid(name),
                                         O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                         fs->plain ? 0666 : 0640);
        if (fd < 0 && errno != ENOENT)
            return -1;
        if (fd < 0) { /* another program has closed its plain store */
            saved = ENOENT;
            mt_fd_close(&fs->tmp_fd);
            continue;
        }
        /* Where locks do not work the sweeper cannot lock either and removes nothing. */
        if ((lock(fd) || errno != EWOULDBLOCK) && is_still(fs->tmp_fd, name, fd))
            return fd;
        mt_fd_close(&fd);
    }
    errno = saved;
    return -1;
}

int mt_fs_begin(void *priv, void *put, const char *key, int *fd, struct mt_err *err)
{
    struct mt_fs *fs = priv;
    struct mt_fs_put *p = put;

    pthread_mutex_lock(&fs->beginning);
    p->fd = create_locked(fs, p->name);
    int saved = errno;
    pthread_mutex_unlock(&fs->beginning);
    errno = saved;
    if (p->fd < 0)
        return mt_fs_fail_write(fs, "write", key, err);
    p->key = mt_strdup(key);
    *fd = p->fd;
    return 0;
}

static void release(struct mt_fs_put *p)
{
    mt_fd_close(&p->fd);
    free(p->key);
    p->key = NULL;
}

void mt_fs_abort(void *priv, void *put)
{
    struct mt_fs *fs = priv;
    struct mt_fs_put *p = put;

    unlinkat(fs->tmp_fd, p->name, 0);
    release(p);
}

/*
 * Renames into place; a remover may take the empty directories away meanwhile.
 * durable: the name as well, at once. -1 with errno.
 */
static int put_in_place(struct mt_fs *fs, const struct mt_fs_put *p, bool durable, bool *visible)
{
    int ret = -1;

    *visible = false;
    for (int i = 0; i < TRIES && ret < 0; i++) {
        const char *name;
        int dir = mt_fs_open_parent(fs, p->key, durable ? MT_FS_MAKE_DURABLE : MT_FS_MAKE, &name);
        if (dir >= 0)
            ret = renameat(fs->tmp_fd, p->name, dir, name);
        if (ret == 0) {
            *visible = true;
            ret = durable ? mt_fsync_dirfd(dir) : 0;
            mt_fd_close(&dir);
            return ret;
        }
        mt_fd_close(&dir);
        if (errno != ENOENT)
            break;
    }
    return ret;
}

static int fail_commit(struct mt_fs *fs, struct mt_fs_put *p, bool visible, struct mt_err *err)
{
    mt_fs_fail_write(fs, visible ? "make durable" : "write", p->key, err);
    if (visible) {
        release(p);
        return -1;
    }
    mt_fs_prune(fs, p->key);
    mt_fs_abort(fs, p);
    return -1;
}

int mt_fs_commit(void *priv, void *put, const char *sha256, struct mt_err *err)
{
    struct mt_fs *fs = priv;
    struct mt_fs_put *p = put;
    bool visible = false;

    (void)sha256; /* nothing between here and the disk would check it */
    if (fsync(p->fd) < 0 || put_in_place(fs, p, true, &visible) < 0)
        return fail_commit(fs, p, visible, err);
    release(p);
    return 0;
}

/*
 * syncfs(2) tells of failed writes since Linux 5.8, and on file systems that
 * keep their own books; elsewhere each file is synced by itself.
 */
static bool can_sync_all(const struct mt_fs *fs)
{
    struct utsname kernel;
    struct statfs st;
    int major = 0, minor = 0;

    if (uname(&kernel) < 0 || sscanf(kernel.release, "%d.%d", &major, &minor) != 2 || major < 5 ||
        (major == 5 && minor < 8) || fstatfs(fs->root_fd, &st) < 0)
        return false;
    return st.f_type == EXT4_SUPER_MAGIC || st.f_type == XFS_SUPER_MAGIC ||
           st.f_type == BTRFS_SUPER_MAGIC || st.f_type == TMPFS_MAGIC;
}

static void commit_one_by_one(struct mt_fs *fs, void *const puts[], struct mt_err errs[], int n)
{
    for (int i = 0; i < n; i++) {
        struct mt_err err;
        errs[i].code = MT_OK;
        if (mt_fs_commit(fs, puts[i], NULL, &err) < 0)
            errs[i] = err;
    }
}

/* All contents durable, then all names in place, then all names durable. */
void mt_fs_commit_many(void *priv, void *const puts[], struct mt_err errs[], int n)
{
    struct mt_fs *fs = priv;
    bool visible;

    if (n < MANY || !can_sync_all(fs) || syncfs(fs->root_fd) < 0) {
        commit_one_by_one(fs, puts, errs, n);
        return;
    }
    for (int i = 0; i < n; i++) {
        errs[i].code = MT_OK;
        if (put_in_place(fs, puts[i], false, &visible) < 0)
            fail_commit(fs, puts[i], visible, &errs[i]);
    }
    bool durable = syncfs(fs->root_fd) == 0;
    int saved = errno;
    for (int i = 0; i < n; i++) {
        errno = saved;
        if (errs[i].code == MT_OK && !durable)
            fail_commit(fs, puts[i], true, &errs[i]);
        else if (errs[i].code == MT_OK)
            release(puts[i]);
    }
}

/* The directory that the last of many puts went to: made durable once for all of them. */
struct place {
    int fd;     /* -1: none yet */
    char *path; /* of the key, up to its last '/' */
};

static int leave(struct place *place)
{
    int ret = place->fd < 0 ? 0 : mt_fsync_dirfd(place->fd);

    mt_fd_close(&place->fd);
    free(place->path);
    place->path = NULL;
    return ret;
}

static int enter(struct mt_fs *fs, struct place *place, const char *key)
{
    const char *name;
    size_t n = (size_t)(mt_path_base(key) - key);

    if (place->path && strlen(place->path) == n && strncmp(place->path, key, n) == 0)
        return 0;
    if (leave(place) < 0)
        return -1;
    place->fd = mt_fs_open_parent(fs, key, MT_FS_MAKE_DURABLE, &name);
    place->path = place->fd < 0 ? NULL : mt_strndup(key, n);
    return place->fd < 0 ? -1 : 0;
}

static int put_beside(struct mt_fs *fs, struct place *place, const struct mt_fs_put *p,
                      bool *visible)
{
    if (enter(fs, place, p->key) == 0 &&
        renameat(fs->tmp_fd, p->name, place->fd, mt_path_base(p->key)) == 0) {
        *visible = true;
        return 0;
    }
    /* A remover took the directory away meanwhile, perhaps. */
    return errno == ENOENT && leave(place) == 0 ? put_in_place(fs, p, true, visible) : -1;
}

/* All their blocks are on their way before the first is waited for. */
static int settle(void *const *puts, int n, int *failed)
{
    for (int i = 0; i < n; i++) {
        const struct mt_fs_put *p = puts[i];
        (void)sync_file_range(p->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    }
    for (*failed = 0; *failed < n; ++*failed) {
        const struct mt_fs_put *p = puts[*failed];
        if (fsync(p->fd) < 0)
            return -1;
    }
    return 0;
}

int mt_fs_commit_all(void *priv, void *const *puts, const char *const *sha256, int n,
                     struct mt_err *err)
{
    struct mt_fs *fs = priv;
    struct place place = {.fd = -1};
    int done = 0;
    int at = 0;
    bool visible = false;
    int ret = settle(puts, n, &at);

    (void)sha256;
    while (ret == 0 && done < n) {
        at = done;
        visible = false;
        ret = put_beside(fs, &place, puts[done], &visible);
        if (visible)
            done++;
    }
    if (ret == 0)
        ret = leave(&place);
    if (ret < 0) {
        const struct mt_fs_put *p = puts[at];
        mt_fs_fail_write(fs, visible ? "make durable" : "write", p->key, err);
    }
    (void)leave(&place);
    for (int i = 0; i < done; i++)
        release(puts[i]);
    for (int i = done; i < n; i++) {
        const struct mt_fs_put *p = puts[i];
        mt_fs_prune(fs, p->key);
        mt_fs_abort(priv, puts[i]);
    }
    return ret;
}

/* Removes name if its writer is dead. Returns how many it removed, or -1 with errno. */
static int sweep_one(const struct mt_fs *fs, const char *name)
{
    int fd = openat(fs->tmp_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int ret = 0;

    /* It is gone, or somebody else's to sweep. */
    if (fd < 0)
        return 0;
    if (lock(fd) && is_still(fs->tmp_fd, name, fd)) {
        ret = unlinkat(fs->tmp_fd, name, 0) == 0 ? 1 : -1;
        if (ret < 0 && errno == ENOENT)
            ret = 0;
    }
    mt_fd_close(&fd);
    return ret;
}

int mt_fs_sweep(void *priv, int64_t *removed, struct mt_err *err)
{
    struct mt_fs *fs = priv;
    const struct dirent *entry = NULL;

    if (mt_fs_open_tmp(fs, false) < 0)
        return errno == ENOENT ? 0 : mt_fs_fail_write(fs, "sweep", MT_FS_TMP, err);
    int fd = openat(fs->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    int n = dir ? 0 : -1;
    while (n >= 0 && (errno = 0, entry = readdir(dir))) {
        n = mt_uuid_valid(entry->d_name) ? sweep_one(fs, entry->d_name) : 0;
        *removed += n > 0 ? n : 0;
    }
    bool failed = n < 0 || (!entry && errno);
    if (failed)
        mt_fs_fail_write(fs, "sweep", MT_FS_TMP, err);
    if (dir)
        closedir(dir);
    else
        mt_fd_close(&fd);
    return failed ? -1 : 0;
}
