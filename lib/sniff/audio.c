/* SPDX-License-Identifier: GPL-2.0-or-later */
/* audio.c - elementary audio streams are believed only when several frames follow each other. */
#include "sniff/checks.h"

#include <string.h>

enum { ADRIFT = 4096, FRAMES = 3 };

static const struct mt_sniff_found nothing = {NULL, NULL};

/* Bytes of the MPEG audio frame at p (ISO/IEC 11172-3 2.4.2.3, 13818-3 2.4.2.3), or 0. */
static size_t mpeg_frame(const unsigned char *p)
{
    static const short kbps[5][15] = {
        {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448}, /* MPEG-1 I */
        {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},    /* II */
        {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},     /* III */
        {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},    /* MPEG-2 I */
        {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},         /* II, III */
    };
    static const int hz[3] = {44100, 48000, 32000};
    unsigned version = p[1] >> 3 & 3, layer = 4 - (p[1] >> 1 & 3U);
    unsigned rate = p[2] >> 4, sampling = p[2] >> 2 & 3, padding = p[2] >> 1 & 1;

    if (p[0] != 0xff || (p[1] & 0xe0) != 0xe0 || version == 1 || layer == 4 || rate == 0 ||
        rate == 15 || sampling == 3 || (p[3] & 3) == 2)
        return 0;
    unsigned row = version == 3 ? layer - 1 : layer == 1 ? 3 : 4;
    unsigned bps = (unsigned)kbps[row][rate] * 1000;
    unsigned fs = (unsigned)hz[sampling] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    if (layer == 1)
        return (12 * bps / fs + padding) * 4;
    return (layer == 3 && version != 3 ? 72 : 144) * bps / fs + padding;
}

/* Bytes of the ADTS frame at p (ISO/IEC 13818-7 6.2), or 0. */
static size_t adts_frame(const unsigned char *p)
{
    size_t n = (size_t)(p[3] & 3) << 11 | (size_t)p[4] << 3 | p[5] >> 5;

    if (p[0] != 0xff || (p[1] & 0xf6) != 0xf0 || (p[2] >> 2 & 15) > 12 || n < 7)
        return 0;
    return n;
}

/* Whether frames follow each other from offset at on; fewer will do where the file ends. */
static bool runs(const struct mt_sniff_bytes *b, size_t at, size_t (*frame)(const unsigned char *))
{
    enum { HEADER = 7, STEADY = 0xfe }; /* version, layer and sync stay the same */
    unsigned char kind = b->p[at + 1] & STEADY;
    size_t start = at;

    for (int i = 0; i < FRAMES; i++) {
        if (b->whole && i > 0 && at == b->n)
            return start == 0 || i > 1;
        if (b->n < HEADER || at > b->n - HEADER || (b->p[at + 1] & STEADY) != kind)
            return false;
        size_t n = frame(b->p + at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

struct mt_sniff_found mt_sniff_audio(const struct mt_sniff_bytes *b)
{
    size_t zeros = 0;

    while (zeros < b->n && b->p[zeros] == 0)
        zeros++;
    if (b->n - zeros >= 4 && memcmp(b->p + zeros, "fLaC", 4) == 0) /* RFC 9639 section 8 */
        return (struct mt_sniff_found){"audio/flac", "FLAC audio"};
    for (size_t at = zeros; at + 7 <= b->n && at < zeros + ADRIFT; at++) {
        if (b->p[at] != 0xff)
            continue;
        if (runs(b, at, adts_frame))
            return (struct mt_sniff_found){"audio/aac", "MPEG ADTS, AAC"};
        if (runs(b, at, mpeg_frame))
            return (struct mt_sniff_found){"audio/mpeg", "MPEG audio frames"};
    }
    return nothing;
}

/* id3v2.4.0-structure sections 3.1 and 3.4: the size is four times seven bits. */
int64_t mt_sniff_id3(const struct mt_sniff_bytes *b)
{
    const unsigned char *p = b->p;

    if (b->n < 10 || memcmp(p, "ID3", 3) != 0 || p[3] == 0xff ||
        ((p[6] | p[7] | p[8] | p[9]) & 128))
        return 0;
    int64_t n = (int64_t)p[6] << 21 | p[7] << 14 | p[8] << 7 | p[9];
    return n + (p[5] & 0x10 ? 20 : 10);
}
