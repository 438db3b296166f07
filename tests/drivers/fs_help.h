/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fs_help.h - a store of files below a temporary directory, and children that use it. */
#ifndef MT_TESTS_FS_HELP_H
#define MT_TESTS_FS_HELP_H

#include "../tap.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "store-fs/store_fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct mt_store_driver *const drivers[] = {&mt_store_fs, NULL};
static char *top; /* everything happens below it */
static struct mt_err err;

#define FAILS(call, wanted, what)                                                                  \
    do {                                                                                           \
        err.code = MT_OK;                                                                          \
        if (!OK((call) < 0 && err.code == (wanted), what))                                         \
            printf("#   %s: %s\n", mt_code_name(err.code), err.msg);                               \
    } while (0)

/* A path below the temporary directory; free() it. */
static inline char *below(const char *name)
{
    return mt_path_join(top, name);
}

static inline struct mt_store *open_store(const char *name, const char *query, bool write)
{
    struct mt_store *s = NULL;
    char *path = below(name);
    char *plain_url = mt_path_to_file_url(path);
    char *url = mt_asprintf("%s%s", plain_url, query);

    if (mt_store_open(&s, url, drivers, write, &err) < 0)
        printf("# %s\n", err.msg);
    free(url);
    free(plain_url);
    free(path);
    return s;
}

static inline int put(struct mt_store *s, const char *key, const char *text)
{
    struct mt_put *p;

    if (mt_store_begin(s, key, &p, &err) < 0)
        return -1;
    if (mt_put_write(p, text, strlen(text), &err) < 0) {
        mt_put_abort(&p);
        return -1;
    }
    return mt_put_commit(&p, NULL, &err);
}

/* How many names the directory holds; -1 if it is not there. */
static inline int entries(const char *name)
{
    char *path = below(name);
    DIR *dir = opendir(path);
    int n = dir ? -2 : -1;

    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    free(path);
    return n;
}

static inline int count_one(void *ctx, const struct mt_object *object, struct mt_err *e)
{
    (void)object;
    (void)e;
    ++*(int *)ctx;
    return 0;
}

static inline int count(struct mt_store *s)
{
    int n = 0;

    return mt_store_list(s, "", count_one, &n, &err) < 0 ? -1 : n;
}

/* Runs what() in a child; its return value is the child's status. */
static inline pid_t spawn(int (*what)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(what());
    return pid;
}

static inline int status_of(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void make_top(void)
{
    top = mt_path_join(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", "mt-store-fs-XXXXXX");
    if (!mkdtemp(top)) {
        perror("mkdtemp");
        exit(1);
    }
}

static inline void remove_top(void)
{
    nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(top);
}

#endif
