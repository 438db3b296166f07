/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment_ticks.c - renditions of another picture rate than the source's.
 *
 * Each tick of the rendition's clock shows the picture that is due within half a tick, or the
 * one before it. That depends on the picture and its successor alone, so that segments can be
 * made apart: each tick belongs to the segment of the picture that it shows.
 */
#include "av/segment_parts.h"

#include <math.h>

/* As a fraction: 29.97 is 30000/1001. */
static AVRational fraction(double fps)
{
    double ntsc = fps * 1.001;

    if (fabs(ntsc - nearbyint(ntsc)) < 0.0015 && fabs(fps - nearbyint(fps)) > 0.0015)
        return (AVRational){(int)nearbyint(ntsc) * 1000, 1001};
    return av_d2q(fps, 1000);
}

AVRational mt_ticks_rate(const json_t *plan, const struct mt_av_rendition *rendition)
{
    const json_t *value = json_object_get(plan, "rate");
    AVRational rate = {(int)json_integer_value(json_array_get(value, 0)),
                       (int)json_integer_value(json_array_get(value, 1))};
    bool constant = json_is_true(json_object_get(plan, "constant_rate"));
    double fps = rate.den > 0 ? av_q2d(rate) : 0;

    if (rendition->fps > 0)
        return fraction(rendition->fps);
    if (rendition->max_fps > 0 && fps > rendition->max_fps * 1.01) {
        int part = (int)ceil(fps / (rendition->max_fps * 1.01));

        /* Every second picture of 60 is steadier than 25 of them. */
        if (constant)
            return av_mul_q(rate, (AVRational){1, part});
        return fraction(rendition->max_fps);
    }
    if (rendition->constant && fps > 0)
        return rate;
    return (AVRational){0, 1};
}

int64_t mt_tick_at(int64_t pts, AVRational base, AVRational rate)
{
    AVRational half = av_mul_q(av_inv_q(rate), (AVRational){1, 2});
    int64_t halves = av_rescale_q_rnd(pts, base, half, AV_ROUND_UP);

    return halves >= 0 ? halves / 2 : -((1 - halves) / 2);
}
