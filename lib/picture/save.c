/* SPDX-License-Identifier: GPL-2.0-or-later */
/* save.c - pictures as files. */
#include "picture/internal.h"

enum { OPTIMISE_LOW = 30, OPTIMISE_HIGH = 95 };
#define SSIM_GOOD 0.98

static bool has_quality(enum mt_picture_format format)
{
    return format == MT_PICTURE_WEBP || format == MT_PICTURE_JPEG || format == MT_PICTURE_AVIF ||
           format == MT_PICTURE_JXL;
}

static int save_jpeg(VipsImage *image, int quality, bool strip, void **data, size_t *size)
{
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    int ret = vips_jpegsave_buffer(image, data, size, "Q", quality, "optimize_coding", TRUE,
                                   "interlace", TRUE, "background", white, "strip", strip, NULL);

    vips_area_unref(VIPS_AREA(white));
    return ret;
}

/* quality as in libjpeg: AV1's scale is another one. */
static int save_avif(VipsImage *image, int quality, bool strip, void **data, size_t *size)
{
    int q = quality > 30 ? quality - 20 : quality / 3 + 1;

    return vips_heifsave_buffer(image, data, size, "Q", q, "compression",
                                VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "effort", 4, "strip", strip,
                                NULL);
}

static int save(VipsImage *image, enum mt_picture_format format, int quality, bool optimise,
                bool strip, void **data, size_t *size)
{
    switch (format) {
    case MT_PICTURE_WEBP:
        return vips_webpsave_buffer(image, data, size, "Q", quality, "effort", optimise ? 6 : 4,
                                    "strip", strip, NULL);
    case MT_PICTURE_JPEG:
        return save_jpeg(image, quality, strip, data, size);
    case MT_PICTURE_PNG:
        return vips_pngsave_buffer(image, data, size, "compression", optimise ? 9 : 6, "filter",
                                   VIPS_FOREIGN_PNG_FILTER_ALL, "strip", strip, NULL);
    case MT_PICTURE_AVIF:
        return save_avif(image, quality, strip, data, size);
    case MT_PICTURE_JXL:
        return vips_jxlsave_buffer(image, data, size, "Q", quality, "effort", 5, "strip", strip,
                                   NULL);
    case MT_PICTURE_GIF:
        return vips_gifsave_buffer(image, data, size, "strip", strip, NULL);
    case MT_PICTURE_TIFF:
        return vips_tiffsave_buffer(image, data, size, "compression",
                                    VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE, "predictor",
                                    VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, "strip", strip, NULL);
    case MT_PICTURE_FORMATS:
        break;
    }
    return -1;
}

/* How alike the file is to what went into it; below 0 if it cannot be read back. */
static double score(VipsImage *image, const struct mt_picture *out)
{
    /* What is read is our own; of others, JPEG XL is not accepted. */
    if (out->format == MT_PICTURE_JXL)
        vips_operation_block_set("VipsForeignLoadJxl", FALSE);
    VipsImage *back =
        vips_image_new_from_buffer(out->data, out->size, out->frames > 1 ? "[n=-1]" : "", NULL);
    double ssim = back ? mt_ssim(image, back, out->frames) : -1;

    g_clear_object(&back);
    vips_error_clear();
    return ssim;
}

/* Saves at a quality into *out; what was there is forgotten. */
static int attempt(VipsImage *image, int quality, bool strip, struct mt_picture *out,
                   struct mt_err *err)
{
    void *data = NULL;

    if (save(image, out->format, quality, true, strip, &data, &out->size) != 0)
        return mt_vips_fail(err, MT_ERR_FAILED, mt_picture_names[out->format]);
    g_free((void *)(uintptr_t)out->data);
    out->data = data;
    out->quality = quality;
    out->ssim = score(image, out);
    return 0;
}

/*
 * The lowest quality that is good enough; by halves, seven files at most. As asked for where the
 * result cannot be compared.
 */
static int optimise(VipsImage *image, bool strip, struct mt_picture *out, struct mt_err *err)
{
    struct mt_picture best = {.format = out->format, .frames = out->frames};
    int low = OPTIMISE_LOW, high = OPTIMISE_HIGH;
    int asked = OPTIMISE_HIGH, ret = 0;

    while (low <= high && ret == 0) {
        int middle = (low + high) / 2;
        struct mt_picture tried = {.format = out->format, .frames = out->frames};
        ret = attempt(image, middle, strip, &tried, err);
        if (ret == 0 && tried.ssim >= SSIM_GOOD) {
            g_free((void *)(uintptr_t)best.data);
            best = tried;
            high = middle - 1;
        } else {
            g_free((void *)(uintptr_t)tried.data);
            low = middle + 1;
            if (ret == 0 && tried.ssim < 0) {
                asked = out->quality;
                break;
            }
        }
    }
    if (ret == 0 && !best.data)
        ret = attempt(image, asked, strip, &best, err);
    out->data = best.data;
    out->size = best.size;
    out->quality = best.quality;
    out->ssim = best.ssim;
    return ret;
}

int mt_picture_save(VipsImage *image, const struct mt_picture_spec *spec, bool strip,
                    struct mt_picture *out, struct mt_err *err)
{
    void *data = NULL;

    out->ssim = -1;
    out->quality = has_quality(out->format) ? spec->quality : 0;
    if (spec->optimise && out->quality)
        return optimise(image, strip, out, err);
    if (save(image, out->format, spec->quality, spec->optimise, strip, &data, &out->size) != 0)
        return mt_vips_fail(err, MT_ERR_FAILED, mt_picture_names[out->format]);
    out->data = data;
    return 0;
}
