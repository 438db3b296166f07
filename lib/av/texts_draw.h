/* SPDX-License-Identifier: GPL-2.0-or-later */
/* texts_draw.h - drawing with what mt_av_texts_open() loaded. Private to lib/av. */
#ifndef MT_AV_TEXTS_DRAW_H
#define MT_AV_TEXTS_DRAW_H

#include "av/texts.h"

#include <libavutil/frame.h>

#include <stdbool.h>

/*
 * Strips of RGB24, white on black, with the text at the left; *width: as far as there is anything
 * in one. Free them with av_frame_free().
 */
int mt_text_stamp(struct mt_av_texts *texts, const char *figures, AVFrame **strip, int *width,
                  struct mt_err *err) MT_MUST_USE;
int mt_text_line(struct mt_av_texts *texts, int line, AVFrame **strip, int *width,
                 struct mt_err *err) MT_MUST_USE;

/* Whether there is such a line. */
bool mt_text_has_line(const struct mt_av_texts *texts, int line);

#endif
