/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thumbs_render.c - from a decoded frame to the picture a person sees.
 *
 * Everything ends in packed RGB, where neither matrix nor range nor chroma
 * siting can be confused any more; encoders convert from there. One filter
 * graph serves one frame: making it costs a millisecond, keeping it would mean
 * to flush the deinterlacer between pictures that have nothing in common.
 */
#include "av/thumbs_render.h"

#include "av/frame.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIDE_MAX = 16383, HD_HEIGHT = 720, HD_WIDTH = 1280, SAR_MAX = 16, CHAIN = 1024 };

struct orientation {
    bool swap; /* transpose first, */
    bool hflip, vflip;
};

static struct orientation orientation_of(const AVFrame *frame, const AVStream *stream)
{
    int mirrored, turn = mt_in_frame_rotation(stream, frame, &mirrored);
    bool m = mirrored != 0;

    switch (turn) {
    case 90:
        return (struct orientation){true, true, m};
    case 180:
        return (struct orientation){false, !m, true};
    case 270:
        return (struct orientation){true, false, !m};
    default:
        return (struct orientation){false, m, false};
    }
}

/* Sizes, upright: of the whole scaled picture, and of the part of it that is kept. */
struct sizes {
    int w, h;
    int keep_w, keep_h;
};

static int pixels(double v)
{
    return (int)fmax(1, floor(v + 0.5));
}

static struct sizes size_up(double dw, double dh, struct mt_av_box box, enum mt_av_fit fit)
{
    double bw = box.width_px, bh = fit == MT_AV_WIDTH ? 0 : box.height_px, k = 1;
    bool cover = fit == MT_AV_COVER && bw > 0 && bh > 0;

    if (cover) {
        double less = fmin(1, fmin(dw / bw, dh / bh));

        bw *= less;
        bh *= less;
        k = fmin(1, fmax(bw / dw, bh / dh));
    }
    if (bw <= 0 || bw > SIDE_MAX)
        bw = SIDE_MAX;
    if (bh <= 0 || bh > SIDE_MAX)
        bh = SIDE_MAX;
    if (!cover)
        k = fmin(1, fmin(bw / dw, bh / dh));
    struct sizes s = {.w = pixels(dw * k), .h = pixels(dh * k)};
    s.keep_w = cover && pixels(bw) < s.w ? pixels(bw) : s.w;
    s.keep_h = cover && pixels(bh) < s.h ? pixels(bh) : s.h;
    return s;
}

static struct sizes sizes_of(const AVFrame *frame, AVRational sar, struct orientation o,
                             struct mt_av_box box, enum mt_av_fit fit)
{
    double dw = frame->width, dh = frame->height;

    if (sar.num > 0 && sar.den > 0 && sar.num / sar.den < SAR_MAX && sar.den / sar.num < SAR_MAX)
        dw = dw * sar.num / sar.den;
    return o.swap ? size_up(dh, dw, box, fit) : size_up(dw, dh, box, fit);
}

static bool is_hdr(const AVFrame *frame)
{
    return frame->color_trc == AVCOL_TRC_SMPTE2084 || frame->color_trc == AVCOL_TRC_ARIB_STD_B67;
}

static const char *matrix_of(const AVFrame *frame, bool film)
{
    switch (frame->colorspace) {
    case AVCOL_SPC_BT709:
        return "bt709";
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return "bt2020";
    case AVCOL_SPC_SMPTE240M:
        return "smpte240m";
    case AVCOL_SPC_FCC:
        return "fcc";
    case AVCOL_SPC_UNSPECIFIED:
        if (film && (frame->height >= HD_HEIGHT || frame->width >= HD_WIDTH))
            return "bt709";
        return "bt601";
    default:
        return "bt601";
    }
}

static bool has_alpha(const AVFrame *frame)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);

    return desc && (desc->flags & AV_PIX_FMT_FLAG_ALPHA);
}

static bool is_full(const AVFrame *frame)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);

    return frame->color_range == AVCOL_RANGE_JPEG || (desc && strncmp(desc->name, "yuvj", 4) == 0);
}

/* The brightest of the mastered picture against 203 cd/m2, the white of ITU-R BT.2408. */
static double peak_of(const AVFrame *frame)
{
    const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    double nits = 1000;

    if (side && frame->color_trc == AVCOL_TRC_SMPTE2084)
        nits = ((const AVContentLightMetadata *)(const void *)side->data)->MaxCLL;
    if (nits < 400 || nits > 4000)
        nits = 1000;
    return nits / 203;
}

