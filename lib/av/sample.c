/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sample.c - decoding a little, at both ends of a film. */
#include "av/sample.h"

#include "av/bytes.h"
#include "av/logged.h"

#include <libavutil/avstring.h>
#include <stdio.h>

enum {
    VIDEO_FRAMES = 32,               /* decoded of the beginning, unless they are large */
    VIDEO_PIXELS = 12 * 1000 * 1000, /* decoded of the beginning, together */
    VIDEO_PATIENCE = 300,            /* packets without a frame before it is given up */
    AUDIO_PACKETS = 48,
    AUDIO_PATIENCE = 400,
    LEADING = 8, /* packets after a key picture that may refer to what is before it */
    TAIL_PIXELS = 40 * 1000 * 1000, /* more are decoded only where nothing else shows a cut */
};

int mt_sample_open(struct mt_sample *s, const struct mt_in *in, struct mt_err *err)
{
    struct mt_err why;

    *s = (struct mt_sample){.in = in, .frame = av_frame_alloc()};
    if (!s->frame)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    if (in->video && mt_in_decoder(&s->video.decoder, in, in->video, 1, &why) < 0)
        snprintf(s->video.first_error, sizeof(s->video.first_error), "%.180s", why.msg);
    if (in->audio && mt_in_decoder(&s->audio.decoder, in, in->audio, 1, &why) < 0)
        snprintf(s->audio.first_error, sizeof(s->audio.first_error), "%.180s", why.msg);
    if (s->video.decoder)
        s->video.decoder->err_recognition |= AV_EF_CRCCHECK;
    if (s->audio.decoder)
        s->audio.decoder->err_recognition |= AV_EF_CRCCHECK;
    return 0;
}

void mt_sample_close(struct mt_sample *s)
{
    avcodec_free_context(&s->video.decoder);
    avcodec_free_context(&s->audio.decoder);
    av_frame_free(&s->video.first);
    av_frame_free(&s->audio.first);
    av_frame_free(&s->frame);
}

static void note_error(struct mt_sampled *d, int av)
{
    d->errors++;
    if (d->first_error[0])
        return;
    mt_logged_last(d->first_error);
    if (!d->first_error[0])
        av_strerror(av, d->first_error, sizeof(d->first_error));
}

static int receive_all(struct mt_sampled *d, AVFrame *frame)
{
    int av;

    while ((av = avcodec_receive_frame(d->decoder, frame)) >= 0) {
        d->frames++;
        if ((frame->flags & AV_FRAME_FLAG_CORRUPT) || frame->decode_error_flags)
            note_error(d, AVERROR_INVALIDDATA);
        if (!d->first)
            d->first = av_frame_clone(frame);
        av_frame_unref(frame);
    }
    if (av != AVERROR(EAGAIN) && av != AVERROR_EOF)
        note_error(d, av);
    return av;
}

/* packet NULL: drain. */
static void decode(struct mt_sampled *d, AVFrame *frame, const AVPacket *packet)
{
    int64_t logged = mt_logged_count();

    mt_logged_mark();
    int av = avcodec_send_packet(d->decoder, packet);
    if (av == AVERROR(EAGAIN)) {
        receive_all(d, frame);
        av = avcodec_send_packet(d->decoder, packet);
    }
    if (av < 0 && av != AVERROR_EOF)
        note_error(d, av);
    receive_all(d, frame);
    d->packets += packet != NULL;
    if (mt_logged_count() > logged) {
        d->complaints += mt_logged_count() - logged;
        if (!d->first_error[0])
            mt_logged_last(d->first_error);
    }
}

static bool video_done(const struct mt_sampled *d)
{
    const AVCodecContext *ctx = d->decoder;
    int64_t pixels = (int64_t)ctx->width * ctx->height;

    if (d->frames == 0)
        return d->packets >= VIDEO_PATIENCE;
    return d->frames >= VIDEO_FRAMES || d->frames * pixels >= VIDEO_PIXELS;
}

void mt_sample_take(void *ctx, AVPacket *packet)
{
    struct mt_sample *s = ctx;

    if (s->in->video && packet->stream_index == s->in->video->index && s->video.decoder &&
        !s->video.full) {
        decode(&s->video, s->frame, packet);
        s->video.full = video_done(&s->video);
    } else if (s->in->audio && packet->stream_index == s->in->audio->index && s->audio.decoder &&
               !s->audio.full) {
        decode(&s->audio, s->frame, packet);
        s->audio.full = s->audio.packets >= (s->audio.frames ? AUDIO_PACKETS : AUDIO_PATIENCE);
    }
}

