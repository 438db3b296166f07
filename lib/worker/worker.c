/* SPDX-License-Identifier: GPL-2.0-or-later */
/* worker.c - the parent's end: forks, listens with a deadline, and always reaps. */
#include "worker/worker.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "worker/inbox.h"
#include "worker/link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ASK_MS = 100,      /* between two questions whether to go on */
    WORDS_KEPT = 2048, /* bytes of stderr */
    PIPE_BYTES = 1 << 20,
    GRACE_US = 2000000, /* from closing the pipe to being gone */
};

struct mt_worker_run {
    struct mt_worker_spec spec;
    pid_t pid;
    int in;    /* lines; -1 once the child has closed it */
    int words; /* its stderr */
    int64_t started;
    int64_t heard; /* when the last line had been dealt with */
    struct mt_inbox inbox;
    char tail[WORDS_KEPT];
    size_t n_tail;
    int ret; /* -1 as soon as it is known to have failed, with err */
    struct mt_err err;
};

/* A pipe that is in nobody's way: both ends above 2, closed on exec, ours without waiting. */
static int make_pipe(int ends[2], struct mt_err *err)
{
    int low[2];

    if (pipe2(low, O_CLOEXEC) < 0)
        return mt_fail_errno(err, "cannot make a pipe to a worker");
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        close(low[i]);
    }
    if (ends[0] >= 0 && ends[1] >= 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0) {
        fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
        return 0;
    }
    mt_fail_errno(err, "cannot make a pipe to a worker");
    mt_fd_close(&ends[0]);
    mt_fd_close(&ends[1]);
    return -1;
}

/* No handler of ours runs in the child: signals wait until it has put them back to default. */
static int start(struct mt_worker_run *run, struct mt_err *err)
{
    int lines[2] = {-1, -1}, words[2] = {-1, -1};
    int ret = -1;
    pid_t self = getpid();
    sigset_t all, before;

    if (make_pipe(lines, err) < 0 || make_pipe(words, err) < 0)
        goto out;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    run->pid = fork();
    if (run->pid == 0)
        mt_worker_child(&run->spec, lines[1], words[1], self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (run->pid < 0) {
        mt_fail_errno(err, "cannot start a worker");
        err->code = MT_ERR_BUSY;
        goto out;
    }
    setpgid(run->pid, run->pid);
    run->in = lines[0];
    run->words = words[0];
    lines[0] = words[0] = -1;
    ret = 0;
out:
    for (int i = 0; i < 2; i++) {
        mt_fd_close(&lines[i]);
        mt_fd_close(&words[i]);
    }
    return ret;
}

/* Keeps the end of what the child says on stderr. What read(2) gave. */
static ssize_t hear_words(struct mt_worker_run *run)
{
    char chunk[WORDS_KEPT];
    ssize_t n = read(run->words, chunk, sizeof chunk);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        mt_fd_close(&run->words);
    if (n <= 0)
        return n;
    size_t keep = sizeof run->tail - (size_t)n;
    if (run->n_tail > keep) {
        memmove(run->tail, run->tail + run->n_tail - keep, keep);
        run->n_tail = keep;
    }
    memcpy(run->tail + run->n_tail, chunk, (size_t)n);
    run->n_tail += (size_t)n;
    return n;
}

/* Time left in milliseconds for poll(), or -1 with *err when there is none. */
static int time_left(const struct mt_worker_run *run, struct mt_err *err)
{
    const struct mt_worker_spec *spec = &run->spec;
    int64_t now = mt_mono_us();
    int64_t left = INT64_C(3600000000);
    char text[MT_FIGURE];

    if (spec->cancelled) {
        if (spec->cancelled(spec->ctx))
            return mt_fail(err, MT_ERR_CANCELLED, "%s: cancelled", spec->what);
        left = ASK_MS * INT64_C(1000);
    }
    if (spec->wall_us > 0 && run->started + spec->wall_us - now < left)
        left = run->started + spec->wall_us - now;
    if (left <= 0)
        return mt_fail(err, MT_ERR_TIMEOUT, "%s: not finished after %s", spec->what,
                       mt_show_duration(spec->wall_us, text));
    if (spec->stall_us > 0 && run->heard + spec->stall_us - now < left)
        left = run->heard + spec->stall_us - now;
    if (left <= 0)
        return mt_fail(err, MT_ERR_TIMEOUT, "%s: no sign of life for %s", spec->what,
                       mt_show_duration(spec->stall_us, text));
    return (int)((left + 999) / 1000);
}

/* Hands on what has arrived completely, as long as time is left. */
static int deliver(struct mt_worker_run *run, struct mt_err *err)
{
    const struct mt_worker_spec *spec = &run->spec;
    struct mt_inbox_line line;
    int got, ret = 0;

    while (ret == 0 && (got = mt_inbox_next(&run->inbox, &line, err)) != 0) {
        if (got < 0)
            return mt_fail_in(err, "%s", spec->what);
        if (spec->on_line)
            ret = spec->on_line(spec->ctx, line.value, line.data, line.n, err);
        mt_inbox_done(&line);
        run->heard = mt_mono_us();
        if (ret == 0 && time_left(run, err) < 0)
            ret = -1;
    }
    return ret;
}

/* Takes what has come from the child, if poll(2) says that something has. */
static int hear(struct mt_worker_run *run, const struct pollfd fds[2], struct mt_err *err)
{
    if (fds[1].revents)
        hear_words(run);
    if (!fds[0].revents)
        return 0;
    ssize_t n = mt_inbox_fill(&run->inbox, run->in, err);
    if (n < 0)
        return mt_fail_in(err, "%s", run->spec.what);
    if (n == 0)
        mt_fd_close(&run->in);
    return deliver(run, err);
}

static bool is_over(const struct mt_worker_run *run)
{
    return run->ret < 0 || run->in < 0 || run->inbox.ended;
}

/* Waits for the end without reaping, so that the group cannot be another's yet. False: it lives. */
static bool await_exit(const struct mt_worker_run *run, int64_t until)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    siginfo_t info = {0};

    while (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
           info.si_pid == 0 && mt_mono_us() < until)
        nanosleep(&nap, NULL);
    return info.si_pid != 0;
}

