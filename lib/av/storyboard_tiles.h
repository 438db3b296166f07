/* SPDX-License-Identifier: GPL-2.0-or-later */
/* storyboard_tiles.h - the tiles of a film, by several threads. Private to lib/av. */
#ifndef MT_AV_STORYBOARD_TILES_H
#define MT_AV_STORYBOARD_TILES_H

#include "av/thumbs_pick.h"
#include "av/thumbs_render.h"

struct mt_tiles {
    int n;
    int64_t interval_us, duration_us;
    int width, height; /* of each; 0: not known yet */
    AVFrame **frames;  /* n; RGB24, of about that size; NULL: nothing decoded */
    int64_t *times_us; /* of each */
    int64_t damaged;
};

struct mt_tiles_wish {
    int64_t interval_us; /* 0: by count */
    int count;           /* of tiles; 0: fitted to the film */
    int tile_px;         /* the longer side, at most */
    int threads;         /* 0: by the processors */
};

/* Takes the tiles, by several threads at once. Free them with mt_tiles_free(), also on failure. */
int mt_tiles_take(struct mt_tiles *tiles, int fd, const struct mt_tiles_wish *wish,
                  const struct mt_av_limits *limits, const struct mt_av_progress *progress,
                  struct mt_err *err) MT_MUST_USE;

void mt_tiles_free(struct mt_tiles *tiles);

/* A black RGB24 picture. NULL without memory. */
AVFrame *mt_blank(int width, int height);

/* Copies the tile into the cell of that size at x, y: centred, cut if it is larger. */
void mt_paste(AVFrame *sheet, int x, int y, int width, int height, const AVFrame *tile);

#endif
