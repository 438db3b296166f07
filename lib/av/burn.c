/* SPDX-License-Identifier: GPL-2.0-or-later */
/* burn.c - see burn.h. */
#include "av/burn.h"

#include <math.h>

struct drawing {
    AVFrame *frame;
    const struct mt_look *look;
    int shift; /* bits beyond eight */
};

/* Y'CbCr of limited range, eight bits, from R'G'B' (ITU-R BT.601, BT.709, BT.2020). */
static void to_yuv(const struct mt_look *look, const struct mt_typeset_patch *p, double yuv[3])
{
    double kr = 0.2126, kb = 0.0722, r = p->red / 255.0, g = p->green / 255.0, b = p->blue / 255.0;
    double y, paper = 1;

    if (look->matrix == AVCOL_SPC_SMPTE170M || look->matrix == AVCOL_SPC_BT470BG)
        kr = 0.299, kb = 0.114;
    else if (look->matrix == AVCOL_SPC_BT2020_NCL)
        kr = 0.2627, kb = 0.0593;
    /* 203 cd/m2: 58 % of the signal of PQ, 75 % of that of HLG. */
    if (look->transfer == AVCOL_TRC_SMPTE2084)
        paper = 0.58;
    else if (look->transfer == AVCOL_TRC_ARIB_STD_B67)
        paper = 0.75;
    r *= paper, g *= paper, b *= paper;
    y = kr * r + (1 - kr - kb) * g + kb * b;
    yuv[0] = 16 + 219 * y;
    yuv[1] = 128 + 224 * (b - y) / (2 * (1 - kb));
    yuv[2] = 128 + 224 * (r - y) / (2 * (1 - kr));
}

static unsigned get(const uint8_t *line, int x, bool wide)
{
    return wide ? ((const uint16_t *)(const void *)line)[x] : line[x];
}

static void set(uint8_t *line, int x, bool wide, unsigned value)
{
    if (wide)
        ((uint16_t *)(void *)line)[x] = (uint16_t)value;
    else
        line[x] = (uint8_t)value;
}

/* a of 255 * 255 parts of the colour. */
static void mix(uint8_t *line, int x, bool wide, unsigned color, unsigned a)
{
    uint64_t all = 255U * 255U, old = get(line, x, wide);

    set(line, x, wide, (unsigned)((old * (all - a) + (uint64_t)color * a + all / 2) / all));
}

static unsigned density(const struct mt_typeset_patch *p, int x, int y)
{
    return p->density[(ptrdiff_t)y * p->stride + x];
}

static void draw_luma(const struct drawing *d, const struct mt_typeset_patch *p, unsigned color)
{
    for (int y = 0; y < p->h; y++) {
        uint8_t *line = d->frame->data[0] + (ptrdiff_t)(p->y + y) * d->frame->linesize[0];

        for (int x = 0; x < p->w; x++)
            if (density(p, x, y) > 0)
                mix(line, p->x + x, d->shift > 0, color, density(p, x, y) * p->opacity);
    }
}

/* How much of the four pixels of a sample of colour the patch covers. */
static unsigned covered(const struct mt_typeset_patch *p, int x, int y)
{
    unsigned sum = 0;

    for (int i = 0; i < 4; i++) {
        int px = 2 * x + (i & 1) - p->x, py = 2 * y + (i >> 1) - p->y;

        if (px >= 0 && px < p->w && py >= 0 && py < p->h)
            sum += density(p, px, py);
    }
    return (sum + 2) / 4;
}

static void draw_chroma(const struct drawing *d, const struct mt_typeset_patch *p, int plane,
                        unsigned color)
{
    for (int y = p->y / 2; y <= (p->y + p->h - 1) / 2; y++) {
        uint8_t *line = d->frame->data[plane] + (ptrdiff_t)y * d->frame->linesize[plane];

        for (int x = p->x / 2; x <= (p->x + p->w - 1) / 2; x++) {
            unsigned part = covered(p, x, y);

            if (part > 0)
                mix(line, x, d->shift > 0, color, part * p->opacity);
        }
    }
}

static void draw(void *ctx, const struct mt_typeset_patch *patch)
{
    const struct drawing *d = ctx;
    const AVFrame *f = d->frame;
    double yuv[3];
    unsigned scale = 1U << d->shift;

    if (patch->x < 0 || patch->y < 0 || patch->w > f->width - patch->x ||
        patch->h > f->height - patch->y)
        return;
    to_yuv(d->look, patch, yuv);
    draw_luma(d, patch, (unsigned)lrint(yuv[0] * scale));
    draw_chroma(d, patch, 1, (unsigned)lrint(yuv[1] * scale));
    draw_chroma(d, patch, 2, (unsigned)lrint(yuv[2] * scale));
}

int mt_burn(struct mt_typeset *typeset, const struct mt_look *look, AVFrame *frame, int64_t time_us,
            struct mt_err *err)
{
    struct drawing d = {
        .frame = frame, .look = look, .shift = frame->format == AV_PIX_FMT_YUV420P10LE ? 2 : 0};

    if (frame->format != AV_PIX_FMT_YUV420P && d.shift == 0)
        return mt_fail(err, MT_ERR_BUG, "text in pictures of format %d", frame->format);
    if (av_frame_make_writable(frame) < 0)
        return mt_av_fail(err, AVERROR(ENOMEM), "subtitles");
    mt_typeset_at(typeset, time_us, draw, &d);
    return 0;
}
