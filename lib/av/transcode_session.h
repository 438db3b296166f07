/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_session.h - one source on its way to its renditions. Private to lib/av. */
#ifndef MT_AV_TRANSCODE_SESSION_H
#define MT_AV_TRANSCODE_SESSION_H

#include "av/transcode_parts.h"

#include <jansson.h>

/* One rendition under way. */
struct mt_lane {
    const struct mt_av_rendition *rendition;
    struct mt_video video;
    struct mt_mp4 mp4;
    int aac; /* which of the session's encoders gives its sound; -1: none */
};

struct mt_lanes {
    int n;
    struct mt_lane lane[MT_LANES_MAX];
    struct mt_look look;
    struct mt_pictures pictures;
    struct mt_sound sound;
    struct mt_aac aac[MT_LANES_MAX]; /* one per bit rate asked for */
    int n_aac;
    AVRational source_base, base; /* of decoded and of encoded pictures */
    int64_t origin_us;            /* where the film begins on the source's clock */
    int64_t sound_end_us;         /* where the sound given so far ends, on the film's clock */
    AVFrame *frame;
    AVPacket *packet, *copy;
};

/*
 * Opens encoders and files for a film whose first picture is this frame; sound is the
 * decoder's, or NULL. lanes are zeroed before and closed afterwards by the caller, also on
 * failure. The film's time line starts at origin_us.
 */
int mt_lanes_open(struct mt_lanes *lanes, const struct mt_av_transcode *spec,
                  const struct mt_in *in, AVFrame *first, const AVCodecContext *sound,
                  int64_t origin_us, struct mt_err *err) MT_MUST_USE;

/* Decoded frames (emptied) with their times on the source's clock, in the stream's time base. */
int mt_lanes_picture(struct mt_lanes *lanes, AVFrame *frame, struct mt_err *err) MT_MUST_USE;
int mt_lanes_sound(struct mt_lanes *lanes, AVFrame *frame, AVRational base,
                   struct mt_err *err) MT_MUST_USE;

/* All was given; the last picture lasts last_duration of its time base. */
int mt_lanes_finish(struct mt_lanes *lanes, int64_t last_duration, struct mt_err *err) MT_MUST_USE;

/* The report's "renditions", a new reference. */
json_t *mt_lanes_report(const struct mt_lanes *lanes);

void mt_lanes_close(struct mt_lanes *lanes);

#endif
