/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rate.c - see rate.h. */
#include "av/rate.h"

#include "json/json.h"

enum { STEP_US = 500 * 1000, LEAST_US = 40 * 1000 };

static void halve(struct mt_rate *r)
{
    for (int i = 0; i < MT_RATE_POINTS / 2; i++)
        r->bytes[i] = r->bytes[2 * i] + r->bytes[2 * i + 1];
    for (int i = MT_RATE_POINTS / 2; i < MT_RATE_POINTS; i++)
        r->bytes[i] = 0;
    r->n = (r->n + 1) / 2;
    r->step_us *= 2;
}

void mt_rate_add(struct mt_rate *r, int64_t at_us, int64_t bytes)
{
    if (r->step_us == 0) {
        r->step_us = STEP_US;
        r->first_us = at_us;
    }
    /* What is sent out of order, or wraps around, counts at the edges. */
    if (at_us < r->first_us)
        at_us = r->first_us;
    if ((uint64_t)at_us - (uint64_t)r->first_us > (uint64_t)INT64_MAX / 4)
        return;
    while ((at_us - r->first_us) / r->step_us >= MT_RATE_POINTS)
        halve(r);
    int i = (int)((at_us - r->first_us) / r->step_us);
    r->bytes[i] += bytes;
    if (i >= r->n)
        r->n = i + 1;
}

json_t *mt_rate_describe(const struct mt_rate *r, int64_t duration_us)
{
    if (r->n == 0 || duration_us <= 0)
        return NULL;
    json_t *bps = json_array();
    for (int i = 0; i < r->n; i++) {
        int64_t left = duration_us - i * r->step_us;
        int64_t span = i + 1 < r->n || left > r->step_us ? r->step_us : left;
        if (span < LEAST_US)
            span = LEAST_US;
        json_array_append_new(
            bps, json_integer((json_int_t)((double)r->bytes[i] * 8e6 / (double)span + 0.5)));
    }
    return json_pack("{s:o, s:o}", "step_s", mt_json_real((double)r->step_us / 1e6, 6), "bps", bps);
}
