/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs_scenes.h - where a film's scenes begin, by its key frames alone. Private to lib/av. */
#ifndef MT_AV_THUMBS_SCENES_H
#define MT_AV_THUMBS_SCENES_H

#include "av/av.h"

#include <libavutil/frame.h>
#include <stdbool.h>

struct SwsContext;

struct mt_scenes {
    int64_t *times_us; /* near the first key frame of each scene; free() it */
    int n;
    bool more; /* than were wanted: the first ones only */
};

/*
 * Decodes the key frames and nothing else. Encoders put one where the picture changes; where they
 * do not, a scene begins at the next one. A scene is new where the histogram of colours (4 x 4 x 4)
 * of a copy of 64 pixels differs from the last key frame's by three tenths of its pixels.
 * The first key frame begins one. MT_ERR_NOT_APPLICABLE without a picture.
 */
int mt_scenes_find(struct mt_scenes *scenes, int fd, int most, const struct mt_av_limits *limits,
                   const struct mt_av_progress *progress, struct mt_err *err) MT_MUST_USE;

/*
 * How many pixels of a copy of 64 x 36 have each of 64 colours; *sws is kept for the next frame,
 * and freed by the caller. A negative error of the library.
 */
enum { MT_SCENE_BINS = 64 };
int mt_scene_colours(struct SwsContext **sws, const AVFrame *frame, int bins[MT_SCENE_BINS]);

/* The share of pixels, 0 to 1, that have other colours. */
double mt_scene_distance(const int a[MT_SCENE_BINS], const int b[MT_SCENE_BINS]);

#endif
