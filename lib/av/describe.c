/* SPDX-License-Identifier: GPL-2.0-or-later */
/* describe.c - streams, chapters and tags as JSON. */
#include "av/describe.h"

#include "av/frame.h"
#include "av/select.h"
#include "base/text.h"
#include "json/json.h"

#include <libavutil/avstring.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAGS_MOST = 256, TAG_BYTES = 4096, TAG_NAME_BYTES = 128, CHAPTERS_MOST = 1000 };

static json_t *seconds(int64_t us)
{
    return us < 0 ? json_null() : mt_json_real((double)us / 1e6, 6);
}

static json_t *ratio(AVRational q, char separator)
{
    char text[48];

    if (q.num <= 0 || q.den <= 0)
        return json_null();
    snprintf(text, sizeof(text), "%d%c%d", q.num, separator, q.den);
    return json_string(text);
}

static json_t *positive(int64_t v)
{
    return v > 0 ? json_integer(v) : json_null();
}

json_t *mt_describe_tags(const AVDictionary *tags)
{
    const AVDictionaryEntry *e = NULL;
    json_t *o = json_object();

    while ((e = av_dict_get(tags, "", e, AV_DICT_IGNORE_SUFFIX))) {
        size_t name = strlen(e->key), n = strlen(e->value);
        if (json_object_size(o) >= TAGS_MOST || name == 0 || name > TAG_NAME_BYTES)
            continue;
        char *clean = mt_utf8_clean(e->key, name);
        mt_str_lower(clean);
        while (n > TAG_BYTES || (n == TAG_BYTES && (e->value[n] & 0xC0) == 0x80))
            n = n > TAG_BYTES ? TAG_BYTES : n - 1;
        while (n > 0 && n < strlen(e->value) && ((unsigned char)e->value[n] & 0xC0) == 0x80)
            n--;
        json_object_set_new(o, clean, mt_json_bytes(e->value, n));
        free(clean);
    }
    return o;
}

json_t *mt_describe_chapters(const AVFormatContext *s)
{
    json_t *all = json_array();

    for (unsigned i = 0; i < s->nb_chapters && i < CHAPTERS_MOST; i++) {
        const AVChapter *c = s->chapters[i];
        const AVDictionaryEntry *title = av_dict_get(c->metadata, "title", NULL, 0);
        json_t *o = json_object();
        int64_t start = av_rescale_q(c->start, c->time_base, AV_TIME_BASE_Q);
        int64_t end = av_rescale_q(c->end, c->time_base, AV_TIME_BASE_Q);
        start = start < 0 ? 0 : start;
        json_object_set_new(o, "start", seconds(start));
        json_object_set_new(o, "end", seconds(end < start ? start : end));
        json_object_set_new(o, "title", mt_json_text(title ? title->value : NULL));
        json_array_append_new(all, o);
    }
    return all;
}

const char *mt_describe_kind(const struct mt_in *in)
{
    if (in->image && !in->audio)
        return "image";
    return in->video && in->video != in->cover ? "video" : in->audio ? "audio" : "image";
}

json_t *mt_describe_timecode(const struct mt_in *in)
{
    const AVDictionaryEntry *e = av_dict_get(in->format->metadata, "timecode", NULL, 0);

    for (unsigned i = 0; !e && i < in->format->nb_streams; i++)
        e = av_dict_get(in->format->streams[i]->metadata, "timecode", NULL, 0);
    return mt_json_text(e ? e->value : NULL);
}

static json_t *dispositions(const AVStream *st)
{
    json_t *all = json_array();

    for (int bit = 0; bit < 31; bit++) {
        const char *name = av_disposition_to_string(1 << bit);
        if ((st->disposition & 1 << bit) && name)
            json_array_append_new(all, json_string(name));
    }
    return all;
}

static const char *type_name(enum AVMediaType type)
{
    const char *name = av_get_media_type_string(type);

    return name ? name : "data";
}

/* The customary rate within 2 % of what was counted, or just that. */
static AVRational customary_rate(double real)
{
    static const AVRational rates[] = {{24000, 1001}, {24, 1}, {25, 1}, {30000, 1001},
                                       {30, 1},       {48, 1}, {50, 1}, {60000, 1001},
                                       {60, 1},       {15, 1}, {120, 1}};
    AVRational best = {0, 1};
    double error = 0.02;

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        double off = fabs(av_q2d(rates[i]) / real - 1);
        if (off < error) {
            error = off;
            best = rates[i];
        }
    }
    if (!best.num)
        av_reduce(&best.num, &best.den, (int64_t)(real * 1000 + 0.5), 1000, 1000000);
    return best;
}

