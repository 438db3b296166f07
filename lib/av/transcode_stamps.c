/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_stamps.c - times that rise, whatever the source says. */
#include "av/transcode_parts.h"

#include "av/boxes.h"

#include <libavutil/avstring.h>

enum { LEAP_US = 10 * 1000000, BACK_US = 1000000, RATE_MAX = 240 };

static const int64_t ABSURD_US = INT64_C(1) << 50; /* 35 years */

/* A time beyond reason is none: sums with it would overflow. */
static int64_t sane(int64_t t, AVRational base)
{
    int64_t us = t == AV_NOPTS_VALUE ? 0 : av_rescale_q(t, base, AV_TIME_BASE_Q);

    return us < -ABSURD_US || us > ABSURD_US ? AV_NOPTS_VALUE : t;
}

static bool is_leap(const struct mt_stamps *stamps, int64_t by_us)
{
    return by_us < -BACK_US || (stamps->leaps && by_us > LEAP_US);
}

/*
 * The first stream to leap goes on where it was, and says by how much its clock was put
 * right; the others follow by the same amount when they leap themselves, not before: their
 * last packets from before the leap may still be under way.
 */
static void mend(struct mt_stamps *stamps, int which, int64_t raw_us)
{
    struct mt_stamp *own = &stamps->stream[which];
    int64_t others = raw_us + stamps->offset_us - own->last_us;

    if (stamps->offset_us != own->offset_us && others > -BACK_US && others < LEAP_US) {
        own->offset_us = stamps->offset_us;
        return;
    }
    own->offset_us = own->last_us + own->length_us - raw_us;
    stamps->offset_us = own->offset_us;
    stamps->jumps++;
}

void mt_stamps_fix(struct mt_stamps *stamps, int which, AVPacket *packet, AVRational base)
{
    struct mt_stamp *own = &stamps->stream[which];
    int64_t dts, raw_us, shift;

    packet->pts = sane(packet->pts, base);
    packet->dts = sane(packet->dts, base);
    packet->duration = FFMAX(sane(packet->duration, base), 0);
    dts = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    if (dts == AV_NOPTS_VALUE)
        return;
    raw_us = av_rescale_q(dts, base, AV_TIME_BASE_Q);
    if (own->known && is_leap(stamps, raw_us + own->offset_us - own->last_us))
        mend(stamps, which, raw_us);
    own->known = true;
    own->last_us = raw_us + own->offset_us;
    own->length_us = av_rescale_q(packet->duration, base, AV_TIME_BASE_Q);
    shift = av_rescale_q(own->offset_us, AV_TIME_BASE_Q, base);
    if (packet->dts != AV_NOPTS_VALUE)
        packet->dts += shift;
    if (packet->pts != AV_NOPTS_VALUE)
        packet->pts += shift;
}

void mt_clock_init(struct mt_clock *clock, int64_t step)
{
    *clock = (struct mt_clock){.last = AV_NOPTS_VALUE, .step = step > 0 ? step : 1};
}

/*
 * A frame that lies behind its predecessor goes a quarter of a step after it: nearer would
 * make bursts that rate control takes for a thousand frames per second, farther would never
 * catch up with the frames whose times are right.
 */
int64_t mt_clock_next(struct mt_clock *clock, int64_t pts)
{
    int64_t quarter = clock->step / 4 > 0 ? clock->step / 4 : 1;

    if (pts == AV_NOPTS_VALUE) {
        clock->missing++;
        pts = clock->last == AV_NOPTS_VALUE ? 0 : clock->last + clock->step;
    } else if (clock->last != AV_NOPTS_VALUE && pts <= clock->last) {
        clock->backwards++;
        pts = clock->last + quarter;
    }
    clock->last = pts;
    return pts;
}

void mt_clock_stamp(struct mt_clock *clock, AVFrame *frame)
{
    frame->pts = mt_clock_next(clock, frame->best_effort_timestamp);
}

int64_t mt_film_origin(const struct mt_in *in, int fd, int64_t first_us)
{
    struct mt_boxes boxes;

    if (first_us <= 0 || !av_match_list(in->format->iformat->name, "mov", ','))
        return first_us;
    mt_boxes_scan(&boxes, fd, in->size);
    return FFMAX(first_us - boxes.empty_us, 0);
}

static bool believable(AVRational rate)
{
    return rate.num > 0 && rate.den > 0 && av_q2d(rate) <= (double)RATE_MAX && av_q2d(rate) >= 0.5;
}

AVRational mt_honest_rate(const struct mt_in *in)
{
    if (believable(in->video->avg_frame_rate))
        return in->video->avg_frame_rate;
    if (believable(in->video->r_frame_rate))
        return in->video->r_frame_rate;
    return (AVRational){30, 1};
}

bool mt_rate_is_constant(const struct mt_in *in)
{
    AVRational average = in->video->avg_frame_rate;

    return believable(average) && av_cmp_q(average, in->video->r_frame_rate) == 0;
}

AVRational mt_honest_base(AVRational base)
{
    if (base.num <= 0 || base.den <= 0 || av_q2d(base) < 1e-6 || av_q2d(base) > 1)
        return (AVRational){1, 90000};
    return base;
}
