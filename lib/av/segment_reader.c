/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_reader.c - the pictures of a source from any access point on. */
#include "av/segment_parts.h"

#include <libavutil/avstring.h>

enum {
    READ_ERRORS_MAX = 16,
    DECODE_ERRORS_MAX = 1000, /* in a row, without a picture */
    BACK_S = 10,              /* how much earlier a seek is tried that came out too late */
    SEEKS_MAX = 4,
};

int mt_in_check_film(const struct mt_in *in, struct mt_err *err)
{
    const AVStream *video = in->video;
    const char *format = in->format->iformat->name;

    if (!video || video->disposition & AV_DISPOSITION_ATTACHED_PIC ||
        (in->image && video->nb_frames <= 1 && !av_match_list(format, "gif,apng,jpegxl_anim", ',')))
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no moving picture in it");
    return 0;
}

int mt_feed_open(struct mt_feed *reader, int fd, const struct mt_av_limits *limits, int threads,
                 struct mt_err *err)
{
    struct mt_in *in = &reader->in;
    AVRational rate;

    *reader = (struct mt_feed){.access = AV_NOPTS_VALUE, .wanted = AV_NOPTS_VALUE};
    if (mt_in_open(in, fd, limits, err) < 0)
        return -1;
    if (mt_in_check_film(in, err) < 0 ||
        mt_in_decoder(&reader->decoder, in, in->video, threads, err) < 0)
        goto fail;
    for (unsigned i = 0; i < in->format->nb_streams; i++)
        if (in->format->streams[i] != in->video && in->format->streams[i] != in->audio)
            in->format->streams[i]->discard = AVDISCARD_ALL;
    rate = mt_honest_rate(in);
    mt_clock_init(&reader->clock, av_rescale_q(1, av_inv_q(rate), in->video->time_base));
    reader->stamps.leaps = in->format->iformat->flags & AVFMT_TS_DISCONT;
    reader->packet = av_packet_alloc();
    reader->frame = av_frame_alloc();
    if (reader->packet && reader->frame)
        return 0;
    mt_av_fail(err, AVERROR(ENOMEM), "decoding");
fail:
    mt_feed_close(reader);
    return -1;
}

/* Where the demuxer stands: the DTS of the next video packet, which is kept in reader->packet. */
static int peek(struct mt_feed *reader, int64_t *dts)
{
    int ret;

    do {
        av_packet_unref(reader->packet);
        ret = av_read_frame(reader->in.format, reader->packet);
    } while (ret >= 0 && (reader->packet->stream_index != reader->in.video->index ||
                          reader->packet->dts == AV_NOPTS_VALUE));
    *dts = ret < 0 ? INT64_MAX : reader->packet->dts;
    av_packet_unref(reader->packet);
    return ret;
}

/*
 * Formats seek by tables, by guesses or by reading; what counts is where they come out: the seek
 * is tried once to see, and repeated, since there is no way to put packets back.
 */
int mt_feed_seek(struct mt_feed *reader, int64_t access, struct mt_err *err)
{
    AVFormatContext *format = reader->in.format;
    const AVStream *video = reader->in.video;
    int64_t back = av_rescale_q(BACK_S, (AVRational){1, 1}, video->time_base);
    int64_t target = access, dts;

    for (int i = 0; i < SEEKS_MAX; i++, target -= back, back *= 2) {
        if (av_seek_frame(format, video->index, target, AVSEEK_FLAG_BACKWARD) < 0)
            continue;
        if (peek(reader, &dts) >= 0 && dts <= access &&
            av_seek_frame(format, video->index, target, AVSEEK_FLAG_BACKWARD) >= 0) {
            reader->access = access;
            return 0;
        }
    }
    return mt_fail(err, MT_ERR_VERIFY, "the access point at %.3f s cannot be found",
                   (double)access * av_q2d(video->time_base));
}

/* The next key frame: when it is decoded and shown. */
static int peek_key(struct mt_feed *reader, int64_t *dts, int64_t *pts)
{
    AVPacket *packet = reader->packet;
    int ret;

    do {
        av_packet_unref(packet);
        ret = av_read_frame(reader->in.format, packet);
    } while (ret >= 0 && (packet->stream_index != reader->in.video->index ||
                          !(packet->flags & AV_PKT_FLAG_KEY)));
    *dts = packet->dts;
    *pts = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    av_packet_unref(packet);
    return ret < 0 || *pts == AV_NOPTS_VALUE ? -1 : 0;
}

/* Nothing of what was read and decoded before counts any more. */
static void begin_anew(struct mt_feed *reader)
{
    int64_t step = reader->clock.step;
    bool leaps = reader->stamps.leaps;

    avcodec_flush_buffers(reader->decoder);
    reader->stamps = (struct mt_stamps){.leaps = leaps};
    mt_clock_init(&reader->clock, step);
    reader->draining = reader->ended = false;
    reader->row = 0;
}

int mt_feed_jump(struct mt_feed *reader, int64_t pts, struct mt_err *err)
{
    AVFormatContext *format = reader->in.format;
    const AVStream *video = reader->in.video;
    int64_t back = av_rescale_q(BACK_S, (AVRational){1, 1}, video->time_base);
    int64_t target = pts, dts, shown;

    for (int i = 0; i < SEEKS_MAX; i++, target = av_sat_sub64(target, back), back *= 4) {
        if (av_seek_frame(format, video->index, target, AVSEEK_FLAG_BACKWARD) < 0)
            continue;
        if (peek_key(reader, &dts, &shown) == 0 && shown <= pts &&
            av_seek_frame(format, video->index, target, AVSEEK_FLAG_BACKWARD) >= 0) {
            begin_anew(reader);
            reader->access = dts;
            reader->wanted = pts;
            return 0;
        }
    }
    return mt_fail(err, MT_ERR_VERIFY, "no key frame before %.3f s can be found",
                   (double)pts * av_q2d(video->time_base));
}

