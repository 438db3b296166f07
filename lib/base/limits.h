/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limits.h - how much of a media file is too much, unless somebody says otherwise. */
#ifndef MT_BASE_LIMITS_H
#define MT_BASE_LIMITS_H

#include <stdint.h>

#define MT_LIMIT_FILE_BYTES INT64_C(5368709120)
#define MT_LIMIT_PIXELS INT64_C(100000000) /* of one picture, width times height */
#define MT_LIMIT_SIDE_PX 16384
#define MT_LIMIT_STREAMS 100
#define MT_LIMIT_DURATION_US (INT64_C(24) * 3600 * 1000000)
#define MT_LIMIT_FRAMES 10000000 /* in one stream */

#endif
