/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape.c - captions by rule. */
#include "captions/captions.h"
#include "captions/glyphs.h"
#include "captions/internal.h"

#include "base/mem.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLACK_S 1e-6 /* of rounding */
#define STEP_S 0.2   /* captions that begin at one time are shown this much after each other */

const struct mt_caption_rules mt_caption_rules_usual = {
    .line_chars = 42, .lines = 2, .cps = 17, .min_s = 1, .max_s = 7, .gap_s = 0.08};

/* Characters of the units, with the blanks between. */
static int width(const struct mt_unit *units, size_t n)
{
    int sum = n > 0 ? (int)n - 1 : 0;

    for (size_t i = 0; i < n; i++)
        sum += units[i].chars;
    return sum;
}

size_t mt_caption_break(const struct mt_unit *units, size_t n, const struct mt_caption_rules *rules)
{
    size_t best = 0;
    int best_score = 0, all = width(units, n);

    if (all <= rules->line_chars)
        return n;
    for (size_t i = 1; rules->lines > 1 && i < n; i++) {
        int first = width(units, i), second = all - first - 1;
        if (first > rules->line_chars || second > rules->line_chars)
            continue;
        /* Phrases first, then lines of like length, rather a longer second one. */
        int score = 1000 + 2 * units[i - 1].phrase - 3 * abs(first - second) - (first > second);
        if (score > best_score)
            best_score = score, best = i;
    }
    return best;
}

/* How many units the next caption takes: as many as fit, back to the end of a phrase. */
static size_t take(const struct mt_unit *units, size_t n, const struct mt_caption_rules *rules)
{
    size_t most = 1, best, best_phrase = 0;

    while (most < n && mt_caption_break(units, most + 1, rules) > 0 &&
           units[most].end - units[0].start <= rules->max_s + SLACK_S)
        most++;
    if (most == n)
        return n;
    best = most;
    for (size_t i = most; i > 0; i--) {
        /* An early end costs: a caption should not be a third of what it can be. */
        size_t phrase = (size_t)units[i - 1].phrase * i / most;
        if (3 * i >= most && phrase > best_phrase)
            best_phrase = phrase, best = i;
    }
    return best;
}

static json_t *line_of(const struct mt_unit *units, size_t n)
{
    size_t bytes = 1;

    for (size_t i = 0; i < n; i++)
        bytes += units[i].n + 1;
    char *text = mt_alloc(bytes), *to = text;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            *to++ = ' ';
        memcpy(to, units[i].text, units[i].n);
        to += units[i].n;
    }
    json_t *line = mt_json_text(text);
    free(text);
    return line;
}

static void add_caption(json_t *out, const struct mt_unit *units, size_t n, const json_t *cue,
                        const struct mt_caption_rules *rules)
{
    size_t first = mt_caption_break(units, n, rules);
    json_t *lines = json_array();
    json_t *caption = json_pack("{s:f, s:f, s:o}", "start", units[0].start, "end", units[n - 1].end,
                                "lines", lines);

    first = first ? first : n;
    json_array_append_new(lines, line_of(units, first));
    if (first < n)
        json_array_append_new(lines, line_of(units + first, n - first));
    json_object_set_new(caption, "chars", json_integer(width(units, n)));
    if (json_is_string(json_object_get(cue, "language")))
        json_object_set(caption, "language", json_object_get(cue, "language"));
    json_array_append_new(out, caption);
}

/* The text of a cue, or the lines of a caption as one. free() it. */
static char *text_of(const json_t *cue)
{
    const json_t *lines = json_object_get(cue, "lines");
    char *text = mt_strdup(mt_json_str(cue, "text", ""));
    const json_t *line;
    size_t i;

    json_array_foreach(lines, i, line)
    {
        char *longer =
            mt_asprintf("%s %s", text, json_is_string(line) ? json_string_value(line) : "");
        free(text);
        text = longer;
    }
    char *tidy = mt_caption_tidy(text);
    free(text);
    return tidy;
}

