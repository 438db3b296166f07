/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_asset.c - what is recorded of one asset, on one axis of time where it has a time. */
#include "status/report.h"

#include "base/clock.h"
#include "base/mem.h"
#include "catalog/document.h"
#include "catalog/job.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { SPANS_MAX = 5000, CURVE_MAX = 1000000 };

/* --- what happens when --- */

/* Where each lane's spans are, and what names one of them. */
static const struct {
    const char *lane;
    const char *path;
    const char *label;
    const char *at; /* the member with the time, of things that have no end */
} sources[] = {
    {"scenes", "analysis.scenes", NULL, NULL},
    {"chapters", "asset.metadata.chapters", "title", NULL},
    {"cues", "analysis.transcription.timestamps", "text", NULL},
    {"silence", "analysis.silence", NULL, NULL},
    {"black", "analysis.black", NULL, NULL},
    {"freeze", "analysis.freeze", NULL, NULL},
    {"damage", "asset.metadata.damage.issues", "detail", NULL},
    {"thumbnails", "thumbnails", NULL, "timestamp"},
};

/* A span with its times, or NULL where the entry has none. New. */
static json_t *span_of(const json_t *entry, const char *label, const char *at)
{
    double start = mt_json_num(entry, at ? at : "start", mt_json_num(entry, "start_s", -1));
    double end = at ? start : mt_json_num(entry, "end", mt_json_num(entry, "end_s", start));

    if (!(start >= 0) || !(end >= start) || end > 1e9)
        return NULL;
    json_t *span = json_object();
    json_object_set_new(span, "start", mt_json_real(start, 6));
    json_object_set_new(span, "end", mt_json_real(end, 6));
    if (label && mt_json_str(entry, label, NULL))
        json_object_set(span, "label", json_object_get(entry, label));
    return span;
}

/* Whether the span is where the last one was: a thumbnail in a second format. */
static bool is_repeated(const json_t *spans, const json_t *span)
{
    size_t n = json_array_size(spans);

    return n > 0 && json_equal(json_array_get(spans, n - 1), span);
}

static json_t *spans_of(const json_t *entries, const char *label, const char *at)
{
    json_t *spans = json_array();
    size_t i;
    json_t *entry;

    json_array_foreach((json_t *)(uintptr_t)entries, i, entry)
    {
        json_t *span = span_of(entry, label, at);
        if (span && json_array_size(spans) < SPANS_MAX && !is_repeated(spans, span))
            json_array_append(spans, span);
        json_decref(span);
    }
    return spans;
}

static int compare_starts(const void *a, const void *b)
{
    double x = mt_json_num(*(json_t *const *)a, "start", 0);
    double y = mt_json_num(*(json_t *const *)b, "start", 0);

    return (x > y) - (x < y);
}

/* The same spans in the order of time. Takes spans; new. */
static json_t *in_order(json_t *spans)
{
    size_t n = json_array_size(spans);
    json_t **list = mt_alloc((n + 1) * sizeof *list);
    json_t *sorted = json_array();

    for (size_t i = 0; i < n; i++)
        list[i] = json_array_get(spans, i);
    qsort(list, n, sizeof *list, compare_starts);
    for (size_t i = 0; i < n; i++)
        json_array_append(sorted, list[i]);
    free(list);
    json_decref(spans);
    return sorted;
}

/* The worst frames of all renditions, each with the name of its own. New; NULL if there are none.
 */
static json_t *worst_frames(const json_t *doc)
{
    json_t *spans = json_array();
    size_t i, k;
    json_t *variant, *frame;

    json_array_foreach(mt_json_at(doc, "variants"), i, variant)
    {
        json_array_foreach(mt_json_at(variant, "score.worst"), k, frame)
        {
            json_t *span = span_of(frame, NULL, "time_s");
            char *label = mt_asprintf("%.40s: %.4g", mt_json_str(variant, "quality", "?"),
                                      mt_json_num(frame, "value", 0));
            if (span)
                json_object_set_new(span, "label", mt_json_text(label));
            if (span && json_array_size(spans) < SPANS_MAX)
                json_array_append(spans, span);
            json_decref(span);
            free(label);
        }
    }
    if (json_array_size(spans) > 0)
        return in_order(spans);
    json_decref(spans);
    return NULL;
}

