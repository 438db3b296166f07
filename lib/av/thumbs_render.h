/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs_render.h - from a decoded frame to the picture a person sees. Private to lib/av. */
#ifndef MT_AV_THUMBS_RENDER_H
#define MT_AV_THUMBS_RENDER_H

#include "av/film.h"
#include "av/thumbs.h"

/*
 * A new frame, RGB24 or, where something is transparent, RGBA (not
 * premultiplied): full range, square pixels, upright, deinterlaced, HDR tone
 * mapped to SDR, scaled down into box (0: no bound) as fit says. It
 * carries none of the source's metadata. SAR comes from the frame, orientation
 * from the frame (EXIF) or else the stream. Free it with av_frame_free().
 *
 * Pictures without a stated matrix count as BT.709 when they belong to a film
 * in HD and as BT.601 otherwise, as players do.
 */
int mt_render(AVFrame **out, const AVFrame *frame, const struct mt_in *in, const AVStream *stream,
              const struct mt_film *film, struct mt_av_box box, enum mt_av_fit fit,
              struct mt_err *err) MT_MUST_USE;

#endif
