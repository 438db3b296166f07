/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ends_picture.c - whether JPEG, PNG, GIF and TIFF files are whole, by their markers and checksums.
 */
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

    issues->declared = true;
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

    issues->declared = true;
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

    issues->declared = true;
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

struct tiff {
    int fd;
    int64_t size;
    bool big; /* byte order */
};

static uint32_t tiff16(const struct tiff *t, const uint8_t *p)
{
    return t->big ? mt_be16(p) : mt_le16(p);
}

static uint32_t tiff32(const struct tiff *t, const uint8_t *p)
{
    return t->big ? mt_be32(p) : mt_le32(p);
}

/* Value i of an entry of n SHORTs or LONGs (TIFF 6.0, section 2), or -1. */
static int64_t tiff_value(const struct tiff *t, const uint8_t *entry, uint32_t i)
{
    enum { SHORT = 3 };
    uint32_t bytes = tiff16(t, entry + 2) == SHORT ? 2 : 4;
    uint8_t v[4];

    if ((int64_t)tiff32(t, entry + 4) * bytes <= 4)
        memcpy(v, entry + 8 + (size_t)i * bytes, bytes);
    else if (!mt_bytes_at(t->fd, (int64_t)tiff32(t, entry + 8) + (int64_t)i * bytes, v, bytes))
        return -1;
    return bytes == 2 ? tiff16(t, v) : tiff32(t, v);
}

/* How far strips or tiles reach, as their offsets and byte counts tell; 0 when they do not. */
static int64_t tiff_extent(const struct tiff *t, const uint8_t *offsets, const uint8_t *counts)
{
    enum { STRIPS_MOST = 65536 };
    int64_t end = 0;

    if (!offsets || !counts)
        return 0;
    uint32_t n = tiff32(t, offsets + 4);
    if (n > tiff32(t, counts + 4))
        n = tiff32(t, counts + 4);
    for (uint32_t i = 0; i < n && i < STRIPS_MOST; i++) {
        int64_t at = tiff_value(t, offsets, i), bytes = tiff_value(t, counts, i);
        if (at < 0 || bytes < 0)
            return t->size + 1;
        if (at + bytes > end)
            end = at + bytes;
    }
    return end;
}

/* How far the values of an entry reach that do not fit into it (TIFF 6.0, section 2); 0: they do.
 */
static int64_t tiff_values_end(const struct tiff *t, const uint8_t *entry)
{
    static const uint8_t widths[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};
    uint32_t type = tiff16(t, entry + 2);
    int64_t bytes = type < sizeof(widths) ? widths[type] * (int64_t)tiff32(t, entry + 4) : 0;

    return bytes > 4 ? (int64_t)tiff32(t, entry + 8) + bytes : 0;
}

/* One directory. *next: the offset of the one after it. False: it is not all there. */
static bool tiff_directory(const struct tiff *t, int64_t at, int64_t *next, int64_t *extent)
{
    const uint8_t *offsets = NULL, *counts = NULL;
    uint8_t h[2], last[4];
    uint8_t entries[12 * 512];

    if (!mt_bytes_at(t->fd, at, h, sizeof(h)))
        return false;
    uint32_t n = tiff16(t, h);
    if (n > 512)
        return true; /* nothing that a picture needs: the decoder will tell */
    if (!mt_bytes_at(t->fd, at + 2, entries, (size_t)n * 12) ||
        !mt_bytes_at(t->fd, at + 2 + (int64_t)n * 12, last, sizeof(last)))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t tag = tiff16(t, entries + (size_t)i * 12);
        if (tiff_values_end(t, entries + (size_t)i * 12) > t->size)
            return false;
        if (tag == 273 || tag == 324)
            offsets = entries + (size_t)i * 12;
        else if (tag == 279 || tag == 325)
            counts = entries + (size_t)i * 12;
    }
    *extent = tiff_extent(t, offsets, counts);
    *next = tiff32(t, last);
    return true;
}

void mt_ends_tiff(struct mt_issues *issues, int fd, int64_t size)
{
    enum { DIRECTORIES_MOST = 64 };
    struct tiff t = {.fd = fd, .size = size};
    uint8_t h[8];

    if (!mt_bytes_at(fd, 0, h, sizeof(h)) || h[0] != h[1])
        return;
    t.big = h[0] == 'M';
    issues->declared = true;
    int64_t next = tiff32(&t, h + 4), extent;
    for (int i = 0; i < DIRECTORIES_MOST && next > 0; i++) {
        extent = 0;
        if (!tiff_directory(&t, next, &next, &extent)) {
            mt_issue_truncated(issues, "directory %d reaches over the end of the file", i);
            return;
        }
        if (extent > size) {
            mt_issue_truncated(issues, "the picture of directory %d is longer than the file", i);
            return;
        }
    }
}
