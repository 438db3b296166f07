/* SPDX-License-Identifier: GPL-2.0-or-later */
/* queue.c - the figures of the queue: waits, windows of time, graphs. */
#include "queue/queue.h"

#include "../tap.h"
#include "base/clock.h"
#include "db-sqlite/db_sqlite.h"
#include "queue/schedule.h"
#include "json/json.h"

static const struct mt_db_driver *const drivers[] = {&mt_db_mem, NULL};

/* --- backoff --- */

static void test_backoff(void)
{
    struct mt_queue_times t = {.backoff_s = 10, .backoff_max_s = 3600};
    bool inside = true;

    OK(mt_queue_backoff(&t, 1, 0) == 5 && mt_queue_backoff(&t, 1, 0.5) == 7.5,
       "the first wait is 5 to 10 seconds");
    OK(mt_queue_backoff(&t, 2, 0) == 10 && mt_queue_backoff(&t, 4, 0) == 40, "it doubles");
    OK(mt_queue_backoff(&t, 20, 0) == 1800 && mt_queue_backoff(&t, 20, 0.999) < 3600,
       "up to the cap");
    OK(mt_queue_backoff(&t, INT64_MAX, 0) == 1800 && mt_queue_backoff(&t, 0, 0) == 5,
       "whatever the number");
    for (int i = 0; i < 10000; i++) {
        double r = mt_queue_random();
        inside = inside && r >= 0 && r < 1;
    }
    OK(inside, "random numbers are in [0, 1)");
}

static void test_status(void)
{
    static const int temporary[] = {5, 11, 129, 137, 139, 143};
    static const int final[] = {0, 1, 2, 3, 4, 6, 7, 10, 126, 127, 128};
    bool right = true;

    for (size_t i = 0; i < sizeof temporary / sizeof *temporary; i++)
        right = right && mt_queue_status_is_temporary(temporary[i]);
    OK(right, "5, 11 and signals are tried again");
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        right = right && !mt_queue_status_is_temporary(final[i]);
    OK(right, "nothing else is");
    OK(mt_queue_word_ok("transcode") && mt_queue_word_ok("h.264-x_1") && !mt_queue_word_ok("") &&
           !mt_queue_word_ok("Big") && !mt_queue_word_ok("-x") && !mt_queue_word_ok("a/b") &&
           !mt_queue_word_ok("..") && !mt_queue_word_ok("abcdefghijklmnopqrstuvwxyz0123456789"),
       "types are words that are safe as names of files");
}

/* --- windows --- */

static const char *next(const char *schedule, const char *now)
{
    static char out[MT_TIME_TEXT];
    struct mt_schedule s;
    struct mt_err err;
    int64_t us;

    if (mt_schedule_parse(schedule, &s, &err) < 0 || mt_time_parse(now, &us, &err) < 0)
        return "none";
    return mt_time_text(mt_schedule_next(&s, us), out);
}

static void test_windows(void)
{
    /* 2026-01-15 is a Thursday. */
    IS_STR(next("22:00-06:00", "2026-01-15T12:00:00Z"), "2026-01-15T22:00:00.000Z", "tonight");
    IS_STR(next("22:00-06:00", "2026-01-15T23:30:00Z"), "2026-01-15T23:30:00.000Z", "it is open");
    IS_STR(next("22:00-06:00", "2026-01-16T05:59:59Z"), "2026-01-16T05:59:59.000Z",
           "and still is behind midnight");
    IS_STR(next("22:00-06:00", "2026-01-16T06:00:00Z"), "2026-01-16T22:00:00.000Z",
           "its end is no part of it");
    IS_STR(next("sat,sun 00:00-24:00", "2026-01-15T12:00:00Z"), "2026-01-17T00:00:00.000Z",
           "the weekend");
    IS_STR(next("sat-sun 00:00-24:00", "2026-01-18T23:59:59Z"), "2026-01-18T23:59:59.000Z",
           "all of it");
    IS_STR(next("fri-mon 10:00-11:00", "2026-01-19T12:00:00Z"), "2026-01-23T10:00:00.000Z",
           "days that pass the end of the week");
    IS_STR(next("fri 22:00-06:00", "2026-01-17T03:00:00Z"), "2026-01-17T03:00:00.000Z",
           "a night belongs to the day on which it begins");
    IS_STR(next("fri 22:00-06:00", "2026-01-16T03:00:00Z"), "2026-01-16T22:00:00.000Z",
           "and not to the one on which it ends");
    IS_STR(next("22:00-06:00 +02:00", "2026-01-15T20:30:00Z"), "2026-01-15T20:30:00.000Z",
           "east of Greenwich it is night earlier");
    IS_STR(next("22:00-06:00 -05:00", "2026-01-15T22:30:00Z"), "2026-01-16T03:00:00.000Z",
           "west of it later");
    IS_STR(next("mon-fri 20:00-21:00; 12:00-13:00", "2026-01-15T14:00:00Z"),
           "2026-01-15T20:00:00.000Z", "the nearest of several");
    IS_STR(next("22:00-06:00", "1969-12-31T23:00:00Z"), "1969-12-31T23:00:00.000Z", "before 1970");

    static const char *const bad[] = {"",
                                      "22:00",
                                      "22:00-22:00",
                                      "24:00-01:00",
                                      "x",
                                      "25:00-26:00",
                                      "22:60-23:00",
                                      "22:00-06:00 +99:00",
                                      "22:00-06:00 mon",
                                      "foo 1:00-2:00",
                                      "22:00-06:00;",
                                      "mon- 22:00-23:00",
                                      "1:00-2:00"};
    bool refused = true;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused = refused && strcmp(next(bad[i], "2026-01-15T12:00:00Z"), "none") == 0;
    OK(refused, "what is no schedule is refused");
}

