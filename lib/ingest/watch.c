/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch.c - see watch.h. */
#include "ingest/watch.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "ingest/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { AGAIN = 10, DOUBLED = 6, WAIT_MS = 200, NUMBERS = 10000, EVENT_BYTES = 65536 };

#define MASK                                                                                       \
    (IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |            \
     IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

/* A directory with its watch. */
struct spot {
    int wd;
    char *path;
};

/* A file that is not whole yet. */
struct growing {
    char *path;
    struct stat stat;
    int64_t quiet_since; /* mt_mono_us() */
};

/* A file that is to be given again, and how often it has been. */
struct failed {
    char *path;
    int times;
};

struct mt_watch {
    int fd;
    char *dir;
    bool recursive, gone;
    int64_t settle_us;
    struct spot *spots;
    size_t n_spots;
    struct growing *files;
    size_t n_files;
    struct failed *failed;
    size_t n_failed;
    char *last;
};

/* --- files that are being waited for --- */

static struct growing *find_file(struct mt_watch *w, const char *path)
{
    for (size_t i = 0; i < w->n_files; i++)
        if (strcmp(w->files[i].path, path) == 0)
            return &w->files[i];
    return NULL;
}

static void forget_file(struct mt_watch *w, struct growing *f)
{
    size_t at = (size_t)(f - w->files);

    free(f->path);
    memmove(f, f + 1, (--w->n_files - at) * sizeof *f);
}

/* Something happened to path: its time begins anew. */
static void touch_file(struct mt_watch *w, const char *path)
{
    struct growing *f = find_file(w, path);
    struct stat st;

    if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
        if (f)
            forget_file(w, f);
        return;
    }
    if (!f) {
        w->files = mt_realloc(w->files, w->n_files + 1, sizeof *w->files);
        f = &w->files[w->n_files++];
        f->path = mt_strdup(path);
    }
    f->stat = st;
    f->quiet_since = mt_mono_us();
}

static struct failed *find_failed(struct mt_watch *w, const char *path)
{
    for (size_t i = 0; i < w->n_failed; i++)
        if (strcmp(w->failed[i].path, path) == 0)
            return &w->failed[i];
    return NULL;
}

/* It is another file now, or gone: what happened to it before no longer counts. */
static void forget_failed(struct mt_watch *w, const char *path)
{
    struct failed *f = find_failed(w, path);

    if (!f)
        return;
    free(f->path);
    *f = w->failed[--w->n_failed];
}

void mt_watch_again(struct mt_watch *w, const char *path)
{
    struct failed *failed = find_failed(w, path);

    touch_file(w, path);
    struct growing *f = find_file(w, path);

    if (!f)
        return;
    if (!failed) {
        w->failed = mt_realloc(w->failed, w->n_failed + 1, sizeof *w->failed);
        failed = &w->failed[w->n_failed++];
        *failed = (struct failed){.path = mt_strdup(path)};
    }
    f->quiet_since += ((AGAIN << failed->times) - 1) * w->settle_us;
    if (failed->times < DOUBLED)
        failed->times++;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) == 0 &&
           memcmp(&a->st_ctim, &b->st_ctim, sizeof a->st_ctim) == 0;
}

/* Whether the descriptor n of a process is our file, open for writing. */
static bool writes(const char *pid, const char *n, const struct stat *file)
{
    char *path = mt_asprintf("/proc/%s/fd/%s", pid, n);
    struct stat st, link;
    bool found = stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino &&
                 lstat(path, &link) == 0 && (link.st_mode & S_IWUSR);

    free(path);
    return found;
}

static bool process_writes(const char *pid, const struct stat *file)
{
    char *path = mt_asprintf("/proc/%s/fd", pid);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    bool found = false;

    while (dir && !found && (entry = readdir(dir)))
        found = entry->d_name[0] != '.' && writes(pid, entry->d_name, file);
    if (dir)
        closedir(dir);
    free(path);
    return found;
}

