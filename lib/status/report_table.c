/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_table.c - the report for people at a terminal. */
#include "status/report.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIGURE = 32 };

static char *seconds(double s, char out[MT_FIGURE])
{
    *out = '\0';
    return s < 0 || s > 9e9 ? out : mt_show_duration((int64_t)(s * 1e6), out);
}

static char *whole(int64_t n, char out[FIGURE])
{
    snprintf(out, FIGURE, "%lld", (long long)n);
    return out;
}

static void field(const struct mt_table_style *style, const char *label, char *text)
{
    mt_table_field(style, label, text);
    free(text);
}

static void show_head(const struct mt_table_style *style, const json_t *r)
{
    char bytes[MT_FIGURE];
    char length[MT_FIGURE];
    char *since = mt_strndup(mt_json_str(r, "since", "the beginning"), 16);
    char *until = mt_strndup(mt_json_str(r, "until", "now"), 16);

    field(style, "Period", mt_asprintf("%s to %s", since, until));
    field(style, "Jobs", mt_asprintf("%lld", (long long)mt_json_int(r, "jobs.total", 0)));
    field(style, "In",
          mt_asprintf("%lld assets, %s, %s", (long long)mt_json_int(r, "media.in.assets", 0),
                      mt_show_bytes(mt_json_int(r, "media.in.bytes", 0), bytes),
                      seconds(mt_json_num(r, "media.in.media_s", 0), length)));
    field(style, "Out",
          mt_asprintf("%lld renditions, %s, %s",
                      (long long)mt_json_int(r, "media.out.renditions", 0),
                      mt_show_bytes(mt_json_int(r, "media.out.bytes", 0), bytes),
                      seconds(mt_json_num(r, "media.out.media_s", 0), length)));
    field(style, "Duplicates",
          mt_asprintf("%lld, %s saved", (long long)mt_json_int(r, "duplicates.files", 0),
                      mt_show_bytes(mt_json_int(r, "duplicates.saved_bytes", 0), bytes)));
    free(until);
    free(since);
}

static void finish(const struct mt_table_style *style, struct mt_table *table)
{
    if (table->rows > 0)
        fputc('\n', style->out);
    mt_table_print(table, style);
    mt_table_free(table);
}

static void show_statuses(const struct mt_table_style *style, const json_t *r)
{
    static const struct mt_column columns[] = {{.title = "STATUS", .status = true},
                                               {.title = "JOBS", .right = true, .rank = 1}};
    struct mt_table table;
    const char *name;
    json_t *n;

    mt_table_init(&table, columns, 2);
    json_object_foreach(mt_json_at(r, "jobs.by_status"), name, n)
    {
        char figure[FIGURE];
        mt_table_add(&table, (const char *const[]){name, whole(json_integer_value(n), figure)});
    }
    finish(style, &table);
}

static void show_stages(const struct mt_table_style *style, const json_t *r)
{
    static const struct mt_column columns[] = {
        {.title = "STAGE", .least = 8},
        {.title = "JOBS", .right = true, .rank = 4},
        {.title = "P50", .right = true, .rank = 1},
        {.title = "P90", .right = true, .rank = 3},
        {.title = "P99", .right = true, .rank = 2},
        {.title = "SPEED", .right = true, .rank = 5},
    };
    struct mt_table table;
    const char *name;
    json_t *stage;

    mt_table_init(&table, columns, 6);
    json_object_foreach(mt_json_at(r, "stages"), name, stage)
    {
        char jobs[FIGURE], p50[MT_FIGURE], p90[MT_FIGURE], p99[MT_FIGURE], speed[FIGURE] = "";
        double rate = mt_json_num(stage, "media_s_per_s", -1);
        if (rate >= 0)
            snprintf(speed, sizeof speed, "%.1fx", rate);
        const char *cells[] = {name,
                               whole(mt_json_int(stage, "jobs", 0), jobs),
                               seconds(mt_json_num(stage, "took_s.p50", -1), p50),
                               seconds(mt_json_num(stage, "took_s.p90", -1), p90),
                               seconds(mt_json_num(stage, "took_s.p99", -1), p99),
                               speed};
        mt_table_add(&table, cells);
    }
    finish(style, &table);
}

