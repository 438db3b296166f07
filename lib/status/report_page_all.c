/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_page_all.c - the page on everything. */
#include "status/report.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIGURE = 32 };

static char *whole(int64_t n, char out[FIGURE])
{
    snprintf(out, FIGURE, "%lld", (long long)n);
    return out;
}

/* Long times in hours: "1234.5 h". */
static char *seconds(double s, char out[MT_FIGURE])
{
    if (s >= 100 * 3600.0)
        snprintf(out, MT_FIGURE, "%.1f h", s / 3600);
    else
        mt_show_duration(s > 0 ? (int64_t)(s * 1e6) : 0, out);
    return out;
}

static void put_figures(struct mt_page_text *page, const json_t *r)
{
    char text[MT_FIGURE];
    int64_t failed =
        mt_json_int(r, "jobs.by_status.failed", 0) + mt_json_int(r, "jobs.by_status.dead", 0);

    mt_page_add(page, "<section class=\"figures\">\n");
    mt_page_figure(page, "Jobs", whole(mt_json_int(r, "jobs.total", 0), text));
    mt_page_figure(page, "Failed", whole(failed, text));
    mt_page_figure(page, "Assets", whole(mt_json_int(r, "media.in.assets", 0), text));
    mt_page_figure(page, "Media in", seconds(mt_json_num(r, "media.in.media_s", 0), text));
    mt_page_figure(page, "Bytes in", mt_show_bytes(mt_json_int(r, "media.in.bytes", 0), text));
    mt_page_figure(page, "Media out", seconds(mt_json_num(r, "media.out.media_s", 0), text));
    mt_page_figure(page, "Bytes out", mt_show_bytes(mt_json_int(r, "media.out.bytes", 0), text));
    mt_page_figure(page, "Duplicates", whole(mt_json_int(r, "duplicates.files", 0), text));
    mt_page_figure(page, "Saved", mt_show_bytes(mt_json_int(r, "duplicates.saved_bytes", 0), text));
    mt_page_add(page, "</section>\n");
}

/* --- tables --- */

static void put_cell(struct mt_page_text *page, bool number, const char *text)
{
    mt_page_add(page, number ? "<td class=\"n\"><bdi>" : "<td><bdi>");
    mt_page_text(page, text);
    mt_page_add(page, "</bdi></td>");
}

static void put_heads(struct mt_page_text *page, const char *const heads[], int n)
{
    mt_page_add(page, "<div class=\"scroll\"><table>\n<tr>");
    for (int i = 0; i < n; i++)
        mt_page_add(page, "<th%s>%s</th>", i ? " class=\"n\"" : "", mt_page_word(page, heads[i]));
    mt_page_add(page, "</tr>\n");
}

static void close_table(struct mt_page_text *page)
{
    mt_page_add(page, "</table></div>\n");
}

static void put_types(struct mt_page_text *page, const json_t *r)
{
    static const char *const heads[] = {"Type",    "completed",  "failed",   "dead",
                                        "pending", "processing", "cancelled"};
    enum { HEADS = sizeof heads / sizeof *heads };
    char text[FIGURE];
    const char *name;
    json_t *counts;

    mt_page_open(page, "Jobs by type and status");
    put_heads(page, heads, HEADS);
    json_object_foreach(mt_json_at(r, "jobs.by_type"), name, counts)
    {
        mt_page_add(page, "<tr>");
        put_cell(page, false, mt_page_word(page, name));
        for (int i = 1; i < HEADS; i++)
            put_cell(page, true, whole(mt_json_int(counts, heads[i], 0), text));
        mt_page_add(page, "</tr>\n");
    }
    mt_page_add(page, "<tr>");
    put_cell(page, false, mt_page_word(page, "Total"));
    for (int i = 1; i < HEADS; i++)
        put_cell(page, true,
                 whole(mt_json_int(mt_json_at(r, "jobs.by_status"), heads[i], 0), text));
    mt_page_add(page, "</tr>\n");
    close_table(page);
    mt_page_close(page);
}

static void put_stage(struct mt_page_text *page, const char *name, const json_t *stage)
{
    static const char *const figures[] = {"took_s.p50", "took_s.p90", "took_s.p99", "took_s.max"};
    char text[MT_FIGURE];
    double speed = mt_json_num(stage, "media_s_per_s", -1);

    mt_page_add(page, "<tr>");
    put_cell(page, false, mt_page_word(page, name));
    put_cell(page, true, whole(mt_json_int(stage, "jobs", 0), text));
    for (int i = 0; i < 4; i++)
        put_cell(page, true, seconds(mt_json_num(stage, figures[i], 0), text));
    snprintf(text, sizeof text, "%.1f\xc3\x97", speed);
    put_cell(page, true, speed < 0 ? "\xe2\x80\x93" : text);
    mt_page_add(page, "</tr>\n");
}

