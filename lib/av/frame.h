/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame.h - what a decoded picture says of itself, in every version of the libraries. Private to
 * lib/av. */
#ifndef MT_AV_FRAME_H
#define MT_AV_FRAME_H

#include <libavutil/frame.h>
#include <stdbool.h>
#include <stdint.h>

bool mt_frame_interlaced(const AVFrame *frame);

/* Whether the decoder concealed something in it. */
bool mt_frame_damaged(const AVFrame *frame);

/* In the stream's time base; 0: unknown. */
int64_t mt_frame_duration(const AVFrame *frame);

#endif