static const char *scaler(const AVFrame *frame, int w, int h)
{
    bool much = frame->width / w >= 3 && frame->height / h >= 3;

    return much ? "area+accurate_rnd+full_chroma_int+full_chroma_inp"
                : "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp";
}

static void hdr_chain(char *text, size_t n, const AVFrame *frame, int w, int h)
{
    const char *transfer = frame->color_trc == AVCOL_TRC_SMPTE2084 ? "smpte2084" : "arib-std-b67";

    snprintf(text, n,
             "scale=%d:%d:flags=%s,format=yuv444p10,"
             "zscale=tin=%s:pin=bt2020:min=bt2020nc:rin=%s:t=linear:npl=203,format=gbrpf32le,"
             "zscale=p=bt709,tonemap=mobius:peak=%.3f:desat=0,"
             "zscale=t=bt709:m=gbr:r=full,format=rgb24",
             w, h, scaler(frame, w, h), transfer, is_full(frame) ? "full" : "limited",
             peak_of(frame));
}

static void chain_of(char *text, size_t n, const AVFrame *frame, bool film, int w, int h)
{
    const char *flags = scaler(frame, w, h), *deinterlace = "";
    const char *matrix = matrix_of(frame, film), *range = is_full(frame) ? "pc" : "tv";

    if (film && mt_frame_interlaced(frame) && !is_hdr(frame))
        deinterlace = "estdif=mode=frame:deint=all,";
    if (is_hdr(frame) && avfilter_get_by_name("zscale"))
        hdr_chain(text, n, frame, w, h);
    else if (has_alpha(frame) && (w != frame->width || h != frame->height))
        snprintf(text, n,
                 "scale=in_color_matrix=%s:in_range=%s:out_range=pc:flags=%s,format=gbrap,"
                 "premultiply=inplace=1,scale=%d:%d:flags=%s,unpremultiply=inplace=1,format=rgba",
                 matrix, range, flags, w, h, flags);
    else
        snprintf(text, n,
                 "%sscale=%d:%d:in_color_matrix=%s:in_range=%s:out_range=pc:flags=%s,format=%s",
                 deinterlace, w, h, matrix, range, flags, has_alpha(frame) ? "rgba" : "rgb24");
}

static int add_source(AVFilterContext **src, AVFilterGraph *graph, const AVFrame *frame)
{
    AVBufferSrcParameters *par = av_buffersrc_parameters_alloc();
    int av = AVERROR(ENOMEM);

    *src = avfilter_graph_alloc_filter(graph, avfilter_get_by_name("buffer"), "in");
    if (par && *src) {
        par->format = frame->format;
        par->width = frame->width;
        par->height = frame->height;
        par->time_base = AV_TIME_BASE_Q;
        mt_frame_expect_color(par, frame->colorspace, frame->color_range);
        av = av_buffersrc_parameters_set(*src, par);
        if (av >= 0)
            av = avfilter_init_str(*src, NULL);
    }
    av_free(par);
    return av;
}

static int make_graph(AVFilterGraph *graph, const AVFrame *frame, const char *chain,
                      AVFilterContext **src, AVFilterContext **sink)
{
    AVFilterInOut *from = avfilter_inout_alloc(), *to = avfilter_inout_alloc();
    int av = AVERROR(ENOMEM);

    if (!from || !to || (av = add_source(src, graph, frame)) < 0)
        goto out;
    av = avfilter_graph_create_filter(sink, avfilter_get_by_name("buffersink"), "out", NULL, NULL,
                                      graph);
    if (av < 0)
        goto out;
    *from = (AVFilterInOut){av_strdup("in"), *src, 0, NULL};
    *to = (AVFilterInOut){av_strdup("out"), *sink, 0, NULL};
    av = avfilter_graph_parse_ptr(graph, chain, &to, &from, NULL);
    if (av >= 0)
        av = avfilter_graph_config(graph, NULL);
out:
    avfilter_inout_free(&from);
    avfilter_inout_free(&to);
    return av;
}