/* How many packets of the tail are decoded: fewer where the structure shows that all is there. */
static int tail_length(const struct mt_tail *tail, const AVCodecContext *decoder, bool whole)
{
    int64_t pixels = (int64_t)decoder->width * decoder->height;

    int64_t most = whole ? TAIL_PIXELS : INT64_C(10) * TAIL_PIXELS;
    if (decoder->codec_type != AVMEDIA_TYPE_VIDEO || pixels * tail->n <= most)
        return tail->n;
    return (int)(most / pixels) + 1;
}

/* The end of a stream, by a decoder of its own; what is wrong there goes to *end. */
static void decode_tail(struct mt_sample *s, const struct mt_tail *tail, AVCodecContext *decoder,
                        bool whole, struct mt_sampled *end)
{
    int n = tail_length(tail, decoder, whole);

    *end = (struct mt_sampled){.decoder = decoder};
    decoder->skip_loop_filter = AVDISCARD_ALL;
    decoder->err_recognition |= AV_EF_CRCCHECK;
    for (int i = 0; i < n && i < tail->n; i++) {
        decode(end, s->frame, tail->packets[i]);
        if (i < LEADING && !tail->from_start) {
            end->errors = end->complaints = 0;
            end->first_error[0] = '\0';
        }
    }
    decode(end, s->frame, NULL);
    av_frame_free(&end->first);
}

static void judge_tail(struct mt_sample *s, const struct mt_tail *tail, AVStream *st,
                       struct mt_issues *issues)
{
    AVCodecContext *decoder = NULL;
    struct mt_sampled end;
    struct mt_err why;

    if (tail->n == 0 || tail->overflowed || mt_in_decoder(&decoder, s->in, st, 1, &why) < 0)
        return;
    decode_tail(s, tail, decoder, issues->whole, &end);
    if (end.errors + end.complaints > 0)
        mt_issue(issues, "decode_error", st->index, "the end does not decode cleanly: %s",
                 end.first_error[0] ? end.first_error : "unknown");
    else if (end.frames == 0 && tail->n > LEADING)
        mt_issue(issues, "decode_error", st->index, "nothing decodes at the end");
    avcodec_free_context(&decoder);
}

static void judge_head(struct mt_sampled *d, const AVStream *st, bool silent,
                       struct mt_issues *issues)
{
    if (!d->frames)
        mt_issue(issues, "undecodable", st->index, "no frame of this stream decodes: %s",
                 d->first_error[0] ? d->first_error : "it has none");
    else if (!silent && d->errors + d->complaints > 0)
        mt_issue(issues, "decode_error", st->index,
                 "of the first %lld packets, some do not decode cleanly: %s", (long long)d->packets,
                 d->first_error);
}

static void finish_stream(struct mt_sample *s, struct mt_sampled *d, AVStream *st,
                          const struct mt_tail *tail, struct mt_issues *issues)
{
    if (!st)
        return;
    if (d->decoder && !d->full)
        decode(d, s->frame, NULL);
    judge_head(d, st, s->silent, issues);
    if (d->frames && d->full && !s->in->image && !s->silent)
        judge_tail(s, tail, st, issues);
}

static bool animated_webp(const struct mt_in *in, const struct mt_walk *w)
{
    const AVPacket *p = w->video.n ? w->video.packets[0] : NULL;

    return in->image && in->video->codecpar->codec_id == AV_CODEC_ID_WEBP && p && p->size > 21 &&
           memcmp(p->data + 12, "VP8X", 4) == 0 && (p->data[20] & 2);
}

static int nothing_decodes(const struct mt_sample *s, const struct mt_walk *w,
                           const struct mt_issues *issues, struct mt_err *err)
{
    const struct mt_sampled *d = s->in->video ? &s->video : &s->audio;

    if (s->in->video && animated_webp(s->in, w))
        return mt_fail(err, MT_ERR_UNSUPPORTED_CODEC,
                       "an animated WebP picture, which this build of FFmpeg cannot decode");
    if (s->in->image && !issues->truncated &&
        av_strstart(s->in->format->iformat->name, "mov,", NULL))
        return mt_fail(err, MT_ERR_DAMAGED,
                       "the picture in this AVIF or HEIF file cannot be decoded");
    if (issues->truncated)
        return mt_fail(err, MT_ERR_TRUNCATED,
                       "the end of the file is missing and no picture or sound decodes: %s",
                       mt_issue_first(issues));
    return mt_fail(err, MT_ERR_DAMAGED, "no picture and no sound decodes: %s",
                   d->first_error[0] ? d->first_error : "the streams are empty");
}

int mt_sample_finish(struct mt_sample *s, const struct mt_walk *w, struct mt_issues *issues,
                     struct mt_err *err)
{
    finish_stream(s, &s->video, s->in->video, &w->video, issues);
    finish_stream(s, &s->audio, s->in->audio, &w->audio, issues);
    if (s->video.frames + s->audio.frames == 0)
        return nothing_decodes(s, w, issues, err);
    return 0;
}
