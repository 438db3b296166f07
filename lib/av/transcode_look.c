/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_look.c - what the renditions of a film look like, and how to get there. */
#include "av/transcode_parts.h"

#include "json/json.h"

#include <libavutil/avstring.h>
#include <libavutil/bprint.h>
#include <libavutil/pixdesc.h>
#include <math.h>

/* Bicubic as ffmpeg(1) does by default; exact rounding keeps flat areas flat in the chain. */
#define SCALER "bicubic+accurate_rnd+full_chroma_int"

/* What untagged video of this size is taken for by everybody. */
static enum AVColorSpace usual_matrix(int w, int h)
{
    if (w >= 1280 || h >= 720)
        return AVCOL_SPC_BT709;
    return h == 576 || h == 288 ? AVCOL_SPC_BT470BG : AVCOL_SPC_SMPTE170M;
}

static bool is_rgb(int format)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)format);

    return desc && desc->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL);
}

static bool is_hdr(enum AVColorTransferCharacteristic transfer)
{
    return transfer == AVCOL_TRC_SMPTE2084 || transfer == AVCOL_TRC_ARIB_STD_B67;
}

/* Colours that only zscale brings to BT.709: others' primaries, matrices swscale does not know. */
static bool is_wide(const struct mt_kind *kind)
{
    return kind->primaries == AVCOL_PRI_BT2020 || kind->matrix == AVCOL_SPC_BT2020_NCL ||
           kind->matrix == AVCOL_SPC_BT2020_CL || kind->matrix == AVCOL_SPC_ICTCP ||
           (kind->matrix == AVCOL_SPC_YCGCO && !is_rgb(kind->format));
}

static enum AVColorSpace source_matrix(const struct mt_kind *kind)
{
    if (kind->matrix != AVCOL_SPC_UNSPECIFIED && kind->matrix != AVCOL_SPC_RGB &&
        kind->matrix != AVCOL_SPC_RESERVED)
        return kind->matrix;
    return usual_matrix(kind->w, kind->h);
}

/* Containers may know better what shape pixels have; what counts here is that it changes. */
static double aspect_of(const AVFrame *frame)
{
    double pixel = frame->sample_aspect_ratio.den > 0 ? av_q2d(frame->sample_aspect_ratio) : 1;

    return frame->width * (pixel > 0.05 && pixel < 20 ? pixel : 1) / FFMAX(frame->height, 1);
}

struct mt_kind mt_frame_kind(const AVFrame *frame)
{
    return (struct mt_kind){
        .w = frame->width,
        .h = frame->height,
        .aspect = aspect_of(frame),
        .format = frame->format,
        .interlaced = mt_frame_interlaced(frame),
        .matrix = frame->colorspace,
        .range = frame->color_range,
        .transfer = frame->color_trc,
        .primaries = frame->color_primaries,
    };
}

static void choose_colors(struct mt_look *look, const struct mt_kind *kind)
{
    bool mapped = is_hdr(kind->transfer) || is_wide(kind);

    look->matrix = mapped ? AVCOL_SPC_BT709 : source_matrix(kind);
    if (look->matrix != AVCOL_SPC_SMPTE170M && look->matrix != AVCOL_SPC_BT470BG)
        look->matrix = AVCOL_SPC_BT709;
    look->primaries = mapped ? AVCOL_PRI_BT709 : kind->primaries;
    look->transfer = mapped ? AVCOL_TRC_BT709 : kind->transfer;
    if (look->primaries == AVCOL_PRI_UNSPECIFIED || look->primaries == AVCOL_PRI_RESERVED)
        look->primaries = look->matrix == AVCOL_SPC_BT709     ? AVCOL_PRI_BT709
                          : look->matrix == AVCOL_SPC_BT470BG ? AVCOL_PRI_BT470BG
                                                              : AVCOL_PRI_SMPTE170M;
    if (look->transfer == AVCOL_TRC_UNSPECIFIED || look->transfer == AVCOL_TRC_RESERVED)
        look->transfer = look->matrix == AVCOL_SPC_BT709 ? AVCOL_TRC_BT709 : AVCOL_TRC_SMPTE170M;
}

