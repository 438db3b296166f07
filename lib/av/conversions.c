/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conversions.c - conversions of characters, held open for jailed children. */
#include "av/subtitles.h"
#include "base/mem.h"

#include <iconv.h>
#include <stdlib.h>

/* Those of libzvbi: its own characters, and what it tries for those that are not in a set. */
static const char *const sets[] = {"UTF-8", "ISO-8859-1", "ISO6937"};
enum { SETS = 3 };

struct mt_av_conversions {
    iconv_t to[SETS], from[SETS];
};

struct mt_av_conversions *mt_av_conversions_open(void)
{
    struct mt_av_conversions *c = mt_alloc(sizeof *c);

    for (int i = 0; i < SETS; i++) {
        c->to[i] = iconv_open(sets[i], "UCS-2");
        c->from[i] = iconv_open("UCS-2", sets[i]);
    }
    return c;
}

void mt_av_conversions_close(struct mt_av_conversions **c)
{
    for (int i = 0; *c && i < SETS; i++) {
        if ((*c)->to[i] != (iconv_t)-1)
            iconv_close((*c)->to[i]);
        if ((*c)->from[i] != (iconv_t)-1)
            iconv_close((*c)->from[i]);
    }
    free(*c);
    *c = NULL;
}
