/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_plot.c - plots as inline SVG.
 *
 * Days and durations run with the text, from the right in Arabic; the time
 * within a film runs from the left everywhere, as it does on players.
 */
#include "status/report.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "status/text.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 960, MARGIN = 120, LANE = 26, BARS_MAX = 120, LABEL_COLUMNS = 60 };
enum { DAYS_HEIGHT = 220, DAYS_TOP = 10, DAYS_FLOOR = 190, GUTTER = 50 };
#define DAY_US (INT64_C(24) * 3600 * 1000000)

static void open_svg(struct mt_page_text *page, int height, const char *title)
{
    mt_page_add(page,
                "<svg viewBox=\"0 0 %d %d\" direction=\"ltr\" role=\"img\" aria-label=\"%s\">\n",
                WIDTH, height, mt_page_word(page, title));
}

static void put_label(struct mt_page_text *page, double x, double y, const char *anchor,
                      const char *text)
{
    mt_page_add(page, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    mt_page_text(page, text);
    mt_page_add(page, "</text>\n");
}

static void put_line(struct mt_page_text *page, double x1, double y1, double x2, double y2)
{
    mt_page_add(page, "<line class=\"axis\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
                x1, y1, x2, y2);
}

static void put_rect(struct mt_page_text *page, const char *class, double x, double y, double w,
                     double h)
{
    mt_page_add(page, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                class, x, y, w, h);
}

/* x of something w wide, seen from where lines of text begin. */
static double from_start(const struct mt_page_text *page, double x, double w)
{
    return page->arabic ? WIDTH - x - w : x;
}

/* --- days --- */

struct days {
    int64_t first; /* day since 1970 */
    int64_t each;  /* days of one bar */
    int n;
    int64_t good[BARS_MAX], bad[BARS_MAX], other[BARS_MAX];
    int64_t most;
};

static bool day_of(const json_t *day, int64_t *number)
{
    struct mt_err ignored;
    char *time = mt_asprintf("%.10sT00:00:00Z", mt_json_str(day, "day", ""));
    int64_t us;
    bool valid = mt_time_parse(time, &us, &ignored) == 0;

    free(time);
    if (valid)
        *number = us / DAY_US;
    return valid;
}

static void add_day(struct days *d, const json_t *day)
{
    int64_t number;
    const char *name;
    json_t *n;

    if (!day_of(day, &number))
        return;
    int64_t bar = (number - d->first) / d->each;
    if (bar < 0 || bar >= BARS_MAX)
        return;
    json_object_foreach((json_t *)(uintptr_t)day, name, n)
    {
        if (strcmp(name, "completed") == 0)
            d->good[bar] += json_integer_value(n);
        else if (strcmp(name, "failed") == 0 || strcmp(name, "dead") == 0)
            d->bad[bar] += json_integer_value(n);
        else
            d->other[bar] += json_integer_value(n);
    }
    int64_t sum = d->good[bar] + d->bad[bar] + d->other[bar];
    if (sum > d->most)
        d->most = sum;
}

static bool gather_days(struct days *d, const json_t *list)
{
    size_t n = json_array_size(list);
    int64_t last;
    size_t i;
    json_t *day;

    *d = (struct days){0};
    if (n == 0 || !day_of(json_array_get(list, 0), &d->first) ||
        !day_of(json_array_get(list, n - 1), &last) || last < d->first)
        return false;
    int64_t span = last - d->first + 1;
    d->each = (span + BARS_MAX - 1) / BARS_MAX;
    d->n = (int)((span + d->each - 1) / d->each);
    json_array_foreach((json_t *)(uintptr_t)list, i, day)
    {
        add_day(d, day);
    }
    return d->most > 0;
}

static void put_stack(struct mt_page_text *page, const struct days *d, int bar, double width)
{
    const int64_t counts[] = {d->good[bar], d->bad[bar], d->other[bar]};
    static const char *const classes[] = {"good", "bad", "mid"};
    double x = from_start(page, GUTTER + bar * width, width);
    double y = DAYS_FLOOR;

    for (int i = 0; i < 3; i++) {
        double h = (double)counts[i] / (double)d->most * (DAYS_FLOOR - DAYS_TOP);
        if (counts[i] == 0)
            continue;
        if (h < 1)
            h = 1;
        y -= h;
        put_rect(page, classes[i], x + width * 0.1, y, width * 0.8, h);
    }
}

static void put_day_axis(struct mt_page_text *page, const struct days *d, double width)
{
    int step = d->n > 8 ? (d->n + 7) / 8 : 1;

    for (int i = 0; i <= 2; i++) {
        double y = DAYS_FLOOR - i * (DAYS_FLOOR - DAYS_TOP) / 2.0;
        char *text = mt_asprintf("%.4g", (double)d->most * i / 2);
        put_line(page, page->arabic ? 0 : GUTTER, y, page->arabic ? WIDTH - GUTTER : WIDTH, y);
        put_label(page, from_start(page, GUTTER - 6, 0), y + 4, page->arabic ? "start" : "end",
                  text);
        free(text);
    }
    for (int i = 0; i < d->n; i += step) {
        char time[MT_TIME_TEXT];
        mt_time_text((d->first + i * d->each) * DAY_US, time);
        time[10] = '\0';
        bool edge = d->n - i < step && d->n > 1;
        const char *anchor = i == 0 ? (page->arabic ? "end" : "start")
                             : edge ? (page->arabic ? "start" : "end")
                                    : "middle";
        if (!edge || d->n - i > step / 2)
            put_label(page,
                      from_start(page,
                                 GUTTER + (i + (i == 0 ? 0
                                                : edge ? 1
                                                       : 0.5)) *
                                              width,
                                 0),
                      DAYS_FLOOR + 18, anchor, time);
    }
}

static void put_key(struct mt_page_text *page, const char *class, const char *word)
{
    mt_page_add(page, "<i class=\"key %s\"></i>%s", class, mt_page_word(page, word));
}

void mt_plot_days(struct mt_page_text *page, const json_t *list)
{
    struct days d;

    if (!gather_days(&d, list)) {
        mt_page_note(page, "Nothing was done in this period.");
        return;
    }
    double width = (double)(WIDTH - GUTTER) / (d.n < 10 ? 10 : d.n);
    open_svg(page, DAYS_HEIGHT, "Jobs per day");
    put_day_axis(page, &d, width);
    for (int i = 0; i < d.n; i++)
        put_stack(page, &d, i, width);
    mt_page_add(page, "</svg>\n<p class=\"note\">");
    put_key(page, "good", "Succeeded");
    put_key(page, "bad", "Failed");
    put_key(page, "mid", "Other");
    mt_page_add(page, "</p>\n");
    if (d.each > 1)
        mt_page_note(page, "Each bar is a stretch of several days.");
}

/* --- bars with text --- */

void mt_plot_bars_open(struct mt_page_text *page)
{
    mt_page_add(page, "<div class=\"bars\">\n");
}

void mt_plot_bar(struct mt_page_text *page, const struct mt_bar *bar)
{
    mt_page_add(page, "<span class=\"name\"><bdi>");
    mt_page_text(page, bar->name);
    mt_page_add(page,
                "</bdi></span><div><i class=\"%s\" style=\"width:%.2f%%\"></i></div><span><bdi>",
                bar->color, bar->most > 0 ? bar->value / bar->most * 100 : 0);
    mt_page_text(page, bar->text);
    mt_page_add(page, "</bdi></span>\n");
}

void mt_plot_bars_close(struct mt_page_text *page)
{
    mt_page_add(page, "</div>\n");
}

/* --- durations --- */

struct scale {
    double low, high; /* decades */
};

static double place(const struct mt_page_text *page, const struct scale *s, double seconds)
{
    double decade = log10(seconds > 0.001 ? seconds : 0.001);
    double share = (decade - s->low) / (s->high - s->low);

    return from_start(page, MARGIN + share * (WIDTH - MARGIN - 40), 0);
}

static void find_scale(const json_t *stages, struct scale *s)
{
    const char *name;
    json_t *stage;

    *s = (struct scale){9, -3};
    json_object_foreach((json_t *)(uintptr_t)stages, name, stage)
    {
        double low = log10(fmax(mt_json_num(stage, "took_s.p50", 1), 0.001));
        double high = log10(fmax(mt_json_num(stage, "took_s.p99", 1), 0.001));
        s->low = fmin(s->low, floor(low));
        s->high = fmax(s->high, ceil(high));
    }
    if (s->high <= s->low)
        s->high = s->low + 1;
}

static void put_decades(struct mt_page_text *page, const struct scale *s, double floor_y)
{
    for (double d = s->low; d <= s->high; d++) {
        char text[MT_FIGURE];
        double seconds = pow(10, d);
        double x = place(page, s, seconds);
        if (seconds < 1)
            snprintf(text, sizeof text, "%g s", seconds);
        else
            mt_show_duration((int64_t)(seconds * 1e6), text);
        put_line(page, x, 0, x, floor_y);
        put_label(page, x, floor_y + 16, "middle", text);
    }
}

static void put_stage(struct mt_page_text *page, const struct scale *s, const char *name,
                      const json_t *stage, double y)
{
    double from = place(page, s, mt_json_num(stage, "took_s.p50", 0));
    double mark = place(page, s, mt_json_num(stage, "took_s.p90", 0));
    double to = place(page, s, mt_json_num(stage, "took_s.p99", 0));

    put_label(page, from_start(page, MARGIN - 12, 0), y + 16, page->arabic ? "start" : "end",
              mt_page_word(page, name));
    put_rect(page, "good", fmin(from, to), y + 6, fmax(fabs(to - from), 2), LANE - 12);
    put_rect(page, "mid", mark - 1.5, y + 2, 3, LANE - 4);
}

void mt_plot_durations(struct mt_page_text *page, const json_t *stages)
{
    struct scale s;
    const char *name;
    json_t *stage;
    double y = 0;

    find_scale(stages, &s);
    double floor_y = (double)json_object_size(stages) * LANE;
    open_svg(page, (int)floor_y + 24, "How long it took");
    put_decades(page, &s, floor_y);
    json_object_foreach((json_t *)(uintptr_t)stages, name, stage)
    {
        if (mt_json_int(stage, "jobs", 0) > 0)
            put_stage(page, &s, name, stage, y);
        y += LANE;
    }
    mt_page_add(page, "</svg>\n");
}

/* --- the time of a film --- */

/* A step of 1, 2, 5, 10, 15, 30 s, min or h that gives at most ten marks. */
static double mark_step(double seconds)
{
    static const double steps[] = {1,   2,   5,    10,   15,   30,    60,    120,   300,
                                   600, 900, 1800, 3600, 7200, 21600, 86400, 604800};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (seconds / steps[i] <= 10)
            return steps[i];
    return seconds / 10;
}

static void put_times(struct mt_page_text *page, double seconds, double floor_y)
{
    double step = mark_step(seconds);

    for (double t = 0; t <= seconds; t += step) {
        char text[MT_FIGURE];
        double x = MARGIN + t / seconds * (WIDTH - MARGIN - 20);
        int whole = (int)fmin(t, 2e9);
        if (whole >= 3600)
            snprintf(text, sizeof text, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
        else
            snprintf(text, sizeof text, "%d:%02d", whole / 60, whole % 60);
        put_line(page, x, 0, x, floor_y);
        put_label(page, x, floor_y + 16, "middle", text);
    }
}

static const char *class_of(const char *lane)
{
    static const char *const bad[] = {"damage", "black", "freeze", "worst"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (strcmp(lane, bad[i]) == 0)
            return "bad span";
    return strcmp(lane, "silence") == 0 ? "mid span" : "good span";
}

static void put_span(struct mt_page_text *page, const char *class, const json_t *span,
                     const double box[3])
{
    const char *label = mt_json_str(span, "label", NULL);

    mt_page_add(page, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"",
                class, box[0], box[1], box[2], LANE - 10);
    if (!label) {
        mt_page_add(page, "/>\n");
        return;
    }
    char *shown = mt_utf8_clean(label, strlen(label));
    char *cut = mt_text_cut(shown, LABEL_COLUMNS);
    mt_page_add(page, "><title>");
    mt_page_text(page, cut);
    mt_page_add(page, "</title></rect>\n");
    free(cut);
    free(shown);
}

/* Spans closer than two pixels to the one before are not drawn: nobody could tell them apart. */
static void put_lane(struct mt_page_text *page, const json_t *lane, double seconds, double y)
{
    const char *name = mt_json_str(lane, "lane", "");
    double scale = (WIDTH - MARGIN - 20) / seconds;
    double drawn = -1;
    size_t i;
    json_t *span;

    put_label(page, MARGIN - 12, y + 17, "end", mt_page_word(page, name));
    json_array_foreach(json_object_get(lane, "spans"), i, span)
    {
        double start = fmin(mt_json_num(span, "start", 0), seconds);
        double end = fmin(mt_json_num(span, "end", 0), seconds);
        const double box[] = {MARGIN + start * scale, y + 5, fmax((end - start) * scale, 2)};
        if (box[0] + box[2] < drawn + 2)
            continue;
        put_span(page, class_of(name), span, box);
        drawn = box[0] + box[2];
    }
}

void mt_plot_lanes(struct mt_page_text *page, const json_t *lanes, double seconds)
{
    double floor_y = (double)json_array_size(lanes) * LANE;
    size_t i;
    json_t *lane;

    open_svg(page, (int)floor_y + 24, "On the time axis");
    put_times(page, seconds, floor_y);
    json_array_foreach((json_t *)(uintptr_t)lanes, i, lane)
    {
        put_lane(page, lane, seconds, (double)i * LANE);
    }
    mt_page_add(page, "</svg>\n");
}
