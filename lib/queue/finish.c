/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finish.c - how attempts end, and what that makes of their jobs. */
#include "queue/internal.h"

#include "base/text.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { EXIT_TEMPORARY = 5, EXIT_LOCKED = 11, EXIT_SIGNAL = 128 };

const struct mt_queue_times mt_queue_times = {
    .lease_s = 60, .heartbeat_s = 15, .backoff_s = 10, .backoff_max_s = 3600};

/* --- figures --- */

double mt_queue_random(void)
{
    uint32_t bits = 0;

    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        bits = (uint32_t)mt_mono_us();
    return (double)bits / 4294967296.0;
}

double mt_queue_backoff(const struct mt_queue_times *times, int64_t n, double random)
{
    double wait = n < 1 ? times->backoff_s : times->backoff_s * exp2((double)(n > 64 ? 64 : n) - 1);

    if (wait > times->backoff_max_s)
        wait = times->backoff_max_s;
    return wait / 2 + wait / 2 * random;
}

bool mt_queue_status_is_temporary(int exit_status)
{
    return exit_status == EXIT_TEMPORARY || exit_status == EXIT_LOCKED || exit_status > EXIT_SIGNAL;
}

/* --- ends --- */

/*
 * However many ends there are, they take the same few statements: what each end
 * means is worked out in C, and written from one array (see {ends $n}).
 */
struct finishing {
    struct mt_db *db;
    const struct mt_queue_times *times;
    json_t *held;  /* by their ids: the rows under a lease that has not been ended yet */
    json_t *write; /* what is to be written: one object for each end that counts */
};

/* The rows, locked for us: everybody who ends several locks them in the same order. */
static json_t *hold(struct mt_db *db, const json_t *ids, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *rows =
        mt_db_rows(db, err,
                   mt_queue_sql(db, sql,
                                "SELECT id, lease_token, job_type, media_asset_id, attempts,"
                                " max_attempts, cancel_requested FROM processing_jobs"
                                " WHERE id IN {ids $1} AND status = 'processing'"
                                " AND lease_until IS NOT NULL ORDER BY id {update}"),
                   "j", ids);
    json_t *held = rows ? json_object() : NULL;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row) json_object_set(held, mt_json_str(row, "id", ""), row);
    json_decref(rows);
    return held;
}

/* The row of the lease, taken out of held. NULL with MT_ERR_LEASE or NOT_FOUND. */
static json_t *take(struct mt_db *db, json_t *held, const char *id, int64_t token,
                    struct mt_err *err)
{
    json_t *row = json_object_get(held, id);

    if (!row || mt_json_int(row, "lease_token", 0) != token) {
        mt_queue_fail_lease(db, id, token, err);
        return NULL;
    }
    json_incref(row);
    json_object_del(held, id);
    return row;
}

static json_t *hold_one(struct mt_db *db, const char *id, int64_t token, struct mt_err *err)
{
    json_t *ids = json_pack("[s]", id);
    json_t *held = hold(db, ids, err);
    json_t *row = held ? take(db, held, id, token, err) : NULL;

    json_decref(held);
    json_decref(ids);
    return row;
}

/* The state that the end leads to. */
static const char *state_after(const json_t *row, const struct mt_queue_end *end)
{
    bool last = mt_json_int(row, "attempts", 0) >= mt_json_int(row, "max_attempts", 1);

    if (strcmp(end->status, "completed") == 0)
        return "completed";
    if (strcmp(end->status, "cancelled") == 0 || mt_json_int(row, "cancel_requested", 0))
        return "cancelled";
    return !end->temporary ? "failed" : last ? "dead" : "pending";
}

/* Whether it is no end at all: others have to do something first. */
static bool waits(const json_t *row, const struct mt_queue_end *end)
{
    return strcmp(end->status, "completed") == 0 && json_array_size(end->waits_for) > 0 &&
           !mt_json_int(row, "cancel_requested", 0);
}

/* Sets a member unless the value (lent) is NULL. */
static void add(json_t *object, const char *name, const json_t *value)
{
    if (value)
        json_object_set(object, name, (json_t *)(uintptr_t)value);
}

static void add_attempt(json_t *out, const struct mt_queue_end *end, const char *state)
{
    bool failed = strcmp(state, "completed") != 0 && strcmp(state, "cancelled") != 0;

    json_object_set_new(out, "attempt", json_string(failed ? "failed" : state));
    add(out, "stage", json_object_get(end->error, "stage"));
    add(out, "error", end->error);
    if (end->exit_status != -1)
        json_object_set_new(out, "exit_status", json_integer(end->exit_status));
    if (end->signal != 0)
        json_object_set_new(out, "signal", json_integer(end->signal));
    if (end->words) {
        char *words = mt_text_printable(end->words, MT_QUEUE_WORDS);
        json_object_set_new(out, "words", mt_json_text(words));
        free(words);
    }
}

