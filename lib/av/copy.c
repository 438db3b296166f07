/* SPDX-License-Identifier: GPL-2.0-or-later */
/* copy.c - see copy.h. */
#include "av/copy.h"

#include "av/describe.h"
#include "av/input.h"
#include "av/limits.h"
#include "av/select.h"
#include "av/transcode_parts.h"
#include "base/mem.h"
#include "json/json.h"

#include <libavutil/intreadwrite.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdlib.h>

enum { READ_ERRORS_MAX = 16, SECONDS_MAX = 1000000 };

struct seen {
    AVStream *stream; /* NULL: nobody wants it */
    int64_t packets, bytes;
    int64_t shown;
    int64_t missing, hidden; /* packets without times; those cut out by an edit list */
    int64_t first_us, end_us;
    int64_t key_us, key_gap_us; /* the last key frame; the longest way to the next */
    bool begins_with_key;
    int64_t *buckets; /* bytes of each second */
    int n_buckets;
};

struct look {
    struct mt_in in;
    const struct mt_av_limits *limits;
    struct seen *seen;
    struct mt_stamps stamps;
    AVPacket *packet;
};

/* ---- reading ---- */

static void count_second(struct seen *s, int64_t us, int size)
{
    int64_t at = us / AV_TIME_BASE;

    if (at < 0 || at >= SECONDS_MAX)
        return;
    if (at >= s->n_buckets) {
        int n = (int)at + (int)at / 2 + 64;

        s->buckets = mt_realloc(s->buckets, (size_t)n, sizeof *s->buckets);
        for (int i = s->n_buckets; i < n; i++)
            s->buckets[i] = 0;
        s->n_buckets = n;
    }
    s->buckets[at] += size;
}

/* Samples at the head of the packet that are not to be heard, in microseconds. */
static int64_t skipped_us(const AVStream *st, const AVPacket *packet)
{
    size_t size = 0;
    const uint8_t *data = av_packet_get_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, &size);

    if (!data || size < 4 || st->codecpar->sample_rate < 1)
        return 0;
    return av_rescale(AV_RL32(data), AV_TIME_BASE, st->codecpar->sample_rate);
}

