/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scratch.h - directories that last as long as a handler, or as its supervisor at most. */
#ifndef MT_WORK_SCRATCH_H
#define MT_WORK_SCRATCH_H

#include "base/err.h"

/* One directory of this process, locked (flock(2)) as long as it lives. */
struct mt_scratch {
    char *path; /* NULL: closed */
    int fd;
};

/* Makes it below tmp, and removes those there whose processes are dead. */
int mt_scratch_open(struct mt_scratch *s, const char *tmp, struct mt_err *err) MT_MUST_USE;

/* Removes it with all that is in it. */
void mt_scratch_close(struct mt_scratch *s);

/* A new directory in it. free() the path. NULL on failure. */
char *mt_scratch_make(const struct mt_scratch *s, struct mt_err *err);

/* Removes that with all that is in it, and frees *path. */
void mt_scratch_remove(char **path);

#endif
