/* SPDX-License-Identifier: GPL-2.0-or-later */
/* teaser_ear.c - the sound between two times of a film. */
#include "av/sound_parts.h"
#include "av/teaser_parts.h"

#include "base/mem.h"

#include <stdlib.h>

#define LEAD 500000 /* us; decoders need some packets before what they give is right */

struct mt_ear {
    struct mt_in in;
    AVPacket *packet;
    int64_t errors;
};

int mt_ear_open(struct mt_ear **out, int fd, const struct mt_av_teaser *spec, struct mt_err *err)
{
    struct mt_ear *ear = mt_alloc(sizeof *ear);
    struct mt_in *in = &ear->in;

    *out = NULL;
    if (mt_in_open(in, fd, &spec->limits, err) < 0) {
        free(ear);
        return -1;
    }
    *out = ear;
    ear->packet = av_packet_alloc();
    if (!ear->packet)
        return mt_av_fail(err, AVERROR(ENOMEM), "sound");
    if (!in->audio || !mt_in_codec(in->audio->codecpar->codec_id)) {
        mt_ear_close(out);
        return 0;
    }
    mt_in_set_progress(in, &spec->progress);
    for (unsigned i = 0; i < in->format->nb_streams; i++)
        if (in->format->streams[i] != in->audio)
            in->format->streams[i]->discard = AVDISCARD_ALL;
    return 0;
}

const AVStream *mt_ear_stream(const struct mt_ear *ear)
{
    return ear->in.audio;
}

int64_t mt_ear_errors(const struct mt_ear *ear)
{
    return ear->errors;
}

/* What cannot be sought in is read from its beginning. */
static void go_to(struct mt_ear *ear, const struct mt_film *film, int64_t us)
{
    AVFormatContext *format = ear->in.format;
    int64_t ts = mt_film_timestamp(film, ear->in.audio, us - LEAD);

    if (av_seek_frame(format, ear->in.audio->index, ts, AVSEEK_FLAG_BACKWARD) < 0 &&
        av_seek_frame(format, ear->in.audio->index, 0, AVSEEK_FLAG_BYTE) < 0)
        (void)av_seek_frame(format, ear->in.audio->index, ts, 0);
}

/* Whether all packets of what lies before end, in the stream's base, have been read. */
static bool is_past(const struct mt_ear *ear, int64_t end)
{
    int64_t ts = ear->packet->pts != AV_NOPTS_VALUE ? ear->packet->pts : ear->packet->dts;

    return ts != AV_NOPTS_VALUE && ts > end;
}

int mt_ear_hear(struct mt_ear *ear, const struct mt_film *film, int64_t from_us, int64_t to_us,
                int (*take)(void *ctx, const AVFrame *frame, struct mt_err *err), void *ctx,
                struct mt_err *err)
{
    int64_t origin = av_sat_add64(film->origin_us, from_us), end;
    struct mt_tap tap;
    int ret = mt_tap_open(&tap, &ear->in, ear->in.audio, err), av = 0;

    end = mt_film_timestamp(film, ear->in.audio, to_us + LEAD);
    if (ret == 0)
        go_to(ear, film, from_us);
    while (ret == 0 && (av = av_read_frame(ear->in.format, ear->packet)) >= 0) {
        if (ear->packet->stream_index == ear->in.audio->index) {
            if (is_past(ear, end)) {
                av_packet_unref(ear->packet);
                break;
            }
            ret = mt_tap_decode(&tap, ear->packet, &origin, 0, take, ctx, err);
        }
        av_packet_unref(ear->packet);
        if (ret == 0 && tap.rate > 0 && tap.next > av_rescale(to_us - from_us, tap.rate, 1000000))
            break;
    }
    if (av == AVERROR_EXIT)
        ret = mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (ret == 0)
        ret = mt_tap_decode(&tap, NULL, &origin, 0, take, ctx, err);
    ear->errors += tap.errors;
    mt_tap_close(&tap);
    return ret;
}

void mt_ear_close(struct mt_ear **ear)
{
    if (!*ear)
        return;
    av_packet_free(&(*ear)->packet);
    mt_in_close(&(*ear)->in);
    free(*ear);
    *ear = NULL;
}