/* --- graphs --- */

static const char *state(struct mt_db *db, const json_t *answers, size_t i)
{
    static char out[32];
    struct mt_err err;
    json_t *row =
        mt_db_row(db, &err, "SELECT status, waiting_on FROM processing_jobs WHERE id = $1", "s",
                  mt_json_str(json_array_get(answers, i), "job_id", ""));

    snprintf(out, sizeof out, "%s %d", mt_json_str(row, "status", "?"),
             (int)mt_json_int(row, "waiting_on", -1));
    json_decref(row);
    return out;
}

/* Claims the job and ends it. */
static int end(struct mt_db *db, const json_t *answers, size_t i, const char *status)
{
    const char *id = mt_json_str(json_array_get(answers, i), "job_id", "");
    struct mt_queue_claim claim = {.job_id = id, .limit = 1, .worker = "w", .lease_s = 60};
    struct mt_queue_ended ended;
    struct mt_err err;
    json_t *rows = mt_queue_claim(db, &claim, &err);
    struct mt_queue_end how = {.job_id = id,
                               .token = mt_json_int(json_array_get(rows, 0), "lease_token", 0),
                               .status = status,
                               .exit_status = -1};
    int ret =
        json_array_size(rows) == 1 ? mt_queue_finish(db, &how, &mt_queue_times, &ended, &err) : -1;

    json_decref(rows);
    return ret;
}

/* A diamond: b and c wait for a, d for both; e for d, but it does not care how that ends. */
static json_t *diamond(struct mt_db *db, struct mt_err *err)
{
    json_t *jobs = json_pack("[{s:s,s:s}, {s:s,s:s,s:[{s:s}]}, {s:s,s:s,s:[{s:s}]},"
                             " {s:s,s:s,s:[{s:s},{s:s}]}, {s:s,s:[{s:s,s:s}]}]",
                             "type", "t", "ref", "a", "type", "t", "ref", "b", "depends_on", "ref",
                             "a", "type", "t", "ref", "c", "depends_on", "ref", "a", "type", "t",
                             "ref", "d", "depends_on", "ref", "b", "ref", "c", "type", "t",
                             "depends_on", "ref", "d", "on_failure", "ignore");
    json_t *answers = mt_queue_submit(db, jobs, err);

    json_decref(jobs);
    return answers;
}

static void test_graph(void)
{
    struct mt_db *db = NULL;
    struct mt_err err;

    OK(mt_db_open(&db, "mem:", drivers, MT_DB_WRITE, &err) == 0, "a database");
    json_t *j = diamond(db, &err);
    OK(json_array_size(j) == 5, "a graph");
    IS_STR(state(db, j, 3), "pending 2", "waits for two");
    OK(end(db, j, 1, "completed") < 0, "nobody can be claimed before his time");
    OK(end(db, j, 0, "completed") == 0, "the first");
    IS_STR(state(db, j, 1), "pending 0", "frees the second");
    OK(end(db, j, 1, "completed") == 0 && end(db, j, 2, "failed") == 0, "one of two fails");
    IS_STR(state(db, j, 3), "cancelled 1", "what needs both is cancelled");
    IS_STR(state(db, j, 4), "pending 0", "what does not care is ready");
    OK(mt_queue_retry(db, mt_json_str(json_array_get(j, 2), "job_id", ""), &err) == 0, "retry");
    IS_STR(state(db, j, 3), "pending 1", "brings back what fell with it");
    IS_STR(state(db, j, 4), "pending 1", "which is waited for again");
    OK(end(db, j, 2, "completed") == 0 && end(db, j, 3, "completed") == 0 &&
           end(db, j, 4, "completed") == 0,
       "to the end");
    OK(mt_queue_retry(db, mt_json_str(json_array_get(j, 2), "job_id", ""), &err) < 0 &&
           err.code == MT_ERR_USAGE,
       "what is completed is not retried");
    json_t *late = json_pack("[{s:s, s:[s]}]", "type", "t", "depends_on",
                             mt_json_str(json_array_get(j, 0), "job_id", ""));
    json_t *answer = mt_queue_submit(db, late, &err);
    IS_STR(state(db, answer, 0), "pending 0", "nothing waits for what is completed");
    json_decref(answer);
    json_decref(late);
    json_decref(j);
    mt_db_close(&db);
}

int main(void)
{
    test_backoff();
    test_status();
    test_windows();
    test_graph();
    return tap_done();
}