static int stopped_reading(struct mt_feed *reader, int ret, struct mt_err *err)
{
    const AVIOContext *pb = reader->in.format->pb;

    if (ret == AVERROR_EXIT)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (pb && pb->error < 0 && pb->error != AVERROR_EOF)
        return mt_av_fail(err, pb->error, "reading the source");
    if (ret == AVERROR(ENOMEM))
        return mt_av_fail(err, ret, "reading the source");
    if (ret != AVERROR_EOF) {
        reader->errors++;
        reader->unreadable = true;
    }
    reader->draining = true;
    return 0;
}

/* 1: a video packet to decode, 0: none, try again or drain, -1. */
static int read_packet(struct mt_feed *reader, struct mt_err *err)
{
    AVPacket *packet = reader->packet;
    int errors = 0, ret;

    do {
        ret = av_read_frame(reader->in.format, packet);
        reader->errors += ret == AVERROR_INVALIDDATA;
    } while ((ret == AVERROR(EAGAIN) || ret == AVERROR_INVALIDDATA) && ++errors < READ_ERRORS_MAX);
    if (ret < 0)
        return stopped_reading(reader, ret, err);
    if (reader->in.audio && packet->stream_index == reader->in.audio->index)
        mt_stamps_fix(&reader->stamps, 1, packet, reader->in.audio->time_base);
    if (packet->stream_index != reader->in.video->index)
        return 0;
    if (reader->access != AV_NOPTS_VALUE) {
        if (packet->dts == AV_NOPTS_VALUE || packet->dts < reader->access)
            return 0;
        reader->access = AV_NOPTS_VALUE;
    }
    mt_stamps_fix(&reader->stamps, 0, packet, reader->in.video->time_base);
    return 1;
}

/* Pictures that nobody wants and nobody refers to need not be decoded. */
static void skip_unwanted(struct mt_feed *reader, const AVPacket *packet)
{
    bool unwanted = reader->wanted != AV_NOPTS_VALUE && packet && packet->pts != AV_NOPTS_VALUE &&
                    packet->pts < reader->wanted;

    reader->decoder->skip_frame = unwanted ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
}

static int feed(struct mt_feed *reader, struct mt_err *err)
{
    const AVPacket *packet = NULL;
    int got = 0, ret;

    while (!reader->draining && got == 0) {
        av_packet_unref(reader->packet);
        got = read_packet(reader, err);
        if (got < 0)
            return -1;
    }
    if (got > 0)
        packet = reader->packet;
    skip_unwanted(reader, packet);
    reader->row = 0;
    ret = avcodec_send_packet(reader->decoder, packet);
    if (ret == AVERROR(ENOMEM))
        return mt_av_fail(err, ret, "decoding");
    if (ret < 0 && ret != AVERROR_EOF)
        reader->errors++;
    av_packet_unref(reader->packet);
    return 0;
}

/* Decoders that only hand on what the container says of fields may not have done so. */
static void flag_fields(struct mt_feed *reader)
{
    enum AVFieldOrder order = reader->in.video->codecpar->field_order;
    const AVCodecDescriptor *codec = avcodec_descriptor_get(reader->decoder->codec_id);

    if (order == AV_FIELD_UNKNOWN || order == AV_FIELD_PROGRESSIVE || !codec ||
        !(codec->props & AV_CODEC_PROP_INTRA_ONLY) || mt_frame_interlaced(reader->frame))
        return;
    mt_frame_set_fields(reader->frame, order == AV_FIELD_TT || order == AV_FIELD_TB);
}

enum { FEED = 0, FRAME = 1, END = 2, AGAIN = 3 };

/* What the decoder has or wants; -1. */
static int receive(struct mt_feed *reader, struct mt_err *err)
{
    int ret = avcodec_receive_frame(reader->decoder, reader->frame);

    if (ret >= 0)
        return FRAME;
    if (ret == AVERROR_EOF)
        return END;
    if (ret == AVERROR(EAGAIN))
        return FEED;
    if (ret == AVERROR(ENOMEM))
        return mt_av_fail(err, ret, "decoding");
    reader->errors++;
    if (++reader->row < DECODE_ERRORS_MAX)
        return AGAIN;
    return reader->draining ? END : FEED;
}

int mt_feed_next(struct mt_feed *reader, struct mt_err *err)
{
    int got;

    av_frame_unref(reader->frame);
    while (!reader->ended) {
        got = receive(reader, err);
        if (got < 0)
            return -1;
        if (got == END)
            reader->ended = true;
        if (got == FEED && feed(reader, err) < 0)
            return -1;
        if (got != FRAME)
            continue;
        mt_clock_stamp(&reader->clock, reader->frame);
        flag_fields(reader);
        return 1;
    }
    return 0;
}

int64_t mt_feed_duration(const struct mt_feed *reader)
{
    int64_t duration = mt_frame_duration(reader->frame);

    return duration > 0 ? duration : reader->clock.step;
}

void mt_feed_close(struct mt_feed *reader)
{
    avcodec_free_context(&reader->decoder);
    av_packet_free(&reader->packet);
    av_frame_free(&reader->frame);
    mt_in_close(&reader->in);
}
