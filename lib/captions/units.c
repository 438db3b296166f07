/* SPDX-License-Identifier: GPL-2.0-or-later */
/* units.c - texts as words with times, and how well a line ends after each. */
#include "captions/glyphs.h"
#include "captions/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Before these a phrase begins: conjunctions, relative words, prepositions. */
static const char *const openers[] = {
    "and",   "but",   "or",     "nor",  "so",       "because", "that",  "which", "who",
    "whose", "when",  "where",  "if",   "although", "though",  "while", "until", "unless",
    "since", "after", "before", "with", "without",  "for",     "from",  "into",  "about",
    "than",  "أو",    "ثم",     "لكن",  "ولكن",     "لأن",     "حتى",   "إذا",   "عندما",
    "التي",  "الذي",  "الذين",  "حيث",  "كما",      "بعد",     "قبل",   "من",    "في",
    "على",   "إلى",   "عن",     "مع",   "بل",       "أن",      "إن",    "بينما", "لكي"};

/* After these nobody wants to see a break: they belong to what follows. */
static const char *const leaners[] = {
    "the", "a",  "an", "of",  "to",  "in", "on", "at", "my", "your", "his", "her", "our", "their",
    "is",  "في", "من", "على", "إلى", "عن", "يا", "لا", "لم", "لن",   "قد",  "هذا", "هذه"};

static bool is_among(const char *text, size_t n, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i]) == n && strncasecmp(text, list[i], n) == 0)
            return true;
    return false;
}

static uint32_t last_of(const char *text, size_t n)
{
    uint32_t cp = 0, last = 0;

    for (size_t i = 0, len; i < n; i += len) {
        len = mt_utf8_next(text + i, n - i, &cp);
        if (len == 0)
            len = 1;
        else if (!mt_glyph_is_mark(cp) && !strchr("\"')]", cp < 0x80 ? (int)cp : 'x') &&
                 cp != 0x201d && cp != 0xbb)
            last = cp;
    }
    return last;
}

static int rate(const struct mt_unit *unit, const struct mt_unit *next)
{
    uint32_t last = last_of(unit->text, unit->n);

    if (last == '.' || last == '!' || last == '?' || last == 0x61f || last == 0x2026 ||
        last == 0x6d4 || last == 0x3002)
        return 100;
    if (last == ';' || last == ':' || last == 0x61b)
        return 80;
    if (last == ',' || last == 0x60c || last == 0x2014)
        return 70;
    if (is_among(unit->text, unit->n, leaners, sizeof leaners / sizeof *leaners))
        return 0;
    if (next && next->start - unit->end > 0.3)
        return 60;
    if (next && is_among(next->text, next->n, openers, sizeof openers / sizeof *openers))
        return 50;
    return 20;
}

/* Bytes of text that make at most so many characters. */
static size_t prefix(const char *text, size_t n, int chars)
{
    size_t used = 0;

    for (; chars > 0 && used < n; chars--)
        used += mt_glyph_next(text + used);
    return used < n ? used : n;
}

static size_t count_words(const char *text)
{
    size_t n = 0;

    for (; *(text += strspn(text, " ")); text += strcspn(text, " "))
        n++;
    return n;
}

/* Whether the words are those of the text, one for one, so that their times are its. */
static bool fit_words(const char *text, const json_t *words)
{
    return json_array_size(words) > 0 && json_array_size(words) == count_words(text);
}

/* Adds one word, in pieces if it is longer than a line. Its time is shared out by length. */
static void add_word(struct mt_unit *units, size_t *n, const char *text, size_t bytes, double start,
                     double end, int most)
{
    int all = mt_glyphs(text, bytes), done = 0;

    while (bytes > 0) {
        size_t take = prefix(text, bytes, most);
        int chars = mt_glyphs(text, take);
        units[(*n)++] = (struct mt_unit){.text = text,
                                         .n = take,
                                         .chars = chars,
                                         .start = start + (end - start) * done / all,
                                         .end = start + (end - start) * (done + chars) / all};
        done += chars;
        text += take;
        bytes -= take;
    }
}

struct mt_unit *mt_caption_units(const char *text, double start, double end, const json_t *words,
                                 const struct mt_caption_rules *rules, size_t *n)
{
    struct mt_unit *units = mt_alloc((strlen(text) + 1) * sizeof *units);
    int all = mt_glyphs(text, strlen(text)), done = 0;
    bool timed = fit_words(text, words);
    double last = start;

    *n = 0;
    for (size_t i = 0; *text; i++) {
        size_t bytes = strcspn(text, " ");
        int chars = mt_glyphs(text, bytes);
        double from = start + (end - start) * done / all;
        double to = start + (end - start) * (done + chars) / all;
        if (timed) {
            from = mt_json_num(json_array_get(words, i), "start_s", from);
            to = mt_json_num(json_array_get(words, i), "end_s", to);
        }
        from = fmin(fmax(from, last), end);
        to = fmin(fmax(to, from), end);
        last = from;
        add_word(units, n, text, bytes, from, to, rules->line_chars);
        text += bytes;
        done += chars + (*text == ' ');
        text += *text == ' ';
    }
    for (size_t i = 0; i < *n; i++)
        units[i].phrase = rate(&units[i], i + 1 < *n ? &units[i + 1] : NULL);
    return units;
}

static int arabic_mark(uint32_t cp, bool after_arabic)
{
    if (!after_arabic)
        return 0;
    return cp == ',' ? 0x60c : cp == ';' ? 0x61b : cp == '?' ? 0x61f : 0;
}

static bool is_arabic(uint32_t cp)
{
    return cp >= 0x600 && mt_glyph_is_rtl(cp);
}

char *mt_caption_tidy(const char *text)
{
    char *clean = mt_utf8_clean(text, strlen(text));
    char *out = mt_alloc(2 * strlen(clean) + 1);
    char *to = out;
    bool arabic = false;
    uint32_t cp;

    for (size_t i = 0, n = strlen(clean), len; i < n; i += len) {
        len = mt_utf8_next(clean + i, n - i, &cp);
        int mark = arabic_mark(cp, arabic);
        bool blank = cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0xa0 || cp == 0x2028 ||
                     cp == 0x2029 || cp == 0x85;
        if (!mt_glyph_is_mark(cp) && !mt_glyph_is_control(cp))
            arabic = is_arabic(cp);
        if (blank && to > out && to[-1] != ' ')
            *to++ = ' ';
        if (blank || mt_glyph_is_control(cp))
            continue;
        if (mark) {
            *to++ = (char)(0xc0 | (mark >> 6));
            *to++ = (char)(0x80 | (mark & 0x3f));
            continue;
        }
        memcpy(to, clean + i, len);
        to += len;
    }
    while (to > out && to[-1] == ' ')
        to--;
    *to = '\0';
    free(clean);
    return out;
}