/* A caption that was shaped before and keeps the rules; NULL: it is to be shaped. New. */
static json_t *kept(const json_t *cue, const struct mt_caption_rules *rules)
{
    const json_t *lines = json_object_get(cue, "lines");
    double start = mt_json_num(cue, "start", -1), end = mt_json_num(cue, "end", -1);
    int chars = (int)json_array_size(lines) - 1;
    const json_t *line;
    size_t i;

    if (chars < 0 || chars >= rules->lines || start < 0 || end < start ||
        end - start > rules->max_s + SLACK_S)
        return NULL;
    json_array_foreach(lines, i, line)
    {
        const char *text = json_is_string(line) ? json_string_value(line) : "";
        char *tidy = mt_caption_tidy(text);
        int n = mt_glyphs(text, strlen(text));
        bool same = strcmp(tidy, text) == 0;
        free(tidy);
        if (n == 0 || n > rules->line_chars || !same)
            return NULL;
        chars += n;
    }
    json_t *caption = json_copy((json_t *)(uintptr_t)cue);
    json_object_set_new(caption, "chars", json_integer(chars));
    return caption;
}

static void shape_cue(json_t *out, const json_t *cue, const struct mt_caption_rules *rules)
{
    double start = fmax(mt_json_num(cue, "start", 0), 0);
    double end = fmax(mt_json_num(cue, "end", start), start);
    json_t *caption = kept(cue, rules);
    size_t n;

    if (caption) {
        json_array_append_new(out, caption);
        return;
    }
    char *text = text_of(cue);
    struct mt_unit *units =
        mt_caption_units(text, start, end, json_object_get(cue, "words"), rules, &n);

    for (size_t i = 0, taken; i < n; i += taken) {
        taken = take(units + i, n - i, rules);
        add_caption(out, units + i, taken, cue, rules);
    }
    free(units);
    free(text);
}

/* Gives each the time it needs as far as there is time before the next. */
static void set_times(json_t *captions, const struct mt_caption_rules *rules)
{
    size_t n = json_array_size(captions);
    double last = -STEP_S;

    for (size_t i = 0; i < n; i++) {
        json_t *caption = json_array_get(captions, i);
        double start = fmax(mt_json_num(caption, "start", 0), last + STEP_S);
        last = round(start * 1000) / 1000;
        json_object_set_new(caption, "start", mt_json_real(last, 3));
    }
    for (size_t i = 0; i < n; i++) {
        json_t *caption = json_array_get(captions, i);
        double start = mt_json_num(caption, "start", 0), end = mt_json_num(caption, "end", 0);
        double read = (double)mt_json_int(caption, "chars", 0) / rules->cps;
        end = fmin(fmax(end, start + fmax(rules->min_s, read)), start + rules->max_s);
        if (i + 1 < n)
            end = fmin(end,
                       mt_json_num(json_array_get(captions, i + 1), "start", end) - rules->gap_s);
        json_object_set_new(caption, "end", mt_json_real(end, 3));
        json_object_del(caption, "chars");
    }
}

struct order {
    json_t *cue;
    double start;
    size_t number;
};

static int earlier(const void *a, const void *b)
{
    const struct order *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void sort(json_t *list)
{
    size_t n = json_array_size(list);
    struct order *order = mt_alloc((n + 1) * sizeof *order);

    for (size_t i = 0; i < n; i++) {
        json_t *cue = json_incref(json_array_get(list, i));
        order[i] = (struct order){cue, mt_json_num(cue, "start", 0), i};
    }
    qsort(order, n, sizeof *order, earlier);
    json_array_clear(list);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, order[i].cue);
    free(order);
}

json_t *mt_captions_shape(const json_t *said, const struct mt_caption_rules *rules)
{
    json_t *captions = json_array();
    json_t *in_order = json_copy((json_t *)(uintptr_t)said);
    const json_t *cue;
    size_t i;

    sort(in_order);
    json_array_foreach(in_order, i, cue)
    {
        shape_cue(captions, cue, rules);
    }
    sort(captions);
    set_times(captions, rules);
    json_decref(in_order);
    return captions;
}
