/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_sound.c - the sound of a film, which is never cut: encoders remember. */
#include "av/segment_parts.h"

#include "json/json.h"

enum { HOLE_US = 10 * 1000000, READ_ERRORS_MAX = 16, RATES_MAX = 16 };

struct sounding {
    const struct mt_av_sound_spec *spec;
    struct mt_in in;
    AVCodecContext *decoder;
    struct mt_stamps stamps;
    struct mt_sound graph;
    struct mt_aac aac[RATES_MAX];
    struct mt_mp4 mp4[RATES_MAX];
    AVPacket *packet;
    AVFrame *frame, *filtered;
    int64_t next_us,
        end_us; /* on the source's clock: where sound goes on; on the film's: its end */
    int64_t samples, encoded, errors;
};

static int encode(struct sounding *s, const AVFrame *frame, struct mt_err *err)
{
    for (int i = 0; i < s->spec->n; i++) {
        int got;

        if (mt_aac_send(&s->aac[i], frame, err) < 0)
            return -1;
        while ((got = mt_aac_receive(&s->aac[i], s->packet, err)) > 0)
            if (mt_mp4_write(&s->mp4[i], 1, s->packet, s->aac[i].codec->time_base, err) < 0)
                return -1;
        if (got < 0)
            return -1;
    }
    return 0;
}

static int pump(struct sounding *s, struct mt_err *err)
{
    int got, ret = 0;

    while (ret == 0 && (got = mt_sound_receive(&s->graph, s->filtered, err)) != 0) {
        ret = got < 0 ? -1 : encode(s, s->filtered, err);
        s->encoded += got > 0 ? s->filtered->nb_samples : 0;
        av_frame_unref(s->filtered);
    }
    return ret;
}

static int drain(struct sounding *s, struct mt_err *err)
{
    if (!s->graph.graph)
        return 0;
    return mt_sound_send(&s->graph, NULL, err) < 0 ? -1 : pump(s, err);
}

/* Gives decoded sound its time: decoders name it for some frames only. */
static void stamp(struct sounding *s)
{
    AVRational base = s->in.audio->time_base;
    AVFrame *frame = s->frame;
    int64_t length = av_rescale(frame->nb_samples, AV_TIME_BASE, frame->sample_rate);

    frame->pts = frame->best_effort_timestamp;
    if (frame->pts == AV_NOPTS_VALUE)
        frame->pts = av_rescale_q(s->next_us, AV_TIME_BASE_Q, base);
    s->next_us = av_rescale_q(frame->pts, base, AV_TIME_BASE_Q) + length;
    s->samples += frame->nb_samples;
}

static int take_frame(struct sounding *s, struct mt_err *err)
{
    AVFrame *frame = s->frame;
    AVRational samples = {1, frame->sample_rate};
    int64_t start_us;
    bool hole;

    if (frame->sample_rate <= 0 || frame->nb_samples <= 0)
        return 0;
    stamp(s);
    frame->pts = av_rescale_q(frame->pts, s->in.audio->time_base, samples) -
                 av_rescale_q(s->spec->origin_us, AV_TIME_BASE_Q, samples);
    start_us = av_rescale_q(frame->pts, samples, AV_TIME_BASE_Q);
    /* Short holes are filled with silence by the graph; a long one is a hole in the file. */
    hole = s->graph.graph && start_us - s->end_us > HOLE_US;
    s->end_us = start_us + av_rescale(frame->nb_samples, AV_TIME_BASE, frame->sample_rate);
    if ((hole || !mt_sound_fit(&s->graph, frame)) &&
        (drain(s, err) < 0 || mt_sound_open(&s->graph, frame, err) < 0))
        return -1;
    return mt_sound_send(&s->graph, frame, err) < 0 ? -1 : pump(s, err);
}

/* What does not decode is counted, and decoding goes on. packet NULL: the end. */
static int decode(struct sounding *s, const AVPacket *packet, struct mt_err *err)
{
    int ret = avcodec_send_packet(s->decoder, packet);

    s->errors += ret < 0 && ret != AVERROR_EOF;
    while (ret != AVERROR(ENOMEM) &&
           (ret = avcodec_receive_frame(s->decoder, s->frame)) != AVERROR(EAGAIN) &&
           ret != AVERROR_EOF) {
        if (ret < 0) {
            s->errors++;
            break;
        }
        ret = take_frame(s, err);
        av_frame_unref(s->frame);
        if (ret < 0)
            return -1;
    }
    return ret == AVERROR(ENOMEM) ? mt_av_fail(err, ret, "decoding") : 0;
}