/* HDR stays HDR; what is SDR looks the same in ten bits as in eight. */
static void choose_deep(struct mt_look *look, const struct mt_kind *kind, const AVStream *stream,
                        const AVFrame *frame)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)kind->format);
    bool keep = !is_rgb(kind->format) && (is_hdr(kind->transfer) || is_wide(kind)) &&
                kind->matrix == AVCOL_SPC_BT2020_NCL && kind->primaries == AVCOL_PRI_BT2020;

    look->deep = (struct mt_deep){.depth = desc ? desc->comp[0].depth : 8,
                                  .primaries = keep ? kind->primaries : look->primaries,
                                  .transfer = keep ? kind->transfer : look->transfer,
                                  .matrix = keep ? kind->matrix : look->matrix};
    if (keep && is_hdr(kind->transfer))
        mt_light_read(&look->deep.light, stream, frame);
}

/* As mt_in_display_size(), from what was decoded: containers may claim another size. */
static void display_size(AVStream *stream, AVFrame *frame, int rotation, int *w, int *h)
{
    double ratio = av_q2d(av_guess_sample_aspect_ratio(NULL, stream, frame));

    *w = frame->width;
    *h = frame->height;
    if (ratio > 0.05 && ratio < 20)
        *w = (int)lrint(frame->width * ratio);
    if (rotation % 180 != 0) {
        int t = *w;

        *w = *h;
        *h = t;
    }
}

void mt_look_choose(struct mt_look *look, AVStream *stream, AVFrame *frame)
{
    struct mt_kind kind = mt_frame_kind(frame);

    *look = (struct mt_look){.n = 0};
    look->rotation = mt_in_frame_rotation(stream, frame, &look->mirrored);
    display_size(stream, frame, look->rotation, &look->display.w, &look->display.h);
    look->aspect = kind.aspect;
    choose_colors(look, &kind);
    choose_deep(look, &kind, stream, frame);
}

/* Ten bits are for sources that have them and for codecs whose players take them. */
static void choose_depth(struct mt_look *look, const struct mt_av_rendition *renditions, int n)
{
    look->ten_bit = look->deep.depth > 8;
    for (int i = 0; i < n; i++) {
        const struct mt_encoder *encoder = mt_encoder_of(renditions[i].codec);

        look->ten_bit = look->ten_bit && encoder && encoder->deep;
    }
    if (!look->ten_bit)
        return;
    look->primaries = look->deep.primaries;
    look->transfer = look->deep.transfer;
    look->matrix = look->deep.matrix;
    look->light = look->deep.light;
}

static void fit(const struct mt_look *look, const struct mt_av_rendition *rendition,
                struct mt_size *size)
{
    int limited;

    if (rendition->upscale)
        mt_av_enlarge(look->display.w, look->display.h, rendition->height_px, &size->w, &size->h);
    else
        mt_av_fit(look->display.w, look->display.h, rendition->height_px, &size->w, &size->h,
                  &limited);
}

void mt_look_fit(struct mt_look *look, const struct mt_av_rendition *renditions, int n)
{
    choose_depth(look, renditions, n);
    look->n = n;
    for (int i = 0; i < n; i++)
        fit(look, &renditions[i], &look->sizes[i]);
}

json_t *mt_look_to_json(const struct mt_look *look)
{
    return json_pack(
        "{s:i, s:i, s:i, s:i, s:f, s:s?, s:s?, s:s?, s:{s:i, s:s?, s:s?, s:s?, s:o}}", "rotation",
        look->rotation, "mirrored", look->mirrored, "width", look->display.w, "height",
        look->display.h, "aspect", look->aspect, "primaries",
        av_color_primaries_name(look->primaries), "transfer",
        av_color_transfer_name(look->transfer), "matrix", av_color_space_name(look->matrix), "deep",
        "depth", look->deep.depth, "primaries", av_color_primaries_name(look->deep.primaries),
        "transfer", av_color_transfer_name(look->deep.transfer), "matrix",
        av_color_space_name(look->deep.matrix), "hdr", mt_light_to_json(&look->deep.light));
}

/* Names that are not known, which only a plan that was tampered with has, become BT.709. */
static void colors_from_json(const json_t *value, enum AVColorPrimaries *primaries,
                             enum AVColorTransferCharacteristic *transfer,
                             enum AVColorSpace *matrix)
{
    int p = av_color_primaries_from_name(mt_json_str(value, "primaries", "bt709"));
    int t = av_color_transfer_from_name(mt_json_str(value, "transfer", "bt709"));
    int m = av_color_space_from_name(mt_json_str(value, "matrix", "bt709"));

