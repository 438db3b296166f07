/* SPDX-License-Identifier: GPL-2.0-or-later */
/* queue.c - how many jobs wait, run and have ended. */
#include "status/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/job.h"
#include "doc/doc.h"
#include "status/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const statuses[] = {"pending", "processing", "completed",
                                       "failed",  "cancelled",  "dead"};
enum { STATUSES = sizeof statuses / sizeof *statuses, NARROW = 60 };

/* --- the body --- */

/* Adds n to the number at object[name]. */
static void count(json_t *object, const char *name, int64_t n)
{
    json_object_set_new(object, name, json_integer(mt_json_int(object, name, 0) + n));
}

static int add_counts(struct mt_status *s, json_t *body, struct mt_err *err)
{
    json_t *rows = mt_job_counts(s->db, err);
    json_t *jobs = json_object();
    json_t *types = json_object();
    size_t i;
    json_t *row;

    for (int k = 0; k < STATUSES; k++)
        json_object_set_new(jobs, statuses[k], json_integer(0));
    json_array_foreach(rows, i, row)
    {
        const char *type = mt_json_str(row, "job_type", "");
        const char *status = mt_json_str(row, "status", "pending");
        if (!json_object_get(types, type))
            json_object_set_new(types, type, json_object());
        count(jobs, status, mt_json_int(row, "n", 0));
        count(json_object_get(types, type), status, mt_json_int(row, "n", 0));
    }
    json_object_set_new(body, "jobs", jobs);
    json_object_set_new(body, "by_type", types);
    json_decref(rows);
    return rows ? 0 : -1;
}

/* Since when the job that has waited longest waits. */
static int add_oldest(struct mt_status *s, json_t *body, struct mt_err *err)
{
    json_t *rows = mt_db_rows(s->db, err,
                              "SELECT id, created_at FROM processing_jobs WHERE status = 'pending'"
                              " ORDER BY created_at, id LIMIT 1",
                              "");
    json_t *row = json_array_get(rows, 0);
    json_t *ms = mt_status_took(row, "created_at", NULL);

    json_object_set_new(body, "oldest_pending_s",
                        json_is_integer(ms) ? mt_json_real((double)json_integer_value(ms) / 1e3, 3)
                                            : json_null());
    json_decref(ms);
    json_decref(rows);
    return rows ? 0 : -1;
}

/* A job that runs: its body without what is the same for all of them. New. */
static json_t *running_of(const json_t *row)
{
    static const char *const members[] = {"job_id",       "type",   "asset_id", "progress",
                                          "current_step", "worker", "alive",    "started_at"};
    json_t *body = mt_status_job_body(row);
    json_t *running = json_object();
    json_t *ms = mt_status_took(row, "started_at", NULL);

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_set(running, members[i], json_object_get(body, members[i]));
    json_object_set_new(running, "age_s",
                        json_is_integer(ms) ? mt_json_real((double)json_integer_value(ms) / 1e3, 3)
                                            : json_null());
    json_decref(ms);
    json_decref(body);
    return running;
}

static int add_running(struct mt_status *s, json_t *body, struct mt_err *err)
{
    const struct mt_job_filter filter = {.status = "processing"};
    const struct mt_page page = {.limit = MT_PAGE_MAX};
    char *next = NULL;
    json_t *rows = mt_job_list(s->db, &filter, &page, &next, err);
    json_t *running = json_array();
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        json_array_append_new(running, running_of(row));
    }
    json_object_set_new(body, "running", running);
    json_decref(rows);
    free(next);
    return rows ? 0 : -1;
}

/* All of it from one state of the database. New. */
static json_t *get_queue(struct mt_status *s, struct mt_err *err)
{
    json_t *body = json_object();

    json_object_set_new(body, "schema", json_integer(MT_DOC_SCHEMA));
    int ret = mt_db_begin(s->db, false, err);
    if (ret == 0 && (add_counts(s, body, err) < 0 || add_oldest(s, body, err) < 0 ||
                     add_running(s, body, err) < 0))
        ret = -1;
    mt_db_rollback(s->db);
    if (ret == 0)
        return body;
    json_decref(body);
    return NULL;
}

/* --- for people --- */

static void add_row(struct mt_table *table, const char *name, const json_t *counts)
{
    char figures[STATUSES][24];
    const char *cells[STATUSES + 1] = {name};

    for (int k = 0; k < STATUSES; k++) {
        snprintf(figures[k], sizeof figures[k], "%lld",
                 (long long)mt_json_int(counts, statuses[k], 0));
        cells[k + 1] = figures[k];
    }
    mt_table_add(table, cells);
}

