/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mux.c - joining tracks into a file. */
#include "av/mux_parts.h"

#include "av/input.h"
#include "av/transcode_parts.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <libavutil/avstring.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mux {
    const struct mt_av_mux *spec;
    const struct mt_format *format;
    struct mt_sink sink;
    struct mt_reader *readers;
    struct mt_written *written;
    int n;            /* readers that are open */
    AVPacket *packet; /* on its way out */
    int64_t chapters;
};

/* ---- the file's streams ---- */

static const struct {
    unsigned ours;
    int theirs;
} dispositions[] = {
    {MT_AV_DEFAULT, AV_DISPOSITION_DEFAULT},
    {MT_AV_FORCED, AV_DISPOSITION_FORCED},
    {MT_AV_HEARING_IMPAIRED, AV_DISPOSITION_HEARING_IMPAIRED},
    {MT_AV_VISUAL_IMPAIRED, AV_DISPOSITION_VISUAL_IMPAIRED},
    {MT_AV_COMMENT, AV_DISPOSITION_COMMENT},
    {MT_AV_ORIGINAL, AV_DISPOSITION_ORIGINAL},
    {MT_AV_DUB, AV_DISPOSITION_DUB},
    {MT_AV_CAPTIONS, AV_DISPOSITION_CAPTIONS},
    {MT_AV_LYRICS, AV_DISPOSITION_LYRICS},
};

static int set_text(AVDictionary **to, const char *name, const char *value)
{
    char *clean;
    int ret;

    if (!value || !value[0])
        return 0;
    clean = mt_utf8_clean(value, strnlen(value, 4096));
    ret = av_dict_set(to, name, clean, 0);
    free(clean);
    return ret;
}

/* What colours and brightness mean belongs to the pictures, how they are turned does not. */
static int copy_side_data(AVStream *to, const AVStream *from)
{
    static const enum AVPacketSideDataType kept[] = {AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
                                                     AV_PKT_DATA_CONTENT_LIGHT_LEVEL};

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        size_t size;
        const uint8_t *data = mt_in_side_data(from, kept[i], &size);

        if (data && mt_in_add_side_data(to, kept[i], data, size) < 0)
            return AVERROR(ENOMEM);
    }
    return 0;
}

#if LIBAVFORMAT_VERSION_MAJOR >= 61
/* Parameters carry side data of their own there; only what is kept comes back. */
static void drop_side_data(AVCodecParameters *par)
{
    av_packet_side_data_free(&par->coded_side_data, &par->nb_coded_side_data);
}
#else
static void drop_side_data(AVCodecParameters *par)
{
    (void)par;
}
#endif

static void tag_stream(struct mux *m, AVStream *st)
{
    bool apple = strcmp(m->format->muxer, "mp4") == 0 || strcmp(m->format->muxer, "mov") == 0;

    st->codecpar->codec_tag = 0;
    /* Players of Apple take HEVC under this name only. */
    if (apple && st->codecpar->codec_id == AV_CODEC_ID_HEVC)
        st->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');
}

static int add_stream(struct mux *m, const struct mt_reader *r)
{
    AVStream *st = avformat_new_stream(m->sink.format, NULL);
    int ret;

    if (!st)
        return AVERROR(ENOMEM);
    ret = avcodec_parameters_copy(st->codecpar, r->par);
    drop_side_data(st->codecpar);
    tag_stream(m, st);
    st->time_base = r->base;
    for (size_t i = 0; i < sizeof dispositions / sizeof *dispositions; i++)
        if (r->track->disposition & dispositions[i].ours)
            st->disposition |= dispositions[i].theirs;
    if (r->track->kind == MT_AV_PICTURES) {
        st->avg_frame_rate = r->stream->avg_frame_rate;
        st->sample_aspect_ratio = r->stream->sample_aspect_ratio;
        if (ret >= 0)
            ret = copy_side_data(st, r->stream);
    }
    if (ret >= 0)
        ret = set_text(&st->metadata, "language", r->track->language);
    if (ret >= 0)
        ret = set_text(&st->metadata, "title", r->track->title);
    /* MP4 and MOV show the name of the handler where Matroska has a title. */
    if (ret >= 0 && r->track->title)
        ret = set_text(&st->metadata, "handler_name", r->track->title);
    return ret;
}

static int add_tags(struct mux *m, struct mt_err *err)
{
    struct mt_in in;
    int ret;

    if (m->spec->tags_fd < 0)
        return 0;
    if (mt_in_open(&in, m->spec->tags_fd, &m->spec->limits, err) < 0)
        return mt_fail_in(err, "titles and chapters");
    in.audio = NULL; /* the languages are the tracks' own */
    ret = mt_tags_copy(m->sink.format, &in, m->spec->origin_us);
    mt_in_close(&in);
    m->chapters = m->sink.format->nb_chapters;
    return ret < 0 ? mt_av_fail(err, ret, "titles and chapters") : 0;
}

