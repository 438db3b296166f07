/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * claims.c - what headers claim, held against the limits before a decoder sees them.
 *
 * Decoders refuse what is too large for themselves, late or without naming it; and some walk all
 * frames of an animation to open it. So sizes and frames of PNG (ISO/IEC 15948), GIF (GIF89a) and
 * WebP (RFC 9649) are read here; the others' come from the library, which reads no more than
 * their headers for it.
 */
#include "picture/internal.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct bytes {
    const uint8_t *p;
    size_t n;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}
static uint32_t le24(const uint8_t *p)
{
    return (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}
static uint32_t le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

static int refuse_frames(int64_t w, int64_t h, int64_t frames, int64_t most, struct mt_err *err)
{
    mt_fail(err, MT_ERR_LIMIT,
            "an animation of %lld or more frames of %lldx%lld has more than %lld pixels",
            (long long)frames, (long long)w, (long long)h, (long long)most);
    return mt_hint(err, "take its first frame with --still, or raise --max-pixels");
}

int mt_claims_refuse(const struct mt_picture_spec *spec, int64_t w, int64_t h, int64_t frames,
                     struct mt_err *err)
{
    int64_t each = w * h > MT_PICTURE_FRAME_MIN ? w * h : MT_PICTURE_FRAME_MIN;
    int64_t most = spec->max_pixels > INT64_MAX / MT_PICTURE_FILM
                       ? INT64_MAX
                       : spec->max_pixels * MT_PICTURE_FILM;

    if (spec->max_pixels && w * h > spec->max_pixels) {
        mt_fail(err, MT_ERR_LIMIT, "a picture of %lldx%lld has more than %lld pixels", (long long)w,
                (long long)h, (long long)spec->max_pixels);
        return mt_hint(err, "if you trust the file, raise --max-pixels");
    }
    if (spec->max_side && (w > spec->max_side || h > spec->max_side)) {
        mt_fail(err, MT_ERR_LIMIT, "a picture of %lldx%lld has a side of more than %lld pixels",
                (long long)w, (long long)h, (long long)spec->max_side);
        return mt_hint(err, "if you trust the file, raise --max-side");
    }
    if (spec->still || frames < 2)
        return 0;
    if (spec->max_frames && frames > spec->max_frames) {
        mt_fail(err, MT_ERR_LIMIT, "an animation of more than %lld frames",
                (long long)spec->max_frames);
        return mt_hint(err, "take its first frame with --still, or raise --max-frames");
    }
    return spec->max_pixels && frames > most / each ? refuse_frames(w, h, frames, most, err) : 0;
}

/* Behind a GIF's sub-blocks that begin at i. */
static size_t behind_blocks(const struct bytes *b, size_t i)
{
    while (i < b->n && b->p[i] != 0)
        i += (size_t)b->p[i] + 1;
    return i + 1;
}

static size_t colour_table(uint8_t flags)
{
    return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

static int check_gif(const struct bytes *b, const struct mt_picture_spec *spec, struct mt_err *err)
{
    uint32_t w = le16(b->p + 6), h = le16(b->p + 8);
    size_t i = 13 + colour_table(b->p[10]);
    int64_t frames = 0;

    if (mt_claims_refuse(spec, w, h, 1, err) < 0)
        return -1;
    while (i + 10 < b->n && b->p[i] != 0x3b) {
        if (b->p[i] == 0x21) {
            i = behind_blocks(b, i + 2);
            continue;
        }
        if (b->p[i] != 0x2c) {
            i++;
            continue;
        }
        uint32_t right = le16(b->p + i + 1) + le16(b->p + i + 5);
        uint32_t bottom = le16(b->p + i + 3) + le16(b->p + i + 7);
        w = right > w ? right : w;
        h = bottom > h ? bottom : h;
        frames++;
        if (mt_claims_refuse(spec, w, h, frames, err) < 0)
            return -1;
        i = behind_blocks(b, i + 10 + colour_table(b->p[i + 9]) + 1);
    }
    return 0;
}

static int check_webp(const struct bytes *b, const struct mt_picture_spec *spec, struct mt_err *err)
{
    const uint8_t *p = b->p + 12;
    uint32_t w = 0, h = 0;
    int64_t frames = 0;

    if (memcmp(p, "VP8X", 4) == 0) {
        w = le24(p + 12) + 1;
        h = le24(p + 15) + 1;
    } else if (memcmp(p, "VP8L", 4) == 0) {
        w = (le32(p + 9) & 0x3fff) + 1;
        h = (le32(p + 9) >> 14 & 0x3fff) + 1;
    } else if (memcmp(p, "VP8 ", 4) == 0) {
        w = le16(p + 14) & 0x3fff;
        h = le16(p + 16) & 0x3fff;
    }
    if (mt_claims_refuse(spec, w, h, 1, err) < 0)
        return -1;
    for (size_t i = 12; i + 8 <= b->n; i += 8 + (size_t)le32(b->p + i + 4) + (b->p[i + 4] & 1))
        if (memcmp(b->p + i, "ANMF", 4) == 0 && mt_claims_refuse(spec, w, h, ++frames, err) < 0)
            return -1;
    return 0;
}

/*
 * The chunks before the picture. A gamma counts where nothing better is told of the colours, and
 * where it is not that of sRGB, or so near to it that libpng would pass over the difference.
 */
static void read_png(const struct bytes *b, struct mt_claims *claims)
{
    bool told = false;
    double gamma = 0;

    for (size_t i = 8; i + 12 <= b->n && memcmp(b->p + i + 4, "IDAT", 4) != 0;
         i += 12 + (size_t)be32(b->p + i)) {
        const uint8_t *type = b->p + i + 4;
        uint32_t n = be32(b->p + i);
        if (b->n - i - 12 < n)
            break;
        if (memcmp(type, "acTL", 4) == 0 && n == 8)
            claims->apng_frames = be32(type + 4);
        else if (memcmp(type, "gAMA", 4) == 0 && n == 4)
            gamma = be32(type + 4) / 1e5;
        else if (memcmp(type, "sRGB", 4) == 0 || memcmp(type, "iCCP", 4) == 0 ||
                 memcmp(type, "cICP", 4) == 0)
            told = true;
    }
    if (!told && gamma > 0.01 && gamma < 100 && fabs(gamma / MT_GAMMA_SRGB - 1) > 0.05)
        claims->gamma = gamma;
}

static int check(const struct bytes *b, const struct mt_picture_spec *spec,
                 struct mt_claims *claims, struct mt_err *err)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                  0,    0,   0,   13,  'I',  'H',  'D',  'R'};

    if (b->n < 32)
        return 0;
    if (memcmp(b->p, png, sizeof png) == 0) {
        read_png(b, claims);
        return mt_claims_refuse(spec, be32(b->p + 16), be32(b->p + 20), 1, err);
    }
    if (memcmp(b->p, "GIF8", 4) == 0)
        return check_gif(b, spec, err);
    if (memcmp(b->p, "RIFF", 4) == 0 && memcmp(b->p + 8, "WEBP", 4) == 0)
        return check_webp(b, spec, err);
    return 0;
}

int mt_claims_check(int fd, const struct mt_picture_spec *spec, struct mt_claims *claims,
                    struct mt_err *err)
{
    struct bytes b = {0};
    struct stat st;

    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot stat the picture");
    if (st.st_size < 32)
        return 0;
    b.n = (size_t)st.st_size;
    void *map = mmap(NULL, b.n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return mt_fail_errno(err, "cannot map the picture");
    b.p = map;
    int ret = check(&b, spec, claims, err);
    munmap(map, b.n);
    return ret;
}
