/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fonts.h - which of the system's fonts can write given characters (fontconfig). */
#ifndef MT_FONTS_FONTS_H
#define MT_FONTS_FONTS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* A font file, mapped into memory. */
struct mt_font {
    void *data;
    size_t size;
    char family[128];
};

/*
 * Finds the sans-serif font that the system prefers for the n characters (Unicode), and, if it
 * lacks some of them, the one that has the most of those: how many, 1 or 2. *missing: how many
 * characters neither has. MT_ERR_UNAVAILABLE when there is no font. To be called before a jail is
 * entered; close each with mt_font_close().
 */
int mt_fonts_find(struct mt_font fonts[2], const uint32_t *characters, size_t n, size_t *missing,
                  struct mt_err *err) MT_MUST_USE;
void mt_font_close(struct mt_font *font);

#endif
