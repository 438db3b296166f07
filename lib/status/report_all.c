/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_all.c - the figures of everything that was created in a period.
 *
 * Each table is read once, in its own order: on a million jobs that takes a
 * quarter of what grouping in SQL takes, which sorts once for each question,
 * and it needs no index that every writer would pay for.
 */
#include "status/report.h"

#include "base/clock.h"
#include "base/mem.h"
#include "doc/doc.h"
#include "status/tally.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { STAGES_MAX = 32, USERS_MAX = 200000, DAYS_MAX = 40000 };

struct stage {
    char *name;
    json_t *counts;        /* by status */
    int64_t media_ms;      /* of the films in jobs whose length is known ... */
    int64_t busy_ms;       /* ... and what those jobs took */
    struct mt_tally took;  /* ms */
    struct mt_tally speed; /* thousandths of real time */
};

struct count {
    const struct mt_period *period;
    json_t *by_day, *by_user, *causes;
    json_t *media_in, *media_out, *by_class, *by_kind, *assets_by_status, *assets_by_type;
    struct mt_lengths lengths;
    struct stage *stages;
    int n_stages;
    int64_t jobs;
    int64_t duplicates, saved; /* files that were there already, and their bytes */
    char day[11];              /* the last one met, and its counts: jobs come mostly in order */
    json_t *day_counts;
};

/* --- sums --- */

static void add(json_t *object, const char *name, int64_t n)
{
    json_t *sum = json_object_get(object, name);

    if (sum)
        json_integer_set(sum, json_integer_value(sum) + n);
    else
        json_object_set_new(object, name, json_integer(n));
}

/* The object called name, made if there is none and not too many others; else that of "". */
static json_t *below(json_t *object, const char *name, size_t most)
{
    json_t *part = json_object_get(object, name);

    if (!part && json_object_size(object) >= most) {
        name = "";
        part = json_object_get(object, name);
    }
    if (!part) {
        part = json_object();
        json_object_set_new(object, name, part);
    }
    return part;
}

static const char *text_at(const struct mt_db_row *row, int i, const char *fallback)
{
    return row->values[i].text ? row->values[i].text : fallback;
}

static int64_t number_at(const struct mt_db_row *row, int i)
{
    const struct mt_db_value *v = &row->values[i];

    if (v->type == MT_DB_REAL)
        return v->r > -9e15 && v->r < 9e15 ? (int64_t)v->r : 0;
    return v->type == MT_DB_INT ? v->i : 0;
}

static bool in_period(const struct count *c, const char *time)
{
    return (!c->period->since || strcmp(time, c->period->since) >= 0) &&
           (!c->period->until || strcmp(time, c->period->until) < 0);
}

static void add_media(json_t *sums, const char *what, int64_t bytes, int64_t ms)
{
    add(sums, what, 1);
    add(sums, "bytes", bytes);
    add(sums, "media_ms", ms > 0 ? ms : 0);
}

/* --- assets --- */

enum { A_ID, A_TYPE, A_STATUS, A_CLASS, A_USER, A_SIZE, A_SECONDS, A_CREATED };

static int64_t asset_ms(const struct mt_db_row *row)
{
    const struct mt_db_value *v = &row->values[A_SECONDS];
    double seconds = v->type == MT_DB_REAL ? v->r : v->type == MT_DB_INT ? (double)v->i : 0;

    return seconds > 0 && seconds < 1e9 ? (int64_t)(seconds * 1000) : 0;
}

static int count_asset(void *ctx, const struct mt_db_row *row, struct mt_err *err)
{
    struct count *c = ctx;
    const char *status = text_at(row, A_STATUS, "pending");
    int64_t bytes = number_at(row, A_SIZE);
    int64_t ms = asset_ms(row);

    (void)err;
    mt_lengths_set(&c->lengths, text_at(row, A_ID, ""), ms, bytes);
    if (!in_period(c, text_at(row, A_CREATED, "")))
        return 0;
    add(c->assets_by_status, status, 1);
    if (strcmp(status, "completed") != 0 && strcmp(status, "held") != 0)
        return 0;
    json_t *class = below(c->by_class, text_at(row, A_CLASS, "STANDARD"), STAGES_MAX);
    json_t *original = below(c->by_kind, "original", STAGES_MAX);
    add(c->assets_by_type, text_at(row, A_TYPE, ""), 1);
    add_media(c->media_in, "assets", bytes, ms);
    add(class, "objects", 1);
    add(class, "bytes", bytes);
    add(original, "objects", 1);
    add(original, "bytes", bytes);
    add_media(below(c->by_user, text_at(row, A_USER, ""), USERS_MAX), "assets", bytes, ms);
    return 0;
}

