/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * typeset.h - subtitles as bitmaps (libass).
 *
 * No file is opened: the fonts come with the call, so that it works in a jail, which it belongs in,
 * since it parses foreign text. Words are shaped (HarfBuzz) and put in order (FriBidi), so
 * that Arabic letters join and run from right to left; each paragraph has the direction of its
 * first strong letter.
 */
#ifndef MT_TYPESET_TYPESET_H
#define MT_TYPESET_TYPESET_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { MT_TYPESET_FONTS = 2 };

/* A script in the format of Advanced SubStation Alpha, UTF-8, and what to write it with. */
struct mt_typeset_text {
    char *script;
    size_t n; /* bytes */
    struct mt_typeset_font {
        const void *data; /* of a font file; lent as long as anything is typeset */
        size_t size;
        char family[128];      /* its name in the file */
    } fonts[MT_TYPESET_FONTS]; /* the second for what the first has not */
    int n_fonts;               /* at least one */
};

struct mt_typeset;

/*
 * For pictures of w by h pixels. The styles of the script keep their sizes, colours and places, and
 * get these fonts. MT_ERR_UNAVAILABLE, or MT_ERR_DAMAGED for what is no script.
 */
int mt_typeset_open(struct mt_typeset **out, const struct mt_typeset_text *text, int w, int h,
                    struct mt_err *err) MT_MUST_USE;
void mt_typeset_close(struct mt_typeset **typeset);

/* One patch of a picture, within its bounds: how much of one colour each pixel gets. */
struct mt_typeset_patch {
    int x, y, w, h;
    int stride;             /* bytes from line to line */
    const uint8_t *density; /* 0 to 255 */
    uint8_t red, green, blue;
    uint8_t opacity; /* of the whole: 255 is opaque */
};

/* Calls draw for all that is to be seen at a time, from back to front. */
void mt_typeset_at(struct mt_typeset *typeset, int64_t time_us,
                   void (*draw)(void *ctx, const struct mt_typeset_patch *patch), void *ctx);

#endif
