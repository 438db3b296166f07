/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bytes.h - figures inside foreign bytes, and reading those in order. Private to lib/av. */
#ifndef MT_AV_BYTES_H
#define MT_AV_BYTES_H

#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint32_t mt_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t mt_be32(const uint8_t *p)
{
    return mt_be16(p) << 16 | mt_be16(p + 2);
}

static inline uint64_t mt_be64(const uint8_t *p)
{
    return (uint64_t)mt_be32(p) << 32 | mt_be32(p + 4);
}

static inline uint32_t mt_le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

static inline uint32_t mt_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t mt_le64(const uint8_t *p)
{
    return (uint64_t)mt_le32(p + 4) << 32 | mt_le32(p);
}

/* Whether all n bytes at an offset could be read. */
static inline bool mt_bytes_at(int fd, int64_t at, void *data, size_t n)
{
    return mt_pread_full(fd, data, n, at) == (ssize_t)n;
}

/* A file read byte by byte from some place on, through a buffer. */
struct mt_bytes {
    int fd;
    int64_t at; /* offset of the byte given next */
    size_t have, used;
    uint8_t buf[16384];
};

/* The next byte, or -1 at the end. */
static inline int mt_bytes_next(struct mt_bytes *b)
{
    if (b->used == b->have) {
        ssize_t n = mt_pread_full(b->fd, b->buf, sizeof(b->buf), b->at);
        b->have = n > 0 ? (size_t)n : 0;
        b->used = 0;
        if (n <= 0)
            return -1;
    }
    b->at++;
    return b->buf[b->used++];
}

/*
 * The sum of n bytes from an offset on by av_crc() with one of its tables, begun with seed.
 * False when they cannot be read.
 */
bool mt_bytes_crc(int fd, int64_t at, int64_t n, const uint32_t *table, uint32_t seed,
                  uint32_t *sum);

/* Goes on from another offset. */
static inline void mt_bytes_seek(struct mt_bytes *b, int64_t at)
{
    if (at >= b->at && at - b->at <= (int64_t)(b->have - b->used)) {
        b->used += (size_t)(at - b->at);
    } else {
        b->have = b->used = 0;
    }
    b->at = at;
}

#endif
