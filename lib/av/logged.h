/* SPDX-License-Identifier: GPL-2.0-or-later */
/* logged.h - what the libraries said lately. Private to lib/av. */
#ifndef MT_AV_LOGGED_H
#define MT_AV_LOGGED_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MT_LOGGED_LINE = 200 };

/* The last error that was logged, cleaned; empty if none, or logging is not captured. */
void mt_logged_last(char out[MT_LOGGED_LINE]);

/* Makes the last few errors that were logged the last words of the failure. Returns -1. */
int mt_logged_words(struct mt_err *err);

/* Errors logged ever. */
int64_t mt_logged_count(void);

/* Forgets it, so that the next question is about what happens from now on. */
void mt_logged_mark(void);

/* Whether, since the mark, a picture was larger than the pixel limit, and which: "16000x9000". */
bool mt_logged_oversize(char out[MT_LOGGED_LINE]);

/* Whether, since the mark, there were more streams than permitted. */
bool mt_logged_too_many_streams(void);

/* Whether, since the mark, a demuxer said that the essence is protected. */
bool mt_logged_protected(void);

#endif
