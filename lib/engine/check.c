/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check.c - see check.h. */
#include "engine/check.h"

#include "base/mem.h"
#include "json/json.h"

#include <math.h>
#include <string.h>

/* Rounding at the end of the material, by decoders and models, is no mistake of theirs. */
#define LATE_S 1.0

static int wrong(struct mt_err *err, const char *what, const char *wanted)
{
    return mt_fail(err, MT_ERR_CRASHED, "'%s' is not %s", what, wanted);
}

static int whole(const json_t *about, const char *name, int64_t fallback, int64_t lo, int64_t hi,
                 int64_t *out, struct mt_err *err)
{
    const json_t *value = json_object_get(about, name);

    *out = value ? json_integer_value(value) : fallback;
    if (value && (!json_is_integer(value) || *out < lo || *out > hi))
        return mt_fail(err, MT_ERR_CRASHED, "'%s' is not a whole number from %lld to %lld", name,
                       (long long)lo, (long long)hi);
    return 0;
}

static int read_input(struct mt_engine *engine, const json_t *about, struct mt_err *err)
{
    static const char *const kinds[] = {"audio", "frames", "text", "file"};
    const char *kind = mt_json_str(about, "needs.input", "");
    int64_t rate, side, frames;

    for (int i = 0; i < 4; i++)
        if (strcmp(kind, kinds[i]) == 0) {
            const json_t *needs = json_object_get(about, "needs");
            engine->input = (enum mt_engine_input)i;
            if (whole(needs, "rate_hz", 16000, 8000, 48000, &rate, err) < 0 ||
                whole(needs, "side_px", 640, 16, 4096, &side, err) < 0 ||
                whole(needs, "max_frames", 600, 1, 100000, &frames, err) < 0 ||
                whole(needs, "memory_bytes", 0, 0, INT64_MAX, &engine->memory_bytes, err) < 0)
                return -1;
            engine->rate_hz = (int)rate;
            engine->side_px = (int)side;
            engine->max_frames = (int)frames;
            return 0;
        }
    return wrong(err, "needs.input", "one of audio, frames, text, file");
}

static int check_words(const json_t *about, const char *name, bool required, struct mt_err *err)
{
    const json_t *list = json_object_get(about, name);
    const json_t *word;
    size_t i;

    if (!list && !required)
        return 0;
    if (!json_is_array(list) || (required && json_array_size(list) == 0))
        return wrong(err, name, "an array of words");
    json_array_foreach(list, i, word)
    {
        if (!json_is_string(word) || !*json_string_value(word) || json_string_length(word) > 64)
            return wrong(err, name, "an array of words");
    }
    return 0;
}

int mt_engine_describe(struct mt_engine *engine, json_t *about, struct mt_err *err)
{
    if (mt_json_int(about, "protocol", 0) != MT_ENGINE_PROTOCOL) {
        mt_fail(err, MT_ERR_CRASHED, "it speaks protocol %lld, wanted %d",
                (long long)mt_json_int(about, "protocol", 0), MT_ENGINE_PROTOCOL);
        return mt_hint(err, "install a version of the engine that fits this toolkit");
    }
    if (strcmp(mt_json_str(about, "name", ""), engine->name) != 0)
        return wrong(err, "name", "the name of the file");
    const char *version = mt_json_str(about, "version", "");
    if (!*version || strlen(version) > 200)
        return wrong(err, "version", "a text of 1 to 200 bytes");
    if (check_words(about, "types", true, err) < 0 ||
        check_words(about, "languages", false, err) < 0 || read_input(engine, about, err) < 0)
        return -1;
    engine->version = mt_strdup(version);
    engine->about = json_incref(about);
    engine->network = mt_json_bool(about, "needs.network", false);
    engine->parallel = mt_json_bool(about, "parallel", false);
    engine->ready = mt_json_bool(about, "ready", true);
    engine->missing = mt_strdup(mt_json_str(about, "missing", "something that it needs"));
    engine->hint = mt_strdup(mt_json_str(about, "hint", ""));
    return 0;
}

static int check_time(const json_t *value, const char *name, double duration_s, double *out,
                      struct mt_err *err)
{
    *out = json_number_value(value);
    if (!json_is_number(value) || !isfinite(*out) || *out < 0)
        return wrong(err, name, "a time in seconds");
    if (duration_s > 0 && *out > duration_s + LATE_S)
        return mt_fail(err, MT_ERR_CRASHED, "'%s' is %.3f s, after the end at %.3f s", name, *out,
                       duration_s);
    return 0;
}

/* start_s and end_s, or time_s. */
static int check_times(const json_t *finding, double duration_s, struct mt_err *err)
{
    const json_t *at = json_object_get(finding, "time_s");
    double start, end;

    if (at)
        return check_time(at, "time_s", duration_s, &start, err);
    if (check_time(json_object_get(finding, "start_s"), "start_s", duration_s, &start, err) < 0 ||
        check_time(json_object_get(finding, "end_s"), "end_s", duration_s, &end, err) < 0)
        return -1;
    return end < start ? wrong(err, "end_s", "at or after 'start_s'") : 0;
}

static int check_share(const json_t *value, const char *name, struct mt_err *err)
{
    double v = json_number_value(value);

    if (!value || json_is_null(value) || (json_is_number(value) && v >= 0 && v <= 1))
        return 0;
    return wrong(err, name, "a number from 0 to 1");
}

static int check_box(const json_t *box, struct mt_err *err)
{
    if (!box)
        return 0;
    if (!json_is_array(box) || json_array_size(box) != 4)
        return wrong(err, "box", "four numbers: left, top, width, height");
    for (size_t i = 0; i < 4; i++)
        if (!json_is_number(json_array_get(box, i)) ||
            check_share(json_array_get(box, i), "box", err) < 0)
            return wrong(err, "box", "four numbers from 0 to 1");
    return 0;
}

static int check_spoken(const json_t *finding, double duration_s, struct mt_err *err)
{
    const json_t *words = json_object_get(finding, "words");
    const json_t *word;
    size_t i;

    if (words && !json_is_array(words))
        return wrong(err, "words", "an array");
    json_array_foreach(words, i, word)
    {
        if (!json_is_string(json_object_get(word, "text")))
            return wrong(err, "words", "an array of objects with 'text'");
        if (check_times(word, duration_s, err) < 0 ||
            check_share(json_object_get(word, "confidence"), "confidence", err) < 0)
            return mt_fail_in(err, "word %zu", i);
    }
    return 0;
}

int mt_engine_check_finding(const json_t *finding, double duration_s, struct mt_err *err)
{
    static const char *const texts[] = {"text", "label", "language", "speaker"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const json_t *value = json_object_get(finding, texts[i]);
        if (value && !json_is_null(value) && !json_is_string(value))
            return wrong(err, texts[i], "a text");
    }
    if (!json_is_string(json_object_get(finding, "text")) &&
        !json_is_string(json_object_get(finding, "label")))
        return mt_fail(err, MT_ERR_CRASHED, "neither 'text' nor 'label'");
    if (check_times(finding, duration_s, err) < 0 ||
        check_share(json_object_get(finding, "confidence"), "confidence", err) < 0 ||
        check_box(json_object_get(finding, "box"), err) < 0)
        return -1;
    return check_spoken(finding, duration_s, err);
}
