/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check.c - decoding a file to its end and counting what comes out. */
#include "av/probe.h"

#include "av/frame.h"
#include "av/input.h"
#include "av/logged.h"
#include "json/json.h"

#include <stdlib.h>

enum { MESSAGES_MOST = 8 };

struct counted {
    AVStream *stream; /* NULL: none */
    AVCodecContext *decoder;
    int64_t frames, samples;
    int64_t first_us, end_us; /* AV_NOPTS_VALUE before the first frame */
    int width, height;        /* of the last frame */
};

struct check {
    struct mt_in in;
    struct counted video, audio;
    AVPacket *packet;
    AVFrame *frame;
    int64_t errors; /* calls that failed and frames marked as damaged */
    int64_t done_us;
    json_t *messages;
};

static void complain(struct check *c, const AVStream *st, int av)
{
    char text[MT_LOGGED_LINE], line[MT_LOGGED_LINE + 64];

    c->errors++;
    if (json_array_size(c->messages) >= MESSAGES_MOST)
        return;
    mt_logged_last(text);
    if (!text[0])
        av_strerror(av, text, sizeof(text));
    snprintf(line, sizeof(line), "stream %d at %.3f s: %s", st->index, (double)c->done_us / 1e6,
             text);
    json_array_append_new(c->messages, mt_json_text(line));
}

static int64_t frame_us(const struct counted *k, const AVFrame *f, int64_t *end)
{
    AVRational tb = k->stream->time_base;
    int64_t at = f->best_effort_timestamp;
    int64_t duration;

    if (f->nb_samples > 0 && f->sample_rate > 0)
        duration = av_rescale(f->nb_samples, AV_TIME_BASE, f->sample_rate);
    else
        duration = av_rescale_q(mt_frame_duration(f), tb, AV_TIME_BASE_Q);
    if (at == AV_NOPTS_VALUE) {
        *end = k->end_us == AV_NOPTS_VALUE ? duration : k->end_us + duration;
        return k->end_us == AV_NOPTS_VALUE ? 0 : k->end_us;
    }
    at = av_rescale_q(at, tb, AV_TIME_BASE_Q);
    *end = at + duration;
    return at;
}

static void count_frame(struct check *c, struct counted *k)
{
    int64_t end, at = frame_us(k, c->frame, &end);

    k->frames++;
    k->samples += c->frame->nb_samples;
    if (k->first_us == AV_NOPTS_VALUE || at < k->first_us)
        k->first_us = at;
    if (k->end_us == AV_NOPTS_VALUE || end > k->end_us)
        k->end_us = end;
    if (c->frame->width > 0) {
        k->width = c->frame->width;
        k->height = c->frame->height;
    }
    if (end > c->done_us)
        c->done_us = end;
    if (mt_frame_damaged(c->frame))
        complain(c, k->stream, AVERROR_INVALIDDATA);
}

static void receive_all(struct check *c, struct counted *k)
{
    int av;

    while ((av = avcodec_receive_frame(k->decoder, c->frame)) >= 0) {
        count_frame(c, k);
        av_frame_unref(c->frame);
    }
    if (av != AVERROR(EAGAIN) && av != AVERROR_EOF)
        complain(c, k->stream, av);
}

/* packet NULL: drain. */
static void decode(struct check *c, struct counted *k, const AVPacket *packet)
{
    if (!k->decoder)
        return;
    mt_logged_mark();
    int av = avcodec_send_packet(k->decoder, packet);
    if (av == AVERROR(EAGAIN)) {
        receive_all(c, k);
        av = avcodec_send_packet(k->decoder, packet);
    }
    if (av < 0 && av != AVERROR_EOF)
        complain(c, k->stream, av);
    receive_all(c, k);
}

static int start(struct check *c, struct counted *k, AVStream *st, struct mt_err *err)
{
    k->stream = st;
    k->first_us = k->end_us = AV_NOPTS_VALUE;
    if (!st)
        return 0;
    if (mt_in_decoder(&k->decoder, &c->in, st, 0, err) < 0)
        return -1;
    k->decoder->err_recognition |= AV_EF_CRCCHECK;
    return 0;
}

