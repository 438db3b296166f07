/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings.c - see findings.h. */
#include "analyze/findings.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "language/language.h"
#include "json/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NO_VOICE_S 0.3 /* how much of a cue must lie in a span */

enum { LOOPS = 3, FASTEST = 40, TEXT_MAX = 16 << 20, UNSAFE_PERCENT = 50 };

static double start_of(const json_t *finding)
{
    return mt_json_num(finding, "start_s", mt_json_num(finding, "time_s", 0));
}

static double end_of(const json_t *finding)
{
    return mt_json_num(finding, "end_s", mt_json_num(finding, "time_s", 0));
}

static int earlier(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    double dx = start_of(x) - start_of(y);
    double dy = end_of(x) - end_of(y);

    return dx < 0 ? -1 : dx > 0 ? 1 : dy < 0 ? -1 : dy > 0;
}

/* By time; mergesort of the C library keeps those of one time as they came. */
static json_t *sorted(json_t *findings)
{
    size_t n = json_array_size(findings);
    json_t **list = mt_alloc((n + 1) * sizeof(json_t *));
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++)
        list[i] = json_array_get(findings, i);
    qsort(list, n, sizeof *list, earlier);
    for (size_t i = 0; i < n; i++)
        json_array_append(out, list[i]);
    free(list);
    return out;
}

static void copy(json_t *to, const char *as, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);

    if (value && !json_is_null(value))
        json_object_set(to, as, value);
}

/* Without the blanks around it and with single ones inside. free() it. */
static char *tidy(const char *text)
{
    char *out = mt_strdup(text);
    char *to = out;

    for (const char *c = out; *c; c++) {
        bool blank = isspace((unsigned char)*c);
        if (!blank)
            *to++ = *c;
        else if (to > out && to[-1] != ' ')
            *to++ = ' ';
    }
    while (to > out && to[-1] == ' ')
        to--;
    *to = '\0';
    return out;
}

static double overlap(const json_t *spans, double start, double end)
{
    const json_t *span;
    double sum = 0;
    size_t i;

    json_array_foreach(spans, i, span)
    {
        double from = mt_json_num(span, "start_s", 0), to = mt_json_num(span, "end_s", 0);
        from = from > start ? from : start;
        to = to < end ? to : end;
        sum += to > from ? to - from : 0;
    }
    return sum;
}

