/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - what the files of this module share. */
#ifndef MT_STORE_FS_INTERNAL_H
#define MT_STORE_FS_INTERNAL_H

#include "base/clock.h"
#include "store/store.h"

#include <pthread.h>
#include <sys/types.h>

#define MT_FS_TMP ".tmp"

struct mt_fs {
    char *root;                /* absolute, without '/' at its end unless it is "/" */
    int root_fd;               /* the directory itself */
    int tmp_fd;                /* .tmp in it, or -1 while nobody needed it */
    pthread_mutex_t beginning; /* held while a put begins */
    bool plain;
};

struct mt_fs_put {
    char name[MT_UUID_TEXT]; /* in .tmp */
    char *key;
    int fd; /* locked */
};

/*
 * beneath.c: names below the root, without following a link. All return a
 * descriptor or -1 with errno, ELOOP when a link was met.
 */

/* Opens an existing name; flags as in open(2), without O_CREAT. */
int mt_fs_open(const struct mt_fs *fs, const char *path, int flags);

/* Opens a regular file, for any of flags; ENOENT when the name is something else. */
int mt_fs_open_file(const struct mt_fs *fs, const char *key, int flags, int64_t *size);

enum mt_fs_make { MT_FS_NO_MAKE, MT_FS_MAKE, MT_FS_MAKE_DURABLE };

/* Opens the directory that is to hold key, made if make says so; *name is key's last part. */
int mt_fs_open_parent(const struct mt_fs *fs, const char *key, enum mt_fs_make make,
                      const char **name);

/* Opens .tmp, made if create, into fs->tmp_fd. -1 with errno. */
int mt_fs_open_tmp(struct mt_fs *fs, bool create);

/* Removes the directories that held key as far as they are empty. */
void mt_fs_prune(const struct mt_fs *fs, const char *key);

/* store_fs.c: errno as a failure to read or write key, with the codes of the port. Returns -1. */
int mt_fs_fail_read(const struct mt_fs *fs, const char *key, struct mt_err *err);
int mt_fs_fail_write(const struct mt_fs *fs, const char *doing, const char *key,
                     struct mt_err *err);

/* put.c: slots */
int mt_fs_begin(void *priv, void *put, const char *key, int *fd, struct mt_err *err);
int mt_fs_commit(void *priv, void *put, const char *sha256, struct mt_err *err);
int mt_fs_commit_all(void *priv, void *const *puts, const char *const *sha256, int n,
                     struct mt_err *err);
void mt_fs_commit_many(void *priv, void *const puts[], struct mt_err errs[], int n);
void mt_fs_abort(void *priv, void *put);
int mt_fs_sweep(void *priv, int64_t *removed, struct mt_err *err);

/* list.c: slot */
int mt_fs_list(void *priv, const char *prefix,
               int (*each)(void *ctx, const struct mt_object *object, struct mt_err *err),
               void *ctx, struct mt_err *err);

#endif
