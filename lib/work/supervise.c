/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervise.c - media-queue work: the loop; see supervise.h. */
#include "work/supervise.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/owner.h"
#include "cli/signals.h"
#include "work/tree.h"
#include "json/json.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { SECOND_US = 1000000, ROUND_MS = 250, GIVE_UP_US = 30 * SECOND_US };

/* --- signals --- */

static int open_signals(struct mt_supervisor *s, struct mt_err *err)
{
    static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        sigaddset(&set, wanted[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return s->signals < 0 ? mt_fail_errno(err, "cannot wait for signals") : 0;
}

/* Asked to end: no more claims, and what runs is given back. A second time: at once. */
static void leave(struct mt_supervisor *s)
{
    int64_t grace = s->leaving ? 0 : s->w->grace_us;

    mt_notify_send(&s->notify, "STOPPING=1\nSTATUS=giving jobs back");
    s->draining = s->leaving = true;
    s->leave_us = mt_mono_us() + grace + GIVE_UP_US;
    for (int i = 0; i < s->n; i++) {
        mt_slot_stop(&s->slots[i], MT_STOP_LEAVE, grace);
        if (grace == 0 && s->slots[i].kill_us)
            s->slots[i].kill_us = 1;
    }
}

static int resettle(struct mt_supervisor *s, struct mt_err *err)
{
    struct mt_work fresh;

    if (s->w->reread(s->w->run, &fresh, err) < 0)
        return -1;
    return mt_supervisor_settle(s, &fresh, err);
}

static void reload(struct mt_supervisor *s)
{
    char text[96];
    struct mt_err err;

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)mt_mono_us());
    mt_notify_send(&s->notify, text);
    if (resettle(s, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err);
    mt_patient_close(&s->db);
    s->db.retry_us = 0;
    s->claim_us = s->tick_us = s->status_us = 0;
    for (int i = 0; i < s->n; i++)
        s->slots[i].beat_us = 0;
    mt_log(MT_LOG_INFO, "%d jobs at once, handlers for %zu types, and a new connection", s->most,
           json_array_size(s->types));
    mt_notify_send(&s->notify, "READY=1");
}

static void take_signals(struct mt_supervisor *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP)
            reload(s);
        else if (info.ssi_signo != SIGCHLD)
            leave(s);
    }
    pid_t *pids = mt_alloc(((size_t)s->n + 1) * sizeof *pids);
    for (int i = 0; i < s->n; i++)
        pids[i] = s->slots[i].handler.pid;
    mt_tree_reap(pids, s->n);
    free(pids);
}

/* --- the loop --- */

static void say_status(struct mt_supervisor *s)
{
    char text[160];
    int64_t now = mt_mono_us();
    bool asked = mt_status_wanted();

    snprintf(text, sizeof text, "STATUS=%d of %d at work, %lld done, %lld failed, %lld retried%s",
             mt_supervisor_busy(s), s->most, (long long)s->done, (long long)s->failed,
             (long long)s->retried, s->db.db ? "" : ", the database is away");
    if (asked)
        fprintf(stderr, "%s: %s\n", s->w->run->cli->name, text + strlen("STATUS="));
    if (now >= s->status_us) {
        s->status_us = now + 5 * SECOND_US;
        mt_notify_send(&s->notify, text);
    }
    if (s->notify.watchdog_us && now >= s->dog_us) {
        s->dog_us = now + s->notify.watchdog_us;
        mt_notify_send(&s->notify, "WATCHDOG=1");
    }
}

static void add(struct pollfd *fds, nfds_t *n, int fd, short events)
{
    if (fd >= 0)
        fds[(*n)++] = (struct pollfd){.fd = fd, .events = events};
}

