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

/*
 * Whether bytes that a parser gave out as a packet of MPEG audio are in truth
 * what lies between or behind the frames: tags, padding, rubbish.
 */
bool mt_frame_is_noise(enum AVCodecID codec, const uint8_t *data, int n);

/* Whether bytes begin as tags of sound files do: ID3 of both versions, APE, Lyrics3. */
bool mt_bytes_are_tag(const uint8_t *data, int n);

/* Whether the first bytes (64 at most) are all zero, as where a download left a hole. */
bool mt_bytes_are_zero(const uint8_t *data, int n);

#endif
