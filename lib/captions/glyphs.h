/* SPDX-License-Identifier: GPL-2.0-or-later */
/* glyphs.h - characters as readers count them. */
#ifndef MT_CAPTIONS_GLYPHS_H
#define MT_CAPTIONS_GLYPHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the first character of the valid, not empty UTF-8 text, with all that belongs to it. */
size_t mt_glyph_next(const char *text);

/* How many characters the first n bytes are. */
int mt_glyphs(const char *text, size_t n);

/* Marks, joiners and selectors: no character of its own. */
bool mt_glyph_is_mark(uint32_t cp);

/* U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069, and controls. */
bool mt_glyph_is_control(uint32_t cp);

bool mt_glyph_is_rtl(uint32_t cp);   /* a letter of a script written from right to left */
bool mt_glyph_is_latin(uint32_t cp); /* a Latin letter */

#endif
