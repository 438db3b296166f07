/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text.h - text in the columns of a terminal. */
#ifndef MT_STATUS_TEXT_H
#define MT_STATUS_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { MT_STATUS_TEXT_MAX = 4096, MT_AGE_TEXT = 32 };

/*
 * How many columns a character takes: 2 for East Asian wide ones and emoji
 * (UAX #11), 0 for marks that sit on another (Arabic vowel signs too), else 1.
 * Not wcwidth(3), which wants a locale loaded.
 */
int mt_text_columns_of(uint32_t cp);

/* The same for a string of valid UTF-8 without control characters. */
int mt_text_columns(const char *s);

/* Length in bytes of the longest beginning of s that takes at most so many columns. */
size_t mt_text_fit(const char *s, int columns);

/* s if it fits, else its beginning and an ellipsis, together at most so many columns. free() it. */
char *mt_text_cut(const char *s, int columns);

/*
 * How long ago a time was: "12 s ago", "3 min ago", "5 h ago", "9 d ago",
 * from 60 days on its date; "just now" also for times to come. Returns out.
 */
char *mt_text_age(int64_t then_us, int64_t now_us, char out[MT_AGE_TEXT]);

#endif
