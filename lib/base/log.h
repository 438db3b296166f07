/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log.h - messages for people and journals, on stderr and nowhere else. */
#ifndef MT_BASE_LOG_H
#define MT_BASE_LOG_H

#include "base/err.h"

enum mt_log_level { MT_LOG_ERROR, MT_LOG_WARN, MT_LOG_INFO, MT_LOG_DEBUG };

/*
 * MT_LOG_TEXT     "media-ingest: cannot open 'a.mov': ...", hints on a line of their own
 * MT_LOG_JSON     one object per line: time, level, program, message, code, hint
 * MT_LOG_JOURNAL  text with the <N> priorities of sd-daemon(3)
 */
enum mt_log_format { MT_LOG_TEXT, MT_LOG_JSON, MT_LOG_JOURNAL };

/* Who speaks, how, and up to which level (default MT_LOG_WARN). program must stay valid. */
void mt_log_setup(const char *program, enum mt_log_format format, enum mt_log_level level,
                  bool color);

enum mt_log_level mt_log_level(void);

/*
 * Called around each message, so that a progress bar on the same terminal can
 * take itself away (before is true) and come back. NULL: nobody.
 */
void mt_log_on_output(void (*around)(bool before));

/* One message: lower case, no full stop; control characters are escaped. */
void mt_log(enum mt_log_level level, const char *fmt, ...) MT_PRINTF(2, 3);

/* The failure as a message of the level, with its hint. */
void mt_log_err(enum mt_log_level level, const struct mt_err *err);

/* Writes s as a JSON string with its quotes; for writers that cannot use a library. */
char *mt_log_json_string(const char *s);

#endif
