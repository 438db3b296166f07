/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thorough_sum.c - MD5 over the samples of a FLAC (RFC 9639, 8.2): interleaved,
 * little-endian, each in as many whole bytes as its bits need.
 */
#include "av/thorough_sum.h"

#include "base/mem.h"

#include <libavutil/md5.h>
#include <libavutil/mem.h>
#include <stdlib.h>
#include <string.h>

enum { STREAMINFO = 34, MD5_AT = 18, CHUNK = 4096 };

struct mt_sum {
    struct AVMD5 *md5;
    uint8_t wanted[16];
    int bits;
    bool odd; /* frames of another shape came: nothing can be said */
};

struct mt_sum *mt_sum_new(const AVCodecParameters *par)
{
    static const uint8_t none[16];

    if (par->codec_id != AV_CODEC_ID_FLAC || par->extradata_size < STREAMINFO ||
        memcmp(par->extradata + MD5_AT, none, sizeof(none)) == 0)
        return NULL;
    struct mt_sum *sum = mt_alloc(sizeof(*sum));
    const uint8_t *info = par->extradata;
    *sum = (struct mt_sum){.md5 = av_md5_alloc()};
    sum->bits = ((info[12] & 1) << 4 | info[13] >> 4) + 1;
    memcpy(sum->wanted, info + MD5_AT, sizeof(sum->wanted));
    if (!sum->md5) {
        free(sum);
        return NULL;
    }
    av_md5_init(sum->md5);
    return sum;
}

void mt_sum_free(struct mt_sum **sum)
{
    if (!*sum)
        return;
    av_free((*sum)->md5);
    free(*sum);
    *sum = NULL;
}

/* The sample as the file has it: the decoder moved it to the top of its 16 or 32 bits. */
static int32_t sample(const struct mt_sum *sum, const AVFrame *f, int i, int ch, int channels)
{
    switch ((enum AVSampleFormat)f->format) {
    case AV_SAMPLE_FMT_S16:
        return ((const int16_t *)(const void *)f->data[0])[i * channels + ch] >> (16 - sum->bits);
    case AV_SAMPLE_FMT_S16P:
        return ((const int16_t *)(const void *)f->extended_data[ch])[i] >> (16 - sum->bits);
    case AV_SAMPLE_FMT_S32:
        return ((const int32_t *)(const void *)f->data[0])[i * channels + ch] >> (32 - sum->bits);
    default:
        return ((const int32_t *)(const void *)f->extended_data[ch])[i] >> (32 - sum->bits);
    }
}

static bool known(const struct mt_sum *sum, const AVFrame *f)
{
    if (f->format == AV_SAMPLE_FMT_S16 || f->format == AV_SAMPLE_FMT_S16P)
        return sum->bits <= 16;
    return f->format == AV_SAMPLE_FMT_S32 || f->format == AV_SAMPLE_FMT_S32P;
}

void mt_sum_add(struct mt_sum *sum, const AVFrame *f)
{
    int channels = f->ch_layout.nb_channels;
    uint8_t chunk[CHUNK + 4];
    size_t n = 0;

    if (!sum)
        return;
    if (!known(sum, f)) {
        sum->odd = true;
        return;
    }
    for (int i = 0; i < f->nb_samples; i++)
        for (int ch = 0; ch < channels; ch++) {
            uint32_t v = (uint32_t)sample(sum, f, i, ch, channels);
            for (int b = 0; b < (sum->bits + 7) / 8; b++)
                chunk[n++] = (uint8_t)(v >> 8 * b);
            if (n >= CHUNK) {
                av_md5_update(sum->md5, chunk, n);
                n = 0;
            }
        }
    av_md5_update(sum->md5, chunk, n);
}

bool mt_sum_fits(struct mt_sum *sum)
{
    uint8_t got[16];

    av_md5_final(sum->md5, got);
    return sum->odd || memcmp(got, sum->wanted, sizeof(got)) == 0;
}
