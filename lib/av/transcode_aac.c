/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_aac.c - encoding sound once for several files. */
#include "av/transcode_parts.h"

#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>

int mt_aac_open(struct mt_aac *aac, int rate, int channels, int64_t bps, struct mt_err *err)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("aac");
    int ret = AVERROR(ENOMEM);

    *aac = (struct mt_aac){.asked = bps};
    if (!codec)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "this libavcodec has no AAC encoder");
    aac->codec = avcodec_alloc_context3(codec);
    aac->frame = av_frame_alloc();
    aac->fifo = av_audio_fifo_alloc(AV_SAMPLE_FMT_FLTP, channels, 4096);
    if (aac->codec && aac->frame && aac->fifo) {
        aac->codec->sample_fmt = AV_SAMPLE_FMT_FLTP;
        aac->codec->sample_rate = rate;
        aac->codec->time_base = (AVRational){1, rate};
        aac->codec->bit_rate = bps;
        aac->codec->thread_count = 1;
        aac->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
        av_channel_layout_default(&aac->codec->ch_layout, channels);
        ret = avcodec_open2(aac->codec, codec, NULL);
    }
    if (ret < 0) {
        mt_aac_close(aac);
        return mt_refused(err, ret, "AAC encoder");
    }
    return 0;
}

/* Encodes the n samples at the head of the queue. */
static int encode(struct mt_aac *aac, int n, struct mt_err *err)
{
    AVFrame *frame = aac->frame;
    int ret;

    frame->nb_samples = n;
    frame->format = AV_SAMPLE_FMT_FLTP;
    frame->sample_rate = aac->codec->sample_rate;
    ret = av_channel_layout_copy(&frame->ch_layout, &aac->codec->ch_layout);
    if (ret >= 0)
        ret = av_frame_get_buffer(frame, 0);
    if (ret >= 0)
        ret = av_audio_fifo_read(aac->fifo, (void **)frame->data, n);
    if (ret >= 0) {
        frame->pts = aac->next;
        aac->next += n;
        ret = avcodec_send_frame(aac->codec, frame);
    }
    av_frame_unref(frame);
    return ret < 0 ? mt_refused(err, ret, "AAC encoder") : 0;
}

/* After a hole too long to fill, sound goes on at its own time; what waits is made a whole frame.
 */
static int leap(struct mt_aac *aac, int64_t pts, struct mt_err *err)
{
    int left = av_audio_fifo_size(aac->fifo), size = aac->codec->frame_size;
    AVFrame *silence = aac->frame;
    int ret = 0;

    /* A sample of an MP4 lasts no longer than this. */
    if (pts - aac->next > INT32_MAX)
        return mt_fail(err, MT_ERR_LIMIT, "a hole of half a day in the sound");
    if (left > 0) {
        silence->nb_samples = size - left;
        silence->format = AV_SAMPLE_FMT_FLTP;
        ret = av_channel_layout_copy(&silence->ch_layout, &aac->codec->ch_layout);
        if (ret >= 0)
            ret = av_frame_get_buffer(silence, 0);
        if (ret >= 0)
            ret = av_samples_set_silence(silence->data, 0, size - left,
                                         silence->ch_layout.nb_channels, AV_SAMPLE_FMT_FLTP);
        if (ret >= 0)
            ret = av_audio_fifo_write(aac->fifo, (void **)silence->data, size - left);
        av_frame_unref(silence);
        if (ret >= 0 && encode(aac, size, err) < 0)
            return -1;
    }
    if (pts > aac->next)
        aac->next = pts;
    return ret < 0 ? mt_refused(err, ret, "AAC encoder") : 0;
}

int mt_aac_send(struct mt_aac *aac, const AVFrame *frame, struct mt_err *err)
{
    int n = frame ? frame->nb_samples : 0;

    if (!frame) {
        aac->ending = true;
        return 0;
    }
    if (!aac->started && frame->pts != AV_NOPTS_VALUE)
        aac->next = frame->pts;
    aac->started = true;
    if (frame->pts != AV_NOPTS_VALUE &&
        frame->pts - aac->next - av_audio_fifo_size(aac->fifo) > aac->codec->sample_rate &&
        leap(aac, frame->pts, err) < 0)
        return -1;
    if (av_audio_fifo_write(aac->fifo, (void **)frame->extended_data, n) < n)
        return mt_av_fail(err, AVERROR(ENOMEM), "AAC encoder");
    return 0;
}

/* 1 when the encoder was given something more, 0 when there is nothing to give it now. */
static int feed(struct mt_aac *aac, struct mt_err *err)
{
    int size = aac->codec->frame_size, left = av_audio_fifo_size(aac->fifo);

    if (left >= size || (aac->ending && left > 0))
        return encode(aac, FFMIN(size, left), err) < 0 ? -1 : 1;
    if (!aac->ending || aac->ended)
        return 0;
    aac->ended = true;
    if (avcodec_send_frame(aac->codec, NULL) < 0)
        return mt_fail(err, MT_ERR_BUG, "the AAC encoder does not end");
    return 1;
}

int mt_aac_receive(struct mt_aac *aac, AVPacket *packet, struct mt_err *err)
{
    for (;;) {
        int fed, ret = avcodec_receive_packet(aac->codec, packet);

        if (ret >= 0)
            return 1;
        if (ret == AVERROR_EOF)
            return 0;
        if (ret != AVERROR(EAGAIN))
            return mt_refused(err, ret, "AAC encoder");
        fed = feed(aac, err);
        if (fed <= 0)
            return fed;
    }
}

void mt_aac_close(struct mt_aac *aac)
{
    avcodec_free_context(&aac->codec);
    av_audio_fifo_free(aac->fifo);
    av_frame_free(&aac->frame);
    *aac = (struct mt_aac){.codec = NULL};
}
