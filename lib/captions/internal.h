/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - between the parts of captions. */
#ifndef MT_CAPTIONS_INTERNAL_H
#define MT_CAPTIONS_INTERNAL_H

#include "captions/captions.h"

#include <stdbool.h>
#include <stddef.h>

/* What is never parted: a word, or as much of a long one as a line holds. */
struct mt_unit {
    const char *text; /* n bytes of the tidy text */
    size_t n;
    int chars;
    double start, end;
    int phrase; /* how well a line or caption ends after it, 0 to 100 */
};

/*
 * Where the first of two lines best ends: after how many of the n units; n when all fit into one,
 * 0 when they do not fit into rules->lines.
 */
size_t mt_caption_break(const struct mt_unit *units, size_t n,
                        const struct mt_caption_rules *rules);

/*
 * The units of a cue's tidy text, with times; *n is how many. free() them. words: as in
 * mt_captions_shape(), or NULL.
 */
struct mt_unit *mt_caption_units(const char *text, double start, double end, const json_t *words,
                                 const struct mt_caption_rules *rules, size_t *n);

/* The text as captions have it: see mt_captions_shape(). free() it. */
char *mt_caption_tidy(const char *text);

#endif
