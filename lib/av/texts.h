/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * texts.h - words in pictures, drawn by a process that cannot open fonts.
 *
 * The fonts are found and loaded before the jail is entered, and drawing happens
 * inside. libavfilter 8 (FFmpeg 5.1) orders and joins the letters of Arabic and
 * Hebrew when it is given a text, which is before the jail too: only the file's
 * name is foreign there, and must be short, valid UTF-8 without control characters.
 */
#ifndef MT_AV_TEXTS_H
#define MT_AV_TEXTS_H

#include "base/err.h"

struct mt_av_texts;

enum { MT_AV_TEXT_LINES = 2 };

/*
 * Loads the fonts, for figures and for these lines; NULL or "": none. MT_ERR_UNAVAILABLE when there
 * is no font, or no filter that draws.
 */
int mt_av_texts_open(struct mt_av_texts **texts, const char *const lines[MT_AV_TEXT_LINES],
                     struct mt_err *err) MT_MUST_USE;

/* *texts becomes NULL; nothing if it is NULL already. */
void mt_av_texts_close(struct mt_av_texts **texts);

#endif
