/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs.h - the work of media-thumbs on one input. */
#ifndef MT_THUMBS_THUMBS_H
#define MT_THUMBS_THUMBS_H

#include "stage/stage.h"

enum { MT_THUMBS_MAX = 1000 };

struct mt_thumbs {
    int64_t count; /* pictures, spread over the film, when none of the next three is set; 0: none */
    const char *at;      /* "30,1:00,50%", or NULL */
    int64_t every_us;    /* 0: not */
    bool scenes;         /* the first picture of each scene */
    const char *cover;   /* one of mt_thumbs_covers */
    const char *sizes;   /* "320x,160x90", or NULL: width and height */
    int64_t width_px;    /* of the box; 0: as the source */
    int64_t height_px;   /* 0: follows from the width */
    const char *fit;     /* one of mt_thumbs_fits */
    const char *formats; /* "webp,jpg" */
    int64_t quality;     /* 1-100 */
    bool storyboard;
    int64_t tile_every_us; /* 0: fitted to the film */
    int64_t tile_px;       /* the longer side of a tile */
    const char *contact;   /* "4x5": columns and rows of a contact sheet; NULL: none */
    const char *sheets;    /* one of mt_thumbs_sheets */
    const char *gravity;   /* of pictures: one of mt_thumbs_gravities */
    const char *strip;     /* one of mt_thumbs_strips */
    bool optimise, still;
    const char *waveform;           /* "json,png,svg", or NULL */
    const char *wave_size;          /* "1800x280" */
    const char *wave_colors;        /* "2563eb,none": of the sound and the background */
    int64_t wave_points;            /* per second, of JSON */
    bool wave_split;                /* channels apart */
    int64_t preview_us;             /* length of a preview; 0: none */
    int64_t trailer_us;             /* the same of a trailer */
    int64_t preview_px, trailer_px; /* their shorter sides */
    const char *clips;              /* formats of both: "mp4,webm,webp" */
    const char *dir;                /* where programs beside this one lie */
    const struct mt_stage_options *options;
    struct mt_thumbs_helper *helper; /* NULL at first; mt_thumbs_end() ends it */
};

extern const char *const mt_thumbs_gravities[];
extern const char *const mt_thumbs_strips[];
extern const char *const mt_thumbs_waveforms[]; /* what --waveform knows */
extern const char *const mt_thumbs_clips[];     /* what --clip-format knows */

/* {"fallback", "first", "only"}, {"contain", "cover", "width"} and {"jpg", "webp"}, each ending
 * with NULL.
 */
extern const char *const mt_thumbs_covers[];
extern const char *const mt_thumbs_fits[];
extern const char *const mt_thumbs_sheets[];
extern const char *const mt_thumbs_formats[]; /* what --format knows */

/* Whether the options can be read and go together. MT_ERR_USAGE; MT_ERR_UNAVAILABLE for a format
 * that the libraries cannot write. */
int mt_thumbs_check(const struct mt_thumbs *spec, struct mt_err *err) MT_MUST_USE;

/* Ends the helper for pictures, if one was needed. */
void mt_thumbs_end(struct mt_thumbs *spec);

/* A stage's knows function (ctx: struct mt_thumbs): true for pictures that the helper takes. */
bool mt_thumbs_knows(int fd, json_t *asset, void *ctx);

/* The settings that decide what comes out. New. */
json_t *mt_thumbs_parameters(const struct mt_thumbs *spec);

/* A stage's work function (ctx: struct mt_thumbs): makes and publishes what is asked for, fills
 * thumbnails and variants. */
int mt_thumbs_work(struct mt_item *item, void *ctx, struct mt_err *err);

#endif