/* Until something happens, or something may be due. */
static void wait_for(const struct mt_supervisor *s)
{
    struct pollfd *fds = mt_alloc((3 * (size_t)s->n + 2) * sizeof *fds);
    bool room = mt_supervisor_busy(s) < s->most && !s->draining;
    bool idle = mt_supervisor_busy(s) == 0;
    int64_t left = (s->claim_us - mt_mono_us()) / 1000;
    int64_t beat = s->w->lease_us / 24000;
    int most = beat < ROUND_MS ? (int)beat : ROUND_MS;
    int wait = idle && left < most ? (int)(left > 1 ? left : 1) : most;
    nfds_t n = 0;

    add(fds, &n, s->signals, POLLIN);
    add(fds, &n, room && s->db.db ? mt_db_wake_fd(s->db.db) : -1, POLLIN);
    for (int i = 0; i < s->n; i++) {
        const struct mt_handler *h = &s->slots[i].handler;
        if (s->slots[i].state != MT_SLOT_RUNNING)
            continue;
        add(fds, &n, h->in, POLLOUT);
        add(fds, &n, h->out.fd, POLLIN);
        add(fds, &n, h->err.fd, POLLIN);
    }
    (void)poll(fds, n, wait);
    free(fds);
}

/* Whether there is nothing left to be done here. */
static bool is_over(const struct mt_supervisor *s)
{
    bool idle = mt_supervisor_busy(s) == 0;

    if (s->leaving && mt_mono_us() > s->leave_us)
        return true; /* the database does not come back: the leases will lapse */
    if (!idle)
        return false;
    return s->draining || (s->w->once && s->asked) || (s->w->until_empty && s->asked && s->empty);
}

static void loop(struct mt_supervisor *s)
{
    mt_notify_send(&s->notify, "READY=1");
    while (!is_over(s)) {
        take_signals(s);
        for (int i = 0; i < s->n; i++)
            mt_slot_poll(&s->slots[i], s->w->grace_us);
        mt_supervisor_finish(s);
        mt_supervisor_beat(s);
        mt_supervisor_relay(s);
        mt_supervisor_tick(s);
        mt_supervisor_claim(s);
        say_status(s);
        if (!is_over(s))
            wait_for(s);
    }
}

/* --- from begin to end --- */

static int prepare(struct mt_supervisor *s, struct mt_err *err)
{
    const struct mt_work *w = s->w;
    const char *tmp = mt_env_get(w->run->env, "TMPDIR");

    if (mt_supervisor_settle(s, w, err) < 0 ||
        mt_scratch_open(&s->scratch, tmp ? tmp : "/tmp", err) < 0 || open_signals(s, err) < 0)
        return -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    mt_notify_open(&s->notify, w->run->env);
    s->plan.bin = w->run->dir;
    s->plan.env = w->run->env;
    s->plan.db = w->common->db;
    s->plan.store = w->common->store;
    s->plan.scratch = &s->scratch;
    s->plan.loud = w->common->verbose > 0;
    return mt_patient_open(&s->db, w->common->db, w->dbs, mt_supervisor_pause(w), err);
}

static void tear_down(struct mt_supervisor *s)
{
    struct mt_err err;

    for (int i = 0; i < s->n && s->slots; i++)
        mt_slot_clear(&s->slots[i]);
    if (s->db.db && mt_queue_worker_gone(s->db.db, &s->worker, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err);
    mt_patient_close(&s->db);
    mt_scratch_close(&s->scratch);
    mt_notify_close(&s->notify);
    mt_fd_close(&s->signals);
    mt_supervisor_forget(s);
}

static int print_sums(const struct mt_supervisor *s, struct mt_err *err)
{
    json_t *sums = json_pack("{s:i, s:s, s:I, s:I, s:I}", "schema", 1, "worker", s->name,
                             "completed", (json_int_t)s->done, "failed", (json_int_t)s->failed,
                             "retried", (json_int_t)s->retried);
    int ret = mt_print(sums, err);

    json_decref(sums);
    return ret;
}

int mt_work_work(struct mt_work *w, struct mt_err *err)
{
    char owner[MT_OWNER_TEXT];
    struct mt_supervisor s = {.w = w, .signals = -1, .notify = {.fd = -1}};

    s.worker.id = mt_work_name(w, s.name);
    s.worker.owner = mt_owner_self(owner);
    int ret = w->run->n_operands ? mt_fail(err, MT_ERR_USAGE, "'work' takes no operands")
                                 : prepare(&s, err);
    if (ret == 0) {
        loop(&s);
        ret = print_sums(&s, err);
    }
    tear_down(&s);
    return ret;
}
