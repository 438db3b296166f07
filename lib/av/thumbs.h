/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs.h - still pictures of a media file. */
#ifndef MT_AV_THUMBS_H
#define MT_AV_THUMBS_H

#include "av/av.h"

#include <stddef.h>

enum mt_av_picture_format { MT_AV_WEBP, MT_AV_JPEG, MT_AV_PNG };

/* One encoded picture; valid during the call only. */
struct mt_av_picture {
    int64_t time_us;   /* of the frame shown, from the start of the film */
    int64_t wanted_us; /* the time that was asked for */
    int width, height; /* pixels */
    enum mt_av_picture_format format;
    const void *data;
    size_t size;      /* bytes */
    const char *note; /* why another frame than the nearest was taken, or NULL */
};

struct mt_av_thumbs {
    int count; /* pictures spread evenly over the film; used when times is NULL */
    const int64_t *times_us;
    int n_times;
    int width_px;  /* of the box they must fit in, upright; 0: the source's */
    int height_px; /* 0: follows from width and shape */
    enum mt_av_picture_format formats[3];
    int n_formats;
    int quality; /* 1-100 */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
    int (*emit)(void *ctx, const struct mt_av_picture *picture, struct mt_err *err);
    void *ctx;
};

/*
 * Seeks to each time, decodes no more than is needed, moves away from black,
 * white and empty frames to a better neighbour, applies rotation and SAR,
 * scales down (never up) in sRGB with full range, and emits each picture in
 * each format. A still image gives one picture. The report, a new reference:
 * {"pictures": n, "representative": index of the most telling one, "notes": [..]}.
 * MT_ERR_NOT_APPLICABLE when there is no picture in the file.
 */
json_t *mt_av_thumbs(int fd, const struct mt_av_thumbs *spec, struct mt_err *err);

#endif
