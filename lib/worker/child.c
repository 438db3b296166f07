/* SPDX-License-Identifier: GPL-2.0-or-later */
/* child.c - the worker's end: alone, jailed, and talking in lines. */
#include "worker/link.h"

#include "base/file.h"
#include "base/log.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

struct mt_worker {
    int fd;
    pthread_mutex_t lock; /* a line and what is attached to it stay together */
};

static int write_parts(int fd, const struct iovec *v, int n, struct mt_err *err)
{
    int ret = 0;

    for (int i = 0; i < n && ret == 0; i++)
        ret = mt_write_all(fd, v[i].iov_base, v[i].iov_len);
    if (ret == 0)
        return 0;
    mt_fail_errno(err, "cannot write to the parent");
    err->code = MT_ERR_CANCELLED;
    return -1;
}

int mt_worker_write(int fd, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    char tail[64] = "}\n";
    char *text = json_dumps(line, JSON_COMPACT);

    if (!text) {
        errno = ENOMEM;
        return mt_fail_errno(err, "cannot write a line");
    }
    size_t len = strlen(text);
    if (n)
        snprintf(tail, sizeof tail, "%s\"" MT_WORKER_ATTACHED "\":%zu}\n", len > 2 ? "," : "", n);
    struct iovec v[] = {{text, len - 1}, {tail, strlen(tail)}, {(void *)(uintptr_t)data, n}};
    int ret = len + sizeof tail > MT_JSON_LINE_MAX
                  ? mt_fail(err, MT_ERR_LIMIT, "a line of %zu bytes is too long to send", len)
                  : write_parts(fd, v, 3, err);
    free(text);
    return ret;
}

static int send_line(struct mt_worker *worker, const json_t *line, const void *data, size_t n,
                     struct mt_err *err)
{
    pthread_mutex_lock(&worker->lock);
    int ret = mt_worker_write(worker->fd, line, data, n, err);
    pthread_mutex_unlock(&worker->lock);
    return ret;
}

int mt_worker_send(struct mt_worker *worker, const json_t *line, const void *data, size_t n,
                   struct mt_err *err)
{
    if (!json_is_object(line) || json_object_get(line, MT_WORKER_END) ||
        json_object_get(line, MT_WORKER_ATTACHED))
        return mt_fail(err, MT_ERR_BUG, "a worker sends objects without reserved members");
    if (n > MT_WORKER_ATTACHED_MAX)
        return mt_fail(err, MT_ERR_LIMIT, "%zu bytes are too many to attach", n);
    return send_line(worker, line, data, n, err);
}

int mt_worker_write_end(int fd, int ret, const struct mt_err *failure, struct mt_err *err)
{
    json_t *line = json_object();

    json_object_set_new(line, MT_WORKER_END,
                        json_string(ret < 0 ? mt_code_name(failure->code) : "ok"));
    if (ret < 0) {
        json_object_set_new(line, "errno", json_integer(failure->os_errno));
        json_object_set_new(line, "message", mt_json_text(failure->msg));
        json_object_set_new(line, "hint", mt_json_text(failure->hint));
        json_t *whole = mt_err_to_json(failure);
        json_object_set(line, "details", json_object_get(whole, "details"));
        json_decref(whole);
    }
    int written = mt_worker_write(fd, line, NULL, 0, err);
    json_decref(line);
    return written;
}

static void send_end(struct mt_worker *worker, int ret, const struct mt_err *err)
{
    struct mt_err ignored;

    pthread_mutex_lock(&worker->lock);
    if (mt_worker_write_end(worker->fd, ret, err, &ignored) < 0)
        _exit(1);
    pthread_mutex_unlock(&worker->lock);
}

/* The first descriptor from lo on that is to stay open. */
static unsigned next_kept(const struct mt_worker_spec *spec, int out, unsigned lo)
{
    unsigned next = (unsigned)out >= lo ? (unsigned)out : UINT_MAX;

    for (int i = 0; i < spec->n_fds; i++)
        if ((unsigned)spec->fds[i] >= lo && (unsigned)spec->fds[i] < next)
            next = (unsigned)spec->fds[i];
    return next;
}

static void close_between(unsigned lo, unsigned hi)
{
    if (close_range(lo, hi, 0) == 0)
        return;
    long most = sysconf(_SC_OPEN_MAX);
    for (unsigned fd = lo; fd <= hi && fd < (unsigned)most; fd++)
        close((int)fd);
}

static int arrange_fds(const struct mt_worker_spec *spec, int out, int words, struct mt_err *err)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(words, STDERR_FILENO) < 0)
        return mt_fail_errno(err, "cannot arrange the descriptors of a worker");
    for (unsigned lo = STDERR_FILENO + 1; lo != 0;) {
        unsigned kept = next_kept(spec, out, lo);
        if (kept > lo)
            close_between(lo, kept == UINT_MAX ? UINT_MAX : kept - 1);
        lo = kept == UINT_MAX ? 0 : kept + 1;
    }
    return 0;
}

static void reset_signals(void)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int sig = 1; sig <= SIGRTMAX; sig++)
        sigaction(sig, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The parent may have died before the death signal was set: then nobody wants the work. */
static void tie_to(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
        _exit(1);
}

static int prepare(const struct mt_worker_spec *spec, int out, int words, struct mt_err *err)
{
    mt_log_on_output(NULL);
    if (arrange_fds(spec, out, words, err) < 0)
        return -1;
    errno = 0;
    if (spec->nice && nice(spec->nice) == -1 && errno != 0)
        mt_log(MT_LOG_DEBUG, "cannot lower the priority: %s", strerror(errno));
    if (mt_jail_enter(spec->profile, &spec->limits, err) < 0)
        return -1;
    return 0;
}

_Noreturn void mt_worker_child(const struct mt_worker_spec *spec, int out, int words, pid_t parent)
{
    struct mt_worker worker = {.fd = out};
    struct mt_err err = {0};

    tie_to(parent);
    setpgid(0, 0);
    pthread_mutex_init(&worker.lock, NULL);
    reset_signals();
    int ret = prepare(spec, out, words, &err);
    if (ret == 0)
        ret = spec->run(spec->arg, &worker, &err);
    if (ret < 0 && err.os_errno == ENOMEM) {
        err.code = MT_ERR_LIMIT;
        mt_hint(&err, "if you trust the file, raise the memory limit");
    }
    send_end(&worker, ret, &err);
    _exit(ret < 0);
}
