/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics.c - figures for Prometheus, in its text format (version 0.0.4). */
#include "status/doctor.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/signals.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 16 << 20 };

/* The bounds of the buckets in seconds; as in share/sql, job_ends. */
static const int bounds[] = {1, 5, 15, 60, 300, 900, 3600, 14400, 86400};
enum { BOUNDS = sizeof bounds / sizeof *bounds };

struct page {
    struct mt_buf text;
    struct mt_err *err;
    int ret; /* -1 once something has failed: what follows is not written */
};

/* --- the format --- */

static void head(struct page *p, const char *name, const char *type, const char *help)
{
    if (p->ret == 0)
        p->ret =
            mt_buf_printf(&p->text, p->err, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value with \, " and line feeds escaped. free() it. */
static char *escape(const char *value)
{
    char *out = mt_alloc(2 * strlen(value) + 1);
    char *to = out;

    for (; *value; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            *to++ = '\\';
        *to++ = *value;
        if (*value == '\n')
            to[-1] = 'n';
    }
    *to = '\0';
    return out;
}

/* One sample; labels are pairs of name and value, ending with NULL. */
static void sample(struct page *p, const char *name, const char *const labels[], double value)
{
    if (p->ret == 0)
        p->ret = mt_buf_printf(&p->text, p->err, "%s", name);
    for (int i = 0; labels[i] && p->ret == 0; i += 2) {
        char *text = escape(labels[i + 1]);
        p->ret = mt_buf_printf(&p->text, p->err, "%s%s=\"%s\"", i ? "," : "{", labels[i], text);
        free(text);
    }
    if (p->ret == 0)
        p->ret = mt_buf_printf(&p->text, p->err, "%s %.15g\n", labels[0] ? "}" : "", value);
}

/* One sample for each row, its labels from the columns of those names. */
static void samples(struct page *p, const char *name, const json_t *rows, const char *column,
                    double unit, const char *const labels[])
{
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        const char *pairs[9] = {NULL};
        for (int k = 0; labels[k] && k < 4; k++) {
            pairs[2 * k] = labels[k];
            pairs[2 * k + 1] = mt_json_str(row, labels[k], "");
        }
        sample(p, name, pairs, mt_json_num(row, column, 0) * unit);
    }
}

/* --- the queue --- */

static json_t *rows_of(struct mt_status *s, struct page *p, const char *sql)
{
    json_t *rows = p->ret == 0 ? mt_db_rows(s->db, p->err, sql, "") : NULL;

    if (!rows)
        p->ret = -1;
    return rows;
}

static void add_queue(struct mt_status *s, struct page *p)
{
    static const char *const labels[] = {"type", "status", NULL};
    json_t *rows =
        rows_of(s, p,
                "SELECT job_type AS type, status, count(*) AS n, min(created_at) AS oldest"
                " FROM processing_jobs WHERE status IN ('pending', 'processing')"
                " GROUP BY status, job_type ORDER BY status, job_type");
    size_t i;
    json_t *row;

    head(p, "media_queue_jobs", "gauge", "Jobs that wait or run.");
    samples(p, "media_queue_jobs", rows, "n", 1, labels);
    head(p, "media_queue_oldest_age_seconds", "gauge",
         "How long ago the oldest job that waits or runs was submitted.");
    json_array_foreach(rows, i, row)
    {
        json_t *ms = mt_status_took(row, "oldest", NULL);
        const char *const pairs[] = {"type", mt_json_str(row, "type", ""), "status",
                                     mt_json_str(row, "status", ""), NULL};
        sample(p, "media_queue_oldest_age_seconds", pairs, json_number_value(ms) / 1000);
        json_decref(ms);
    }
    json_decref(rows);
}

/* --- what was done --- */

static void add_ends(struct mt_status *s, struct page *p)
{
    static const char *const ends[] = {"type", "status", "outcome", NULL};
    static const char *const causes[] = {"type", "code", NULL};
    json_t *rows =
        rows_of(s, p,
                "SELECT job_type AS type, status, outcome, SUM(n) AS n FROM job_totals"
                " GROUP BY job_type, status, outcome ORDER BY job_type, status, outcome");

    head(p, "media_jobs_finished_total", "counter",
         "Jobs that have ended; one that was tried again ends more than once.");
    samples(p, "media_jobs_finished_total", rows, "n", 1, ends);
    json_decref(rows);
    rows = rows_of(s, p,
                   "SELECT job_type AS type, code, SUM(n) AS n FROM job_totals"
                   " WHERE status IN ('failed', 'dead') GROUP BY job_type, code"
                   " ORDER BY job_type, code");
    head(p, "media_job_failures_total", "counter", "Jobs that have failed, by cause.");
    samples(p, "media_job_failures_total", rows, "n", 1, causes);
    json_decref(rows);
}

static void add_work(struct mt_status *s, struct page *p)
{
    static const char *const labels[] = {"type", NULL};
    json_t *rows = rows_of(s, p,
                           "SELECT job_type AS type, SUM(took_ms) AS took, SUM(media_ms) AS media"
                           " FROM job_totals WHERE status = 'completed' GROUP BY job_type"
                           " ORDER BY job_type");
    size_t i;
    json_t *row;

    head(p, "media_work_seconds_total", "counter", "Time spent on jobs that were completed.");
    samples(p, "media_work_seconds_total", rows, "took", 1e-3, labels);
    head(p, "media_processed_seconds_total", "counter",
         "Media seconds that completed jobs have worked through.");
    samples(p, "media_processed_seconds_total", rows, "media", 1e-3, labels);
    head(p, "media_speed_ratio", "gauge", "Media seconds per second of work, over all time.");
    json_array_foreach(rows, i, row)
    {
        const char *const pairs[] = {"type", mt_json_str(row, "type", ""), NULL};
        double took = mt_json_num(row, "took", 0);
        if (took > 0)
            sample(p, "media_speed_ratio", pairs, mt_json_num(row, "media", 0) / took);
    }
    json_decref(rows);
}

/* The buckets of one type: rows from first on that are of it. Returns the first of the next. */
static size_t add_histogram(struct page *p, const json_t *rows, size_t first)
{
    static const char name[] = "media_job_duration_seconds";
    const char *type = mt_json_str(json_array_get(rows, first), "type", "");
    double n[BOUNDS + 1] = {0}, sum = 0, count = 0;
    char bucket[64], part[64], le[24];
    size_t i = first;

    for (; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        int64_t at = mt_json_int(row, "le_s", 0);
        int k = 0;
        if (strcmp(mt_json_str(row, "type", ""), type) != 0)
            break;
        while (k < BOUNDS && bounds[k] != at)
            k++;
        n[k] += mt_json_num(row, "n", 0);
        sum += mt_json_num(row, "took", 0) / 1000;
    }
    snprintf(bucket, sizeof bucket, "%s_bucket", name);
    for (int k = 0; k <= BOUNDS; k++) {
        snprintf(le, sizeof le, "%d", k < BOUNDS ? bounds[k] : 0);
        count += n[k];
        const char *const pairs[] = {"type", type, "le", k < BOUNDS ? le : "+Inf", NULL};
        sample(p, bucket, pairs, count);
    }
    const char *const pairs[] = {"type", type, NULL};
    snprintf(part, sizeof part, "%s_sum", name);
    sample(p, part, pairs, sum);
    snprintf(part, sizeof part, "%s_count", name);
    sample(p, part, pairs, count);
    return i;
}

static void add_durations(struct mt_status *s, struct page *p)
{
    json_t *rows = rows_of(s, p,
                           "SELECT job_type AS type, le_s, SUM(n) AS n, SUM(took_ms) AS took"
                           " FROM job_totals WHERE le_s <> -1 GROUP BY job_type, le_s"
                           " ORDER BY job_type, le_s");

    head(p, "media_job_duration_seconds", "histogram",
         "How long jobs took that have ended, however they did.");
    for (size_t i = 0; i < json_array_size(rows) && p->ret == 0;)
        i = add_histogram(p, rows, i);
    json_decref(rows);
}

/* --- what is there --- */

static void add_stored(struct mt_status *s, struct page *p)
{
    static const char *const classes[] = {"class", "kind", NULL};
    static const char *const assets[] = {"type", "status", NULL};
    json_t *rows = rows_of(s, p,
                           "SELECT class, kind, SUM(bytes) AS bytes, SUM(n) AS n FROM stored_totals"
                           " WHERE status IN ('completed', 'held', 'rejected')"
                           " GROUP BY class, kind HAVING SUM(n) > 0 ORDER BY class, kind");

    head(p, "media_stored_bytes", "gauge", "Bytes of originals and of what was made from them.");
    samples(p, "media_stored_bytes", rows, "bytes", 1, classes);
    head(p, "media_stored_objects", "gauge", "How many of them there are.");
    samples(p, "media_stored_objects", rows, "n", 1, classes);
    json_decref(rows);
    rows = rows_of(s, p,
                   "SELECT type, status, SUM(n) AS n FROM stored_totals"
                   " WHERE kind = 'original' GROUP BY type, status HAVING SUM(n) > 0"
                   " ORDER BY type, status");
    head(p, "media_assets", "gauge", "Assets, by type and status.");
    samples(p, "media_assets", rows, "n", 1, assets);
    json_decref(rows);
}

static void add_machine(struct mt_status *s, struct page *p)
{
    static const char *const none[] = {NULL};
    static const char *const build[] = {"version", MT_VERSION, NULL};
    int64_t age = mt_signature_age(mt_signature_dir(s));

    if (age >= 0) {
        head(p, "media_scanner_signature_age_seconds", "gauge",
             "How old the newest virus signatures are.");
        sample(p, "media_scanner_signature_age_seconds", none, (double)age);
    }
    head(p, "media_build_info", "gauge", "Which version of media-toolkit this is; always 1.");
    sample(p, "media_build_info", build, 1);
}

static int deliver(struct mt_status *s, const struct page *p, struct mt_err *err)
{
    if (s->output) {
        mt_signals_at_once(false);
        return mt_write_file(s->output, p->text.data, p->text.len, err);
    }
    fwrite(p->text.data, 1, p->text.len, s->out);
    return mt_status_check(s, err);
}

int mt_status_metrics(struct mt_status *s, struct mt_err *err)
{
    struct page p = {.err = err};

    if (mt_status_no_operands(s, err) < 0 || mt_status_open(s, err) < 0 ||
        mt_db_begin(s->db, false, err) < 0)
        return -1;
    mt_buf_init(&p.text, TEXT_MAX);
    add_queue(s, &p);
    add_ends(s, &p);
    add_durations(s, &p);
    add_work(s, &p);
    add_stored(s, &p);
    add_machine(s, &p);
    mt_db_rollback(s->db);
    int ret = p.ret == 0 ? deliver(s, &p, err) : -1;
    mt_buf_free(&p.text);
    return ret;
}
