/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json.c - see json.h. */
#include "json/json.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * jansson's own limit on depth is fixed when it is built, and it has none on the
 * number of values, so brackets and commas are counted first.
 */
static int check_shape(const char *what, const char *text, size_t n, struct mt_err *err)
{
    bool in_string = false;
    int depth = 0;
    int values = 1;

    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
            values++;
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (c == ',') {
            values++;
        }
        if (depth > MT_JSON_DEPTH_MAX)
            return mt_fail(err, MT_ERR_BAD_DOCUMENT, "%s: more than %d levels of nesting", what,
                           (int)MT_JSON_DEPTH_MAX);
        if (values > MT_JSON_VALUES_MAX)
            return mt_fail(err, MT_ERR_BAD_DOCUMENT, "%s: more than %d values", what,
                           (int)MT_JSON_VALUES_MAX);
    }
    return 0;
}

json_t *mt_json_parse(const char *what, const char *text, size_t n, struct mt_err *err)
{
    json_error_t problem;

    if (check_shape(what, text, n, err) < 0)
        return NULL;
    json_t *value = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!value)
        mt_fail(err, MT_ERR_BAD_DOCUMENT, "%s: not valid JSON at byte %d: %s", what,
                problem.position, problem.text);
    return value;
}

json_t *mt_json_bytes(const char *s, size_t n)
{
    char *clean = mt_utf8_clean(s, n);
    json_t *value = json_string(clean);

    free(clean);
    return value;
}

json_t *mt_json_text(const char *s)
{
    return s ? mt_json_bytes(s, strlen(s)) : json_null();
}

json_t *mt_json_real(double v, int decimals)
{
    double unit = pow(10, decimals);

    if (!isfinite(v))
        return json_null();
    double rounded = fabs(v) < 1e15 ? round(v * unit) / unit : v;
    return json_real(rounded == 0 ? 0 : rounded);
}

json_t *mt_json_at(const json_t *value, const char *path)
{
    json_t *at = (json_t *)(uintptr_t)value;

    while (at && *path) {
        size_t n = strcspn(path, ".");
        char name[128];
        if (n >= sizeof name)
            return NULL;
        memcpy(name, path, n);
        name[n] = '\0';
        at = json_object_get(at, name);
        path += n + (path[n] == '.');
    }
    return json_is_null(at) ? NULL : at;
}

const char *mt_json_str(const json_t *value, const char *path, const char *fallback)
{
    const char *s = json_string_value(mt_json_at(value, path));

    return s ? s : fallback;
}

int64_t mt_json_int(const json_t *value, const char *path, int64_t fallback)
{
    const json_t *at = mt_json_at(value, path);

    return json_is_integer(at) ? json_integer_value(at) : fallback;
}

double mt_json_num(const json_t *value, const char *path, double fallback)
{
    const json_t *at = mt_json_at(value, path);

    return json_is_number(at) ? json_number_value(at) : fallback;
}

bool mt_json_bool(const json_t *value, const char *path, bool fallback)
{
    const json_t *at = mt_json_at(value, path);

    return json_is_boolean(at) ? json_is_true(at) : fallback;
}

void mt_json_set(json_t *object, const char *path, json_t *value)
{
    for (;;) {
        size_t n = strcspn(path, ".");
        char *name = mt_strndup(path, n);
        if (!path[n]) {
            json_object_set_new(object, name, value);
            free(name);
            return;
        }
        json_t *next = json_object_get(object, name);
        if (!json_is_object(next)) {
            next = json_object();
            json_object_set_new(object, name, next);
        }
        free(name);
        object = next;
        path += n + 1;
    }
}

static void set_known(json_t *object, const char *name, int64_t value)
{
    if (value >= 0)
        json_object_set_new(object, name, json_integer(value));
}

static void set_seconds(json_t *object, const char *name, int64_t us)
{
    if (us >= 0)
        json_object_set_new(object, name, mt_json_real((double)us / 1e6, 3));
}

/* What is known; NULL if that is nothing. New. */
static json_t *trace_to_json(const struct mt_trace *trace)
{
    json_t *details = json_object();

    set_known(details, "signal", trace->signal > 0 ? trace->signal : -1);
    set_known(details, "exit_status", trace->exit_status);
    set_known(details, "stream", trace->stream);
    set_seconds(details, "time_s", trace->time_us);
    set_seconds(details, "reached_s", trace->reached_us);
    if (trace->last_words[0])
        json_object_set_new(details, "last_words", mt_json_text(trace->last_words));
    if (json_object_size(details) > 0)
        return details;
    json_decref(details);
    return NULL;
}

json_t *mt_err_to_json(const struct mt_err *err)
{
    json_t *object = json_object();
    json_t *details = trace_to_json(&err->trace);

    json_object_set_new(object, "code", json_string(mt_code_name(err->code)));
    json_object_set_new(object, "message", mt_json_text(err->msg));
    json_object_set_new(object, "retryable", json_boolean(mt_code_retryable(err->code)));
    json_object_set_new(object, "hint", mt_json_text(mt_err_hint(err)));
    if (details)
        json_object_set_new(object, "details", details);
    return object;
}

static int64_t us_of(const json_t *details, const char *name)
{
    double s = mt_json_num(details, name, -1);

    return s >= 0 && s < 1e12 ? (int64_t)(s * 1e6 + 0.5) : -1;
}

static void trace_from_json(const json_t *details, struct mt_err *err)
{
    err->trace.signal = (int)mt_json_int(details, "signal", -1);
    err->trace.exit_status = (int)mt_json_int(details, "exit_status", -1);
    err->trace.time_us = us_of(details, "time_s");
    err->trace.stream = (int)mt_json_int(details, "stream", -1);
    err->trace.reached_us = us_of(details, "reached_s");
    char *words = mt_text_printable(mt_json_str(details, "last_words", ""), MT_WORDS - 1);
    mt_fail_words(err, words);
    free(words);
}

int mt_err_from_json(const json_t *object, struct mt_err *err)
{
    const char *hint = mt_json_str(object, "hint", "");

    mt_fail(err, mt_code_by_name(mt_json_str(object, "code", "failed")), "%s",
            mt_json_str(object, "message", "unknown failure"));
    trace_from_json(mt_json_at(object, "details"), err);
    return *hint ? mt_hint(err, "%s", hint) : -1;
}

char *mt_json_compact(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    return text ? text : mt_strdup("null");
}

int mt_json_write(FILE *out, const json_t *value, bool pretty, struct mt_err *err)
{
    size_t flags =
        JSON_ENCODE_ANY | JSON_REAL_PRECISION(15) | (pretty ? JSON_INDENT(2) : JSON_COMPACT);
    char *text = json_dumps(value, flags);

    if (!text)
        return mt_fail(err, MT_ERR_BUG, "a document cannot be written as JSON");
    errno = 0;
    bool failed = fputs(text, out) == EOF || fputc('\n', out) == EOF || fflush(out) == EOF;
    free(text);
    if (!failed)
        return 0;
    int saved = errno;
    mt_fail_errno(err, "cannot write to standard output");
    if (saved == EPIPE)
        err->code = MT_ERR_CANCELLED;
    return -1;
}