static bool somebody_writes(const struct stat *file)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    bool found = false;

    while (proc && !found && (entry = readdir(proc)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            found = process_writes(entry->d_name, file);
    if (proc)
        closedir(proc);
    return found;
}

/* A read lease can be had only while nobody has the file open for writing. */
static bool is_being_written(const struct growing *f)
{
    int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    bool busy = false;

    if (fd < 0)
        return false;            /* whoever ingests it will say why */
    fcntl(fd, F_SETSIG, SIGURG); /* whom the lease stops for a moment need not kill us by SIGIO */
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
        fcntl(fd, F_SETLEASE, F_UNLCK);
    else
        busy = errno == EAGAIN || somebody_writes(&f->stat);
    mt_fd_close(&fd);
    return busy;
}

/* 1 when it is whole, 0 when not yet, -1 when it is gone. */
static int is_whole(struct mt_watch *w, struct growing *f)
{
    struct stat st;
    int64_t now = mt_mono_us();

    if (now - f->quiet_since < w->settle_us)
        return 0;
    if (lstat(f->path, &st) < 0 || !S_ISREG(st.st_mode))
        return -1;
    if (same(&st, &f->stat) && !is_being_written(f))
        return 1;
    f->stat = st;
    f->quiet_since = now;
    return 0;
}

/* --- directories --- */

static void look_through(struct mt_watch *w, const char *path);

/* The watch comes before the look, so that nothing falls between. */
static void add_dir(struct mt_watch *w, const char *path)
{
    int wd = inotify_add_watch(w->fd, path, MASK);
    size_t i = 0;

    if (wd < 0) {
        struct mt_err err;
        mt_fail_errno(&err, "cannot watch '%s'", path);
        if (err.os_errno == ENOSPC)
            mt_hint(&err, "raise fs.inotify.max_user_watches with sysctl");
        if (err.os_errno != ENOENT)
            mt_log_err(MT_LOG_WARN, &err);
        return;
    }
    while (i < w->n_spots && w->spots[i].wd != wd)
        i++;
    if (i == w->n_spots) {
        w->spots = mt_realloc(w->spots, w->n_spots + 1, sizeof *w->spots);
        w->spots[w->n_spots++] = (struct spot){.wd = wd};
    }
    free(w->spots[i].path);
    w->spots[i].path = mt_strdup(path);
    look_through(w, path);
}

static void meet(struct mt_watch *w, const char *dir, const char *name, bool only_new)
{
    char *path = mt_path_join(dir, name);
    struct stat st;

    if (lstat(path, &st) < 0) {
        struct growing *f = find_file(w, path);
        if (f)
            forget_file(w, f);
        forget_failed(w, path);
    } else if (S_ISDIR(st.st_mode)) {
        if (w->recursive && name[0] != '.')
            add_dir(w, path);
    } else if (!mt_walk_leaves_out(name) && (!only_new || !find_file(w, path))) {
        forget_failed(w, path);
        touch_file(w, path);
    }
    free(path);
}

static void look_through(struct mt_watch *w, const char *path)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0)
            meet(w, path, names[i]->d_name, true);
        free(names[i]);
    }
    free(names);
}

/* --- events --- */

static const char *dir_of(const struct mt_watch *w, int wd)
{
    for (size_t i = 0; i < w->n_spots; i++)
        if (w->spots[i].wd == wd)
            return w->spots[i].path;
    return NULL;
}

static void forget_dir(struct mt_watch *w, int wd)
{
    for (size_t i = 0; i < w->n_spots; i++)
        if (w->spots[i].wd == wd) {
            free(w->spots[i].path);
            w->spots[i] = w->spots[--w->n_spots];
            return;
        }
}

static void handle(struct mt_watch *w, const struct inotify_event *e)
{
    const char *dir = dir_of(w, e->wd);

    if (e->mask & IN_Q_OVERFLOW) {
        mt_log(MT_LOG_WARN, "too many changes at once: looking through '%s' again", w->dir);
        add_dir(w, w->dir);
    } else if (dir && (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF))) {
        w->gone = w->gone || strcmp(dir, w->dir) == 0;
    } else if (e->mask & IN_IGNORED) {
        forget_dir(w, e->wd);
    } else if (dir && e->len) {
        char *copy = mt_strdup(dir); /* the table may move */
        meet(w, copy, e->name, false);
        free(copy);
    }
}