static void add_event(json_t *out, const json_t *row, const struct mt_queue_end *end,
                      const char *state)
{
    bool again = strcmp(state, "pending") == 0;
    json_t *payload =
        json_pack("{s:O, s:s}", "job_type", json_object_get(row, "job_type"), "status", state);
    char event[48];

    snprintf(event, sizeof event, "job.%s", again ? "retrying" : state);
    add(payload, "error", end->error);
    json_object_set_new(out, "event", json_string(event));
    add(out, "asset", json_object_get(row, "media_asset_id"));
    json_object_set_new(out, "payload", payload);
}

/* What is written of an end: columns of {ends $n}. New. */
static json_t *columns(const json_t *row, const struct mt_queue_end *end,
                       const struct mt_queue_ended *ended)
{
    const char *state = ended->status;
    json_t *out = json_pack("{s:O, s:I, s:s, s:f}", "id", json_object_get(row, "id"), "token",
                            (json_int_t)end->token, "status", state, "wait_s", ended->retry_s);

    if (strcmp(state, "completed") == 0) {
        json_object_set_new(out, "outcome", json_string(end->outcome ? end->outcome : "ok"));
    } else {
        add(out, "job_error", end->error);
        add(out, "message", json_object_get(end->error, "message"));
    }
    if (strcmp(state, "pending") != 0)
        add(out, "results", end->results);
    add_attempt(out, end, state);
    add_event(out, row, end, state);
    return out;
}

/* Decides on one end. -1 when it is refused, or the database fails. */
static int decide(struct finishing *f, const struct mt_queue_end *end, struct mt_queue_ended *ended,
                  struct mt_err *err)
{
    json_t *row = take(f->db, f->held, end->job_id, end->token, err);

    *ended = (struct mt_queue_ended){.status = NULL};
    if (!row) {
        ended->code = err->code;
        return -1;
    }
    if (waits(row, end)) {
        int ret = mt_queue_wait_for(f->db, row, end, err);

        ended->status = "pending";
        json_decref(row);
        return ret;
    }
    ended->status = state_after(row, end);
    if (strcmp(ended->status, "pending") == 0)
        ended->retry_s =
            mt_queue_backoff(f->times, mt_json_int(row, "attempts", 1), mt_queue_random());
    json_array_append_new(f->write, columns(row, end, ended));
    json_decref(row);
    return 0;
}

#define END_JOBS                                                                                   \
    "UPDATE processing_jobs SET status = e.status, outcome = e.outcome,"                           \
    " output_results = e.results, error = e.job_error, error_message = e.message,"                 \
    " progress = CASE WHEN e.status = 'completed' THEN 100 ELSE progress END,"                     \
    " run_after = CASE WHEN e.status = 'pending' THEN {now+e.wait_s} ELSE run_after END,"          \
    " completed_at = CASE WHEN e.status <> 'pending' THEN {now} END,"                              \
    " worker = CASE WHEN e.status <> 'pending' THEN worker END,"                                   \
    " heartbeat_at = CASE WHEN e.status <> 'pending' THEN heartbeat_at END,"                       \
    " current_step = NULL, owner = NULL, lease_until = NULL, updated_at = {now}"                   \
    " FROM {ends $1} WHERE processing_jobs.id = e.id"

#define END_ATTEMPTS                                                                               \
    "UPDATE job_attempts SET ended_at = {now}, status = e.attempt, stage = e.stage,"               \
    " exit_status = e.exit_status, signal = e.signal, error = e.error, last_words = e.words"       \
    " FROM {ends $1} WHERE job_id = e.id AND lease_token = e.token AND ended_at IS NULL"

#define TELL                                                                                       \
    "INSERT INTO events (id, type, asset_id, job_id, payload, created_at)"                         \
    " SELECT {uuid}, e.event, e.asset, e.id, e.payload, {now} FROM {ends $1}"

/* Those that waited for what has ended, and those that belong to it. */
static int settle(const struct finishing *f, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *ended = json_object();
    json_t *ids = json_array();
    size_t i;
    json_t *row;
    json_t *awaited = NULL;

    json_array_foreach(f->write, i, row)
    {
        if (strcmp(mt_json_str(row, "status", ""), "pending") == 0)
            continue;
        json_object_set(ended, mt_json_str(row, "id", ""), json_object_get(row, "status"));
        json_array_append(ids, json_object_get(row, "id"));
    }
    int ret = 0;
    if (json_array_size(ids) > 0) {
        awaited = mt_db_rows(f->db, err,
                             mt_queue_sql(f->db, sql,
                                          "SELECT depends_on FROM job_dependencies"
                                          " WHERE depends_on IN {ids $1}"
                                          " UNION SELECT parent_id FROM processing_jobs {children}"
                                          " WHERE parent_id IN {ids $1}"
                                          " AND status IN ('pending', 'processing') ORDER BY 1"),
                             "j", ids);
        ret = awaited ? 0 : -1;
    }
    json_array_foreach(awaited, i, row)
    {
        const char *id = mt_json_str(row, "depends_on", "");
        if (ret == 0)
            ret = mt_queue_settle(f->db, id, mt_json_str(ended, id, ""), err);
    }
    json_decref(awaited);
    json_decref(ids);
    json_decref(ended);
    return ret;
}

