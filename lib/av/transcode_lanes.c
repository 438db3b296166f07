/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_lanes.c - from decoded frames to the files of all renditions. */
#include "av/transcode_session.h"

#include "json/json.h"

#include <string.h>
#include <sys/stat.h>

enum { HOLE_US = 10 * 1000000 };

/* The encoder of this bit rate, opened if no rendition asked for it before. -1 on failure. */
static int sound_encoder(struct mt_lanes *lanes, int64_t bps, struct mt_err *err)
{
    for (int i = 0; i < lanes->n_aac; i++)
        if (lanes->aac[i].asked == bps)
            return i;
    if (mt_aac_open(&lanes->aac[lanes->n_aac], lanes->sound.rate, lanes->sound.channels, bps, err) <
        0)
        return -1;
    return lanes->n_aac++;
}

static int open_lane(struct mt_lanes *lanes, int i, const struct mt_av_transcode *spec,
                     const struct mt_in *in, bool sound, struct mt_err *err)
{
    struct mt_lane *lane = &lanes->lane[i];
    struct mt_video_setup setup = {
        .rendition = lane->rendition,
        .size = lanes->look.sizes[i],
        .look = &lanes->look,
        .base = lanes->base,
        .rate = mt_honest_rate(in),
        .constant_rate = mt_rate_is_constant(in),
        .preset = spec->preset,
        .threads = spec->threads,
    };

    if (mt_video_open(&lane->video, &setup, err) < 0)
        return -1;
    if (sound && lane->rendition->audio_bps > 0) {
        lane->aac = sound_encoder(lanes, lane->rendition->audio_bps, err);
        if (lane->aac < 0)
            return -1;
    }
    return mt_mp4_open(&lane->mp4, lane->rendition->fd, lane->video.codec,
                       lane->aac < 0 ? NULL : lanes->aac[lane->aac].codec, in, lanes->origin_us,
                       err);
}

int mt_lanes_open(struct mt_lanes *lanes, const struct mt_av_transcode *spec,
                  const struct mt_in *in, AVFrame *first, const AVCodecContext *sound,
                  int64_t origin_us, struct mt_err *err)
{
    lanes->n = spec->n;
    lanes->origin_us = origin_us;
    lanes->source_base = in->video->time_base;
    lanes->base = mt_honest_base(in->video->time_base);
    lanes->frame = av_frame_alloc();
    lanes->packet = av_packet_alloc();
    lanes->copy = av_packet_alloc();
    if (!lanes->frame || !lanes->packet || !lanes->copy)
        return mt_av_fail(err, AVERROR(ENOMEM), "transcoding");
    mt_look_choose(&lanes->look, in->video, first, spec->renditions, spec->n);
    if (sound)
        mt_sound_choose(&lanes->sound, sound);
    for (int i = 0; i < lanes->n; i++) {
        lanes->lane[i].rendition = &spec->renditions[i];
        lanes->lane[i].aac = -1;
    }
    for (int i = 0; i < lanes->n; i++)
        if (open_lane(lanes, i, spec, in, sound != NULL, err) < 0)
            return -1;
    return 0;
}

static int write_pictures(struct mt_lanes *lanes, struct mt_lane *lane, struct mt_err *err)
{
    int got;

    while ((got = mt_video_receive(&lane->video, lanes->packet, err)) > 0)
        if (mt_mp4_write(&lane->mp4, 0, lanes->packet, lane->video.codec->time_base, err) < 0)
            return mt_fail_in(err, "rendition '%s'", lane->rendition->name);
    return got;
}

/* Moves what the graph has ready through the encoders. */
static int pump_pictures(struct mt_lanes *lanes, struct mt_err *err)
{
    for (int i = 0; i < lanes->n; i++) {
        struct mt_lane *lane = &lanes->lane[i];
        int got;

        while ((got = mt_pictures_receive(&lanes->pictures, i, lanes->frame, lanes->base, err)) >
               0) {
            if (mt_video_send(&lane->video, lanes->frame, 0, err) < 0 ||
                write_pictures(lanes, lane, err) < 0)
                return -1;
        }
        if (got < 0)
            return -1;
    }
    return 0;
}

static int drain_pictures(struct mt_lanes *lanes, struct mt_err *err)
{
    if (!lanes->pictures.graph)
        return 0;
    if (mt_pictures_send(&lanes->pictures, NULL, err) < 0)
        return -1;
    return pump_pictures(lanes, err);
}

int mt_lanes_picture(struct mt_lanes *lanes, AVFrame *frame, struct mt_err *err)
{
    frame->pts -= av_rescale_q(lanes->origin_us, AV_TIME_BASE_Q, lanes->source_base);
    if (!mt_pictures_fit(&lanes->pictures, frame)) {
        if (drain_pictures(lanes, err) < 0 ||
            mt_pictures_open(&lanes->pictures, &lanes->look, frame, lanes->source_base, err) < 0)
            return -1;
    }
    if (mt_pictures_send(&lanes->pictures, frame, err) < 0)
        return -1;
    return pump_pictures(lanes, err);
}

/* Each file that carries this sound gets the packet. */
static int spread(struct mt_lanes *lanes, int aac, struct mt_err *err)
{
    for (int i = 0; i < lanes->n; i++) {
        struct mt_lane *lane = &lanes->lane[i];
        int ret;

        if (lane->aac != aac)
            continue;
        ret = av_packet_ref(lanes->copy, lanes->packet);
        if (ret < 0)
            return mt_av_fail(err, ret, "sound");
        if (mt_mp4_write(&lane->mp4, 1, lanes->copy, lanes->aac[aac].codec->time_base, err) < 0)
            return mt_fail_in(err, "rendition '%s'", lane->rendition->name);
    }
    av_packet_unref(lanes->packet);
    return 0;
}

