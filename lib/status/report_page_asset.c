/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_page_asset.c - the page on one asset. */
#include "status/report.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 200, WORST_MAX = 10 };

/* --- tables --- */

static void put_cell(struct mt_page_text *page, const char *text)
{
    mt_page_add(page, "<td><bdi>");
    mt_page_text(page, text);
    mt_page_add(page, "</bdi></td>");
}

static void put_heads(struct mt_page_text *page, const char *const heads[], int n)
{
    mt_page_add(page, "<div class=\"scroll\"><table>\n<tr>");
    for (int i = 0; i < n; i++)
        mt_page_add(page, "<th>%s</th>", mt_page_word(page, heads[i]));
    mt_page_add(page, "</tr>\n");
}

static void close_table(struct mt_page_text *page)
{
    mt_page_add(page, "</table></div>\n");
}

/* --- figures --- */

static void put_loudness(struct mt_page_text *page, const json_t *doc)
{
    static const struct {
        const char *label, *path, *unit;
    } figures[] = {{"Loudness", "analysis.loudness.integrated_lufs", "LUFS"},
                   {"Range", "analysis.loudness.range_lu", "LU"},
                   {"True peak", "analysis.loudness.true_peak_dbtp", "dBTP"}};

    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        char text[MT_FIGURE];
        if (!mt_json_at(doc, figures[i].path))
            continue;
        snprintf(text, sizeof text, "%.1f %s", mt_json_num(doc, figures[i].path, 0),
                 figures[i].unit);
        mt_page_figure(page, figures[i].label, text);
    }
}

static void put_figures(struct mt_page_text *page, const json_t *doc, double seconds)
{
    char text[MT_FIGURE];

    mt_page_add(page, "<section class=\"figures\">\n");
    mt_page_figure(page, "Type", mt_page_word(page, mt_json_str(doc, "asset.content_type", "")));
    mt_page_figure(page, "Status", mt_page_word(page, mt_json_str(doc, "asset.upload_status", "")));
    mt_page_figure(page, "Size", mt_show_bytes(mt_json_int(doc, "asset.file_size", 0), text));
    if (seconds > 0)
        mt_page_figure(page, "Length", mt_show_duration((int64_t)(seconds * 1e6), text));
    put_loudness(page, doc);
    mt_page_add(page, "</section>\n");
}

/* --- over time --- */

static void put_curve(struct mt_page_text *page, const json_t *report, const char *name,
                      const char *title, const char *unit, double seconds)
{
    json_t *curve = json_object_get(mt_json_at(report, "curves"), name);

    mt_page_open(page, title);
    if (json_is_object(curve) && seconds > 0)
        mt_plot_curve(page, curve, seconds, unit);
    else
        mt_page_note(page, "Not recorded.");
    mt_page_close(page);
}

static void put_lanes(struct mt_page_text *page, const json_t *report, double seconds)
{
    json_t *lanes = mt_json_at(report, "lanes");

    mt_page_open(page, "On the time axis");
    if (seconds > 0 && json_array_size(lanes) > 0)
        mt_plot_lanes(page, lanes, seconds);
    if (!mt_json_at(report, "document.analysis"))
        mt_page_note(page, "Not recorded: media-analyze has not measured this asset.");
    mt_page_close(page);
}

/* --- damage --- */

/* "0:30, "; nothing where no time is known */
static void put_time(struct mt_page_text *page, double s)
{
    char text[MT_FIGURE];

    if (s >= 0 && s < 1e9)
        mt_page_add(page, "%s, ", mt_show_duration((int64_t)(s * 1e6), text));
}

static void put_damage(struct mt_page_text *page, const json_t *doc)
{
    json_t *issues = mt_json_at(doc, "asset.metadata.damage.issues");
    size_t i;
    json_t *issue;

    mt_page_open(page, "Damage");
    if (!mt_json_at(doc, "asset.metadata.damage"))
        mt_page_note(page, "Not recorded.");
    else if (json_array_size(issues) == 0)
        mt_page_note(page, "No damage was found.");
    mt_page_add(page, "<ul>\n");
    json_array_foreach(issues, i, issue)
    {
        mt_page_add(page, "<li><bdi>");
        put_time(page, mt_json_num(issue, "start_s", mt_json_num(issue, "start", -1)));
        mt_page_text(page, mt_json_str(issue, "kind", ""));
        mt_page_add(page, ": ");
        mt_page_text(page, mt_json_str(issue, "detail", ""));
        mt_page_add(page, "</bdi></li>\n");
    }
    mt_page_add(page, "</ul>\n");
    mt_page_close(page);
}

