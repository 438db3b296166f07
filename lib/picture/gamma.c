/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gamma.c - PNG's way to say how numbers become light (ISO/IEC 15948, gAMA). */
#include "picture/internal.h"

#include <math.h>

/* What becomes of each sample of the format; NULL: it has no such table. */
static VipsImage *table_of(VipsBandFormat format, double gamma)
{
    int n = format == VIPS_FORMAT_UCHAR ? 256 : format == VIPS_FORMAT_USHORT ? 65536 : 0;
    uint16_t *wide = g_new(uint16_t, 65536);
    uint8_t narrow[256];

    for (int i = 0; i < n; i++) {
        double sample = pow((double)i / (n - 1), MT_GAMMA_SRGB / gamma) * (n - 1);
        if (n == 256)
            narrow[i] = (uint8_t)lround(sample);
        else
            wide[i] = (uint16_t)lround(sample);
    }
    VipsImage *table =
        n == 0 ? NULL
               : vips_image_new_from_memory_copy(n == 256 ? (void *)narrow : (void *)wide,
                                                 n == 256 ? 256 : 2 * 65536, n, 1, 1, format);
    g_free(wide);
    return table;
}

VipsImage *mt_gamma_apply(VipsImage *image, double gamma)
{
    int colours = image->Bands - (vips_image_hasalpha(image) ? 1 : 0);
    VipsImage *table = table_of(image->BandFmt, gamma);
    VipsImage *colour = NULL, *mapped = NULL, *alpha = NULL, *out = NULL;

    if (table && vips_extract_band(image, &colour, 0, "n", colours, NULL) == 0 &&
        vips_maplut(colour, &mapped, table, NULL) == 0) {
        mapped->Type = image->Type;
        if (colours == image->Bands)
            out = g_object_ref(mapped);
        else if (vips_extract_band(image, &alpha, colours, NULL) != 0 ||
                 vips_bandjoin2(mapped, alpha, &out, NULL) != 0)
            out = NULL;
    }
    g_clear_object(&table);
    g_clear_object(&colour);
    g_clear_object(&mapped);
    g_clear_object(&alpha);
    return out ? out : g_object_ref(image);
}
