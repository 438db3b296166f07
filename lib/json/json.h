/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.h - JSON with limits, on jansson.
 *
 * Ownership follows jansson: functions with _new in their names, and those
 * that say so, give a reference that the caller decref()s; all others lend.
 */
#ifndef MT_JSON_JSON_H
#define MT_JSON_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    MT_JSON_LINE_MAX = 32 * 1024 * 1024, /* bytes of one line of NDJSON */
    MT_JSON_DEPTH_MAX = 64,              /* objects and arrays within each other */
    MT_JSON_VALUES_MAX = 1 << 20,        /* values in one text: an empty object takes 240 bytes */
};

/*
 * Parses n bytes as one JSON value; duplicate members, ill-formed UTF-8, NULs,
 * trailing text, more than MT_JSON_DEPTH_MAX levels and more than
 * MT_JSON_VALUES_MAX values are refused. The failure is MT_ERR_BAD_DOCUMENT and
 * its message starts with what.
 * A new reference.
 */
json_t *mt_json_parse(const char *what, const char *text, size_t n, struct mt_err *err);

/* The JSON of a file of keys, whose text does not linger in memory. New. */
json_t *mt_json_read_secret(const char *file, struct mt_err *err);

/* The bytes as a JSON string; ill-formed UTF-8 and NUL become U+FFFD. NULL gives null. New. */
json_t *mt_json_text(const char *s);
json_t *mt_json_bytes(const char *s, size_t n);

/* v, rounded to decimals (0-9) so that it prints without noise; null if it is no number. New. */
json_t *mt_json_real(double v, int decimals);

/*
 * Lends the value at a path of member names, "asset.metadata.duration"; NULL
 * when any part is absent or null.
 */
json_t *mt_json_at(const json_t *value, const char *path);

/* The same as a C value, or the fallback when absent or of another type. */
const char *mt_json_str(const json_t *value, const char *path, const char *fallback);
int64_t mt_json_int(const json_t *value, const char *path, int64_t fallback);
double mt_json_num(const json_t *value, const char *path, double fallback);
bool mt_json_bool(const json_t *value, const char *path, bool fallback);

/* Sets object[name] = value, stealing value; makes the objects on the way ("a.b.c"). */
void mt_json_set(json_t *object, const char *path, json_t *value);

/*
 * A failure as documents carry it: {"code", "message", "retryable", "hint"} and, where anything is
 * known of it, "details": {"signal", "exit_status", "stream", "time_s", "reached_s", "last_words"}.
 * New.
 */
json_t *mt_err_to_json(const struct mt_err *err);

/* The failure that such an object describes; returns -1. */
int mt_err_from_json(const json_t *object, struct mt_err *err);

/* The value as one compact line without its newline. free() it. */
char *mt_json_compact(const json_t *value);

/*
 * Writes value to out, compact or indented, with a newline, and flushes.
 * MT_ERR_NO_SPACE, MT_ERR_IO, or MT_ERR_CANCELLED when the reader has gone
 * (EPIPE; os_errno says so).
 */
int mt_json_write(FILE *out, const json_t *value, bool pretty, struct mt_err *err) MT_MUST_USE;

/* Lines from a descriptor, each ending in LF, with a ceiling. */
struct mt_lines {
    int fd;
    const char *name; /* for messages; "standard input" unless the caller says otherwise */
    /* Called when a signal interrupts the wait; not 0: give up, MT_ERR_CANCELLED. Or NULL. */
    int (*interrupted)(void);
    char separator; /* '\n', or '\0' for --null */
    bool eof;
    size_t used;    /* bytes of buf already given out */
    int64_t number; /* of the line given last, from 1 */
    struct mt_buf buf;
};

void mt_lines_init(struct mt_lines *lines, int fd, char separator, size_t max);
void mt_lines_free(struct mt_lines *lines);

/*
 * 1 and the next line without its separator (valid until the next call, and
 * followed by a NUL), 0 at the end, -1 on failure: MT_ERR_BAD_DOCUMENT for a line over the
 * ceiling, which is skipped, so that the caller may go on.
 */
int mt_lines_next(struct mt_lines *lines, char **line, size_t *n, struct mt_err *err) MT_MUST_USE;

#endif
