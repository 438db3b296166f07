/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check.c - bodies of requests, member by member; all that is wrong is told at once. */
#include "api/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "queue/queue.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERRORS_MAX = 50, FORMATS_MAX = 32, THUMBNAILS_MAX = 1000, LANGUAGES_MAX = 16 };

static const char qualities[] = "auto,source,2160p,1440p,1080p,720p,480p,360p,240p,144p,audio";
static const char formats[] = "mp4,mov,mkv,webm,m4a,mp3,opus,flac,ogg,wav,mka";
static const char format_members[] = "quality,format,bitrate,max_bitrate,codec,video_codec,crf,"
                                     "audio_codec,audio_bitrate,fps,max_fps";
static const char types[] =
    "transcription,moderation,objects,faces,loudness,silence,black,freeze,scenes";

bool mt_api_listed(const char *list, const char *word)
{
    size_t n = strlen(word);

    while (*list) {
        list += strspn(list, ", ");
        size_t k = strcspn(list, ", ");
        if (k == n && n > 0 && strncmp(list, word, n) == 0)
            return true;
        list += k;
    }
    return false;
}

void mt_api_wrong(json_t *errors, const char *pointer, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    if (json_array_size(errors) < ERRORS_MAX) {
        json_t *one = json_object();
        json_object_set_new(one, "pointer", mt_json_text(pointer));
        json_object_set_new(one, "detail", mt_json_text(text));
        json_array_append_new(errors, one);
    }
    free(text);
}

int mt_api_invalid(struct mt_api_call *call, json_t *errors, struct mt_err *err)
{
    const json_t *first = json_array_get(errors, 0);
    char *text =
        mt_asprintf("%s: %s", mt_json_str(first, "pointer", ""), mt_json_str(first, "detail", ""));
    json_t *more = json_pack("{s:o}", "errors", errors);
    int ret = mt_http_problem(call->x, "invalid-parameters", more, err, "%s", text);

    free(text);
    return ret;
}

/* A member's name as a part of a JSON pointer (RFC 6901). free() it. */
static char *pointer_to(const char *at, const char *name)
{
    char *shown = mt_text_printable(name, 60);
    char *out = mt_realloc(NULL, strlen(at) + 2 * strlen(shown) + 2, 1);
    char *p = out + sprintf(out, "%s/", at);

    for (const char *c = shown; *c; c++) {
        if (*c == '~' || *c == '/') {
            *p++ = '~';
            *p++ = *c == '~' ? '0' : '1';
        } else {
            *p++ = *c;
        }
    }
    *p = '\0';
    free(shown);
    return out;
}

void mt_api_check_members(json_t *errors, const char *at, const json_t *object, const char *names)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (mt_api_listed(names, key))
            continue;
        char *pointer = pointer_to(at, key);
        mt_api_wrong(errors, pointer, "is not known here; known are %s", names);
        free(pointer);
    }
}

/* A text that is one of the words; absent is well unless it is required. */
static void check_word(json_t *errors, const char *at, const json_t *object, const char *name,
                       const char *words)
{
    const json_t *value = json_object_get(object, name);
    char *pointer = pointer_to(at, name);

    if (value && (!json_is_string(value) || !mt_api_listed(words, json_string_value(value))))
        mt_api_wrong(errors, pointer, "is one of %s", words);
    free(pointer);
}

static void check_bool(json_t *errors, const char *at, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    char *pointer = pointer_to(at, name);

    if (value && !json_is_boolean(value))
        mt_api_wrong(errors, pointer, "is true or false");
    free(pointer);
}

static void check_number(json_t *errors, const char *at, const json_t *object, const char *name,
                         double min, double max, bool whole)
{
    const json_t *value = json_object_get(object, name);
    char *pointer = pointer_to(at, name);

    if (value && (!(whole ? json_is_integer(value) : json_is_number(value)) ||
                  json_number_value(value) < min || json_number_value(value) > max))
        mt_api_wrong(errors, pointer, "is a %snumber from %g to %g", whole ? "whole " : "", min,
                     max);
    free(pointer);
}

/* "5000k", "2.5M", 800000: what the transcoder reads. */
static void check_rate(json_t *errors, const char *at, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    char *pointer = pointer_to(at, name);
    bool good = !value || (json_is_integer(value) && json_integer_value(value) >= 1000 &&
                           json_integer_value(value) <= 1000000000);

    if (text) {
        size_t n = strspn(text, "0123456789");
        if (n > 0 && text[n] == '.')
            n += 1 + strspn(text + n + 1, "0123456789");
        good = n > 0 && n < 12 && (!text[n] || (strchr("kKmM", text[n]) && !text[n + 1]));
    }
    if (!good)
        mt_api_wrong(errors, pointer, "is a bit rate like \"2500k\"");
    free(pointer);
}

