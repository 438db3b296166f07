/* SPDX-License-Identifier: GPL-2.0-or-later */
/* find.c - where EXIF and XMP lie in files of pictures. */
#include "exif/find.h"

#include "exif/exif.h"

#include "base/file.h"
#include "heif/heif.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TIFF_MOST = 128 * 1024 * 1024 };

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

/* Segment APP1 that begins with a name (CIPA DC-008, 4.7.2; ISO 16684-3, 4.3); SOS ends them. */
static struct span in_jpeg(int fd, enum mt_block kind)
{
    static const char exif[] = "Exif\0", xmp[] = "http://ns.adobe.com/xap/1.0/";
    enum { SOS = 0xDA, APP1 = 0xE1 };
    const char *name = kind == MT_BLOCK_EXIF ? exif : xmp;
    const int64_t skip = kind == MT_BLOCK_EXIF ? sizeof exif : sizeof xmp;
    int64_t at = 2;
    uint8_t h[4 + sizeof xmp];

    for (int i = 0; i < MT_PARTS_MOST && read_at(fd, at, h, 4) && h[0] == 0xFF; i++) {
        int64_t n = be16(h + 2);
        if (h[1] == SOS || n < 2)
            break;
        if (h[1] == APP1 && n > 2 + skip && read_at(fd, at, h, 4 + (size_t)skip) &&
            memcmp(h + 4, name, (size_t)skip) == 0)
            return (struct span){at + 4 + skip, n - 2 - skip};
        at += h[1] == 0xFF ? 1 : 2 + n;
    }
    return (struct span){0};
}

static struct span in_webp(int fd, enum mt_block kind)
{
    int64_t at = 12;
    uint8_t h[8];

    for (int i = 0; i < MT_PARTS_MOST && read_at(fd, at, h, sizeof(h)); i++) {
        int64_t n = le32(h + 4);
        if (memcmp(h, kind == MT_BLOCK_EXIF ? "EXIF" : "XMP ", 4) == 0)
            return (struct span){at + 8, n};
        at += 8 + n + (n & 1);
    }
    return (struct span){0};
}

/* EXIF is behind four bytes that tell where its TIFF header is (ISO/IEC 23008-12, A.2.1). */
static struct span in_heif(int fd, enum mt_block kind)
{
    struct mt_heif *heif = mt_heif_read(fd);
    struct mt_heif_item item;
    struct span s = {0};
    uint8_t skip[4];

    int64_t id = !heif                   ? -1
                 : kind == MT_BLOCK_EXIF ? mt_heif_find(heif, "Exif", NULL)
                                         : mt_heif_find(heif, "mime", "application/rdf+xml");
    if (heif && mt_heif_item(heif, id, &item) && item.n_extents == 1)
        s = (struct span){item.extents[0].at, item.extents[0].bytes};
    mt_heif_free(&heif);
    if (kind == MT_BLOCK_XMP)
        return s;
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

static uint32_t tiff(bool big, const uint8_t *p, int bytes)
{
    uint32_t v = 0;

    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[big ? i : bytes - 1 - i];
    return v;
}

/* Tag 700 of the first directory (ISO 16684-3, 4.7). */
static struct span xmp_in_tiff(int fd)
{
    uint8_t h[8], count[2], entry[12];

    if (!read_at(fd, 0, h, sizeof h))
        return (struct span){0};
    bool big = h[0] == 'M';
    int64_t at = tiff(big, h + 4, 4);
    if (!read_at(fd, at, count, sizeof count))
        return (struct span){0};
    for (uint32_t i = 0; i < tiff(big, count, 2) && i < MT_PARTS_MOST; i++)
        if (read_at(fd, at + 2 + 12 * (int64_t)i, entry, sizeof entry) &&
            tiff(big, entry, 2) == 700)
            return (struct span){tiff(big, entry + 8, 4), tiff(big, entry + 4, 4)};
    return (struct span){0};
}

static bool is_tiff(const uint8_t *p)
{
    return memcmp(p, "II*\0", 4) == 0 || memcmp(p, "MM\0*", 4) == 0;
}

static struct span find(int fd, enum mt_block kind)
{
    uint8_t h[12];

    if (!read_at(fd, 0, h, sizeof(h)))
        return (struct span){0};
    if (h[0] == 0xFF && h[1] == 0xD8)
        return in_jpeg(fd, kind);
    if (memcmp(h, "RIFF", 4) == 0 && memcmp(h + 8, "WEBP", 4) == 0)
        return in_webp(fd, kind);
    if (memcmp(h + 4, "ftyp", 4) == 0)
        return in_heif(fd, kind);
    if (!is_tiff(h))
        return (struct span){0};
    return kind == MT_BLOCK_EXIF ? in_tiff(fd) : xmp_in_tiff(fd);
}

static bool is_png(int fd)
{
    uint8_t h[8];

    return read_at(fd, 0, h, sizeof h) && memcmp(h, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static unsigned char *load(int fd, struct span s, size_t *n)
{
    unsigned char *block = malloc((size_t)s.n);

    if (block && !read_at(fd, s.at, block, (size_t)s.n)) {
        free(block);
        block = NULL;
    }
    *n = (size_t)s.n;
    return block;
}

unsigned char *mt_exif_find(int fd, size_t *n)
{
    if (is_png(fd))
        return mt_png_find(fd, MT_BLOCK_EXIF, n);
    struct span s = find(fd, MT_BLOCK_EXIF);
    uint8_t head[10];

    /* Some writers put the name of the JPEG segment before the block everywhere. */
    if (s.n > 6 && read_at(fd, s.at, head, 6) && memcmp(head, "Exif\0", 6) == 0)
        s = (struct span){s.at + 6, s.n - 6};
    if (s.n < 8 || (s.at > 0 && s.n > MT_BLOCK_MOST) || !read_at(fd, s.at, head, 4) ||
        !is_tiff(head))
        return NULL;
    return load(fd, s, n);
}

unsigned char *mt_xmp_find(int fd, size_t *n)
{
    if (is_png(fd))
        return mt_png_find(fd, MT_BLOCK_XMP, n);
    struct span s = find(fd, MT_BLOCK_XMP);

    return s.n > 0 && s.n <= MT_BLOCK_MOST ? load(fd, s, n) : NULL;
}
