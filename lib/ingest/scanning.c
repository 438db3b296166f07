/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scanning.c - see scanning.h. */
#include "ingest/scanning.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/progress.h"
#include "cli/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct mt_scanning {
    pthread_t thread;
    struct mt_scanner *scanner;
    struct mt_scan_request request;
    atomic_bool cancel, over;
    atomic_llong bytes;
    int ret;
    struct mt_scan_result result;
    struct mt_err err;
};

static bool is_cancelled(void *ctx)
{
    struct mt_scanning *s = ctx;

    return atomic_load(&s->cancel);
}

static void show(void *ctx, int64_t bytes)
{
    struct mt_scanning *s = ctx;

    atomic_store(&s->bytes, bytes);
}

static void *run(void *arg)
{
    struct mt_scanning *s = arg;

    s->ret = mt_scan_run(s->scanner, &s->request, &s->result, &s->err);
    atomic_store(&s->over, true);
    return NULL;
}

/* Signals are for the thread that asks mt_stop_signal(). */
static int start_thread(struct mt_scanning *s)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return problem;
}

int mt_scanning_start(struct mt_scanning **out, struct mt_scanner *scanner, int fd, int64_t size,
                      const char *name, int64_t wall_us, struct mt_err *err)
{
    struct mt_scanning *s = mt_alloc(sizeof *s);

    s->scanner = scanner;
    s->request = (struct mt_scan_request){.fd = fd,
                                          .size = size,
                                          .name = name,
                                          .wall_us = wall_us,
                                          .cancelled = is_cancelled,
                                          .progress = show,
                                          .ctx = s};
    int problem = start_thread(s);
    if (problem) {
        free(s);
        errno = problem;
        return mt_fail_errno(err, "cannot start the thread that scans");
    }
    *out = s;
    return 0;
}

bool mt_scanning_await(struct mt_scanning *scanning, int64_t wait_us)
{
    const struct timespec nap = {.tv_nsec = 2000000};
    int64_t until = mt_mono_us() + wait_us;

    while (!atomic_load(&scanning->over) && mt_mono_us() < until && !mt_stop_signal()) {
        mt_progress_poll();
        nanosleep(&nap, NULL);
    }
    return atomic_load(&scanning->over);
}

int mt_scanning_end(struct mt_scanning **scanning, struct mt_scan_result *result,
                    struct mt_err *err)
{
    struct mt_scanning *s = *scanning;

    while (!mt_scanning_await(s, 100000)) {
        mt_progress_update(atomic_load(&s->bytes), s->request.size);
        if (mt_stop_signal())
            atomic_store(&s->cancel, true);
        if (atomic_load(&s->cancel))
            break;
    }
    pthread_join(s->thread, NULL);
    *result = s->result;
    int ret = s->ret;
    if (ret < 0)
        *err = s->err;
    free(s);
    *scanning = NULL;
    return ret;
}

void mt_scanning_abort(struct mt_scanning **scanning)
{
    struct mt_scan_result result;
    struct mt_err err;

    if (!*scanning)
        return;
    atomic_store(&(*scanning)->cancel, true);
    if (mt_scanning_end(scanning, &result, &err) < 0) {
        /* As was asked for. */
    }
}
