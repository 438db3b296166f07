/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ssim.c - how alike two pictures are. */
#include "picture/internal.h"

#include <stdint.h>

enum { WINDOW = 8, STEP = 4 };

/* The luma, 8 bits, in memory; NULL if it cannot be made. What is transparent lies on white. */
static VipsImage *luma_of(VipsImage *image)
{
    VipsImage *flat = NULL, *grey = NULL, *cast = NULL, *memory = NULL;
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);

    if ((vips_image_hasalpha(image) ? vips_flatten(image, &flat, "background", white, NULL)
                                    : vips_copy(image, &flat, NULL)) == 0 &&
        vips_colourspace(flat, &grey, VIPS_INTERPRETATION_B_W, NULL) == 0 &&
        vips_cast_uchar(grey, &cast, NULL) == 0)
        memory = vips_image_copy_memory(cast);
    vips_area_unref(VIPS_AREA(white));
    g_clear_object(&flat);
    g_clear_object(&grey);
    g_clear_object(&cast);
    return memory;
}

static double window(const uint8_t *a, const uint8_t *b, size_t stride, int w, int h)
{
    const double c1 = 6.5025, c2 = 58.5225; /* (0.01 * 255)^2 and (0.03 * 255)^2 */
    double n = w * h, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;

    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double p = a[(size_t)y * stride + (size_t)x], q = b[(size_t)y * stride + (size_t)x];
            sa += p;
            sb += q;
            saa += p * p;
            sbb += q * q;
            sab += p * q;
        }
    double ma = sa / n, mb = sb / n;
    double va = saa / n - ma * ma, vb = sbb / n - mb * mb, cov = sab / n - ma * mb;
    return (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

/* Of one frame, of which there are n. */
static double compare(VipsImage *a, VipsImage *b, int frame, int n_frames)
{
    int high = a->Ysize / n_frames;
    const uint8_t *p = mt_pel(a, 0, frame * high), *q = mt_pel(b, 0, frame * high);
    int w = a->Xsize < WINDOW ? a->Xsize : WINDOW, h = high < WINDOW ? high : WINDOW;
    size_t stride = (size_t)a->Xsize;
    double sum = 0, n = 0;

    for (int y = 0; y + h <= high; y += STEP)
        for (int x = 0; x + w <= a->Xsize; x += STEP, n++) {
            size_t at = (size_t)y * stride + (size_t)x;
            sum += window(p + at, q + at, stride, w, h);
        }
    return sum / n;
}

double mt_ssim(VipsImage *a, VipsImage *b, int n)
{
    VipsImage *la = luma_of(a), *lb = luma_of(b);
    double ssim = -1;

    if (la && lb && la->Xsize == lb->Xsize && la->Ysize == lb->Ysize && la->Bands == 1 &&
        lb->Bands == 1)
        for (int i = 0; i < n; i++) {
            double one = compare(la, lb, i, n);
            ssim = i == 0 || one < ssim ? one : ssim;
        }
    g_clear_object(&la);
    g_clear_object(&lb);
    vips_error_clear();
    return ssim;
}