static int encode_sound(struct mt_lanes *lanes, const AVFrame *frame, struct mt_err *err)
{
    for (int i = 0; i < lanes->n_aac; i++) {
        int got;

        if (mt_aac_send(&lanes->aac[i], frame, err) < 0)
            return -1;
        while ((got = mt_aac_receive(&lanes->aac[i], lanes->packet, err)) > 0)
            if (spread(lanes, i, err) < 0)
                return -1;
        if (got < 0)
            return -1;
    }
    return 0;
}

static int pump_sound(struct mt_lanes *lanes, struct mt_err *err)
{
    int got, ret = 0;

    while (ret == 0 && (got = mt_sound_receive(&lanes->sound, lanes->frame, err)) != 0) {
        ret = got < 0 ? -1 : encode_sound(lanes, lanes->frame, err);
        av_frame_unref(lanes->frame);
    }
    return ret;
}

static int drain_sound(struct mt_lanes *lanes, struct mt_err *err)
{
    if (!lanes->sound.graph)
        return 0;
    if (mt_sound_send(&lanes->sound, NULL, err) < 0)
        return -1;
    return pump_sound(lanes, err);
}

int mt_lanes_sound(struct mt_lanes *lanes, AVFrame *frame, AVRational base, struct mt_err *err)
{
    AVRational samples = {1, frame->sample_rate};
    int64_t start_us;
    bool hole;

    if (lanes->n_aac == 0) {
        av_frame_unref(frame);
        return 0;
    }
    frame->pts = av_rescale_q(frame->pts, base, samples) -
                 av_rescale_q(lanes->origin_us, AV_TIME_BASE_Q, samples);
    start_us = av_rescale_q(frame->pts, samples, AV_TIME_BASE_Q);
    /* Short holes are filled with silence by the graph; a long one is a hole in the file. */
    hole = lanes->sound.graph && start_us - lanes->sound_end_us > HOLE_US;
    lanes->sound_end_us =
        start_us + av_rescale(frame->nb_samples, AV_TIME_BASE, frame->sample_rate);
    if (hole || !mt_sound_fit(&lanes->sound, frame)) {
        if (drain_sound(lanes, err) < 0 || mt_sound_open(&lanes->sound, frame, err) < 0)
            return -1;
    }
    if (mt_sound_send(&lanes->sound, frame, err) < 0)
        return -1;
    return pump_sound(lanes, err);
}

int mt_lanes_finish(struct mt_lanes *lanes, int64_t last_duration, struct mt_err *err)
{
    int64_t last = av_rescale_q(last_duration, lanes->source_base, lanes->base);

    if (drain_pictures(lanes, err) < 0 || drain_sound(lanes, err) < 0)
        return -1;
    if (lanes->n_aac > 0 && encode_sound(lanes, NULL, err) < 0)
        return -1;
    for (int i = 0; i < lanes->n; i++) {
        struct mt_lane *lane = &lanes->lane[i];

        if (mt_video_send(&lane->video, NULL, last, err) < 0 ||
            write_pictures(lanes, lane, err) < 0)
            return -1;
        if (mt_mp4_finish(&lane->mp4, err) < 0)
            return mt_fail_in(err, "rendition '%s'", lane->rendition->name);
    }
    return 0;
}

static int64_t bits_per_second(int64_t bytes, int64_t us)
{
    return us > 0 ? av_rescale(bytes * 8, AV_TIME_BASE, us) : 0;
}

static json_t *report_lane(const struct mt_lane *lane, struct mt_size size)
{
    const struct mt_mp4 *mp4 = &lane->mp4;
    int64_t end = FFMAX(mp4->end_us[0], mp4->end_us[1]);
    struct stat st = {0};

    (void)fstat(lane->rendition->fd, &st);
    return json_pack("{s:s, s:i, s:i, s:I, s:o, s:I, s:I, s:I}", "name", lane->rendition->name,
                     "width", size.w, "height", size.h, "frames", (json_int_t)lane->video.frames,
                     "duration", mt_json_real((double)end / AV_TIME_BASE, 6), "video_bps",
                     (json_int_t)bits_per_second(mp4->bytes[0], end), "audio_bps",
                     (json_int_t)bits_per_second(mp4->bytes[1], end), "size_bytes",
                     (json_int_t)st.st_size);
}

json_t *mt_lanes_report(const struct mt_lanes *lanes)
{
    json_t *all = json_array();

    for (int i = 0; i < lanes->n; i++)
        json_array_append_new(all, report_lane(&lanes->lane[i], lanes->look.sizes[i]));
    return all;
}

void mt_lanes_close(struct mt_lanes *lanes)
{
    mt_pictures_close(&lanes->pictures);
    mt_sound_close(&lanes->sound);
    for (int i = 0; i < lanes->n; i++) {
        mt_video_close(&lanes->lane[i].video);
        mt_mp4_close(&lanes->lane[i].mp4);
    }
    for (int i = 0; i < lanes->n_aac; i++)
        mt_aac_close(&lanes->aac[i]);
    av_frame_free(&lanes->frame);
    av_packet_free(&lanes->packet);
    av_packet_free(&lanes->copy);
    *lanes = (struct mt_lanes){.n = 0};
}
