/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - a function that runs in a jailed child and answers in JSON lines.
 *
 * The parent forks (from a single-threaded process that has its libraries
 * loaded already); the child keeps only the descriptors it was promised,
 * enters its jail and calls the function. What the function sends arrives in
 * the parent as it happens; what it returns, or how it died, becomes the
 * result of mt_worker_run(). Nothing the child does can hurt the parent: lines
 * are bounded, parsed with limits, and waited for with a deadline. The child
 * never outlives the thread that called mt_worker_run().
 *
 * The protocol, on a pipe from child to parent: JSON objects, one a line, of at
 * most MT_JSON_LINE_MAX bytes. Two members are reserved. "_attached": N says that
 * N bytes follow the line; the parent takes it off before on_line sees the line.
 * "_end" is the code's name ("ok", "damaged"), with "errno", "message", "hint" and
 * "details" beside it, and makes the line the last one. Anything else the child sends is
 * taken for a crash.
 */
#ifndef MT_WORKER_WORKER_H
#define MT_WORKER_WORKER_H

#include "base/err.h"
#include "jail/jail.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define MT_WORKER_ATTACHED_MAX ((size_t)256 << 20) /* bytes attached to one line */

struct mt_worker; /* the child's end: passed to the function */

struct mt_worker_spec {
    const char *what; /* begins messages: "decoding 'talk.mov'" */
    enum mt_jail_profile profile;
    struct mt_jail_limits limits;
    int64_t wall_us;  /* whole run; 0: no limit. MT_ERR_TIMEOUT */
    int64_t stall_us; /* longest silence between two lines; 0: no limit. MT_ERR_TIMEOUT */
    int nice;         /* added to the niceness */
    const int *fds;   /* descriptors the child keeps besides 0-2; their numbers stay the same */
    int n_fds;

    /*
     * Runs in the child, jailed, with /dev/null as 0 and 1, in a process group
     * of its own, all signals at their defaults but SIGPIPE and SIGXFSZ, which
     * are ignored. What it writes to stderr is kept for the message of a crash.
     * Returns 0, or -1 with *err, which travels to the parent with code, errno,
     * message and hint (an ENOMEM becomes MT_ERR_LIMIT). The child then ends
     * by _exit(): nothing is flushed, no atexit() handler runs.
     */
    int (*run)(void *arg, struct mt_worker *worker, struct mt_err *err);
    void *arg;

    /*
     * Called in the parent for each line that the child sent, with its
     * attachment (data is NULL if it has none). Lends everything. -1 with
     * *err kills the child and fails the run. NULL: lines are dropped.
     */
    int (*on_line)(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err);
    void *ctx;

    /* Asked about every 100 ms: nonzero ends the child; the run fails with MT_ERR_CANCELLED. May be
     * NULL. */
    int (*cancelled)(void *ctx);
};

/*
 * Runs it; when it returns, the child is dead and reaped. Failures of the
 * child's own come back as it reported them, control characters escaped; besides
 * MT_ERR_CRASHED (signal or status and last words are in the message),
 * MT_ERR_LIMIT (memory or CPU limit met), MT_ERR_TIMEOUT, MT_ERR_CANCELLED. err->trace has signal
 * or status of a child that did not end by itself, its last words, and what it noted itself.
 */
int mt_worker_run(const struct mt_worker_spec *spec, struct mt_err *err) MT_MUST_USE;

/*
 * The same for several at once. start: *run is a child at work, whose spec is copied (what it
 * points to must live on). wait: listens to n (1 to MT_WORKERS_MAX) of them, calling on_line, until
 * one is over or about 100 ms have gone by where cancelled is set; which of them is over, or -1.
 * end: as the end of mt_worker_run(); one that is not over yet is killed and failed with
 * MT_ERR_CANCELLED. *run becomes NULL.
 */
enum { MT_WORKERS_MAX = 256 };

struct mt_worker_run;

int mt_worker_start(struct mt_worker_run **run, const struct mt_worker_spec *spec,
                    struct mt_err *err) MT_MUST_USE;
int mt_worker_wait(struct mt_worker_run *const runs[], int n) MT_MUST_USE;
int mt_worker_end(struct mt_worker_run **run, struct mt_err *err);

/*
 * From the child, any thread: sends one line, an object without the reserved
 * members, with n bytes attached (0 for none). Waits while the parent is busy
 * with earlier ones. MT_ERR_CANCELLED when the parent is gone, MT_ERR_LIMIT when
 * line or attachment are over their ceiling (nothing is sent then).
 */
int mt_worker_send(struct mt_worker *worker, const json_t *line, const void *data, size_t n,
                   struct mt_err *err) MT_MUST_USE;

/*
 * For a server that passes on what its workers say: the same line, and the last one, to any
 * descriptor; the other side reads them with worker/inbox.h. MT_ERR_CANCELLED when nobody does.
 */
int mt_worker_write(int fd, const json_t *line, const void *data, size_t n,
                    struct mt_err *err) MT_MUST_USE;
int mt_worker_write_end(int fd, int ret, const struct mt_err *failure,
                        struct mt_err *err) MT_MUST_USE;

#endif
