/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mux_hash.c - the payload of packets, whatever stands between its pieces. */
#include "av/mux_parts.h"

#include "av/input.h"

#include <libavutil/mem.h>
#include <libavutil/murmur3.h>
#include <stdio.h>
#include <string.h>

/* How long the length before each NAL unit is: ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1. */
static int nal_bytes(const AVCodecParameters *par)
{
    const uint8_t *data = par->extradata;

    if (par->codec_id != AV_CODEC_ID_H264 && par->codec_id != AV_CODEC_ID_HEVC)
        return -1;
    if (par->codec_id == AV_CODEC_ID_H264 && par->extradata_size >= 7 && data[0] == 1)
        return (data[4] & 3) + 1;
    if (par->codec_id == AV_CODEC_ID_HEVC && par->extradata_size >= 23 && data[0] == 1)
        return (data[21] & 3) + 1;
    return 0;
}

int mt_hash_init(struct mt_hash *hash, const AVCodecParameters *par, struct mt_err *err)
{
    *hash = (struct mt_hash){.state = av_murmur3_alloc(), .nal_bytes = nal_bytes(par)};
    if (!hash->state)
        return mt_av_fail(err, AVERROR(ENOMEM), "hash");
    av_murmur3_init(hash->state);
    return 0;
}

static void add_with_lengths(struct mt_hash *hash, const uint8_t *data, size_t size)
{
    size_t head = (size_t)hash->nal_bytes;

    while (size > head) {
        size_t n = 0;

        for (size_t i = 0; i < head; i++)
            n = n << 8 | data[i];
        data += head;
        size -= head;
        if (n > size)
            n = size;
        av_murmur3_update(hash->state, data, n);
        data += n;
        size -= n;
    }
}

/* Bytes before the next start code (00 00 01), or all there are. */
static size_t before_code(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 2 < size; i++)
        if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1)
            return i;
    return size;
}

/* ITU-T H.264, annex B: zeros before a start code and at the end belong to no NAL unit. */
static void add_with_codes(struct mt_hash *hash, const uint8_t *data, size_t size)
{
    size_t skip = before_code(data, size);

    while (skip + 3 <= size) {
        size_t n, unit;

        data += skip + 3;
        size -= skip + 3;
        n = skip = before_code(data, size);
        for (unit = n; unit > 0 && data[unit - 1] == 0;)
            unit--;
        av_murmur3_update(hash->state, data, unit);
    }
}

void mt_hash_add(struct mt_hash *hash, const AVPacket *packet)
{
    const uint8_t *data = packet->data;
    size_t size = (size_t)packet->size;

    hash->bytes += packet->size;
    if (hash->nal_bytes > 0)
        add_with_lengths(hash, data, size);
    else if (hash->nal_bytes == 0)
        add_with_codes(hash, data, size);
    else
        av_murmur3_update(hash->state, data, size);
}

void mt_hash_end(struct mt_hash *hash, char text[33])
{
    uint8_t sum[16] = {0};

    if (hash->state)
        av_murmur3_final(hash->state, sum);
    for (int i = 0; i < 16; i++)
        snprintf(text + 2 * (size_t)i, 3, "%02x", sum[i]);
    av_freep(&hash->state);
}
