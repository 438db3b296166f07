/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frames.h - sound frames that tell their own length. Private to lib/av. */
#ifndef MT_AV_FRAMES_H
#define MT_AV_FRAMES_H

#include <libavcodec/codec_id.h>
#include <stdbool.h>

/*
 * Whether the n bytes begin with the header of a frame of MPEG audio
 * (ISO/IEC 11172-3, 13818-3), ADTS AAC (13818-7), AC-3 (ATSC A/52) or AMR-NB
 * (RFC 4867) that is longer than n bytes. False for everything else.
 */
bool mt_frame_is_cut(enum AVCodecID codec, const uint8_t *data, int n);

#endif