static int check_codecs(const struct mux *m, struct mt_err *err)
{
    for (int i = 0; i < m->n; i++) {
        const char *codec = avcodec_get_name(m->readers[i].par->codec_id);

        if (!mt_av_carries(m->format->name, codec)) {
            mt_fail(err, MT_ERR_UNSUPPORTED_CODEC, "%s cannot carry %s", m->format->name, codec);
            return mt_hint(err, "%s takes %s", m->format->name, m->format->codecs);
        }
        if (m->format->sound_only && m->readers[i].track->kind == MT_AV_PICTURES)
            return mt_fail(err, MT_ERR_USAGE, "%s is a format of sound alone", m->format->name);
    }
    return 0;
}

static int write_header(struct mux *m, struct mt_err *err)
{
    AVDictionary *options = NULL;
    int ret = 0;

    if (mt_sink_open(&m->sink, m->format->muxer, m->spec->fd, err) < 0)
        return -1;
    for (int i = 0; i < m->n && ret >= 0; i++)
        ret = add_stream(m, &m->readers[i]);
    if (ret < 0)
        return mt_sink_fail(&m->sink, ret, err);
    if (add_tags(m, err) < 0)
        return -1;
    m->sink.format->avoid_negative_ts = 0;
    m->sink.format->max_interleave_delta = 0;
    ret = av_dict_parse_string(&options, m->format->options, "=", ":", 0);
    if (ret >= 0)
        ret = avformat_write_header(m->sink.format, &options);
    av_dict_free(&options);
    return ret < 0 ? mt_sink_fail(&m->sink, ret, err) : 0;
}

/* ---- the packets ---- */

/* The track whose next packet is due first; NULL when all are at their end. */
static struct mt_reader *due(const struct mux *m)
{
    struct mt_reader *first = NULL;

    for (int i = 0; i < m->n; i++) {
        struct mt_reader *r = &m->readers[i];

        if (r->more &&
            (!first || av_compare_ts(r->packet->dts, r->base, first->packet->dts, first->base) < 0))
            first = r;
    }
    return first;
}

static int tell(const struct mux *m, const struct mt_reader *r, struct mt_err *err)
{
    const struct mt_av_progress *p = &m->spec->progress;

    if (r->packets % 64 == 0 && p->tell &&
        p->tell(p->ctx, av_rescale_q(r->packet->dts, r->base, AV_TIME_BASE_Q), 0) != 0)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    return 0;
}

/*
 * The last packet of sound is shorter than the others when the sound ends within it. Matroska
 * does not take that from its duration.
 */
static int mark_end(const struct mt_reader *r, AVPacket *packet, int64_t usual)
{
    int64_t beyond = av_rescale_q(usual - packet->duration, r->base,
                                  (AVRational){1, FFMAX(r->par->sample_rate, 1)});
    uint8_t *data;

    if (r->more || r->track->kind != MT_AV_SOUND || beyond <= 0 || beyond > INT32_MAX ||
        av_packet_get_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, NULL))
        return 0;
    data = av_packet_new_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, 10);
    if (!data)
        return AVERROR(ENOMEM);
    memset(data, 0, 10);
    AV_WL32(data + 4, (uint32_t)beyond);
    return 0;
}

static int write_packet(struct mux *m, struct mt_reader *r, struct mt_err *err)
{
    int64_t usual = r->before;
    int index = (int)(r - m->readers), ret;

    if (tell(m, r, err) < 0)
        return -1;
    av_packet_unref(m->packet);
    av_packet_move_ref(m->packet, r->packet);
    if (mt_reader_next(r, err) < 0)
        return -1;
    ret = mark_end(r, m->packet, usual);
    m->packet->stream_index = index;
    m->packet->pos = -1;
    av_packet_rescale_ts(m->packet, r->base, m->sink.format->streams[index]->time_base);
    if (ret >= 0)
        ret = av_write_frame(m->sink.format, m->packet);
    return ret < 0 || m->sink.failed_errno ? mt_sink_fail(&m->sink, ret, err) : 0;
}

static int write_all(struct mux *m, struct mt_err *err)
{
    struct mt_reader *r;
    int ret;

    while ((r = due(m)))
        if (write_packet(m, r, err) < 0)
            return -1;
    ret = av_write_trailer(m->sink.format);
    avio_flush(m->sink.format->pb);
    return ret < 0 || m->sink.failed_errno ? mt_sink_fail(&m->sink, ret, err) : 0;
}

/* ---- all of it ---- */

