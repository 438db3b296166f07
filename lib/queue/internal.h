/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/queue only. */
#ifndef MT_QUEUE_INTERNAL_H
#define MT_QUEUE_INTERNAL_H

#include "queue/queue.h"

/*
 * The statement for this kind of database: everything in which SQLite and
 * PostgreSQL differ here. In braces, n being the number of a parameter:
 *   {now}      the database's time
 *   {now+$n}   that many seconds (d) later
 *   {now+e.wait_s}  the same by a column of {ends $n}
 *   {uuid}     a new identifier
 *   {ids $n}   as IN wants them: the identifiers in a JSON array (j)
 *   {words $n} the same of words
 *   {ends $n}  the objects in a JSON array (j) as rows "e", which finish.c writes from
 *   {needs $n} that the array in the column needs holds nothing that is not in the JSON array
 *   {lane}     behind the table: read in the order of the lanes, whatever the statistics say
 *   {children} behind the table: found by parent_id, however many jobs are pending
 *   {skip}     lock the rows, pass over those that others have locked
 *   {update}, {share}   lock the rows against others' writing; for this transaction to write or not
 * Returns out.
 */
enum { MT_QUEUE_SQL = 4096 };
const char *mt_queue_sql(const struct mt_db *db, char out[MT_QUEUE_SQL], const char *text);

/* The database's time, in microseconds since 1970. */
int mt_queue_now(struct mt_db *db, int64_t *now_us, struct mt_err *err) MT_MUST_USE;

/* Wakes idle workers, when the caller's transaction commits or at once: a job may be ready. */
int mt_queue_wake(struct mt_db *db, struct mt_err *err) MT_MUST_USE;

/* The time in the member of a row, microseconds since 1970; 0 if there is none. */
int64_t mt_queue_time(const json_t *row, const char *name);

/* Fills an event's payload and adds it: "job.<what>". In the caller's transaction. */
int mt_queue_event(struct mt_db *db, const char *what, const json_t *job, const char *status,
                   const json_t *error, struct mt_err *err) MT_MUST_USE;

/*
 * What the end of a job (now completed, failed, dead or cancelled) means for those that depend on
 * it: they wait for one less, or are cancelled. In the caller's transaction.
 */
int mt_queue_settle(struct mt_db *db, const char *id, const char *status,
                    struct mt_err *err) MT_MUST_USE;

/*
 * Locks the unfinished jobs that belong to this one, before it is locked itself: whoever changes
 * both takes the lower one first. In the caller's transaction.
 */
int mt_queue_hold_children(struct mt_db *db, const char *id, struct mt_err *err) MT_MUST_USE;

/* Cancels them, because the job has ended in that way. In the caller's transaction. */
int mt_queue_cancel_children(struct mt_db *db, const char *id, const char *status,
                             struct mt_err *err) MT_MUST_USE;

/*
 * The end of an attempt that waits for others: see mt_queue_end. row: the job's, locked. In the
 * caller's transaction.
 */
int mt_queue_wait_for(struct mt_db *db, const json_t *row, const struct mt_queue_end *end,
                      struct mt_err *err) MT_MUST_USE;

/*
 * One of those has ended: the progress of who waits is how many have been completed, of nearly all
 * its work; of a failure it is to hear before the others go on in vain, so it goes before them.
 * In the caller's transaction.
 */
int mt_queue_wait_on(struct mt_db *db, const char *id, bool completed,
                     struct mt_err *err) MT_MUST_USE;

/* How many jobs a pending one waits for, counted anew. In the caller's transaction. */
int mt_queue_recount(struct mt_db *db, const char *id, struct mt_err *err) MT_MUST_USE;

/* The opposite, of a job that is pending again. */
int mt_queue_unsettle(struct mt_db *db, const char *id, struct mt_err *err) MT_MUST_USE;

/* Records the dependencies of a new job and counts them. In the caller's transaction. */
int mt_queue_depend(struct mt_db *db, const char *id, const json_t *depends_on, const json_t *refs,
                    int64_t *waiting_on, struct mt_err *err) MT_MUST_USE;

/* Ends the row of job_attempts of the job's latest lease. In the caller's transaction. */
struct mt_queue_attempt_end {
    const char *status; /* completed, failed, released, waiting, lapsed, cancelled */
    const char *stage;
    int exit_status, signal; /* -1, 0: none */
    const json_t *error;
    const char *words;
};
int mt_queue_end_attempt(struct mt_db *db, const char *id, int64_t token,
                         const struct mt_queue_attempt_end *end, struct mt_err *err) MT_MUST_USE;

/* MT_ERR_LEASE, or MT_ERR_NOT_FOUND if there is no such job at all. Returns -1. */
int mt_queue_fail_lease(struct mt_db *db, const char *id, int64_t token, struct mt_err *err);

#endif
