/* SPDX-License-Identifier: GPL-2.0-or-later */
/* child.h - one engine process: its jail, its channels, its end. */
#ifndef MT_ENGINE_CHILD_H
#define MT_ENGINE_CHILD_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct mt_engine_child {
    pid_t pid;
    int in, out, words;  /* ours: its standard input, output and error; nonblocking; -1 closed */
    struct mt_buf lines; /* what it wrote and nobody has taken yet */
    struct mt_buf input; /* what it has not read yet */
    char tail[1024];     /* the end of what it said on its standard error */
    char *scratch;       /* its directory */
    int64_t started_us, heard_us;
    bool killed;
};

struct mt_engine_launch {
    const char *path;
    const char *argument;        /* "--describe", or NULL */
    const char *const *readable; /* besides the system and the engine's own directory */
    bool network;
    int64_t memory_bytes;
    const char *tmp;   /* where its directory is made; NULL: /tmp */
    int fd;            /* becomes 3; -1: none */
    const char *input; /* goes to its standard input, which is then closed */
};

/* Starts it; end with mt_engine_child_end(). MT_ERR_UNAVAILABLE when it cannot be executed. */
int mt_engine_child_start(struct mt_engine_child *child, const struct mt_engine_launch *launch,
                          struct mt_err *err) MT_MUST_USE;

/*
 * Writes what it takes and reads what is there, after poll() said that something is.
 * 0 while it lives, 1 when it has closed its output.
 */
int mt_engine_child_pump(struct mt_engine_child *child, struct mt_err *err) MT_MUST_USE;

/* SIGTERM to its group; SIGKILL if it was asked before. */
void mt_engine_child_kill(struct mt_engine_child *child, bool hard);

/* Makes sure that nothing of it is left, and frees all. *status as of waitpid(). */
void mt_engine_child_end(struct mt_engine_child *child, int *status);

#endif
