/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thorough.c - see thorough.h. */
#include "av/thorough.h"

#include "av/frame.h"
#include "av/frames.h"
#include "av/input.h"
#include "av/logged.h"
#include "av/select.h"
#include "av/thorough_sum.h"
#include "av/walk.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    STRETCHES_MOST = 4096,  /* kept to add up; what comes after them widens the last */
    APART_US = 1000 * 1000, /* good time between two stretches; less is one */
};

struct stretch {
    int64_t start_us, end_us;
};

/* One stream and its decoder. Times are from the beginning of the film. */
struct lane {
    AVStream *stream;
    AVCodecContext *decoder; /* NULL: not of a kind that is decoded */
    int64_t good_us;         /* end of the last good frame */
    int64_t packet_us, packet_end_us;
    bool open, lost;    /* a stretch is open; no good frame came after it so far */
    struct stretch bad; /* the one that is open, or the last */
    int64_t frames, errors, all_errors;
    char first[MT_LOGGED_LINE];
    struct mt_sum *sum;
};

struct thorough {
    struct mt_in in;
    struct mt_issues *issues;
    struct lane *lanes;
    unsigned n_lanes;
    struct stretch *stretches;
    int n_stretches;
    int64_t origin_us, done_us;
    AVPacket *packet;
    AVFrame *frame;
};

static int64_t film_us(const struct thorough *t, const AVStream *st, int64_t ticks)
{
    return av_rescale_q(ticks, st->time_base, AV_TIME_BASE_Q) - t->origin_us;
}

static void finish_stretch(struct thorough *t, struct lane *l)
{
    if (!l->open)
        return;
    l->open = false;
    mt_issue_at(t->issues, "decode_error", l->stream->index, l->bad.start_us, l->bad.end_us,
                "%lld errors: %s", (long long)l->errors, l->first[0] ? l->first : "unknown");
    if (t->n_stretches < STRETCHES_MOST)
        t->stretches[t->n_stretches++] = l->bad;
    l->errors = 0;
    l->first[0] = '\0';
}

/* Something is wrong with the packet or frame of a time. */
static void spoil(struct thorough *t, struct lane *l, int64_t start, int64_t end, int av)
{
    if (l->open && start > l->bad.end_us + APART_US)
        finish_stretch(t, l);
    if (!l->open) {
        l->open = true;
        l->bad = (struct stretch){start, end > start ? end : start};
    }
    l->bad.start_us = start < l->bad.start_us ? start : l->bad.start_us;
    l->bad.end_us = end > l->bad.end_us ? end : l->bad.end_us;
    l->lost = true;
    l->errors++;
    l->all_errors++;
    if (l->first[0])
        return;
    mt_logged_last(l->first);
    if (!l->first[0])
        av_strerror(av, l->first, sizeof(l->first));
}

static int64_t frame_length(const AVStream *st, const AVFrame *f)
{
    if (f->nb_samples > 0 && f->sample_rate > 0)
        return av_rescale(f->nb_samples, AV_TIME_BASE, f->sample_rate);
    return av_rescale_q(mt_frame_duration(f), st->time_base, AV_TIME_BASE_Q);
}

static void take_frame(struct thorough *t, struct lane *l)
{
    int64_t at = t->frame->best_effort_timestamp;
    int64_t start = at == AV_NOPTS_VALUE ? l->good_us : film_us(t, l->stream, at);
    int64_t end = start + frame_length(l->stream, t->frame);

    l->frames++;
    mt_sum_add(l->sum, t->frame);
    if (mt_frame_damaged(t->frame)) {
        spoil(t, l, start, end, AVERROR_INVALIDDATA);
        return;
    }
    /* The frames between the last good one and this were lost, if something failed there. */
    if (l->lost && start >= l->bad.end_us) {
        l->bad.end_us = start;
        l->lost = false;
    }
    if (end > l->good_us)
        l->good_us = end;
    if (end > t->done_us)
        t->done_us = end;
}

static void receive_all(struct thorough *t, struct lane *l)
{
    int av;

    while ((av = avcodec_receive_frame(l->decoder, t->frame)) >= 0) {
        take_frame(t, l);
        av_frame_unref(t->frame);
    }
    if (av != AVERROR(EAGAIN) && av != AVERROR_EOF)
        spoil(t, l, l->packet_us, l->packet_end_us, av);
}

/* packet NULL: drain. */
static void decode(struct thorough *t, struct lane *l, const AVPacket *packet)
{
    int64_t logged = mt_logged_count(), errors = l->all_errors;

    mt_logged_mark();
    int av = avcodec_send_packet(l->decoder, packet);
    if (av == AVERROR(EAGAIN)) {
        receive_all(t, l);
        av = avcodec_send_packet(l->decoder, packet);
    }
    if (av < 0 && av != AVERROR_EOF)
        spoil(t, l, l->packet_us, l->packet_end_us, av);
    receive_all(t, l);
    if (mt_logged_count() > logged && l->all_errors == errors)
        spoil(t, l, l->packet_us, l->packet_end_us, AVERROR_INVALIDDATA);
}

