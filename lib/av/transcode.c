/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode.c - reading and decoding a source once for all its renditions. */
#include "av/transcode_session.h"

#include "base/mem.h"
#include "json/json.h"

#include <libavutil/avstring.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAITING_MAX = 8192, /* frames of sound that may come before the first picture */
    READ_ERRORS_MAX = 16,
    DECODE_ERRORS_MAX = 1000, /* in a row, without a frame */
};

struct session {
    const struct mt_av_transcode *spec;
    struct mt_in in;
    AVCodecContext *video, *audio;
    struct mt_stamps stamps;
    struct mt_clock clock;
    struct mt_lanes lanes;
    bool started;      /* the first picture was seen, lanes are open */
    AVFrame **waiting; /* sound decoded before that */
    int n_waiting;
    AVPacket *packet;
    AVFrame *frame;
    int64_t frames, samples, errors; /* decoded; failures of the decoders */
    int64_t last_duration;           /* of the picture decoded last */
    int64_t sound_next_us, end_us;   /* where sound goes on, where the source ends */
    json_t *notes;
};

typedef int take_fn(struct session *s, struct mt_err *err);

/* Whether the source goes on for longer than is permitted, whatever its headers claimed. */
static int within(const struct session *s, struct mt_err *err)
{
    int64_t limit = s->spec->limits.duration_us;
    int64_t length = s->started ? s->end_us - s->lanes.origin_us : 0;

    if (limit > 0 && length > limit)
        return mt_fail(err, MT_ERR_LIMIT, "the source is %lld s long, more than %lld",
                       (long long)(length / AV_TIME_BASE), (long long)(limit / AV_TIME_BASE));
    return 0;
}

/* ---- sound ---- */

/* Gives decoded sound its time: decoders name it for some frames only. */
static void stamp_sound(struct session *s)
{
    AVRational base = s->in.audio->time_base;
    AVFrame *frame = s->frame;
    int64_t length = av_rescale(frame->nb_samples, AV_TIME_BASE, frame->sample_rate);

    frame->pts = frame->best_effort_timestamp;
    if (frame->pts == AV_NOPTS_VALUE)
        frame->pts = av_rescale_q(s->sound_next_us, AV_TIME_BASE_Q, base);
    s->sound_next_us = av_rescale_q(frame->pts, base, AV_TIME_BASE_Q) + length;
    s->end_us = FFMAX(s->end_us, s->sound_next_us);
    s->samples += frame->nb_samples;
}

static int keep_waiting(struct session *s, struct mt_err *err)
{
    if (s->n_waiting >= WAITING_MAX)
        return mt_fail(err, MT_ERR_DAMAGED, "minutes of sound and not one picture that decodes");
    s->waiting = mt_realloc(s->waiting, (size_t)s->n_waiting + 1, sizeof(s->waiting[0]));
    s->waiting[s->n_waiting] = av_frame_clone(s->frame);
    av_frame_unref(s->frame);
    if (!s->waiting[s->n_waiting])
        return mt_av_fail(err, AVERROR(ENOMEM), "sound");
    s->n_waiting++;
    return 0;
}

static int take_sound(struct session *s, struct mt_err *err)
{
    if (s->frame->sample_rate <= 0 || s->frame->nb_samples <= 0) {
        av_frame_unref(s->frame);
        return 0;
    }
    stamp_sound(s);
    if (!s->started)
        return keep_waiting(s, err);
    if (within(s, err) < 0)
        return -1;
    return mt_lanes_sound(&s->lanes, s->frame, s->in.audio->time_base, err);
}

/* ---- pictures ---- */

/* Where the sound begins, as far as is known yet; otherwise no earlier than the picture. */
static int64_t sound_start(const struct session *s, int64_t picture_us)
{
    const AVStream *audio = s->in.audio;
    int64_t start;

    if (!s->audio)
        return picture_us;
    if (s->n_waiting > 0)
        return av_rescale_q(s->waiting[0]->pts, audio->time_base, AV_TIME_BASE_Q);
    if (audio->start_time == AV_NOPTS_VALUE)
        return picture_us;
    start = av_rescale_q(audio->start_time, audio->time_base, AV_TIME_BASE_Q);
    if (start < 0 && audio->codecpar->initial_padding > 0 && audio->codecpar->sample_rate > 0)
        start += av_rescale(audio->codecpar->initial_padding, AV_TIME_BASE,
                            audio->codecpar->sample_rate);
    return start + s->stamps.stream[1].offset_us;
}

static int start(struct session *s, struct mt_err *err)
{
    int64_t picture_us = av_rescale_q(s->frame->pts, s->in.video->time_base, AV_TIME_BASE_Q);
    int64_t origin_us = FFMIN(picture_us, sound_start(s, picture_us));
    int ret = 0;

    s->started = true;
    if (mt_lanes_open(&s->lanes, s->spec, &s->in, s->frame, s->audio, origin_us, err) < 0)
        return -1;
    for (int i = 0; i < s->n_waiting; i++) {
        if (ret == 0)
            ret = mt_lanes_sound(&s->lanes, s->waiting[i], s->in.audio->time_base, err);
        av_frame_free(&s->waiting[i]);
    }
    s->n_waiting = 0;
    return ret;
}