    *primaries = p < 0 ? AVCOL_PRI_BT709 : (enum AVColorPrimaries)p;
    *transfer = t < 0 ? AVCOL_TRC_BT709 : (enum AVColorTransferCharacteristic)t;
    *matrix = m < 0 ? AVCOL_SPC_BT709 : (enum AVColorSpace)m;
}

void mt_look_from_json(struct mt_look *look, const json_t *value)
{
    const json_t *deep = json_object_get(value, "deep");

    *look = (struct mt_look){
        .rotation = (int)mt_json_int(value, "rotation", 0),
        .mirrored = (int)mt_json_int(value, "mirrored", 0),
        .display = {(int)mt_json_int(value, "width", 2), (int)mt_json_int(value, "height", 2)},
        .aspect = mt_json_num(value, "aspect", 0),
        .deep = {.depth = (int)mt_json_int(deep, "depth", 8)},
    };
    colors_from_json(value, &look->primaries, &look->transfer, &look->matrix);
    colors_from_json(deep, &look->deep.primaries, &look->deep.transfer, &look->deep.matrix);
    mt_light_from_json(&look->deep.light, json_object_get(deep, "hdr"));
}

bool mt_pictures_fit(const struct mt_pictures *pictures, const AVFrame *frame)
{
    struct mt_kind kind = mt_frame_kind(frame);
    const struct mt_kind *old = &pictures->kind;

    return pictures->graph && kind.w == old->w && kind.h == old->h && kind.format == old->format &&
           fabs(kind.aspect - old->aspect) < 1e-6 * old->aspect && kind.matrix == old->matrix &&
           kind.range == old->range && kind.transfer == old->transfer &&
           kind.primaries == old->primaries && (old->interlaced || !kind.interlaced);
}

/* The rendition's size as the picture lies before it is turned upright. */
static struct mt_size lying(const struct mt_look *look, int i)
{
    struct mt_size size = look->sizes[i];

    if (look->rotation % 180 == 0)
        return size;
    return (struct mt_size){.w = size.h, .h = size.w};
}

static struct mt_size largest(const struct mt_look *look)
{
    struct mt_size best = {0, 0};

    for (int i = 0; i < look->n; i++) {
        struct mt_size size = lying(look, i);

        if ((int64_t)size.w * size.h > (int64_t)best.w * best.h)
            best = size;
    }
    return best;
}

/* How large frames of the kind are within a picture of that size, so that their shape is kept. */
static struct mt_size within(const struct mt_look *look, const struct mt_kind *kind,
                             struct mt_size size)
{
    double wider = look->aspect > 0 && kind->aspect > 0 ? kind->aspect / look->aspect : 1;
    struct mt_size inner = size;

    if (fabs(wider - 1) < 0.01) /* of rounding to whole pixels and blocks: nobody sees it */
        return size;
    if (wider > 1)
        inner.h = FFMAX((int)lrint(size.h / wider / 2) * 2, 2);
    else
        inner.w = FFMAX((int)lrint(size.w * wider / 2) * 2, 2);
    return inner;
}

/* Transparent pictures are shown on black. */
static void describe_alpha(AVBPrint *out, const struct mt_kind *kind)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)kind->format);

    if (!desc || !(desc->flags & AV_PIX_FMT_FLAG_ALPHA))
        return;
    if (is_rgb(kind->format))
        av_bprintf(out, "format=gbrap,premultiply=inplace=1,format=gbrp,");
    else
        av_bprintf(out, "format=yuva444p,premultiply=inplace=1,format=yuv444p,");
}

/* Colours outside BT.709: first down to the largest size wanted, since floats are slow. */
static void describe_mapping(AVBPrint *out, const struct mt_look *look, const struct mt_kind *kind)
{
    struct mt_size size = within(look, kind, largest(look));
    bool hdr = is_hdr(kind->transfer);
    const char *transfer = hdr ? av_color_transfer_name(kind->transfer) : "bt709";
    const char *matrix = "bt2020nc";

    if (source_matrix(kind) == kind->matrix)
        matrix = av_color_space_name(kind->matrix);
    if (size.w != kind->w || size.h != kind->h)
        av_bprintf(out, "scale=w=%d:h=%d:flags=" SCALER ",", size.w, size.h);
    av_bprintf(out, "zscale=pin=bt2020:tin=%s:rin=%s", transfer,
               kind->range == AVCOL_RANGE_JPEG ? "full" : "limited");
    if (!is_rgb(kind->format))
        av_bprintf(out, ":min=%s", matrix);
    if (hdr)
        av_bprintf(out, ":t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,"
                        "tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=limited,"
                        "format=yuv420p,");
    else
        av_bprintf(out, ":p=bt709:t=bt709:m=bt709:r=limited,format=yuv420p,");
}

