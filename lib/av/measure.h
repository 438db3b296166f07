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

/*
 * The sound for somebody else's ears, from the same decode: one channel (the mean of all, as
 * libswresample mixes down), 16 bits, without gaps from the film's start on; silence
 * stands where the film has none.
 */
struct mt_av_ear {
    int rate_hz; /* 8000 to 48000 */
    int (*hear)(void *ctx, const int16_t *samples, size_t n, struct mt_err *err);
    void *ctx;
};

/*
 * Pictures for somebody else's eyes: upright, square pixels, rgb24 rows without padding, SDR, none
 * larger than side_px on either side. The first one of each scene a third of a second after
 * the cut, and more so that none is further than every_us from the one before; at most
 * about most in the whole film, for which every_us is lengthened.
 */
struct mt_av_eye {
    int side_px; /* 16 to 4096 */
    int64_t every_us;
    int most;
    int (*see)(void *ctx, const uint8_t *rgb, int w, int h, int64_t us, struct mt_err *err);
    void *ctx;
};

enum { MT_AV_TAPS_MAX = 4 }; /* ears, and as many eyes */

struct mt_av_measure {
    unsigned what;          /* of enum mt_av_measure_what; 0 when there is an ear or an eye */
    double silence_db;      /* level below which it is silent, dBFS: -60 */
    int64_t silence_us;     /* shortest silence reported: 2 s */
    int64_t black_us;       /* shortest black: 0.5 s */
    int64_t freeze_us;      /* shortest freeze: 2 s */
    double scene_threshold; /* 0-100: 10 */
    const struct mt_av_ear *ears;
    const struct mt_av_eye *eyes;
    int n_ears, n_eyes;
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * Reads and decodes the film once. The report, a new reference, holds a member
 * for each thing that was asked for and applies, times in seconds from the
 * film's start:
 *   loudness {integrated_lufs, range_lu, true_peak_dbtp, sample_peak_dbfs, max_momentary_lufs,
 *             max_short_term_lufs, threshold_lufs, over_time}; null where the programme is silent
 *             (below -70 LUFS) or too short for the figure: 0.4 s, 3 s for short-term, 5 s for
 *             the range. over_time {step_s, lufs: [...]}: the momentary loudness, of which each
 *             value is the energy mean over step_s seconds, null for silence; at most 600 values,
 *             of 0.1 s each or of so many times its double that they suffice
 *   silence [{start, end}]   black [{start, end}]   freeze [{start, end}]
 *   scenes  [{start, end, score}] covering the film without gaps; score of the cut at start, 0
 *           for the first; none is shorter than half a second, so that a flash is no scene
 * and "not_applicable" ("ears" and "eyes" among it): {"loudness": "no audio stream", ...},
 * "errors": packets and frames that did not decode well, or more where the libraries logged more,
 * "messages": the libraries' last lines, "duration": the end of what was heard and seen.
 *
 * Silent is what no sample of any channel exceeds. Black is a picture of which 98 % are at
 * most a tenth of the way from black to white. Frozen pictures differ by less than -60 dB.
 * A scene changes where the mean difference of the luma jumps (the filter scdet's score); a
 * fade does not. Pictures are judged in a copy 320 pixels wide, of pixels taken as they are: the
 * cuts found are the same, to the frame, as in the full picture, and scores differ by about 1 %.
 * What is open at the film's end is closed there.
 *
 * MT_ERR_NOT_APPLICABLE for a still image, MT_ERR_DAMAGED when nothing decodes, MT_ERR_USAGE
 * for figures out of range; damage that leaves something to measure is in "errors".
 */
json_t *mt_av_measure(int fd, const struct mt_av_measure *spec, struct mt_err *err);

#endif