/* --- renditions --- */

static char *worst_of(const json_t *variant)
{
    char *text = mt_strdup("");
    size_t i;
    json_t *frame;

    json_array_foreach(mt_json_at(variant, "score.worst"), i, frame)
    {
        char at[MT_FIGURE];
        double s = mt_json_num(frame, "time_s", -1);
        if (i == WORST_MAX)
            break;
        char *more = mt_asprintf("%s%s%s (%.4g)", text, i ? ", " : "",
                                 s >= 0 && s < 1e9 ? mt_show_duration((int64_t)(s * 1e6), at) : "?",
                                 mt_json_num(frame, "value", 0));
        free(text);
        text = more;
    }
    return text;
}

static void put_rendition(struct mt_page_text *page, const json_t *v)
{
    char size[MT_FIGURE];
    char score[64];
    char *worst = worst_of(v);

    snprintf(score, sizeof score, "%.20s %.4g", mt_json_str(v, "score.metric", ""),
             mt_json_num(v, "score.value", 0));
    mt_page_add(page, "<tr>");
    put_cell(page,
             mt_json_str(v, "quality", mt_page_word(page, mt_json_str(v, "variant_type", ""))));
    put_cell(page, mt_json_str(v, "format", ""));
    put_cell(page, mt_json_str(v, "resolution", ""));
    put_cell(page, mt_json_str(v, "bitrate", ""));
    put_cell(page, mt_show_bytes(mt_json_int(v, "file_size", 0), size));
    put_cell(page, mt_json_at(v, "score.value") ? score : mt_page_word(page, "Not recorded."));
    put_cell(page, worst);
    mt_page_add(page, "</tr>\n");
    free(worst);
}

static void put_renditions(struct mt_page_text *page, const json_t *doc)
{
    static const char *const heads[] = {"Quality", "Format", "Picture",     "Bit rate",
                                        "Size",    "Score",  "Worst frames"};
    json_t *variants = mt_json_at(doc, "variants");
    size_t i;
    json_t *v;

    mt_page_open(page, "Renditions");
    if (json_array_size(variants) == 0) {
        mt_page_note(page, "There are no renditions.");
        mt_page_close(page);
        return;
    }
    put_heads(page, heads, 7);
    json_array_foreach(variants, i, v)
    {
        if (i < ROWS_MAX)
            put_rendition(page, v);
    }
    close_table(page);
    mt_page_close(page);
}

/* --- jobs --- */

static void put_job(struct mt_page_text *page, const json_t *job)
{
    char took[MT_FIGURE];

    mt_page_add(page, "<tr>");
    put_cell(page, mt_page_word(page, mt_json_str(job, "type", "")));
    put_cell(page, mt_page_word(page, mt_json_str(job, "status", "")));
    put_cell(page, mt_json_str(job, "created_at", ""));
    put_cell(page, mt_status_ms(mt_json_int(job, "took_ms", -1), took));
    put_cell(page, mt_json_str(job, "error.message", ""));
    mt_page_add(page, "</tr>\n");
}

static void put_jobs(struct mt_page_text *page, const json_t *report)
{
    static const char *const heads[] = {"Type", "Status", "Created", "Took", "Cause"};
    json_t *jobs = mt_json_at(report, "jobs");
    size_t i;
    json_t *job;

    mt_page_open(page, "Jobs");
    if (json_array_size(jobs) == 0) {
        mt_page_note(page, "There are no jobs.");
        mt_page_close(page);
        return;
    }
    put_heads(page, heads, 5);
    json_array_foreach(jobs, i, job)
    {
        if (i < ROWS_MAX)
            put_job(page, job);
    }
    close_table(page);
    mt_page_close(page);
}

void mt_page_asset(struct mt_page_text *page, const json_t *report, struct mt_store *store)
{
    json_t *doc = json_object_get(report, "document");
    double seconds = mt_json_num(doc, "asset.metadata.duration", 0);

    if (!(seconds > 0) || seconds > 1e9)
        seconds = 0;
    put_figures(page, doc, seconds);
    mt_page_open(page, "Pictures");
    mt_page_pictures(page, doc, store);
    mt_page_close(page);
    put_lanes(page, report, seconds);
    put_curve(page, report, "loudness", "Loudness over time", "LUFS", seconds);
    put_curve(page, report, "bit_rate", "Bit rate over time", "bit/s", seconds);
    put_damage(page, doc);
    put_renditions(page, doc);
    put_jobs(page, report);
}
