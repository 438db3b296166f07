/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scratch.c - see scratch.h. */
#include "work/scratch.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "media-queue."

enum { OPEN_FILES = 16, TRIES = 8 };

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    (void)remove(path); /* what cannot be removed is left for the next sweep */
    return 0;
}

void mt_scratch_remove(char **path)
{
    if (!*path)
        return;
    nftw(*path, remove_entry, OPEN_FILES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free(*path);
    *path = NULL;
}

/* One that nobody holds a lock of any more. */
static void sweep_one(const char *tmp, const char *name)
{
    char *path = mt_path_join(tmp, name);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
        flock(fd, LOCK_EX | LOCK_NB) == 0) {
        char *doomed = mt_strdup(path);
        mt_scratch_remove(&doomed);
    }
    mt_fd_close(&fd);
    free(path);
}

static void sweep(const char *tmp)
{
    DIR *dir = opendir(tmp);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (mt_str_starts(entry->d_name, PREFIX))
            sweep_one(tmp, entry->d_name);
    if (dir)
        closedir(dir);
}

static char *make_below(const char *dir, struct mt_err *err)
{
    char *path = mt_path_join(dir, PREFIX "XXXXXX");

    if (mkdtemp(path))
        return path;
    mt_fail_errno(err, "cannot make a directory for handlers in '%s'", dir);
    free(path);
    return NULL;
}

int mt_scratch_open(struct mt_scratch *s, const char *tmp, struct mt_err *err)
{
    sweep(tmp);
    for (int i = 0; i < TRIES; i++) {
        char *path = make_below(tmp, err);
        if (!path)
            return -1;
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        /* Another sweep may come in between. */
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && access(path, F_OK) == 0) {
            *s = (struct mt_scratch){.path = path, .fd = fd};
            return 0;
        }
        mt_fd_close(&fd);
        free(path);
    }
    return mt_fail(err, MT_ERR_BUSY, "cannot keep a directory in '%s'", tmp);
}

void mt_scratch_close(struct mt_scratch *s)
{
    if (!s->path)
        return;
    mt_scratch_remove(&s->path);
    mt_fd_close(&s->fd);
}

char *mt_scratch_make(const struct mt_scratch *s, struct mt_err *err)
{
    return make_below(s->path, err);
}
