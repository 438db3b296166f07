/* SPDX-License-Identifier: GPL-2.0-or-later */
/* picture.c - from a file to pictures; see picture.h. */
#include "picture/internal.h"

#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a box makes of a picture: scaled, and then cut. */
struct plan {
    int scaled_w, scaled_h, w, h;
};

struct work {
    const struct mt_picture_spec *spec;
    int fd;
    int w, h; /* upright, of one frame */
    int frames;
    bool cmyk;
    bool animated; /* frames are kept for the formats that can */
    const char *loader;
    struct mt_rights rights;
    struct mt_claims claims;
    struct plan plans[MT_PICTURE_BOXES_MAX];
    int n_plans, largest;
    VipsImage *base; /* in memory, as the largest plan wants it scaled */
    json_t *report, *notes;
};

static VipsSource *source_of(struct work *w)
{
    lseek(w->fd, 0, SEEK_SET);
    return vips_source_new_from_descriptor(w->fd);
}

static int at_least_one(double v)
{
    return v < 1 ? 1 : (int)lround(v);
}

static struct plan plan_of(const struct work *w, int box_w, int box_h)
{
    double by_w = box_w ? (double)box_w / w->w : 1, by_h = box_h ? (double)box_h / w->h : 1;
    bool cover = w->spec->fit == MT_PICTURE_COVER && box_w && box_h;
    double scale;
    struct plan p;

    if (!box_w && box_h)
        by_w = by_h;
    if ((box_w && !box_h) || (w->spec->fit == MT_PICTURE_WIDTH && box_w))
        by_h = by_w;
    scale = cover ? fmax(by_w, by_h) : fmin(by_w, by_h);
    if (scale > 1)
        scale = 1;
    p.scaled_w = p.w = at_least_one(w->w * scale);
    p.scaled_h = p.h = at_least_one(w->h * scale);
    if (cover) {
        double part = fmin(1, fmin((double)w->w / box_w, (double)w->h / box_h));
        p.w = at_least_one(fmin(p.scaled_w, box_w * part));
        p.h = at_least_one(fmin(p.scaled_h, box_h * part));
    }
    return p;
}

static void make_plans(struct work *w)
{
    const struct mt_picture_spec *s = w->spec;

    for (int i = 0; i < s->n_boxes; i++) {
        struct plan p = plan_of(w, s->boxes[i].width_px, s->boxes[i].height_px);
        bool twice = false;
        for (int k = 0; k < w->n_plans; k++)
            twice = twice || (w->plans[k].w == p.w && w->plans[k].h == p.h);
        if (twice)
            continue;
        w->plans[w->n_plans] = p;
        if (p.scaled_w > w->plans[w->largest].scaled_w)
            w->largest = w->n_plans;
        w->n_plans++;
    }
}

static bool wants_animation(const struct mt_picture_spec *spec)
{
    for (int i = 0; i < spec->n_formats; i++)
        if (spec->formats[i] == MT_PICTURE_WEBP || spec->formats[i] == MT_PICTURE_GIF)
            return !spec->still;
    return false;
}

static const char *codec_of(const char *loader)
{
    static const char *const names[][2] = {{"jpeg", "mjpeg"}, {"png", "png"},   {"gif", "gif"},
                                           {"webp", "webp"},  {"tiff", "tiff"}, {"heif", "heif"}};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_has_prefix(loader, names[i][0]))
            return names[i][1];
    return "unknown";
}

/* As the media document has it. */
static json_t *metadata_of(const struct work *w, VipsImage *head)
{
    int turned = vips_image_get_orientation_swap(head);
    const char *codec = codec_of(w->loader);
    int bits = vips_format_sizeof(head->BandFmt) == 2 ? 16 : 8;

    return json_pack("{s:n, s:s, s:[{s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:b}]}",
                     "duration", "container", strcmp(codec, "mjpeg") == 0 ? "jpeg" : codec,
                     "streams", "index", 0, "type", "video", "codec", codec, "width",
                     turned ? w->h : w->w, "height", turned ? w->w : w->h, "display_width", w->w,
                     "display_height", w->h, "frames", w->frames, "bit_depth", bits, "alpha",
                     vips_image_hasalpha(head));
}