static void show_failures(const struct mt_table_style *style, const json_t *r)
{
    static const struct mt_column columns[] = {{.title = "CAUSE", .least = 8},
                                               {.title = "JOBS", .right = true, .rank = 1},
                                               {.title = "MEANING", .least = 12, .rank = 2}};
    struct mt_table table;
    size_t i;
    json_t *cause;

    mt_table_init(&table, columns, 3);
    json_array_foreach(mt_json_at(r, "failures"), i, cause)
    {
        char figure[FIGURE];
        mt_table_add(&table, (const char *const[]){mt_json_str(cause, "code", ""),
                                                   whole(mt_json_int(cause, "jobs", 0), figure),
                                                   mt_json_str(cause, "meaning", "")});
    }
    finish(style, &table);
}

static void show_storage(const struct mt_table_style *style, const json_t *r, const char *path,
                         const char *title)
{
    const struct mt_column columns[] = {{.title = title, .least = 8},
                                        {.title = "OBJECTS", .right = true, .rank = 2},
                                        {.title = "SIZE", .right = true, .rank = 1}};
    struct mt_table table;
    const char *name;
    json_t *sums;

    mt_table_init(&table, columns, 3);
    json_object_foreach(mt_json_at(r, path), name, sums)
    {
        char figure[FIGURE];
        char bytes[MT_FIGURE];
        mt_table_add(&table,
                     (const char *const[]){name, whole(mt_json_int(sums, "objects", 0), figure),
                                           mt_show_bytes(mt_json_int(sums, "bytes", 0), bytes)});
    }
    finish(style, &table);
}

static void show_lanes(const struct mt_table_style *style, const json_t *r)
{
    static const struct mt_column columns[] = {{.title = "LANE"},
                                               {.title = "FROM", .right = true, .rank = 1},
                                               {.title = "TO", .right = true, .rank = 2},
                                               {.title = "WHAT", .least = 8, .rank = 3}};
    struct mt_table table;
    size_t i, k;
    json_t *lane, *span;

    mt_table_init(&table, columns, 4);
    json_array_foreach(mt_json_at(r, "lanes"), i, lane)
    {
        json_array_foreach(json_object_get(lane, "spans"), k, span)
        {
            char from[MT_FIGURE], to[MT_FIGURE];
            mt_table_add(&table, (const char *const[]){mt_json_str(lane, "lane", ""),
                                                       seconds(mt_json_num(span, "start", 0), from),
                                                       seconds(mt_json_num(span, "end", 0), to),
                                                       mt_json_str(span, "label", NULL)});
        }
    }
    finish(style, &table);
}

static void show_asset(const struct mt_table_style *style, const json_t *r)
{
    size_t i;
    json_t *name;

    mt_table_field(style, "Asset", mt_json_str(r, "document.asset.id", ""));
    mt_table_field(style, "Name", mt_json_str(r, "document.asset.original_filename", ""));
    if (mt_json_at(r, "document.analysis.loudness.integrated_lufs"))
        field(style, "Loudness",
              mt_asprintf("%.1f LUFS",
                          mt_json_num(r, "document.analysis.loudness.integrated_lufs", 0)));
    json_array_foreach(mt_json_at(r, "not_recorded"), i, name)
    {
        mt_table_field(style, i ? "" : "No record", json_string_value(name));
    }
    show_lanes(style, r);
}

int mt_report_tables(struct mt_status *s, const json_t *report, struct mt_err *err)
{
    struct mt_table_style style = mt_status_style(s);

    if (strcmp(mt_json_str(report, "report", ""), "all") != 0) {
        show_asset(&style, report);
        return mt_status_check(s, err);
    }
    show_head(&style, report);
    show_statuses(&style, report);
    show_stages(&style, report);
    show_failures(&style, report);
    show_storage(&style, report, "storage.by_class", "CLASS");
    show_storage(&style, report, "storage.by_kind", "KIND");
    return mt_status_check(s, err);
}
