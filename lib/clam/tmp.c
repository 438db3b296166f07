/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tmp.c - directories for unpacked files, which do not outlive their process for long. */
#include "clam/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
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

#define NAME "media-scan."

enum { NEWBORN_S = 60, FTW_FDS = 16 };

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    if (remove(path) < 0 && errno != ENOENT)
        mt_log(MT_LOG_WARN, "cannot remove '%s': %s", path, strerror(errno));
    return 0;
}

void mt_clam_remove_tree(const char *path)
{
    if (nftw(path, remove_one, FTW_FDS, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
        mt_log(MT_LOG_WARN, "cannot remove '%s': %s", path, strerror(errno));
}

/* Its maker is dead if nobody has it locked; one that is about to is young. */
static void remove_abandoned(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
        st.st_mtim.tv_sec + NEWBORN_S < mt_now_us() / 1000000 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        mt_clam_remove_tree(path);
    mt_fd_close(&fd);
}

static void sweep(const char *base)
{
    DIR *dir = opendir(base);
    struct dirent *e;

    while (dir && (e = readdir(dir)))
        if (mt_str_starts(e->d_name, NAME)) {
            char *path = mt_path_join(base, e->d_name);
            remove_abandoned(path);
            free(path);
        }
    if (dir)
        closedir(dir);
}

int mt_clam_make_tmp(struct mt_clam *clam, const char *base, struct mt_err *err)
{
    sweep(base);
    clam->tmp = mt_path_join(base, NAME "XXXXXX");
    if (mkdtemp(clam->tmp)) {
        clam->lock = open(clam->tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (clam->lock >= 0 && flock(clam->lock, LOCK_EX | LOCK_NB) == 0)
            return 0;
        mt_fail_errno(err, "cannot lock '%s'", clam->tmp);
        mt_clam_remove_tree(clam->tmp);
    } else {
        mt_fail_errno(err, "cannot make a directory for temporary files in '%s'", base);
    }
    mt_fd_close(&clam->lock);
    free(clam->tmp);
    clam->tmp = NULL;
    return -1;
}
