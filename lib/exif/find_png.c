/* SPDX-License-Identifier: GPL-2.0-or-later */
/* find_png.c - EXIF and XMP in the chunks of PNG. */
#include "exif/find.h"

#include "base/file.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { KEY_MOST = 80 };

struct bytes {
    unsigned char *data; /* always followed by a NUL */
    size_t n;
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static struct bytes load(int fd, int64_t at, size_t n)
{
    struct bytes b = {.data = malloc(n + 1), .n = n};

    if (b.data && mt_pread_full(fd, b.data, n, at) != (ssize_t)n) {
        free(b.data);
        b.data = NULL;
    }
    if (b.data)
        b.data[n] = '\0';
    return b;
}

static bool grow(struct bytes *out, z_stream *z)
{
    size_t room = out->n < 65536 ? 65536 : out->n * 2;
    unsigned char *more = room <= MT_BLOCK_MOST ? realloc(out->data, room + 1) : NULL;

    if (!more)
        return false;
    z->next_out = more + out->n;
    z->avail_out = (unsigned)(room - out->n);
    out->data = more;
    out->n = room;
    return true;
}

/* Unpacked; data is NULL if it cannot be, or is too large. */
static struct bytes unpack(const unsigned char *packed, size_t n)
{
    struct bytes out = {0};
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)packed, .avail_in = (unsigned)n};
    int ret = inflateInit(&z);

    while (ret == Z_OK && (z.avail_out > 0 || grow(&out, &z)))
        ret = inflate(&z, Z_NO_FLUSH);
    if (out.data)
        out.n = z.total_out;
    inflateEnd(&z);
    if (ret != Z_STREAM_END) {
        free(out.data);
        out = (struct bytes){0};
    }
    if (out.data)
        out.data[out.n] = '\0';
    return out;
}

static int digit(unsigned char c)
{
    return isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\nexif\n    1234\n45786966...": name, number of bytes, digits. In place. */
static bool from_hex(struct bytes *b)
{
    unsigned char *p = b->data, *out = b->data;
    char *end;

    p += strspn((char *)p, "\n");
    p += strcspn((char *)p, "\n");
    unsigned long want = strtoul((char *)p, &end, 10);
    if (end == (char *)p || want > b->n / 2)
        return false;
    for (p = (unsigned char *)end; *p && (unsigned long)(out - b->data) < want; p++) {
        if (isspace(*p))
            continue;
        int high = digit(p[0]), low = high < 0 ? -1 : digit(p[1]);
        if (low < 0)
            return false;
        *out++ = (unsigned char)(high << 4 | low);
        p++;
    }
    b->n = (size_t)(out - b->data);
    return b->n == want;
}

static bool begins(const struct bytes *b, const void *with, size_t n)
{
    return b->n > n && memcmp(b->data, with, n) == 0;
}

static void skip(struct bytes *b, size_t n)
{
    memmove(b->data, b->data + n, b->n - n);
    b->n -= n;
}

/* Whether the profile is of the kind; the name that it has in JPEG is taken off. */
static bool is_kind(struct bytes *b, enum mt_block kind)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/";

    if (kind == MT_BLOCK_EXIF) {
        if (begins(b, "Exif\0", 6))
            skip(b, 6);
        return begins(b, "II*\0", 4) || begins(b, "MM\0*", 4);
    }
    if (begins(b, xmp, sizeof xmp))
        skip(b, sizeof xmp);
    return begins(b, "<", 1) || begins(b, "\xEF\xBB\xBF<", 4);
}

static bool is_profile(const char *key, enum mt_block kind)
{
    static const char prefix[] = "Raw profile type ";

    if (strncmp(key, prefix, sizeof prefix - 1) != 0)
        return false;
    key += sizeof prefix - 1;
    return strcmp(key, "APP1") == 0 || strcmp(key, kind == MT_BLOCK_EXIF ? "exif" : "xmp") == 0;
}

/* The text of a zTXt, tEXt or iTXt chunk if it is what is looked for, unpacked; data is NULL if
 * not. */
static struct bytes text_of(const char type[4], const struct bytes *chunk, enum mt_block kind)
{
    const char *key = (const char *)chunk->data;
    size_t at = strnlen(key, chunk->n) + 1;
    bool packed = type[0] == 'z', international = type[0] == 'i';

    if (at > KEY_MOST || at >= chunk->n)
        return (struct bytes){0};
    if (international ? kind != MT_BLOCK_XMP || strcmp(key, "XML:com.adobe.xmp") != 0
                      : !is_profile(key, kind))
        return (struct bytes){0};
    if (international) {
        packed = chunk->data[at] != 0;
        at += 2;
        for (int i = 0; i < 2 && at < chunk->n; i++) /* language, and the key in that language */
            at += strnlen((const char *)chunk->data + at, chunk->n - at) + 1;
    } else {
        at += packed; /* the method; there is one only */
    }
    if (at >= chunk->n)
        return (struct bytes){0};
    if (packed)
        return unpack(chunk->data + at, chunk->n - at);
    struct bytes copy = {.data = malloc(chunk->n - at + 1), .n = chunk->n - at};
    if (copy.data)
        memcpy(copy.data, chunk->data + at, copy.n + 1);
    return copy;
}

/* What one chunk has of the kind; data is NULL if nothing. */
static struct bytes block_of(const char type[4], const struct bytes *chunk, enum mt_block kind)
{
    struct bytes b = {0};

    if (memcmp(type, "eXIf", 4) == 0) {
        b = (struct bytes){.data = malloc(chunk->n + 1), .n = chunk->n};
        if (b.data)
            memcpy(b.data, chunk->data, chunk->n + 1);
    } else {
        b = text_of(type, chunk, kind);
        if (b.data && type[0] != 'i' && !from_hex(&b))
            b.n = 0;
    }
    if (b.data && (b.n == 0 || !is_kind(&b, kind))) {
        free(b.data);
        b.data = NULL;
    }
    return b;
}

static bool is_wanted(const unsigned char *type, enum mt_block kind)
{
    return memcmp(type, "zTXt", 4) == 0 || memcmp(type, "tEXt", 4) == 0 ||
           memcmp(type, kind == MT_BLOCK_EXIF ? "eXIf" : "iTXt", 4) == 0;
}

unsigned char *mt_png_find(int fd, enum mt_block kind, size_t *n)
{
    int64_t at = 8;
    unsigned char h[8];

    for (int i = 0; i < MT_PARTS_MOST && mt_pread_full(fd, h, sizeof h, at) == sizeof h; i++) {
        uint32_t size = be32(h);
        if (is_wanted(h + 4, kind) && size > 0 && size <= MT_BLOCK_MOST) {
            struct bytes chunk = load(fd, at + 8, size), found = {0};
            if (chunk.data)
                found = block_of((char *)h + 4, &chunk, kind);
            free(chunk.data);
            if (found.data) {
                *n = found.n;
                return found.data;
            }
        }
        at += 12 + (int64_t)size;
    }
    return NULL;
}
