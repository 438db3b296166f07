/* SPDX-License-Identifier: GPL-2.0-or-later */
/* find.c - where EXIF lies in files of pictures. */
#include "exif/exif.h"

#include "base/file.h"
#include "heif/heif.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    BLOCK_MOST = 16 * 1024 * 1024,
    TIFF_MOST = 128 * 1024 * 1024,
    PARTS_MOST = 4096,
};

struct span {
    int64_t at, n; /* n is 0: not found */
};

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static bool read_at(int fd, int64_t at, void *data, size_t n)
{
    return at >= 0 && mt_pread_full(fd, data, n, at) == (ssize_t)n;
}

/* Segment APP1 that begins with "Exif\0\0" (CIPA DC-008, 4.7.2); the picture itself ends it. */
static struct span in_jpeg(int fd)
{
    enum { SOS = 0xDA, APP1 = 0xE1 };
    int64_t at = 2;
    uint8_t h[10];

    for (int i = 0; i < PARTS_MOST && read_at(fd, at, h, sizeof(h)) && h[0] == 0xFF; i++) {
        int64_t n = be16(h + 2);
        if (h[1] == SOS || n < 2)
            break;
        if (h[1] == APP1 && n > 8 && memcmp(h + 4, "Exif\0", 6) == 0)
            return (struct span){at + 10, n - 8};
        at += h[1] == 0xFF ? 1 : 2 + n;
    }
    return (struct span){0};
}

static struct span in_png(int fd)
{
    int64_t at = 8;
    uint8_t h[8];

    for (int i = 0; i < PARTS_MOST && read_at(fd, at, h, sizeof(h)); i++) {
        int64_t n = be32(h);
        if (memcmp(h + 4, "eXIf", 4) == 0)
            return (struct span){at + 8, n};
        at += 12 + n;
    }
    return (struct span){0};
}

static struct span in_webp(int fd)
{
    int64_t at = 12;
    uint8_t h[8];

    for (int i = 0; i < PARTS_MOST && read_at(fd, at, h, sizeof(h)); i++) {
        int64_t n = le32(h + 4);
        if (memcmp(h, "EXIF", 4) == 0)
            return (struct span){at + 8, n};
        at += 8 + n + (n & 1);
    }
    return (struct span){0};
}

/* The block is behind four bytes that tell where its TIFF header is (ISO/IEC 23008-12, A.2.1). */
static struct span in_heif(int fd)
{
    struct mt_heif *heif = mt_heif_read(fd);
    struct mt_heif_item item;
    struct span s = {0};
    uint8_t skip[4];

    if (heif && mt_heif_item(heif, mt_heif_find(heif, "Exif", NULL), &item) && item.n_extents == 1)
        s = (struct span){item.extents[0].at, item.extents[0].bytes};
    mt_heif_free(&heif);
    if (s.n < 12 || !read_at(fd, s.at, skip, sizeof(skip)) || be32(skip) > s.n - 12)
        return (struct span){0};
    return (struct span){s.at + 4 + be32(skip), s.n - 4 - be32(skip)};
}

/* A TIFF file is such a block itself, its pictures among it. */
static struct span in_tiff(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0 || st.st_size > TIFF_MOST)
        return (struct span){0};
    return (struct span){0, st.st_size};
}

static bool is_tiff(const uint8_t *p)
{
    return memcmp(p, "II*\0", 4) == 0 || memcmp(p, "MM\0*", 4) == 0;
}

static struct span find(int fd)
{
    uint8_t h[12];

    if (!read_at(fd, 0, h, sizeof(h)))
        return (struct span){0};
    if (h[0] == 0xFF && h[1] == 0xD8)
        return in_jpeg(fd);
    if (memcmp(h, "\x89PNG", 4) == 0)
        return in_png(fd);
    if (memcmp(h, "RIFF", 4) == 0 && memcmp(h + 8, "WEBP", 4) == 0)
        return in_webp(fd);
    if (memcmp(h + 4, "ftyp", 4) == 0)
        return in_heif(fd);
    return is_tiff(h) ? in_tiff(fd) : (struct span){0};
}

unsigned char *mt_exif_find(int fd, size_t *n)
{
    struct span s = find(fd);
    uint8_t head[10];

    /* Some writers put the name of the JPEG segment before the block everywhere. */
    if (s.n > 6 && read_at(fd, s.at, head, 6) && memcmp(head, "Exif\0", 6) == 0)
        s = (struct span){s.at + 6, s.n - 6};
    if (s.n < 8 || (s.at > 0 && s.n > BLOCK_MOST) || !read_at(fd, s.at, head, 4) || !is_tiff(head))
        return NULL;
    unsigned char *block = malloc((size_t)s.n);
    if (block && !read_at(fd, s.at, block, (size_t)s.n)) {
        free(block);
        block = NULL;
    }
    *n = (size_t)s.n;
    return block;
}