/* The names that the scale filter knows its matrices by. */
static const char *scale_matrix(enum AVColorSpace matrix)
{
    switch (matrix) {
    case AVCOL_SPC_BT709:
        return "bt709";
    case AVCOL_SPC_FCC:
        return "fcc";
    case AVCOL_SPC_SMPTE240M:
        return "smpte240m";
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return "bt2020";
    default:
        return "bt601";
    }
}

static void describe_scale(AVBPrint *out, const struct mt_look *look, const struct mt_kind *kind,
                           int i)
{
    struct mt_size size = lying(look, i), inner = within(look, kind, size);
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)kind->format);
    const char *from = scale_matrix(source_matrix(kind)), *to = scale_matrix(look->matrix);

    av_bprintf(out, "[s%d]scale=w=%d:h=%d:flags=" SCALER, i, inner.w, inner.h);
    if (is_rgb(kind->format))
        av_bprintf(out, ":out_color_matrix=%s", to);
    else if (strcmp(from, to) != 0)
        av_bprintf(out, ":in_color_matrix=%s:out_color_matrix=%s", from, to);
    if (kind->range == AVCOL_RANGE_JPEG || (desc && av_strstart(desc->name, "yuvj", NULL)))
        av_bprintf(out, "%s:out_range=tv", is_rgb(kind->format) ? "" : ":in_range=pc");
    av_bprintf(out, look->ten_bit ? ",format=yuv420p10le" : ",format=yuv420p");
    if (inner.w != size.w || inner.h != size.h)
        av_bprintf(out, ",setsar=1,pad=w=%d:h=%d:x=(ow-iw)/2:y=(oh-ih)/2", size.w, size.h);
}

/* Mirroring comes before turning; both after scaling, where they cost least. */
static void describe_turn(AVBPrint *out, const struct mt_look *look)
{
    if (look->mirrored)
        av_bprintf(out, ",hflip");
    if (look->rotation == 90)
        av_bprintf(out, ",transpose=dir=clock");
    else if (look->rotation == 180)
        av_bprintf(out, ",hflip,vflip");
    else if (look->rotation == 270)
        av_bprintf(out, ",transpose=dir=cclock");
}

int mt_pictures_describe(char **text, const struct mt_look *look, const struct mt_kind *kind,
                         struct mt_err *err)
{
    bool kept = look->ten_bit && look->primaries == AVCOL_PRI_BT2020;
    bool mapped = !kept && (is_hdr(kind->transfer) || is_wide(kind));
    struct mt_kind now = *kind;
    AVBPrint out;

    if (mapped && (!avfilter_get_by_name("zscale") || !avfilter_get_by_name("tonemap")))
        return mt_fail(err, MT_ERR_UNAVAILABLE,
                       "the picture is HDR or wide-gamut, and this libavfilter has no %s",
                       avfilter_get_by_name("zscale") ? "tonemap" : "zscale (libzimg)");
    av_bprint_init(&out, 0, AV_BPRINT_SIZE_UNLIMITED);
    av_bprintf(&out, "[in]");
    if (kind->interlaced)
        av_bprintf(&out, "bwdif=mode=send_frame:deint=interlaced,");
    describe_alpha(&out, kind);
    if (mapped) {
        describe_mapping(&out, look, kind);
        now.format = AV_PIX_FMT_YUV420P;
        now.range = AVCOL_RANGE_MPEG;
        now.matrix = AVCOL_SPC_BT709;
    }
    av_bprintf(&out, "split=outputs=%d", look->n);
    for (int i = 0; i < look->n; i++)
        av_bprintf(&out, "[s%d]", i);
    for (int i = 0; i < look->n; i++) {
        av_bprintf(&out, ";");
        describe_scale(&out, look, &now, i);
        describe_turn(&out, look);
        av_bprintf(&out, ",setsar=1[o%d]", i);
    }
    if (av_bprint_finalize(&out, text) < 0)
        return mt_av_fail(err, AVERROR(ENOMEM), "filters");
    return 0;
}
