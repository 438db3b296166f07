/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame.c - see frame.h. */
#include "av/frame.h"

bool mt_frame_interlaced(const AVFrame *frame)
{
#ifdef AV_FRAME_FLAG_INTERLACED
    return (frame->flags & AV_FRAME_FLAG_INTERLACED) != 0;
#else
    return frame->interlaced_frame != 0;
#endif
}

bool mt_frame_top_first(const AVFrame *frame)
{
#ifdef AV_FRAME_FLAG_TOP_FIELD_FIRST
    return (frame->flags & AV_FRAME_FLAG_TOP_FIELD_FIRST) != 0;
#else
    return frame->top_field_first != 0;
#endif
}

void mt_frame_set_fields(AVFrame *frame, bool top_first)
{
#ifdef AV_FRAME_FLAG_INTERLACED
    frame->flags |= AV_FRAME_FLAG_INTERLACED;
    frame->flags &= ~AV_FRAME_FLAG_TOP_FIELD_FIRST;
    frame->flags |= top_first ? AV_FRAME_FLAG_TOP_FIELD_FIRST : 0;
#else
    frame->interlaced_frame = 1;
    frame->top_field_first = top_first;
#endif
}

void mt_frame_clear_key(AVFrame *frame)
{
#ifdef AV_FRAME_FLAG_KEY
    frame->flags &= ~AV_FRAME_FLAG_KEY;
#else
    frame->key_frame = 0;
#endif
}

bool mt_frame_damaged(const AVFrame *frame)
{
    return (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame->decode_error_flags != 0;
}

int64_t mt_frame_duration(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    int64_t duration = frame->duration;
#else
    int64_t duration = frame->pkt_duration;
#endif
    return duration > 0 ? duration : 0;
}

void mt_frame_expect_color(AVBufferSrcParameters *par, enum AVColorSpace space,
                           enum AVColorRange range)
{
#if LIBAVFILTER_VERSION_MAJOR >= 10
    par->color_space = space;
    par->color_range = range;
#else
    (void)par, (void)space, (void)range;
#endif
}