#define ASSETS(seconds)                                                                            \
    "SELECT id, content_type, upload_status, storage_class, uploaded_by, file_size, " seconds      \
    " AS seconds, created_at FROM media_assets"

static int count_assets(struct mt_status *s, struct count *c, struct mt_err *err)
{
    if (mt_db_dialect(s->db) == MT_DB_POSTGRESQL)
        return mt_db_each(s->db, count_asset, c, err,
                          ASSETS("CAST(metadata ->> 'duration' AS double precision)"), "");
    return mt_db_each(s->db, count_asset, c, err, ASSETS("json_extract(metadata, '$.duration')"),
                      "");
}

/* --- renditions --- */

static int count_variant(void *ctx, const struct mt_db_row *row, struct mt_err *err)
{
    struct count *c = ctx;
    const char *kind = text_at(row, 0, "");
    bool film = strcmp(kind, "thumbnail") != 0;

    (void)err;
    if (strcmp(text_at(row, 3, ""), "completed") != 0 || !in_period(c, text_at(row, 4, "")))
        return 0;
    int64_t bytes = number_at(row, 1);
    json_t *sums = below(c->by_kind, kind, STAGES_MAX);
    add(sums, "objects", 1);
    add(sums, "bytes", bytes);
    add_media(c->media_out, "renditions", bytes, film ? number_at(row, 2) * 1000 : 0);
    return 0;
}

static int count_variants(struct mt_status *s, struct count *c, struct mt_err *err)
{
    return mt_db_each(s->db, count_variant, c, err,
                      "SELECT variant_type, file_size, duration, processing_status, created_at"
                      " FROM media_variants",
                      "");
}

/* --- jobs --- */

enum { J_TYPE, J_STATUS, J_USER, J_CREATED, J_STARTED, J_ENDED, J_ASSET, J_ERROR, J_SKIPPED };

/* The stage of that type; of further types than there may be, the last one. */
static struct stage *stage_of(struct count *c, const char *type)
{
    for (int i = 0; i < c->n_stages; i++)
        if (strcmp(c->stages[i].name, type) == 0)
            return &c->stages[i];
    if (c->n_stages == STAGES_MAX)
        return &c->stages[STAGES_MAX - 1];
    struct stage *stage = &c->stages[c->n_stages++];
    stage->name = c->n_stages == STAGES_MAX ? mt_strdup("other") : mt_strdup(type);
    stage->counts = json_object();
    return stage;
}

static void count_work(struct count *c, struct stage *stage, const struct mt_db_row *row)
{
    int64_t ms = mt_span_ms(row->values[J_STARTED].text, row->values[J_ENDED].text);
    const char *id = row->values[J_ASSET].text;
    const struct mt_length *asset = id ? mt_lengths_get(&c->lengths, id) : NULL;

    if (number_at(row, J_SKIPPED) && asset) {
        c->duplicates++;
        c->saved += asset->bytes;
    }
    if (ms < 0)
        return;
    mt_tally_add(&stage->took, ms);
    if (!asset || asset->ms == 0 || ms == 0)
        return;
    stage->media_ms += asset->ms;
    stage->busy_ms += ms;
    mt_tally_add(&stage->speed, (int64_t)((double)asset->ms * 1000 / (double)ms));
}

static void count_cause(struct count *c, const char *error)
{
    struct mt_err ignored;
    json_t *parsed = error ? mt_json_parse("error", error, strlen(error), &ignored) : NULL;

    add(c->causes, mt_json_str(parsed, "code", "failed"), 1);
    json_decref(parsed);
}

static json_t *day_of(struct count *c, const char *created)
{
    if (!c->day_counts || strncmp(created, c->day, 10) != 0) {
        *c->day = '\0';
        strncat(c->day, created, 10);
        c->day_counts = below(c->by_day, c->day, DAYS_MAX);
    }
    return c->day_counts;
}

static int count_job(void *ctx, const struct mt_db_row *row, struct mt_err *err)
{
    struct count *c = ctx;
    const char *status = text_at(row, J_STATUS, "pending");
    bool failed = strcmp(status, "failed") == 0 || strcmp(status, "dead") == 0;
    json_t *user = below(c->by_user, text_at(row, J_USER, ""), USERS_MAX);
    struct stage *stage = stage_of(c, text_at(row, J_TYPE, ""));

    (void)err;
    c->jobs++;
    add(stage->counts, status, 1);
    add(day_of(c, text_at(row, J_CREATED, "")), status, 1);
    add(user, "jobs", 1);
    if (failed) {
        add(user, "failed", 1);
        count_cause(c, row->values[J_ERROR].text);
    } else if (strcmp(status, "completed") == 0) {
        count_work(c, stage, row);
    }
    return 0;
}