/* One lane for each thing that was looked for, be it found or not. New. */
static json_t *lanes_of(const json_t *doc)
{
    json_t *lanes = json_array();

    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        json_t *entries = mt_json_at(doc, sources[i].path);
        if (!json_is_array(entries))
            continue;
        json_array_append_new(
            lanes, json_pack("{s:s, s:o}", "lane", sources[i].lane, "spans",
                             in_order(spans_of(entries, sources[i].label, sources[i].at))));
    }
    json_t *worst = worst_frames(doc);
    if (worst)
        json_array_append_new(lanes, json_pack("{s:s, s:o}", "lane", "worst", "spans", worst));
    return lanes;
}

/* --- figures over time --- */

/* A curve as {"step_s", "values"}, or NULL where none is recorded. New. */
static json_t *curve_of(const json_t *doc, const char *path, const char *member)
{
    json_t *series = mt_json_at(doc, path);
    json_t *values = json_object_get(series, member);
    double step = mt_json_num(series, "step_s", 0);
    size_t i;
    json_t *value;

    if (!(step > 0) || step > 1e6 || json_array_size(values) == 0 ||
        json_array_size(values) > CURVE_MAX)
        return NULL;
    json_array_foreach(values, i, value)
    {
        if (!json_is_number(value) && !json_is_null(value))
            return NULL;
    }
    return json_pack("{s:f, s:O}", "step_s", step, "values", values);
}

/* Sets the curve, or says that there is none. */
static void set_curve(json_t *report, const char *name, json_t *curve)
{
    json_t *absent = json_object_get(report, "not_recorded");

    if (!curve)
        json_array_append_new(absent, json_string(name));
    json_object_set_new(json_object_get(report, "curves"), name, curve ? curve : json_null());
}

static bool has_score(const json_t *doc)
{
    size_t i;
    json_t *v;

    json_array_foreach(json_object_get(doc, "variants"), i, v)
    {
        if (mt_json_at(v, "score.value"))
            return true;
    }
    return false;
}

/* --- the whole --- */

static json_t *jobs_of(struct mt_status *s, const char *id, struct mt_err *err)
{
    const struct mt_job_filter filter = {.asset_id = id};
    const struct mt_page page = {.limit = MT_PAGE_MAX};
    char *next = NULL;
    json_t *rows = mt_job_list(s->db, &filter, &page, &next, err);
    json_t *jobs = rows ? json_array() : NULL;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        json_array_append_new(jobs, mt_status_job_body(row));
    }
    json_decref(rows);
    free(next);
    return jobs;
}

json_t *mt_report_asset(struct mt_status *s, const char *id, struct mt_err *err)
{
    char now[MT_TIME_TEXT];
    json_t *doc = mt_document_of_asset(s->db, s->store, id, err);
    json_t *jobs = doc ? jobs_of(s, mt_json_str(doc, "asset.id", ""), err) : NULL;

    if (!jobs) {
        json_decref(doc);
        return NULL;
    }
    json_t *report =
        json_pack("{s:i, s:s, s:s, s:O, s:o, s:o, s:{}, s:[]}", "schema", MT_DOC_SCHEMA, "report",
                  "asset", "generated_at", mt_time_text(mt_now_us(), now), "document", doc, "jobs",
                  jobs, "lanes", lanes_of(doc), "curves", "not_recorded");
    set_curve(report, "loudness", curve_of(doc, "analysis.loudness.over_time", "lufs"));
    set_curve(report, "bit_rate", curve_of(doc, "asset.metadata.bit_rate_over_time", "bps"));
    if (!has_score(doc))
        json_array_append_new(json_object_get(report, "not_recorded"), json_string("score"));
    json_decref(doc);
    return report;
}
