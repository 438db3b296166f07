/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sound_writer.c - encoding sound into a file. */
#include "av/sound_parts.h"

#include <libavutil/channel_layout.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/samplefmt.h>
#include <string.h>

enum { CHUNK = 4096 }; /* samples at a time where the codec does not mind */

/* Mono has less to say than stereo; further channels share much with the first two. */
static int64_t rate_of(int64_t bps, int channels)
{
    if (channels == 1)
        return bps * 5 / 8;
    return channels <= 2 ? bps : bps * channels * 9 / 20;
}

static const AVCodec *find_encoder(const struct mt_sound_codec *codec, enum AVSampleFormat format)
{
    /* Uncompressed sound of 24 bits goes in as 32. */
    if (strcmp(codec->name, "pcm") == 0 && format == AV_SAMPLE_FMT_S32)
        return avcodec_find_encoder_by_name("pcm_s24le");
    return avcodec_find_encoder_by_name(codec->encoder);
}

static int open_encoder(struct mt_sound_writer *w, const struct mt_sound_chain *chain,
                        struct mt_err *err)
{
    const AVCodec *encoder = find_encoder(w->codec, chain->tone.format);
    AVCodecContext *c;
    int ret;

    if (!encoder)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "this libavcodec has no encoder '%s'",
                       w->codec->encoder);
    c = w->encoder = avcodec_alloc_context3(encoder);
    if (!c)
        return mt_av_fail(err, AVERROR(ENOMEM), "%s encoder", w->codec->name);
    c->sample_fmt = chain->tone.format;
    c->sample_rate = chain->tone.rate;
    c->time_base = (AVRational){1, chain->tone.rate};
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    if (c->sample_fmt == w->codec->deep && w->codec->lossless && c->sample_fmt != w->codec->format)
        c->bits_per_raw_sample = 24;
    if (!w->codec->lossless)
        c->bit_rate = rate_of(w->voice->bps, chain->tone.channels);
    if (w->sink.format->oformat->flags & AVFMT_GLOBALHEADER)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    ret = av_channel_layout_copy(&c->ch_layout, &chain->out_layout);
    if (ret >= 0)
        ret = avcodec_open2(c, encoder, NULL);
    return ret < 0 ? mt_refused(err, ret, w->codec->encoder) : 0;
}

static int open_file(struct mt_sound_writer *w, const struct mt_in *source, int64_t origin_us,
                     struct mt_err *err)
{
    AVStream *st = avformat_new_stream(w->sink.format, NULL);
    AVDictionary *options = NULL;
    int ret = st ? avcodec_parameters_from_context(st->codecpar, w->encoder) : AVERROR(ENOMEM);

    if (ret >= 0) {
        st->time_base = w->encoder->time_base;
        st->disposition = AV_DISPOSITION_DEFAULT;
        w->drop_lead = w->format->hides_opus_only && strcmp(w->codec->name, "opus") != 0;
        if (w->drop_lead)
            st->codecpar->initial_padding = 0;
        w->sink.format->avoid_negative_ts = 0;
    }
    if (ret >= 0 && w->voice->language)
        ret = av_dict_set(&st->metadata, "language", w->voice->language, 0);
    if (ret >= 0 && w->voice->tags)
        ret = mt_tags_copy(w->sink.format, source, origin_us);
    if (ret >= 0)
        ret = av_dict_parse_string(&options, w->format->options, "=", ":", 0);
    if (ret >= 0)
        ret = avformat_write_header(w->sink.format, &options);
    av_dict_free(&options);
    return ret < 0 ? mt_sink_fail(&w->sink, ret, err) : 0;
}

static int open_writer(struct mt_sound_writer *w, const struct mt_sound_chain *chain,
                       const struct mt_in *source, int64_t origin_us, struct mt_err *err)
{
    if (!w->codec || !w->format)
        return mt_fail(err, MT_ERR_BUG, "no codec '%s' or no format '%s'", w->voice->codec,
                       w->voice->format);
    w->frame = av_frame_alloc();
    w->packet = av_packet_alloc();
    w->fifo = av_audio_fifo_alloc(chain->tone.format, chain->tone.channels, CHUNK);
    if (!w->frame || !w->packet || !w->fifo)
        return mt_av_fail(err, AVERROR(ENOMEM), "sound");
    if (mt_sink_open(&w->sink, w->format->muxer, w->voice->fd, err) < 0 ||
        open_encoder(w, chain, err) < 0)
        return -1;
    return open_file(w, source, origin_us, err);
}

