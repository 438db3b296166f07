/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.h - work that waits, is leased, and ends once: the rows behind media-queue.
 *
 * A job is a row of processing_jobs. Its states:
 *
 *     pending ----claim---> processing ----finish---> completed
 *        ^                   |      |---finish------> failed     (a permanent error)
 *        |---release---------|      |---finish, reap> dead       (the last attempt is used up)
 *        |---finish, reap----|      `---finish------> cancelled  (on request)
 *        `------retry------- failed, dead, cancelled
 *
 * A claim gives a lease: a span of time and a fencing token, a number that
 * grows with each claim of the job. Whoever has the lease renews it by
 * heartbeats; heartbeat, progress, finish, release and the publishing of
 * results (see catalog/lease.h) all name the token, and are refused with
 * MT_ERR_LEASE when it is not the job's latest or the job is not being
 * processed any more. So a worker that was frozen, cut off or slow can do no
 * harm after somebody else has taken over: which of the two is right is decided
 * by the database, in the transaction that writes.
 *
 * Who writes what: submit, retry and cancel anybody; everything of a job in
 * processing only the holder of its lease, except that cancel sets a flag which
 * the next heartbeat or progress returns, and that mt_queue_reap() takes away
 * what nobody renews. Every change of state has its row in events in the same
 * transaction, every lease ever given has its row in job_attempts.
 *
 * The clock is the database's, never the worker's: all times are computed in
 * SQL. (SQLite has the clock of the machine, of which there is one.) What a
 * jump of that clock or an outage of the database looks like from inside is the
 * same: nobody has been heard of for a while. mt_queue_tick() keeps account of
 * since when the database has been up, and a lease is reaped only when it is
 * over and the database has been up for one lease time, so that every healthy
 * worker has had the time to renew. A worker of this machine whose process is
 * dead needs no such proof.
 *
 * A job may wait for others in the middle of its work (waits_for, below): then its lease ends,
 * it is pending, and its handler runs again when they have ended. When a job ends in any other way
 * than completed, the jobs that belong to it (parent_id) are cancelled.
 *
 * An attempt is counted at the claim. It is given back by release (the worker
 * is asked to stop, the job is not to blame), and used up by anything else: an
 * end with a temporary error, a crash, a lease that nobody renewed. After
 * max_attempts the job is dead. Between attempts it waits: base * 2^(n-1)
 * seconds up to a cap, of which a random half (mt_queue_backoff()).
 *
 * All functions work on a connection opened with MT_DB_WRITE, outside of a
 * transaction unless they say so; each is one transaction or a few, and may be
 * called again after a failure. Codes, besides the database's: MT_ERR_LEASE as
 * above, MT_ERR_NOT_FOUND for no such job, MT_ERR_USAGE for values that no job can have.
 */
#ifndef MT_QUEUE_QUEUE_H
#define MT_QUEUE_QUEUE_H

#include "base/clock.h"
#include "base/err.h"
#include "db/db.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    MT_QUEUE_PRIORITY_MAX = 100, /* priorities are -100 to 100; higher is first */
    MT_QUEUE_TYPE_MAX = 31,      /* bytes of a job type: [a-z0-9][a-z0-9._-]* */
    MT_QUEUE_ATTEMPTS = 5,       /* max_attempts of who does not say */
    MT_QUEUE_BATCH_MAX = 1000,   /* jobs in one claim or one finish */
    MT_QUEUE_WORDS = 2000,       /* bytes that are kept of what an attempt said last */
};

/* Seconds; all of them above 0. The lease is at least three times as long as heartbeats are apart.
 */
struct mt_queue_times {
    double lease_s;       /* 60 */
    double heartbeat_s;   /* 15 */
    double backoff_s;     /* 10: the wait after the first failure */
    double backoff_max_s; /* 3600 */
};
extern const struct mt_queue_times mt_queue_times;

/* --- submitting --- */

