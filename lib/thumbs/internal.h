/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/thumbs only. */
#ifndef MT_THUMBS_INTERNAL_H
#define MT_THUMBS_INTERNAL_H

#include "av/thumbs.h"
#include "thumbs/thumbs.h"

/* read.c: what the options say, as the media libraries take it. All -1 with MT_ERR_USAGE. */

/* The extension of a format's files. */
const char *mt_picture_ext(enum mt_av_picture_format format);

/* How many were read. */
int mt_read_formats(const char *text, enum mt_av_picture_format out[MT_AV_PICTURE_FORMATS],
                    struct mt_err *err);
int mt_read_boxes(const struct mt_thumbs *spec, struct mt_av_box out[MT_AV_BOXES_MAX],
                  struct mt_err *err);
int mt_read_times(const char *text, int64_t duration_us, int64_t times[MT_THUMBS_MAX],
                  struct mt_err *err);

enum mt_av_fit mt_read_fit(const char *text);

/* pictures.c: the thumbnails. *made: whether anything had to be. */
int mt_thumbs_pictures(struct mt_item *item, const struct mt_thumbs *spec, bool *made,
                       struct mt_err *err);

/* Whether pictures are asked for at all. */
bool mt_wants_pictures(const struct mt_thumbs *spec);

/* The settings that decide what pictures come out. New. */
json_t *mt_pictures_parameters(const struct mt_thumbs *spec);

#endif
