/* SPDX-License-Identifier: GPL-2.0-or-later */
/* asr.c - answers of speech recognisers, good ones and bad ones; names and scripts of languages. */
#include "asr/asr.h"
#include "../tap.h"
#include "language/language.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

static json_t *openai(const char *text)
{
    struct mt_err err = {0};
    json_t *segments = mt_asr_openai(text, strlen(text), 10, &err);

    if (!segments)
        printf("# %s: %s\n", mt_code_name(err.code), err.msg);
    return segments;
}

static const char *text_at(const json_t *list, size_t i)
{
    return mt_json_str(json_array_get(list, i), "text", "");
}

static double num_at(const json_t *list, size_t i, const char *name)
{
    return mt_json_num(json_array_get(list, i), name, -1);
}

static void test_openai(void)
{
    json_t *s =
        openai("{\"language\":\"arabic\",\"text\":\"x\",\"segments\":[{\"start\":1,\"end\":2,"
               "\"text\":\" one two\",\"avg_logprob\":-0.10536,\"no_speech_prob\":0.5}],"
               "\"words\":[{\"word\":\"one\",\"start\":1,\"end\":1.4},"
               "{\"word\":\"two\",\"start\":1.5,\"end\":2},"
               "{\"word\":\"not\",\"start\":5,\"end\":6}]}");

    OK(json_array_size(s) == 1, "one segment");
    IS_STR(mt_json_str(json_array_get(s, 0), "language", ""), "ar", "by its code");
    OK(num_at(s, 0, "confidence") > 0.449 && num_at(s, 0, "confidence") < 0.451, "0.9 times 0.5");
    const json_t *words = json_object_get(json_array_get(s, 0), "words");
    OK(json_array_size(words) == 2, "the words of its time");
    IS_STR(text_at(words, 1), "two", "in order");
    json_decref(s);
    s = openai("{\"text\":\"alone\"}");
    OK(num_at(s, 0, "end_s") == 10, "text alone is as long as the sound");
    OK(!json_object_get(json_array_get(s, 0), "language"), "in no language");
    json_decref(s);
    s = openai(
        "{\"segments\":[{\"text\":\" whole wor\",\"start\":0,\"end\":1},"
        "{\"text\":\"ds.\",\"start\":1,\"end\":2},{\"text\":\" Next\",\"start\":2,\"end\":3}]}");
    OK(json_array_size(s) == 2, "what was cut in a word");
    IS_STR(text_at(s, 0), " whole words.", "is put together");
    json_decref(s);
    s = openai("{\"segments\":[],\"text\":\"\"}");
    OK(s && json_array_size(s) == 0, "nothing said is no segment");
    json_decref(s);
}

static void test_words(void)
{
    json_t *s = openai("{\"segments\":[{\"text\":\" \xd9\x85\xd8\xb1 y\",\"words\":["
                       "{\"word\":\" \xd9\x85\xd8\",\"start\":0,\"end\":1},"
                       "{\"word\":\"\xb1\",\"start\":1,\"end\":2},"
                       "{\"word\":\" y\",\"start\":2,\"end\":3}]}]}");
    const json_t *words = json_object_get(json_array_get(s, 0), "words");

    OK(json_array_size(words) == 2, "tokens that are parts of a character");
    IS_STR(text_at(words, 0), "\xd9\x85\xd8\xb1", "become its word");
    json_decref(s);
    s = openai("{\"segments\":[{\"text\":\" a b c\",\"words\":[{\"word\":\" \xd9\"},"
               "{\"word\":\" y\"}]}]}");
    OK(json_array_size(json_object_get(json_array_get(s, 0), "words")) == 0,
       "or none, when they cannot be told apart");
    json_decref(s);
}

static void test_bad(void)
{
    struct mt_err err;

    OK(!mt_asr_openai("{\"segm", 6, 1, &err) && err.code == MT_ERR_BUSY, "half an answer");
    OK(!mt_asr_openai("", 0, 1, &err) && err.code == MT_ERR_BUSY, "none");
    OK(!mt_asr_openai("[1]", 3, 1, &err) && err.code == MT_ERR_FAILED, "an array");
    OK(!mt_asr_openai("{\"a\":1}", 7, 1, &err) && err.code == MT_ERR_FAILED, "something else");
    OK(*err.hint, "with a hint");
    json_t *s = openai("{\"segments\":[1,null,{\"text\":5},{\"text\":\"x\",\"words\":[1,{}]}]}");
    OK(json_array_size(s) == 1, "members of wrong types are passed over");
    json_decref(s);
    s = openai("{\"text\":\"caf\xe9\"}");
    IS_STR(text_at(s, 0), "caf\xef\xbf\xbd", "what is not UTF-8 is replaced");
    json_decref(s);
}