/* What containers say that keep no rate (FLV) can be nonsense, as 1000/1: counted is better. */
static AVRational frame_rate(const struct mt_in *in, AVStream *st, const struct mt_walked *s)
{
    AVRational q = av_guess_frame_rate(in->format, st, NULL);
    int64_t span = s->last_dts_us - s->first_dts_us;

    if (s->packets > 4 && s->end_us != AV_NOPTS_VALUE && span > 0) {
        double real = (double)(s->packets - 1) * 1e6 / (double)span;
        double claim = q.num > 0 && q.den > 0 ? av_q2d(q) : 0;
        if (claim > 1.5 * real || claim * 1.5 < real)
            q = customary_rate(real);
    }
    return q;
}

static const char *field_order(enum AVFieldOrder order, const AVFrame *frame)
{
    static const char *const names[] = {[AV_FIELD_PROGRESSIVE] = "progressive",
                                        [AV_FIELD_TT] = "tt",
                                        [AV_FIELD_BB] = "bb",
                                        [AV_FIELD_TB] = "tb",
                                        [AV_FIELD_BT] = "bt"};

    if (order > AV_FIELD_UNKNOWN && order <= AV_FIELD_BT)
        return names[order];
    if (!frame)
        return NULL;
    return !mt_frame_interlaced(frame) ? "progressive" : mt_frame_top_first(frame) ? "tt" : "bb";
}

static void describe_shape(json_t *o, AVStream *st, const AVFrame *frame)
{
    AVRational sar = st->sample_aspect_ratio.num > 0 ? st->sample_aspect_ratio
                                                     : st->codecpar->sample_aspect_ratio;
    int mirrored, w, h, own, degrees;

    mt_in_display_size(st, &w, &h);
    degrees = mt_in_rotation(st, &mirrored);
    own = degrees;
    if (frame)
        degrees = mt_in_frame_rotation(st, frame, &mirrored);
    if ((degrees - own) % 180 != 0) {
        int t = w;
        w = h;
        h = t;
    }
    json_object_set_new(o, "width", positive(st->codecpar->width));
    json_object_set_new(o, "height", positive(st->codecpar->height));
    json_object_set_new(o, "display_width", positive(w));
    json_object_set_new(o, "display_height", positive(h));
    json_object_set_new(o, "sample_aspect_ratio",
                        sar.num > 0 ? ratio(sar, ':') : json_string("1:1"));
    json_object_set_new(o, "rotation", json_integer(degrees));
    json_object_set_new(o, "mirrored", json_boolean(mirrored));
}

static int bit_depth(const AVCodecParameters *par)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)par->format);

    if (par->bits_per_raw_sample > 0)
        return par->bits_per_raw_sample;
    return desc ? desc->comp[0].depth : 0;
}

static void describe_video(json_t *o, const struct mt_in *in, AVStream *st,
                           const struct mt_walked *s, const AVFrame *frame, bool vfr)
{
    const AVCodecParameters *par = st->codecpar;
    const char *order = field_order(par->field_order, frame);

    describe_shape(o, st, frame);
    json_object_set_new(o, "pixel_format",
                        mt_json_text(av_get_pix_fmt_name((enum AVPixelFormat)par->format)));
    json_object_set_new(o, "bit_depth", positive(bit_depth(par)));
    json_object_set_new(o, "field_order", mt_json_text(order));
    if (!in->image && !mt_stream_is_cover(st)) {
        json_object_set_new(o, "frame_rate", ratio(frame_rate(in, st, s), '/'));
        json_object_set_new(o, "variable_frame_rate", json_boolean(vfr));
        if (vfr && st->avg_frame_rate.num > 0 && st->avg_frame_rate.den > 0)
            json_object_set_new(o, "average_frame_rate", ratio(st->avg_frame_rate, '/'));
    }
    json_object_set_new(o, "color", mt_describe_color(st, frame));
}

static void describe_audio(json_t *o, const AVStream *st)
{
    const AVCodecParameters *par = st->codecpar;
    char layout[128] = "";

    json_object_set_new(o, "sample_rate_hz", positive(par->sample_rate));
    json_object_set_new(o, "channels", positive(par->ch_layout.nb_channels));
    if (par->ch_layout.nb_channels > 0)
        av_channel_layout_describe(&par->ch_layout, layout, sizeof(layout));
    json_object_set_new(o, "channel_layout", mt_json_text(layout[0] ? layout : NULL));
    json_object_set_new(o, "sample_format",
                        mt_json_text(av_get_sample_fmt_name((enum AVSampleFormat)par->format)));
    json_object_set_new(o, "bit_depth", positive(par->bits_per_raw_sample));
}

/* What the packets show; the header's figure where it is the same within 2 %, or nothing was seen.
 */
static int64_t bit_rate(const AVStream *st, const struct mt_walked *s, int64_t us)
{
    int64_t claim = st->codecpar->bit_rate;
    int64_t real = us > 0 && s->bytes > 0 ? av_rescale(s->bytes, 8000000, us) : 0;

    return claim > 0 && (real == 0 || llabs(claim - real) <= real / 50) ? claim : real;
}

