/* SPDX-License-Identifier: GPL-2.0-or-later */
/* measure_tap.h - sound and pictures for others, out of the decode that measures. Private to
 * lib/av. */
#ifndef MT_AV_MEASURE_TAP_H
#define MT_AV_MEASURE_TAP_H

#include "av/film.h"
#include "av/measure.h"

#include <libswresample/swresample.h>

/* Hands on sound as struct mt_av_ear says. */
struct mt_sound_tap {
    const struct mt_av_ear *ear;
    SwrContext *swr;
    AVFrame *out;
    int64_t handed; /* samples, at the ear's rate */
    int64_t end_us; /* of what was heard; INT64_MIN: nothing yet */
};

void mt_sound_tap_init(struct mt_sound_tap *tap, const struct mt_av_ear *ear);
void mt_sound_tap_free(struct mt_sound_tap *tap);

/* A frame that begins at us (AV_NOPTS_VALUE: after the one before); NULL: no more come. */
int mt_sound_tap_hear(struct mt_sound_tap *tap, const AVFrame *frame, int64_t us,
                      struct mt_err *err) MT_MUST_USE;

/* Hands on pictures as struct mt_av_eye says. */
struct mt_sight_tap {
    const struct mt_av_eye *eye;
    int64_t every_us, due_us;
    int64_t cut_us; /* the cut that has been dealt with */
    int w, h; /* of the first picture, and so of all; those that come out otherwise are left out */
    int64_t handed;
};

void mt_sight_tap_init(struct mt_sight_tap *tap, const struct mt_av_eye *eye, int64_t duration_us);

/* A frame shown at us; cut_us: the last cut known before it. */
int mt_sight_tap_see(struct mt_sight_tap *tap, const AVFrame *frame, int64_t us, int64_t cut_us,
                     const struct mt_in *in, const struct mt_film *film,
                     struct mt_err *err) MT_MUST_USE;

#endif
