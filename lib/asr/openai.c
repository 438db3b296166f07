/* SPDX-License-Identifier: GPL-2.0-or-later */
/* openai.c - answers of /v1/audio/transcriptions. */
#include "asr/asr.h"
#include "asr/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "language/language.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WHAT "the answer of the server"

static void copy(json_t *to, const char *as, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);

    if (json_is_number(value))
        json_object_set(to, as, value);
}

static json_t *word_of(const json_t *said)
{
    const char *text = mt_json_str(said, "word", mt_json_str(said, "text", ""));
    double sure = mt_json_num(said, "probability", mt_json_num(said, "score", NAN));
    json_t *word = json_pack("{s:o}", "text", mt_json_text(text));

    copy(word, "start_s", said, "start");
    copy(word, "end_s", said, "end");
    if (sure >= 0 && sure <= 1)
        json_object_set_new(word, "confidence", mt_json_real(sure, 3));
    return word;
}

/* Those of the whole answer whose middle lies in the segment, or those of the segment itself. */
static json_t *words_of(const json_t *answer, const json_t *said)
{
    const json_t *own = json_object_get(said, "words");
    const json_t *all = json_is_array(own) ? own : json_object_get(answer, "words");
    double from = mt_json_num(said, "start", 0), to = mt_json_num(said, "end", INFINITY);
    json_t *words = json_array();
    const json_t *word;
    size_t i;

    json_array_foreach(all, i, word)
    {
        double middle = (mt_json_num(word, "start", 0) + mt_json_num(word, "end", 0)) / 2;
        if (json_is_object(word) && (all == own || (middle >= from && middle < to)))
            json_array_append_new(words, word_of(word));
    }
    return words;
}

static json_t *segment_of(const json_t *answer, const json_t *said, const char *language)
{
    const char *text = mt_json_str(said, "text", "");
    double log_prob = mt_json_num(said, "avg_logprob", NAN);
    double no_speech = mt_json_num(said, "no_speech_prob", NAN);
    json_t *words = words_of(answer, said);
    json_t *segment = json_pack("{s:o, s:o, s:o}", "text", mt_json_text(text), "confidence",
                                mt_asr_confidence(log_prob, no_speech), "words", words);

    mt_asr_words(words, text);
    copy(segment, "start_s", said, "start");
    copy(segment, "end_s", said, "end");
    if (*language)
        json_object_set_new(segment, "language", json_string(language));
    if (json_is_string(json_object_get(said, "speaker")))
        json_object_set(segment, "speaker", json_object_get(said, "speaker"));
    if (no_speech > 0.6 && log_prob < -1)
        json_object_set_new(segment, "doubt", json_string("no speech"));
    return segment;
}

/* whisper.cpp's server cuts after so many characters, also within words: these belong together. */
static bool continues(const json_t *before, const char *text, bool blanks)
{
    return before && blanks && *text && *text != ' ';
}

static void join_texts(json_t *before, const json_t *segment)
{
    char *text =
        mt_asprintf("%s%s", mt_json_str(before, "text", ""), mt_json_str(segment, "text", ""));
    json_t *words = json_object_get(before, "words");
    json_t *more = json_object_get(segment, "words");

    json_object_set_new(before, "text", mt_json_text(text));
    if (json_object_get(segment, "end_s"))
        json_object_set(before, "end_s", json_object_get(segment, "end_s"));
    if (json_array_size(words) > 0 && json_array_size(more) > 0) {
        json_t *last = json_array_get(words, json_array_size(words) - 1);
        char *whole = mt_asprintf("%s%s", mt_json_str(last, "text", ""),
                                  mt_json_str(json_array_get(more, 0), "text", ""));
        json_object_set_new(last, "text", mt_json_text(whole));
        json_object_set(last, "end_s", json_object_get(json_array_get(more, 0), "end_s"));
        json_array_remove(more, 0);
        free(whole);
    }
    json_array_extend(words, more);
    free(text);
}

static json_t *segments_of(const json_t *answer, const json_t *list, const char *language)
{
    bool blanks = *mt_json_str(json_array_get(list, 0), "text", "") == ' ';
    json_t *segments = json_array();
    json_t *before = NULL;
    const json_t *said;
    size_t i;

    json_array_foreach(list, i, said)
    {
        if (!json_is_object(said) || !*mt_json_str(said, "text", ""))
            continue;
        json_t *segment = segment_of(answer, said, language);
        if (continues(before, mt_json_str(said, "text", ""), blanks)) {
            join_texts(before, segment);
            json_decref(segment);
            continue;
        }
        json_array_append_new(segments, segment);
        before = segment;
    }
    return segments;
}

json_t *mt_asr_openai(const char *text, size_t n, double length_s, struct mt_err *err)
{
    json_t *answer = mt_asr_parse(WHAT, text, n, err);
    const json_t *list = json_object_get(answer, "segments");
    json_t *segments = NULL;
    char language[16];

    if (!answer)
        return NULL;
    mt_language_code(mt_json_str(answer, "language", ""), language);
    if (json_is_array(list) && json_array_size(list) > 0) {
        segments = segments_of(answer, list, language);
    } else if (json_is_string(json_object_get(answer, "text"))) {
        json_t *whole = json_pack("{s:O, s:f, s:f}", "text", json_object_get(answer, "text"),
                                  "start", 0.0, "end", length_s);
        segments = json_array();
        if (*mt_json_str(whole, "text", ""))
            json_array_append_new(segments, segment_of(answer, whole, language));
        json_decref(whole);
    } else {
        mt_fail(err, MT_ERR_FAILED, WHAT " has neither 'segments' nor 'text'");
        mt_hint(err, "set 'url' to an OpenAI-compatible API of transcriptions");
    }
    json_decref(answer);
    return segments;
}

char *mt_asr_endpoint(const char *url)
{
    size_t n = strlen(url);

    while (n > 0 && url[n - 1] == '/')
        n--;
    char *base = mt_strndup(url, n);
    bool whole = mt_str_ends(base, "/transcriptions") || mt_str_ends(base, "/inference");
    char *out = mt_asprintf("%s%s", base, whole ? "" : "/audio/transcriptions");
    free(base);
    return out;
}