/* One frame through a chain of filters. A negative error of the library. */
static int run_chain(AVFrame *out, const AVFrame *frame, const char *chain)
{
    AVFilterGraph *graph = avfilter_graph_alloc();
    AVFilterContext *src = NULL, *sink = NULL;
    AVFrame *in = av_frame_clone(frame);
    int av = AVERROR(ENOMEM);

    if (!graph || !in)
        goto out;
    graph->nb_threads = 1;
    in->pts = 0;
    in->sample_aspect_ratio = (AVRational){0, 1};
    in->crop_left = in->crop_right = in->crop_top = in->crop_bottom = 0;
    av_frame_remove_side_data(in, AV_FRAME_DATA_ICC_PROFILE);
    av = make_graph(graph, frame, chain, &src, &sink);
    if (av >= 0)
        av = av_buffersrc_add_frame(src, in);
    if (av >= 0)
        av = av_buffersrc_add_frame(src, NULL);
    if (av >= 0)
        av = av_buffersink_get_frame(sink, out);
out:
    av_frame_free(&in);
    avfilter_graph_free(&graph);
    return av;
}

/* Whether every pixel of an RGBA picture is opaque. */
static bool opaque(const AVFrame *rgba)
{
    for (int y = 0; y < rgba->height; y++)
        for (int x = 0; x < rgba->width; x++)
            if (rgba->data[0][y * rgba->linesize[0] + 4 * x + 3] != 255)
                return false;
    return true;
}

static void copy_upright(AVFrame *to, const AVFrame *from, struct orientation o,
                         const struct sizes *s, int in_bpp, int out_bpp)
{
    int left = (s->w - s->keep_w) / 2, top = (s->h - s->keep_h) / 2;

    for (int y = 0; y < to->height; y++) {
        uint8_t *p = to->data[0] + (ptrdiff_t)y * to->linesize[0];

        for (int x = 0; x < to->width; x++, p += out_bpp) {
            int u = o.hflip ? s->w - 1 - x - left : x + left;
            int v = o.vflip ? s->h - 1 - y - top : y + top;

            memcpy(p,
                   from->data[0] + (ptrdiff_t)(o.swap ? u : v) * from->linesize[0] +
                       (ptrdiff_t)(o.swap ? v : u) * in_bpp,
                   (size_t)out_bpp);
        }
    }
}

/* A clean frame that holds the pixels turned upright, and nothing else of the source. */
static int upright(AVFrame **out, const AVFrame *from, struct orientation o, const struct sizes *s)
{
    bool alpha = from->format == AV_PIX_FMT_RGBA, keep = alpha && !opaque(from);
    AVFrame *to = av_frame_alloc();
    int av;

    if (!to)
        return AVERROR(ENOMEM);
    to->format = keep ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24;
    to->width = s->keep_w;
    to->height = s->keep_h;
    to->color_range = AVCOL_RANGE_JPEG;
    to->colorspace = AVCOL_SPC_RGB;
    to->color_primaries = AVCOL_PRI_BT709;
    to->color_trc = AVCOL_TRC_IEC61966_2_1;
    to->sample_aspect_ratio = (AVRational){1, 1};
    av = av_frame_get_buffer(to, 0);
    if (av < 0) {
        av_frame_free(&to);
        return av;
    }
    copy_upright(to, from, o, s, alpha ? 4 : 3, keep ? 4 : 3);
    *out = to;
    return 0;
}

int mt_render(AVFrame **out, const AVFrame *frame, const struct mt_in *in, const AVStream *stream,
              const struct mt_film *film, struct mt_av_box box, enum mt_av_fit fit,
              struct mt_err *err)
{
    AVRational sar = frame->sample_aspect_ratio;
    struct orientation o = orientation_of(frame, stream);
    AVFrame *flat = av_frame_alloc();
    char chain[CHAIN];
    struct sizes s;
    int av = AVERROR(ENOMEM);

    if (stream->sample_aspect_ratio.num > 0)
        sar = av_guess_sample_aspect_ratio(in->format, (AVStream *)(uintptr_t)stream,
                                           (AVFrame *)(uintptr_t)frame);
    if (film->still)
        sar = (AVRational){1, 1};
    s = sizes_of(frame, sar, o, box, fit);
    chain_of(chain, sizeof chain, frame, !film->still, o.swap ? s.h : s.w, o.swap ? s.w : s.h);
    if (flat)
        av = run_chain(flat, frame, chain);
    if (av >= 0)
        av = upright(out, flat, o, &s);
    av_frame_free(&flat);
    return av < 0 ? mt_av_fail(err, av, "cannot render a picture") : 0;
}
