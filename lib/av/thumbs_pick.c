/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs_pick.c - one frame at a time out of a film, by seeking. */
#include "av/thumbs_pick.h"

#include "av/logged.h"

enum {
    SECOND = 1000000,
    NEAR = SECOND,           /* not worth a seek */
    BACK_FIRST = 2 * SECOND, /* how far a seek that landed late goes back, then eight times that */
    BACK_TRIES = 4,
    LEAD = 10 * SECOND,
    BAD_PACKETS = 1000, /* in a row: nothing more will come */
};

/* No frame is known any more, and the decoder stands nowhere. */
static void forget(struct mt_picker *p)
{
    av_packet_unref(p->packet);
    av_frame_unref(p->frame);
    av_frame_unref(p->ahead);
    p->pos_us = p->ahead_us = INT64_MIN;
    p->running = p->ended = p->tainted = false;
    p->logged = mt_logged_count();
}

static int open_decoder(struct mt_picker *p, struct mt_err *err)
{
    struct mt_in *in = &p->in;

    p->stream = in->video && !p->cover_only ? in->video : in->cover;
    if (!p->stream)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no picture in it");
    p->cover = (p->stream->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
    for (unsigned i = 0; i < in->format->nb_streams; i++)
        if (in->format->streams[i] != p->stream)
            in->format->streams[i]->discard = AVDISCARD_ALL;
    mt_in_set_progress(in, p->progress);
    forget(p);
    /* By one thread: key frames alone gain nothing by more, and errors are known with their frame.
     */
    if (mt_in_decoder(&p->decoder, in, p->stream, 1, err) != 0)
        return -1;
    if (p->rough) {
        p->decoder->skip_loop_filter = AVDISCARD_ALL;
        p->decoder->flags2 |= AV_CODEC_FLAG2_FAST;
    }
    return 0;
}

/* Begins anew at the first byte. */
static int reopen(struct mt_picker *p, struct mt_err *err)
{
    avcodec_free_context(&p->decoder);
    mt_in_close(&p->in);
    if (mt_in_open(&p->in, p->fd, &p->limits, err) != 0)
        return -1;
    return open_decoder(p, err);
}

static int look(struct mt_picker *p, struct mt_err *err)
{
    mt_film_look(&p->film, &p->in, p->stream);
    if (p->film.still || (p->in.format->iformat->flags & AVFMT_NOTIMESTAMPS))
        p->linear = true;
    if (p->film.still || p->film.last_us > 0)
        return 0;
    if (mt_film_scan(&p->film, &p->in, p->stream, err) != 0)
        return -1;
    return reopen(p, err);
}

static int open_picker(struct mt_picker *p, struct mt_err *err)
{
    p->packet = av_packet_alloc();
    p->frame = av_frame_alloc();
    p->ahead = av_frame_alloc();
    if (!p->packet || !p->frame || !p->ahead) {
        mt_av_fail(err, AVERROR(ENOMEM), "cannot decode");
        goto fail;
    }
    if (mt_in_open(&p->in, p->fd, &p->limits, err) != 0 || open_decoder(p, err) != 0 ||
        look(p, err) != 0)
        goto fail;
    return 0;
fail:
    mt_picker_close(p);
    return -1;
}

int mt_picker_open(struct mt_picker *p, int fd, const struct mt_av_limits *limits,
                   const struct mt_av_progress *progress, struct mt_err *err)
{
    *p = (struct mt_picker){.fd = fd, .limits = *limits, .progress = progress};
    return open_picker(p, err);
}

int mt_picker_open_rough(struct mt_picker *p, int fd, const struct mt_av_limits *limits,
                         const struct mt_av_progress *progress, struct mt_err *err)
{
    *p = (struct mt_picker){.fd = fd, .limits = *limits, .progress = progress, .rough = true};
    return open_picker(p, err);
}

int mt_picker_open_cover(struct mt_picker *p, int fd, const struct mt_av_limits *limits,
                         const struct mt_av_progress *progress, struct mt_err *err)
{
    *p = (struct mt_picker){.fd = fd, .limits = *limits, .progress = progress, .cover_only = true};
    return open_picker(p, err);
}

void mt_picker_close(struct mt_picker *p)
{
    av_packet_free(&p->packet);
    av_frame_free(&p->frame);
    av_frame_free(&p->ahead);
    avcodec_free_context(&p->decoder);
    mt_in_close(&p->in);
    p->stream = NULL;
}

/* The stream's next packet into p->packet; the library's error at the end. */
static int next_packet(struct mt_picker *p)
{
    int av;

    av_packet_unref(p->packet);
    if (p->cover && p->stream->attached_pic.size > 0) {
        if (p->running)
            return AVERROR_EOF;
        p->running = true;
        return av_packet_ref(p->packet, &p->stream->attached_pic);
    }
    while ((av = av_read_frame(p->in.format, p->packet)) >= 0) {
        if (p->packet->stream_index == p->stream->index && p->packet->size > 0) {
            if (p->packet->flags & AV_PKT_FLAG_CORRUPT)
                p->damaged++;
            return 0;
        }
        av_packet_unref(p->packet);
    }
    return av;
}

static int64_t packet_time(const struct mt_picker *p)
{
    const AVPacket *packet = p->packet;

    return mt_film_time(&p->film, p->stream,
                        packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts);
}

/*
 * What refers to something damaged is so too, until a picture that refers to no other. Decoders
 * that conceal an error do not always mark the frame, but they say so.
 */
static void taint(struct mt_picker *p, AVFrame *frame)
{
    int64_t logged = mt_logged_count();

    if (frame->pict_type == AV_PICTURE_TYPE_I)
        p->tainted = false;
    p->tainted = p->tainted || mt_frame_damaged(frame) || logged > p->logged;
    p->logged = logged;
    if (p->tainted)
        frame->flags |= AV_FRAME_FLAG_CORRUPT;
}

/* The time of a frame; without timestamps it follows its predecessor. */
static int64_t time_of(struct mt_picker *p, const AVFrame *frame)
{
    int64_t us = mt_film_time(&p->film, p->stream, frame->best_effort_timestamp);

    if (mt_frame_damaged(frame))
        p->damaged++;
    if (us != AV_NOPTS_VALUE && !p->film.still)
        return us;
    return p->pos_us == INT64_MIN ? 0 : p->pos_us + p->film.frame_us;
}

/* Sends p->packet and the rest of the film until a frame comes, in ahead. 0, 1 at the end, -1. */
static int next_frame(struct mt_picker *p, struct mt_err *err)
{
    int av, bad = 0;

    for (;;) {
        av = avcodec_receive_frame(p->decoder, p->ahead);
        if (av == 0) {
            p->ahead_us = time_of(p, p->ahead);
            taint(p, p->ahead);
            return 0;
        }
        if (av == AVERROR_EOF || bad > BAD_PACKETS)
            return 1;
        if (av != AVERROR(EAGAIN))
            bad++, p->damaged++, p->tainted = true;
        if (!p->packet->size && (av = next_packet(p)) < 0) {
            if (av == AVERROR_EXIT)
                return mt_av_fail(err, av, "cannot read the pictures");
            av = avcodec_send_packet(p->decoder, NULL);
            if (av < 0)
                return 1;
            continue;
        }
        av = avcodec_send_packet(p->decoder, p->packet);
        if (av == AVERROR(ENOMEM))
            return mt_av_fail(err, av, "cannot decode the pictures");
        if (av < 0 && av != AVERROR(EAGAIN))
            bad++, p->damaged++, p->tainted = true;
        if (av != AVERROR(EAGAIN))
            av_packet_unref(p->packet);
    }
}

/* Until when the frame stays at least; only a look at its successor tells more. */
static int64_t stays_until(const struct mt_picker *p)
{
    int64_t us = av_rescale_q(mt_frame_duration(p->frame), p->stream->time_base, AV_TIME_BASE_Q);

    return p->pos_us + (us > 0 && us < p->film.frame_us ? us : p->film.frame_us);
}

/* Decodes forwards up to the frame that is on screen at wanted, or the last of all. */
static int decode_until(struct mt_picker *p, int64_t wanted, struct mt_err *err)
{
    while (p->pos_us == INT64_MIN || stays_until(p) <= wanted) {
        int ret = p->ahead_us == INT64_MIN ? next_frame(p, err) : 0;

        if (ret == 1)
            p->ended = true;
        if (ret == 1 && p->pos_us != INT64_MIN)
            return 0;
        if (ret != 0)
            return ret;
        if (p->pos_us != INT64_MIN && p->ahead_us > wanted)
            return 0;
        av_frame_unref(p->frame);
        av_frame_move_ref(p->frame, p->ahead);
        p->pos_us = p->ahead_us;
        p->ahead_us = INT64_MIN;
    }
    return 0;
}

/*
 * To us or before; 0 stands for the very beginning, which by time alone may be
 * missed: packets are found by when they are decoded, before they are shown.
 */
static bool seek(struct mt_picker *p, int64_t us)
{
    int64_t ts = mt_film_timestamp(&p->film, p->stream, us ? us : -LEAD);
    AVFormatContext *format = p->in.format;

    forget(p);
    avcodec_flush_buffers(p->decoder);
    return av_seek_frame(format, p->stream->index, ts, AVSEEK_FLAG_BACKWARD) >= 0 ||
           (!us && (format->iformat->flags & AVFMT_TS_DISCONT) &&
            av_seek_frame(format, p->stream->index, 0, AVSEEK_FLAG_BYTE) >= 0) ||
           (!us && av_seek_frame(format, p->stream->index,
                                 mt_film_timestamp(&p->film, p->stream, 0), 0) >= 0);
}

/* Leaves the first packet that decoding can begin with in p->packet. 0, or 1 without one. */
static int find_key(struct mt_picker *p)
{
    while (next_packet(p) >= 0)
        if (p->packet->flags & AV_PKT_FLAG_KEY)
            return packet_time(p) == AV_NOPTS_VALUE;
    return 1;
}

/*
 * Goes to a key frame not after limit, by seeking to us and further back as
 * needed. The film's first key frame will do. 0; 1: seeking does not work.
 */
static int land(struct mt_picker *p, int64_t us, int64_t limit)
{
    int64_t back = 0, key = p->key_us;

    for (int i = 0; i < BACK_TRIES; i++) {
        int64_t to = i + 1 < BACK_TRIES && us - back > 0 ? us - back : 0;

        if (!seek(p, to) && to != 0)
            continue;
        if (find_key(p) == 0) {
            p->key_us = packet_time(p);
            p->sparse = p->sparse || (i == 0 && p->key_us == key);
            if (p->key_us <= limit || to == 0)
                return 0;
        }
        back = back ? back * 8 : BACK_FIRST;
    }
    return 1;
}

/* The time of the key frame nearest to us, as far as the index knows; else us. */
static int64_t nearest_key(const struct mt_picker *p, int64_t us, int64_t *before_us)
{
    int64_t ts = mt_film_timestamp(&p->film, p->stream, us);
    const AVIndexEntry *before, *after;
    int64_t b, a;

    before = avformat_index_get_entry_from_timestamp(p->stream, ts, AVSEEK_FLAG_BACKWARD);
    after = avformat_index_get_entry_from_timestamp(p->stream, ts, 0);
    b = before ? mt_film_time(&p->film, p->stream, before->timestamp) : INT64_MIN;
    a = after ? mt_film_time(&p->film, p->stream, after->timestamp) : INT64_MAX;
    *before_us = b;
    if (before && (!after || us - b <= a - us))
        return b;
    return after ? a : us;
}

/* Decodes the packet alone. 0, or 1 when no sound frame comes of it. */
static int decode_key(struct mt_picker *p)
{
    int av;

    p->logged = mt_logged_count();
    av = avcodec_send_packet(p->decoder, p->packet);
    av_packet_unref(p->packet);
    if (av >= 0)
        av = avcodec_send_packet(p->decoder, NULL);
    if (av >= 0)
        av = avcodec_receive_frame(p->decoder, p->frame);
    if (av < 0) {
        p->damaged++;
        return 1;
    }
    p->pos_us = time_of(p, p->frame);
    taint(p, p->frame);
    return mt_frame_damaged(p->frame);
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* The index of some formats has the time of decoding, which is so much before that of showing. */
static int64_t reorder(const struct mt_picker *p)
{
    return (p->stream->codecpar->video_delay + 1) * p->film.frame_us;
}

/* 0 and 1 as mt_picker_at(); 2: another way must be found. */
static int by_seeking(struct mt_picker *p, int64_t wanted, int64_t tolerance, struct mt_err *err)
{
    int64_t before, key = nearest_key(p, wanted, &before);
    bool near = key != wanted && distance(key, wanted) <= tolerance;

    if (!near && p->running && !p->ended && p->pos_us <= wanted &&
        (p->sparse || before <= p->pos_us || wanted - p->pos_us < NEAR))
        return decode_until(p, wanted, err);
    if (land(p, near ? key + reorder(p) : wanted, wanted + tolerance) != 0)
        return 2;
    if (distance(p->key_us, wanted) <= tolerance) {
        if (decode_key(p) == 0)
            return 0;
        if (land(p, p->key_us, p->key_us) != 0)
            return 2;
    }
    p->running = true;
    p->decoder->skip_frame =
        tolerance && wanted - p->key_us > NEAR ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
    return decode_until(p, wanted, err);
}

int mt_picker_at(struct mt_picker *p, int64_t wanted_us, int64_t tolerance_us,
                 const AVFrame **frame, int64_t *time_us, struct mt_err *err)
{
    int ret = 2;

    if (!p->linear && (ret = by_seeking(p, wanted_us, tolerance_us, err)) == 2) {
        p->linear = true;
        p->decoder->skip_frame = AVDISCARD_DEFAULT;
        if (reopen(p, err) != 0)
            return -1;
    }
    if (ret == 2) {
        if (p->pos_us != INT64_MIN && wanted_us < p->pos_us)
            return 1;
        ret = p->ended ? p->pos_us == INT64_MIN : decode_until(p, wanted_us, err);
    }
    *frame = p->frame;
    *time_us = p->pos_us;
    return ret;
}
