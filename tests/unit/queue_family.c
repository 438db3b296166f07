/* SPDX-License-Identifier: GPL-2.0-or-later */
/* queue_family.c - jobs that wait for jobs of their own, and what becomes of these with them. */
#include "queue/queue.h"

#include "../tap.h"
#include "base/clock.h"
#include "base/mem.h"
#include "db-sqlite/db_sqlite.h"
#include "json/json.h"

#include <stdlib.h>

static const struct mt_db_driver *const drivers[] = {&mt_db_mem, NULL};
static struct mt_db *db;
static struct mt_err err;

/* A new job, "" or the id of its parent before it. */
static char *job(const char *parent, const char *more)
{
    char *text = mt_asprintf("[{\"type\": \"t\"%s%s%s%s}]", *parent ? ", \"parent_id\": \"" : "",
                             parent, *parent ? "\"" : "", more);
    json_t *jobs = json_loads(text, 0, NULL), *answers = mt_queue_submit(db, jobs, &err);
    char *id = mt_strdup(mt_json_str(json_array_get(answers, 0), "job_id", ""));

    json_decref(answers);
    json_decref(jobs);
    free(text);
    return id;
}

/* The token of a new lease; 0: it is not ready. */
static int64_t claim(const char *id)
{
    struct mt_queue_claim how = {.job_id = id, .limit = 1, .worker = "w", .lease_s = 60};
    json_t *rows = mt_queue_claim(db, &how, &err);
    int64_t token = mt_json_int(json_array_get(rows, 0), "lease_token", 0);

    json_decref(rows);
    return token;
}

static const char *finish(const char *id, int64_t token, const char *status, bool temporary,
                          const json_t *waits_for)
{
    struct mt_queue_ended ended = {.status = NULL};
    struct mt_queue_end end = {.job_id = id,
                               .token = token,
                               .status = status,
                               .temporary = temporary,
                               .waits_for = waits_for,
                               .exit_status = -1};

    if (mt_queue_finish(db, &end, &mt_queue_times, &ended, &err) < 0)
        return err.msg;
    return ended.status;
}

static const char *end(const char *id, const char *status)
{
    return finish(id, claim(id), status, false, NULL);
}

/* "pending 2 0 47": status, what it waits for, attempts, progress. */
static const char *state(const char *id)
{
    static char out[64];
    json_t *row = mt_db_row(db, &err,
                            "SELECT status, waiting_on, attempts, progress FROM processing_jobs"
                            " WHERE id = $1",
                            "s", id);

    snprintf(out, sizeof out, "%s %d %d %d", mt_json_str(row, "status", "gone"),
             (int)mt_json_int(row, "waiting_on", -1), (int)mt_json_int(row, "attempts", -1),
             (int)mt_json_int(row, "progress", -1));
    json_decref(row);
    return out;
}

static int64_t number(const char *id, const char *column)
{
    char *sql = mt_asprintf("SELECT %s AS n FROM processing_jobs WHERE id = $1", column);
    json_t *row = mt_db_row(db, &err, sql, "s", id);
    int64_t n = mt_json_int(row, "n", -1);

    json_decref(row);
    free(sql);
    return n;
}

/* --- waiting --- */

struct family {
    char *parent, *a, *b;
};

/* A parent that runs, two children, and it waits for them. */
static struct family make(const char *more)
{
    struct family f = {.parent = job("", more)};
    int64_t token = claim(f.parent);

    f.a = job(f.parent, "");
    f.b = job(f.parent, ", \"priority\": 3");
    json_t *all = json_pack("[s, s, s, s, i]", f.a, f.b, "00000000-0000-4000-8000-000000000000",
                            "nonsense", 7);
    IS_STR(finish(f.parent, token, "completed", false, all), "pending",
           "who waits for others is pending");
    json_decref(all);
    return f;
}

static void drop(struct family *f)
{
    free(f->parent);
    free(f->a);
    free(f->b);
}

static void test_wait(void)
{
    struct family f = make("");

    IS_STR(state(f.parent), "pending 2 0 0",
           "its attempt is given back; what is no job is not waited for");
    OK(claim(f.parent) == 0, "it cannot be claimed");
    IS_STR(end(f.a, "completed"), "completed", "one is done");
    IS_STR(state(f.parent), "pending 1 0 47", "of two that is nearly half of it");
    IS_STR(end(f.b, "completed"), "completed", "the other one");
    IS_STR(state(f.parent), "pending 0 0 95", "all but the end");
    int64_t token = claim(f.parent);
    OK(token == 2, "it goes on under a new lease");
    IS_STR(finish(f.parent, 1, "completed", false, NULL), err.msg, "the old one is over");
    OK(err.code == MT_ERR_LEASE, "which is said");
    json_t *done = json_pack("[s]", f.a);
    IS_STR(finish(f.parent, token, "completed", false, done), "pending",
           "to wait for what is done");
    IS_STR(state(f.parent), "pending 0 0 0", "is not to wait");
    json_decref(done);
    IS_STR(end(f.parent, "completed"), "completed", "the end");
    drop(&f);
}

