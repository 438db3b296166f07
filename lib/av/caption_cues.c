/* SPDX-License-Identifier: GPL-2.0-or-later */
/* caption_cues.c - cues in order of time. */
#include "av/caption_parts.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    CUES_MAX = 100000,
    TEXT_MAX = 8192,
    OPEN_US = 10 * 1000000, /* how long a cue without an end stays */
    SHORTEST_US = 1000,
    CHARACTERS_MAX = 8192,
};

/* The event without what is no text: ill-formed bytes replaced, control characters gone. */
static char *clean(const char *ass)
{
    char *text = mt_utf8_clean(ass, strlen(ass));
    size_t n = strlen(text), to = 0;

    for (size_t i = 0; i < n;) {
        uint32_t cp;
        size_t step = mt_utf8_next(text + i, n - i, &cp);

        /* Marks of direction belong to Arabic and Hebrew; other controls to nobody. */
        if (step == 0)
            break;
        if (cp >= 0xa0 || (cp >= 0x20 && cp < 0x7f)) {
            memmove(text + to, text + i, step);
            to += step;
        }
        i += step;
    }
    text[to] = '\0';
    return text;
}

/* Where the text of an event begins: behind its eighth comma. */
static const char *body_of(const char *ass)
{
    for (int commas = 0; commas < 8; commas++) {
        ass = strchr(ass, ',');
        if (!ass)
            return "";
        ass++;
    }
    return ass;
}

bool mt_cues_add(struct mt_cues *cues, int64_t start_us, int64_t end_us, const char *ass)
{
    if (cues->n >= CUES_MAX || strnlen(ass, TEXT_MAX + 1) > TEXT_MAX || !body_of(ass)[0]) {
        cues->left_out++;
        return false;
    }
    if (cues->n == cues->room) {
        cues->room = cues->room ? 2 * cues->room : 64;
        cues->list = mt_realloc(cues->list, (size_t)cues->room, sizeof *cues->list);
    }
    cues->list[cues->n] = (struct mt_cue){
        .start_us = start_us, .end_us = end_us, .order = cues->n, .ass = clean(ass)};
    cues->n++;
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct mt_cue *x = a, *y = b;

    if (x->start_us != y->start_us)
        return x->start_us < y->start_us ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Whether something of the cue is left when it is cut to the film. */
static bool cut(struct mt_cue *cue, int64_t next_us, int64_t duration_us)
{
    if (cue->end_us < 0) {
        cue->end_us = cue->start_us + OPEN_US;
        if (next_us > cue->start_us && next_us < cue->end_us)
            cue->end_us = next_us;
    }
    if (cue->start_us < 0)
        cue->start_us = 0;
    if (duration_us > 0 && cue->end_us > duration_us)
        cue->end_us = duration_us;
    return cue->end_us - cue->start_us >= SHORTEST_US;
}

void mt_cues_finish(struct mt_cues *cues, int64_t duration_us)
{
    int n = 0;

    if (cues->n > 0)
        qsort(cues->list, (size_t)cues->n, sizeof *cues->list, by_time);
    for (int i = 0; i < cues->n; i++) {
        int64_t next = i + 1 < cues->n ? cues->list[i + 1].start_us : INT64_MAX;

        if (cut(&cues->list[i], next, duration_us)) {
            cues->list[n++] = cues->list[i];
            continue;
        }
        free(cues->list[i].ass);
        cues->left_out++;
    }
    cues->n = n;
}

void mt_cues_free(struct mt_cues *cues)
{
    for (int i = 0; i < cues->n; i++)
        free(cues->list[i].ass);
    free(cues->list);
    *cues = (struct mt_cues){.n = 0};
}

char *mt_cue_text(const struct mt_cue *cue)
{
    const char *from = body_of(cue->ass);
    char *text = mt_alloc(strlen(from) + 1), *to = text;
    bool inside = false;

    for (; *from; from++) {
        if (*from == '{' || *from == '}') {
            inside = *from == '{' && strchr(from, '}');
            continue;
        }
        if (inside)
            continue;
        if (from[0] == '\\' && (from[1] == 'N' || from[1] == 'n' || from[1] == 'h')) {
            *to++ = from[1] == 'h' ? ' ' : '\n';
            from++;
            continue;
        }
        *to++ = *from;
    }
    *to = '\0';
    return text;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Adds those of a text that are not in the sorted list yet. */
static size_t add_characters(uint32_t list[CHARACTERS_MAX], size_t n, const char *text)
{
    size_t left = strlen(text), step;
    uint32_t cp;

    for (; n < CHARACTERS_MAX && (step = mt_utf8_next(text, left, &cp)) > 0;
         text += step, left -= step) {
        if (cp <= 0x20 || bsearch(&cp, list, n, sizeof *list, by_value))
            continue;
        list[n++] = cp;
        for (size_t i = n - 1; i > 0 && list[i - 1] > list[i]; i--) {
            uint32_t t = list[i];
            list[i] = list[i - 1];
            list[i - 1] = t;
        }
    }
    return n;
}

json_t *mt_cues_characters(const struct mt_cues *cues)
{
    uint32_t *list = mt_alloc(CHARACTERS_MAX * sizeof *list);
    json_t *all = json_array();
    size_t n = 0;

    for (int i = 0; i < cues->n; i++) {
        char *text = mt_cue_text(&cues->list[i]);

        n = add_characters(list, n, text);
        free(text);
    }
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all, json_integer(list[i]));
    free(list);
    return all;
}
