/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * material.h - sound and pictures for engines, from the decode that measures.
 *
 * The decoding child writes them into nameless files whose descriptors it inherits; the engines
 * get the same files, to read only.
 */
#ifndef MT_ANALYZE_MATERIAL_H
#define MT_ANALYZE_MATERIAL_H

#include "av/measure.h"
#include "engine/engine.h"
#include "voice/voice.h"

/* One kind of sound or picture; engines that want the same share it. */
struct mt_material_file {
    int fd;
    int rate_hz;       /* of sound */
    int side_px, most; /* of pictures */
};

struct mt_material {
    struct mt_material_file sounds[MT_AV_TAPS_MAX], pictures[MT_AV_TAPS_MAX];
    int n_sounds, n_pictures;
    const char *tmp; /* where the files are made */
    json_t *report;  /* what the child said: "spans", "voice", "pictures" [[time_s ...]], "sizes" */
};

void mt_material_init(struct mt_material *m, const char *tmp);
void mt_material_free(struct mt_material *m);

/* Prepares what the engine wants. MT_ERR_LIMIT: more kinds than one decode serves. */
int mt_material_want(struct mt_material *m, const struct mt_engine *engine,
                     struct mt_err *err) MT_MUST_USE;

/* The descriptors that the child has to keep; returns how many. fds has room for 2 * TAPS. */
int mt_material_fds(const struct mt_material *m, int fds[2 * MT_AV_TAPS_MAX]);

/* In the child: measures as spec says, filling the files; what they hold is added to the report. */
json_t *mt_material_measure(const struct mt_material *m, int fd, const struct mt_av_measure *spec,
                            struct mt_err *err);

/*
 * Members of an engine's first line that speak of its material ("input", "spans",
 * "frames"), new, and its descriptor. NULL: there is none of it in the source.
 */
json_t *mt_material_of(const struct mt_material *m, const struct mt_engine *engine, int *fd);

#endif
