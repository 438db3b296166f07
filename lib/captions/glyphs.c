/* SPDX-License-Identifier: GPL-2.0-or-later */
/* glyphs.c - see glyphs.h. Ranges are of Unicode 15; Hangul and Indic clusters are not joined. */
#include "captions/glyphs.h"

#include "base/text.h"

#include <string.h>

bool mt_glyph_is_mark(uint32_t cp)
{
    return (cp >= 0x300 && cp <= 0x36f) || (cp >= 0x591 && cp <= 0x5c7 && cp != 0x5be) ||
           (cp >= 0x610 && cp <= 0x61a) || (cp >= 0x64b && cp <= 0x65f) || cp == 0x670 ||
           (cp >= 0x6d6 && cp <= 0x6dc) || (cp >= 0x6df && cp <= 0x6e4) || cp == 0x6e7 ||
           cp == 0x6e8 || (cp >= 0x6ea && cp <= 0x6ed) || (cp >= 0x8d3 && cp <= 0x8ff) ||
           (cp >= 0x1ab0 && cp <= 0x1aff) || (cp >= 0x1dc0 && cp <= 0x1dff) || cp == 0x200c ||
           cp == 0x200d || (cp >= 0x20d0 && cp <= 0x20ff) || (cp >= 0xfe00 && cp <= 0xfe0f) ||
           (cp >= 0xfe20 && cp <= 0xfe2f) || (cp >= 0x1f3fb && cp <= 0x1f3ff) ||
           (cp >= 0xe0020 && cp <= 0xe01ef);
}

bool mt_glyph_is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x61c || cp == 0x200b || cp == 0x200e ||
           cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) ||
           cp == 0xfeff || (cp & 0xfffe) == 0xfffe;
}

bool mt_glyph_is_rtl(uint32_t cp)
{
    return ((cp >= 0x5d0 && cp <= 0x5ea) || (cp >= 0x620 && cp <= 0x64a) ||
            (cp >= 0x66e && cp <= 0x6d5) || (cp >= 0x6fa && cp <= 0x74f) ||
            (cp >= 0x750 && cp <= 0x8c9) || (cp >= 0xfb1d && cp <= 0xfdff) ||
            (cp >= 0xfe70 && cp <= 0xfefc)) &&
           !mt_glyph_is_mark(cp);
}

bool mt_glyph_is_latin(uint32_t cp)
{
    return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z') ||
           (cp >= 0xc0 && cp <= 0x24f && cp != 0xd7 && cp != 0xf7) ||
           (cp >= 0x1e00 && cp <= 0x1eff);
}

static bool is_regional(uint32_t cp)
{
    return cp >= 0x1f1e6 && cp <= 0x1f1ff;
}

size_t mt_glyph_next(const char *text)
{
    size_t left = strlen(text), len, used;
    uint32_t cp, before;

    used = mt_utf8_next(text, left, &before);
    if (used == 0)
        return 1;
    bool flag = is_regional(before);
    while (used < left && (len = mt_utf8_next(text + used, left - used, &cp)) > 0) {
        if (!mt_glyph_is_mark(cp) && before != 0x200d && !(flag && is_regional(cp)))
            break;
        flag = false;
        before = cp;
        used += len;
    }
    return used;
}

int mt_glyphs(const char *text, size_t n)
{
    int count = 0;

    for (size_t i = 0; i < n; i += mt_glyph_next(text + i))
        count++;
    return count;
}
