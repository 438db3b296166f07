/* SPDX-License-Identifier: GPL-2.0-or-later */
/* find.c - where EXIF lies in files of pictures. */
#include "exif/exif.h"

#include "base/file.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    BLOCK_MOST = 16 * 1024 * 1024,
    TIFF_MOST = 128 * 1024 * 1024,
    PARTS_MOST = 4096,
    META_MOST = 1024 * 1024,
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

/* A box of the meta box, which is in memory: its contents, and *n bytes of them; or NULL. */
static const uint8_t *box_in(const uint8_t *data, size_t n, const char *type, size_t *inside)
{
    for (size_t at = 0; at + 8 <= n;) {
        size_t size = be32(data + at);
        if (size < 8 || size > n - at)
            break;
        if (memcmp(data + at + 4, type, 4) == 0) {
            *inside = size - 8;
            return data + at + 8;
        }
        at += size;
    }
    return NULL;
}

/* The number of the item of type "Exif" (ISO/IEC 14496-12, 8.11.6), or -1. */
static int64_t exif_item(const uint8_t *iinf, size_t n)
{
    size_t at = n > 0 && iinf[0] ? 8 : 6;

    while (at + 8 + 12 <= n) {
        const uint8_t *infe = iinf + at;
        size_t size = be32(infe);
        bool wide = infe[8] == 3;
        if (size < 20 || size > n - at || infe[8] < 2)
            break;
        if (size >= (wide ? 22U : 20U) && memcmp(infe + (wide ? 18 : 16), "Exif", 4) == 0)
            return wide ? (int64_t)be32(infe + 12) : (int64_t)be16(infe + 12);
        at += size;
    }
    return -1;
}

/* Reads figures of the location box in order; past its end they are 0 and bad is set. */
struct figures {
    const uint8_t *p, *end;
    bool bad;
};

static uint64_t figure(struct figures *f, int bytes)
{
    uint64_t v = 0;

    if (f->end - f->p < bytes) {
        f->bad = true;
        return 0;
    }
    for (int i = 0; i < bytes; i++)
        v = v << 8 | *f->p++;
    return v;
}

struct iloc {
    int version, offset, length, base, index; /* bytes of each figure */
};

/* One entry (8.11.3). True if it is that of the item and has one extent in the file or in idat. */
static bool item_entry(struct figures *f, const struct iloc *l, int64_t item, int64_t idat,
                       struct span *found)
{
    int64_t id = (int64_t)figure(f, l->version < 2 ? 2 : 4);
    uint64_t method = l->version > 0 ? figure(f, 2) & 15 : 0;
    uint64_t reference = figure(f, 2), base = figure(f, l->base), extents = figure(f, 2);

    for (uint64_t i = 0; i < extents && !f->bad; i++) {
        if (l->version > 0)
            figure(f, l->index);
        uint64_t offset = figure(f, l->offset), length = figure(f, l->length);
        if (id != item || extents != 1 || reference != 0 || method > 1 || (method == 1 && !idat) ||
            base > INT64_MAX / 4 || offset > INT64_MAX / 4 || length > BLOCK_MOST)
            continue;
        *found = (struct span){(int64_t)(base + offset) + (method ? idat : 0), (int64_t)length};
    }
    return id == item;
}

static struct span item_place(const uint8_t *iloc, size_t n, int64_t item, int64_t idat)
{
    struct figures f = {.p = iloc, .end = iloc + n};
    struct span found = {0};
    struct iloc l = {.version = (int)(figure(&f, 4) >> 24)};
    uint64_t sizes = figure(&f, 2);

    l.offset = (int)(sizes >> 12 & 15);
    l.length = (int)(sizes >> 8 & 15);
    l.base = (int)(sizes >> 4 & 15);
    l.index = l.version > 0 ? (int)(sizes & 15) : 0;
    if (l.offset > 8 || l.length > 8 || l.base > 8 || l.index > 8)
        return found;
    uint64_t items = figure(&f, l.version < 2 ? 2 : 4);
    for (uint64_t i = 0; i < items && !f.bad; i++)
        if (item_entry(&f, &l, item, idat, &found))
            break;
    return found;
}

/* The block behind the four bytes that tell where its TIFF header is (ISO/IEC 23008-12, A.2.1). */
static struct span behind_offset(int fd, struct span s)
{
    uint8_t skip[4];

    if (s.n < 12 || !read_at(fd, s.at, skip, sizeof(skip)) || be32(skip) > s.n - 12)
        return (struct span){0};
    return (struct span){s.at + 4 + be32(skip), s.n - 4 - be32(skip)};
}

static struct span in_meta(int fd, int64_t at, int64_t size)
{
    struct span found = {0};
    uint8_t *meta = size > 4 && size <= META_MOST ? malloc((size_t)size) : NULL;
    size_t n_iinf = 0, n_iloc = 0, n_idat = 0, n = (size_t)size;

    if (meta && read_at(fd, at, meta, n)) {
        const uint8_t *iinf = box_in(meta + 4, n - 4, "iinf", &n_iinf);
        const uint8_t *iloc = box_in(meta + 4, n - 4, "iloc", &n_iloc);
        const uint8_t *idat = box_in(meta + 4, n - 4, "idat", &n_idat);
        int64_t item = iinf ? exif_item(iinf, n_iinf) : -1;
        if (iloc && item >= 0)
            found =
                behind_offset(fd, item_place(iloc, n_iloc, item, idat ? at + (idat - meta) : 0));
    }
    free(meta);
    return found;
}

static struct span in_iso(int fd)
{
    int64_t at = 0;
    uint8_t h[8];

    for (int i = 0; i < PARTS_MOST && read_at(fd, at, h, sizeof(h)); i++) {
        int64_t n = be32(h);
        if (n < 8)
            break;
        if (memcmp(h + 4, "meta", 4) == 0)
            return in_meta(fd, at + 8, n - 8);
        at += n;
    }
    return (struct span){0};
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
        return in_iso(fd);
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
