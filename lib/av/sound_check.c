/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sound_check.c - listening to what was written. */
#include "av/sound_parts.h"

struct check {
    AVFormatContext *format;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame;
    struct mt_listener listener;
    struct mt_sound_found *found;
    bool loudness;
    const struct mt_av_progress *progress;
    int64_t packets;
};

static int hear(struct check *c, struct mt_err *err)
{
    int ret;

    while ((ret = avcodec_receive_frame(c->decoder, c->frame)) >= 0) {
        c->found->samples += c->frame->nb_samples;
        c->found->errors += mt_frame_damaged(c->frame);
        ret = c->loudness && c->frame->nb_samples > 0
                  ? mt_listener_hear(&c->listener, c->frame, AV_NOPTS_VALUE, err)
                  : 0;
        av_frame_unref(c->frame);
        if (ret < 0)
            return -1;
    }
    if (ret != AVERROR(EAGAIN) && ret != AVERROR_EOF)
        c->found->errors++;
    return 0;
}

static int open_decoder(struct check *c, struct mt_err *err)
{
    const AVCodecParameters *par;
    const AVCodec *codec;
    int ret = avformat_find_stream_info(c->format, NULL);

    if (ret < 0 || c->format->nb_streams < 1)
        return mt_fail(err, MT_ERR_VERIFY, "there is no sound in what was written");
    par = c->format->streams[0]->codecpar;
    codec = mt_in_codec(par->codec_id);
    c->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    c->packet = av_packet_alloc();
    c->frame = av_frame_alloc();
    if (!c->decoder || !c->packet || !c->frame)
        return mt_fail(err, MT_ERR_VERIFY, "what was written has no decoder here");
    ret = avcodec_parameters_to_context(c->decoder, par);
    c->decoder->pkt_timebase = c->format->streams[0]->time_base;
    c->decoder->err_recognition |= AV_EF_CRCCHECK;
    c->decoder->thread_count = 1;
    if (ret >= 0)
        ret = avcodec_open2(c->decoder, codec, NULL);
    return ret < 0 ? mt_av_fail(err, ret, "what was written does not decode") : 0;
}

static int decode_all(struct check *c, struct mt_err *err)
{
    int ret;

    while ((ret = av_read_frame(c->format, c->packet)) >= 0 || ret == AVERROR(EAGAIN)) {
        if (ret >= 0 && c->packet->stream_index == 0 &&
            avcodec_send_packet(c->decoder, c->packet) < 0)
            c->found->errors++;
        if (ret >= 0)
            av_packet_unref(c->packet);
        if (hear(c, err) < 0)
            return -1;
        if (++c->packets % 1024 == 0 && c->progress->tell &&
            c->progress->tell(c->progress->ctx, 0, 0) != 0)
            return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    }
    if (ret != AVERROR_EOF)
        c->found->errors++;
    avcodec_send_packet(c->decoder, NULL);
    return hear(c, err);
}

int mt_sound_check(int fd, bool loudness, const struct mt_av_progress *progress,
                   struct mt_sound_found *found, struct mt_err *err)
{
    struct mt_av_measure measure = {.what = MT_AV_LOUDNESS, .limits = mt_av_default_limits};
    struct check c = {.found = found, .loudness = loudness, .progress = progress};
    int ret = -1;

    *found = (struct mt_sound_found){0};
    mt_listener_init(&c.listener, &measure);
    if (mt_window_open(&c.format, fd, 0, 0, err) < 0 || open_decoder(&c, err) < 0 ||
        decode_all(&c, err) < 0 || mt_listener_end(&c.listener, err) < 0)
        goto out;
    if (loudness)
        found->loudness = mt_listener_loudness(&c.listener);
    ret = 0;
out:
    mt_listener_free(&c.listener);
    avcodec_free_context(&c.decoder);
    av_packet_free(&c.packet);
    av_frame_free(&c.frame);
    mt_window_close(&c.format);
    return ret;
}
