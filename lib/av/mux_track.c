/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mux_track.c - the packets of a track's parts as one stream. */
#include "av/mux_parts.h"

#include "av/input.h"
#include "av/select.h"
#include "base/mem.h"

#include <libavutil/intreadwrite.h>
#include <stdlib.h>
#include <string.h>

enum AVMediaType mt_kind_type(enum mt_av_kind kind)
{
    static const enum AVMediaType types[] = {AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO,
                                             AVMEDIA_TYPE_SUBTITLE};
    return types[kind];
}

const char *mt_kind_name(enum mt_av_kind kind)
{
    static const char *const names[] = {"pictures", "sound", "text"};
    return names[kind];
}

static int fail_in(const struct mt_reader *r, int part, struct mt_err *err)
{
    if (r->track->n > 1)
        return mt_fail_in(err, "track %d (%s), part %d of %d", r->index + 1,
                          mt_kind_name(r->track->kind), part + 1, r->track->n);
    return mt_fail_in(err, "track %d (%s)", r->index + 1, mt_kind_name(r->track->kind));
}

static AVStream *find_stream(const AVFormatContext *format, const struct mt_av_track *track,
                             const struct mt_av_part *part, struct mt_err *err)
{
    enum AVMediaType type = mt_kind_type(track->kind);
    AVStream *found = NULL;

    for (unsigned i = 0; i < format->nb_streams; i++) {
        AVStream *st = format->streams[i];

        if (part->stream >= 0 ? (int)i != part->stream
                              : st->codecpar->codec_type != type || mt_stream_is_cover(st))
            st->discard = AVDISCARD_ALL;
        else if (!found)
            found = st;
        else
            found = NULL, type = AVMEDIA_TYPE_NB; /* several: nobody knows which */
    }
    if (!found || found->codecpar->codec_type != mt_kind_type(track->kind)) {
        mt_fail(err, MT_ERR_VERIFY, "it has not one stream of %s", mt_kind_name(track->kind));
        return NULL;
    }
    return found;
}

/* Opens a part; whole: its stream is analysed too. */
static int open_part(struct mt_reader *r, int part, bool whole, struct mt_err *err)
{
    const struct mt_av_part *p = &r->track->parts[part];

    mt_window_close(&r->format);
    r->part = part;
    r->in_part = 0;
    if (mt_window_open(&r->format, p->fd, p->offset, p->size, err) < 0)
        return fail_in(r, part, err);
    if (whole) {
        int ret = avformat_find_stream_info(r->format, NULL);

        if (ret < 0) {
            mt_av_fail(err, ret, "cannot read the headers");
            return fail_in(r, part, err);
        }
    }
    r->stream = find_stream(r->format, r->track, p, err);
    return r->stream ? 0 : fail_in(r, part, err);
}

/* Whether the part held what it should. */
static int ended(struct mt_reader *r, struct mt_err *err)
{
    int64_t meant = r->track->parts[r->part].packets;

    if (meant <= 0 || meant == r->in_part)
        return 0;
    mt_fail(err, MT_ERR_VERIFY, "it holds %lld packets instead of %lld", (long long)r->in_part,
            (long long)meant);
    return fail_in(r, r->part, err);
}

static bool broken(const AVFormatContext *format)
{
    return format->pb && format->pb->error < 0 && format->pb->error != AVERROR_EOF;
}

/* Where no text is shown, MP4 has samples of an empty one, two bytes long. */
static bool is_empty(const struct mt_reader *r)
{
    return r->packet->size <= (r->track->kind == MT_AV_TEXT ? 2 : 0);
}

/* The next packet of the open part, with its own times: 1, 0 at its end, -1. */
static int read_raw(struct mt_reader *r, struct mt_err *err)
{
    int ret;

    do {
        av_packet_unref(r->packet);
        ret = av_read_frame(r->format, r->packet);
    } while (ret == AVERROR(EAGAIN) ||
             (ret >= 0 && (r->packet->stream_index != r->stream->index || is_empty(r))));
    if (ret == AVERROR_EOF && !broken(r->format))
        return ended(r, err);
    if (ret >= 0 && (r->packet->flags & AV_PKT_FLAG_CORRUPT)) {
        mt_fail(err, MT_ERR_DAMAGED, "a packet is not whole");
        return fail_in(r, r->part, err);
    }
    if (ret < 0) {
        mt_av_fail(err, ret, "cannot read it to its end");
        return fail_in(r, r->part, err);
    }
    r->in_part++;
    return 1;
}