#define JOBS                                                                                       \
    "SELECT job_type, status, submitted_by, created_at, started_at, completed_at, media_asset_id," \
    " CASE WHEN status IN ('failed', 'dead') THEN error END AS error_json,"                        \
    " CASE WHEN job_type = 'ingest' AND status = 'completed' AND"                                  \
    " CAST(output_results AS TEXT) LIKE '%\"status\":%\"skipped\"%' THEN 1 END AS skipped"         \
    " FROM processing_jobs"

static int count_jobs(struct mt_status *s, struct count *c, struct mt_err *err)
{
    const struct mt_period *p = c->period;

    if (!p->since && !p->until)
        return mt_db_each(s->db, count_job, c, err, JOBS, "");
    return mt_db_each(s->db, count_job, c, err, JOBS " WHERE created_at >= $1 AND created_at < $2",
                      "ss", p->since ? p->since : "0001-01-01T00:00:00.000Z",
                      p->until ? p->until : "9999-12-31T23:59:59.999Z");
}

/* --- the whole --- */

static json_t *ratio(int64_t media_ms, int64_t busy_ms)
{
    return busy_ms > 0 ? mt_json_real((double)media_ms / (double)busy_ms, 3) : json_null();
}

static json_t *stages_json(const struct count *c)
{
    json_t *stages = json_object();

    for (int i = 0; i < c->n_stages; i++) {
        const struct stage *stage = &c->stages[i];
        json_t *one = json_object();
        json_object_set_new(one, "jobs", json_integer(stage->took.n));
        json_object_set_new(one, "busy_s", mt_json_real((double)stage->took.sum / 1e3, 3));
        json_object_set_new(one, "took_s", mt_tally_json(&stage->took, 1e3));
        json_object_set_new(one, "media_s", mt_json_real((double)stage->media_ms / 1e3, 3));
        json_object_set_new(one, "media_s_per_s", ratio(stage->media_ms, stage->busy_ms));
        json_object_set_new(one, "speed", mt_tally_json(&stage->speed, 1e3));
        json_object_set_new(stages, stage->name, one);
    }
    return stages;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Days in order, each {"day", status: n ...}. */
static json_t *days_json(const json_t *by_day)
{
    size_t n = json_object_size(by_day);
    const char **names = mt_alloc((n + 1) * sizeof *names);
    json_t *days = json_array();
    const char *name;
    json_t *counts;
    size_t i = 0;

    json_object_foreach((json_t *)(uintptr_t)by_day, name, counts)
    {
        names[i++] = name;
    }
    qsort(names, n, sizeof *names, compare_names);
    for (i = 0; i < n; i++) {
        json_t *day = json_pack("{s:s}", "day", names[i]);
        json_object_update(day, json_object_get(by_day, names[i]));
        json_array_append_new(days, day);
    }
    free(names);
    return days;
}

/* An object's parts as an array, those with the greatest member first. */
struct part {
    const char *name;
    json_t *value;
    int64_t weight;
};

static int compare_parts(const void *a, const void *b)
{
    const struct part *x = a;
    const struct part *y = b;

    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return strcmp(x->name, y->name);
}

static struct part *sorted_parts(const json_t *object, const char *member)
{
    struct part *parts = mt_alloc((json_object_size(object) + 1) * sizeof *parts);
    size_t i = 0;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        parts[i++] = (struct part){
            name, value, member ? mt_json_int(value, member, 0) : json_integer_value(value)};
    }
    qsort(parts, i, sizeof *parts, compare_parts);
    return parts;
}

static json_t *causes_json(const json_t *causes)
{
    struct part *parts = sorted_parts(causes, NULL);
    json_t *list = json_array();

    for (size_t i = 0; i < json_object_size(causes); i++) {
        enum mt_code code = mt_code_by_name(parts[i].name);
        json_array_append_new(list, json_pack("{s:s, s:I, s:b, s:s}", "code", parts[i].name, "jobs",
                                              (json_int_t)parts[i].weight, "retryable",
                                              (int)mt_code_retryable(code), "meaning",
                                              mt_code_meaning(code)));
    }
    free(parts);
    return list;
}