static int open_all(struct mux *m, struct mt_err *err)
{
    const struct mt_av_mux *spec = m->spec;

    m->format = mt_format_find(spec->format);
    if (!m->format)
        return mt_fail(err, MT_ERR_USAGE, "'%s' is no format that is known", spec->format);
    if (spec->n < 1 || spec->n > MT_AV_TRACKS_MAX)
        return mt_fail(err, MT_ERR_BUG, "a file of %d tracks", spec->n);
    m->packet = av_packet_alloc();
    if (!m->packet)
        return mt_av_fail(err, AVERROR(ENOMEM), "joining tracks");
    m->readers = mt_alloc((size_t)spec->n * sizeof *m->readers);
    m->written = mt_alloc((size_t)spec->n * sizeof *m->written);
    for (; m->n < spec->n; m->n++)
        if (mt_reader_open(&m->readers[m->n], &spec->tracks[m->n], m->n, m->format, err) < 0)
            return -1;
    return check_codecs(m, err);
}

static void remember(struct mux *m)
{
    for (int i = 0; i < m->n; i++) {
        struct mt_reader *r = &m->readers[i];

        m->written[i] = (struct mt_written){
            .kind = r->track->kind,
            .base = r->base,
            .packets = r->packets,
            .first = r->first,
            .end = r->end,
            /* Uncompressed sound is cut anew by whoever reads it. */
            .counted = !av_strstart(avcodec_get_name(r->par->codec_id), "pcm_", NULL),
        };
        mt_hash_end(&r->hash, m->written[i].hash);
    }
}

static double seconds(int64_t ts, AVRational base)
{
    return (double)ts * av_q2d(base);
}

static json_t *report_track(const struct mt_reader *r, const struct mt_written *w)
{
    double length = seconds(r->end - r->first, r->base);
    double rate = length > 0 ? (double)r->hash.bytes * 8 / length : 0;
    bool asked = r->track->peak_bps > 0 && r->track->buffer_bits > 0;

    return json_pack(
        "{s:s, s:s, s:I, s:I, s:o, s:o, s:I, s:i, s:i, s:s, s:o}", "kind", mt_kind_name(w->kind),
        "codec", avcodec_get_name(r->par->codec_id), "packets", (json_int_t)r->packets, "bytes",
        (json_int_t)r->hash.bytes, "duration", mt_json_real(length, 6), "start",
        mt_json_real(seconds(r->first, r->base), 6), "bit_rate_bps", (json_int_t)(rate + 0.5),
        "reordering", r->order.depth, "parts", r->track->n, "hash", w->hash, "buffer",
        asked ? mt_json_real(r->bucket.most / (double)r->track->buffer_bits, 4) : json_null());
}

static json_t *report(const struct mux *m)
{
    json_t *tracks = json_array();
    double duration = 0;

    for (int i = 0; i < m->n; i++) {
        duration = FFMAX(duration, seconds(m->readers[i].end, m->readers[i].base));
        json_array_append_new(tracks, report_track(&m->readers[i], &m->written[i]));
    }
    return json_pack("{s:s, s:o, s:I, s:I, s:o}", "format", m->format->name, "duration",
                     mt_json_real(duration, 6), "size_bytes",
                     (json_int_t)lseek(m->spec->fd, 0, SEEK_END), "chapters",
                     (json_int_t)m->chapters, "tracks", tracks);
}

json_t *mt_av_mux(const struct mt_av_mux *spec, struct mt_err *err)
{
    struct mux m = {.spec = spec, .sink = {.fd = -1}};
    json_t *result = NULL;

    if (open_all(&m, err) < 0 || write_header(&m, err) < 0 || write_all(&m, err) < 0)
        goto out;
    remember(&m);
    if (mt_mux_verify(spec->fd, m.written, m.n, err) == 0)
        result = report(&m);
out:
    mt_sink_close(&m.sink);
    av_packet_free(&m.packet);
    for (int i = 0; i < m.n; i++)
        mt_reader_close(&m.readers[i]);
    free(m.readers);
    free(m.written);
    return result;
}

/* ---- what it comes to ---- */

/* Bits per second of all tracks of a kind, over the whole film. */
static json_int_t rate_of(const json_t *tracks, const char *kind, double duration)
{
    const json_t *track;
    double bytes = 0;
    size_t i;

    json_array_foreach(tracks, i, track)
    {
        if (strcmp(mt_json_str(track, "kind", ""), kind) == 0)
            bytes += (double)mt_json_int(track, "bytes", 0);
    }
    return (json_int_t)(duration > 0 ? bytes * 8 / duration : 0);
}

json_t *mt_av_mux_summary(const json_t *muxed)
{
    const json_t *tracks = json_object_get(muxed, "tracks");
    double duration = mt_json_num(muxed, "duration", 0);

    return json_pack("{s:I, s:O, s:I, s:I, s:O, s:O}", "frames",
                     (json_int_t)mt_json_int(json_array_get(tracks, 0), "packets", 0), "duration",
                     json_object_get(muxed, "duration"), "video_bps",
                     rate_of(tracks, "pictures", duration), "audio_bps",
                     rate_of(tracks, "sound", duration), "size_bytes",
                     json_object_get(muxed, "size_bytes"), "tracks", tracks);
}