/* The next packet of the open part, with times in base: 1, 0 at its end, -1. */
static int read_packet(struct mt_reader *r, struct mt_err *err)
{
    AVRational from = r->stream->time_base;
    int ret = read_raw(r, err);

    if (ret <= 0)
        return ret;
    if (r->packet->pts == AV_NOPTS_VALUE && r->track->kind == MT_AV_SOUND)
        r->packet->pts = r->packet->dts;
    if (r->packet->pts == AV_NOPTS_VALUE) {
        mt_fail(err, MT_ERR_DAMAGED, "a packet has no time");
        return fail_in(r, r->part, err);
    }
    r->packet->pts = av_rescale_q(r->packet->pts, from, r->base);
    r->packet->dts = AV_NOPTS_VALUE;
    r->packet->duration = av_rescale_q(r->packet->duration, from, r->base);
    return 1;
}

/* Whether the part continues the track: the container keeps one description for all. */
static int same_kind(const struct mt_reader *r, int part, struct mt_err *err)
{
    const AVCodecParameters *a = r->par, *b = r->stream->codecpar;
    const char *what = NULL;

    if (a->codec_id != b->codec_id)
        what = "another codec";
    else if (a->width != b->width || a->height != b->height)
        what = "another size";
    else if (a->extradata_size != b->extradata_size ||
             (a->extradata_size > 0 &&
              memcmp(a->extradata, b->extradata, (size_t)a->extradata_size) != 0))
        what = "other parameter sets";
    if (!what)
        return 0;
    mt_fail(err, MT_ERR_VERIFY, "it has %s than the first part", what);
    mt_hint(err, "all segments of a rendition are to be encoded with the same settings");
    return fail_in(r, part, err);
}

/* What all of the track's pictures have in common, learnt by reading them once. */
static int scan_part(struct mt_reader *r, int part, struct mt_err *err)
{
    struct mt_depth depth = {.n = 0};
    int64_t first = INT64_MAX;
    int ret;

    if (part > 0 && (open_part(r, part, false, err) < 0 || same_kind(r, part, err) < 0))
        return -1;
    while ((ret = read_packet(r, err)) > 0) {
        if (!mt_depth_see(&depth, r->packet->pts)) {
            mt_fail(err, MT_ERR_DAMAGED, "its pictures are out of order beyond what is permitted");
            return fail_in(r, part, err);
        }
        if (part == 0 && r->order.step == 0)
            r->order.step = FFMAX(r->packet->duration, 1);
        first = FFMIN(first, r->packet->pts);
    }
    if (ret < 0)
        return -1;
    if (first == INT64_MAX) {
        mt_fail(err, MT_ERR_VERIFY, "there is no picture in it");
        return fail_in(r, part, err);
    }
    r->starts[part] = first;
    r->order.depth = FFMAX(r->order.depth, depth.depth);
    return 0;
}

static int64_t shift_of(const struct mt_reader *r, int part)
{
    const struct mt_av_part *p = &r->track->parts[part];

    if (p->start != MT_AV_OWN_TIMES)
        return p->start - r->starts[part];
    return -av_rescale_q(p->origin_us, AV_TIME_BASE_Q, r->base);
}

static int copy_parameters(struct mt_reader *r, struct mt_err *err)
{
    r->par = avcodec_parameters_alloc();
    if (!r->par || avcodec_parameters_copy(r->par, r->stream->codecpar) < 0)
        return mt_av_fail(err, AVERROR(ENOMEM), "joining tracks");
    if (r->par->codec_id == AV_CODEC_ID_OPUS)
        r->drop_lead = false;
    r->base = r->track->base_den > 0 ? (AVRational){r->track->base_num, r->track->base_den}
                                     : r->stream->time_base;
    r->packet = av_packet_alloc();
    if (!r->packet)
        return mt_av_fail(err, AVERROR(ENOMEM), "joining tracks");
    return mt_hash_init(&r->hash, r->par, err);
}

/* Samples at the packet's head that are not to be heard. */
static int64_t skipped(const AVPacket *packet)
{
    size_t size = 0;
    const uint8_t *data = av_packet_get_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, &size);

    return data && size >= 4 ? AV_RL32(data) : 0;
}

static void first_sound(struct mt_reader *r)
{
    int64_t skip = skipped(r->packet);
    AVRational sample = {1, FFMAX(r->par->sample_rate, 1)};

    if (skip == 0 && r->packet->pts < 0)
        skip = av_rescale_q(-r->packet->pts, r->base, sample);
    r->par->initial_padding = skip <= INT32_MAX && !r->drop_lead ? (int)skip : 0;
    r->first = r->packet->pts + av_rescale_q(skip, sample, r->base);
}

