/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/picture only. */
#ifndef MT_PICTURE_INTERNAL_H
#define MT_PICTURE_INTERNAL_H

#include "picture/picture.h"

#include <vips/vips.h>

/* Where a pixel of a picture in memory lies. */
static inline const VipsPel *mt_pel(const VipsImage *image, int x, int y)
{
    size_t size = (size_t)vips_format_sizeof(image->BandFmt) * (size_t)image->Bands;

    return image->data + ((size_t)y * (size_t)image->Xsize + (size_t)x) * size;
}

/* vips.c: the library's last error, in its words; always -1. Clears it. */
int mt_vips_fail(struct mt_err *err, enum mt_code code, const char *what);

/* Warnings of the library since the last call; the last of them is kept. */
int mt_vips_warnings(const char **last);

/* The gamma that the curve of sRGB is near to. */
#define MT_GAMMA_SRGB (1 / 2.2)

/* What the library does not tell of a PNG. */
struct mt_claims {
    int64_t apng_frames; /* of which the library shows one; 0: it is not animated */
    double gamma; /* light = sample^(1/gamma), by which its numbers are to be read; 0: as sRGB */
};

/*
 * claims.c: what the headers of PNG, GIF and WebP claim, against the limits, without a decoder.
 * Animations: frames are counted no further than is needed to refuse.
 */
int mt_claims_check(int fd, const struct mt_picture_spec *spec, struct mt_claims *claims,
                    struct mt_err *err) MT_MUST_USE;

/* The same for figures that are known. */
int mt_claims_refuse(const struct mt_picture_spec *spec, int64_t w, int64_t h, int64_t frames,
                     struct mt_err *err) MT_MUST_USE;

/* What stays of a picture's metadata; each NULL or to g_free(). */
struct mt_rights {
    char *copyright, *artist, *licence, *usage;
};

/* rights.c */
void mt_rights_read(struct mt_rights *rights, VipsImage *image);
void mt_rights_free(struct mt_rights *rights);

/* Takes away what is not to stay; true: nothing is left to be written. */
bool mt_rights_apply(const struct mt_rights *rights, enum mt_picture_strip strip, VipsImage *image);

/* gamma.c: the image as sRGB has it, if its numbers are to be read by this gamma. New. */
VipsImage *mt_gamma_apply(VipsImage *image, double gamma);

/* save.c: image, in memory, as a file: out->data is to be g_free()d. */
int mt_picture_save(VipsImage *image, const struct mt_picture_spec *spec, bool strip,
                    struct mt_picture *out, struct mt_err *err) MT_MUST_USE;

/*
 * ssim.c: the mean SSIM (Wang et al. 2004, with windows of 8x8 every 4 pixels) of the lumas of two
 * pictures of one size; 1: the same. Of n frames that stand below each other: that of the least
 * alike. Below 0: they cannot be compared.
 */
double mt_ssim(VipsImage *a, VipsImage *b, int n);

/* damage.c: the share of rows at the end that show nothing but one colour, 0 to 1. */
double mt_blank_share(VipsImage *image);

#endif
