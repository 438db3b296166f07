/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ladder.h - which renditions a source gets. */
#ifndef MT_TRANSCODE_LADDER_H
#define MT_TRANSCODE_LADDER_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

enum { MT_RUNGS_MAX = 16 };

/* One rung: the shorter side of the picture and what it may cost. */
struct mt_rung {
    char name[16];     /* "720p" */
    int height_px;     /* of the shorter side */
    int64_t max_bps;   /* peak rate of the picture (VBV) */
    int64_t audio_bps; /* of AAC */
};

struct mt_ladder {
    struct mt_rung rungs[MT_RUNGS_MAX];
    int n;
};

/*
 * Reads "1080p,720p,480p", in any order, each 16 to 4320 lines. The peak rates of the
 * specification's qualities (1080p 5000k, 720p 2500k, 480p 1000k, 360p 600k) are kept;
 * others lie on the line through their neighbours by number of pixels. MT_ERR_USAGE.
 */
int mt_ladder_parse(struct mt_ladder *ladder, const char *text, struct mt_err *err) MT_MUST_USE;

/*
 * Fits the ladder to a source of that display size: rungs above it are left out, since
 * nothing is enlarged; if none is left, one rung of the source's own size takes
 * their place. dropped gets a {"quality", "reason"} for each that went. Highest first.
 */
void mt_ladder_fit(struct mt_ladder *ladder, int display_w, int display_h, json_t *dropped);

/* The usual qualities; any other number of lines will do too. Ends with NULL. */
extern const char *const mt_qualities[];

#endif
