/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text.h - text that may not be what it claims, and figures for people. */
#ifndef MT_BASE_TEXT_H
#define MT_BASE_TEXT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length in bytes (1-4) of the well-formed UTF-8 sequence that the n > 0 bytes at s
 * begin with, its code point into *cp; 0 if there is none.
 */
size_t mt_utf8_next(const char *s, size_t n, uint32_t *cp);

/* Whether cp moves the cursor, ends a line or turns text around: C0, C1, line and bidi controls. */
bool mt_utf8_is_control(uint32_t cp);

/* Whether the n bytes are well-formed UTF-8 (Unicode 15, table 3-7). NUL counts as valid. */
bool mt_utf8_valid(const char *s, size_t n);

/*
 * The n bytes as a string that is valid UTF-8, each ill-formed byte and NUL
 * replaced by U+FFFD. free() it.
 */
char *mt_utf8_clean(const char *s, size_t n);

/*
 * The string as it may be shown on a terminal or in one line of a log: valid
 * UTF-8, bytes that are not and control characters as \xNN or \uNNNN, at most
 * max bytes (8 if max is less), the middle replaced by "..." if longer. free() it.
 */
char *mt_text_printable(const char *s, size_t max);

bool mt_str_starts(const char *s, const char *prefix);
bool mt_str_ends(const char *s, const char *suffix);

/* ASCII-only lower case in place; returns s. */
char *mt_str_lower(char *s);

/*
 * Whole decimal number, with min and max inclusive. The message starts with
 * what: "--count takes a whole number, not '3x'".
 */
int mt_parse_int(const char *what, const char *text, int64_t min, int64_t max, int64_t *out,
                 struct mt_err *err) MT_MUST_USE;

/*
 * A size in bytes: a whole number with an optional suffix k M G T (powers of
 * 1000) or Ki Mi Gi Ti (powers of 1024), "B" may follow.
 */
int mt_parse_size(const char *what, const char *text, int64_t *bytes,
                  struct mt_err *err) MT_MUST_USE;

/*
 * Microseconds from "30", "30.5", "1:00", "1:02:03.25" or, without colons, with
 * suffix ms, s, m, h. No figure may pass 10^9, those after a colon not 59.
 */
int mt_parse_duration(const char *what, const char *text, int64_t *us,
                      struct mt_err *err) MT_MUST_USE;

enum { MT_FIGURE = 32 }; /* bytes that hold any of the following */

/* "1.5 GB" (powers of 1000), "980 B". Returns out. */
char *mt_show_bytes(int64_t bytes, char out[MT_FIGURE]);

/* "1:02:03", "0:07", "0.35 s" below 10 seconds. Returns out. */
char *mt_show_duration(int64_t us, char out[MT_FIGURE]);

/* How far a is from b in single-character edits and swaps (Damerau-Levenshtein, both < 64). */
int mt_text_distance(const char *a, const char *b);

/*
 * The one of the words, ended by NULL, that was probably meant: no more edits away
 * than a slip of the fingers makes (2, or 3 in words of more than 6 bytes, always
 * fewer than half of the longer one has), or of which word is the beginning. NULL
 * if none is so near.
 */
const char *mt_text_nearest(const char *word, const char *const words[]);

/* The same question of one word alone: how many edits away it is; -1 if too many. */
int mt_text_nearness(const char *word, const char *known);

/*
 * The remedy of a failure for an unknown word: "did you mean 'x'?", or if no
 * word is near "it takes " and known, which may be NULL for all the words. Returns -1.
 */
int mt_hint_nearest(struct mt_err *err, const char *word, const char *const words[],
                    const char *known);

/* Base 64 of RFC 4648 section 4, padded. free() it. */
char *mt_base64(const void *data, size_t n);

/* Base 64 of RFC 4648 section 5 (for URLs), without padding. free() it. */
char *mt_base64url(const void *data, size_t n);

/*
 * The bytes of such a text of n characters, with a NUL behind them; *len may be NULL. NULL
 * for other characters, padding, and for bits that no encoder leaves set. free() it.
 */
unsigned char *mt_base64url_decode(const char *text, size_t n, size_t *len);

#endif