static void take_packet(struct thorough *t)
{
    unsigned i = (unsigned)t->packet->stream_index;
    struct lane *l = i < t->n_lanes ? &t->lanes[i] : NULL;
    int64_t at = t->packet->pts != AV_NOPTS_VALUE ? t->packet->pts : t->packet->dts;

    if (!l || !l->decoder ||
        mt_frame_is_noise(l->stream->codecpar->codec_id, t->packet->data, t->packet->size))
        return;
    l->packet_us = at == AV_NOPTS_VALUE ? l->good_us : film_us(t, l->stream, at);
    l->packet_end_us =
        l->packet_us + av_rescale_q(t->packet->duration, l->stream->time_base, AV_TIME_BASE_Q);
    decode(t, l, t->packet);
}

static int decode_all(struct thorough *t, struct mt_err *err)
{
    int64_t total = t->in.format->duration == AV_NOPTS_VALUE ? 0 : t->in.format->duration;
    int av;

    while ((av = av_read_frame(t->in.format, t->packet)) >= 0 || av == AVERROR(EAGAIN)) {
        if (av >= 0)
            take_packet(t);
        av_packet_unref(t->packet);
        if (mt_in_tell(&t->in, t->done_us, total, err) < 0)
            return -1;
    }
    if (av == AVERROR_EXIT)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (mt_in_read_failed(&t->in))
        return mt_av_fail(err, av, "cannot read the file");
    for (unsigned i = 0; i < t->n_lanes; i++)
        if (t->lanes[i].decoder) {
            decode(t, &t->lanes[i], NULL);
            finish_stretch(t, &t->lanes[i]);
        }
    return 0;
}

static void judge_sums(struct thorough *t)
{
    for (unsigned i = 0; i < t->n_lanes; i++)
        if (t->lanes[i].sum && !mt_sum_fits(t->lanes[i].sum))
            mt_issue(t->issues, "checksum", (int)i,
                     "the samples are not those that the checksum (MD5) was made of");
}

static int by_start(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;

    return x->start_us < y->start_us ? -1 : x->start_us > y->start_us;
}

static int64_t add_up(struct thorough *t)
{
    int64_t sum = 0, until = INT64_MIN;

    qsort(t->stretches, (size_t)t->n_stretches, sizeof(*t->stretches), by_start);
    for (int i = 0; i < t->n_stretches; i++) {
        const struct stretch *s = &t->stretches[i];
        int64_t from = s->start_us > until ? s->start_us : until;
        sum += s->end_us > from ? s->end_us - from : 0;
        until = s->end_us > until ? s->end_us : until;
    }
    return sum;
}

static void open_lanes(struct thorough *t)
{
    struct mt_err why; /* a stream that nobody can decode was reported already */

    for (unsigned i = 0; i < t->n_lanes; i++) {
        struct lane *l = &t->lanes[i];
        enum AVMediaType type = t->in.format->streams[i]->codecpar->codec_type;
        l->stream = t->in.format->streams[i];
        if ((type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO) ||
            mt_stream_is_cover(l->stream) ||
            mt_in_decoder(&l->decoder, &t->in, l->stream, 1, &why) < 0)
            continue;
        l->decoder->err_recognition |= AV_EF_CRCCHECK;
        l->sum = mt_sum_new(l->stream->codecpar);
    }
}

static int run(struct thorough *t, int64_t *lost_us, struct mt_err *err)
{
    t->n_lanes = t->in.format->nb_streams;
    t->lanes = mt_alloc((t->n_lanes + 1) * sizeof(*t->lanes));
    t->stretches = mt_alloc(STRETCHES_MOST * sizeof(*t->stretches));
    t->packet = av_packet_alloc();
    t->frame = av_frame_alloc();
    t->origin_us = mt_walk_origin(&t->in);
    if (!t->packet || !t->frame)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    open_lanes(t);
    if (decode_all(t, err) < 0)
        return -1;
    judge_sums(t);
    *lost_us += add_up(t);
    return 0;
}

int mt_thorough(int fd, const struct mt_av_limits *limits, const struct mt_av_progress *progress,
                struct mt_issues *issues, int64_t *lost_us, struct mt_err *err)
{
    struct thorough t = {.issues = issues};

    if (mt_in_open(&t.in, fd, limits, err) < 0)
        return -1;
    mt_in_set_progress(&t.in, progress);
    int ret = run(&t, lost_us, err);
    for (unsigned i = 0; t.lanes && i < t.n_lanes; i++) {
        avcodec_free_context(&t.lanes[i].decoder);
        mt_sum_free(&t.lanes[i].sum);
    }
    free(t.lanes);
    free(t.stretches);
    av_packet_free(&t.packet);
    av_frame_free(&t.frame);
    mt_in_close(&t.in);
    return ret;
}
