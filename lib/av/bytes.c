/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bytes.c - see bytes.h. */
#include "av/bytes.h"

#include <libavutil/crc.h>

bool mt_bytes_crc(int fd, int64_t at, int64_t n, const uint32_t *table, uint32_t seed,
                  uint32_t *sum)
{
    uint8_t buf[32768];

    for (*sum = seed; n > 0;) {
        size_t part = n < (int64_t)sizeof(buf) ? (size_t)n : sizeof(buf);
        if (!mt_bytes_at(fd, at, buf, part))
            return false;
        *sum = av_crc(table, *sum, buf, part);
        at += (int64_t)part;
        n -= (int64_t)part;
    }
    return true;
}
