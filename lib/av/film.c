/* SPDX-License-Identifier: GPL-2.0-or-later */
/* film.c - where a film begins and ends. */
#include "av/film.h"

#include <libavutil/mathematics.h>
#include <string.h>

enum { SECOND = 1000000, FRAME_DEFAULT = 40000 };

static bool name_has(const struct mt_in *in, const char *word)
{
    return strstr(in->format->iformat->name, word) != NULL;
}

static int64_t to_us(const AVStream *stream, int64_t ts)
{
    return ts == AV_NOPTS_VALUE ? ts
                                : av_rescale_q_rnd(ts, stream->time_base, AV_TIME_BASE_Q,
                                                   AV_ROUND_NEAR_INF | AV_ROUND_PASS_MINMAX);
}

/* The end of the stream by the table of an MP4 that has one; 0 otherwise. */
static int64_t end_by_index(const struct mt_in *in)
{
    int64_t end = 0;

    for (unsigned i = 0; i < in->format->nb_streams; i++) {
        AVStream *stream = in->format->streams[i];
        int n = avformat_index_get_entries_count(stream);
        const AVIndexEntry *last = n ? avformat_index_get_entry(stream, n - 1) : NULL;

        if (last && stream->nb_frames > 0 && to_us(stream, last->timestamp) > end)
            end = to_us(stream, last->timestamp);
    }
    return end;
}

static int64_t origin(const struct mt_in *in)
{
    int64_t start = in->format->start_time, end;

    if (start == AV_NOPTS_VALUE)
        return 0;
    if (start <= 0 || !name_has(in, "mp4"))
        return start;
    end = end_by_index(in);
    return end && end <= in->format->duration + SECOND / 2 ? 0 : start;
}

static bool is_still(const struct mt_in *in, const AVStream *pictures)
{
    if (pictures->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return true;
    if (in->audio || !in->image)
        return false;
    if (name_has(in, "_pipe") || name_has(in, "image2"))
        return true;
    return name_has(in, "mp4") && pictures->nb_frames <= 1;
}

static int64_t frame_length(const AVStream *pictures)
{
    AVRational rate = pictures->avg_frame_rate;
    int64_t us;

    if (rate.num <= 0 || rate.den <= 0)
        rate = pictures->r_frame_rate;
    if (rate.num <= 0 || rate.den <= 0)
        return FRAME_DEFAULT;
    us = av_rescale(SECOND, rate.den, rate.num);
    return us < 1 ? 1 : us > 10 * SECOND ? 10 * SECOND : us;
}

void mt_film_look(struct mt_film *film, const struct mt_in *in, const AVStream *pictures)
{
    int64_t start;

    *film = (struct mt_film){.frame_us = FRAME_DEFAULT, .origin_us = origin(in)};
    if (in->format->duration > 0)
        film->duration_us = in->format->duration;
    if (!pictures)
        return;
    film->still = is_still(in, pictures);
    film->frame_us = frame_length(pictures);
    start = mt_film_time(film, pictures, pictures->start_time);
    film->first_us = start == AV_NOPTS_VALUE || start < 0 ? 0 : start;
    if (pictures->duration > 0 && pictures->duration != AV_NOPTS_VALUE)
        film->last_us = film->first_us + to_us(pictures, pictures->duration);
    if (film->last_us <= 0 || (film->duration_us && film->last_us > film->duration_us))
        film->last_us = film->duration_us;
    if (film->last_us <= film->first_us)
        film->first_us = 0;
}

int mt_film_scan(struct mt_film *film, struct mt_in *in, const AVStream *pictures,
                 struct mt_err *err)
{
    AVPacket *packet = av_packet_alloc();
    int64_t end = 0, n = 0;
    int av;

    if (!packet)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot read the packets");
    while ((av = av_read_frame(in->format, packet)) >= 0) {
        if (packet->stream_index == pictures->index) {
            int64_t ts = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;

            ts = mt_film_time(film, pictures, ts);
            n++;
            if (ts != AV_NOPTS_VALUE && ts + film->frame_us > end)
                end = ts + film->frame_us;
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    if (av == AVERROR_EXIT)
        return mt_av_fail(err, av, "cannot read the packets");
    film->last_us = end ? end : n * film->frame_us;
    if (film->duration_us < film->last_us)
        film->duration_us = film->last_us;
    return 0;
}

int64_t mt_film_time(const struct mt_film *film, const AVStream *stream, int64_t ts)
{
    return ts == AV_NOPTS_VALUE ? ts : av_sat_sub64(to_us(stream, ts), film->origin_us);
}

int64_t mt_film_timestamp(const struct mt_film *film, const AVStream *stream, int64_t us)
{
    return us == AV_NOPTS_VALUE
               ? us
               : av_rescale_q(av_sat_add64(us, film->origin_us), AV_TIME_BASE_Q, stream->time_base);
}