static int refuse_type(struct mt_err *err)
{
    mt_vips_fail(err, MT_ERR_DAMAGED, "cannot be read as a picture");
    return -1;
}

/* Reads the header and holds it against the limits. */
static int look(struct work *w, struct mt_err *err)
{
    VipsSource *source = source_of(w);
    const char *loader = source ? vips_foreign_find_load_source(source) : NULL;
    VipsImage *head = loader ? vips_image_new_from_source(source, "", NULL) : NULL;
    int ret = -1;

    if (!head) {
        refuse_type(err);
        goto out;
    }
    int turned = vips_image_get_orientation_swap(head);
    int page_h = vips_image_get_page_height(head);
    w->loader = vips_nickname_find(g_type_from_name(loader));
    w->frames = strcmp(codec_of(w->loader), "tiff") == 0 || strcmp(codec_of(w->loader), "heif") == 0
                    ? 1
                    : vips_image_get_n_pages(head);
    w->w = turned ? page_h : head->Xsize;
    w->h = turned ? head->Xsize : page_h;
    w->cmyk = head->Type == VIPS_INTERPRETATION_CMYK;
    w->animated = w->frames > 1 && wants_animation(w->spec);
    if (mt_claims_refuse(w->spec, w->w, w->h, w->frames, err) < 0)
        goto out;
    mt_rights_read(&w->rights, head);
    json_object_set_new(w->report, "metadata", metadata_of(w, head));
    ret = 0;
out:
    g_clear_object(&head);
    g_clear_object(&source);
    return ret;
}

/*
 * In sRGB by its profile, or by a standard one of CMYK. What has none is taken for sRGB. Lost: the
 * profile was none that fits.
 */
static VipsImage *in_srgb(VipsImage *image, bool *lost)
{
    bool cmyk = image->Type == VIPS_INTERPRETATION_CMYK;
    VipsImage *out = NULL;

    if (vips_image_get_typeof(image, VIPS_META_ICC_NAME) || cmyk) {
        if (vips_icc_transform(image, &out, "srgb", "embedded", TRUE, "input_profile",
                               cmyk ? "cmyk" : "srgb", NULL) == 0)
            return out;
        vips_error_clear();
        g_clear_object(&out);
        *lost = true;
    }
    return g_object_ref(image);
}

/* 8 bits a sample of grey or sRGB, in memory. */
static VipsImage *normal(VipsImage *image, bool *lost)
{
    VipsImage *known = in_srgb(image, lost), *colour = NULL, *cast = NULL, *memory = NULL;
    VipsInterpretation space =
        known->Bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;

    if ((known->Type == space ? vips_copy(known, &colour, NULL)
                              : vips_colourspace(known, &colour, space, NULL)) == 0 &&
        vips_cast_uchar(colour, &cast, NULL) == 0)
        memory = vips_image_copy_memory(cast);
    g_clear_object(&known);
    g_clear_object(&colour);
    g_clear_object(&cast);
    return memory;
}

static void note(struct work *w, const char *text)
{
    json_array_append_new(w->notes, mt_json_text(text));
}

/*
 * The thumbnailer takes CMYK to CIELAB, and clips there what sRGB cannot show; and it makes 8 bits
 * of 16, too few to apply a gamma to: so it is given sRGB, and JPEG is not scaled while it is
 * decoded.
 */
