/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs_encode.c - pictures as files. */
#include "av/thumbs_encode.h"

#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <string.h>

struct format {
    const char *encoders[4]; /* the best first */
    enum AVPixelFormat pixels, with_alpha;
};

static const struct format formats[] = {
    [MT_AV_WEBP] = {{"libwebp"}, AV_PIX_FMT_RGB32, AV_PIX_FMT_RGB32},
    [MT_AV_JPEG] = {{"mjpeg"}, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P},
    [MT_AV_PNG] = {{"png"}, AV_PIX_FMT_RGB24, AV_PIX_FMT_RGBA},
    [MT_AV_AVIF] = {{"libaom-av1", "libsvtav1"}, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P},
    [MT_AV_JXL] = {{"libjxl"}, AV_PIX_FMT_RGB24, AV_PIX_FMT_RGBA},
};

static const AVCodec *encoder_of(enum mt_av_picture_format format)
{
    const AVCodec *codec = NULL;

    for (int i = 0; !codec && formats[format].encoders[i]; i++)
        codec = avcodec_find_encoder_by_name(formats[format].encoders[i]);
    return codec;
}

bool mt_av_can_encode(enum mt_av_picture_format format)
{
    return encoder_of(format) &&
           (format != MT_AV_AVIF || av_guess_format("avif", NULL, NULL) != NULL);
}

/* An RGB24 frame: the picture on white. */
static int flatten(AVFrame **out, const AVFrame *rgba)
{
    AVFrame *to = av_frame_alloc();
    int av = to ? 0 : AVERROR(ENOMEM);

    if (to) {
        to->format = AV_PIX_FMT_RGB24;
        to->width = rgba->width;
        to->height = rgba->height;
        av = av_frame_get_buffer(to, 0);
    }
    for (int y = 0; av >= 0 && y < to->height; y++)
        for (int x = 0; x < to->width; x++) {
            const uint8_t *p = rgba->data[0] + (ptrdiff_t)y * rgba->linesize[0] + 4 * x;
            uint8_t *q = to->data[0] + (ptrdiff_t)y * to->linesize[0] + 3 * x;

            for (int c = 0; c < 3; c++)
                q[c] = (uint8_t)((p[c] * p[3] + 255 * (255 - p[3]) + 127) / 255);
        }
    if (av < 0)
        av_frame_free(&to);
    *out = to;
    return av;
}

/* Into the encoder's pixels; YUV is what JFIF says: BT.601, full range. */
static int convert(AVFrame **out, const AVFrame *rgb, enum AVPixelFormat pixels)
{
    const int *bt601 = sws_getCoefficients(SWS_CS_ITU601);
    AVFrame *to = av_frame_alloc();
    struct SwsContext *sws = NULL;
    int av = AVERROR(ENOMEM);

    if (!to)
        goto out;
    to->format = pixels;
    to->width = rgb->width;
    to->height = rgb->height;
    to->color_range = AVCOL_RANGE_JPEG;
    to->colorspace = pixels == AV_PIX_FMT_YUV420P ? AVCOL_SPC_BT470BG : AVCOL_SPC_RGB;
    to->color_primaries = AVCOL_PRI_BT709;
    to->color_trc = AVCOL_TRC_IEC61966_2_1;
    av = av_frame_get_buffer(to, 0);
    if (av < 0)
        goto out;
    sws = sws_getContext(
        rgb->width, rgb->height, (enum AVPixelFormat)rgb->format, to->width, to->height, pixels,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, NULL, NULL, NULL);
    av = AVERROR(EINVAL);
    if (!sws)
        goto out;
    sws_setColorspaceDetails(sws, bt601, 1, bt601, 1, 0, 1 << 16, 1 << 16);
    av = sws_scale(sws, (const uint8_t *const *)rgb->data, rgb->linesize, 0, rgb->height, to->data,
                   to->linesize);
out:
    sws_freeContext(sws);
    if (av < 0)
        av_frame_free(&to);
    *out = to;
    return av;
}

/*
 * libjpeg's quality scales its tables by S %: 5000 / q below 50, 200 - 2 q
 * above. Its luma table at 100 % averages 58, this encoder's 3.45 per step of
 * its quantiser: six percent to the step.
 */
static double jpeg_quantiser(int quality)
{
    double percent = quality < 50 ? 5000.0 / quality : 200.0 - 2.0 * quality;

    return fmin(31, fmax(1, percent / 6));
}

/* As libjxl's own tools map it. */
static double jxl_distance(int quality)
{
    if (quality >= 100)
        return 0;
    return quality >= 30 ? 0.1 + (100 - quality) * 0.09
                         : 53.0 / 3000 * quality * quality - 23.0 / 20 * quality + 25;
}