static int advance(struct mt_reader *r, struct mt_err *err)
{
    int ret = read_packet(r, err);

    while (ret == 0 && r->part + 1 < r->track->n) {
        if (open_part(r, r->part + 1, false, err) < 0)
            return -1;
        r->shift = shift_of(r, r->part);
        ret = read_packet(r, err);
    }
    r->more = ret > 0;
    return ret < 0 ? -1 : 0;
}

/* A packet comes into the bucket when it is decoded; until then as much as is fed has left it. */
static void pour(struct mt_reader *r, const AVPacket *packet)
{
    struct mt_bucket *b = &r->bucket;

    if (r->track->peak_bps <= 0)
        return;
    if (r->packets > 0)
        b->level -= (double)r->track->peak_bps * (double)(packet->dts - b->last) * av_q2d(r->base);
    b->last = packet->dts;
    b->level = FFMAX(b->level, 0) + 8.0 * packet->size;
    b->most = FFMAX(b->most, b->level);
}

/* Gives the packet that was read its place in the film. */
static int place(struct mt_reader *r, struct mt_err *err)
{
    AVPacket *packet = r->packet;
    int64_t dts;

    if (!r->more)
        return 0;
    packet->pts += r->shift;
    packet->dts = packet->pts;
    if (r->track->kind == MT_AV_PICTURES) {
        dts = mt_order_next(&r->order, packet->pts);
        packet->dts = dts;
    }
    if (packet->dts > packet->pts || (r->packets > 0 && packet->pts < r->order.first)) {
        mt_fail(err, MT_ERR_VERIFY, "its pictures are shown before those of the part before it");
        return fail_in(r, r->part, err);
    }
    mt_hash_add(&r->hash, packet);
    pour(r, packet);
    r->packets++;
    r->before = r->lasts;
    r->lasts = packet->duration;
    r->end = FFMAX(r->end, packet->pts + packet->duration);
    return 0;
}

static int start(struct mt_reader *r, struct mt_err *err)
{
    r->shift = shift_of(r, 0);
    r->order.first = r->starts[0] + r->shift;
    if (advance(r, err) < 0)
        return -1;
    r->first = r->order.first;
    if (!r->more && r->track->kind != MT_AV_TEXT) {
        mt_fail(err, MT_ERR_VERIFY, "there is nothing in it");
        return fail_in(r, 0, err);
    }
    if (r->track->kind != MT_AV_PICTURES && r->more) {
        r->packet->pts += r->shift;
        if (r->track->kind == MT_AV_SOUND)
            first_sound(r);
        else
            r->first = r->packet->pts;
        r->order.first = r->packet->pts;
        r->packet->pts -= r->shift;
    }
    while (r->drop_lead && r->more && r->packet->pts + r->shift + r->packet->duration <= r->first)
        if (advance(r, err) < 0)
            return -1;
    r->end = r->first;
    return place(r, err);
}

static int open_track(struct mt_reader *r, struct mt_err *err)
{
    if (r->track->n < 1 || r->track->n > MT_AV_PARTS_MAX ||
        (r->track->kind != MT_AV_PICTURES && r->track->n > 1))
        return mt_fail(err, MT_ERR_BUG, "a track of %d parts", r->track->n);
    r->starts = mt_alloc((size_t)r->track->n * sizeof *r->starts);
    if (open_part(r, 0, true, err) < 0 || copy_parameters(r, err) < 0)
        return -1;
    if (r->track->kind == MT_AV_PICTURES) {
        for (int i = 0; i < r->track->n; i++)
            if (scan_part(r, i, err) < 0)
                return -1;
        /* A whole film may show its streams only in its packets; segments have headers. */
        if (open_part(r, 0, r->track->n == 1, err) < 0)
            return -1;
    }
    return start(r, err);
}

int mt_reader_open(struct mt_reader *reader, const struct mt_av_track *track, int index,
                   const struct mt_format *format, struct mt_err *err)
{
    *reader = (struct mt_reader){.track = track, .index = index, .part = -1};
    reader->drop_lead = track->kind == MT_AV_SOUND && format->hides_opus_only;
    if (open_track(reader, err) == 0)
        return 0;
    mt_reader_close(reader);
    return -1;
}

int mt_reader_next(struct mt_reader *reader, struct mt_err *err)
{
    if (advance(reader, err) < 0)
        return -1;
    return place(reader, err);
}

void mt_reader_close(struct mt_reader *reader)
{
    char text[33];

    mt_window_close(&reader->format);
    avcodec_parameters_free(&reader->par);
    av_packet_free(&reader->packet);
    mt_hash_end(&reader->hash, text);
    free(reader->starts);
    *reader = (struct mt_reader){.part = -1};
}
