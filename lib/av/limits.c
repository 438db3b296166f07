/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limits.c - what headers claim against what is permitted. */
#include "av/limits.h"

#include "av/bytes.h"
#include "av/logged.h"
#include "base/text.h"

#include <string.h>

static bool over(int64_t figure, int64_t limit)
{
    return limit > 0 && figure > limit;
}

static int check_picture(int i, int64_t w, int64_t h, const struct mt_av_limits *limits,
                         struct mt_err *err)
{
    if (over(w * h, limits->pixels))
        return mt_fail(err, MT_ERR_LIMIT,
                       "stream %d: a picture of %lldx%lld has more than %lld pixels", i,
                       (long long)w, (long long)h, (long long)limits->pixels);
    if (over(w > h ? w : h, limits->side_px))
        return mt_fail(err, MT_ERR_LIMIT,
                       "stream %d: a picture of %lldx%lld has a side of more than %lld pixels", i,
                       (long long)w, (long long)h, (long long)limits->side_px);
    return 0;
}

static int check_stream(const AVStream *st, const struct mt_av_limits *limits, struct mt_err *err)
{
    const AVCodecParameters *par = st->codecpar;

    if (par->codec_type != AVMEDIA_TYPE_VIDEO)
        return 0;
    if (check_picture(st->index, par->width, par->height, limits, err) < 0)
        return -1;
    if (over(st->nb_frames, limits->frames))
        return mt_fail(err, MT_ERR_LIMIT, "stream %d: %lld frames, more than %lld", st->index,
                       (long long)st->nb_frames, (long long)limits->frames);
    return 0;
}

int mt_limits_check(const AVFormatContext *format, const struct mt_av_limits *limits,
                    struct mt_err *err)
{
    char size[MT_LOGGED_LINE], got[MT_FIGURE], most[MT_FIGURE];

    if (over(format->nb_streams, limits->streams))
        return mt_fail(err, MT_ERR_LIMIT, "%u streams, more than %lld", format->nb_streams,
                       (long long)limits->streams);
    if (format->duration != AV_NOPTS_VALUE && over(format->duration, limits->duration_us))
        return mt_fail(err, MT_ERR_LIMIT, "lasts %s, longer than %s",
                       mt_show_duration(format->duration, got),
                       mt_show_duration(limits->duration_us, most));
    for (unsigned i = 0; i < format->nb_streams; i++)
        if (check_stream(format->streams[i], limits, err) < 0)
            return mt_fail_at(err, (int)i, -1);
    if (mt_logged_oversize(size))
        return mt_fail(err, MT_ERR_LIMIT, "a picture of %s has more than %lld pixels", size,
                       (long long)limits->pixels);
    return 0;
}

int mt_limits_check_frame(const AVStream *st, const AVPacket *packet, int64_t before,
                          const struct mt_av_limits *limits, struct mt_err *err)
{
    int64_t at = packet->pts == AV_NOPTS_VALUE
                     ? -1
                     : av_rescale_q(packet->pts, st->time_base, AV_TIME_BASE_Q);

    if (limits->frames <= 0 || before < limits->frames)
        return 0;
    mt_fail(err, MT_ERR_LIMIT, "more than %lld frames", (long long)limits->frames);
    return mt_fail_at(err, st->index, at);
}

int mt_limits_check_png(int fd, const struct mt_av_limits *limits, struct mt_err *err)
{
    static const uint8_t start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                    0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    uint8_t head[sizeof(start) + 8];

    if (!mt_bytes_at(fd, 0, head, sizeof(head)) || memcmp(head, start, sizeof(start)) != 0)
        return 0;
    return check_picture(0, mt_be32(head + sizeof(start)), mt_be32(head + sizeof(start) + 4),
                         limits, err);
}
