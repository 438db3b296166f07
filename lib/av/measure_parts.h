/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure_parts.h - listening and looking, a frame at a time. Private to lib/av.
 *
 * Times that go in and come out are microseconds from the start of the film.
 * The pictures are judged in a copy at most 320 pixels wide that takes some
 * pixels as they are: a fair sample, in which noise stays noise, so that
 * the detectors answer as on the full picture, within a frame, at a fraction of
 * the cost. (libswscale's fast bilinear scaler is no choice in a jail: it
 * wants to make code at run time.)
 */
#ifndef MT_AV_MEASURE_PARTS_H
#define MT_AV_MEASURE_PARTS_H

#include "av/film.h"
#include "av/measure.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersrc.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>

/* Stretches of time; the last one may still be open. */
struct mt_spans {
    int64_t open_us; /* INT64_MIN: none is open */
    int64_t shortest_us;
    json_t *list; /* [{start, end}] */
};

void mt_spans_init(struct mt_spans *s, int64_t shortest_us);
void mt_spans_free(struct mt_spans *s);
void mt_spans_open(struct mt_spans *s, int64_t us);
void mt_spans_close(struct mt_spans *s, int64_t us); /* kept unless too short */

/* A chain of filters from one source to one sink. */
struct mt_chain {
    AVFilterGraph *graph;
    AVFilterContext *source, *sink;
    AVFrame *out;
};

/* par is given to the source; text is the chain in libavfilter's language. */
int mt_chain_open(struct mt_chain *c, bool sound, AVBufferSrcParameters *par, const char *text,
                  struct mt_err *err) MT_MUST_USE;
void mt_chain_close(struct mt_chain *c);

/* A number that a filter left on the frame; false if there is none. */
bool mt_chain_number(const AVFrame *frame, const char *key, double *value);

/* Opens and closes the span as a filter's marks on the frame say, both in seconds. */
void mt_chain_span(const AVFrame *frame, const char *start, const char *end, struct mt_spans *s);

/*
 * Momentary loudness over time in at most MT_COURSE_POINTS steps: the step doubles when
 * the film turns out to be longer. What ends before the film begins is not kept.
 */
enum { MT_COURSE_POINTS = 600 };

struct mt_course {
    int64_t step_us;
    int n; /* steps up to the last one with a value */
    double power[MT_COURSE_POINTS];
    int64_t values[MT_COURSE_POINTS];
};

void mt_course_init(struct mt_course *c);

/* Adds a loudness in LUFS that was heard at us. */
void mt_course_add(struct mt_course *c, int64_t us, double lufs);

/* {"step_s", "lufs": [...]}, the energy mean of each step, null below -70 LUFS. New. */
json_t *mt_course_json(const struct mt_course *c);

struct mt_listener {
    bool loudness, silence;
    double silence_db;
    int64_t silence_us;
    struct mt_chain chain;
    SwrContext *uniform; /* to what the first frame was like, when others differ */
    SwrContext *fine;    /* to 192 kHz: the true peak */
    AVFrame *converted;
    AVChannelLayout layout;
    int rate;
    int64_t samples;          /* heard so far */
    int64_t begin_us, end_us; /* of the sound; INT64_MIN: none yet */
    struct mt_spans silences;
    double sample_peak, true_peak;                   /* linear */
    double integrated, range, momentary, short_term; /* LUFS, LU; the maxima of the last two */
    double gate_power;                               /* sum over the blocks above -70 LUFS */
    int64_t gate_blocks;
    int64_t momentaries; /* windows so far, those that are not full yet as well */
    struct mt_course course;
};

void mt_listener_init(struct mt_listener *l, const struct mt_av_measure *spec);
void mt_listener_free(struct mt_listener *l);

/* Hears a decoded frame that begins at us (AV_NOPTS_VALUE: after the one before). */
int mt_listener_hear(struct mt_listener *l, const AVFrame *frame, int64_t us,
                     struct mt_err *err) MT_MUST_USE;

/* No more frames come: closes what is open. */
int mt_listener_end(struct mt_listener *l, struct mt_err *err) MT_MUST_USE;

/* The figures of EBU R 128, a new reference. */
json_t *mt_listener_loudness(const struct mt_listener *l);

struct mt_watcher {
    bool black, freeze, scenes;
    double scene_threshold;
    int64_t freeze_us;
    struct mt_chain chain;
    struct SwsContext *sws;
    int from_w, from_h, from_format, from_range; /* what sws takes */
    int w, h;
    AVFrame *small;
    int64_t begin_us, last_us, end_us; /* of the pictures; INT64_MIN: none yet */
    int64_t frames;
    struct mt_spans blacks, freezes;
    json_t *scene_list; /* [{start, score}] */
    int64_t cut_us;     /* of the last scene */
};

void mt_watcher_init(struct mt_watcher *w, const struct mt_av_measure *spec);
void mt_watcher_free(struct mt_watcher *w);

/* Sees a decoded frame shown from us on, for frame_us if nobody knows better. */
int mt_watcher_see(struct mt_watcher *w, const AVFrame *frame, int64_t us, int64_t frame_us,
                   struct mt_err *err) MT_MUST_USE;

int mt_watcher_end(struct mt_watcher *w, struct mt_err *err) MT_MUST_USE;

/* The scenes, each lasting until the next, the last until end_us. A new reference. */
json_t *mt_watcher_scenes(const struct mt_watcher *w, int64_t end_us);

/* Microseconds as seconds, to the microsecond. */
json_t *mt_seconds(int64_t us);

#endif
