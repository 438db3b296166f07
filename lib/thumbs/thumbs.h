/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs.h - the work of media-thumbs on one input. */
#ifndef MT_THUMBS_THUMBS_H
#define MT_THUMBS_THUMBS_H

#include "stage/stage.h"

enum { MT_THUMBS_MAX = 1000 };

struct mt_thumbs {
    int64_t count;       /* pictures, spread over the film; used when at is empty */
    const char *at;      /* "30,1:00,50%", or NULL */
    int64_t width_px;    /* of the box; 0: as the source */
    int64_t height_px;   /* 0: follows from the width */
    const char *formats; /* "webp,jpg" */
    int64_t quality;     /* 1-100 */
    const struct mt_stage_options *options;
};

/* Whether at and formats can be read. MT_ERR_USAGE. */
int mt_thumbs_check(const struct mt_thumbs *spec, struct mt_err *err) MT_MUST_USE;

/* The settings that decide what comes out. New. */
json_t *mt_thumbs_parameters(const struct mt_thumbs *spec);

/* A stage's work function (ctx: struct mt_thumbs): takes the pictures, publishes each, fills
 * thumbnails. */
int mt_thumbs_work(struct mt_item *item, void *ctx, struct mt_err *err);

#endif
