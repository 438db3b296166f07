/* SPDX-License-Identifier: GPL-2.0-or-later */
/* detect.h - which permitted demuxer the bytes ask for. Private to lib/av. */
#ifndef MT_AV_DETECT_H
#define MT_AV_DETECT_H

#include "base/err.h"

#include <libavformat/avformat.h>

/*
 * The demuxer for the size bytes of fd, by content alone: signatures that leave no
 * doubt first, then the libraries' own scores, of which weak ones do not count.
 * MT_ERR_UNSUPPORTED_TYPE when it is none that is permitted.
 */
int mt_in_detect(const AVInputFormat **out, int fd, int64_t size, struct mt_err *err) MT_MUST_USE;

/* Fails with MT_ERR_ENCRYPTED if the transport stream in fd is scrambled. */
int mt_ts_scrambled(int fd, int64_t size, struct mt_err *err) MT_MUST_USE;

#endif