static int take_packet(struct sounding *s, struct mt_err *err)
{
    AVPacket *packet = s->packet;

    if (s->in.video && packet->stream_index == s->in.video->index)
        mt_stamps_fix(&s->stamps, 0, packet, s->in.video->time_base);
    if (packet->stream_index != s->in.audio->index)
        return 0;
    mt_stamps_fix(&s->stamps, 1, packet, s->in.audio->time_base);
    AVPacket *own = av_packet_clone(packet); /* s->packet is for what is encoded meanwhile */
    if (!own)
        return mt_av_fail(err, AVERROR(ENOMEM), "decoding");
    int ret = decode(s, own, err);
    av_packet_free(&own);
    return ret < 0 ? -1 : mt_in_tell(&s->in, s->end_us, FFMAX(s->in.format->duration, 0), err);
}

static int read_all(struct sounding *s, struct mt_err *err)
{
    int errors = 0, ret;

    for (;;) {
        ret = av_read_frame(s->in.format, s->packet);
        s->errors += ret == AVERROR_INVALIDDATA;
        if ((ret == AVERROR(EAGAIN) || ret == AVERROR_INVALIDDATA) && ++errors < READ_ERRORS_MAX)
            continue;
        if (ret < 0)
            break;
        errors = 0;
        ret = take_packet(s, err);
        av_packet_unref(s->packet);
        if (ret < 0)
            return -1;
    }
    if (ret == AVERROR_EXIT)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (mt_in_read_failed(&s->in) || ret == AVERROR(ENOMEM))
        return mt_av_fail(err, ret, "reading the source");
    s->errors += ret != AVERROR_EOF;
    return 0;
}

static int open_sound(struct sounding *s, struct mt_err *err)
{
    if (!s->in.audio)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no sound in it");
    if (s->spec->n > RATES_MAX)
        return mt_fail(err, MT_ERR_BUG, "%d bit rates of sound at once", s->spec->n);
    if (mt_in_decoder(&s->decoder, &s->in, s->in.audio, 1, err) < 0)
        return -1;
    for (unsigned i = 0; i < s->in.format->nb_streams; i++)
        if (s->in.format->streams[i] != s->in.video && s->in.format->streams[i] != s->in.audio)
            s->in.format->streams[i]->discard = AVDISCARD_ALL;
    s->stamps.leaps = s->in.format->iformat->flags & AVFMT_TS_DISCONT;
    s->packet = av_packet_alloc();
    s->frame = av_frame_alloc();
    s->filtered = av_frame_alloc();
    if (!s->packet || !s->frame || !s->filtered)
        return mt_av_fail(err, AVERROR(ENOMEM), "sound");
    mt_sound_choose(&s->graph, s->decoder);
    for (int i = 0; i < s->spec->n; i++)
        if (mt_aac_open(&s->aac[i], s->graph.rate, s->graph.channels, s->spec->bps[i], err) < 0 ||
            mt_mp4_open(&s->mp4[i], s->spec->fds[i], NULL, s->aac[i].codec, &s->in,
                        s->spec->origin_us, err) < 0)
            return -1;
    return 0;
}

static int run(struct sounding *s, struct mt_err *err)
{
    if (open_sound(s, err) < 0 || read_all(s, err) < 0 || decode(s, NULL, err) < 0)
        return -1;
    if (s->samples == 0)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "no sound decodes");
    if (drain(s, err) < 0 || encode(s, NULL, err) < 0)
        return -1;
    for (int i = 0; i < s->spec->n; i++)
        if (mt_mp4_finish(&s->mp4[i], err) < 0)
            return -1;
    return 0;
}

static json_t *report(struct sounding *s)
{
    json_t *lines = NULL;
    int64_t logged = mt_av_log_take(&lines);

    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "samples", (json_int_t)s->samples, "encoded",
                     (json_int_t)s->encoded, "end_us", (json_int_t)s->end_us, "errors",
                     (json_int_t)FFMAX(logged, s->errors), "messages",
                     lines ? lines : json_array());
}

json_t *mt_av_sound_encode(int fd, const struct mt_av_sound_spec *spec, struct mt_err *err)
{
    struct sounding s = {.spec = spec};
    json_t *result = NULL;

    if (mt_in_open(&s.in, fd, &spec->limits, err) < 0)
        return NULL;
    mt_in_set_progress(&s.in, &spec->progress);
    if (run(&s, err) == 0)
        result = report(&s);
    for (int i = 0; i < RATES_MAX; i++) {
        mt_aac_close(&s.aac[i]);
        mt_mp4_close(&s.mp4[i]);
    }
    mt_sound_close(&s.graph);
    avcodec_free_context(&s.decoder);
    av_packet_free(&s.packet);
    av_frame_free(&s.frame);
    av_frame_free(&s.filtered);
    mt_in_close(&s.in);
    return result;
}