static void reap(struct mt_worker_run *run, struct mt_worker_death *death)
{
    struct rusage used = {0};

    kill(-run->pid, SIGKILL);
    kill(run->pid, SIGKILL);
    while (wait4(run->pid, &death->status, 0, &used) < 0 && errno == EINTR)
        ;
    death->cpu_us = (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
                    used.ru_utime.tv_usec + used.ru_stime.tv_usec;
    while (run->words >= 0 && hear_words(run) > 0)
        ;
}

/* The tail of stderr as one printable line. free() it. */
static char *last_words(struct mt_worker_run *run)
{
    size_t n = run->n_tail;

    while (n > 0 && run->tail[n - 1] == '\n')
        n--;
    for (size_t i = 0; i < n; i++)
        if (run->tail[i] == '\n' || run->tail[i] == '\r')
            run->tail[i] = ' ';
    char *clean = mt_utf8_clean(run->tail, n);
    char *text = mt_text_printable(clean, WORDS_KEPT);
    free(clean);
    return text;
}

static int finish(struct mt_worker_run *run, int ret, struct mt_err *err)
{
    struct mt_worker_death death = {0};

    if (ret == 0 && !await_exit(run, mt_mono_us() + GRACE_US) && !run->inbox.ended)
        ret =
            mt_fail(err, MT_ERR_CRASHED, "%s: the worker fell silent and lived on", run->spec.what);
    reap(run, &death);
    char *words = last_words(run);
    death.words = words;
    if (words[0])
        mt_log(MT_LOG_DEBUG, "%s: the worker said: %s", run->spec.what, words);
    if (ret == 0)
        ret = run->inbox.ended ? mt_inbox_result(&run->inbox, err)
                               : mt_worker_explain(&run->spec, &death, err);
    if (ret < 0)
        mt_fail_words(err, words);
    free(words);
    return ret;
}

int mt_worker_start(struct mt_worker_run **out, const struct mt_worker_spec *spec,
                    struct mt_err *err)
{
    struct mt_worker_run *run = mt_alloc(sizeof *run);

    *run = (struct mt_worker_run){.spec = *spec, .in = -1, .words = -1, .started = mt_mono_us()};
    run->heard = run->started;
    if (start(run, err) < 0) {
        free(run);
        return -1;
    }
    mt_inbox_init(&run->inbox);
    *out = run;
    return 0;
}

/* Deadlines of all, and the shortest wait; a run over its time has failed. */
static int wait_ms(struct mt_worker_run *const runs[], int n)
{
    int least = 3600 * 1000;

    for (int i = 0; i < n; i++) {
        int ms = is_over(runs[i]) ? 0 : time_left(runs[i], &runs[i]->err);

        if (ms < 0)
            runs[i]->ret = -1;
        if (ms < least)
            least = ms < 0 ? 0 : ms;
    }
    return least;
}

static int over_among(struct mt_worker_run *const runs[], int n)
{
    for (int i = 0; i < n; i++)
        if (is_over(runs[i]))
            return i;
    return -1;
}

int mt_worker_wait(struct mt_worker_run *const runs[], int n)
{
    struct pollfd fds[2 * MT_WORKERS_MAX];
    int least = wait_ms(runs, n);

    for (int i = 0; i < n; i++) {
        fds[2 * i] = (struct pollfd){.fd = runs[i]->in, .events = POLLIN};
        fds[2 * i + 1] = (struct pollfd){.fd = runs[i]->words, .events = POLLIN};
    }
    if (over_among(runs, n) < 0 && poll(fds, 2 * (nfds_t)n, least) > 0)
        for (int i = 0; i < n; i++)
            if (hear(runs[i], &fds[2 * i], &runs[i]->err) < 0)
                runs[i]->ret = -1;
    return over_among(runs, n);
}

int mt_worker_end(struct mt_worker_run **out, struct mt_err *err)
{
    struct mt_worker_run *run = *out;
    int ret = run->ret;

    if (!is_over(run))
        ret = mt_fail(&run->err, MT_ERR_CANCELLED, "%s: cancelled", run->spec.what);
    if (ret < 0)
        *err = run->err;
    ret = finish(run, ret, err);
    mt_inbox_free(&run->inbox);
    mt_fd_close(&run->in);
    mt_fd_close(&run->words);
    free(run);
    *out = NULL;
    return ret;
}

int mt_worker_run(const struct mt_worker_spec *spec, struct mt_err *err)
{
    struct mt_worker_run *run = NULL;

    if (mt_worker_start(&run, spec, err) < 0)
        return -1;
    while (mt_worker_wait(&run, 1) < 0)
        ;
    return mt_worker_end(&run, err);
}