static void test_failure(void)
{
    struct family f = make("");

    IS_STR(end(f.b, "failed"), "failed", "one of them fails");
    IS_STR(state(f.parent), "pending 0 0 0", "then nothing is waited for any more");
    OK(number(f.parent, "priority") == 4, "and it comes before those that would go on in vain");
    OK(claim(f.a) == 1, "another one is at work");
    char *late = job(f.parent, "");
    IS_STR(end(f.parent, "failed"), "failed", "it fails too");
    IS_STR(state(late), "cancelled 0 0 0", "what has not begun is cancelled with it");
    OK(number(f.a, "cancel_requested") == 1, "and who works on the rest is told to stop");
    IS_STR(finish(f.a, 1, "cancelled", false, NULL), "cancelled", "as it does");
    OK(mt_queue_retry(db, f.parent, &err) == 0, "a retry");
    IS_STR(state(f.parent), "pending 0 0 0", "begins anew, and waits for nothing of old");
    IS_STR(end(f.parent, "completed"), "completed", "it may be done without them");
    free(late);
    drop(&f);
}

static void test_cancel(void)
{
    struct family f = make("");
    char *grandchild = job(f.a, "");
    const char *status = "";

    OK(mt_queue_cancel(db, f.parent, &status, &err) == 0, "cancelled while it waits");
    IS_STR(status, "cancelled", "at once");
    IS_STR(state(f.a), "cancelled 0 0 0", "with its children");
    IS_STR(state(grandchild), "cancelled 0 0 0", "and theirs");
    free(grandchild);
    drop(&f);
    f = make("");
    OK(mt_queue_cancel(db, f.a, &status, &err) == 0, "a child is cancelled");
    IS_STR(state(f.parent), "pending 0 0 0", "which its parent is to hear of");
    IS_STR(state(f.b), "pending 0 0 0", "and decides what becomes of the others");
    drop(&f);
}

static void test_dead(void)
{
    struct family f = make(", \"max_attempts\": 1");

    IS_STR(end(f.a, "failed"), "failed", "a part fails");
    IS_STR(finish(f.parent, claim(f.parent), "failed", true, NULL), "dead",
           "the parent has used up its attempts");
    IS_STR(state(f.b), "cancelled 0 0 0", "and takes its children with it");
    drop(&f);
}

/* --- pruning --- */

static int64_t prune(bool dry_run)
{
    json_t *states = json_pack("[s, s]", "completed", "cancelled");
    int64_t n = 0;

    /* All that ended before a second from now. */
    if (mt_queue_prune(db, states, -1, dry_run, &n, &err) < 0)
        printf("# %s\n", err.msg);
    json_decref(states);
    return n;
}

static void test_prune(void)
{
    char *parent = job("", ""), *child = job(parent, ""), *grandchild = job(child, "");
    char *failed = job("", ""), *done = job(failed, "");

    prune(false);
    end(parent, "completed");
    end(child, "completed");
    OK(prune(true) == 0 && prune(false) == 0, "what leads to a job that waits is not deleted");
    IS_STR(state(grandchild), "pending 0 0 0", "nor is that");
    OK(claim(grandchild) == 1, "it runs");
    OK(prune(true) == 0 && prune(false) == 0, "not then either");
    finish(grandchild, 1, "completed", false, NULL);
    end(done, "completed");
    end(failed, "failed");
    OK(prune(true) == 4, "it would be four");
    OK(prune(false) == 4, "they go");
    IS_STR(state(parent), "gone -1 -1 -1", "with the parent");
    IS_STR(state(failed), "failed 0 1 0", "what failed stays");
    IS_STR(state(done), "gone -1 -1 -1", "whatever was done of it");
    free(parent);
    free(child);
    free(grandchild);
    free(failed);
    free(done);
}

int main(void)
{
    if (!OK(mt_db_open(&db, "mem:", drivers, MT_DB_WRITE, &err) == 0, "a database"))
        return tap_done();
    test_wait();
    test_failure();
    test_cancel();
    test_dead();
    test_prune();
    mt_db_close(&db);
    return tap_done();
}