static size_t characters(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Whether the text is one phrase said three times or more. */
static bool is_loop_within(const char *text)
{
    size_t n = strlen(text);

    for (size_t len = 4; len * LOOPS <= n + 1; len++) {
        size_t k = 1;
        while ((k + 1) * len <= n + 1 && strncmp(text, text + k * len, len - 1) == 0 &&
               text[k * len - 1] == ' ')
            k++;
        if (k >= LOOPS && k * len + len > n)
            return true;
    }
    return false;
}

/* How many cues from number i on say the same. */
static size_t run_length(const json_t *cues, size_t i)
{
    const char *text = mt_json_str(json_array_get(cues, i), "text", "");
    size_t n = 1;

    while (i + n < json_array_size(cues) &&
           strcmp(text, mt_json_str(json_array_get(cues, i + n), "text", "")) == 0)
        n++;
    return n;
}

static const char *why_drop(const json_t *cue, const json_t *spans, size_t same_before,
                            size_t same_in_all)
{
    double start = mt_json_num(cue, "start", 0), end = mt_json_num(cue, "end", 0);
    const char *text = mt_json_str(cue, "text", "");

    if (spans && overlap(spans, start, end) < NO_VOICE_S * (end - start))
        return "no voice";
    if (*mt_json_str(cue, "doubt", ""))
        return mt_json_str(cue, "doubt", "");
    if ((same_in_all >= LOOPS && same_before > 0 && characters(text) > 3) || is_loop_within(text))
        return "loop";
    if (end > start && (double)characters(text) > FASTEST * (end - start) && characters(text) > 20)
        return "too fast";
    return NULL;
}

static json_t *cue_of(const json_t *finding)
{
    char *text = tidy(mt_json_str(finding, "text", ""));
    json_t *cue = json_pack("{s:o, s:o, s:s}", "start", mt_json_real(start_of(finding), 3), "end",
                            mt_json_real(end_of(finding), 3), "text", text);

    copy(cue, "confidence", finding, "confidence");
    copy(cue, "language", finding, "language");
    copy(cue, "speaker", finding, "speaker");
    copy(cue, "words", finding, "words");
    copy(cue, "doubt", finding, "doubt");
    copy(cue, "adjusted", finding, "adjusted");
    if (!*mt_json_str(cue, "language", "") && mt_language_by_script(text))
        json_object_set_new(cue, "language", json_string(mt_language_by_script(text)));
    free(text);
    return cue;
}

static json_t *cues_of(const json_t *findings)
{
    json_t *cues = json_array();
    const json_t *finding;
    size_t i;

    json_array_foreach(findings, i, finding)
    {
        json_t *cue = cue_of(finding);
        if (*mt_json_str(cue, "text", ""))
            json_array_append(cues, cue);
        json_decref(cue);
    }
    return cues;
}

/* Parts the cues into those to keep and those not to be believed. */
static void sift(const json_t *cues, const json_t *spans, json_t *kept, json_t *dropped)
{
    size_t n = json_array_size(cues);

    for (size_t i = 0; i < n;) {
        size_t same = run_length(cues, i);
        for (size_t k = 0; k < same; k++) {
            json_t *cue = json_array_get(cues, i + k);
            const char *reason = why_drop(cue, spans, k, same);
            if (reason)
                json_object_set_new(cue, "reason", json_string(reason));
            json_object_del(cue, "doubt");
            json_array_append(reason ? dropped : kept, cue);
        }
        i += same;
    }
}

/* Weighted by time: what most of it is in, and how sure the engine is of it; null if nobody says.
 */
static json_t *main_language(const json_t *cues)
{
    json_t *sums = json_object();
    const json_t *cue;
    const char *name;
    json_t *sum, *best = NULL;
    size_t i;

    json_array_foreach(cues, i, cue)
    {
        const char *language = mt_json_str(cue, "language", "");
        if (*language)
            json_object_set_new(sums, language,
                                json_real(mt_json_num(sums, language, 0) +
                                          mt_json_num(cue, "end", 0) -
                                          mt_json_num(cue, "start", 0)));
    }
    const char *best_name = NULL;
    json_object_foreach(sums, name, sum)
    {
        if (!best || json_real_value(sum) > json_real_value(best)) {
            best = sum;
            best_name = name;
        }
    }
    json_t *language = best_name ? json_string(best_name) : json_null();
    json_decref(sums);
    return language;
}

static json_t *mean_confidence(const json_t *cues)
{
    double sum = 0, weight = 0;
    const json_t *cue;
    size_t i;

    json_array_foreach(cues, i, cue)
    {
        double w = mt_json_num(cue, "end", 0) - mt_json_num(cue, "start", 0) + 1e-3;
        if (!json_is_number(json_object_get(cue, "confidence")))
            continue;
        sum += w * mt_json_num(cue, "confidence", 0);
        weight += w;
    }
    return weight > 0 ? mt_json_real(sum / weight, 3) : json_null();
}

static json_t *whole_text(const json_t *cues)
{
    struct mt_buf buf;
    struct mt_err err;
    const json_t *cue;
    size_t i;

    mt_buf_init(&buf, TEXT_MAX);
    json_array_foreach(cues, i, cue)
    {
        if (mt_buf_printf(&buf, &err, "%s%s", buf.len ? " " : "", mt_json_str(cue, "text", "")) < 0)
            break;
    }
    json_t *text = json_string(buf.len ? buf.data : "");
    mt_buf_free(&buf);
    return text;
}

/* How many cues had times that could not be. */
static void note_adjusted(json_t *result, const json_t *cues)
{
    const json_t *cue;
    json_int_t n = 0;
    size_t i;

    json_array_foreach(cues, i, cue)
    {
        n += json_is_true(json_object_get(cue, "adjusted"));
        json_object_del((json_t *)(uintptr_t)cue, "adjusted");
    }
    if (n > 0)
        json_object_set_new(result, "adjusted", json_integer(n));
}

static json_t *transcription(const json_t *findings, const json_t *spans, const json_t *voice)
{
    json_t *cues = cues_of(findings);
    json_t *kept = json_array(), *dropped = json_array();

    sift(cues, spans, kept, dropped);
    json_t *result =
        json_pack("{s:o, s:o, s:o, s:o}", "language", main_language(kept), "confidence",
                  mean_confidence(kept), "text", whole_text(kept), "timestamps", kept);
    if (json_array_size(dropped) > 0)
        json_object_set(result, "dropped", dropped);
    note_adjusted(result, cues);
    if (voice)
        json_object_set(result, "voice", (json_t *)(uintptr_t)voice);
    json_decref(dropped);
    json_decref(cues);
    return result;
}

json_t *mt_findings_read(const json_t *cues)
{
    json_t *said = json_array();
    const json_t *cue;
    size_t i;

    json_array_foreach(cues, i, cue)
    {
        char *text = tidy(mt_json_str(cue, "text", ""));
        json_t *entry = json_copy((json_t *)(uintptr_t)cue);
        json_object_set_new(entry, "text", mt_json_text(text));
        if (*text)
            json_array_append(said, entry);
        json_decref(entry);
        free(text);
    }
    return json_pack("{s:o, s:n, s:o, s:o}", "language", main_language(said), "confidence", "text",
                     whole_text(said), "timestamps", said);
}

static json_t *sighting(const json_t *finding)
{
    json_t *entry = json_object();

    copy(entry, "label", finding, "label");
    if (!json_object_get(entry, "label"))
        copy(entry, "label", finding, "text");
    copy(entry, "confidence", finding, "confidence");
    json_object_set_new(entry, "timestamp", mt_json_real(start_of(finding), 3));
    if (end_of(finding) > start_of(finding))
        json_object_set_new(entry, "end", mt_json_real(end_of(finding), 3));
    copy(entry, "box", finding, "box");
    return entry;
}

static json_t *sightings(const json_t *findings)
{
    json_t *list = json_array();
    const json_t *finding;
    size_t i;

    json_array_foreach(findings, i, finding)
    {
        json_array_append_new(list, sighting(finding));
    }
    return list;
}

static json_t *flag(const json_t *finding)
{
    json_t *entry = json_pack("{s:o, s:o}", "start", mt_json_real(start_of(finding), 3), "end",
                              mt_json_real(end_of(finding), 3));

    copy(entry, "label", finding, "label");
    copy(entry, "confidence", finding, "confidence");
    copy(entry, "text", finding, "text");
    copy(entry, "box", finding, "box");
    return entry;
}

static json_t *moderation(const json_t *findings, int64_t examined)
{
    json_t *flags = json_array();
    const json_t *finding;
    double worst = 0;
    size_t i;

    json_array_foreach(findings, i, finding)
    {
        double sure = mt_json_num(finding, "confidence", 1);
        worst = sure > worst ? sure : worst;
        json_array_append_new(flags, flag(finding));
    }
    bool safe = worst * 100 < UNSAFE_PERCENT;
    return json_pack("{s:o, s:o, s:o, s:I}", "safe",
                     examined > 0 ? json_boolean(safe) : json_null(), "confidence",
                     examined > 0 && worst > 0 ? mt_json_real(safe ? 1 - worst : worst, 3)
                                               : json_null(),
                     "flags", flags, "examined", (json_int_t)examined);
}

json_t *mt_findings_result(const char *type, json_t *findings, const json_t *spans,
                           const json_t *voice, int64_t examined)
{
    json_t *in_order = sorted(findings);
    json_t *result = strcmp(type, "transcription") == 0 ? transcription(in_order, spans, voice)
                     : strcmp(type, "moderation") == 0  ? moderation(in_order, examined)
                                                        : sightings(in_order);

    json_decref(in_order);
    return result;
}
