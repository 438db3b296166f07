/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text.c - see text.h. */
#include "status/text.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

/* Marks without a width of their own, in order. */
static const struct range marks[] = {
    {0x0300, 0x036f},   {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x05bf, 0x05bf}, {0x05c1, 0x05c2},
    {0x05c4, 0x05c5},   {0x05c7, 0x05c7}, {0x0610, 0x061a}, {0x064b, 0x065f}, {0x0670, 0x0670},
    {0x06d6, 0x06dc},   {0x06df, 0x06e4}, {0x06e7, 0x06e8}, {0x06ea, 0x06ed}, {0x0711, 0x0711},
    {0x0730, 0x074a},   {0x07a6, 0x07b0}, {0x08ca, 0x08e1}, {0x08e3, 0x0902}, {0x093a, 0x093a},
    {0x093c, 0x093c},   {0x0941, 0x0948}, {0x094d, 0x094d}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a},
    {0x0e47, 0x0e4e},   {0x1ab0, 0x1ace}, {0x1dc0, 0x1dff}, {0x200b, 0x200d}, {0x2060, 0x2064},
    {0x20d0, 0x20f0},   {0x302a, 0x302d}, {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
    {0xe0100, 0xe01ef},
};

/* Characters of two columns, in order. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2e80, 0x303e},
    {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x16fe0, 0x18cff}, {0x1b000, 0x1b2ff}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
    {0x1f7e0, 0x1f7eb}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static int compare(const void *key, const void *at)
{
    const uint32_t *cp = key;
    const struct range *r = at;

    return *cp < r->first ? -1 : *cp > r->last;
}

static bool is_in(uint32_t cp, const struct range *table, size_t size)
{
    return bsearch(&cp, table, size / sizeof *table, sizeof *table, compare) != NULL;
}

int mt_text_columns_of(uint32_t cp)
{
    if (cp < marks[0].first)
        return 1;
    if (is_in(cp, marks, sizeof marks))
        return 0;
    return is_in(cp, wide, sizeof wide) ? 2 : 1;
}

size_t mt_text_fit(const char *s, int columns)
{
    size_t n = strlen(s);
    uint32_t cp;

    for (size_t i = 0; i < n;) {
        size_t len = mt_utf8_next(s + i, n - i, &cp);
        columns -= len ? mt_text_columns_of(cp) : 1;
        if (columns < 0)
            return i;
        i += len ? len : 1;
    }
    return n;
}

int mt_text_columns(const char *s)
{
    size_t n = strlen(s);
    uint32_t cp;
    int columns = 0;

    for (size_t i = 0; i < n;) {
        size_t len = mt_utf8_next(s + i, n - i, &cp);
        columns += len ? mt_text_columns_of(cp) : 1;
        i += len ? len : 1;
    }
    return columns;
}

char *mt_text_cut(const char *s, int columns)
{
    size_t n = mt_text_fit(s, columns);

    if (!s[n])
        return mt_strdup(s);
    return columns < 1 ? mt_strdup("")
                       : mt_asprintf("%.*s\xe2\x80\xa6", (int)mt_text_fit(s, columns - 1), s);
}

char *mt_text_age(int64_t then_us, int64_t now_us, char out[MT_AGE_TEXT])
{
    long long s = (now_us - then_us) / 1000000;
    char date[MT_TIME_TEXT];

    if (s < 1)
        snprintf(out, MT_AGE_TEXT, "just now");
    else if (s < 60)
        snprintf(out, MT_AGE_TEXT, "%lld s ago", s);
    else if (s < 3600)
        snprintf(out, MT_AGE_TEXT, "%lld min ago", s / 60);
    else if (s < 48 * 3600)
        snprintf(out, MT_AGE_TEXT, "%lld h ago", s / 3600);
    else if (s < 60LL * 24 * 3600)
        snprintf(out, MT_AGE_TEXT, "%lld d ago", s / (24 * 3600));
    else
        snprintf(out, MT_AGE_TEXT, "%.10s", mt_time_text(then_us, date));
    return out;
}
