/* SPDX-License-Identifier: GPL-2.0-or-later */
/* film.h - where a film begins and ends, and what the library versions call things. Private to
 * lib/av. */
#ifndef MT_AV_FILM_H
#define MT_AV_FILM_H

#include "av/frame.h"
#include "av/input.h"

#include <stdbool.h>

/* Times in microseconds from the start of the film. */
struct mt_film {
    int64_t origin_us;   /* the timestamp of the container that is the start of the film */
    int64_t duration_us; /* 0: unknown */
    int64_t first_us;    /* of the picture stream */
    int64_t last_us;     /* end of the picture stream; 0: unknown */
    int64_t frame_us;    /* how long one picture stays, about; never 0 */
    bool still;          /* one picture, no time */
};

/*
 * What the headers tell; pictures is the stream that counts, or NULL. The start
 * is that of the earliest stream, but for an MP4 whose edit lists begin with an
 * empty part it is 0: the film has nothing to show there, and lasts longer.
 */
void mt_film_look(struct mt_film *film, const struct mt_in *in, const AVStream *pictures);

/* Reads every packet when the headers do not tell the end. The file must be opened anew after. */
int mt_film_scan(struct mt_film *film, struct mt_in *in, const AVStream *pictures,
                 struct mt_err *err) MT_MUST_USE;

/* A timestamp of the stream in the film's time, and back. AV_NOPTS_VALUE stays what it is. */
int64_t mt_film_time(const struct mt_film *film, const AVStream *stream, int64_t ts);
int64_t mt_film_timestamp(const struct mt_film *film, const AVStream *stream, int64_t us);

#endif
