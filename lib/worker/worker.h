/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - a function that runs in a jailed child and answers in JSON lines.
 *
 * The parent forks (from a single-threaded process that has its libraries
 * loaded already); the child keeps only the descriptors it was promised,
 * enters its jail and calls the function. What the function sends arrives in
 * the parent as it happens; what it returns, or how it died, becomes the
 * result of mt_worker_run(). Nothing the child does can hurt the parent: lines
 * are bounded, parsed with limits, and waited for with a deadline.
 */
#ifndef MT_WORKER_WORKER_H
#define MT_WORKER_WORKER_H

#include "base/err.h"
#include "jail/jail.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct mt_worker; /* the child's end: passed to the function */

struct mt_worker_spec {
    const char *what; /* begins messages: "decoding 'talk.mov'" */
    enum mt_jail_profile profile;
    struct mt_jail_limits limits;
    int64_t wall_us;  /* whole run; 0: no limit */
    int64_t stall_us; /* longest silence between two lines; 0: no limit. MT_ERR_TIMEOUT */
    int nice;         /* added to the niceness */
    const int *fds;   /* descriptors the child keeps besides 0-2; their numbers stay the same */
    int n_fds;

    /*
     * Runs in the child, jailed. Returns 0, or -1 with *err, which travels to
     * the parent with code, message and hint.
     */
    int (*run)(void *arg, struct mt_worker *worker, struct mt_err *err);
    void *arg;

    /*
     * Called in the parent for each line that the child sent, with its
     * attachment (data is NULL if it has none). Lends everything. -1 with
     * *err kills the child and fails the run.
     */
    int (*on_line)(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err);
    void *ctx;

    /* Asked about every 100 ms: nonzero ends the child; the run fails with MT_ERR_CANCELLED. May be
     * NULL. */
    int (*cancelled)(void *ctx);
};

/*
 * Runs it. Failures of the child's own come back as it reported them; besides
 * MT_ERR_CRASHED (signal or status and last words are in the message),
 * MT_ERR_LIMIT (memory or CPU limit met), MT_ERR_TIMEOUT, MT_ERR_CANCELLED.
 */
int mt_worker_run(const struct mt_worker_spec *spec, struct mt_err *err) MT_MUST_USE;

/*
 * From the child: sends one line with n bytes attached (0 for none, at most
 * 256 MiB). Fails only when the parent is gone.
 */
int mt_worker_send(struct mt_worker *worker, const json_t *line, const void *data, size_t n,
                   struct mt_err *err) MT_MUST_USE;

#endif
