/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why_show.c - a story for people: what, why, where, and what to do. */
#include "status/why.h"

#include "base/mem.h"
#include "base/text.h"
#include "status/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *seconds(const json_t *story, const char *path, char out[MT_FIGURE])
{
    double s = mt_json_num(story, path, -1);

    *out = '\0';
    return s >= 0 && s < 1e9 ? mt_show_duration((int64_t)(s * 1e6), out) : out;
}

static void show_where(const struct mt_table_style *style, const json_t *story)
{
    const char *step = mt_json_str(story, "where.step", NULL);
    const char *stage = mt_json_str(story, "where.stage", "");
    char at[MT_FIGURE];
    char reached[MT_FIGURE];
    char *where = step && strcmp(step, stage) != 0 ? mt_asprintf("%s, in step '%s'", stage, step)
                                                   : mt_strdup(stage);

    mt_table_field(style, "Stage", where);
    mt_table_field(style, "File", mt_json_str(story, "where.file", NULL));
    mt_table_field(style, "Stream", mt_json_str(story, "where.stream", NULL));
    mt_table_field(style, "At", seconds(story, "where.time_s", at));
    mt_table_field(style, "Reached", seconds(story, "where.reached_s", reached));
    free(where);
}

static void show_death(const struct mt_table_style *style, const json_t *story)
{
    char exit_status[24];
    int64_t status = mt_json_int(story, "death.exit_status", -1);

    snprintf(exit_status, sizeof exit_status, "%lld", (long long)status);
    mt_table_field(style, "Signal", mt_json_str(story, "death.signal_name", NULL));
    if (status >= 0)
        mt_table_field(style, "Exit", exit_status);
    mt_table_field(style, "Last words", mt_json_str(story, "death.last_words", NULL));
}

static void show_attempts(const struct mt_table_style *style, const json_t *story)
{
    static const struct mt_column columns[] = {{.title = "TRY", .right = true},
                                               {.title = "STATUS", .status = true, .rank = 1},
                                               {.title = "STARTED", .rank = 4},
                                               {.title = "WORKER", .least = 8, .rank = 3},
                                               {.title = "WHY", .least = 12, .rank = 2}};
    const json_t *attempts = json_object_get(story, "history");
    struct mt_table table;
    size_t i;
    json_t *one;

    if (json_array_size(attempts) < 2)
        return;
    mt_table_init(&table, columns, 5);
    json_array_foreach(attempts, i, one)
    {
        char number[24];
        char age[MT_AGE_TEXT];
        const char *why =
            mt_json_str(one, "error.message",
                        mt_json_str(one, "signal_name", mt_json_str(one, "last_words", NULL)));
        snprintf(number, sizeof number, "%lld", (long long)mt_json_int(one, "attempt", 0));
        const char *cells[] = {number, mt_json_str(one, "status", ""),
                               mt_status_age(mt_json_str(one, "started_at", NULL), age),
                               mt_json_str(one, "worker", ""), why};
        mt_table_add(&table, cells);
    }
    mt_table_heading(style, "Attempts");
    mt_table_print(&table, style);
    mt_table_free(&table);
}

static void show_depends(const struct mt_table_style *style, const json_t *story)
{
    static const struct mt_column columns[] = {{.title = "AFTER"},
                                               {.title = "STATUS", .status = true, .rank = 1},
                                               {.title = "TYPE", .rank = 3},
                                               {.title = "WHY", .least = 12, .rank = 2}};
    const json_t *depends = json_object_get(story, "depends_on");
    struct mt_table table;
    size_t i;
    json_t *one;

    if (json_array_size(depends) == 0)
        return;
    mt_table_init(&table, columns, 4);
    json_array_foreach(depends, i, one)
    {
        const char *cells[] = {mt_json_str(one, "job_id", ""), mt_json_str(one, "status", ""),
                               mt_json_str(one, "type", ""),
                               mt_json_str(one, "error.message", NULL)};
        mt_table_add(&table, cells);
    }
    mt_table_heading(style, "Depends on");
    mt_table_print(&table, style);
    mt_table_free(&table);
}

/* A command is never wrapped, so that it can be copied. */
static void show_command(const struct mt_table_style *style, const json_t *story)
{
    const char *command = mt_json_str(story, "command", NULL);

    if (command)
        mt_table_url(style, "Again", command);
    mt_table_field(style, "Note", mt_json_str(story, "command_note", NULL));
}

static void show_reason(const struct mt_table_style *style, const json_t *story)
{
    mt_table_field(style, "Cause", mt_json_str(story, "cause", NULL));
    mt_table_field(style, "Remedy", mt_json_str(story, "remedy", NULL));
    if (mt_json_at(story, "error.code"))
        mt_table_field(style, "Retry",
                       mt_json_bool(story, "retryable", false)
                           ? "may help without changing anything"
                           : "will not help before the cause is gone");
}

static void show_job(const struct mt_table_style *style, const json_t *story)
{
    char *when = mt_status_when(mt_json_str(story, "started_at", NULL));

    mt_table_field(style, "Job", mt_json_str(story, "id", NULL));
    mt_table_status(style, "Status", mt_json_str(story, "status", ""), NULL);
    mt_table_field(style, "What", mt_json_str(story, "summary", NULL));
    show_reason(style, story);
    mt_table_field(style, "Code", mt_json_str(story, "error.code", NULL));
    show_where(style, story);
    show_death(style, story);
    mt_table_field(style, "Asset", mt_json_str(story, "asset_id", NULL));
    mt_table_field(style, "Started", when);
    show_attempts(style, story);
    show_depends(style, story);
    if (strcmp(mt_json_str(story, "status", ""), "completed") != 0)
        show_command(style, story);
    free(when);
}

static void show_findings(const struct mt_table_style *style, const json_t *story)
{
    size_t i;
    json_t *finding;

    if (json_array_size(json_object_get(story, "findings")) > 0)
        mt_table_heading(style, "Findings");
    json_array_foreach(json_object_get(story, "findings"), i, finding)
    {
        mt_table_field(style, mt_json_str(finding, "what", ""), mt_json_str(finding, "text", ""));
        mt_table_field(style, "  remedy", mt_json_str(finding, "remedy", ""));
    }
}

static void show_jobs(const struct mt_table_style *style, const json_t *story)
{
    size_t i;
    json_t *job;

    json_array_foreach(json_object_get(story, "jobs"), i, job)
    {
        mt_table_heading(style, mt_json_bool(job, "superseded", false)
                                    ? "Failed, and completed later"
                                    : "Failed");
        show_job(style, job);
    }
}

int mt_why_show(struct mt_status *s, const json_t *story, struct mt_err *err)
{
    struct mt_table_style style = mt_status_style(s);
    const char *kind = mt_json_str(story, "kind", "");

    if (strcmp(kind, "job") == 0) {
        show_job(&style, story);
        return mt_status_check(s, err);
    }
    mt_table_field(&style, strcmp(kind, "asset") == 0 ? "Asset" : "Upload",
                   mt_json_str(story, "id", NULL));
    mt_table_field(&style, "Name", mt_json_str(story, "name", NULL));
    mt_table_status(&style, "Status", mt_json_str(story, "status", ""), NULL);
    mt_table_field(&style, "What", mt_json_str(story, "summary", NULL));
    show_reason(&style, story);
    show_findings(&style, story);
    show_jobs(&style, story);
    return mt_status_check(s, err);
}