/*
 * Adds jobs, all of them or none. Each is an object (share/schema/queue-submit.json):
 *   type          what kind of work: the name of its handler. Required
 *   parameters    any object, handed to the handler
 *   asset_id, parent_id, submitted_by       rows that it belongs to
 *   priority      -100 to 100, 0 unless given
 *   delay_s       seconds from now on before which it is not claimed
 *   run_after     the same as a time
 *   schedule      the window of the day in which it may start; see schedule.h
 *   class         "cpu", "gpu", "io" ...: which workers take it; "cpu" unless given
 *   needs         array of words: capabilities that a worker must have
 *   unique_key    identical work: while a job of this key is pending or processing no second
 *                 one is made, and the answer names the first
 *   unless_done   with unique_key: nor when such a job has been completed before
 *   unless_known  likewise: nor when such a job has ended in any way; the answer has its status
 *   depends_on    array of jobs that have to be completed first: ids, or {"job_id", "on_failure"},
 *                 or {"ref", "on_failure"}; on_failure is "cancel" (this job too; the default) or
 *                 "ignore" (it runs all the same)
 *   ref           a name by which later jobs of the same call may depend on this one
 *   timeout_s     the longest that one attempt may take
 *   max_attempts  1 to 100
 * Returns an array in the same order: {"job_id", "type", "status", "duplicate", "ref"}. A
 * dependency that can no longer be completed is refused. Messages name the job by its place in the
 * array.
 */
json_t *mt_queue_submit(struct mt_db *db, const json_t *jobs, struct mt_err *err);

/* --- claiming --- */

struct mt_queue_claim {
    const char *job_id;    /* this one only; or NULL */
    const json_t *types;   /* array of words, or NULL for all */
    const json_t *classes; /* likewise */
    const json_t *has;     /* capabilities of the worker: array of words, or NULL for none */
    int limit;             /* jobs at most, 1 to MT_QUEUE_BATCH_MAX */
    const char *worker;    /* what the worker is called; not empty */
    const char *owner; /* the process that lives as long as the lease (mt_owner_self()), or NULL */
    double lease_s;
};

/*
 * Leases the best jobs that are ready: highest priority first, then longest
 * ready. An array of rows of processing_jobs, each with its lease_token; empty
 * when there is none. What is paused, over its limit or outside its window is
 * passed over. Asking when nothing is ready writes nothing.
 */
json_t *mt_queue_claim(struct mt_db *db, const struct mt_queue_claim *claim, struct mt_err *err);

/* --- under a lease --- */

/* Renews the lease. *cancel: somebody wants the job stopped; finish it as cancelled. */
int mt_queue_heartbeat(struct mt_db *db, const char *id, int64_t token, double lease_s,
                       bool *cancel, struct mt_err *err) MT_MUST_USE;

struct mt_queue_progress {
    int percent;         /* 0 to 100; -1: unchanged */
    const char *step;    /* what is going on; NULL: unchanged */
    const json_t *steps; /* as the column has them; lent; NULL: unchanged */
};

/* Records how far it is, once a second at most: what comes sooner is checked, but not written. */
int mt_queue_progress(struct mt_db *db, const char *id, int64_t token,
                      const struct mt_queue_progress *progress, bool *cancel,
                      struct mt_err *err) MT_MUST_USE;

/* How an attempt ended. */
struct mt_queue_end {
    const char *job_id;
    int64_t token;
    const char *status;    /* "completed", "failed", "cancelled" */
    bool temporary;        /* failed: another attempt may succeed */
    const char *outcome;   /* completed: ok, degraded, not_applicable; NULL: ok */
    const json_t *results; /* lent; or NULL */
    /*
     * completed: not yet. An array of ids, lent, or NULL: the job is pending again, with its
     * attempt given back, until all of these have ended or one of them has not been completed.
     */
    const json_t *waits_for;
    const json_t *error; /* failed: {"code", "message", "stage", "retryable", "hint"}; or NULL */
    int exit_status;     /* of its process; -1: none */
    int signal;          /* that ended it; 0: none */
    const char *words;   /* the end of what it said; or NULL */
};

/* What became of the job: a constant of the states above. */
struct mt_queue_ended {
    const char *status; /* NULL: the lease was lost, or there is no such job */
    double retry_s;     /* pending: the wait before the next attempt */
    enum mt_code code;  /* MT_OK, MT_ERR_LEASE or MT_ERR_NOT_FOUND */
};

/*
 * Ends n attempts in one transaction; ended[i] says what became of each. A lost
 * lease fails that one only: -1 is for what befalls the database.
 */
int mt_queue_finish_many(struct mt_db *db, const struct mt_queue_end ends[], int n,
                         const struct mt_queue_times *times, struct mt_queue_ended ended[],
                         struct mt_err *err) MT_MUST_USE;

/* The same of one; MT_ERR_LEASE or MT_ERR_NOT_FOUND when it is refused. */
int mt_queue_finish(struct mt_db *db, const struct mt_queue_end *end,
                    const struct mt_queue_times *times, struct mt_queue_ended *ended,
                    struct mt_err *err) MT_MUST_USE;

