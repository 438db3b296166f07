/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thorough.h - decoding all of a film, to find what is damaged and where. Private to lib/av. */
#ifndef MT_AV_THOROUGH_H
#define MT_AV_THOROUGH_H

#include "av/av.h"
#include "av/issues.h"

/*
 * Decodes every picture and sound of the file behind fd, attached pictures apart, on one thread
 * so that an error is known by its packet. What does not decode is added to issues as stretches
 * of time ("decode_error"), from the last good frame to the next one; and, for FLAC, whether the
 * checksum of all samples fits. *lost_us grows by the length of all stretches together, those
 * that overlap counted once.
 *
 * Fails with MT_ERR_CANCELLED, MT_ERR_IO, or as opening does; damage is no failure.
 */
int mt_thorough(int fd, const struct mt_av_limits *limits, const struct mt_av_progress *progress,
                struct mt_issues *issues, int64_t *lost_us, struct mt_err *err) MT_MUST_USE;

#endif
