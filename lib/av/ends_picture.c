/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ends_picture.c - whether JPEG, PNG and GIF files are whole, by their markers and checksums. */
#include "av/bytes.h"
#include "av/ends.h"

#include <libavutil/crc.h>
#include <string.h>

static bool skip(struct mt_bytes *b, int64_t n, int64_t size)
{
    if (b->at + n > size)
        return false;
    mt_bytes_seek(b, b->at + n);
    return true;
}

/* The next marker of a JPEG (ITU-T T.81 annex B), skipping entropy-coded data; -1 at the end. */
static int next_marker(struct mt_bytes *b)
{
    for (int c = mt_bytes_next(b); c >= 0; c = mt_bytes_next(b)) {
        if (c != 0xFF)
            continue;
        while ((c = mt_bytes_next(b)) == 0xFF)
            ;
        if (c > 0 && !(c >= 0xD0 && c <= 0xD7))
            return c;
        if (c < 0)
            break;
    }
    return -1;
}

void mt_ends_jpeg(struct mt_issues *issues, int fd, int64_t size)
{
    enum { SOI = 0xD8, EOI = 0xD9, TEM = 0x01 };
    struct mt_bytes b = {.fd = fd};

    for (int m = next_marker(&b); m != EOI; m = next_marker(&b)) {
        if (m < 0) {
            mt_issue_truncated(issues, "the end marker of the picture (EOI) is missing");
            return;
        }
        if (m == SOI || m == TEM)
            continue;
        int high = mt_bytes_next(&b), low = mt_bytes_next(&b);
        int64_t n = high < 0 || low < 0 ? 0 : high << 8 | low;
        if (low < 0 || (n >= 2 && !skip(&b, n - 2, size))) {
            mt_issue_truncated(issues, "segment %02X reaches over the end of the file",
                               (unsigned)m);
            return;
        }
    }
}

/* The checksum of a chunk: over its type and data (ISO/IEC 15948, 5.3). */
static bool png_crc(struct mt_bytes *b, int64_t n, uint32_t *crc)
{
    const AVCRC *table = av_crc_get_table(AV_CRC_32_IEEE_LE);
    uint32_t sum = UINT32_MAX;

    for (int64_t i = 0; i < n; i++) {
        int c = mt_bytes_next(b);
        if (c < 0)
            return false;
        uint8_t byte = (uint8_t)c;
        sum = av_crc(table, sum, &byte, 1);
    }
    *crc = sum ^ UINT32_MAX;
    return true;
}

void mt_ends_png(struct mt_issues *issues, int fd, int64_t size)
{
    struct mt_bytes b = {.fd = fd, .at = 8};
    char type[5] = "";

    while (memcmp(type, "IEND", 4) != 0) {
        uint8_t h[8], tail[4];
        uint32_t crc;
        int64_t at = b.at;
        if (!mt_bytes_at(fd, at, h, sizeof(h))) {
            mt_issue_truncated(issues, "the last chunk (IEND) is missing");
            return;
        }
        int64_t n = mt_be32(h);
        memcpy(type, h + 4, 4);
        mt_bytes_seek(&b, at + 4);
        if (n > size - at - 12 || !png_crc(&b, n + 4, &crc) ||
            !mt_bytes_at(fd, b.at, tail, sizeof(tail))) {
            mt_issue_truncated(issues, "a chunk reaches over the end of the file");
            return;
        }
        if (crc != mt_be32(tail))
            mt_issue(issues, "checksum", -1, "the checksum of the chunk at byte %lld is wrong",
                     (long long)at);
        mt_bytes_seek(&b, b.at + 4);
    }
}

/* Sub-blocks up to the empty one. */
static bool gif_blocks(struct mt_bytes *b, int64_t size)
{
    int n;

    while ((n = mt_bytes_next(b)) > 0)
        if (!skip(b, n, size))
            return false;
    return n == 0;
}

static bool gif_block(struct mt_bytes *b, int introducer, int64_t size)
{
    enum { EXTENSION = 0x21, IMAGE = 0x2C };
    uint8_t h[9];

    if (introducer == EXTENSION)
        return mt_bytes_next(b) >= 0 && gif_blocks(b, size);
    if (introducer != IMAGE || !mt_bytes_at(b->fd, b->at, h, sizeof(h)))
        return false;
    int64_t colors = h[8] & 0x80 ? 3 << ((h[8] & 7) + 1) : 0;
    return skip(b, 9 + colors + 1, size) && gif_blocks(b, size);
}

void mt_ends_gif(struct mt_issues *issues, int fd, int64_t size)
{
    enum { TRAILER = 0x3B };
    struct mt_bytes b = {.fd = fd};
    uint8_t h[13];

    if (!mt_bytes_at(fd, 0, h, sizeof(h)))
        return;
    mt_bytes_seek(&b, 13 + (h[10] & 0x80 ? 3 << ((h[10] & 7) + 1) : 0));
    for (int c = mt_bytes_next(&b); c != TRAILER; c = mt_bytes_next(&b)) {
        if (c == 0)
            continue;
        if (c < 0 || !gif_block(&b, c, size)) {
            mt_issue_truncated(issues, "the pictures end without the trailer at byte %lld",
                               (long long)b.at);
            return;
        }
    }
}
