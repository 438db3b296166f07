/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * picture.h - photographs and drawings, still or animated, in other sizes and formats.
 *
 * The only module that includes libvips; no type of it appears here. It won over FFmpeg's
 * libraries on speed (JPEG is scaled while it is decoded, rows are streamed), on memory, and on
 * what is right: ICC profiles, CMYK, alpha, animation, HEIF transforms (docs/benchmarks.md).
 *
 * mt_picture_make() parses foreign bytes and is to be called in a jailed child, forked from a
 * process that has called mt_picture_open(). Only the loaders of JPEG, PNG, GIF, WebP, TIFF and
 * HEIF (HEIC, AVIF) are enabled; all others of libvips (SVG, PDF, ImageMagick, ...) are blocked.
 */
#ifndef MT_PICTURE_PICTURE_H
#define MT_PICTURE_PICTURE_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mt_picture_format {
    MT_PICTURE_WEBP,
    MT_PICTURE_JPEG,
    MT_PICTURE_PNG,
    MT_PICTURE_AVIF,
    MT_PICTURE_JXL,
    MT_PICTURE_GIF,
    MT_PICTURE_TIFF,
    MT_PICTURE_FORMATS,
};

/* "webp", "jpg", "png", "avif", "jxl", "gif", "tiff". */
extern const char *const mt_picture_names[MT_PICTURE_FORMATS];

enum mt_picture_fit {
    MT_PICTURE_CONTAIN, /* whole, inside the box */
    MT_PICTURE_COVER,   /* fills the box; what sticks out is cut off, see gravity */
    MT_PICTURE_WIDTH,   /* as wide as the box, however high */
};

/* Which part stays when some is cut off. */
enum mt_picture_gravity {
    MT_PICTURE_CENTER,
    MT_PICTURE_SMART, /* what draws the eye: libvips's "attention": edges, skin tones, saturation */
    MT_PICTURE_NORTH,
    MT_PICTURE_SOUTH,
    MT_PICTURE_EAST,
    MT_PICTURE_WEST,
};

/* What becomes of EXIF, XMP, IPTC and comments. */
enum mt_picture_strip {
    MT_PICTURE_PRIVATE, /* only who made it, whose it is and under which licence stays */
    MT_PICTURE_ALL,     /* nothing stays */
    MT_PICTURE_NONE,    /* all stays, where the format has a place for it; orientation and EXIF
                           thumbnail, which would be wrong now, apart */
};

enum { MT_PICTURE_BOXES_MAX = 8, MT_PICTURE_FRAME_MIN = 100000, MT_PICTURE_FILM = 10 };

/* One encoded picture; valid during the call only. */
struct mt_picture {
    int width, height, frames;
    enum mt_picture_format format;
    int quality; /* it was saved with; 0: the format has none */
    double ssim; /* to the picture before it was encoded; below 0: not measured */
    const void *data;
    size_t size;
};

struct mt_picture_spec {
    struct {
        int width_px, height_px; /* 0: as the source, or what follows from the other */
    } boxes[MT_PICTURE_BOXES_MAX];
    int n_boxes;
    enum mt_picture_fit fit;
    enum mt_picture_gravity gravity;
    enum mt_picture_format formats[MT_PICTURE_FORMATS];
    int n_formats;
    int quality;   /* 1-100 */
    bool optimise; /* look for the lowest quality with an SSIM of 0.98 or more */
    bool still;    /* the first frame of what is animated */
    enum mt_picture_strip strip;
    int64_t max_pixels; /* of one frame; an animation may have MT_PICTURE_FILM times as many in all
                           frames together, each counted as MT_PICTURE_FRAME_MIN or more */
    int64_t max_side;
    int64_t max_frames;
    int (*emit)(void *ctx, const struct mt_picture *picture, struct mt_err *err);
    void *ctx;
};

/*
 * Loads what is needed, once, single-threaded, before the first fork: costs some 50 ms. What is
 * used seldom, HEIF and JPEG XL, is loaded by mt_picture_prepare() when a file or a format is met
 * that needs it. MT_ERR_UNAVAILABLE.
 */
int mt_picture_open(struct mt_err *err) MT_MUST_USE;
int mt_picture_prepare(int fd, const struct mt_picture_spec *spec, struct mt_err *err) MT_MUST_USE;

/* {"libvips": "8.14.1"}. New. */
json_t *mt_picture_versions(void);

/*
 * Reads the regular file behind fd once, and emits it in each size and format: upright by EXIF or
 * HEIF, in sRGB by its ICC profile (relative colorimetric), CMYK by its own or a standard profile,
 * 8 bits a sample, never scaled up. Alpha is kept, on white in JPEG. In WebP and GIF an animation
 * stays one, with its delays and loops; in other formats it is its first frame. A box that gives
 * the same size as one before is left out.
 *
 * Headers are held against the limits before anything is decoded: MT_ERR_LIMIT. A file that ends
 * early or has damaged parts gives what can be decoded, with a note and "degraded"; MT_ERR_DAMAGED
 * if that is nothing.
 *
 * The report, new: {"metadata": as in the media document, "degraded": bool, "notes": [...]}.
 */
json_t *mt_picture_make(int fd, const struct mt_picture_spec *spec, struct mt_err *err);

/*
 * The helper's side of a socket: requests {"name", "spec"} with a descriptor beside each, answered
 * with the lines of lib/worker as they come: {"picture": ...} with its bytes attached, {"report"},
 * and the last line. Returns when the peer closes. Each request has a jailed child of its own.
 */
int mt_picture_serve(int socket, struct mt_err *err) MT_MUST_USE;

#endif
