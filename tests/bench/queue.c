/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.c - how long claims take: queue URL WORKERS CLAIMS_PER_SECOND SECONDS QUEUED
 *
 * Submits QUEUED jobs more than will be claimed, then lets WORKERS processes claim
 * and finish one job after the other, all of them together so many a second, while
 * one more process reads the depth of the queue all the time. Prints one JSON
 * object: claims, failures (what surfaced as busy or locked among them), the median,
 * 99th percentile and maximum of a claim and of a reading, in milliseconds.
 */
#include "queue/queue.h"
#include "base/clock.h"
#include "base/mem.h"
#include "db-sqlite/db_sqlite.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLES = 200000, GROUP = 1000 };

static const struct mt_db_driver *const drivers[] = {&mt_db_sqlite, NULL};

/* What the processes share. */
struct shared {
    int n_claims, n_reads, failures, locked;
    float claims[SAMPLES], reads[SAMPLES]; /* ms */
};

static void add(int *n, float *samples, int64_t us)
{
    int at = __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);

    if (at < SAMPLES)
        samples[at] = (float)us / 1000;
}

static void count_failure(struct shared *s, const struct mt_err *err)
{
    __atomic_fetch_add(&s->failures, 1, __ATOMIC_RELAXED);
    if (err->code == MT_ERR_LOCKED || err->code == MT_ERR_BUSY)
        __atomic_fetch_add(&s->locked, 1, __ATOMIC_RELAXED);
    fprintf(stderr, "%s\n", err->msg);
}

static int fill(struct mt_db *db, int64_t n, struct mt_err *err)
{
    int ret = 0;

    for (int64_t done = 0; done < n && ret == 0; done += GROUP) {
        json_t *jobs = json_array();
        for (int i = 0; i < GROUP && done + i < n; i++)
            json_array_append_new(
                jobs, json_pack("{s:s, s:i}", "type", i % 3 ? "a" : "b", "priority", i % 5));
        json_t *answers = mt_queue_submit(db, jobs, err);
        ret = answers ? 0 : -1;
        json_decref(answers);
        json_decref(jobs);
    }
    return ret;
}

static void claim_one(struct shared *s, struct mt_db *db, const char *name)
{
    struct mt_queue_claim claim = {.limit = 1, .worker = name, .lease_s = 60};
    struct mt_queue_ended ended;
    struct mt_err err;
    int64_t from = mt_mono_us();
    json_t *rows = mt_queue_claim(db, &claim, &err);

    if (!rows) {
        count_failure(s, &err);
        return;
    }
    add(&s->n_claims, s->claims, mt_mono_us() - from);
    const json_t *row = json_array_get(rows, 0);
    struct mt_queue_end end = {.job_id = mt_json_str(row, "id", ""),
                               .token = mt_json_int(row, "lease_token", 0),
                               .status = "completed",
                               .exit_status = 0};
    if (row && mt_queue_finish(db, &end, &mt_queue_times, &ended, &err) < 0)
        count_failure(s, &err);
    json_decref(rows);
}

static void work(struct shared *s, const char *url, int number, int64_t every_us, int64_t until_us)
{
    struct mt_db *db = NULL;
    struct mt_err err;
    char name[32];
    int64_t next = mt_mono_us() + (int64_t)((double)every_us * mt_queue_random());

    snprintf(name, sizeof name, "bench:%d", number);
    if (mt_db_open(&db, url, drivers, MT_DB_WRITE, &err) < 0) {
        count_failure(s, &err);
        return;
    }
    for (; next < until_us; next += every_us) {
        int64_t left = next - mt_mono_us();
        if (left > 0)
            usleep((useconds_t)left);
        claim_one(s, db, name);
    }
    mt_db_close(&db);
}

static void read_all(struct shared *s, const char *url, int64_t until_us)
{
    struct mt_db *db = NULL;
    struct mt_err err;

    if (mt_db_open(&db, url, drivers, MT_DB_READ, &err) < 0) {
        count_failure(s, &err);
        return;
    }
    while (mt_mono_us() < until_us) {
        int64_t from = mt_mono_us();
        json_t *rows = mt_db_rows(db, &err,
                                  "SELECT status, count(*) AS n FROM processing_jobs"
                                  " WHERE status = 'processing' GROUP BY status",
                                  "");
        if (!rows)
            count_failure(s, &err);
        else
            add(&s->n_reads, s->reads, mt_mono_us() - from);
        json_decref(rows);
        usleep(10000);
    }
    mt_db_close(&db);
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;

    return (x > y) - (x < y);
}

static json_t *figures(float *samples, int n)
{
    if (n > SAMPLES)
        n = SAMPLES;
    if (n == 0)
        return json_null();
    qsort(samples, (size_t)n, sizeof *samples, compare);
    return json_pack("{s:i, s:o, s:o, s:o}", "n", n, "median_ms",
                     mt_json_real((double)samples[n / 2], 2), "p99_ms",
                     mt_json_real((double)samples[n - 1 - n / 100], 2), "max_ms",
                     mt_json_real((double)samples[n - 1], 2));
}

static void run(struct shared *s, const char *url, int workers, double rate, int64_t seconds)
{
    int64_t until = mt_mono_us() + seconds * 1000000;
    int64_t every = (int64_t)((double)workers / rate * 1e6);

    for (int i = 0; i <= workers; i++) {
        if (fork() != 0)
            continue;
        if (i == workers)
            read_all(s, url, until);
        else
            work(s, url, i, every, until);
        _exit(0);
    }
    while (wait(NULL) > 0)
        continue;
}

int main(int argc, char **argv)
{
    struct shared *s =
        mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct mt_db *db = NULL;
    struct mt_err err;

    if (argc != 6 || s == MAP_FAILED) {
        fputs("usage: queue URL WORKERS CLAIMS_PER_SECOND SECONDS QUEUED\n", stderr);
        return 2;
    }
    int workers = atoi(argv[2]);
    double rate = atof(argv[3]);
    int64_t seconds = atoll(argv[4]);
    if (mt_db_open(&db, argv[1], drivers, MT_DB_WRITE, &err) < 0 ||
        fill(db, atoll(argv[5]) + (int64_t)(rate * (double)seconds) + 100, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    mt_db_close(&db);
    run(s, argv[1], workers, rate, seconds);
    json_t *out = json_pack("{s:o, s:o, s:i, s:i}", "claims", figures(s->claims, s->n_claims),
                            "reads", figures(s->reads, s->n_reads), "failures", s->failures,
                            "surfaced_busy", s->locked);
    char *text = mt_json_compact(out);
    puts(text);
    free(text);
    json_decref(out);
    return s->failures ? 1 : 0;
}