static json_t *user_json(struct mt_status *s, const char *id, const json_t *sums)
{
    struct mt_err ignored;
    json_t *row =
        *id ? mt_db_row(s->db, &ignored, "SELECT name FROM users WHERE id = $1", "s", id) : NULL;
    json_t *user = json_object();

    json_object_set_new(user, "user_id", *id ? mt_json_text(id) : json_null());
    json_object_set_new(user, "name", mt_json_text(mt_json_str(row, "name", NULL)));
    json_object_set_new(user, "jobs", json_integer(mt_json_int(sums, "jobs", 0)));
    json_object_set_new(user, "failed", json_integer(mt_json_int(sums, "failed", 0)));
    json_object_set_new(user, "assets", json_integer(mt_json_int(sums, "assets", 0)));
    json_object_set_new(user, "bytes", json_integer(mt_json_int(sums, "bytes", 0)));
    json_object_set_new(user, "media_s",
                        mt_json_real((double)mt_json_int(sums, "media_ms", 0) / 1e3, 3));
    json_decref(row);
    return user;
}

static json_t *users_json(struct mt_status *s, const json_t *by_user)
{
    struct part *parts = sorted_parts(by_user, "jobs");
    json_t *list = json_array();
    size_t n = json_object_size(by_user);

    for (size_t i = 0; i < n && i < MT_REPORT_USERS; i++)
        json_array_append_new(list, user_json(s, parts[i].name, parts[i].value));
    free(parts);
    return list;
}

static json_t *media_json(const json_t *sums, const char *what)
{
    return json_pack("{s:I, s:I, s:o}", what, (json_int_t)mt_json_int(sums, what, 0), "bytes",
                     (json_int_t)mt_json_int(sums, "bytes", 0), "media_s",
                     mt_json_real((double)mt_json_int(sums, "media_ms", 0) / 1e3, 3));
}

static json_t *jobs_json(const struct count *c)
{
    json_t *by_status = json_object();
    json_t *by_type = json_object();
    const char *status;
    json_t *n;

    for (int i = 0; i < c->n_stages; i++) {
        json_object_set(by_type, c->stages[i].name, c->stages[i].counts);
        json_object_foreach(c->stages[i].counts, status, n)
        {
            add(by_status, status, json_integer_value(n));
        }
    }
    return json_pack("{s:I, s:o, s:o, s:o}", "total", (json_int_t)c->jobs, "by_status", by_status,
                     "by_type", by_type, "by_day", days_json(c->by_day));
}

static json_t *report_json(struct mt_status *s, struct count *c)
{
    char now[MT_TIME_TEXT];
    json_t *report = json_pack(
        "{s:i, s:s, s:s, s:s?, s:s?, s:o, s:{s:O, s:O}, s:{s:o, s:o}}", "schema", MT_DOC_SCHEMA,
        "report", "all", "generated_at", mt_time_text(mt_now_us(), now), "since", c->period->since,
        "until", c->period->until, "jobs", jobs_json(c), "assets", "by_status", c->assets_by_status,
        "by_type", c->assets_by_type, "media", "in", media_json(c->media_in, "assets"), "out",
        media_json(c->media_out, "renditions"));

    json_object_set_new(report, "users", users_json(s, c->by_user));
    json_object_set_new(report, "users_total",
                        json_integer((json_int_t)json_object_size(c->by_user)));
    json_object_set_new(report, "stages", stages_json(c));
    json_object_set_new(report, "failures", causes_json(c->causes));
    json_object_set_new(report, "storage",
                        json_pack("{s:O, s:O}", "by_class", c->by_class, "by_kind", c->by_kind));
    json_object_set_new(report, "duplicates",
                        json_pack("{s:I, s:I}", "files", (json_int_t)c->duplicates, "saved_bytes",
                                  (json_int_t)c->saved));
    return report;
}

json_t *mt_report_all(struct mt_status *s, const struct mt_period *period, struct mt_err *err)
{
    struct count c = {.period = period};
    json_t **const objects[] = {&c.by_day,   &c.by_user,          &c.causes,
                                &c.media_in, &c.media_out,        &c.by_class,
                                &c.by_kind,  &c.assets_by_status, &c.assets_by_type};
    enum { OBJECTS = sizeof objects / sizeof *objects };
    json_t *report = NULL;

    for (int i = 0; i < OBJECTS; i++)
        *objects[i] = json_object();
    c.stages = mt_alloc(STAGES_MAX * sizeof *c.stages);
    if (mt_db_begin(s->db, false, err) < 0)
        goto out;
    if (count_assets(s, &c, err) == 0 && count_variants(s, &c, err) == 0 &&
        count_jobs(s, &c, err) == 0)
        report = report_json(s, &c);
    mt_db_rollback(s->db);
out:
    for (int i = 0; i < OBJECTS; i++)
        json_decref(*objects[i]);
    for (int i = 0; i < c.n_stages; i++) {
        json_decref(c.stages[i].counts);
        free(c.stages[i].name);
    }
    mt_lengths_free(&c.lengths);
    free(c.stages);
    return report;
}
