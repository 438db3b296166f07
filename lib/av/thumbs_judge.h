/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs_judge.h - what a frame looks like, in figures. Private to lib/av. */
#ifndef MT_AV_THUMBS_JUDGE_H
#define MT_AV_THUMBS_JUDGE_H

#include "av/film.h"

/* From best to worst. */
enum mt_look_kind {
    MT_LOOK_GOOD,
    MT_LOOK_FLAT,  /* one colour */
    MT_LOOK_WHITE, /* and that one is white */
    MT_LOOK_BLACK,
    MT_LOOK_DAMAGED,
};

struct mt_look {
    enum mt_look_kind kind;
    double mean;      /* of the luma inside black bars, 0-255, full range */
    double spread;    /* its standard deviation */
    double dark;      /* share of the whole frame that is nearly black, 0-1 */
    double sharpness; /* mean difference of neighbours */
    double colour;    /* colourfulness of Hasler and Süsstrunk, 2003 */
    double score;     /* the more telling, the higher; see mt_av_thumbs() */
};

/* Judges a decoded frame by a small copy of it. */
int mt_look_at(struct mt_look *look, const AVFrame *frame, struct mt_err *err) MT_MUST_USE;

/* "black", "white", "flat", "damaged" or "good". */
const char *mt_look_name(enum mt_look_kind kind);

#endif
