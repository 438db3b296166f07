/* SPDX-License-Identifier: GPL-2.0-or-later */
/* measure_course.c - the loudness of a film over its time, in a bounded number of steps. */
#include "av/measure_parts.h"

#include <math.h>

#define STEP 100000 /* us: as often as EBU Tech 3341 wants the momentary loudness */

static const double silent = -70; /* LUFS: the absolute gate of BS.1770-4 */

void mt_course_init(struct mt_course *c)
{
    *c = (struct mt_course){.step_us = STEP};
}

/* Each two steps become one. */
static void halve(struct mt_course *c)
{
    for (int i = 0; i < MT_COURSE_POINTS; i++) {
        double power = c->power[i];
        int64_t values = c->values[i];

        c->power[i] = 0;
        c->values[i] = 0;
        c->power[i / 2] += power;
        c->values[i / 2] += values;
    }
    c->n = (c->n + 1) / 2;
    c->step_us *= 2;
}

void mt_course_add(struct mt_course *c, int64_t us, double lufs)
{
    if (us < 0 || isnan(lufs))
        return;
    while (us / c->step_us >= MT_COURSE_POINTS)
        halve(c);
    int i = (int)(us / c->step_us);
    c->power[i] += pow(10, lufs / 10);
    c->values[i]++;
    if (i >= c->n)
        c->n = i + 1;
}

json_t *mt_course_json(const struct mt_course *c)
{
    json_t *lufs = json_array();

    for (int i = 0; i < c->n; i++) {
        double mean = c->values[i] ? 10 * log10(c->power[i] / (double)c->values[i]) : -INFINITY;
        json_array_append_new(lufs,
                              mean >= silent ? json_real(round(mean * 10) / 10) : json_null());
    }
    return json_pack("{s:f, s:o}", "step_s", (double)c->step_us / 1e6, "lufs", lufs);
}
