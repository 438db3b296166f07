/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crew.c - see crew.h. */
#include "ingest/crew.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct place {
    struct mt_entry *entry;
    bool ready;
};

struct mt_crew {
    struct mt_intake *in;
    pthread_mutex_t lock;
    pthread_cond_t work, ready;
    struct place ring[MT_CREW_WINDOW];
    unsigned front, begun, end; /* counts: given back, taken by workers, added */
    bool closing;
    int n, started;
    bool scans;
    struct mt_scanner *scanners[MT_CREW_MAX]; /* one for each worker, which closes it */
    pthread_t threads[MT_CREW_MAX];
};

static struct place *place(struct mt_crew *crew, unsigned i)
{
    return &crew->ring[i % MT_CREW_WINDOW];
}

/* The next entry that is to be worked on; NULL at the end. The lock is held. */
static struct place *next_work(struct mt_crew *crew)
{
    for (;;) {
        while (crew->begun != crew->end) {
            struct place *p = place(crew, crew->begun++);
            if (!p->ready)
                return p;
        }
        if (crew->closing)
            return NULL;
        pthread_cond_wait(&crew->work, &crew->lock);
    }
}

static int take_scanner(struct mt_crew *crew, struct mt_scanner **scanner)
{
    pthread_mutex_lock(&crew->lock);
    int me = crew->started++;
    *scanner = crew->scanners[me];
    pthread_mutex_unlock(&crew->lock);
    return me;
}

static void *worker(void *arg)
{
    struct mt_crew *crew = arg;
    struct mt_hands hands = {.scanner = NULL};
    struct place *p;

    int me = take_scanner(crew, &hands.scanner);
    mt_helper_open(&hands.helper, crew->in->run->dir, &crew->in->spec->limits);
    pthread_mutex_lock(&crew->lock);
    while ((p = next_work(crew))) {
        struct mt_entry *e = p->entry;
        pthread_mutex_unlock(&crew->lock);
        mt_entry_work(e, &hands);
        pthread_mutex_lock(&crew->lock);
        p->ready = true;
        pthread_cond_signal(&crew->ready);
    }
    pthread_mutex_unlock(&crew->lock);
    mt_helper_close(&hands.helper);
    mt_scan_close(&crew->scanners[me]);
    return NULL;
}

/* Signals are the main thread's, but for the one that ends a wait. */
static int start(struct mt_crew *crew, int n)
{
    sigset_t all, old;
    int problem = 0;

    sigfillset(&all);
    sigdelset(&all, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (crew->n < n && problem == 0) {
        problem = pthread_create(&crew->threads[crew->n], NULL, worker, crew);
        crew->n += problem == 0;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return crew->n > 0 ? 0 : problem;
}

/*
 * One for each worker, as a scanner belongs to one thread. That of libclamav keeps
 * all signatures in memory: one is enough. How many workers there can be, or -1.
 */
static int open_scanners(struct mt_crew *crew, int n, struct mt_err *err)
{
    const struct mt_ingest *spec = crew->in->spec;
    struct mt_scan_config config = {.dir = crew->in->run->dir,
                                    .max_age_us = spec->verdicts.max_age_us};

    for (int i = 0; i < n; i++) {
        if (mt_scan_open(&crew->scanners[i], spec->scanner, spec->scanners, &config, err) < 0)
            return -1;
        const char *scheme = mt_scan_scheme(crew->scanners[i]);
        crew->scans = strcmp(scheme, "none") != 0;
        if (i == 0 && !spec->scanner && strcmp(scheme, "none") == 0)
            mt_log(MT_LOG_WARN,
                   "no virus scanner: files are taken in unscanned (--scanner=none: or "
                   "MEDIA_SCANNER=none: says that this is meant)");
        if (strcmp(scheme, "clamav") == 0)
            return i + 1;
    }
    return n;
}

static void wake(int sig)
{
    (void)sig;
}

static void install_waker(void)
{
    struct sigaction action = {.sa_handler = wake};

    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR2, &action, NULL);
}

void mt_crew_interrupt(struct mt_crew *crew)
{
    for (int i = 0; i < crew->n; i++)
        pthread_kill(crew->threads[i], SIGUSR2);
}

int mt_crew_open(struct mt_crew **out, struct mt_intake *in, int n, struct mt_err *err)
{
    struct mt_crew *crew = mt_alloc(sizeof *crew);
    pthread_condattr_t attr;

    crew->in = in;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&crew->work, NULL);
    pthread_cond_init(&crew->ready, &attr);
    pthread_condattr_destroy(&attr);
    *out = crew;
    install_waker();
    n = open_scanners(crew, n, err);
    int problem = n > 0 ? start(crew, n) : 0;
    if (n > 0 && problem == 0)
        return 0;
    mt_crew_close(out);
    if (n < 0)
        return -1;
    errno = problem;
    return mt_fail_errno(err, "cannot start a thread");
}

void mt_crew_close(struct mt_crew **crew)
{
    struct mt_crew *c = *crew;
    struct mt_entry *e;

    if (!c)
        return;
    while ((e = mt_crew_withdraw(c)))
        mt_entry_free(&e);
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < c->n; i++)
        pthread_join(c->threads[i], NULL);
    for (; c->front != c->end; c->front++)
        mt_entry_free(&place(c, c->front)->entry);
    for (int i = c->started; i < MT_CREW_MAX; i++)
        mt_scan_close(&c->scanners[i]);
    pthread_cond_destroy(&c->ready);
    pthread_cond_destroy(&c->work);
    pthread_mutex_destroy(&c->lock);
    free(c);
    *crew = NULL;
}

bool mt_crew_scans(const struct mt_crew *crew)
{
    return crew->scans;
}

int mt_crew_count(struct mt_crew *crew)
{
    return (int)(crew->end - crew->front);
}

void mt_crew_add(struct mt_crew *crew, struct mt_entry *e, bool ready)
{
    pthread_mutex_lock(&crew->lock);
    *place(crew, crew->end++) = (struct place){e, ready};
    pthread_cond_signal(&crew->work);
    pthread_mutex_unlock(&crew->lock);
}

static bool front_ready(struct mt_crew *crew)
{
    return crew->front != crew->end && place(crew, crew->front)->ready;
}

int mt_crew_take(struct mt_crew *crew, struct mt_entry *entries[], int max, int wait_ms)
{
    struct timespec until;
    int n = 0;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += wait_ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&crew->lock);
    while (!front_ready(crew) && rc == 0 && crew->front != crew->end)
        rc = pthread_cond_timedwait(&crew->ready, &crew->lock, &until);
    while (n < max && front_ready(crew)) {
        if (crew->begun == crew->front)
            crew->begun++;
        entries[n++] = place(crew, crew->front++)->entry;
    }
    pthread_mutex_unlock(&crew->lock);
    return n;
}

struct mt_entry *mt_crew_front(struct mt_crew *crew)
{
    return crew->front == crew->end ? NULL : place(crew, crew->front)->entry;
}

struct mt_entry *mt_crew_withdraw(struct mt_crew *crew)
{
    struct mt_entry *e = NULL;

    pthread_mutex_lock(&crew->lock);
    if (crew->end != crew->begun)
        e = place(crew, --crew->end)->entry;
    pthread_mutex_unlock(&crew->lock);
    return e;
}
