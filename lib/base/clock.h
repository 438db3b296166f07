/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock.h - what time it is, and identifiers. */
#ifndef MT_BASE_CLOCK_H
#define MT_BASE_CLOCK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { MT_TIME_TEXT = 32, MT_UUID_TEXT = 37 };

/* Microseconds since 1970-01-01 UTC. */
int64_t mt_now_us(void);

/* Microseconds of a clock that never jumps; only differences mean anything. */
int64_t mt_mono_us(void);

/*
 * RFC 3339 in UTC with milliseconds, "2026-01-15T14:00:00.000Z": text of equal
 * length, so that the order of strings is the order of times. What lies before
 * the year 0 or after 9999 becomes the nearest time that can be written.
 * Returns out.
 */
char *mt_time_text(int64_t us, char out[MT_TIME_TEXT]);

/*
 * Microseconds since 1970 of an RFC 3339 time with 'Z' or an offset; digits
 * after the sixth of the fraction are dropped. MT_ERR_USAGE for anything else.
 */
int mt_time_parse(const char *text, int64_t *us, struct mt_err *err) MT_MUST_USE;

/* A random UUID (RFC 9562 version 4) in lower case. Returns out. */
char *mt_uuid(char out[MT_UUID_TEXT]);

/* Whether text is a UUID in its 36-character form, any version, lower or upper case. */
bool mt_uuid_valid(const char *text);

#endif
