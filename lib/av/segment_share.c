/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment_share.c - what part of an average bit rate each segment gets.
 *
 * Segments are encoded apart, so that no encoder sees where the film needs its bits. What the
 * source spends on a stretch tells it before anything is encoded. As rate control with qcomp = 0.6
 * does (libx264), hard stretches get more, though less than in proportion.
 */
#include "av/segment_parts.h"

#include "base/mem.h"
#include "json/json.h"

#include <math.h>

enum { STEP_US = 500000, STEPS_MAX = 10000000, ROUNDS = 8 };

static const double COMPRESSION = 0.6, LEAST = 0.25;

void mt_spent_add(struct mt_spent *spent, int64_t us, int size)
{
    int64_t at;

    if (spent->room == 0)
        spent->from_us = us;
    at = FFMAX(us - spent->from_us, 0) / STEP_US;
    if (at >= STEPS_MAX)
        return;
    if (at >= spent->room) {
        int64_t room = at + at / 2 + 256;

        spent->bytes = mt_realloc(spent->bytes, (size_t)room, sizeof *spent->bytes);
        while (spent->room < room)
            spent->bytes[spent->room++] = 0;
    }
    spent->bytes[at] += size;
}

int64_t mt_spent_between(const struct mt_spent *spent, int64_t from_us, int64_t to_us)
{
    int64_t from = FFMAX(from_us - spent->from_us, 0) / STEP_US;
    int64_t to = FFMIN(FFMAX(to_us - spent->from_us, 0) / STEP_US, spent->room), sum = 0;

    for (int64_t i = from; i < to; i++)
        sum += spent->bytes[i];
    return sum;
}

/* How long a segment is, in ticks of the plan's base. */
static double length_of(const json_t *plan, const json_t *segments, size_t i)
{
    const json_t *base = json_object_get(plan, "base");
    double end = mt_json_num(plan, "duration_us", 0) / 1e6 *
                 (double)json_integer_value(json_array_get(base, 1)) /
                 (double)FFMAX(json_integer_value(json_array_get(base, 0)), 1);
    const json_t *next = json_array_get(segments, i + 1);

    if (next)
        end = mt_json_num(next, "start", 0);
    return FFMAX(end - mt_json_num(json_array_get(segments, i), "start", 0), 1);
}

static double need_of(const json_t *plan, const json_t *segments, size_t i)
{
    double bytes = mt_json_num(json_array_get(segments, i), "bytes", 0);

    return pow(FFMAX(bytes, 1) / length_of(plan, segments, i), COMPRESSION);
}

static double clamp(double value, double most)
{
    return fmin(fmax(value, LEAST), fmax(most, 1));
}

double mt_segment_share(const json_t *plan, const json_t *segment, double most)
{
    const json_t *segments = json_object_get(plan, "segments");
    size_t n = json_array_size(segments), own = 0;
    double scale = 1;

    if (n < 2 || !json_object_get(segment, "bytes"))
        return 1;
    while (own < n && json_array_get(segments, own) != segment)
        own++;
    /* What a bound takes from one, or gives to it, is the others' gain or loss. */
    for (int round = 0; round < ROUNDS; round++) {
        double sum = 0, all = 0;

        for (size_t i = 0; i < n; i++) {
            double length = length_of(plan, segments, i);
            double share = need_of(plan, segments, i) * scale;

            sum += length * (round > 0 ? clamp(share, most) : share);
            all += length;
        }
        scale *= all / sum;
    }
    return own < n ? clamp(need_of(plan, segments, own) * scale, most) : 1;
}
