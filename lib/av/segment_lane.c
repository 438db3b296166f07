/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_lane.c - a rendition's pictures: to ticks of its own if need be, encoded, compared. */
#include "av/segment_parts.h"

#include "json/json.h"

static int write_packets(struct mt_lane *lane, struct mt_err *err)
{
    int got;

    while ((got = mt_video_receive(&lane->video, lane->film->packet, err)) > 0)
        if ((lane->film->score && mt_score_take(&lane->score, lane->film->packet, err) < 0) ||
            mt_fragments_write(&lane->file, lane->film->packet, lane->video.codec->time_base, err) <
                0)
            return -1;
    return got;
}

static const AVFrame *shown(const struct mt_lane *lane)
{
    return lane->largest && lane->largest->buf[0] ? lane->largest : NULL;
}

static int send_frame(struct mt_lane *lane, AVFrame *frame, struct mt_err *err)
{
    if (mt_video_send(&lane->video, frame, 0, err) < 0)
        return -1;
    if (lane->film->score && mt_score_keep(&lane->score, lane->video.held, shown(lane), err) < 0)
        return -1;
    return write_packets(lane, err);
}

/* Shows the picture kept at all ticks before that of the time given. */
static int show_until(struct mt_lane *lane, int64_t pts, struct mt_err *err)
{
    int64_t end =
        pts == INT64_MAX ? lane->next_tick + 1 : mt_tick_at(pts, lane->film->base, lane->rate);

    for (; lane->kept->buf[0] && lane->next_tick < end; lane->next_tick++) {
        AVFrame *again = av_frame_clone(lane->kept);
        int ret;

        if (!again)
            return mt_av_fail(err, AVERROR(ENOMEM), "encoding");
        again->pts = lane->next_tick;
        ret = send_frame(lane, again, err);
        av_frame_free(&again);
        if (ret < 0)
            return -1;
    }
    return 0;
}

int mt_lane_send(struct mt_lane *lane, struct mt_err *err)
{
    if (lane->rate.num == 0)
        return send_frame(lane, lane->frame, err);
    if (show_until(lane, lane->frame->pts, err) < 0)
        return -1;
    av_frame_unref(lane->kept);
    av_frame_move_ref(lane->kept, lane->frame);
    return 0;
}

static AVRational rational(const json_t *value)
{
    return (AVRational){(int)json_integer_value(json_array_get(value, 0)),
                        (int)json_integer_value(json_array_get(value, 1))};
}

int mt_lane_open(struct mt_lane *lane, const struct mt_lane_film *film, struct mt_size size,
                 const json_t *segment, struct mt_err *err)
{
    AVRational rate = mt_ticks_rate(film->plan, lane->rendition);
    const struct mt_av_rendition *rendition = lane->rendition;
    double most = rendition->video_bps > 0
                      ? (double)mt_video_ceiling(rendition, size) / (double)rendition->video_bps
                      : 1;
    struct mt_video_setup setup = {
        .rendition = rendition,
        .share = mt_segment_share(film->plan, segment, most),
        .size = size,
        .look = film->look,
        .base = rate.num > 0 ? av_inv_q(rate) : film->base,
        .rate = rate.num > 0 ? rate : rational(json_object_get(film->plan, "rate")),
        .constant_rate = rate.num > 0 || mt_json_bool(film->plan, "constant_rate", false),
        .preset = film->preset,
        .threads = film->threads,
    };

    lane->film = film;
    lane->rate = rate;
    if (rate.num > 0)
        lane->next_tick = mt_tick_at(mt_json_int(segment, "start", 0), film->base, rate);
    if (mt_video_open(&lane->video, &setup, err) < 0 ||
        (film->score && mt_score_open(&lane->score, lane->video.codec,
                                      rate.num > 0 ? NULL : film->largest, err) < 0))
        return -1;
    return mt_fragments_open(&lane->file, rendition->fd, lane->video.codec, &film->look->light,
                             err);
}

void mt_lane_close(struct mt_lane *lane)
{
    mt_video_close(&lane->video);
    mt_fragments_close(&lane->file);
    mt_score_close(&lane->score);
    av_frame_unref(lane->kept);
    av_frame_unref(lane->largest);
}

/* Of a film that is shorter than a tick there is one picture all the same. */
static int finish_ticks(struct mt_lane *lane, int64_t end, int64_t last_duration,
                        struct mt_err *err)
{
    bool whole = json_array_size(json_object_get(lane->film->plan, "segments")) == 1;

    if (!lane->kept->buf[0])
        return 0;
    if (show_until(lane, end != INT64_MAX ? end : lane->kept->pts + last_duration, err) < 0)
        return -1;
    if (whole && lane->video.frames == 0 && !lane->video.held)
        return show_until(lane, INT64_MAX, err);
    return 0;
}

int mt_lane_finish(struct mt_lane *lane, int64_t end, int64_t last_duration, struct mt_err *err)
{
    int64_t last = last_duration;

    if (lane->rate.num > 0) {
        if (finish_ticks(lane, end, last_duration, err) < 0)
            return -1;
        last = 1;
    } else if (end != INT64_MAX) {
        last = end - (lane->video.held ? lane->video.held->pts : end);
    }
    if (lane->video.frames == 0 && !lane->video.held)
        return mt_fragments_finish(&lane->file, err); /* too short for a tick */
    if (mt_video_send(&lane->video, NULL, last, err) < 0 || write_packets(lane, err) < 0)
        return -1;
    if (lane->film->score && mt_score_take(&lane->score, NULL, err) < 0)
        return -1;
    return mt_fragments_finish(&lane->file, err);
}