/* Gives the job back, as if it had not been claimed; it is ready at once. */
int mt_queue_release(struct mt_db *db, const char *id, int64_t token, const char *words,
                     struct mt_err *err) MT_MUST_USE;

/* --- from outside --- */

/*
 * Pending: cancelled at once, with all that depends on it and all that belongs to it (parent_id).
 * Processing under a lease: the flag is set, and what belongs to it is cancelled with its end.
 * *status: what it is now; "processing" while the worker has still to hear of it. A job that has
 * ended is left as it is.
 */
int mt_queue_cancel(struct mt_db *db, const char *id, const char **status,
                    struct mt_err *err) MT_MUST_USE;

/*
 * Makes a failed, dead or cancelled job pending again with all of its attempts,
 * and what was cancelled because of it. MT_ERR_LOCKED when identical work waits
 * or runs already; MT_ERR_USAGE for a job that is in no such state.
 */
int mt_queue_retry(struct mt_db *db, const char *id, struct mt_err *err) MT_MUST_USE;

/*
 * Notes that the database is up; call it several times in a third of lease_s, which
 * is the longest silence that does not count as a gap. It writes four times in that
 * span at most. *proven_s (may be NULL): for how long without a gap. Mends leases
 * that a clock which was set back has put far into the future, and jobs that were ready already.
 */
int mt_queue_tick(struct mt_db *db, double lease_s, double *proven_s,
                  struct mt_err *err) MT_MUST_USE;

/*
 * Ticks, and takes back the leases that are over (see above), and those whose owner is a
 * dead process of this machine. An array of {"job_id", "status", "worker",
 * "attempt", "token"}: "pending" for those that are ready again, "dead" for those that had
 * their last attempt, "cancelled" for those whose end was wanted anyway. New.
 */
json_t *mt_queue_reap(struct mt_db *db, double lease_s, struct mt_err *err);

/* How many jobs ended longer than age_s ago in one of the states (array of words) were deleted. */
int mt_queue_prune(struct mt_db *db, const json_t *states, double age_s, bool dry_run,
                   int64_t *removed, struct mt_err *err) MT_MUST_USE;

/* --- limits --- */

/* What changes; type "" is the whole queue. */
struct mt_queue_limit {
    const char *type;
    int paused;           /* 1, 0; -1: unchanged */
    int64_t max_running;  /* 0: no limit; -1: unchanged */
    const char *schedule; /* "": none; NULL: unchanged */
};
int mt_queue_limit(struct mt_db *db, const struct mt_queue_limit *limit,
                   struct mt_err *err) MT_MUST_USE;

/* How many leases of the type (NULL or "": of all) are in force. */
int mt_queue_running(struct mt_db *db, const char *type, int64_t *n,
                     struct mt_err *err) MT_MUST_USE;

/*
 * What waits and runs, for people and auto-scalers: share/schema/queue-depth.json.
 * Reads only; works on a connection opened for reading. New.
 */
json_t *mt_queue_depth(struct mt_db *db, struct mt_err *err);

/* --- workers --- */

/* Notes that the worker lives, and forgets dead ones; *draining: somebody wants it to take no more.
 */
struct mt_queue_worker {
    const char *id;
    const char *owner;
    const json_t *classes, *has; /* or NULL */
    int slots;
};
int mt_queue_worker_seen(struct mt_db *db, const struct mt_queue_worker *worker, bool *draining,
                         struct mt_err *err) MT_MUST_USE;
int mt_queue_worker_gone(struct mt_db *db, const struct mt_queue_worker *worker,
                         struct mt_err *err) MT_MUST_USE;
int mt_queue_worker_drain(struct mt_db *db, const char *id, bool draining,
                          struct mt_err *err) MT_MUST_USE;

/*
 * Whether a job may have become ready since the last call; asks without waiting. Only some
 * databases can tell (mt_db_wake_fd() is not -1 then): the others always say no, and are looked
 * into by the clock.
 */
int mt_queue_stirs(struct mt_db *db, bool *stirs, struct mt_err *err) MT_MUST_USE;

/* --- figures --- */

/* The wait before the next attempt, after the n-th (from 1); random is uniform in [0, 1). */
double mt_queue_backoff(const struct mt_queue_times *times, int64_t n, double random);

/* Uniform in [0, 1). */
double mt_queue_random(void);

/* Whether an exit status (128 + N for signal N) says that the same may succeed later: 5, 11,
 * signals. */
bool mt_queue_status_is_temporary(int exit_status);

/* Whether text is fit for a type or a class. */
bool mt_queue_word_ok(const char *text);

#endif
