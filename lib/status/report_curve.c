/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_curve.c - a figure over the time of a film, as inline SVG. */
#include "status/report.h"

#include "json/json.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 960, MARGIN = 120, TOP = 10, FLOOR = 150, HEIGHT = 180 };

/* The curve and the box it is drawn in. */
struct curve {
    const json_t *values;
    double step, seconds;
    double low, high;
};

static bool value_at(const struct curve *c, size_t i, double *value)
{
    json_t *v = json_array_get(c->values, i);

    *value = json_number_value(v);
    return json_is_number(v) && isfinite(*value);
}

static bool find_range(struct curve *c)
{
    bool found = false;
    double v;

    for (size_t i = 0; i < json_array_size(c->values); i++) {
        if (!value_at(c, i, &v))
            continue;
        c->low = found ? fmin(c->low, v) : v;
        c->high = found ? fmax(c->high, v) : v;
        found = true;
    }
    if (c->high - c->low < 1e-9) {
        c->low -= 1;
        c->high += 1;
    }
    return found;
}

static void put_point(struct mt_page_text *page, const struct curve *c, size_t i, double v,
                      bool *broken)
{
    double t = fmin((double)i * c->step, c->seconds);

    mt_page_add(page, "%c%.1f %.1f", *broken ? 'M' : 'L',
                MARGIN + t / c->seconds * (WIDTH - MARGIN - 20),
                FLOOR - (v - c->low) / (c->high - c->low) * (FLOOR - TOP));
    *broken = false;
}

/* The extremes of the values from a to b, in the order in which they come. */
static void put_stretch(struct mt_page_text *page, const struct curve *c, size_t a, size_t b,
                        bool *broken)
{
    size_t low = b;
    size_t high = b;
    double v, lowest = 0, highest = 0;

    for (size_t i = a; i < b; i++) {
        if (!value_at(c, i, &v))
            continue;
        if (low == b || v < lowest) {
            low = i;
            lowest = v;
        }
        if (high == b || v > highest) {
            high = i;
            highest = v;
        }
    }
    if (low == b) {
        *broken = true;
        return;
    }
    put_point(page, c, low < high ? low : high, low < high ? lowest : highest, broken);
    if (low != high)
        put_point(page, c, low < high ? high : low, low < high ? highest : lowest, broken);
}

/* "1.26 Mbit/s", "-32.7 LUFS" */
static void put_value(struct mt_page_text *page, double value, const char *unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G"};
    int i = 0;

    while (fabs(value) >= 999.5 && i < 3) {
        value /= 1000;
        i++;
    }
    mt_page_add(page, "%.3g %s%s", value, prefixes[i], unit);
}

static void put_scale(struct mt_page_text *page, const struct curve *c, const char *unit)
{
    for (int i = 0; i <= 2; i++) {
        double y = FLOOR - i * (FLOOR - TOP) / 2.0;
        mt_page_add(page,
                    "<line class=\"axis\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
                    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
                    MARGIN, y, WIDTH - 20, y, MARGIN - 8, y + 4);
        put_value(page, c->low + (c->high - c->low) * i / 2, unit);
        mt_page_add(page, "</text>\n");
    }
}

void mt_plot_curve(struct mt_page_text *page, const json_t *curve, double seconds, const char *unit)
{
    struct curve c = {.values = json_object_get(curve, "values"),
                      .step = mt_json_num(curve, "step_s", 1),
                      .seconds = seconds};
    size_t n = json_array_size(c.values);
    size_t stretches = n < MT_PLOT_POINTS / 2 ? n : MT_PLOT_POINTS / 2;
    bool broken = true;

    if (!find_range(&c)) {
        mt_page_note(page, "Not recorded.");
        return;
    }
    mt_page_add(page, "<svg viewBox=\"0 0 %d %d\" direction=\"ltr\" role=\"img\">\n", WIDTH,
                HEIGHT);
    put_scale(page, &c, unit);
    mt_page_add(page, "<path class=\"curve\" d=\"");
    for (size_t i = 0; i < stretches; i++)
        put_stretch(page, &c, n * i / stretches, n * (i + 1) / stretches, &broken);
    mt_page_add(page, "\"/>\n</svg>\n");
}
