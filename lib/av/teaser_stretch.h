/* SPDX-License-Identifier: GPL-2.0-or-later */
/* teaser_stretch.h - the pictures between two times of a film. Private to lib/av. */
#ifndef MT_AV_TEASER_STRETCH_H
#define MT_AV_TEASER_STRETCH_H

#include "av/segment_parts.h"
#include "av/teaser_parts.h"

struct mt_stretch {
    struct mt_teaser *teaser;
    struct mt_feed feed;
    int64_t from, to; /* in the stream's time base */
    AVFrame *frame;   /* what mt_stretch_next() gives */
    AVFrame *held;    /* on screen before from; the one that ended the stretch before */
    AVFrame *pending; /* follows frame */
    bool open, rough, begun;
    int64_t errors; /* of feeds closed */
};

/* rough: without loop filters, for pictures that are looked at in small copies. */
int mt_stretch_open(struct mt_stretch *s, struct mt_teaser *t, bool rough,
                    struct mt_err *err) MT_MUST_USE;

/* Another stretch; what does not go back costs least where the file cannot be sought in. */
int mt_stretch_begin(struct mt_stretch *s, int64_t from_us, int64_t to_us,
                     struct mt_err *err) MT_MUST_USE;

/*
 * 1 and the next picture in s->frame, its pts in the stream's base; the first is the one on screen
 * at from_us, with that time. 0 when there is none before to_us. -1.
 */
int mt_stretch_next(struct mt_stretch *s, struct mt_err *err) MT_MUST_USE;

/* How long s->frame lasts, as far as is known. */
int64_t mt_stretch_duration(const struct mt_stretch *s);
int64_t mt_stretch_us(const struct mt_stretch *s, int64_t pts); /* of the film */
int64_t mt_stretch_errors(const struct mt_stretch *s);
void mt_stretch_close(struct mt_stretch *s);

#endif
