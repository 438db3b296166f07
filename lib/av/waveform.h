/* SPDX-License-Identifier: GPL-2.0-or-later */
/* waveform.h - what the sound of a file looks like. */
#ifndef MT_AV_WAVEFORM_H
#define MT_AV_WAVEFORM_H

#include "av/av.h"

#include <stdbool.h>
#include <stddef.h>

enum mt_av_wave_format { MT_AV_WAVE_JSON, MT_AV_WAVE_PNG, MT_AV_WAVE_SVG, MT_AV_WAVE_FORMATS };

/* One file; valid during the call only. */
struct mt_av_wave {
    enum mt_av_wave_format format;
    int width, height; /* of pictures; 0 for JSON */
    const void *data;
    size_t size;
};

struct mt_av_waveform {
    bool formats[MT_AV_WAVE_FORMATS];
    bool split;         /* a lane for each channel (the first eight) instead of their mean */
    int points;         /* per second, of JSON: 1 to 1000 */
    int width, height;  /* of pictures: 16 to 16384 and 16 to 4096 */
    uint32_t colour;    /* 0xrrggbb */
    int64_t background; /* likewise; below 0: transparent */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
    int (*emit)(void *ctx, const struct mt_av_wave *wave, struct mt_err *err);
    void *ctx;
};

/*
 * Decodes the main sound once, and emits the extremes of it over time in each format, in bounded
 * memory however long it is. Time 0 is the start of the film: sound that begins later, or has gaps
 * of more than a tenth of a second, has silence there.
 *
 * JSON is that of BBC audiowaveform, version 2 (its doc/DataFormat.md), with 8 bits, which peaks.js
 * and wavesurfer.js read: version, channels, sample_rate, samples_per_pixel, bits, length, and data
 * as minimum and maximum of each channel at each point. samples_per_pixel is near
 * rate / points, or more where that would give more than MT_AV_WAVE_POINTS points.
 * Pictures show the whole length, each column the extremes of its time, silence as a line.
 *
 * The report, new: {"duration": s, "channels", "points": of JSON, "samples_per_pixel", "errors",
 * "notes": [...]}. MT_ERR_NOT_APPLICABLE without sound, MT_ERR_DAMAGED when none of it decodes,
 * MT_ERR_USAGE for figures out of range.
 */
enum { MT_AV_WAVE_POINTS = 2000000 };
json_t *mt_av_waveform(int fd, const struct mt_av_waveform *spec, struct mt_err *err);

#endif