static void note_times(struct seen *s, const AVPacket *packet)
{
    AVRational base = s->stream->time_base;
    int64_t at = av_rescale_q(packet->pts, base, AV_TIME_BASE_Q);
    int64_t end = at + av_rescale_q(packet->duration, base, AV_TIME_BASE_Q);

    if (s->stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
        at += skipped_us(s->stream, packet);
    s->first_us = FFMIN(s->first_us, at);
    s->end_us = FFMAX(s->end_us, end);
    if (packet->flags & AV_PKT_FLAG_KEY) {
        if (s->key_us != INT64_MIN)
            s->key_gap_us = FFMAX(s->key_gap_us, at - s->key_us);
        s->key_us = at;
    }
}

static int take(struct look *l, struct seen *s, struct mt_err *err)
{
    const AVPacket *packet = l->packet;
    int64_t dts = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;

    if (packet->size == 0)
        return 0;
    if (s->stream == l->in.video || s->stream == l->in.audio)
        mt_stamps_fix(&l->stamps, s->stream == l->in.audio, l->packet, s->stream->time_base);
    if (s->packets++ == 0)
        s->begins_with_key = packet->flags & AV_PKT_FLAG_KEY;
    s->bytes += packet->size;
    /* What an encoder of sound needs to get going is hidden, and stays so. */
    if (packet->flags & AV_PKT_FLAG_DISCARD) {
        if (s->shown > 0 || s->stream == l->in.video)
            s->hidden++;
        return 0;
    }
    if (s->stream == l->in.video &&
        mt_limits_check_frame(s->stream, packet, s->shown, l->limits, err) < 0)
        return -1;
    s->shown++;
    if (packet->pts == AV_NOPTS_VALUE) {
        s->missing++;
        return 0;
    }
    note_times(s, packet);
    count_second(s, av_rescale_q(dts, s->stream->time_base, AV_TIME_BASE_Q), packet->size);
    return 0;
}

static int64_t reached(const struct look *l)
{
    const struct seen *s = &l->seen[(l->in.video ? l->in.video : l->in.audio)->index];

    return FFMAX(s->end_us, 0);
}

static int read_all(struct look *l, struct mt_err *err)
{
    int64_t total = FFMAX(l->in.format->duration, 0);
    int errors = 0, ret;

    for (;;) {
        ret = av_read_frame(l->in.format, l->packet);
        if ((ret == AVERROR(EAGAIN) || ret == AVERROR_INVALIDDATA) && ++errors < READ_ERRORS_MAX)
            continue;
        if (ret < 0)
            break;
        bool within = !l->seen[l->packet->stream_index].stream ||
                      take(l, &l->seen[l->packet->stream_index], err) == 0;
        av_packet_unref(l->packet);
        if (!within || mt_in_tell(&l->in, reached(l), total, err) < 0)
            return -1;
    }
    if (ret == AVERROR_EXIT)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (mt_in_read_failed(&l->in) || ret == AVERROR(ENOMEM))
        return mt_av_fail(err, ret, "reading the source");
    return 0;
}

static bool wanted(const struct look *l, const AVStream *st)
{
    enum AVMediaType type = st->codecpar->codec_type;

    return st == l->in.video || type == AVMEDIA_TYPE_AUDIO || type == AVMEDIA_TYPE_SUBTITLE;
}

static int open_look(struct look *l, struct mt_err *err)
{
    unsigned n = l->in.format->nb_streams;

    l->packet = av_packet_alloc();
    if (!l->packet)
        return mt_av_fail(err, AVERROR(ENOMEM), "reading the source");
    l->seen = mt_alloc(n * sizeof *l->seen);
    l->stamps.leaps = l->in.format->iformat->flags & AVFMT_TS_DISCONT;
    for (unsigned i = 0; i < n; i++) {
        AVStream *st = l->in.format->streams[i];

        l->seen[i] = (struct seen){.stream = wanted(l, st) ? st : NULL,
                                   .first_us = INT64_MAX,
                                   .end_us = INT64_MIN,
                                   .key_us = INT64_MIN};
        if (!l->seen[i].stream)
            st->discard = AVDISCARD_ALL;
    }
    return 0;
}

/* ---- what was seen ---- */

static double seconds_of(const struct seen *s)
{
    return s->end_us > s->first_us ? (double)(s->end_us - s->first_us) / AV_TIME_BASE : 0;
}

static int64_t peak_of(const struct seen *s)
{
    int64_t most = 0;

    for (int i = 0; i < s->n_buckets; i++)
        most = FFMAX(most, s->buckets[i] + (i > 0 ? s->buckets[i - 1] : 0));
    return most * 8 / 2;
}

static const char *obstacle_of(const struct look *l, const struct seen *s)
{
    const AVCodecParameters *par = s->stream->codecpar;
    bool sets = par->codec_id == AV_CODEC_ID_H264 || par->codec_id == AV_CODEC_ID_HEVC;

    if (s->packets == 0)
        return "there is nothing in it";
    if (s->missing > 0)
        return "packets without time stamps";
    if (l->stamps.jumps > 0)
        return "the time line leaps";
    if (s->hidden > 0)
        return "an edit list hides a part of it";
    if (par->codec_type == AVMEDIA_TYPE_VIDEO && !s->begins_with_key)
        return "it does not begin with a key frame";
    if (sets && par->extradata_size == 0)
        return "it has no parameter sets";
    if (par->codec_id == AV_CODEC_ID_AAC && par->extradata_size == 0)
        return "its packets are framed for transport";
    return NULL;
}

static const char *sampling_of(const AVPixFmtDescriptor *d)
{
    if (!d || d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL) || d->nb_components < 3)
        return "other";
    if (d->log2_chroma_w == 1 && d->log2_chroma_h == 1)
        return "4:2:0";
    return d->log2_chroma_w == 1 ? "4:2:2" : "4:4:4";
}

static bool is_square(const AVStream *st)
{
    AVRational sar = st->sample_aspect_ratio.num > 0 ? st->sample_aspect_ratio
                                                     : st->codecpar->sample_aspect_ratio;

    return sar.num <= 0 || sar.num == sar.den;
}

