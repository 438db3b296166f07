/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs.h - still pictures of a media file. */
#ifndef MT_AV_THUMBS_H
#define MT_AV_THUMBS_H

#include "av/av.h"

#include <stdbool.h>
#include <stddef.h>

enum mt_av_picture_format { MT_AV_WEBP, MT_AV_JPEG, MT_AV_PNG, MT_AV_AVIF, MT_AV_JXL };
enum { MT_AV_PICTURE_FORMATS = 5, MT_AV_BOXES_MAX = 8 };

/* Whether these libraries can write the format. */
bool mt_av_can_encode(enum mt_av_picture_format format);

/* The size that is wanted, upright; 0: the source's, or what follows from the other and the shape.
 */
struct mt_av_box {
    int width_px, height_px;
};

/* What becomes of a picture of another shape than its box. Nothing is ever scaled up. */
enum mt_av_fit {
    MT_AV_CONTAIN, /* whole, inside the box */
    MT_AV_COVER,   /* it fills the box, what sticks out is cut off evenly; a small source gives a
                      small picture of the box's shape */
    MT_AV_WIDTH,   /* as wide as the box, however high */
};

/* One encoded picture; valid during the call only. */
struct mt_av_picture {
    int64_t time_us;   /* of the frame shown, from the start of the film */
    int64_t wanted_us; /* the time that was asked for */
    int number;        /* from 0; the sizes and formats of one picture share it */
    bool cover;        /* the attached cover, before the film's own */
    int width, height; /* pixels */
    enum mt_av_picture_format format;
    const void *data;
    size_t size;      /* bytes */
    const char *note; /* what is special: cover art, moved off a black frame ...; or NULL */
};

enum { MT_AV_PICTURES_MAX = 100000 };

struct mt_av_thumbs {
    int count; /* pictures spread evenly over the film, when nothing of the following is set */
    const int64_t *times_us;
    int n_times;
    int64_t every_us; /* one at 0 and then one at each multiple */
    bool scenes;      /* one at the first key frame of each scene */
    int most;         /* pictures that every_us and scenes may give; 0: MT_AV_PICTURES_MAX */
    bool cover_first; /* the cover art before them, if there is some */
    bool exact;       /* the very frame on screen at each time, whatever it looks like */
    struct mt_av_box boxes[MT_AV_BOXES_MAX]; /* every picture is made once for each */
    int n_boxes;                             /* 0: one, of the source's size */
    enum mt_av_fit fit;
    enum mt_av_picture_format formats[MT_AV_PICTURE_FORMATS];
    int n_formats;
    int quality; /* 1-100 */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
    int (*emit)(void *ctx, const struct mt_av_picture *picture, struct mt_err *err);
    void *ctx;
};

/*
 * Seeks to each time, decodes no more than is needed, moves away from black,
 * white, one-coloured and damaged frames to a better neighbour (nearer to this
 * time than to any other that is wanted), applies rotation, mirroring and SAR,
 * deinterlaces, maps HDR to SDR, scales down (never up) in full-range RGB, and
 * emits each picture in each size and format, in the order of time. A size that comes out the
 * same as one before (a small source) is left out. Pictures carry no metadata of the source.
 *
 * count pictures lie at (i + 1/2) / count of the time that has pictures; a key
 * frame nearer to that than to the next one is taken, so that the cost is that
 * of the pictures and not of the film. times_us are met within half a second
 * when a key frame is so near, to the frame otherwise, and clamped to the
 * film's end. Two pictures of one frame are one: there may be fewer than were
 * asked for. A still image gives one picture, and so does the cover art of a
 * file that has sound only. Scenes are told apart by key frames alone, see thumbs_scenes.h; a
 * file of more than most of them gives the first ones, and a note; every_us with more is
 * MT_ERR_USAGE.
 *
 * emit() is called with data that is valid during the call; what it returns
 * other than 0 ends the work and is the failure of this function.
 *
 * The report, a new reference: {"pictures": n, "representative": index of the
 * most telling one in the order emitted, "notes": [..], "errors": packets and
 * frames that did not decode well, or more where the libraries logged more, "messages": the
 * libraries' last lines}. The most telling has the greatest product of sharpness (1 + mean luma
 * step between neighbours), colour (10 + Hasler-Süsstrunk colourfulness), exposure (1 less the
 * squared distance of the mean luma from 118) and light (1 less half the near-black share), all on
 * a copy of 160 pixels.
 *
 * MT_ERR_NOT_APPLICABLE when there is no picture in the file, MT_ERR_DAMAGED
 * when none decodes, MT_ERR_USAGE for a count, quality or format out of range.
 */
json_t *mt_av_thumbs(int fd, const struct mt_av_thumbs *spec, struct mt_err *err);

#endif
