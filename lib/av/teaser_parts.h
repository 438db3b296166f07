/* SPDX-License-Identifier: GPL-2.0-or-later */
/* teaser_parts.h - what a preview or trailer is put together from. Private to lib/av. */
#ifndef MT_AV_TEASER_PARTS_H
#define MT_AV_TEASER_PARTS_H

#include "av/film.h"
#include "av/teaser.h"

struct SwsContext;

enum { MT_TEASER_BINS = 64 };

/* Times are microseconds of the film; from and to are where pictures begin. */
struct mt_excerpt {
    int64_t from_us, to_us;
    int64_t at_us, length_us; /* in the teaser, once it is encoded */
    bool judged;
    double picture, novelty, motion, sound, black, score; /* see teaser.h */
    bool cut_in, cut_out, quiet_out;
    double gain_db;
    int bins[MT_TEASER_BINS]; /* colours of its first picture */
};

/* A teaser in the making. */
struct mt_teaser {
    const struct mt_av_teaser *spec;
    int fd;
    struct mt_film film;
    int64_t span_from, span_to; /* of the film, where excerpts may lie */
    bool linear;                /* the file cannot be sought in */
    bool large;                 /* pictures are larger than HD */
    bool whole;
    bool mute; /* it has no sound, or none is wanted */
    struct mt_excerpt list[MT_AV_EXCERPTS_MAX];
    int n, wanted;
    int64_t errors;
    json_t *notes, *clips, *loudness;
};

/* How far the work is, in thousandths of all. MT_ERR_CANCELLED. */
int mt_teaser_tell(const struct mt_teaser *t, int thousandths, struct mt_err *err) MT_MUST_USE;

void mt_teaser_note(struct mt_teaser *t, const char *note);

/* ---- where (teaser_choose.c) ---- */

/* Looks at the film and chooses the excerpts. */
int mt_teaser_choose(struct mt_teaser *t, struct mt_err *err) MT_MUST_USE;

/* ---- a stretch from near (teaser_survey.c) ---- */

struct mt_survey;

int mt_survey_open(struct mt_survey **survey, struct mt_teaser *t, struct mt_err *err) MT_MUST_USE;

/*
 * Decodes what lies between from_us and to_us, and finds in it the excerpt that fits best: about
 * length_us long, at most most_us. Fills in all of it but picture, novelty and score. 1 when
 * nothing decodes there.
 */
int mt_survey_fit(struct mt_survey *survey, int64_t from_us, int64_t to_us, int64_t length_us,
                  int64_t most_us, struct mt_excerpt *out, struct mt_err *err) MT_MUST_USE;
void mt_survey_close(struct mt_survey **survey);

/* ---- sound of a stretch (teaser_ear.c) ---- */

struct mt_ear;

/* NULL in *ear when there is no sound that can be decoded. */
int mt_ear_open(struct mt_ear **ear, int fd, const struct mt_av_teaser *spec,
                struct mt_err *err) MT_MUST_USE;
const AVStream *mt_ear_stream(const struct mt_ear *ear);

/*
 * Gives the sound from from_us to about to_us, without holes: each frame's pts counts samples of
 * its own rate from from_us on.
 */
int mt_ear_hear(struct mt_ear *ear, const struct mt_film *film, int64_t from_us, int64_t to_us,
                int (*take)(void *ctx, const AVFrame *frame, struct mt_err *err), void *ctx,
                struct mt_err *err) MT_MUST_USE;
int64_t mt_ear_errors(const struct mt_ear *ear);
void mt_ear_close(struct mt_ear **ear);

/* ---- pictures (teaser_encode.c) ---- */

/* The clips of MP4 and WebM, by their pictures; the caller joins them with their sound. */
struct mt_reel;

int mt_reel_make(struct mt_reel **reel, struct mt_teaser *t, struct mt_err *err) MT_MUST_USE;

/* The files, and t->clips. sounds[clip]: of each, -1 for none. */
int mt_reel_join(struct mt_reel *reel, const int sounds[MT_AV_CLIPS],
                 struct mt_err *err) MT_MUST_USE;
void mt_reel_free(struct mt_reel **reel);

/* ---- sound (teaser_sound.c) ---- */

/*
 * Of the excerpts as they were encoded: one loudness, fades, an encoding for each clip in fds
 * (-1: none), through a file of uncompressed sound. Sets t->mute if there is none.
 */
int mt_teaser_sound(struct mt_teaser *t, int plain, const int fds[MT_AV_CLIPS],
                    struct mt_err *err) MT_MUST_USE;

/* ---- animated WebP (teaser_webp.c) ---- */

struct mt_webp {
    AVCodecContext *codec;
    struct SwsContext *sws;
    AVPacket *packet;
    int64_t last_tick, frames;
};

int mt_webp_open(struct mt_webp *webp, int w, int h, struct mt_err *err) MT_MUST_USE;

/* A picture of limited YUV 4:2:0 shown from us on; those between two ticks are passed over. */
int mt_webp_take(struct mt_webp *webp, const AVFrame *frame, int64_t us,
                 struct mt_err *err) MT_MUST_USE;

/* Writes the file, reads it back and decodes each of its pictures. */
int mt_webp_finish(struct mt_webp *webp, int fd, int64_t length_us, struct mt_err *err) MT_MUST_USE;
void mt_webp_close(struct mt_webp *webp);

#endif
