/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server.c - threads and processes that take connections, and how they end.
 *
 * Each thread takes a connection and serves it to its end. There are as many as are
 * busy and one more, up to the plan's number: idle ones cost a stack, but uploads
 * and event streams keep theirs for long.
 */
#include "http/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 512 * 1024, NUDGE_MS = 50, PAUSE_US = 20000, RESTART_MS = 500 };

struct server {
    const struct mt_http_plan *plan;
    int fd;
    volatile bool stopping;
    pthread_mutex_t lock;
    pthread_t *threads;
    bool *ended; /* of each thread */
    int n, idle, alive;
};

/* --- threads --- */

static bool add_thread(struct server *s);

struct worker {
    struct server *s;
    int number;
};

/* The last idle one calls for another, so that somebody always waits for the next connection. */
static void now_busy(struct server *s)
{
    pthread_mutex_lock(&s->lock);
    s->idle--;
    if (s->idle == 0 && s->n < s->plan->threads && !s->stopping)
        add_thread(s);
    pthread_mutex_unlock(&s->lock);
}

static void now_idle(struct server *s)
{
    pthread_mutex_lock(&s->lock);
    s->idle++;
    pthread_mutex_unlock(&s->lock);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct server *s = w->s;

    while (!s->stopping) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            /* Descriptors or memory are short: others have to end first. */
            if (errno != EINTR && errno != ECONNABORTED)
                usleep(PAUSE_US);
            continue;
        }
        now_busy(s);
        mt_fcgi_connection(s->plan, fd, &s->stopping);
        now_idle(s);
    }
    pthread_mutex_lock(&s->lock);
    s->ended[w->number] = true;
    s->alive--;
    pthread_mutex_unlock(&s->lock);
    free(w);
    return NULL;
}

/* With the lock held. */
static bool add_thread(struct server *s)
{
    struct worker *w = mt_alloc(sizeof *w);
    pthread_attr_t attr;

    *w = (struct worker){s, s->n};
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    bool made = pthread_create(&s->threads[s->n], &attr, work, w) == 0;
    pthread_attr_destroy(&attr);
    if (made) {
        s->n++;
        s->idle++;
        s->alive++;
    } else {
        free(w);
    }
    return made;
}

/* --- one process --- */

static void on_nudge(int sig)
{
    (void)sig;
}

static void block_signals(sigset_t *set)
{
    struct sigaction nudge = {.sa_handler = on_nudge};

    sigemptyset(&nudge.sa_mask);
    sigaction(SIGUSR2, &nudge, NULL); /* no SA_RESTART: it ends a wait in accept() */
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGCHLD);
    sigprocmask(SIG_BLOCK, set, NULL);
}

/* Until a signal asks to stop; the tick meanwhile. */
static void wait_for_end(const struct server *s, int signals)
{
    int pause = s->plan->tick ? s->plan->tick_ms : -1;

    for (;;) {
        struct signalfd_siginfo info = {.ssi_signo = 0};
        struct pollfd p = {.fd = signals, .events = POLLIN};
        if (poll(&p, 1, pause) > 0 && read(signals, &info, sizeof info) != sizeof info)
            continue;
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            return;
        if (s->plan->tick && info.ssi_signo != SIGCHLD)
            s->plan->tick(s->plan->ctx);
    }
}

/* Waits for the threads; those that wait in a system call are woken until they have noticed. */
static bool stop(struct server *s)
{
    int64_t until = mt_mono_us() + (int64_t)s->plan->grace_ms * 1000;
    int alive;

    s->stopping = true;
    do {
        pthread_mutex_lock(&s->lock);
        alive = s->alive;
        for (int i = 0; i < s->n; i++)
            if (!s->ended[i])
                pthread_kill(s->threads[i], SIGUSR2);
        pthread_mutex_unlock(&s->lock);
        if (alive > 0)
            usleep(NUDGE_MS * 1000);
    } while (alive > 0 && mt_mono_us() < until);
    for (int i = 0; i < s->n && alive == 0; i++)
        pthread_join(s->threads[i], NULL);
    return alive == 0;
}

static int serve_here(const struct mt_http_plan *plan, int fd, struct mt_err *err)
{
    size_t n = (size_t)plan->threads;
    struct server s = {.plan = plan, .fd = fd};
    sigset_t set;
    int ret = -1;

    block_signals(&set);
    mallopt(M_ARENA_MAX, 2); /* else each thread keeps free memory of its own */
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return mt_fail_errno(err, "cannot wait for signals");
    s.threads = mt_alloc(n * sizeof *s.threads);
    s.ended = mt_alloc(n * sizeof *s.ended);
    pthread_mutex_init(&s.lock, NULL);
    if (plan->start)
        plan->start(plan->ctx);
    pthread_mutex_lock(&s.lock);
    bool made = add_thread(&s);
    pthread_mutex_unlock(&s.lock);
    if (made) {
        wait_for_end(&s, signals);
        ret = 0;
    } else {
        mt_fail(err, MT_ERR_IO, "cannot start a thread");
    }
    if (!stop(&s)) {
        mt_log(MT_LOG_WARN, "%d requests did not end in time", s.alive);
        _exit(ret < 0); /* they use what would be freed */
    }
    free(s.threads);
    free(s.ended);
    close(signals);
    return ret;
}

/* --- several processes --- */

static pid_t spawn(const struct mt_http_plan *plan, int fd)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    struct mt_err err;

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    int ret = serve_here(plan, fd, &err);
    if (ret < 0)
        mt_log_err(MT_LOG_ERROR, &err);
    _exit(ret < 0);
}

/* Takes note of those that have ended; true if one was among pids. */
static bool reap(pid_t *pids, int n)
{
    bool any = false;
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        for (int i = 0; i < n; i++)
            if (pids[i] == pid) {
                pids[i] = 0;
                any = true;
            }
    return any;
}

static int alive(const pid_t *pids, int n)
{
    int count = 0;

    for (int i = 0; i < n; i++)
        count += pids[i] > 0;
    return count;
}

static void tell(const pid_t *pids, int n, int sig)
{
    for (int i = 0; i < n; i++)
        if (pids[i] > 0)
            kill(pids[i], sig);
}

/* Keeps n processes running until a signal asks to stop. */
static int serve_many(const struct mt_http_plan *plan, int fd, struct mt_err *err)
{
    int n = plan->processes;
    pid_t *pids = mt_alloc((size_t)n * sizeof *pids);
    bool stopping = false;
    sigset_t set;

    block_signals(&set);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) {
        free(pids);
        return mt_fail_errno(err, "cannot wait for signals");
    }
    while (!stopping || alive(pids, n) > 0) {
        struct signalfd_siginfo info = {.ssi_signo = 0};
        struct pollfd p = {.fd = signals, .events = POLLIN};
        for (int i = 0; i < n && !stopping; i++)
            if (pids[i] <= 0)
                pids[i] = spawn(plan, fd);
        if (poll(&p, 1, RESTART_MS) > 0 && read(signals, &info, sizeof info) != sizeof info)
            continue;
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGHUP)
            tell(pids, n, info.ssi_signo == SIGHUP ? SIGHUP : SIGTERM);
        stopping = stopping || info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
        if (reap(pids, n) && !stopping) {
            mt_log(MT_LOG_WARN, "a process has ended; another takes its place");
            usleep(RESTART_MS * 1000);
        }
    }
    close(signals);
    free(pids);
    return 0;
}

int mt_http_serve(const struct mt_http_plan *plan, int fd, struct mt_err *err)
{
    return plan->processes > 1 ? serve_many(plan, fd, err) : serve_here(plan, fd, err);
}