/* On a narrow terminal: the totals, one below the other. */
static void show_totals(const struct mt_table_style *style, const json_t *body)
{
    static const struct mt_column columns[] = {{.title = "STATUS", .status = true},
                                               {.title = "JOBS", .right = true, .rank = 1}};
    struct mt_table table;

    mt_table_init(&table, columns, 2);
    for (int k = 0; k < STATUSES; k++) {
        char figure[24];
        snprintf(figure, sizeof figure, "%lld",
                 (long long)mt_json_int(json_object_get(body, "jobs"), statuses[k], 0));
        mt_table_add(&table, (const char *const[]){statuses[k], figure});
    }
    mt_table_print(&table, style);
    mt_table_free(&table);
}

static void show_counts(const struct mt_table_style *style, const json_t *body)
{
    static const struct mt_column columns[STATUSES + 1] = {
        {.title = "JOBS", .least = 8},
        {.title = "PENDING", .right = true, .rank = 1},
        {.title = "RUNNING", .right = true, .rank = 2},
        {.title = "DONE", .right = true, .rank = 4},
        {.title = "FAILED", .right = true, .rank = 3},
        {.title = "CANCELLED", .right = true, .rank = 6},
        {.title = "DEAD", .right = true, .rank = 5},
    };
    struct mt_table table;
    const char *type;
    json_t *counts;

    if (style->columns < NARROW) {
        show_totals(style, body);
        return;
    }
    mt_table_init(&table, columns, STATUSES + 1);
    json_object_foreach(json_object_get(body, "by_type"), type, counts)
    {
        add_row(&table, type, counts);
    }
    add_row(&table, "all", json_object_get(body, "jobs"));
    mt_table_print(&table, style);
    mt_table_free(&table);
}

static void show_oldest(const struct mt_table_style *style, const json_t *body)
{
    double s = mt_json_num(body, "oldest_pending_s", -1);
    char figure[MT_FIGURE];

    if (s < 0)
        return;
    char *text = mt_asprintf("the oldest pending job waits for %s",
                             mt_status_ms(s < 1e12 ? (int64_t)(s * 1000) : 0, figure));
    fputc('\n', style->out);
    mt_table_field(style, "Waiting", text);
    free(text);
}

static void add_running_row(struct mt_table *table, const json_t *job)
{
    json_t *alive = json_object_get(job, "alive");
    double age = mt_json_num(job, "age_s", -1);
    char id[9];
    char progress[16];
    char figure[MT_FIGURE];

    snprintf(id, sizeof id, "%s", mt_json_str(job, "job_id", ""));
    snprintf(progress, sizeof progress, "%lld %%", (long long)mt_json_int(job, "progress", 0));
    const char *cells[] = {id,
                           progress,
                           mt_json_str(job, "type", ""),
                           mt_status_ms(age < 1e12 ? (int64_t)(age * 1000) : 0, figure),
                           json_is_true(alive)    ? "alive"
                           : json_is_false(alive) ? "dead"
                                                  : "unknown",
                           mt_json_str(job, "worker", NULL),
                           mt_json_str(job, "current_step", NULL)};
    mt_table_add(table, cells);
}

static void show_running(const struct mt_table_style *style, const json_t *body)
{
    static const struct mt_column columns[] = {
        {.title = "RUNNING"},
        {.title = "DONE", .right = true, .rank = 1},
        {.title = "TYPE", .rank = 4},
        {.title = "SINCE", .right = true, .rank = 3},
        {.title = "WORKER", .status = true, .rank = 2},
        {.title = "WHO", .least = 8, .rank = 6},
        {.title = "STEP", .least = 8, .rank = 5},
    };
    struct mt_table table;
    size_t i;
    json_t *job;

    mt_table_init(&table, columns, 7);
    json_array_foreach(json_object_get(body, "running"), i, job)
    {
        add_running_row(&table, job);
    }
    if (table.rows > 0)
        fputc('\n', style->out);
    mt_table_print(&table, style);
    mt_table_free(&table);
}

int mt_status_queue(struct mt_status *s, struct mt_err *err)
{
    struct mt_table_style style = mt_status_style(s);

    if (mt_status_no_operands(s, err) < 0 || mt_status_open(s, err) < 0)
        return -1;
    json_t *body = get_queue(s, err);
    if (!body)
        return -1;
    int ret = 0;
    if (s->table) {
        show_counts(&style, body);
        show_oldest(&style, body);
        show_running(&style, body);
        ret = mt_status_check(s, err);
    } else {
        ret = mt_status_print(s, body, err);
    }
    json_decref(body);
    return ret;
}
