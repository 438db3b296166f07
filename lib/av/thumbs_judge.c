/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs_judge.c - what a frame looks like, in figures. */
#include "av/thumbs_judge.h"

#include "base/mem.h"

#include <libswscale/swscale.h>
#include <math.h>
#include <stdlib.h>

/* Levels are of 8-bit full range. Bars may be a little above black after lossy coding. */
static const double black_level = 25, black_share = 0.98, bar_level = 32;
static const double white_mean = 240, flat_spread = 4;
enum { SIDE = 160 };

struct small {
    int w, h;
    uint8_t *rgb;
    uint8_t *luma;
};

struct area {
    int x0, y0, x1, y1; /* the ends excluded */
};

static void small_free(struct small *s)
{
    free(s->rgb);
    free(s->luma);
}

static int shrink(struct small *s, const AVFrame *frame, struct mt_err *err)
{
    int longer = frame->width > frame->height ? frame->width : frame->height;
    struct SwsContext *sws;
    uint8_t *planes[4] = {NULL};
    int strides[4] = {0}, done;

    s->w = longer > SIDE ? (int)((int64_t)frame->width * SIDE / longer) : frame->width;
    s->h = longer > SIDE ? (int)((int64_t)frame->height * SIDE / longer) : frame->height;
    s->w = s->w < 1 ? 1 : s->w;
    s->h = s->h < 1 ? 1 : s->h;
    s->rgb = mt_alloc((size_t)s->w * (size_t)s->h * 3 + 64);
    s->luma = mt_alloc((size_t)s->w * (size_t)s->h);
    sws = sws_getContext(frame->width, frame->height, (enum AVPixelFormat)frame->format, s->w, s->h,
                         AV_PIX_FMT_RGB24, SWS_AREA, NULL, NULL, NULL);
    if (!sws)
        return mt_fail(err, MT_ERR_UNSUPPORTED_CODEC, "pictures of this kind cannot be scaled");
    sws_setColorspaceDetails(sws, sws_getCoefficients(SWS_CS_ITU709),
                             frame->color_range == AVCOL_RANGE_JPEG,
                             sws_getCoefficients(SWS_CS_ITU709), 1, 0, 1 << 16, 1 << 16);
    planes[0] = s->rgb;
    strides[0] = s->w * 3;
    done = sws_scale(sws, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height,
                     planes, strides);
    sws_freeContext(sws);
    if (done <= 0)
        return mt_fail(err, MT_ERR_DAMAGED, "a picture cannot be scaled");
    for (int i = 0; i < s->w * s->h; i++)
        s->luma[i] =
            (uint8_t)((s->rgb[3 * i] * 54 + s->rgb[3 * i + 1] * 183 + s->rgb[3 * i + 2] * 19) >> 8);
    return 0;
}

static bool row_is_bar(const struct small *s, int y)
{
    for (int x = 0; x < s->w; x++)
        if (s->luma[y * s->w + x] > bar_level)
            return false;
    return true;
}

static bool column_is_bar(const struct small *s, int x)
{
    for (int y = 0; y < s->h; y++)
        if (s->luma[y * s->w + x] > bar_level)
            return false;
    return true;
}

/* What lies inside black bars; empty when all is bar. */
static struct area inside_bars(const struct small *s)
{
    struct area a = {0, 0, s->w, s->h};

    while (a.y0 < a.y1 && row_is_bar(s, a.y0))
        a.y0++;
    while (a.y1 > a.y0 && row_is_bar(s, a.y1 - 1))
        a.y1--;
    while (a.x0 < a.x1 && column_is_bar(s, a.x0))
        a.x0++;
    while (a.x1 > a.x0 && column_is_bar(s, a.x1 - 1))
        a.x1--;
    return a;
}

static double share_dark(const struct small *s)
{
    int dark = 0;

    for (int i = 0; i < s->w * s->h; i++)
        dark += s->luma[i] <= black_level;
    return (double)dark / (s->w * s->h);
}

static void measure_luma(struct mt_look *look, const struct small *s, struct area a)
{
    double sum = 0, squares = 0, edges = 0;
    int n = (a.x1 - a.x0) * (a.y1 - a.y0);

    for (int y = a.y0; y < a.y1; y++)
        for (int x = a.x0; x < a.x1; x++) {
            const uint8_t *p = s->luma + y * s->w + x;

            sum += *p;
            squares += (double)*p * *p;
            if (x + 1 < a.x1)
                edges += abs(p[1] - p[0]);
            if (y + 1 < a.y1)
                edges += abs(p[s->w] - p[0]);
        }
    look->mean = sum / n;
    look->spread = sqrt(fmax(0, squares / n - look->mean * look->mean));
    look->sharpness = edges / n;
}

static void measure_colour(struct mt_look *look, const struct small *s, struct area a)
{
    double rg = 0, yb = 0, rg2 = 0, yb2 = 0;
    int n = (a.x1 - a.x0) * (a.y1 - a.y0);

    for (int y = a.y0; y < a.y1; y++)
        for (int x = a.x0; x < a.x1; x++) {
            const uint8_t *p = s->rgb + 3 * (y * s->w + x);
            double d = p[0] - p[1], e = 0.5 * (p[0] + p[1]) - p[2];

            rg += d, rg2 += d * d;
            yb += e, yb2 += e * e;
        }
    rg /= n, yb /= n;
    look->colour =
        sqrt(fmax(0, rg2 / n - rg * rg + yb2 / n - yb * yb)) + 0.3 * sqrt(rg * rg + yb * yb);
}

static enum mt_look_kind kind_of(const struct mt_look *look, const struct small *s, struct area a)
{
    if (a.x0 == a.x1 || a.y0 == a.y1)
        return MT_LOOK_BLACK;
    /* A star in the night sky is a black frame, the words of a title card are not. */
    if (look->dark >= black_share && (a.x1 - a.x0) * (a.y1 - a.y0) * 20 < s->w * s->h)
        return MT_LOOK_BLACK;
    if (look->dark >= black_share + (1 - black_share) * 0.75)
        return MT_LOOK_BLACK;
    if (look->spread >= flat_spread)
        return MT_LOOK_GOOD;
    return look->mean >= white_mean ? MT_LOOK_WHITE : MT_LOOK_FLAT;
}

int mt_look_at(struct mt_look *look, const AVFrame *frame, struct mt_err *err)
{
    struct small s = {0};
    struct area a;
    int ret = -1;

    *look = (struct mt_look){0};
    if (shrink(&s, frame, err) != 0)
        goto out;
    a = inside_bars(&s);
    look->dark = share_dark(&s);
    if (a.x0 < a.x1 && a.y0 < a.y1) {
        measure_luma(look, &s, a);
        measure_colour(look, &s, a);
    }
    look->kind = mt_frame_damaged(frame) ? MT_LOOK_DAMAGED : kind_of(look, &s, a);
    look->score = (1 + look->sharpness) * (10 + look->colour) *
                  fmax(0.05, 1 - pow((look->mean - 118) / 138, 2)) * (1 - 0.5 * look->dark);
    if (look->kind != MT_LOOK_GOOD)
        look->score /= 100;
    ret = 0;
out:
    small_free(&s);
    return ret;
}

const char *mt_look_name(enum mt_look_kind kind)
{
    static const char *const names[] = {"good", "flat", "white", "black", "damaged"};

    return names[kind];
}
