/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue-rate.c - how many jobs a second one process claims and finishes: for scripts/bench.
 *
 *   queue-rate URL JOBS BATCH    submits JOBS jobs, then claims and finishes them, BATCH at a time;
 *                           prints jobs a second
 */
#include "base/clock.h"
#include "base/mem.h"
#include "db-pg/db_pg.h"
#include "db-sqlite/db_sqlite.h"
#include "queue/queue.h"
#include "json/json.h"

#include <stdlib.h>

static const struct mt_db_driver *const drivers[] = {&mt_db_sqlite, &mt_db_pg, NULL};

static int submit(struct mt_db *db, int n, struct mt_err *err)
{
    for (int done = 0; done < n; done += 500) {
        json_t *jobs = json_array();
        for (int i = 0; i < 500 && done + i < n; i++)
            json_array_append_new(jobs, json_pack("{s:s}", "type", "bench"));
        json_t *answers = mt_queue_submit(db, jobs, err);
        json_decref(jobs);
        if (!answers)
            return -1;
        json_decref(answers);
    }
    return 0;
}

/* One batch; how many there were, -1. */
static int work(struct mt_db *db, int batch, struct mt_err *err)
{
    struct mt_queue_claim claim = {.limit = batch, .worker = "bench", .lease_s = 60};
    json_t *rows = mt_queue_claim(db, &claim, err);
    int n = (int)json_array_size(rows);
    struct mt_queue_end *ends = mt_alloc((size_t)(n + 1) * sizeof *ends);
    struct mt_queue_ended *ended = mt_alloc((size_t)(n + 1) * sizeof *ended);
    int ret = rows ? 0 : -1;

    for (int i = 0; i < n; i++)
        ends[i] = (struct mt_queue_end){
            .job_id = mt_json_str(json_array_get(rows, (size_t)i), "id", ""),
            .token = mt_json_int(json_array_get(rows, (size_t)i), "lease_token", 0),
            .status = "completed",
            .exit_status = 0};
    if (n > 0)
        ret = mt_queue_finish_many(db, ends, n, &mt_queue_times, ended, err);
    free(ended);
    free(ends);
    json_decref(rows);
    return ret < 0 ? -1 : n;
}

int main(int argc, char **argv)
{
    struct mt_db *db = NULL;
    struct mt_err err;
    int done = 0;
    int n;

    if (argc != 4)
        return 2;
    if (mt_db_open(&db, argv[1], drivers, MT_DB_WRITE, &err) < 0 ||
        submit(db, atoi(argv[2]), &err) < 0) {
        fprintf(stderr, "queue-rate: %s\n", err.msg);
        return 1;
    }
    int64_t start = mt_mono_us();
    while ((n = work(db, atoi(argv[3]), &err)) > 0)
        done += n;
    if (n < 0)
        fprintf(stderr, "queue-rate: %s\n", err.msg);
    else
        printf("%.1f\n", done / ((double)(mt_mono_us() - start) / 1e6));
    mt_db_close(&db);
    return n < 0 || done != atoi(argv[2]);
}
