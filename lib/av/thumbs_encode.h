/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs_encode.h - pictures as files. Private to lib/av. */
#ifndef MT_AV_THUMBS_ENCODE_H
#define MT_AV_THUMBS_ENCODE_H

#include "av/film.h"
#include "av/thumbs.h"

/*
 * Encodes what mt_render() made into packet->data, without any metadata: WebP
 * (lossy, alpha kept), JPEG (baseline, 4:2:0, optimal Huffman tables, what is
 * transparent lies on white), PNG, AVIF (4:2:0, what is transparent on white; one still picture) or
 * JPEG XL. quality 1-100 means about what it does in libjpeg; PNG has none. MT_ERR_UNAVAILABLE when
 * the libraries lack the encoder.
 */
int mt_encode(AVPacket *packet, const AVFrame *rgb, enum mt_av_picture_format format, int quality,
              struct mt_err *err) MT_MUST_USE;

#endif
