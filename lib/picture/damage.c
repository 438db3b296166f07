/* SPDX-License-Identifier: GPL-2.0-or-later */
/* damage.c - how much of a broken picture was never there. */
#include "picture/internal.h"

#include <string.h>

/*
 * Decoders fill what is missing with one colour: libjpeg with grey, or with the last it met;
 * libpng and libtiff leave zeros. Rows at the end that are all of the colour of the last pixel are
 * taken for that.
 */
double mt_blank_share(VipsImage *image)
{
    size_t size = (size_t)(mt_pel(image, 1, 0) - mt_pel(image, 0, 0));
    const VipsPel *last = mt_pel(image, image->Xsize - 1, image->Ysize - 1);
    int blank = 0;

    for (int y = image->Ysize - 1; y >= 0; y--, blank++)
        for (int x = 0; x < image->Xsize; x++)
            if (memcmp(mt_pel(image, x, y), last, size) != 0)
                return (double)blank / image->Ysize;
    return 1;
}
