/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_fit.c - the size of a rendition. */
#include "av/transcode.h"

#include <limits.h>

/* The even number nearest to num/den that is not above max; at least 2, which encoders need. */
static int even_near(int64_t num, int64_t den, int max)
{
    int64_t n = (num + den) / (2 * den) * 2;

    if (n > max)
        n = max / 2 * 2;
    return n < 2 ? 2 : (int)n;
}

void mt_av_fit(int display_w, int display_h, int height_px, int *w, int *h, int *limited)
{
    int side = display_w < display_h ? display_w : display_h;
    int want = height_px > 0 && height_px < side ? height_px : side;

    *limited = height_px > side;
    if (side < 1) {
        *w = *h = 2;
        return;
    }
    *w = even_near((int64_t)display_w * want, side, display_w);
    *h = even_near((int64_t)display_h * want, side, display_h);
}

void mt_av_enlarge(int display_w, int display_h, int height_px, int *w, int *h)
{
    int side = display_w < display_h ? display_w : display_h, limited;

    if (side < 1 || height_px <= side) {
        mt_av_fit(display_w, display_h, height_px, w, h, &limited);
        return;
    }
    *w = even_near((int64_t)display_w * height_px, side, INT_MAX);
    *h = even_near((int64_t)display_h * height_px, side, INT_MAX);
}