static void add_pictures(json_t *o, const struct seen *s, const struct mt_in *in)
{
    const AVCodecParameters *par = s->stream->codecpar;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(par->format);
    int mirrored = 0, turned = mt_in_rotation(s->stream, &mirrored);
    /* The last stretch ends with the film. */
    int64_t gap = FFMAX(s->key_gap_us, s->key_us != INT64_MIN ? s->end_us - s->key_us : 0);
    json_t *more = json_pack(
        "{s:i, s:i, s:i, s:s, s:b, s:b, s:b, s:b, s:b, s:o, s:o}", "width", par->width, "height",
        par->height, "depth", d ? d->comp[0].depth : 0, "sampling", sampling_of(d), "full",
        par->color_range == AVCOL_RANGE_JPEG ||
            (d && av_pix_fmt_desc_get_id(d) == AV_PIX_FMT_YUVJ420P),
        "hdr",
        par->color_trc == AVCOL_TRC_SMPTE2084 || par->color_trc == AVCOL_TRC_ARIB_STD_B67 ||
            par->color_primaries == AVCOL_PRI_BT2020,
        "upright", turned == 0 && !mirrored, "square", is_square(s->stream), "interlaced",
        par->field_order != AV_FIELD_UNKNOWN && par->field_order != AV_FIELD_PROGRESSIVE, "fps",
        mt_json_real(av_q2d(mt_honest_rate(in)), 3), "key_s", mt_json_real((double)gap / 1e6, 3));

    json_object_update(o, more);
    json_decref(more);
}

static void add_sound(json_t *o, const AVCodecParameters *par)
{
    bool plain = par->codec_id != AV_CODEC_ID_AAC || par->profile == FF_PROFILE_AAC_LOW ||
                 par->profile == FF_PROFILE_UNKNOWN;

    json_object_set_new(o, "channels", json_integer(par->ch_layout.nb_channels));
    json_object_set_new(o, "sample_rate_hz", json_integer(par->sample_rate));
    json_object_set_new(o, "low_complexity", json_boolean(plain));
    json_object_set_new(o, "bits", json_integer(par->bits_per_raw_sample));
}

static json_t *report_stream(const struct look *l, const struct seen *s)
{
    static const char *const kinds[] = {"pictures", "sound", "", "text"};
    const AVCodecParameters *par = s->stream->codecpar;
    double length = seconds_of(s);
    double bps = length > 0 ? (double)s->bytes * 8 / length : 0;
    json_t *o = json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:s?}", "stream", s->stream->index,
                          "kind", kinds[par->codec_type], "codec", avcodec_get_name(par->codec_id),
                          "packets", (json_int_t)s->packets, "bps", (json_int_t)bps, "peak_bps",
                          (json_int_t)peak_of(s), "obstacle", obstacle_of(l, s));

    if (par->codec_type == AVMEDIA_TYPE_VIDEO)
        add_pictures(o, s, &l->in);
    else if (par->codec_type == AVMEDIA_TYPE_AUDIO)
        add_sound(o, par);
    return o;
}

static json_t *report(const struct look *l, int fd)
{
    json_t *all = json_array();
    int64_t origin = INT64_MAX, end = INT64_MIN;

    for (unsigned i = 0; i < l->in.format->nb_streams; i++) {
        const struct seen *s = &l->seen[i];

        if (!s->stream)
            continue;
        json_array_append_new(all, report_stream(l, s));
        if (s->stream != l->in.video && s->stream != l->in.audio)
            continue;
        origin = FFMIN(origin, s->first_us);
        end = FFMAX(end, s->end_us);
    }
    if (origin == INT64_MAX)
        origin = end = 0;
    origin = mt_film_origin(&l->in, fd, origin);
    return json_pack("{s:I, s:I, s:o}", "origin_us", (json_int_t)origin, "duration_us",
                     (json_int_t)FFMAX(end - origin, 0), "streams", all);
}

json_t *mt_av_copy_look(int fd, const struct mt_av_limits *limits,
                        const struct mt_av_progress *progress, struct mt_err *err)
{
    struct look l = {.limits = limits};
    json_t *result = NULL;

    if (mt_in_open(&l.in, fd, limits, err) < 0)
        return NULL;
    mt_in_set_progress(&l.in, progress);
    if (open_look(&l, err) == 0 && read_all(&l, err) == 0)
        result = report(&l, fd);
    for (unsigned i = 0; l.seen && i < l.in.format->nb_streams; i++)
        free(l.seen[i].buckets);
    free(l.seen);
    av_packet_free(&l.packet);
    mt_in_close(&l.in);
    return result;
}
