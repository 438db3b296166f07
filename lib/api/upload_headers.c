/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upload_headers.c - header fields of uploads, which anybody may have written. */
#include "api/upload.h"

#include "base/mem.h"
#include "base/text.h"
#include "digest/running.h"
#include "multipart/multipart.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DIGITS_MAX = 15, WORD_MAX = 8192 };

/* An item may have parameters, of which none is known here. */
static bool ends_item(const char *p)
{
    p += strspn(p, " \t");
    return *p == '\0' || *p == ';';
}

bool mt_up_number(const char *text, int64_t *out)
{
    size_t n = text ? strspn(text, "0123456789") : 0;

    if (n == 0 || n > DIGITS_MAX || !ends_item(text + n))
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

int mt_up_flag(const char *text)
{
    return text && text[0] == '?' && (text[1] == '0' || text[1] == '1') && ends_item(text + 2)
               ? text[1] - '0'
               : -1;
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

int mt_up_unbase64(const char *text, size_t n, void *out, size_t max)
{
    unsigned char *to = out;
    size_t used = 0;
    unsigned bits = 0;
    int have = 0;

    while (n > 0 && text[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        int d = digit(text[i]);
        if (d < 0)
            return -1;
        bits = (bits << 6 | (unsigned)d) & 0xffffff;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (used == max)
            return -1;
        to[used++] = (unsigned char)(bits >> have & 0xff);
    }
    return have >= 6 ? -1 : (int)used; /* one digit alone is half a byte */
}

int mt_up_checksum(const char *text, struct mt_upload_checksum *sum, struct mt_err *err)
{
    static const char *const known[] = {"sha1", "sha256", NULL};
    size_t n = strcspn(text, " ");

    sum->algorithm = NULL;
    for (int i = 0; known[i]; i++)
        if (strlen(known[i]) == n && strncmp(known[i], text, n) == 0)
            sum->algorithm = known[i];
    if (!sum->algorithm) {
        mt_fail(err, MT_ERR_USAGE, "Upload-Checksum names '%.*s'", n > 32 ? 32 : (int)n, text);
        return mt_hint(err, "it can be sha1 or sha256, a space, and the checksum in base 64");
    }
    sum->size = mt_checksum_size(sum->algorithm);
    if (text[n] != ' ' || mt_up_unbase64(text + n + 1, strlen(text + n + 1), sum->raw,
                                         sizeof sum->raw) != (int)sum->size)
        return mt_fail(err, MT_ERR_USAGE, "Upload-Checksum is no %s in base 64", sum->algorithm);
    return 0;
}

bool mt_up_digest(const char *text, struct mt_upload_checksum *sum)
{
    const char *p = text ? text + strspn(text, " \t") : NULL;

    for (; p && *p; p = p ? p + 1 + strspn(p + 1, " \t") : NULL) {
        const char *end = strncmp(p, "sha-256=:", 9) == 0 ? strchr(p + 9, ':') : NULL;
        if (end) {
            sum->algorithm = "sha256";
            sum->size = 32;
            return mt_up_unbase64(p + 9, (size_t)(end - p - 9), sum->raw, sizeof sum->raw) == 32;
        }
        p = strchr(p, ',');
        if (!p)
            return false;
    }
    return false;
}

json_t *mt_up_object(const char *what, const char *text, size_t n, struct mt_err *err)
{
    if (n > MT_UPLOAD_DOCUMENT_MAX) {
        mt_fail(err, MT_ERR_TOO_LARGE, "%s has more than %d bytes", what, MT_UPLOAD_DOCUMENT_MAX);
        return NULL;
    }
    json_t *value = mt_json_parse(what, text, n, err);
    if (value && !json_is_object(value)) {
        json_decref(value);
        mt_fail(err, MT_ERR_USAGE, "%s is no JSON object", what);
        return NULL;
    }
    if (!value)
        err->code = MT_ERR_USAGE;
    return value;
}

/* --- Upload-Metadata --- */

static int keep_object(const char *what, const char *value, size_t n, json_t **out,
                       struct mt_err *err)
{
    json_t *object = mt_up_object(what, value, n, err);

    if (!object)
        return -1;
    if (*out)
        json_object_update(*out, object);
    else
        *out = json_incref(object);
    json_decref(object);
    return 0;
}

/* tus-js-client says filename and filetype, Uppy name and type. */
static int keep_word(struct mt_up_words *w, const char *key, const char *value, size_t n,
                     struct mt_err *err)
{
    if (strcmp(key, "metadata") == 0)
        return keep_object("metadata", value, n, &w->metadata, err);
    if (strcmp(key, "processing_options") == 0)
        return keep_object("processing_options", value, n, &w->options, err);
    if ((strcmp(key, "filename") == 0 || strcmp(key, "name") == 0) && !w->filename)
        w->filename = mt_utf8_clean(value, n);
    else if (strcmp(key, "content_type") == 0 && !w->content_type)
        w->content_type = mt_utf8_clean(value, n);
    else if (n > 0) {
        w->metadata = w->metadata ? w->metadata : json_object();
        json_object_set_new(w->metadata, key, mt_json_bytes(value, n));
    }
    return 0;
}

static int one_word(struct mt_up_words *w, const char *p, size_t n, char *value, json_t *seen,
                    struct mt_err *err)
{
    size_t key_n = 0;
    char key[128];

    while (key_n < n && p[key_n] != ' ')
        key_n++;
    if (key_n == 0 || key_n >= sizeof key)
        return mt_fail(err, MT_ERR_USAGE, "Upload-Metadata has a key of %zu bytes", key_n);
    memcpy(key, p, key_n);
    key[key_n] = '\0';
    size_t from = key_n < n ? key_n + 1 : n;
    int got = mt_up_unbase64(p + from, n - from, value, WORD_MAX);
    if (got < 0 || !mt_utf8_valid(key, key_n))
        return mt_fail(err, MT_ERR_USAGE, "Upload-Metadata: what follows '%.64s' is no base 64",
                       mt_utf8_valid(key, key_n) ? key : "?");
    if (json_object_get(seen, key))
        return mt_fail(err, MT_ERR_USAGE, "Upload-Metadata has '%.64s' twice", key);
    json_object_set_new(seen, key, json_true());
    value[got] = '\0';
    return keep_word(w, key, value, (size_t)got, err);
}

int mt_up_metadata(const char *text, struct mt_up_words *words, struct mt_err *err)
{
    char *value = mt_realloc(NULL, WORD_MAX + 1, 1);
    json_t *seen = json_object();
    int ret = 0;

    memset(words, 0, sizeof *words);
    for (const char *p = text; ret == 0 && p;) {
        p += strspn(p, " \t");
        size_t n = strcspn(p, ",");
        const char *next = p[n] ? p + n + 1 : NULL;
        while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
            n--;
        ret = one_word(words, p, n, value, seen, err);
        p = next;
    }
    json_decref(seen);
    free(value);
    return ret;
}

void mt_up_words_free(struct mt_up_words *words)
{
    free(words->filename);
    free(words->content_type);
    json_decref(words->metadata);
    json_decref(words->options);
    memset(words, 0, sizeof *words);
}

/* --- others --- */

char *mt_up_filename(const char *disposition)
{
    char name[MT_MULTIPART_FILE_MAX + 1];

    return disposition && mt_disposition_filename(disposition, name) ? mt_strdup(name) : NULL;
}

char *mt_up_date(int64_t us, char out[40])
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;

    if (!gmtime_r(&seconds, &tm) || strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
        strcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT");
    return out;
}
