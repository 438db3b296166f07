/* SPDX-License-Identifier: GPL-2.0-or-later */
/* caption.c - reading the text of a film. */
#include "av/caption_parts.h"

#include "av/input.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { READ_ERRORS_MAX = 16, SANE_S = 400 * 24 * 3600 };

struct session {
    const struct mt_av_captions *spec;
    struct mt_in in;
    struct mt_reading *readings;
};

int mt_av_is_text(const char *codec)
{
    const AVCodecDescriptor *d = codec ? avcodec_descriptor_get_by_name(codec) : NULL;

    return d && d->type == AVMEDIA_TYPE_SUBTITLE && (d->props & AV_CODEC_PROP_TEXT_SUB) &&
           mt_in_codec(d->id);
}

static int open_reading(struct session *s, struct mt_reading *r,
                        const struct mt_av_caption *caption, struct mt_err *err)
{
    if (caption->stream < 0 || caption->stream >= (int)s->in.format->nb_streams)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no stream %d", caption->stream);
    r->stream = s->in.format->streams[caption->stream];
    r->origin_us = s->spec->origin_us;
    if (!mt_av_is_text(avcodec_get_name(r->stream->codecpar->codec_id)))
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "stream %d is not text", caption->stream);
    return mt_in_decoder(&r->decoder, &s->in, r->stream, 1, err);
}

bool mt_reading_time(const struct mt_reading *r, const AVPacket *packet, int64_t *at_us,
                     int64_t *length_us)
{
    int64_t pts = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;

    *length_us = av_rescale_q(FFMAX(packet->duration, 0), r->stream->time_base, AV_TIME_BASE_Q);
    *at_us = pts == AV_NOPTS_VALUE ? AV_NOPTS_VALUE
                                   : av_rescale_q(pts, r->stream->time_base, AV_TIME_BASE_Q);
    if (*at_us == AV_NOPTS_VALUE || *at_us / AV_TIME_BASE > SANE_S ||
        *at_us / AV_TIME_BASE < -SANE_S || *length_us / AV_TIME_BASE > SANE_S)
        return false;
    *at_us -= r->origin_us;
    return true;
}

void mt_reading_take(struct mt_reading *r, const AVPacket *packet)
{
    int64_t at, length;
    AVSubtitle sub = {0};
    int got = 0;

    if (packet->size == 0 ||
        (r->stream->codecpar->codec_id == AV_CODEC_ID_MOV_TEXT && packet->size <= 2))
        return; /* where nothing is shown */
    if (!mt_reading_time(r, packet, &at, &length)) {
        r->cues.left_out++;
        return;
    }
    if (avcodec_decode_subtitle2(r->decoder, &sub, &got, (AVPacket *)(uintptr_t)packet) < 0) {
        r->errors++;
        return;
    }
    at += (int64_t)sub.start_display_time * 1000;
    for (unsigned i = 0; got && i < sub.num_rects; i++)
        if (sub.rects[i]->ass)
            mt_cues_add(&r->cues, at, length > 0 ? at + length : -1, sub.rects[i]->ass);
    if (got)
        avsubtitle_free(&sub);
}

static int read_all(struct session *s, struct mt_err *err)
{
    AVPacket *packet = av_packet_alloc();
    int ret = packet ? 0 : AVERROR(ENOMEM), errors = 0, told = 0;

    while (ret >= 0 && told == 0) {
        ret = av_read_frame(s->in.format, packet);
        if ((ret == AVERROR(EAGAIN) || ret == AVERROR_INVALIDDATA) && ++errors < READ_ERRORS_MAX) {
            ret = 0;
            continue;
        }
        for (int i = 0; ret >= 0 && i < s->spec->n; i++)
            if (s->readings[i].stream->index == packet->stream_index)
                mt_reading_take(&s->readings[i], packet);
        if (ret >= 0)
            av_packet_unref(packet);
        told = mt_in_tell(&s->in, 0, 0, err);
    }
    av_packet_free(&packet);
    if (told < 0)
        return -1;
    if (mt_in_read_failed(&s->in) || ret == AVERROR(ENOMEM) || ret == AVERROR_EXIT)
        return mt_av_fail(err, ret, "reading the source");
    return 0;
}

static int run(struct session *s, struct mt_err *err)
{
    for (unsigned i = 0; i < s->in.format->nb_streams; i++)
        s->in.format->streams[i]->discard = AVDISCARD_ALL;
    for (int i = 0; i < s->spec->n; i++) {
        if (open_reading(s, &s->readings[i], &s->spec->captions[i], err) < 0)
            return -1;
        s->readings[i].stream->discard = AVDISCARD_DEFAULT;
    }
    if (read_all(s, err) < 0)
        return -1;
    for (int i = 0; i < s->spec->n; i++) {
        const struct mt_av_caption *caption = &s->spec->captions[i];
        struct mt_reading *r = &s->readings[i];

        mt_cues_finish(&r->cues, s->spec->duration_us);
        if (mt_cues_write(&r->cues, caption->format, r->decoder->codec_id,
                          r->decoder->subtitle_header, r->decoder->subtitle_header_size,
                          caption->fd, err) < 0)
            return mt_fail_in(err, "stream %d", caption->stream);
    }
    return 0;
}

static json_t *report(const struct session *s)
{
    json_t *all = json_array();
    int64_t errors = 0;

    for (int i = 0; i < s->spec->n; i++) {
        const struct mt_reading *r = &s->readings[i];
        const struct mt_cues *c = &r->cues;
        double first = c->n > 0 ? (double)c->list[0].start_us / AV_TIME_BASE : 0;
        double last = 0;

        for (int k = 0; k < c->n; k++)
            last = FFMAX(last, (double)c->list[k].end_us / AV_TIME_BASE);
        errors += r->errors;
        json_array_append_new(
            all, json_pack("{s:i, s:s, s:s, s:i, s:I, s:o, s:o}", "stream",
                           s->spec->captions[i].stream, "format", s->spec->captions[i].format,
                           "codec", avcodec_get_name(r->stream->codecpar->codec_id), "cues", c->n,
                           "left_out", (json_int_t)(c->left_out + r->errors), "first",
                           mt_json_real(first, 3), "last", mt_json_real(last, 3)));
        if (strcmp(s->spec->captions[i].format, "ass") == 0)
            json_object_set_new(json_array_get(all, (size_t)i), "characters",
                                mt_cues_characters(c));
    }
    return json_pack("{s:o, s:I}", "captions", all, "errors", (json_int_t)errors);
}

json_t *mt_av_captions(int fd, const struct mt_av_captions *spec, struct mt_err *err)
{
    struct session s = {.spec = spec};
    json_t *result = NULL;

    if (spec->n < 1 || spec->n > MT_AV_CAPTIONS_MAX) {
        mt_fail(err, MT_ERR_BUG, "%d files of text", spec->n);
        return NULL;
    }
    if ((spec->text_file ? mt_in_open_text(&s.in, fd, &spec->limits, err)
                         : mt_in_open(&s.in, fd, &spec->limits, err)) < 0)
        return NULL;
    mt_in_set_progress(&s.in, &spec->progress);
    s.readings = mt_alloc((size_t)spec->n * sizeof *s.readings);
    if (run(&s, err) == 0)
        result = report(&s);
    for (int i = 0; i < spec->n; i++) {
        avcodec_free_context(&s.readings[i].decoder);
        mt_cues_free(&s.readings[i].cues);
    }
    free(s.readings);
    mt_in_close(&s.in);
    return result;
}
