/* SPDX-License-Identifier: GPL-2.0-or-later */
/* depth.c - how much waits, for how long, and who works. */
#include "queue/internal.h"

#include "json/json.h"

#include <string.h>

/* Pending jobs by type and class: ready, waiting for others, delayed; the age of the oldest ready.
 */
static json_t *read_pending(struct mt_db *db, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];

    return mt_db_rows(
        db, err,
        mt_queue_sql(db, sql,
                     "SELECT job_type, worker_class,"
                     " SUM(CASE WHEN waiting_on = 0 AND run_after <= {now} THEN 1 ELSE 0 END)"
                     " AS ready,"
                     " SUM(CASE WHEN waiting_on > 0 THEN 1 ELSE 0 END) AS waiting,"
                     " SUM(CASE WHEN waiting_on = 0 AND run_after > {now} THEN 1 ELSE 0 END)"
                     " AS delayed,"
                     " MIN(CASE WHEN waiting_on = 0 AND run_after <= {now} THEN run_after END)"
                     " AS oldest FROM processing_jobs WHERE status = 'pending'"
                     " GROUP BY job_type, worker_class ORDER BY job_type, worker_class"),
        "");
}

static json_t *read_running(struct mt_db *db, struct mt_err *err)
{
    return mt_db_rows(db, err,
                      "SELECT job_type, worker_class, count(*) AS n FROM processing_jobs"
                      " WHERE status = 'processing' AND lease_until IS NOT NULL"
                      " GROUP BY job_type, worker_class",
                      "");
}

static json_t *read_workers(struct mt_db *db, struct mt_err *err)
{
    return mt_db_rows(db, err,
                      "SELECT id, classes, capabilities, slots, draining, started_at,"
                      " heartbeat_at FROM workers ORDER BY id",
                      "");
}

/* The entry of a type and class, made if there is none. */
static json_t *entry_of(json_t *lanes, const json_t *row)
{
    const char *type = mt_json_str(row, "job_type", "");
    const char *class = mt_json_str(row, "worker_class", "");
    size_t i;
    json_t *entry;

    json_array_foreach(lanes, i, entry)
    {
        if (strcmp(mt_json_str(entry, "type", ""), type) == 0 &&
            strcmp(mt_json_str(entry, "class", ""), class) == 0)
            return entry;
    }
    entry = json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:n}", "type", type, "class", class, "ready",
                      0, "waiting", 0, "delayed", 0, "running", 0, "oldest_s");
    json_array_append_new(lanes, entry);
    return entry;
}

static void add_pending(json_t *lanes, const json_t *rows, int64_t now_us)
{
    static const char *const figures[] = {"ready", "waiting", "delayed"};
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        json_t *entry = entry_of(lanes, row);
        int64_t oldest = mt_queue_time(row, "oldest");
        for (size_t k = 0; k < sizeof figures / sizeof *figures; k++)
            json_object_set_new(entry, figures[k], json_integer(mt_json_int(row, figures[k], 0)));
        if (oldest)
            json_object_set_new(
                entry, "oldest_s",
                mt_json_real(now_us > oldest ? (double)(now_us - oldest) / 1e6 : 0, 3));
    }
}

/* The sums over all types and classes. */
static void add_sums(json_t *depth, const json_t *lanes)
{
    static const char *const figures[] = {"ready", "waiting", "delayed", "running"};
    json_t *oldest = NULL;
    size_t i;
    json_t *entry;

    for (size_t k = 0; k < sizeof figures / sizeof *figures; k++) {
        int64_t n = 0;
        json_array_foreach(lanes, i, entry) n += mt_json_int(entry, figures[k], 0);
        json_object_set_new(depth, figures[k], json_integer(n));
    }
    json_array_foreach(lanes, i, entry)
    {
        json_t *age = json_object_get(entry, "oldest_s");
        if (json_is_number(age) && (!oldest || json_number_value(age) > json_number_value(oldest)))
            oldest = age;
    }
    json_object_set(depth, "oldest_s", oldest ? oldest : json_null());
}

static json_t *limits_of(const json_t *rows)
{
    json_t *out = json_array();
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row) json_array_append_new(
        out, json_pack("{s:O, s:b, s:O, s:O}", "type", json_object_get(row, "job_type"), "paused",
                       (int)(mt_json_int(row, "paused", 0) != 0), "max_running",
                       json_object_get(row, "max_running"), "schedule",
                       json_object_get(row, "schedule")));
    return out;
}

static json_t *workers_of(const json_t *rows, int64_t now_us)
{
    json_t *out = json_array();
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        int64_t seen = mt_queue_time(row, "heartbeat_at");
        json_array_append_new(
            out,
            json_pack("{s:O, s:O, s:O, s:O, s:b, s:o}", "id", json_object_get(row, "id"), "classes",
                      json_object_get(row, "classes"), "has", json_object_get(row, "capabilities"),
                      "slots", json_object_get(row, "slots"), "draining",
                      (int)(mt_json_int(row, "draining", 0) != 0), "silent_s",
                      mt_json_real(now_us > seen ? (double)(now_us - seen) / 1e6 : 0, 3)));
    }
    return out;
}

json_t *mt_queue_depth(struct mt_db *db, struct mt_err *err)
{
    json_t *depth = NULL;
    json_t *running = NULL;
    json_t *limits = NULL;
    json_t *workers = NULL;
    json_t *pending = read_pending(db, err);
    int64_t now = 0;
    size_t i;
    json_t *row;

    if (!pending || !(running = read_running(db, err)) ||
        !(limits = mt_db_rows(db, err, "SELECT * FROM queue_limits ORDER BY job_type", "")) ||
        !(workers = read_workers(db, err)) || mt_queue_now(db, &now, err) < 0)
        goto out;
    depth = json_pack("{s:i}", "schema", 1);
    json_t *lanes = json_array();
    add_pending(lanes, pending, now);
    json_array_foreach(running, i, row)
        json_object_set(entry_of(lanes, row), "running", json_object_get(row, "n"));
    add_sums(depth, lanes);
    json_object_set_new(depth, "by_type", lanes);
    json_object_set_new(depth, "limits", limits_of(limits));
    json_object_set_new(depth, "workers", workers_of(workers, now));
out:
    json_decref(pending);
    json_decref(running);
    json_decref(limits);
    json_decref(workers);
    return depth;
}
