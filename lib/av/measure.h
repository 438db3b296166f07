/* SPDX-License-Identifier: GPL-2.0-or-later */
/* measure.h - measuring a film by listening and looking once. */
#ifndef MT_AV_MEASURE_H
#define MT_AV_MEASURE_H

#include "av/av.h"

/* What to measure; one decode serves all of it. */
enum mt_av_measure_what {
    MT_AV_LOUDNESS = 1 << 0, /* EBU R 128, ITU-R BS.1770-4 */
    MT_AV_SILENCE = 1 << 1,
    MT_AV_BLACK = 1 << 2,
    MT_AV_FREEZE = 1 << 3,
    MT_AV_SCENES = 1 << 4,
};

struct mt_av_measure {
    unsigned what;          /* of enum mt_av_measure_what */
    double silence_db;      /* level below which it is silent, dBFS: -60 */
    int64_t silence_us;     /* shortest silence reported: 2 s */
    int64_t black_us;       /* shortest black: 0.5 s */
    int64_t freeze_us;      /* shortest freeze: 2 s */
    double scene_threshold; /* 0-100: 10 */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * The report, a new reference, holds a member for each thing that was asked
 * for and applies, times in seconds:
 *   loudness {integrated_lufs, range_lu, true_peak_dbtp, sample_peak_dbfs, max_momentary_lufs,
 *             max_short_term_lufs, threshold_lufs}; null figures where the programme is silent
 *   silence [{start, end}]   black [{start, end}]   freeze [{start, end}]
 *   scenes  [{start, end, score}] covering the film without gaps; score of the cut at start
 * and "not_applicable": {"loudness": "no audio stream", ...}, "errors", "messages", "duration".
 */
json_t *mt_av_measure(int fd, const struct mt_av_measure *spec, struct mt_err *err);

#endif