static int write_all(const struct finishing *f, struct mt_err *err)
{
    static const char *const statements[] = {END_JOBS, END_ATTEMPTS, TELL};
    char sql[MT_QUEUE_SQL];

    if (json_array_size(f->write) == 0)
        return 0;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (mt_db_exec(f->db, NULL, err, mt_queue_sql(f->db, sql, statements[i]), "j", f->write) <
            0)
            return -1;
    }
    return settle(f, err);
}

static bool refused(const struct mt_err *err)
{
    return err->code == MT_ERR_LEASE || err->code == MT_ERR_NOT_FOUND;
}

static int finish_all(struct finishing *f, const struct mt_queue_end ends[], int n,
                      struct mt_queue_ended ended[], struct mt_err *err)
{
    json_t *ids = json_array();

    for (int i = 0; i < n; i++) {
        json_array_append_new(ids, json_string(ends[i].job_id));
        if (strcmp(ends[i].status, "completed") != 0 &&
            mt_queue_hold_children(f->db, ends[i].job_id, err) < 0) {
            json_decref(ids);
            return -1;
        }
    }
    f->held = hold(f->db, ids, err);
    json_decref(ids);
    if (!f->held)
        return -1;
    for (int i = 0; i < n; i++) {
        if (decide(f, &ends[i], &ended[i], err) < 0 && !refused(err))
            return -1;
    }
    return write_all(f, err);
}

int mt_queue_finish_many(struct mt_db *db, const struct mt_queue_end ends[], int n,
                         const struct mt_queue_times *times, struct mt_queue_ended ended[],
                         struct mt_err *err)
{
    struct finishing f = {.db = db, .times = times, .write = json_array()};
    int ret = mt_db_begin(db, true, err);

    if (ret == 0) {
        ret = finish_all(&f, ends, n, ended, err);
        if (ret == 0)
            ret = mt_db_commit(db, err);
        else
            mt_db_rollback(db);
    }
    json_decref(f.held);
    json_decref(f.write);
    return ret;
}

int mt_queue_finish(struct mt_db *db, const struct mt_queue_end *end,
                    const struct mt_queue_times *times, struct mt_queue_ended *ended,
                    struct mt_err *err)
{
    if (mt_queue_finish_many(db, end, 1, times, ended, err) < 0)
        return -1;
    return ended->code == MT_OK ? 0 : mt_queue_fail_lease(db, end->job_id, end->token, err);
}

/* --- release --- */

static int release(struct mt_db *db, const char *id, int64_t token, const char *words,
                   struct mt_err *err)
{
    json_t *row = hold_one(db, id, token, err);
    struct mt_queue_attempt_end a = {.status = "released", .exit_status = -1, .words = words};
    char sql[MT_QUEUE_SQL];

    if (!row)
        return -1;
    bool cancelled = mt_json_int(row, "cancel_requested", 0) != 0;
    int ret = mt_db_exec(
        db, NULL, err,
        mt_queue_sql(db, sql,
                     "UPDATE processing_jobs SET status = $2,"
                     " attempts = attempts - 1, current_step = NULL, worker = NULL, owner = NULL,"
                     " lease_until = NULL, heartbeat_at = NULL, started_at = NULL, progress = 0,"
                     " completed_at = CASE WHEN $3 = 1 THEN {now} END,"
                     " updated_at = {now} WHERE id = $1"),
        "ssi", id, cancelled ? "cancelled" : "pending", (int64_t)cancelled);
    if (ret == 0)
        ret = mt_queue_end_attempt(db, id, token, &a, err);
    if (ret == 0)
        ret = mt_queue_event(db, cancelled ? "cancelled" : "released", row,
                             cancelled ? "cancelled" : "pending", NULL, err);
    if (ret == 0)
        ret = cancelled ? mt_queue_settle(db, id, "cancelled", err) : mt_queue_wake(db, err);
    json_decref(row);
    return ret;
}

int mt_queue_release(struct mt_db *db, const char *id, int64_t token, const char *words,
                     struct mt_err *err)
{
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    if (release(db, id, token, words, err) == 0)
        return mt_db_commit(db, err);
    mt_db_rollback(db);
    return -1;
}
