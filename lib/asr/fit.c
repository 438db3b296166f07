/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fit.c - what all readers share: text that is UTF-8, words that are words, times that fit. */
#include "asr/asr.h"
#include "asr/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOTABLE_S 0.1
#define REPLACEMENT "\xef\xbf\xbd"

json_t *mt_asr_parse(const char *what, const char *text, size_t n, struct mt_err *err)
{
    char *clean = mt_utf8_clean(text, n);
    json_t *answer = mt_json_parse(what, clean, strlen(clean), err);

    free(clean);
    if (answer && json_is_object(answer))
        return answer;
    if (answer)
        mt_fail(err, MT_ERR_FAILED, "%s is JSON, but no object", what);
    else
        err->code = MT_ERR_BUSY;
    json_decref(answer);
    return NULL;
}

json_t *mt_asr_confidence(double log_prob, double no_speech)
{
    double sure = (isfinite(log_prob) ? exp(fmin(log_prob, 0)) : 1) *
                  (no_speech >= 0 && no_speech <= 1 ? 1 - no_speech : 1);

    if (!isfinite(log_prob) && !(no_speech >= 0 && no_speech <= 1))
        return json_null();
    return mt_json_real(sure, 3);
}

static const char *text_of(const json_t *word)
{
    return mt_json_str(word, "text", "");
}

static bool begins_with_blank(const json_t *word)
{
    return *text_of(word) == ' ';
}

static void set_text(json_t *word, const char *text, size_t n)
{
    while (n > 0 && *text == ' ')
        text++, n--;
    while (n > 0 && text[n - 1] == ' ')
        n--;
    json_object_set_new(word, "text", mt_json_bytes(text, n));
}

/* Adds the token to the word that it continues. */
static void join(json_t *word, const json_t *token)
{
    char *text = mt_asprintf("%s%s", text_of(word), text_of(token));
    double sure = mt_json_num(token, "confidence", 1);

    json_object_set_new(word, "text", mt_json_text(text));
    if (json_object_get(token, "end_s"))
        json_object_set(word, "end_s", json_object_get(token, "end_s"));
    if (sure < mt_json_num(word, "confidence", 1))
        json_object_set(word, "confidence", json_object_get(token, "confidence"));
    free(text);
}

static void join_tokens(json_t *words)
{
    bool tokens = false;

    for (size_t i = 1; i < json_array_size(words); i++)
        tokens = tokens || begins_with_blank(json_array_get(words, i));
    for (size_t i = 1; tokens && i < json_array_size(words);) {
        json_t *word = json_array_get(words, i);
        if (begins_with_blank(word)) {
            i++;
            continue;
        }
        join(json_array_get(words, i - 1), word);
        json_array_remove(words, i);
    }
}

static size_t count_words(const char *text)
{
    size_t n = 0;

    for (; *(text += strspn(text, " ")); text += strcspn(text, " "))
        n++;
    return n;
}

/* Gives the words the texts of those in text, one by one. */
static void take_texts(json_t *words, const char *text)
{
    json_t *word;
    size_t i;

    json_array_foreach(words, i, word)
    {
        text += strspn(text, " ");
        size_t n = strcspn(text, " ");
        set_text(word, text, n);
        text += n;
    }
}

void mt_asr_words(json_t *words, const char *text)
{
    bool broken = false;

    join_tokens(words);
    for (size_t i = json_array_size(words); i-- > 0;) {
        json_t *word = json_array_get(words, i);
        set_text(word, text_of(word), strlen(text_of(word)));
        broken = broken || strstr(text_of(word), REPLACEMENT);
        if (!*text_of(word))
            json_array_remove(words, i);
    }
    if (!broken)
        return;
    if (json_array_size(words) == count_words(text) && !strstr(text, REPLACEMENT))
        take_texts(words, text);
    else
        json_array_clear(words);
}

/* Limits object's times to lo..hi; how far the worse of both was off. */
static double limit(json_t *object, double lo, double hi)
{
    double start = mt_json_num(object, "start_s", lo), end = mt_json_num(object, "end_s", hi);
    double from = start, to = end;

    if (!isfinite(from) || !isfinite(to))
        from = lo, to = hi;
    if (to < from) {
        double swapped = from;
        from = to;
        to = swapped;
    }
    from = fmin(fmax(from, lo), hi);
    to = fmin(fmax(to, from), hi);
    json_object_set_new(object, "start_s", json_real(from));
    json_object_set_new(object, "end_s", json_real(to));
    return fmax(fabs(from - start), fabs(to - end));
}

static void fit_words(json_t *segment, double start_s)
{
    double from = mt_json_num(segment, "start_s", 0), to = mt_json_num(segment, "end_s", 0);
    json_t *words = json_object_get(segment, "words");
    json_t *word;
    size_t i;

    json_array_foreach(words, i, word)
    {
        limit(word, from, to);
        from = mt_json_num(word, "start_s", 0);
        json_object_set_new(word, "start_s", mt_json_real(start_s + from, 3));
        json_object_set_new(word, "end_s",
                            mt_json_real(start_s + mt_json_num(word, "end_s", 0), 3));
    }
    if (words && json_array_size(words) == 0)
        json_object_del(segment, "words");
}

static int earlier(const void *a, const void *b)
{
    double x = mt_json_num(*(json_t *const *)a, "start_s", 0);
    double y = mt_json_num(*(json_t *const *)b, "start_s", 0);

    return x < y ? -1 : x > y;
}

/* Brings segments into the order of their beginnings; marks those that were not. */
static void sort(json_t *segments)
{
    size_t n = json_array_size(segments);
    json_t **list = mt_alloc((n + 1) * sizeof(json_t *));
    double last = 0;

    for (size_t i = 0; i < n; i++) {
        list[i] = json_incref(json_array_get(segments, i));
        double start = mt_json_num(list[i], "start_s", 0);
        if (start < last)
            json_object_set_new(list[i], "adjusted", json_true());
        last = fmax(start, last);
    }
    qsort(list, n, sizeof *list, earlier);
    json_array_clear(segments);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(segments, list[i]);
    free(list);
}

int64_t mt_asr_fit(json_t *segments, double start_s, double length_s)
{
    json_t *segment;
    int64_t adjusted = 0;
    size_t i;

    json_array_foreach(segments, i, segment)
    {
        if (limit(segment, 0, length_s) > NOTABLE_S)
            json_object_set_new(segment, "adjusted", json_true());
    }
    sort(segments);
    json_array_foreach(segments, i, segment)
    {
        double from = mt_json_num(segment, "start_s", 0), to = mt_json_num(segment, "end_s", 0);
        fit_words(segment, start_s);
        json_object_set_new(segment, "start_s", mt_json_real(start_s + from, 3));
        json_object_set_new(segment, "end_s", mt_json_real(start_s + to, 3));
        adjusted += mt_json_bool(segment, "adjusted", false);
    }
    return adjusted;
}