/* Decoders that only hand on what the container says of fields may not have done so. */
static void flag_fields(const struct session *s)
{
    enum AVFieldOrder order = s->in.video->codecpar->field_order;
    const AVCodecDescriptor *codec = avcodec_descriptor_get(s->video->codec_id);

    if (order == AV_FIELD_UNKNOWN || order == AV_FIELD_PROGRESSIVE || !codec ||
        !(codec->props & AV_CODEC_PROP_INTRA_ONLY) || mt_frame_interlaced(s->frame))
        return;
    mt_frame_set_fields(s->frame, order == AV_FIELD_TT || order == AV_FIELD_TB);
}

static int put_picture(struct session *s, struct mt_err *err)
{
    AVRational base = s->in.video->time_base;
    int64_t limit = s->spec->limits.frames, total = s->in.format->duration;
    int64_t end_us;

    if (limit > 0 && s->frames >= limit)
        return mt_fail(err, MT_ERR_LIMIT, "more than %lld frames", (long long)limit);
    s->frames++;
    mt_clock_stamp(&s->clock, s->frame);
    flag_fields(s);
    s->last_duration = mt_frame_duration(s->frame);
    if (s->last_duration == 0)
        s->last_duration = s->clock.step;
    end_us = av_rescale_q(s->frame->pts + s->last_duration, base, AV_TIME_BASE_Q);
    s->end_us = FFMAX(s->end_us, end_us);
    if (!s->started && start(s, err) < 0)
        return -1;
    if (within(s, err) < 0 ||
        mt_in_tell(&s->in, end_us - s->lanes.origin_us, total > 0 ? total : 0, err) < 0)
        return -1;
    return mt_lanes_picture(&s->lanes, s->frame, err);
}

/* A failure knows at which picture it happened. */
static int take_picture(struct session *s, struct mt_err *err)
{
    if (put_picture(s, err) == 0)
        return 0;
    return mt_fail_at(err, s->in.video->index, s->end_us - s->lanes.origin_us);
}

/* ---- decoding ---- */

/*
 * Takes all frames that are ready. What does not decode is counted (the libraries' own
 * messages are captured as well) and decoding goes on.
 */
static int receive(struct session *s, AVCodecContext *codec, take_fn *take, struct mt_err *err)
{
    for (int row = 0; row < DECODE_ERRORS_MAX;) {
        int ret = avcodec_receive_frame(codec, s->frame);

        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            return 0;
        if (ret == AVERROR(ENOMEM))
            return mt_av_fail(err, ret, "decoding");
        if (ret < 0) {
            s->errors++;
            row++;
            continue;
        }
        row = 0;
        if (take(s, err) < 0)
            return -1;
    }
    return 0;
}

/* packet NULL: the end. */
static int decode(struct session *s, AVCodecContext *codec, const AVPacket *packet, take_fn *take,
                  struct mt_err *err)
{
    int ret = avcodec_send_packet(codec, packet);

    if (ret == AVERROR(EAGAIN)) {
        if (receive(s, codec, take, err) < 0)
            return -1;
        ret = avcodec_send_packet(codec, packet);
    }
    if (ret == AVERROR(ENOMEM))
        return mt_av_fail(err, ret, "decoding");
    if (ret < 0 && ret != AVERROR_EOF)
        s->errors++;
    return receive(s, codec, take, err);
}

static int take_packet(struct session *s, struct mt_err *err)
{
    AVPacket *packet = s->packet;

    if (packet->stream_index == s->in.video->index) {
        mt_stamps_fix(&s->stamps, 0, packet, s->in.video->time_base);
        return decode(s, s->video, packet, take_picture, err);
    }
    if (s->audio && packet->stream_index == s->in.audio->index) {
        mt_stamps_fix(&s->stamps, 1, packet, s->in.audio->time_base);
        return decode(s, s->audio, packet, take_sound, err);
    }
    return 0;
}

static int stopped_reading(struct session *s, int ret, struct mt_err *err)
{
    const AVIOContext *pb = s->in.format->pb;

    if (mt_in_tell(&s->in, s->end_us, FFMAX(s->in.format->duration, 0), err) < 0)
        return -1;
    if (pb && pb->error < 0 && pb->error != AVERROR_EOF)
        return mt_av_fail(err, pb->error, "reading the source");
    if (ret == AVERROR(ENOMEM))
        return mt_av_fail(err, ret, "reading the source");
    if (ret != AVERROR_EOF) {
        s->errors++;
        json_array_append_new(s->notes, json_string("the file cannot be read to its end"));
    }
    return 0;
}

