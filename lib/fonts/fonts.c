/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fonts.c - see fonts.h. */
#include "fonts/fonts.h"

#include "base/file.h"

#include <fcntl.h>
#include <fontconfig/fontconfig.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { FONT_MAX = 64 * 1024 * 1024 };

static int map(struct mt_font *font, const FcPattern *pattern)
{
    FcChar8 *file = NULL, *family = NULL;
    struct stat st;
    int fd, ret = -1;

    *font = (struct mt_font){.data = NULL};
    if (FcPatternGetString(pattern, FC_FILE, 0, &file) != FcResultMatch ||
        FcPatternGetString(pattern, FC_FAMILY, 0, &family) != FcResultMatch)
        return -1;
    fd = open((const char *)file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= FONT_MAX) {
        font->size = (size_t)st.st_size;
        font->data = mmap(NULL, font->size, PROT_READ, MAP_PRIVATE, fd, 0);
        snprintf(font->family, sizeof font->family, "%s", (const char *)family);
        ret = font->data == MAP_FAILED ? -1 : 0;
    }
    if (ret < 0)
        font->data = NULL;
    mt_fd_close(&fd);
    return ret;
}

/* Outlines that shapers know: what libass takes from memory. */
static FcBool usable(const FcPattern *pattern)
{
    FcBool scalable = FcFalse, color = FcFalse;

    (void)FcPatternGetBool(pattern, FC_SCALABLE, 0, &scalable);
    (void)FcPatternGetBool(pattern, FC_COLOR, 0, &color);
    return scalable && !color;
}

/* The font of the list that has the most of the characters. */
static FcPattern *best(const FcFontSet *set, const FcCharSet *wanted, FcBool first)
{
    FcPattern *found = NULL;
    FcChar32 most = 0;

    for (int i = 0; i < set->nfont; i++) {
        FcCharSet *has = NULL;
        FcChar32 n;

        if (!usable(set->fonts[i]) ||
            FcPatternGetCharSet(set->fonts[i], FC_CHARSET, 0, &has) != FcResultMatch)
            continue;
        n = FcCharSetIntersectCount(wanted, has);
        if (n > most || (first && !found)) {
            most = n;
            found = set->fonts[i];
        }
    }
    return found;
}

static FcCharSet *without(FcCharSet *wanted, const FcPattern *font)
{
    FcCharSet *has = NULL;

    if (FcPatternGetCharSet(font, FC_CHARSET, 0, &has) != FcResultMatch)
        return FcCharSetCopy(wanted);
    return FcCharSetSubtract(wanted, has);
}

static FcFontSet *all_fonts(FcConfig *config, FcPattern *pattern)
{
    FcResult result;

    FcConfigSubstitute(config, pattern, FcMatchPattern);
    FcDefaultSubstitute(pattern);
    return FcFontSort(config, pattern, FcFalse, NULL, &result);
}

static int choose(struct mt_font fonts[2], const FcFontSet *set, FcCharSet *wanted, size_t *missing)
{
    FcPattern *one = best(set, wanted, FcTrue), *two;
    FcCharSet *left;
    int n = 0;

    if (!one || map(&fonts[0], one) < 0)
        return 0;
    n = 1;
    left = without(wanted, one);
    *missing = FcCharSetCount(left);
    two = *missing > 0 ? best(set, left, FcFalse) : NULL;
    if (two && map(&fonts[1], two) == 0) {
        FcCharSet *rest = without(left, two);

        n = 2;
        *missing = FcCharSetCount(rest);
        FcCharSetDestroy(rest);
    }
    FcCharSetDestroy(left);
    return n;
}

int mt_fonts_find(struct mt_font fonts[2], const uint32_t *characters, size_t n, size_t *missing,
                  struct mt_err *err)
{
    FcConfig *config = FcInitLoadConfigAndFonts();
    FcPattern *pattern = FcPatternBuild(NULL, FC_FAMILY, FcTypeString, "sans-serif", NULL);
    FcCharSet *wanted = FcCharSetCreate();
    FcFontSet *set = NULL;
    int found = 0;

    for (size_t i = 0; i < n; i++)
        FcCharSetAddChar(wanted, characters[i]);
    if (config && pattern)
        set = all_fonts(config, pattern);
    if (set)
        found = choose(fonts, set, wanted, missing);
    if (set)
        FcFontSetDestroy(set);
    FcCharSetDestroy(wanted);
    if (pattern)
        FcPatternDestroy(pattern);
    if (config)
        FcConfigDestroy(config);
    if (found > 0)
        return found;
    mt_fail(err, MT_ERR_UNAVAILABLE, "there is no font to write subtitles with");
    return mt_hint(err, "install fonts: fonts-dejavu-core has Latin, Arabic and more");
}

void mt_font_close(struct mt_font *font)
{
    if (font->data)
        munmap(font->data, font->size);
    *font = (struct mt_font){.data = NULL};
}