static json_t *describe_stream(const struct mt_in *in, const struct mt_walk *w, unsigned i,
                               const AVFrame *frame)
{
    AVStream *st = in->format->streams[i];
    const AVCodecParameters *par = st->codecpar;
    const struct mt_walked *s = &w->streams[i];
    const AVDictionaryEntry *language = av_dict_get(st->metadata, "language", NULL, 0);
    int64_t us = in->image ? AV_NOPTS_VALUE : mt_walk_stream_duration(w, i);
    int64_t frames = w->complete || w->indexed ? s->packets : st->nb_frames;
    json_t *o = json_object();

    json_object_set_new(o, "index", json_integer(i));
    json_object_set_new(o, "type", json_string(type_name(par->codec_type)));
    json_object_set_new(o, "codec",
                        par->codec_id == AV_CODEC_ID_NONE
                            ? json_null()
                            : json_string(avcodec_get_name(par->codec_id)));
    json_object_set_new(o, "profile",
                        mt_json_text(avcodec_profile_name(par->codec_id, par->profile)));
    json_object_set_new(o, "language", mt_json_text(language ? language->value : NULL));
    json_object_set_new(o, "disposition", dispositions(st));
    json_object_set_new(o, "duration", mt_stream_is_cover(st) ? json_null() : seconds(us));
    json_object_set_new(o, "bit_rate_bps", positive(bit_rate(st, s, us)));
    json_object_set_new(o, "frames", positive(frames));
    if (par->codec_type == AVMEDIA_TYPE_VIDEO)
        describe_video(o, in, st, s, frame, st == in->video && mt_walk_is_vfr(w));
    else if (par->codec_type == AVMEDIA_TYPE_AUDIO)
        describe_audio(o, st);
    json_object_set_new(o, "tags", mt_describe_tags(st->metadata));
    return o;
}

json_t *mt_describe_streams(const struct mt_in *in, const struct mt_walk *w,
                            const struct mt_sample *sample)
{
    json_t *all = json_array();

    for (unsigned i = 0; i < w->n; i++) {
        const AVFrame *frame = in->format->streams[i] == in->video ? sample->video.first : NULL;
        json_array_append_new(all, describe_stream(in, w, i, frame));
    }
    return all;
}

static json_t *container_name(const AVFormatContext *s)
{
    const char *name = s->iformat->name;

    return json_stringn(name, strcspn(name, ","));
}

static json_t *embedded(const struct mt_in *in)
{
    int subtitles = 0, attachments = 0;

    for (unsigned i = 0; i < in->format->nb_streams; i++) {
        enum AVMediaType type = in->format->streams[i]->codecpar->codec_type;
        subtitles += type == AVMEDIA_TYPE_SUBTITLE;
        attachments += type == AVMEDIA_TYPE_ATTACHMENT;
    }
    return json_pack("{s:b, s:i, s:i}", "cover_art", in->cover != NULL, "subtitles", subtitles,
                     "attachments", attachments);
}

json_t *mt_describe_file(const struct mt_in *in, const struct mt_walk *w,
                         const struct mt_sample *sample)
{
    const AVFormatContext *s = in->format;
    const char *source;
    int64_t us = mt_walk_duration(w, &source);
    bool still = in->image && (!in->video || w->streams[in->video->index].packets < 2 ||
                               strstr(s->iformat->name, "_pipe"));
    bool timed = !still && us != AV_NOPTS_VALUE && us > 0;
    json_t *o = json_object();

    json_object_set_new(o, "duration", timed ? mt_json_real((double)us / 1e6, 6) : json_null());
    if (timed)
        json_object_set_new(o, "duration_source", json_string(source));
    json_object_set_new(o, "container", container_name(s));
    json_object_set_new(o, "bit_rate_bps",
                        timed
                            ? json_integer((json_int_t)((double)in->size * 8e6 / (double)us + 0.5))
                            : json_null());
    json_t *rate = timed ? mt_rate_describe(&w->rate, us) : NULL;
    if (rate)
        json_object_set_new(o, "bit_rate_over_time", rate);
    json_object_set_new(o, "start_time",
                        timed && s->start_time != AV_NOPTS_VALUE
                            ? mt_json_real((double)s->start_time / 1e6, 6)
                            : json_null());
    json_object_set_new(o, "content_type", json_string(mt_describe_kind(in)));
    json_object_set_new(o, "streams", mt_describe_streams(in, w, sample));
    json_object_set_new(o, "chapters", mt_describe_chapters(s));
    json_object_set_new(o, "tags", mt_describe_tags(s->metadata));
    json_object_set_new(o, "timecode", mt_describe_timecode(in));
    json_object_set_new(o, "embedded", embedded(in));
    return o;
}