static void check_text(json_t *errors, const char *at, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    char *pointer = pointer_to(at, name);

    if (value && (!json_is_string(value) || !mt_queue_word_ok(json_string_value(value))))
        mt_api_wrong(errors, pointer, "is a word");
    free(pointer);
}

static void check_format(json_t *errors, const char *at, const json_t *entry)
{
    if (!json_is_object(entry)) {
        mt_api_wrong(errors, at, "is an object with \"quality\" and \"format\"");
        return;
    }
    mt_api_check_members(errors, at, entry, format_members);
    check_word(errors, at, entry, "quality", qualities);
    check_word(errors, at, entry, "format", formats);
    check_rate(errors, at, entry, "bitrate");
    check_rate(errors, at, entry, "max_bitrate");
    check_rate(errors, at, entry, "audio_bitrate");
    check_text(errors, at, entry, "codec");
    check_text(errors, at, entry, "video_codec");
    check_text(errors, at, entry, "audio_codec");
    check_number(errors, at, entry, "crf", 0, 63, true);
    check_number(errors, at, entry, "fps", 1, 240, false);
    check_number(errors, at, entry, "max_fps", 1, 240, false);
    if (!json_object_get(entry, "quality") && !json_object_get(entry, "format"))
        mt_api_wrong(errors, at, "has neither \"quality\" nor \"format\"");
}

static void check_formats(json_t *errors, const char *at, const json_t *list)
{
    size_t i;
    json_t *entry;

    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > FORMATS_MAX) {
        mt_api_wrong(errors, at, "is an array of 1 to %d entries", FORMATS_MAX);
        return;
    }
    json_array_foreach((json_t *)(uintptr_t)list, i, entry)
    {
        char *pointer = mt_asprintf("%s/%zu", at, i);
        check_format(errors, pointer, entry);
        free(pointer);
    }
}

void mt_api_check_transcode(json_t *errors, const char *at, const json_t *body)
{
    char *pointer = mt_asprintf("%s/output_formats", at);

    mt_api_check_members(errors, at, body,
                         "source_url,asset_id,output_formats,generate_thumbnails,thumbnail_count");
    check_formats(errors, pointer, json_object_get(body, "output_formats"));
    check_bool(errors, at, body, "generate_thumbnails");
    check_number(errors, at, body, "thumbnail_count", 1, THUMBNAILS_MAX, true);
    free(pointer);
}

/* A tag of BCP 47 as far as its characters: "ar", "en-US". */
static bool is_language(const char *text)
{
    size_t n = strlen(text);

    return n >= 2 && n <= 35 &&
           n == strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") &&
           strcspn(text, "0123456789-") >= 2;
}

static bool is_type(const char *text)
{
    return mt_api_listed(types, text);
}

static void check_list(json_t *errors, const char *at, const json_t *list, size_t least,
                       bool (*good)(const char *), const char *what)
{
    size_t i;
    json_t *word;

    if (!json_is_array(list) || json_array_size(list) < least ||
        json_array_size(list) > LANGUAGES_MAX) {
        mt_api_wrong(errors, at, "is an array of %zu to %d words: %s", least, LANGUAGES_MAX, what);
        return;
    }
    json_array_foreach((json_t *)(uintptr_t)list, i, word)
    {
        if (json_is_string(word) && good(json_string_value(word)))
            continue;
        char *pointer = mt_asprintf("%s/%zu", at, i);
        mt_api_wrong(errors, pointer, "is none of %s", what);
        free(pointer);
    }
}

void mt_api_check_analyze(json_t *errors, const char *at, const json_t *body)
{
    const json_t *languages = json_object_get(body, "languages");
    char *list = mt_asprintf("%s/analysis_types", at);
    char *tags = mt_asprintf("%s/languages", at);

    mt_api_check_members(errors, at, body, "media_url,asset_id,analysis_types,languages");
    check_list(errors, list, json_object_get(body, "analysis_types"), 1, is_type, types);
    if (languages)
        check_list(errors, tags, languages, 0, is_language, "languages like \"ar\" or \"en\"");
    free(list);
    free(tags);
}

int mt_api_query_int(struct mt_api_call *call, const char *name, int64_t min, int64_t max,
                     int64_t *out, struct mt_err *err)
{
    const char *text = mt_http_query(call->x, name);

    return text ? mt_parse_int(name, text, min, max, out, err) : 0;
}