static VipsImage *scale_converted(VipsSource *source, const struct plan *p, double gamma,
                                  const char *options, bool *lost)
{
    VipsImage *image =
        vips_image_new_from_source(source, options, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
    VipsImage *srgb = !image      ? NULL
                      : gamma > 0 ? mt_gamma_apply(image, gamma)
                                  : in_srgb(image, lost);
    VipsImage *scaled = NULL;

    if (srgb && vips_thumbnail_image(srgb, &scaled, p->scaled_w, "height", p->scaled_h, "size",
                                     VIPS_SIZE_FORCE, NULL) != 0)
        g_clear_object(&scaled);
    g_clear_object(&image);
    g_clear_object(&srgb);
    return scaled;
}

static VipsImage *scale(VipsSource *source, const struct plan *p, const char *options)
{
    VipsImage *scaled = NULL;

    if (vips_thumbnail_source(source, &scaled, p->scaled_w, "height", p->scaled_h, "size",
                              VIPS_SIZE_FORCE, "option_string", options, NULL) != 0)
        g_clear_object(&scaled);
    return scaled;
}

/* The picture scaled as the largest plan has it; NULL on failure, in the library's words. */
static VipsImage *decode(struct work *w, bool strict)
{
    const struct plan *p = &w->plans[w->largest];
    VipsSource *source = source_of(w);
    VipsImage *scaled = NULL, *base = NULL;
    bool lost = false;
    char options[48];

    snprintf(options, sizeof options, "[fail_on=%s%s]", strict ? "truncated" : "none",
             w->animated ? ",n=-1" : "");
    if (source)
        scaled = w->cmyk || w->claims.gamma > 0
                     ? scale_converted(source, p, w->claims.gamma, options, &lost)
                     : scale(source, p, options);
    if (scaled)
        base = normal(scaled, &lost);
    if (base && lost)
        note(w, "its colour profile cannot be used; its numbers are taken for sRGB");
    g_clear_object(&scaled);
    g_clear_object(&source);
    return base;
}

/* What can be had of a file that does not decode as it should. */
static int salvage(struct work *w, struct mt_err *err)
{
    char text[160];

    mt_vips_fail(err, MT_ERR_DAMAGED, "does not decode");
    w->base = decode(w, false);
    vips_error_clear();
    if (!w->base)
        return -1;
    double blank = mt_blank_share(w->base);
    if (blank > 0.98) {
        g_clear_object(&w->base);
        return -1;
    }
    snprintf(text, sizeof text,
             "the picture is damaged or its end is missing: about %.0f %% shows %s", blank * 100,
             "nothing");
    note(w, text);
    json_object_set_new(w->report, "degraded", json_true());
    return 0;
}

static int load(struct work *w, struct mt_err *err)
{
    w->base = decode(w, true);
    return w->base ? 0 : salvage(w, err);
}

/* Where the part that stays begins. */
static int place(const struct work *w, VipsImage *frame, const struct plan *p, int *x, int *y)
{
    int dx = frame->Xsize - p->w, dy = frame->Ysize - p->h;
    VipsImage *cut = NULL;

    *x = dx / 2;
    *y = dy / 2;
    switch (w->spec->gravity) {
    case MT_PICTURE_CENTER:
        break;
    case MT_PICTURE_NORTH:
        *y = 0;
        break;
    case MT_PICTURE_SOUTH:
        *y = dy;
        break;
    case MT_PICTURE_WEST:
        *x = 0;
        break;
    case MT_PICTURE_EAST:
        *x = dx;
        break;
    case MT_PICTURE_SMART:
        if (vips_smartcrop(frame, &cut, p->w, p->h, "interesting", VIPS_INTERESTING_ATTENTION,
                           NULL) != 0)
            return -1;
        *x = -cut->Xoffset;
        *y = -cut->Yoffset;
        g_object_unref(cut);
    }
    return 0;
}

/* Cuts the same part out of each of n frames that stand below each other. */
static int cut_frames(VipsImage *image, int n, const struct plan *p, int x, int y, VipsImage **out)
{
    VipsImage **parts = g_new0(VipsImage *, n);
    int each = image->Ysize / n;
    int ret = 0;

    for (int i = 0; i < n && ret == 0; i++)
        ret = vips_extract_area(image, &parts[i], x, i * each + y, p->w, p->h, NULL);
    if (ret == 0)
        ret = vips_arrayjoin(parts, out, n, "across", 1, NULL);
    for (int i = 0; i < n; i++)
        g_clear_object(&parts[i]);
    g_free(parts);
    return ret;
}

static int cut(const struct work *w, VipsImage **image, int n, const struct plan *p)
{
    VipsImage *first = NULL, *out = NULL;
    int x = 0, y = 0, ret = -1;

    if (p->w == p->scaled_w && p->h == p->scaled_h)
        return 0;
    if (vips_extract_area(*image, &first, 0, 0, p->scaled_w, p->scaled_h, NULL) == 0 &&
        place(w, first, p, &x, &y) == 0 && cut_frames(*image, n, p, x, y, &out) == 0) {
        g_object_unref(*image);
        *image = out;
        ret = 0;
    }
    g_clear_object(&first);
    return ret;
}

/* One plan's picture with n frames of the base, in memory, ready to be saved. NULL on failure. */
static VipsImage *derive(const struct work *w, const struct plan *p, int n)
{
    int each = w->base->Ysize / (w->animated ? w->frames : 1);
    VipsImage *part = NULL, *scaled = NULL, *out = NULL;

    if (vips_extract_area(w->base, &part, 0, 0, w->base->Xsize, each * n, NULL) != 0)
        return NULL;
    vips_image_set_int(part, VIPS_META_PAGE_HEIGHT, each);
    if (part->Xsize == p->scaled_w && each == p->scaled_h)
        scaled = g_object_ref(part);
    else if (vips_thumbnail_image(part, &scaled, p->scaled_w, "height", p->scaled_h, "size",
                                  VIPS_SIZE_FORCE, NULL) != 0)
        scaled = NULL;
    if (scaled && cut(w, &scaled, n, p) == 0)
        out = vips_image_copy_memory(scaled);
    if (out && n > 1)
        vips_image_set_int(out, VIPS_META_PAGE_HEIGHT, p->h);
    else if (out)
        vips_image_remove(out, VIPS_META_PAGE_HEIGHT);
    g_clear_object(&part);
    g_clear_object(&scaled);
    return out;
}

static int emit(const struct work *w, const struct plan *p, enum mt_picture_format format,
                struct mt_err *err)
{
    bool moves = w->animated && (format == MT_PICTURE_WEBP || format == MT_PICTURE_GIF);
    struct mt_picture out = {
        .width = p->w, .height = p->h, .frames = moves ? w->frames : 1, .format = format};
    VipsImage *image = derive(w, p, out.frames);

    if (!image)
        return mt_vips_fail(err, MT_ERR_FAILED, "cannot scale the picture");
    bool strip = mt_rights_apply(&w->rights, w->spec->strip, image);
    /* loops and delays of an animation are metadata to the library */
    int ret = mt_picture_save(image, w->spec, strip && !moves, &out, err);
    if (ret == 0)
        ret = w->spec->emit(w->spec->ctx, &out, err);
    g_free((void *)(uintptr_t)out.data);
    g_object_unref(image);
    return ret;
}

/* That there was more than is shown. */
static void note_still(struct work *w)
{
    char text[96];

    if (w->claims.apng_frames < 2 || w->spec->still)
        return;
    snprintf(text, sizeof text, "an animated PNG of %lld frames: only its still picture is taken",
             (long long)w->claims.apng_frames);
    note(w, text);
}

static int make_all(const struct work *w, struct mt_err *err)
{
    for (int i = 0; i < w->n_plans; i++)
        for (int k = 0; k < w->spec->n_formats; k++)
            if (emit(w, &w->plans[i], w->spec->formats[k], err) < 0)
                return -1;
    return 0;
}

json_t *mt_picture_make(int fd, const struct mt_picture_spec *spec, struct mt_err *err)
{
    struct work w = {.spec = spec, .fd = fd, .report = json_object(), .notes = json_array()};
    int ret = mt_claims_check(fd, spec, &w.claims, err);

    if (ret == 0)
        ret = look(&w, err);
    if (ret == 0) {
        make_plans(&w);
        note_still(&w);
        ret = load(&w, err);
    }
    if (ret == 0)
        ret = make_all(&w, err);
    json_object_set_new(w.report, "notes", w.notes);
    mt_rights_free(&w.rights);
    g_clear_object(&w.base);
    if (ret == 0)
        return w.report;
    json_decref(w.report);
    return NULL;
}