static int read_events(struct mt_watch *w, struct mt_err *err)
{
    _Alignas(struct inotify_event) char buf[EVENT_BYTES];
    ssize_t n = read(w->fd, buf, sizeof buf);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR
                   ? 0
                   : mt_fail_errno(err, "cannot watch '%s' any longer", w->dir);
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *e = (const void *)(buf + at);
        handle(w, e);
        at += (ssize_t)sizeof *e + e->len;
    }
    return 0;
}

/* --- interface --- */

int mt_watch_open(struct mt_watch **out, const char *dir, bool recursive, int64_t settle_us,
                  struct mt_err *err)
{
    struct mt_watch *w = mt_alloc(sizeof *w);

    *w = (struct mt_watch){.recursive = recursive, .settle_us = settle_us};
    w->dir = mt_strdup(dir);
    *out = w;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0)
        return mt_fail_errno(err, "cannot watch directories");
    int probe = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (probe < 0)
        return mt_fail_errno(err, "cannot watch '%s'", dir);
    mt_fd_close(&probe);
    add_dir(w, dir);
    return w->n_spots ? 0 : mt_fail(err, MT_ERR_FAILED, "cannot watch '%s'", dir);
}

void mt_watch_close(struct mt_watch **watch)
{
    struct mt_watch *w = *watch;

    if (!w)
        return;
    mt_fd_close(&w->fd);
    for (size_t i = 0; i < w->n_spots; i++)
        free(w->spots[i].path);
    for (size_t i = 0; i < w->n_files; i++)
        free(w->files[i].path);
    for (size_t i = 0; i < w->n_failed; i++)
        free(w->failed[i].path);
    free(w->spots);
    free(w->failed);
    free(w->files);
    free(w->dir);
    free(w->last);
    free(w);
    *watch = NULL;
}

static int give_whole(struct mt_watch *w, struct mt_feed_item *item)
{
    for (size_t i = 0; i < w->n_files; i++) {
        int whole = is_whole(w, &w->files[i]);
        if (whole > 0) {
            free(w->last);
            item->name = w->last = mt_strdup(w->files[i].path);
        }
        if (whole != 0)
            forget_file(w, &w->files[i--]);
        if (whole > 0)
            return MT_FEED_ITEM;
    }
    return w->gone && w->n_files == 0 ? MT_FEED_END : MT_FEED_LATER;
}

int mt_watch_next(struct mt_watch *w, bool wait, struct mt_feed_item *item, struct mt_err *err)
{
    struct pollfd fd = {.fd = w->fd, .events = POLLIN};

    *item = (struct mt_feed_item){.watched = true, .given = strlen(w->dir)};
    while (poll(&fd, 1, 0) == 1)
        if (read_events(w, err) < 0)
            return -1;
    int got = give_whole(w, item);
    if (got == MT_FEED_LATER && wait)
        poll(&fd, 1, WAIT_MS);
    return got;
}

int mt_watch_put_away(const char *path, const char *dir, struct mt_err *err)
{
    const char *base = mt_path_base(path);
    const char *dot = strrchr(base, '.');
    int stem = (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base));
    int ret = -1;

    for (int i = 0; i < NUMBERS && ret < 0; i++) {
        char *name = i ? mt_asprintf("%.*s-%d%s", stem, base, i, base + stem) : mt_strdup(base);
        char *to = mt_path_join(dir, name);
        ret = renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE);
        free(to);
        free(name);
        if (ret < 0 && errno != EEXIST)
            break;
    }
    if (ret < 0)
        mt_fail_errno(err, "cannot move '%s' to '%s'", path, dir);
    if (ret < 0 && err->os_errno == EXDEV)
        mt_hint(err, "--after takes a directory on the same file system");
    return ret;
}
