/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limits.h - what headers claim against what is permitted. Private to lib/av. */
#ifndef MT_AV_LIMITS_H
#define MT_AV_LIMITS_H

#include "av/av.h"

#include <libavformat/avformat.h>

/*
 * MT_ERR_LIMIT, naming figure and limit, when the format as far as it is known
 * exceeds limits, or when a picture was met that the libraries refused for its size.
 */
int mt_limits_check(const AVFormatContext *format, const struct mt_av_limits *limits,
                    struct mt_err *err) MT_MUST_USE;

/*
 * MT_ERR_LIMIT, with stream and time, when a packet of the pictures is the one behind the last that
 * is allowed; before: how many there were.
 */
int mt_limits_check_frame(const AVStream *st, const AVPacket *packet, int64_t before,
                          const struct mt_av_limits *limits, struct mt_err *err) MT_MUST_USE;

/*
 * The same for a PNG file from its first chunk, IHDR (ISO/IEC 15948, 11.2.2): the
 * decoder refuses sizes beyond its own without naming them. Other files pass.
 */
int mt_limits_check_png(int fd, const struct mt_av_limits *limits, struct mt_err *err) MT_MUST_USE;

#endif
