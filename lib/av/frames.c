/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frames.c - sound frames that tell their own length. */
#include "av/frames.h"

#include "av/bytes.h"

/* 0: not a header. */
static int mpeg_length(const uint8_t *p)
{
    static const short kbps[2][3][16] = {
        {{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0},
         {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0},
         {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0}},
        {{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0},
         {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
         {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0}},
    };
    static const int rates[3] = {44100, 48000, 32000};
    uint32_t h = mt_be32(p);
    unsigned version = h >> 19 & 3, layer = 4 - (h >> 17 & 3), rate = h >> 10 & 3;

    if ((h & 0xFFE00000) != 0xFFE00000 || version == 1 || layer == 4 || rate == 3)
        return 0;
    int low = version != 3, hz = rates[rate] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    int bps = 1000 * kbps[low][layer - 1][h >> 12 & 15], pad = h >> 9 & 1;
    if (layer == 1)
        return (12 * bps / hz + (bps ? pad : 0)) * 4;
    return (layer == 3 && low ? 72 : 144) * bps / hz + (bps ? pad : 0);
}

static int adts_length(const uint8_t *p)
{
    if (p[0] != 0xFF || (p[1] & 0xF6) != 0xF0)
        return 0;
    return (p[3] & 3) << 11 | p[4] << 3 | p[5] >> 5;
}

static int ac3_length(const uint8_t *p)
{
    static const short kbps[19] = {32,  40,  48,  56,  64,  80,  96,  112, 128, 160,
                                   192, 224, 256, 320, 384, 448, 512, 576, 640};
    int rate = p[4] >> 6, size = p[4] & 0x3F;

    if (p[0] != 0x0B || p[1] != 0x77 || rate == 3 || size > 37 || p[5] >> 3 > 10)
        return 0;
    int bps = kbps[size >> 1];
    if (rate == 0)
        return bps * 4;
    return rate == 2 ? bps * 6 : (bps * 320 / 147 + (size & 1)) * 2;
}

static int amr_length(const uint8_t *p)
{
    static const char bytes[16] = {13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1};

    return bytes[p[0] >> 3 & 15];
}

bool mt_frame_is_cut(enum AVCodecID codec, const uint8_t *data, int n)
{
    if (!data || n <= 0)
        return false;
    if (codec == AV_CODEC_ID_AMR_NB)
        return amr_length(data) > n;
    if (n < 7)
        return data[0] == 0xFF && (codec == AV_CODEC_ID_MP3 || codec == AV_CODEC_ID_MP2);
    if (codec == AV_CODEC_ID_MP3 || codec == AV_CODEC_ID_MP2)
        return mpeg_length(data) > n;
    if (codec == AV_CODEC_ID_AAC)
        return adts_length(data) > n;
    return codec == AV_CODEC_ID_AC3 && ac3_length(data) > n;
}

bool mt_frame_is_noise(enum AVCodecID codec, const uint8_t *data, int n)
{
    if (codec != AV_CODEC_ID_MP3 && codec != AV_CODEC_ID_MP2)
        return false;
    return data && n > 0 && (data[0] != 0xFF || (n > 1 && (data[1] & 0xE0) != 0xE0));
}

bool mt_bytes_are_tag(const uint8_t *data, int n)
{
    static const char *const marks[] = {"ID3", "TAG", "APETAGEX", "LYRICSBEGIN", "3DI"};

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (n >= (int)strlen(marks[i]) && memcmp(data, marks[i], strlen(marks[i])) == 0)
            return true;
    return false;
}

bool mt_bytes_are_zero(const uint8_t *data, int n)
{
    for (int i = 0; i < n && i < 64; i++)
        if (data[i])
            return false;
    return n > 0;
}