/* 63 is the coarsest; at 80 this gives about the looks of WebP at 80. */
static int set_up_av1(AVCodecContext *c, int quality)
{
    int crf = 63 - quality / 2;

    c->gop_size = 0;
    if (strcmp(c->codec->name, "libaom-av1") != 0)
        return av_opt_set_int(c->priv_data, "crf", crf, 0);
    c->bit_rate = 0;
    av_opt_set(c->priv_data, "still-picture", "1", 0);
    av_opt_set(c->priv_data, "usage", "allintra", 0);
    av_opt_set(c->priv_data, "cpu-used", "6", 0);
    return av_opt_set_int(c->priv_data, "crf", crf, 0);
}

static int set_up_jpeg(AVCodecContext *c, int quality)
{
    c->color_primaries = AVCOL_PRI_UNSPECIFIED;
    c->color_trc = AVCOL_TRC_UNSPECIFIED;
    c->flags |= AV_CODEC_FLAG_QSCALE;
    c->global_quality = (int)lrint(FF_QP2LAMBDA * jpeg_quantiser(quality));
    c->qmin = 1;
    return av_opt_set(c->priv_data, "huffman", "optimal", 0);
}

static int set_up(AVCodecContext *c, const AVFrame *frame, enum mt_av_picture_format format,
                  int quality)
{
    c->width = frame->width;
    c->height = frame->height;
    c->pix_fmt = (enum AVPixelFormat)frame->format;
    c->time_base = (AVRational){1, 25};
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    c->color_range = AVCOL_RANGE_JPEG;
    c->colorspace = frame->colorspace;
    c->color_primaries = frame->color_primaries;
    c->color_trc = frame->color_trc;
    switch (format) {
    case MT_AV_WEBP:
        return av_opt_set_double(c->priv_data, "quality", quality, 0);
    case MT_AV_JPEG:
        return set_up_jpeg(c, quality);
    case MT_AV_AVIF:
        return set_up_av1(c, quality);
    case MT_AV_JXL:
        return av_opt_set_double(c->priv_data, "distance", jxl_distance(quality), 0);
    default:
        return av_opt_set(c->priv_data, "pred", "mixed", 0);
    }
}

/* The AV1 picture in packet becomes a file of its own. */
static int wrap_avif(AVPacket *packet, const AVCodecContext *c)
{
    AVFormatContext *out = NULL;
    uint8_t *data = NULL;
    int size = 0, av = avformat_alloc_output_context2(&out, NULL, "avif", NULL);

    if (av < 0)
        return av;
    out->flags |= AVFMT_FLAG_BITEXACT;
    if (!avformat_new_stream(out, NULL) || avio_open_dyn_buf(&out->pb) < 0) {
        avformat_free_context(out);
        return AVERROR(ENOMEM);
    }
    out->streams[0]->time_base = c->time_base;
    av = avcodec_parameters_from_context(out->streams[0]->codecpar, c);
    if (av >= 0)
        av = avformat_write_header(out, NULL);
    packet->stream_index = 0;
    if (av >= 0)
        av = av_write_frame(out, packet);
    if (av >= 0)
        av = av_write_trailer(out);
    size = avio_close_dyn_buf(out->pb, &data);
    out->pb = NULL;
    avformat_free_context(out);
    av_packet_unref(packet);
    if (av >= 0)
        av = av_new_packet(packet, size);
    if (av >= 0)
        memcpy(packet->data, data, (size_t)size);
    av_free(data);
    return av < 0 ? av : 0;
}

static int encode(AVPacket *packet, AVFrame *frame, enum mt_av_picture_format format, int quality,
                  const AVCodec *codec)
{
    AVCodecContext *c = avcodec_alloc_context3(codec);
    int av = c ? 0 : AVERROR(ENOMEM);

    if (av >= 0)
        av = set_up(c, frame, format, quality);
    if (av >= 0)
        av = avcodec_open2(c, codec, NULL);
    if (av >= 0) {
        frame->pts = 0;
        frame->quality = c->global_quality;
        av = avcodec_send_frame(c, frame);
    }
    if (av >= 0)
        av = avcodec_send_frame(c, NULL);
    if (av >= 0)
        av = avcodec_receive_packet(c, packet);
    if (av >= 0 && format == MT_AV_AVIF)
        av = wrap_avif(packet, c);
    avcodec_free_context(&c);
    return av;
}

int mt_encode(AVPacket *packet, const AVFrame *rgb, enum mt_av_picture_format format, int quality,
              struct mt_err *err)
{
    const AVCodec *codec = encoder_of(format);
    bool alpha = rgb->format == AV_PIX_FMT_RGBA;
    AVFrame *flat = NULL, *frame = NULL;
    int av = 0;

    if (!codec)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "this FFmpeg has no encoder '%s'",
                       formats[format].encoders[0]);
    if (alpha && (format == MT_AV_JPEG || format == MT_AV_AVIF))
        av = flatten(&flat, rgb);
    if (av >= 0)
        av = convert(&frame, flat ? flat : rgb,
                     alpha ? formats[format].with_alpha : formats[format].pixels);
    if (av >= 0)
        av = encode(packet, frame, format, quality, codec);
    av_frame_free(&flat);
    av_frame_free(&frame);
    return av < 0 ? mt_av_fail(err, av, "cannot encode a picture") : 0;
}