static void put_stages(struct mt_page_text *page, const json_t *r)
{
    static const char *const heads[] = {"Stage", "Jobs",    "Median", "90 %",
                                        "99 %",  "Longest", "Speed"};
    json_t *stages = mt_json_at(r, "stages");
    const char *name;
    json_t *stage;

    mt_page_open(page, "How long it took");
    if (json_object_size(stages) == 0) {
        mt_page_note(page, "Nothing was done in this period.");
        mt_page_close(page);
        return;
    }
    mt_plot_durations(page, stages);
    mt_page_note(page, "The bar runs from the median to 99 % of jobs, the mark is 90 %; "
                       "the axis is logarithmic.");
    put_heads(page, heads, 7);
    json_object_foreach(stages, name, stage)
    {
        put_stage(page, name, stage);
    }
    close_table(page);
    mt_page_note(page, "Speed is seconds of film for each second of work.");
    mt_page_close(page);
}

static const char *user_name(const struct mt_page_text *page, const json_t *user)
{
    const char *name = mt_json_str(user, "name", mt_json_str(user, "user_id", NULL));

    return name ? name : mt_page_word(page, "nobody");
}

static void put_users(struct mt_page_text *page, const json_t *r)
{
    static const char *const heads[] = {"Name", "Jobs", "Failed", "Assets", "Bytes in", "Media in"};
    char text[MT_FIGURE];
    size_t i;
    json_t *user;

    mt_page_open(page, "Users");
    put_heads(page, heads, 6);
    json_array_foreach(mt_json_at(r, "users"), i, user)
    {
        mt_page_add(page, "<tr>");
        put_cell(page, false, user_name(page, user));
        put_cell(page, true, whole(mt_json_int(user, "jobs", 0), text));
        put_cell(page, true, whole(mt_json_int(user, "failed", 0), text));
        put_cell(page, true, whole(mt_json_int(user, "assets", 0), text));
        put_cell(page, true, mt_show_bytes(mt_json_int(user, "bytes", 0), text));
        put_cell(page, true, seconds(mt_json_num(user, "media_s", 0), text));
        mt_page_add(page, "</tr>\n");
    }
    close_table(page);
    if (mt_json_int(r, "users_total", 0) > MT_REPORT_USERS)
        mt_page_note(page, "The fifty users with the most jobs.");
    mt_page_close(page);
}

/* --- bars --- */

static void put_causes(struct mt_page_text *page, const json_t *r)
{
    json_t *causes = mt_json_at(r, "failures");
    double most = (double)mt_json_int(json_array_get(causes, 0), "jobs", 0);
    char text[FIGURE];
    size_t i;
    json_t *cause;

    mt_page_open(page, "Why jobs failed");
    if (json_array_size(causes) == 0)
        mt_page_note(page, "Nothing failed.");
    mt_plot_bars_open(page);
    json_array_foreach(causes, i, cause)
    {
        int64_t n = mt_json_int(cause, "jobs", 0);
        char *name = mt_asprintf("%s (%s)", mt_json_str(cause, "code", ""),
                                 mt_json_str(cause, "meaning", ""));
        mt_plot_bar(page, &(struct mt_bar){page->arabic ? mt_json_str(cause, "code", "") : name,
                                           whole(n, text), (double)n, most, "bad"});
        free(name);
    }
    mt_plot_bars_close(page);
    mt_page_close(page);
}

static void put_storage(struct mt_page_text *page, const json_t *sums, const char *title,
                        const char *note)
{
    char bytes[MT_FIGURE];
    double most = 0;
    const char *name;
    json_t *part;

    mt_page_open(page, title);
    if (json_object_size(sums) == 0)
        mt_page_note(page, "Nothing is stored.");
    json_object_foreach((json_t *)(uintptr_t)sums, name, part)
    {
        most = fmax(most, (double)mt_json_int(part, "bytes", 0));
    }
    mt_plot_bars_open(page);
    json_object_foreach((json_t *)(uintptr_t)sums, name, part)
    {
        int64_t n = mt_json_int(part, "bytes", 0);
        mt_plot_bar(page, &(struct mt_bar){mt_page_word(page, name), mt_show_bytes(n, bytes),
                                           (double)n, most, "good"});
    }
    mt_plot_bars_close(page);
    if (note)
        mt_page_note(page, note);
    mt_page_close(page);
}

void mt_page_all(struct mt_page_text *page, const json_t *r)
{
    put_figures(page, r);
    mt_page_open(page, "Jobs per day");
    mt_plot_days(page, mt_json_at(r, "jobs.by_day"));
    mt_page_close(page);
    put_types(page, r);
    put_stages(page, r);
    put_causes(page, r);
    put_storage(page, mt_json_at(r, "storage.by_class"), "Storage by class",
                "Originals only: renditions have no class of their own.");
    put_storage(page, mt_json_at(r, "storage.by_kind"), "Storage by kind", NULL);
    put_users(page, r);
}