static int decode_all(struct check *c, struct mt_err *err)
{
    int64_t total = c->in.format->duration == AV_NOPTS_VALUE ? 0 : c->in.format->duration;
    int av;

    while ((av = av_read_frame(c->in.format, c->packet)) >= 0 || av == AVERROR(EAGAIN)) {
        int i = av < 0 ? -1 : c->packet->stream_index;
        if (c->video.stream && i == c->video.stream->index)
            decode(c, &c->video, c->packet);
        else if (c->audio.stream && i == c->audio.stream->index)
            decode(c, &c->audio, c->packet);
        if (i >= 0 && (c->packet->flags & AV_PKT_FLAG_CORRUPT))
            complain(c, c->in.format->streams[i], AVERROR_INVALIDDATA);
        av_packet_unref(c->packet);
        if (mt_in_tell(&c->in, c->done_us, total, err) < 0)
            return -1;
    }
    if (av == AVERROR_EXIT)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (mt_in_read_failed(&c->in))
        return mt_av_fail(err, av, "cannot read the file");
    if (av != AVERROR_EOF)
        complain(c, c->video.stream ? c->video.stream : c->audio.stream, av);
    decode(c, &c->video, NULL);
    decode(c, &c->audio, NULL);
    return 0;
}

static json_t *seconds(int64_t us)
{
    return us == AV_NOPTS_VALUE ? json_null() : mt_json_real((double)us / 1e6, 6);
}

static json_t *report_video(const struct counted *k)
{
    json_t *o = json_object();

    json_object_set_new(o, "frames", json_integer(k->frames));
    json_object_set_new(o, "first_pts", seconds(k->first_us));
    json_object_set_new(o, "last_end", seconds(k->end_us));
    json_object_set_new(o, "width", json_integer(k->width));
    json_object_set_new(o, "height", json_integer(k->height));
    return o;
}

static json_t *report_audio(const struct counted *k)
{
    int rate = k->decoder->sample_rate;
    json_t *o = json_object();

    json_object_set_new(o, "samples", json_integer(k->samples));
    json_object_set_new(o, "sample_rate_hz", json_integer(rate));
    json_object_set_new(o, "duration",
                        rate > 0 ? mt_json_real((double)k->samples / rate, 6) : json_null());
    return o;
}

static json_t *report(struct check *c, int64_t logged)
{
    json_t *o = json_object();
    bool timed = !c->in.image && c->video.frames + c->audio.frames > 0;

    json_object_set_new(o, "duration", timed ? seconds(c->done_us) : json_null());
    json_object_set_new(o, "video", c->video.stream ? report_video(&c->video) : json_null());
    json_object_set_new(o, "audio", c->audio.stream ? report_audio(&c->audio) : json_null());
    json_object_set_new(o, "streams", json_integer(c->in.format->nb_streams));
    json_object_set_new(o, "errors", json_integer(logged > c->errors ? logged : c->errors));
    json_object_set(o, "messages", c->messages);
    return o;
}

static json_t *check_opened(struct check *c, struct mt_err *err)
{
    json_t *lines = NULL, *result;

    if (start(c, &c->video, c->in.video, err) < 0 || start(c, &c->audio, c->in.audio, err) < 0)
        return NULL;
    mt_av_log_take(NULL);
    if (decode_all(c, err) < 0)
        return NULL;
    int64_t logged = mt_av_log_take(&lines);
    if (lines && json_array_size(c->messages) == 0)
        json_array_extend(c->messages, lines);
    result = report(c, logged);
    json_decref(lines);
    return result;
}

json_t *mt_av_check(int fd, const struct mt_av_limits *limits,
                    const struct mt_av_progress *progress, struct mt_err *err)
{
    struct check c = {0};
    json_t *result = NULL;

    if (mt_in_open(&c.in, fd, limits, err) < 0)
        return NULL;
    mt_in_set_progress(&c.in, progress);
    c.messages = json_array();
    c.packet = av_packet_alloc();
    c.frame = av_frame_alloc();
    if (c.packet && c.frame)
        result = check_opened(&c, err);
    else
        mt_fail(err, MT_ERR_IO, "out of memory");
    avcodec_free_context(&c.video.decoder);
    avcodec_free_context(&c.audio.decoder);
    av_packet_free(&c.packet);
    av_frame_free(&c.frame);
    json_decref(c.messages);
    mt_in_close(&c.in);
    return result;
}
