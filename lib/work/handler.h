/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handler.h - one program that does one job, and all that it starts.
 *
 * A handler is an executable in whatever language suits it. It is given the job
 * as one JSON line on standard input and these variables: MEDIA_JOB,
 * MEDIA_LEASE_TOKEN, MEDIA_JOB_TYPE, MEDIA_ATTEMPT, MEDIA_ASSET (if there is one),
 * MEDIA_DB, MEDIA_STORE, MEDIA_PROGRESS=json, and TMPDIR, a directory of its own that
 * is removed afterwards (work/scratch.h). On standard output or standard error it may print JSON
 * lines: progress events ({"type": "progress", "percent": 40, "stage": "encode"}),
 * and on standard output anything else, the last object of which is the job's
 * result. Other lines on standard error are its last words. Nothing that it
 * prints can hurt: lines are bounded, and what is no JSON is no JSON.
 *
 * It ends with an exit status of the toolkit: 0 done, 5 and 11 try again
 * later, anything else has failed for good; a signal is tried again.
 *
 * It runs in a process group of its own and dies with its supervisor. Processes
 * that it leaves behind or moves into other groups are found and killed.
 */
#ifndef MT_WORK_HANDLER_H
#define MT_WORK_HANDLER_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { MT_HANDLER_WORDS = 2000, MT_HANDLER_STEP = 64, MT_HANDLER_LINE_MAX = 1 << 20 };

/* A stream of lines that may be of any length. */
struct mt_handler_stream {
    int fd; /* -1: closed */
    struct mt_buf line;
    bool overlong; /* the rest of the line is passed over */
};

struct mt_handler {
    pid_t pid; /* 0: none was started */
    int in;    /* -1: it has been given all */
    char *input;
    size_t input_at;
    struct mt_handler_stream out, err;
    char words[MT_HANDLER_WORDS + 1]; /* the end of what it said on standard error */
    bool loud;                        /* what it says is passed on to our standard error */
    bool raw;                         /* ... as it is */
    json_t *result;                   /* the last object on standard output; or NULL */
    json_t *error;                    /* the last error that it reported in JSON; or NULL */
    int percent;                      /* -1: none told */
    char step[MT_HANDLER_STEP];
    bool news; /* percent or step are new since the caller looked */
    char *tag; /* "NAME=value" that its environment and its descendants' hold */
    bool exited;
    int status; /* as waitpid() gives it, once exited */
};

struct mt_handler_spec {
    const char *const *argv; /* argv[0] is a path, or a name in PATH */
    const char *const *env;  /* the environment to begin with */
    const char *const *set;  /* "NAME=value" instead of what env has; ends with NULL */
    const char *input;       /* its standard input; NULL: ours */
    bool foreground;         /* standard output is ours too, and it stays in our process group */
    bool loud;
    const char *tag; /* one of set, which no other handler has */
};

/*
 * Starts it. Zero h before. On failure nothing runs, and mt_handler_free() has
 * nothing to do: MT_ERR_UNAVAILABLE if it cannot be executed.
 */
int mt_handler_start(struct mt_handler *h, const struct mt_handler_spec *spec,
                     struct mt_err *err) MT_MUST_USE;

/* Reads and writes what can be without waiting. Call it when poll() says so, or now and then. */
void mt_handler_pump(struct mt_handler *h);

/* Whether it has ended and all that it printed was read (or a second has passed since). */
bool mt_handler_done(struct mt_handler *h);

/* Sends the signal to its group, to all descendants, and to those that have lost their parents. */
void mt_handler_signal(const struct mt_handler *h, int sig);

/* Kills what is left of it and frees all; h may be used again. */
void mt_handler_free(struct mt_handler *h);

#endif
