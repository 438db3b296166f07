/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk.c - see walk.h. */
#include "ingest/walk.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 128 };

struct names {
    char **name;
    size_t n, room, next;
};

/* One directory on the way down. */
struct level {
    char *path;
    dev_t device;
    ino_t inode;
    struct names files, dirs;
};

struct mt_walk {
    struct level level[DEPTH_MAX];
    int depth;
    size_t given;  /* length of the operand */
    char *pending; /* a directory that is to be entered next */
    char *last;    /* the name given last */
};

bool mt_walk_leaves_out(const char *name)
{
    static const char *const endings[] = {".part",     ".partial", ".crdownload", ".download",
                                          ".filepart", ".!qB",     ".tmp",        "~"};

    if (name[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (mt_str_ends(name, endings[i]))
            return true;
    return false;
}

static void add(struct names *names, const char *name)
{
    if (names->n == names->room) {
        names->room = names->room ? names->room * 2 : 16;
        names->name = mt_realloc(names->name, names->room, sizeof *names->name);
    }
    names->name[names->n++] = mt_strdup(name);
}

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->name[i]);
    free(names->name);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct names *names)
{
    if (names->n)
        qsort(names->name, names->n, sizeof *names->name, by_bytes);
}

/* What a name is, without following it. */
static unsigned char type_of(int dir, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return DT_UNKNOWN;
    return S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR : DT_UNKNOWN;
}

static int read_names(struct level *level, DIR *dir)
{
    const struct dirent *entry;

    while (errno = 0, (entry = readdir(dir))) {
        unsigned char type = type_of(dirfd(dir), entry);
        if (type == DT_DIR && entry->d_name[0] != '.')
            add(&level->dirs, entry->d_name);
        else if (type == DT_REG && !mt_walk_leaves_out(entry->d_name))
            add(&level->files, entry->d_name);
    }
    sort(&level->files);
    sort(&level->dirs);
    return errno ? -1 : 0;
}

static bool is_above(const struct mt_walk *walk, const struct stat *st)
{
    for (int i = 0; i < walk->depth; i++)
        if (walk->level[i].device == st->st_dev && walk->level[i].inode == st->st_ino)
            return true;
    return false;
}

/* Enters a directory. The operand itself may be a link, and lie behind links. */
static int enter(struct mt_walk *walk, const char *path, struct mt_err *err)
{
    struct stat st;

    if (walk->depth == DEPTH_MAX)
        return mt_fail(err, MT_ERR_LIMIT, "'%s' lies more than %d directories deep", path,
                       DEPTH_MAX);
    int fd = mt_open_below(path, walk->given, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 || fstat(fd, &st) < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        mt_fail_errno(err, "cannot open the directory '%s'", path);
        mt_fd_close(&fd);
        return -1;
    }
    if (is_above(walk, &st)) {
        closedir(dir);
        return mt_fail(err, MT_ERR_FAILED, "the directory '%s' contains itself", path);
    }
    struct level *level = &walk->level[walk->depth++];
    *level = (struct level){.path = mt_strdup(path), .device = st.st_dev, .inode = st.st_ino};
    int ret = read_names(level, dir);
    if (ret < 0)
        mt_fail_errno(err, "cannot read the directory '%s' to its end", path);
    closedir(dir);
    return ret;
}

static void leave(struct mt_walk *walk)
{
    struct level *level = &walk->level[--walk->depth];

    free_names(&level->files);
    free_names(&level->dirs);
    free(level->path);
}

void mt_walk_open(struct mt_walk **out, const char *dir)
{
    *out = mt_alloc(sizeof **out);
    (*out)->pending = mt_strdup(dir);
    (*out)->given = strlen(dir);
}

void mt_walk_close(struct mt_walk **walk)
{
    if (!*walk)
        return;
    while ((*walk)->depth > 0)
        leave(*walk);
    free((*walk)->pending);
    free((*walk)->last);
    free(*walk);
    *walk = NULL;
}

static int give(struct mt_walk *walk, char *name, struct mt_feed_item *item)
{
    free(walk->last);
    walk->last = name;
    item->name = name;
    item->given = walk->given;
    return 1;
}

int mt_walk_next(struct mt_walk *walk, struct mt_feed_item *item)
{
    item->failure = (struct mt_err){.code = MT_OK};
    for (;;) {
        if (walk->pending) {
            char *path = walk->pending;
            walk->pending = NULL;
            if (enter(walk, path, &item->failure) < 0)
                return give(walk, path, item);
            free(path);
        }
        if (walk->depth == 0)
            return 0;
        struct level *level = &walk->level[walk->depth - 1];
        if (level->files.next < level->files.n)
            return give(walk, mt_path_join(level->path, level->files.name[level->files.next++]),
                        item);
        if (level->dirs.next < level->dirs.n)
            walk->pending = mt_path_join(level->path, level->dirs.name[level->dirs.next++]);
        else
            leave(walk);
    }
}

int64_t mt_walk_count(const char *dir)
{
    struct mt_walk *walk = NULL;
    struct mt_feed_item item;
    int64_t n = 0;

    mt_walk_open(&walk, dir);
    while (mt_walk_next(walk, &item) == 1)
        n++;
    mt_walk_close(&walk);
    return n;
}
