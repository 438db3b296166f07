/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * job.h - what programs do and have done, as rows of processing_jobs.
 *
 * A program that is not run by a queue records its own work: one job from
 * mt_job_start() to mt_job_finish(), owned by the process. If the process dies,
 * mt_sweep() makes the job a failed one. Under a lease the supervisor owns the
 * row, and none of this is called.
 */
#ifndef MT_CATALOG_JOB_H
#define MT_CATALOG_JOB_H

#include "base/clock.h"
#include "catalog/lookup.h"
#include "db/db.h"

enum { MT_JOB_STEP_MAX = 64 };

/* A job that this process does. Give it to mt_job_finish() in the end. */
struct mt_job {
    struct mt_db *db;
    char id[MT_UUID_TEXT]; /* "" when nothing is recorded */
    char type[32];
    char step[MT_JOB_STEP_MAX];
    int percent;
    int64_t written_us; /* when progress was written last (mt_mono_us()) */
    json_t *steps;
};

struct mt_job_plan {
    const char *type;         /* ingest, transcode, thumbnail, analyze */
    const char *asset_id;     /* NULL while there is none */
    const char *submitted_by; /* UUID of a user in the table; or NULL */
    const char *step;         /* the first one; NULL: none yet */
    const json_t *input;      /* lent; the parameters; or NULL */
    int64_t started_us;       /* since 1970, if it began before it is recorded; 0: now */
};

/* Records that this process has begun. On failure job needs no finishing (but may be given to it).
 */
int mt_job_start(struct mt_job *job, struct mt_db *db, const struct mt_job_plan *plan,
                 struct mt_err *err) MT_MUST_USE;

/* Says which asset it is about, once that is known. */
int mt_job_set_asset(struct mt_job *job, const char *asset_id, struct mt_err *err) MT_MUST_USE;

/*
 * percent (0-100) of the whole is done, and step is going on (NULL: still the
 * same). Call it as often as you like: it writes at most once a second. That
 * the database is busy just then is no failure. MT_ERR_CANCELLED when somebody
 * has asked to cancel the job, or has taken it away.
 */
int mt_job_progress(struct mt_job *job, int percent, const char *step,
                    struct mt_err *err) MT_MUST_USE;

struct mt_job_end {
    const char *status;         /* completed, failed, cancelled */
    const char *outcome;        /* ok, degraded, not_applicable; NULL: none */
    const json_t *results;      /* lent; or NULL */
    const struct mt_err *error; /* NULL: none */
    const char *stage;          /* where the error happened; NULL: the job's type */
};

/*
 * Records how it ended, with its event "job.<status>", and releases job, also
 * on failure. MT_ERR_NOT_FOUND when the row is no longer this process's. Does
 * nothing for a job that was not started.
 */
int mt_job_finish(struct mt_job *job, const struct mt_job_end *end, struct mt_err *err) MT_MUST_USE;

/*
 * Both work within a writing transaction of the caller's as well:
 * mt_job_start() as it is, the end by this. Give job to mt_job_drop() when the
 * transaction is over: after its rollback the job was never started.
 */
int mt_job_end_within(struct mt_job *job, const struct mt_job_end *end,
                      struct mt_err *err) MT_MUST_USE;
void mt_job_drop(struct mt_job *job);

/* The row of a job by its id or the first four or more digits of it; see mt_lookup(). New. */
json_t *mt_job_get(struct mt_db *db, const char *id, struct mt_err *err);

/* Which jobs a list shows; NULL: all. */
struct mt_job_filter {
    const char *status;
    const char *type;
    const char *asset_id;
    const char *parent_id;
};

/* Jobs, newest first; see mt_lookup_page(). New. */
json_t *mt_job_list(struct mt_db *db, const struct mt_job_filter *filter,
                    const struct mt_page *page, char **next, struct mt_err *err);

/* How many there are: rows of {status, job_type, n}. New. */
json_t *mt_job_counts(struct mt_db *db, struct mt_err *err);

/*
 * Jobs that say "processing" and are not: the lease is over, or the owner is
 * dead (see mt_owner_state()). Oldest first, at most limit. New.
 */
json_t *mt_job_lapsed(struct mt_db *db, int limit, struct mt_err *err);

/* The leases ever given for a job, oldest first: rows of job_attempts. New. */
json_t *mt_job_attempts(struct mt_db *db, const char *id, struct mt_err *err);

#endif