static void test_fit(void)
{
    json_t *s =
        openai("{\"segments\":[{\"text\":\"b\",\"start\":5,\"end\":4},"
               "{\"text\":\"c\",\"start\":6,\"end\":99,\"words\":[{\"word\":\"c\",\"start\":-1,"
               "\"end\":200}]},{\"text\":\"a\",\"start\":-2,\"end\":1},"
               "{\"text\":\"d\",\"start\":9,\"end\":10.05}]}");

    OK(mt_asr_fit(s, 100, 10) == 3, "three of four had to be mended");
    IS_STR(text_at(s, 0), "a", "they are in order");
    OK(num_at(s, 0, "start_s") == 100 && num_at(s, 1, "start_s") == 104 &&
           num_at(s, 1, "end_s") == 105,
       "swapped times are swapped back");
    OK(num_at(s, 2, "end_s") == 110 && num_at(s, 3, "end_s") == 110, "none is beyond the end");
    const json_t *words = json_object_get(json_array_get(s, 2), "words");
    OK(num_at(words, 0, "start_s") == 106 && num_at(words, 0, "end_s") == 110, "words neither");
    json_decref(s);
}

static void test_whispercpp(void)
{
    struct mt_err err;
    static const char text[] =
        "{\"systeminfo\":\"x\",\"result\":{\"language\":\"en\"},\"transcription\":[{\"timestamps\":"
        "{\"from\":\"00:00:00,000\",\"to\":\"00:00:02,000\"},\"offsets\":{\"from\":0,\"to\":2000},"
        "\"text\":\" And so\",\"tokens\":[{\"text\":\"[_BEG_]\",\"p\":0.9},{\"text\":\" And\","
        "\"offsets\":{\"from\":100,\"to\":500},\"p\":0.5},{\"text\":\" "
        "s\",\"offsets\":{\"from\":500,"
        "\"to\":700},\"p\":0.5},{\"text\":\"o\",\"offsets\":{\"from\":700,\"to\":900},\"p\":0.5}]}]"
        "}";
    json_t *s = mt_asr_whispercpp(text, strlen(text), &err);
    const json_t *words = json_object_get(json_array_get(s, 0), "words");

    OK(json_array_size(words) == 2, "tokens become words, marks do not");
    OK(num_at(words, 1, "end_s") == 0.9, "with their times");
    OK(num_at(s, 0, "confidence") == 0.5, "mean probability");
    json_decref(s);
    OK(!mt_asr_whispercpp("{}", 2, &err) && err.code == MT_ERR_FAILED, "an empty object");
}

static void refused(long status, const char *text, enum mt_code code, const char *name)
{
    struct mt_asr_refusal refusal = {.status = status, .text = text, .n = strlen(text)};
    struct mt_err err = {0};

    OK(mt_asr_refuse(&refusal, &err) < 0 && err.code == code, name);
    OK(*err.msg && *err.hint, "says what and what to do");
}

static void test_refusals(void)
{
    refused(401, "{\"error\":{\"message\":\"no\"}}", MT_ERR_CONFIG, "401");
    refused(404, "", MT_ERR_CONFIG, "404");
    refused(413, "<html>", MT_ERR_CONFIG, "413");
    refused(429, "{}", MT_ERR_BUSY, "429");
    refused(429, "{\"error\":{\"code\":\"insufficient_quota\"}}", MT_ERR_CONFIG, "out of money");
    refused(503, "\xff\xfe", MT_ERR_BUSY, "503");
    refused(302, "", MT_ERR_CONFIG, "a redirect");
    char *url = mt_asr_endpoint("http://x/v1/");
    IS_STR(url, "http://x/v1/audio/transcriptions", "below the API");
    free(url);
    url = mt_asr_endpoint("http://x/inference");
    IS_STR(url, "http://x/inference", "an endpoint");
    free(url);
}

static void test_languages(void)
{
    static const char *const pairs[][2] = {
        {"english", "en"}, {"Arabic", "ar"}, {"ar-EG", "ar-EG"},
        {"ARA", "ar"},     {"iw", "he"},     {"ger", "de"},
        {"und", ""},       {"", ""},         {"klingon speech", ""}};
    char out[16];

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        IS_STR(mt_language_code(pairs[i][0], out), pairs[i][1], pairs[i][0]);
    IS_STR(mt_language_by_script("\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 TV"), "ar", "Arabic");
    IS_STR(mt_language_by_script("good morning"), "en", "English");
    OK(!mt_language_by_script("1 2 3!"), "figures are in no language");
    OK(mt_language_is_rtl("ar-SA") && !mt_language_is_rtl("en") && !mt_language_is_rtl(NULL),
       "directions");
}

int main(void)
{
    test_openai();
    test_words();
    test_bad();
    test_fit();
    test_whispercpp();
    test_refusals();
    test_languages();
    return tap_done();
}
