/* SPDX-License-Identifier: GPL-2.0-or-later */
/* storyboard.h - a film as many small pictures on a few sheets. */
#ifndef MT_AV_STORYBOARD_H
#define MT_AV_STORYBOARD_H

#include "av/av.h"
#include "av/thumbs.h"

enum { MT_AV_TILES_MAX = 4000, MT_AV_SHEET_SIDE = 4096 };

/* One encoded sheet; valid during the call only. */
struct mt_av_sheet {
    int number, tiles; /* from 0; how many are on it */
    int width, height; /* pixels */
    const void *data;
    size_t size; /* bytes */
};

struct mt_av_storyboard {
    int64_t interval_us; /* from tile to tile; 0: fitted to the film, see below */
    int tile_px;         /* the longer side of a tile, at most */
    int columns, rows;   /* of a sheet, at most; fewer where a side would exceed the maximum */
    enum mt_av_picture_format format;
    int quality; /* 1-100 */
    int threads; /* parts of the film at once; 0: by the processors, at most 4 */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
    int (*emit)(void *ctx, const struct mt_av_sheet *sheet, struct mt_err *err);
    void *ctx;
};

/*
 * Tile i stands for the time from i to i + 1 intervals, the last one until the film's end, and
 * shows a key frame of that time, the one nearest to its middle; where there is none the frame
 * there. So what is decoded is a frame a tile, unless tiles are closer than key frames. All tiles
 * have one size, both sides even, the film's shape (portrait stays portrait); cells go from left to
 * right and from top to bottom; a single sheet has only the rows it needs, and the columns if it is
 * one row. The last of several is as large as the others, black where it has no tile: shaka-player
 * for one cuts all of them by the size of the first.
 *
 * A fitted interval is the smallest of 1/4, 1/2, 1, 2, 5, 10, 15, 20, 30 s, 1, 2, 5, 10 min that
 * gives at most 400 tiles, and no less than a frame.
 *
 * The report, new: {"tile_width", "tile_height", "columns", "rows", "interval_us", "duration_us",
 * "times_us": [of the frame on each tile], "sheets": [{"width", "height", "tiles"}], "notes",
 * "errors"}. A tile for which nothing decodes repeats its neighbour, with a note. A file of one
 * still picture is MT_ERR_NOT_APPLICABLE, as is one without pictures. MT_ERR_USAGE for more than
 * MT_AV_TILES_MAX tiles, MT_ERR_DAMAGED when nothing decodes.
 */
json_t *mt_av_storyboard(int fd, const struct mt_av_storyboard *spec, struct mt_err *err);

#endif
