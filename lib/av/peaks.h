/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peaks.h - the extremes of sound over time, in bounded memory. Private to lib/av. */
#ifndef MT_AV_PEAKS_H
#define MT_AV_PEAKS_H

#include "base/err.h"

#include <libavutil/frame.h>
#include <libswresample/swresample.h>
#include <stdbool.h>
#include <stdint.h>

enum { MT_PEAKS_CHANNELS = 8 };

struct mt_extremes {
    int16_t low, high;
};

/* A block of samples has one point in each lane; blocks grow when there would be too many. */
struct mt_peaks {
    bool split;
    int rate, channels;       /* of the sound, as its first frame has them */
    int lanes;                /* channels, at most MT_PEAKS_CHANNELS, or 1 */
    int64_t block;            /* samples in a point */
    int64_t n, room;          /* points that are full; for which there is room */
    struct mt_extremes *list; /* n times lanes */
    struct mt_extremes now[MT_PEAKS_CHANNELS];
    int64_t in_now;  /* samples in them */
    int64_t samples; /* all of them */
    SwrContext *swr;
    AVFrame *plain; /* 16 bits, interleaved */
};

void mt_peaks_init(struct mt_peaks *p, bool split);
void mt_peaks_free(struct mt_peaks *p);

/* Adds a frame, and silence until it where it is to begin at a later sample; below 0: no matter. */
int mt_peaks_add(struct mt_peaks *p, const AVFrame *frame, int64_t at,
                 struct mt_err *err) MT_MUST_USE;

/* The last, unfinished block becomes a point. */
int mt_peaks_end(struct mt_peaks *p, struct mt_err *err) MT_MUST_USE;

/* The extremes of a lane over the points from .. to - 1. */
struct mt_extremes mt_peaks_over(const struct mt_peaks *p, int lane, int64_t from, int64_t to);

#endif