static int read_all(struct session *s, struct mt_err *err)
{
    int errors = 0, ret, taken;

    for (;;) {
        ret = av_read_frame(s->in.format, s->packet);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_INVALIDDATA) {
            s->errors += ret == AVERROR_INVALIDDATA;
            if (++errors < READ_ERRORS_MAX)
                continue;
        }
        if (ret < 0)
            return stopped_reading(s, ret, err);
        errors = 0;
        taken = take_packet(s, err);
        av_packet_unref(s->packet);
        if (taken < 0)
            return -1;
    }
}

/* ---- all of it ---- */

static int open_decoders(struct session *s, struct mt_err *err)
{
    const struct mt_in *in = &s->in;
    AVRational rate;

    if (mt_in_decoder(&s->video, in, in->video, 0, err) < 0)
        return -1;
    if (in->audio && mt_in_decoder(&s->audio, in, in->audio, 1, err) < 0)
        json_array_append_new(s->notes, mt_json_text(err->msg));
    for (unsigned i = 0; i < in->format->nb_streams; i++)
        if (in->format->streams[i] != in->video && in->format->streams[i] != in->audio)
            in->format->streams[i]->discard = AVDISCARD_ALL;
    rate = mt_honest_rate(in);
    mt_clock_init(&s->clock, av_rescale_q(1, av_inv_q(rate), in->video->time_base));
    s->stamps.leaps = in->format->iformat->flags & AVFMT_TS_DISCONT;
    s->packet = av_packet_alloc();
    s->frame = av_frame_alloc();
    return s->packet && s->frame ? 0 : mt_av_fail(err, AVERROR(ENOMEM), "decoding");
}

static bool preset_known(const char *preset)
{
    return preset && av_match_list(preset,
                                   "ultrafast,superfast,veryfast,faster,fast,medium,slow,slower,"
                                   "veryslow,placebo",
                                   ',') > 0;
}

static int check(const struct session *s, struct mt_err *err)
{
    const AVStream *video = s->in.video;
    const char *format = s->in.format->iformat->name;

    if (s->spec->n < 1 || s->spec->n > MT_LANES_MAX)
        return mt_fail(err, MT_ERR_BUG, "%d renditions at once", s->spec->n);
    if (!preset_known(s->spec->preset))
        return mt_fail(err, MT_ERR_USAGE, "x264 has no preset '%s'",
                       s->spec->preset ? s->spec->preset : "");
    if (!video || video->disposition & AV_DISPOSITION_ATTACHED_PIC ||
        (s->in.image && video->nb_frames <= 1 &&
         !av_match_list(format, "gif,apng,jpegxl_anim", ',')))
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no moving picture in it");
    return 0;
}

static int run(struct session *s, struct mt_err *err)
{
    if (check(s, err) < 0 || open_decoders(s, err) < 0 || read_all(s, err) < 0)
        return -1;
    if (decode(s, s->video, NULL, take_picture, err) < 0)
        return -1;
    if (!s->started)
        return mt_fail(err, MT_ERR_DAMAGED, "not one picture decodes");
    if (s->audio && decode(s, s->audio, NULL, take_sound, err) < 0)
        return -1;
    return mt_lanes_finish(&s->lanes, s->last_duration, err);
}

static json_t *report(struct session *s)
{
    json_t *lines = NULL, *source;
    int64_t logged = mt_av_log_take(&lines);

    if (!lines)
        lines = json_array();
    json_array_extend(lines, s->notes);
    source = json_pack("{s:I, s:I, s:o, s:I, s:o, s:{s:I, s:I, s:I}}", "frames",
                       (json_int_t)s->frames, "samples", (json_int_t)s->samples, "duration",
                       mt_json_real((double)(s->end_us - s->lanes.origin_us) / AV_TIME_BASE, 6),
                       "errors", (json_int_t)FFMAX(logged, s->errors), "messages", lines,
                       "repaired", "missing", (json_int_t)s->clock.missing, "backwards",
                       (json_int_t)s->clock.backwards, "jumps", (json_int_t)s->stamps.jumps);
    return json_pack("{s:o, s:o}", "renditions", mt_lanes_report(&s->lanes), "source", source);
}

static void close_session(struct session *s)
{
    mt_lanes_close(&s->lanes);
    for (int i = 0; i < s->n_waiting; i++)
        av_frame_free(&s->waiting[i]);
    free(s->waiting);
    avcodec_free_context(&s->video);
    avcodec_free_context(&s->audio);
    av_packet_free(&s->packet);
    av_frame_free(&s->frame);
    json_decref(s->notes);
    mt_in_close(&s->in);
}

json_t *mt_av_transcode(int fd, const struct mt_av_transcode *spec, struct mt_err *err)
{
    struct session *s;
    json_t *result = NULL;

    s = mt_alloc(sizeof *s);
    s->spec = spec;
    if (mt_in_open(&s->in, fd, &spec->limits, err) < 0) {
        free(s);
        return NULL;
    }
    s->notes = json_array();
    mt_in_set_progress(&s->in, &spec->progress);
    if (run(s, err) == 0)
        result = report(s);
    close_session(s);
    free(s);
    return result;
}