int mt_writer_open(struct mt_sound_writer *w, const struct mt_av_voice *voice,
                   const struct mt_sound_chain *chain, const struct mt_in *source,
                   int64_t origin_us, struct mt_err *err)
{
    *w = (struct mt_sound_writer){.voice = voice,
                                  .codec = mt_sound_codec_find(voice->codec),
                                  .format = mt_format_find(voice->format),
                                  .sink = {.fd = -1}};
    if (open_writer(w, chain, source, origin_us, err) == 0)
        return 0;
    mt_writer_close(w);
    return -1;
}

/* Matroska does not take from its duration that the last packet is only heard in part. */
static int mark_end(const struct mt_sound_writer *w)
{
    int64_t beyond = w->encoder->frame_size - w->packet->duration;
    uint8_t *data;

    if (!w->drop_lead || w->packet->size == 0 || w->packet->duration <= 0 || beyond <= 0 ||
        av_packet_get_side_data(w->packet, AV_PKT_DATA_SKIP_SAMPLES, NULL))
        return 0;
    data = av_packet_new_side_data(w->packet, AV_PKT_DATA_SKIP_SAMPLES, 10);
    if (!data)
        return AVERROR(ENOMEM);
    memset(data, 0, 10);
    AV_WL32(data + 4, (uint32_t)beyond);
    return 0;
}

/* Writes what the encoder has ready. */
static int receive(struct mt_sound_writer *w, struct mt_err *err)
{
    int ret;

    while ((ret = avcodec_receive_packet(w->encoder, w->packet)) >= 0) {
        w->bytes += w->packet->size;
        if (w->drop_lead && w->packet->size > 0 && w->packet->pts + w->packet->duration <= 0) {
            av_packet_unref(w->packet);
            continue;
        }
        ret = mark_end(w);
        w->packet->stream_index = 0;
        av_packet_rescale_ts(w->packet, w->encoder->time_base,
                             w->sink.format->streams[0]->time_base);
        if (ret >= 0)
            ret = av_write_frame(w->sink.format, w->packet);
        av_packet_unref(w->packet);
        if (ret < 0 || w->sink.failed_errno)
            return mt_sink_fail(&w->sink, ret, err);
    }
    if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
        return 0;
    return mt_refused(err, ret, w->codec->encoder);
}

/* Encodes the n samples at the head of the queue. */
static int encode(struct mt_sound_writer *w, int n, struct mt_err *err)
{
    AVFrame *frame = w->frame;
    int ret;

    frame->nb_samples = n;
    frame->format = w->encoder->sample_fmt;
    frame->sample_rate = w->encoder->sample_rate;
    ret = av_channel_layout_copy(&frame->ch_layout, &w->encoder->ch_layout);
    if (ret >= 0)
        ret = av_frame_get_buffer(frame, 0);
    if (ret >= 0)
        ret = av_audio_fifo_read(w->fifo, (void **)frame->extended_data, n);
    if (ret >= 0) {
        frame->pts = w->samples;
        w->samples += n;
        ret = avcodec_send_frame(w->encoder, frame);
    }
    av_frame_unref(frame);
    return ret < 0 ? mt_refused(err, ret, w->codec->encoder) : receive(w, err);
}

static int step(const struct mt_sound_writer *w)
{
    return w->encoder->frame_size > 0 ? w->encoder->frame_size : CHUNK;
}

int mt_writer_take(struct mt_sound_writer *w, const AVFrame *frame, struct mt_err *err)
{
    if (av_audio_fifo_write(w->fifo, (void **)frame->extended_data, frame->nb_samples) <
        frame->nb_samples)
        return mt_av_fail(err, AVERROR(ENOMEM), "sound");
    while (av_audio_fifo_size(w->fifo) >= step(w))
        if (encode(w, step(w), err) < 0)
            return -1;
    return 0;
}

int mt_writer_finish(struct mt_sound_writer *w, struct mt_err *err)
{
    int left = av_audio_fifo_size(w->fifo), ret;

    if (left > 0 && encode(w, left, err) < 0)
        return -1;
    ret = avcodec_send_frame(w->encoder, NULL);
    if (ret < 0)
        return mt_refused(err, ret, w->codec->encoder);
    if (receive(w, err) < 0)
        return -1;
    ret = av_write_trailer(w->sink.format);
    avio_flush(w->sink.format->pb);
    return ret < 0 || w->sink.failed_errno ? mt_sink_fail(&w->sink, ret, err) : 0;
}

void mt_writer_close(struct mt_sound_writer *w)
{
    avcodec_free_context(&w->encoder);
    av_audio_fifo_free(w->fifo);
    av_frame_free(&w->frame);
    av_packet_free(&w->packet);
    mt_sink_close(&w->sink);
    w->fifo = NULL;
}
