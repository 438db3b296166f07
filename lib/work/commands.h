/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * commands.h - the commands of media-queue, one function each.
 *
 * What they do with the rows is told in queue/queue.h, how handlers are run in
 * work/supervise.h. Each prints JSON, one compact object a line: jobs and what
 * became of them (share/schema/queue-job.json), or the depth of the queue. An
 * operand that fails is counted in run->outcome and answered by {"schema",
 * "input", "error"}. -1 is for what ends the run.
 */
#ifndef MT_WORK_COMMANDS_H
#define MT_WORK_COMMANDS_H

#include "cli/cli.h"
#include "db/db.h"
#include "queue/queue.h"

/* What the options of submit and run say of one job; NULL, 0 or false: nothing. */
struct mt_work_job {
    const char *asset, *parent, *parameters, *schedule, *class, *needs, *unique, *after;
    int64_t priority, attempts, delay_us, timeout_us;
    bool unless_done, unless_known, after_any;
};

/* Which jobs claim and work take. */
struct mt_work_filter {
    const char *types, *classes, *has; /* words with commas between; NULL: all, all, nothing */
    const char *worker;                /* NULL: host and process */
};

/* How one attempt ended, as finish is told. */
struct mt_work_end {
    const char *status, *outcome, *results, *error;
    int64_t exit_status; /* -1: not given */
};

struct mt_work {
    /* Set by the program. */
    struct mt_run *run;
    const struct mt_common *common;
    const struct mt_db_driver *const *dbs;
    /* Fills in what the options would be now, after SIGHUP. */
    int (*reread)(struct mt_run *run, struct mt_work *fresh, struct mt_err *err);
    int64_t lease_us, backoff_us, backoff_max_us;
    int64_t heartbeat_us; /* 0: a quarter of the lease */
    struct mt_work_job job;
    bool atomic;
    struct mt_work_filter filter;
    int64_t count; /* claim: jobs at most; work: at once */
    int64_t token; /* 0: from the environment */
    struct mt_work_end end;
    int64_t percent; /* progress; -1: unchanged */
    const char *step;
    int64_t older_us; /* prune */
    const char *states;
    int64_t max_running;  /* limit: -1 unchanged */
    const char *window;   /* limit: schedule; NULL: unchanged */
    bool wait;            /* reap, drain */
    const char *type;     /* run: of the new job */
    const char *claim_id; /* run: a job that is there, instead */
    const char *handlers; /* directory; NULL: the installation's */
    int64_t poll_us, grace_us;
    bool once, until_empty;
    bool json;  /* depth: compact wherever it goes */
    bool force; /* migrate-db: though jobs run */

    /* Set by run: how its command ended, if not well; the program ends so too. */
    int exit_status;

    /* Opened by the commands, released by mt_work_close(). */
    struct mt_db *db;
};

void mt_work_close(struct mt_work *w);

/* Jobs from the operand and options, or from NDJSON on standard input. */
int mt_work_submit(struct mt_work *w, struct mt_err *err) MT_MUST_USE;

/* Leases jobs and prints them; MT_ERR_NOT_FOUND in the outcome when none is ready. */
int mt_work_claim(struct mt_work *w, struct mt_err *err) MT_MUST_USE;

/* Under a lease: of the operand and --token, or of the environment. */
int mt_work_heartbeat(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_progress(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_finish(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_release(struct mt_work *w, struct mt_err *err) MT_MUST_USE;

/* From outside. */
int mt_work_retry(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_cancel(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_reap(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_prune(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_pause(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_resume(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_drain(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_limit(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_depth(struct mt_work *w, struct mt_err *err) MT_MUST_USE;

/* Copies the database of the first operand to the second; see dbcopy/dbcopy.h. Prints its report.
 */
int mt_work_migrate_db(struct mt_work *w, struct mt_err *err) MT_MUST_USE;

/* The supervisor, and one command under a lease. */
int mt_work_work(struct mt_work *w, struct mt_err *err) MT_MUST_USE;
int mt_work_run(struct mt_work *w, struct mt_err *err) MT_MUST_USE;

#endif
