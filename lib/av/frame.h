/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame.h - what a frame says of itself and is told, in every version of the libraries. Private to
 * lib/av. */
#ifndef MT_AV_FRAME_H
#define MT_AV_FRAME_H

#include <libavfilter/buffersrc.h>
#include <libavutil/frame.h>
#include <stdbool.h>
#include <stdint.h>

bool mt_frame_interlaced(const AVFrame *frame);

/* Of two fields: whether the upper one comes first. */
bool mt_frame_top_first(const AVFrame *frame);

/* Makes it one of two fields. */
void mt_frame_set_fields(AVFrame *frame, bool top_first);

/* It is no key frame any more, whatever it was in the source. */
void mt_frame_clear_key(AVFrame *frame);

/* Whether the decoder concealed something in it. */
bool mt_frame_damaged(const AVFrame *frame);

/* In the stream's time base; 0: unknown. */
int64_t mt_frame_duration(const AVFrame *frame);

/* What a filter graph is to expect; older libraries look at the first frame instead. */
void mt_frame_expect_color(AVBufferSrcParameters *par, enum AVColorSpace space,
                           enum AVColorRange range);

#endif
