/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thorough_sum.h - the checksum over all samples that a FLAC carries. Private to lib/av. */
#ifndef MT_AV_THOROUGH_SUM_H
#define MT_AV_THOROUGH_SUM_H

#include <libavcodec/codec_par.h>
#include <libavutil/frame.h>
#include <stdbool.h>

struct mt_sum;

/* NULL, which the others take, when the stream has no such sum: another codec, or it was 0. */
struct mt_sum *mt_sum_new(const AVCodecParameters *par);
void mt_sum_free(struct mt_sum **sum);

/* The samples of a frame come next. */
void mt_sum_add(struct mt_sum *sum, const AVFrame *frame);

/* Whether these were all, and the right ones. To be asked once. */
bool mt_sum_fits(struct mt_sum *sum);

#endif
