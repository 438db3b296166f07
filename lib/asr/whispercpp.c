/* SPDX-License-Identifier: GPL-2.0-or-later */
/* whispercpp.c - what whisper-cli -ojf writes. */
#include "asr/asr.h"
#include "asr/internal.h"

#include "base/text.h"
#include "language/language.h"
#include "json/json.h"

#include <math.h>
#include <string.h>

#define WHAT "the output of whisper-cli"

/* "[_BEG_]", "[_TT_150]", "<|endoftext|>" are marks of the model. */
static bool is_mark(const char *text)
{
    return mt_str_starts(text, "[_") || mt_str_starts(text, "<|");
}

static void copy_times(json_t *to, const json_t *said)
{
    const json_t *from = mt_json_at(said, "offsets.from"), *end = mt_json_at(said, "offsets.to");

    if (json_is_number(from))
        json_object_set_new(to, "start_s", json_real(json_number_value(from) / 1000));
    if (json_is_number(end))
        json_object_set_new(to, "end_s", json_real(json_number_value(end) / 1000));
}

/* The tokens as words; the mean logarithm of their probabilities into *log_prob. */
static json_t *words_of(const json_t *said, double *log_prob)
{
    const json_t *tokens = json_object_get(said, "tokens");
    json_t *words = json_array();
    const json_t *token;
    double sum = 0;
    int n = 0;
    size_t i;

    json_array_foreach(tokens, i, token)
    {
        const char *text = mt_json_str(token, "text", "");
        double p = mt_json_num(token, "p", NAN);
        if (!*text || is_mark(text))
            continue;
        json_t *word = json_pack("{s:o}", "text", mt_json_text(text));
        copy_times(word, token);
        if (p >= 0 && p <= 1) {
            json_object_set_new(word, "confidence", mt_json_real(p, 3));
            sum += log(fmax(p, 1e-6));
            n++;
        }
        json_array_append_new(words, word);
    }
    *log_prob = n ? sum / n : NAN;
    return words;
}

static json_t *segment_of(const json_t *said, const char *language)
{
    const char *text = mt_json_str(said, "text", "");
    double log_prob;
    json_t *words = words_of(said, &log_prob);
    json_t *segment = json_pack("{s:o, s:o, s:o}", "text", mt_json_text(text), "confidence",
                                mt_asr_confidence(log_prob, NAN), "words", words);

    mt_asr_words(words, text);
    copy_times(segment, said);
    if (*language)
        json_object_set_new(segment, "language", json_string(language));
    return segment;
}

json_t *mt_asr_whispercpp(const char *text, size_t n, struct mt_err *err)
{
    json_t *answer = mt_asr_parse(WHAT, text, n, err);
    const json_t *list = json_object_get(answer, "transcription");
    json_t *segments = NULL;
    const json_t *said;
    char language[16];
    size_t i;

    if (!answer)
        return NULL;
    if (!json_is_array(list)) {
        mt_fail(err, MT_ERR_FAILED, WHAT " has no 'transcription'");
        mt_hint(err, "set 'program' to the whisper-cli of whisper.cpp");
        json_decref(answer);
        return NULL;
    }
    mt_language_code(mt_json_str(answer, "result.language", ""), language);
    segments = json_array();
    json_array_foreach(list, i, said)
    {
        if (json_is_object(said) && *mt_json_str(said, "text", ""))
            json_array_append_new(segments, segment_of(said, language));
    }
    json_decref(answer);
    return segments;
}
