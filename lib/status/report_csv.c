/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_csv.c - the report as CSV (RFC 4180): section, name, measure, value.
 *
 * One figure a line, so that the columns are the same whatever is counted and
 * a spreadsheet can group by any of them.
 */
#include "status/report.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text that a spreadsheet would take for a formula is given as text. */
static void put_text(FILE *out, const char *text)
{
    char *clean = mt_utf8_clean(text, strlen(text));
    bool formula = strchr("=+-@\t\r", *clean) && *clean;

    fputc('"', out);
    if (formula)
        fputc('\'', out);
    for (const char *c = clean; *c; c++) {
        if (*c == '"')
            fputc('"', out);
        fputc(*c, out);
    }
    fputc('"', out);
    free(clean);
}

static void put_value(FILE *out, const json_t *value)
{
    if (json_is_string(value))
        put_text(out, json_string_value(value));
    else if (json_is_integer(value))
        fprintf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        fprintf(out, "%.3f", json_real_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "true" : "false", out);
}

static void put_row(FILE *out, const char *section, const char *name, const char *measure,
                    const json_t *value)
{
    put_text(out, section);
    fputc(',', out);
    put_text(out, name);
    fputc(',', out);
    put_text(out, measure);
    fputc(',', out);
    put_value(out, value);
    fputs("\r\n", out);
}

/* Every figure in the object, those of objects within it as "took_s.p50". */
static void put_figures(FILE *out, const char *section, const char *name, const char *prefix,
                        const json_t *object)
{
    const char *member;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, member, value)
    {
        char *measure = mt_asprintf("%s%s", prefix, member);
        if (json_is_object(value)) {
            char *deeper = mt_asprintf("%s.", measure);
            put_figures(out, section, name, deeper, value);
            free(deeper);
        } else if (!json_is_array(value)) {
            put_row(out, section, name, measure, value);
        }
        free(measure);
    }
}

/* An object of objects, named by their members. */
static void put_parts(FILE *out, const char *section, const json_t *parts)
{
    const char *name;
    json_t *part;

    json_object_foreach((json_t *)(uintptr_t)parts, name, part)
    {
        put_figures(out, section, name, "", part);
    }
}

/* An array of objects, named by one of their members. */
static void put_list(FILE *out, const char *section, const char *key, const json_t *list)
{
    size_t i;
    json_t *entry;

    json_array_foreach((json_t *)(uintptr_t)list, i, entry)
    {
        json_t *rest = json_copy(entry);
        json_object_del(rest, key);
        put_figures(out, section, mt_json_str(entry, key, ""), "", rest);
        json_decref(rest);
    }
}

static void put_all(FILE *out, const json_t *report)
{
    put_figures(out, "jobs by status", "all", "", mt_json_at(report, "jobs.by_status"));
    put_parts(out, "jobs by type", mt_json_at(report, "jobs.by_type"));
    put_list(out, "jobs by day", "day", mt_json_at(report, "jobs.by_day"));
    put_list(out, "users", "user_id", mt_json_at(report, "users"));
    put_figures(out, "assets by status", "all", "", mt_json_at(report, "assets.by_status"));
    put_figures(out, "assets by type", "all", "", mt_json_at(report, "assets.by_type"));
    put_parts(out, "media", mt_json_at(report, "media"));
    put_parts(out, "stages", mt_json_at(report, "stages"));
    put_list(out, "failures", "code", mt_json_at(report, "failures"));
    put_parts(out, "storage by class", mt_json_at(report, "storage.by_class"));
    put_parts(out, "storage by kind", mt_json_at(report, "storage.by_kind"));
    put_figures(out, "duplicates", "all", "", mt_json_at(report, "duplicates"));
}

/* Spans and curves; a span's place in its lane tells those that begin together apart. */
static void put_asset(FILE *out, const json_t *report)
{
    const char *name;
    json_t *part;
    size_t i, k;
    json_t *span;

    put_figures(out, "asset", mt_json_str(report, "document.asset.id", ""), "",
                mt_json_at(report, "document.asset"));
    put_list(out, "renditions", "id", mt_json_at(report, "document.variants"));
    put_list(out, "jobs", "job_id", mt_json_at(report, "jobs"));
    json_array_foreach(mt_json_at(report, "lanes"), i, part)
    {
        json_array_foreach(json_object_get(part, "spans"), k, span)
        {
            char number[24];
            snprintf(number, sizeof number, "%zu", k + 1);
            put_figures(out, mt_json_str(part, "lane", ""), number, "", span);
        }
    }
    json_object_foreach(mt_json_at(report, "curves"), name, part)
    {
        double step = mt_json_num(part, "step_s", 0);
        json_array_foreach(json_object_get(part, "values"), k, span)
        {
            char at[32];
            snprintf(at, sizeof at, "%.3f", step * (double)k);
            put_row(out, name, at, "value", span);
        }
    }
}

int mt_report_csv(struct mt_status *s, const json_t *report, struct mt_err *err)
{
    fputs("section,name,measure,value\r\n", s->out);
    if (strcmp(mt_json_str(report, "report", ""), "all") == 0)
        put_all(s->out, report);
    else
        put_asset(s->out, report);
    return mt_status_check(s, err);
}
