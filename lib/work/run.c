/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.c - media-queue run: one command under a lease, here and now.
 *
 * The command keeps our standard input and output, and what it says on standard
 * error comes through; the queue knows that it runs, since when, how far it is, and
 * how it ended. With a unique key it runs once at a time on all machines.
 */
#include "work/supervise.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/job.h"
#include "catalog/owner.h"
#include "work/tree.h"
#include "json/json.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { ROUND_MS = 250, SECOND_US = 1000000, GIVE_UP_US = 30 * SECOND_US };

/* --- a job for it --- */

/* A new job, or the one that --id names; its id. NULL on failure. free() it. */
static char *job_for(struct mt_work *w, struct mt_err *err)
{
    char *id = NULL;

    if (w->claim_id) {
        json_t *row = mt_job_get(w->db, w->claim_id, err);
        id = row ? mt_strdup(mt_json_str(row, "id", "")) : NULL;
        json_decref(row);
        return id;
    }
    json_t *spec = mt_work_job_spec(w, w->type, err);
    json_t *jobs = spec ? json_pack("[o]", spec) : NULL;
    json_t *made = jobs ? mt_queue_submit(w->db, jobs, err) : NULL;
    const json_t *answer = json_array_get(made, 0);
    if (answer && strcmp(mt_json_str(answer, "status", ""), "completed") == 0) {
        mt_log(MT_LOG_INFO, "that was done before, as job '%s'", mt_json_str(answer, "job_id", ""));
        id = mt_strdup("");
    } else if (answer) {
        id = mt_strdup(mt_json_str(answer, "job_id", ""));
    }
    json_decref(jobs);
    json_decref(made);
    return id;
}

static json_t *lease_for(struct mt_work *w, const char *id, const struct mt_supervisor *s,
                         struct mt_err *err)
{
    struct mt_queue_claim claim = {.job_id = id,
                                   .limit = 1,
                                   .worker = s->name,
                                   .owner = s->worker.owner,
                                   .lease_s = s->times.lease_s};
    json_t *rows = mt_queue_claim(w->db, &claim, err);
    json_t *row = json_incref(json_array_get(rows, 0));

    if (rows && !row) {
        mt_fail(err, MT_ERR_LOCKED, "job '%s' is not ready: it runs elsewhere, or waits", id);
        mt_hint(err, "media-status job %.8s says which", id);
    }
    json_decref(rows);
    return row;
}

/* --- running --- */

static void take_signals(struct mt_supervisor *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD) {
            s->leaving = true;
            s->leave_us = mt_mono_us() + s->w->grace_us + GIVE_UP_US;
            mt_slot_stop(s->slots, MT_STOP_LEAVE, s->w->grace_us);
        }
    mt_tree_reap(&s->slots->handler.pid, 1);
}

/* Until the command has ended and its end is written; its status as a shell would have it. */
static int supervise(struct mt_supervisor *s)
{
    int status = 0;

    while (s->slots->state != MT_SLOT_FREE) {
        struct pollfd fds[2] = {{.fd = s->signals, .events = POLLIN},
                                {.fd = s->slots->handler.err.fd, .events = POLLIN}};
        take_signals(s);
        mt_slot_poll(s->slots, s->w->grace_us);
        if (s->slots->state == MT_SLOT_ENDED)
            status = s->slots->exit_status;
        mt_supervisor_finish(s);
        mt_supervisor_beat(s);
        mt_supervisor_relay(s);
        if (s->slots->state != MT_SLOT_FREE)
            (void)poll(fds, 2, ROUND_MS);
        if (s->leaving && mt_mono_us() > s->leave_us)
            break;
    }
    return status;
}

static int open_signals(struct mt_supervisor *s, struct mt_err *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return s->signals < 0 ? mt_fail_errno(err, "cannot wait for signals") : 0;
}

static int run_leased(struct mt_supervisor *s, const json_t *row, struct mt_err *err)
{
    const struct mt_work *w = s->w;
    struct mt_slot slot = {.state = MT_SLOT_FREE};
    const char **argv = mt_alloc(((size_t)w->run->n_operands + 1) * sizeof *argv);

    for (int i = 0; i < w->run->n_operands; i++)
        argv[i] = w->run->operands[i];
    mt_slot_clear(&slot);
    s->slots = &slot;
    s->n = s->most = 1;
    s->plan = (struct mt_slot_plan){.argv = argv,
                                    .env = w->run->env,
                                    .db = w->common->db,
                                    .store = w->common->store,
                                    .beat_us = (int64_t)(s->times.heartbeat_s * SECOND_US),
                                    .foreground = true,
                                    .loud = true};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int status = open_signals(s, err);
    if (status == 0) {
        mt_slot_start(&slot, row, &s->plan);
        status = supervise(s);
    }
    mt_slot_clear(&slot);
    free((void *)argv);
    mt_fd_close(&s->signals);
    s->slots = NULL;
    return status;
}

/* As the command ended, so we end: the exit status is passed through the outcome's caller. */
int mt_work_run(struct mt_work *w, struct mt_err *err)
{
    char owner[MT_OWNER_TEXT];
    struct mt_supervisor s = {.w = w, .times = mt_work_times(w), .signals = -1};
    json_t *row = NULL;
    int ret = -1;

    if (w->run->n_operands == 0) {
        mt_fail(err, MT_ERR_USAGE, "'run' wants a command");
        return mt_hint(err, "media-queue run --type backup -- rsync -a /srv/media /backup");
    }
    if (mt_work_open(w, err) < 0)
        return -1;
    s.worker = (struct mt_queue_worker){
        .id = mt_work_name(w, s.name), .owner = mt_owner_self(owner), .slots = 1};
    char *id = job_for(w, err);
    if (id && *id)
        row = lease_for(w, id, &s, err);
    else if (id)
        ret = 0;
    mt_db_close(&w->db);
    if (row && mt_patient_open(&s.db, w->common->db, w->dbs, mt_supervisor_pause(w), err) == 0)
        ret = run_leased(&s, row, err);
    mt_patient_close(&s.db);
    json_decref(row);
    free(id);
    if (ret > 0)
        w->exit_status = ret;
    return ret < 0 ? -1 : 0;
}
