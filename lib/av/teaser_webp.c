/* SPDX-License-Identifier: GPL-2.0-or-later */
/* teaser_webp.c - an animation in WebP (RFC 9649), written and read back. */
#include "av/teaser_parts.h"

#include "base/file.h"
#include "base/mem.h"

#include <libavutil/intreadwrite.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TICK = 100000, /* us from picture to picture */
    HEADER = 12,   /* RIFF, size, WEBP */
    CHUNK = 8,     /* name, size */
    FRAME = 16,    /* position, size, duration and flags before the picture's own chunks */
};

int mt_webp_open(struct mt_webp *webp, int w, int h, struct mt_err *err)
{
    const AVCodec *library = avcodec_find_encoder_by_name("libwebp_anim");
    AVCodecContext *c;
    int ret;

    *webp = (struct mt_webp){.last_tick = -1};
    if (!library)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "this libavcodec has no libwebp_anim");
    c = webp->codec = avcodec_alloc_context3(library);
    webp->packet = av_packet_alloc();
    if (!c || !webp->packet)
        return mt_av_fail(err, AVERROR(ENOMEM), "libwebp");
    c->width = w;
    c->height = h;
    c->pix_fmt = AV_PIX_FMT_RGB32;
    c->time_base = (AVRational){1, 1000};
    c->flags |= AV_CODEC_FLAG_QSCALE;
    c->global_quality = 60 * FF_QP2LAMBDA;
    c->compression_level = 2;
    ret = avcodec_open2(c, library, NULL);
    return ret < 0 ? mt_av_fail(err, ret, "libwebp") : 0;
}

static int set_up_scaler(struct mt_webp *webp, const AVFrame *frame)
{
    bool hd = frame->colorspace == AVCOL_SPC_BT709;
    const int *from = sws_getCoefficients(hd ? SWS_CS_ITU709 : SWS_CS_ITU601);

    if (webp->sws)
        return 0;
    webp->sws =
        sws_getContext(frame->width, frame->height, (enum AVPixelFormat)frame->format,
                       webp->codec->width, webp->codec->height, AV_PIX_FMT_RGB32,
                       SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    if (!webp->sws)
        return AVERROR(EINVAL);
    sws_setColorspaceDetails(webp->sws, from, 0, from, 1, 0, 1 << 16, 1 << 16);
    return 0;
}

static int encode(struct mt_webp *webp, const AVFrame *frame, int64_t tick)
{
    AVFrame *rgb = av_frame_alloc();
    int ret = rgb ? set_up_scaler(webp, frame) : AVERROR(ENOMEM);

    if (ret >= 0) {
        rgb->format = AV_PIX_FMT_RGB32;
        rgb->width = webp->codec->width;
        rgb->height = webp->codec->height;
        ret = av_frame_get_buffer(rgb, 0);
    }
    if (ret >= 0)
        ret = sws_scale(webp->sws, (const uint8_t *const *)frame->data, frame->linesize, 0,
                        frame->height, rgb->data, rgb->linesize);
    if (ret >= 0) {
        rgb->pts = tick * TICK / 1000;
        ret = avcodec_send_frame(webp->codec, rgb);
    }
    av_frame_free(&rgb);
    return ret;
}

int mt_webp_take(struct mt_webp *webp, const AVFrame *frame, int64_t us, struct mt_err *err)
{
    int64_t tick = us / TICK;
    int ret;

    if (tick <= webp->last_tick)
        return 0;
    webp->last_tick = tick;
    webp->frames++;
    ret = encode(webp, frame, tick);
    return ret < 0 ? mt_av_fail(err, ret, "libwebp") : 0;
}

/* ---- reading back ---- */

struct found {
    AVCodecContext *decoder;
    AVFrame *frame;
    int64_t frames, length_ms;
    bool loops;
};

/* The chunks of one picture, as a file of its own, decode to a picture of that size. */
static int decode(struct found *f, const uint8_t *chunks, size_t n, int w, int h)
{
    AVPacket *packet = av_packet_alloc();
    int ret = packet ? av_new_packet(packet, (int)n + HEADER) : AVERROR(ENOMEM);

    if (ret >= 0) {
        memcpy(packet->data, "RIFF\0\0\0\0WEBP", HEADER);
        AV_WL32(packet->data + 4, (uint32_t)n + 4);
        memcpy(packet->data + HEADER, chunks, n);
        ret = avcodec_send_packet(f->decoder, packet);
    }
    if (ret >= 0)
        ret = avcodec_receive_frame(f->decoder, f->frame);
    if (ret >= 0 && (f->frame->width != w || f->frame->height != h || mt_frame_damaged(f->frame)))
        ret = AVERROR_INVALIDDATA;
    av_frame_unref(f->frame);
    av_packet_free(&packet);
    return ret;
}

static int check_frame(struct found *f, const struct mt_webp *webp, const uint8_t *p, size_t n)
{
    int x, y, w, h;

    if (n < FRAME)
        return AVERROR_INVALIDDATA;
    x = 2 * (int)AV_RL24(p);
    y = 2 * (int)AV_RL24(p + 3);
    w = (int)AV_RL24(p + 6) + 1;
    h = (int)AV_RL24(p + 9) + 1;
    f->frames++;
    f->length_ms += AV_RL24(p + 12);
    if (x + w > webp->codec->width || y + h > webp->codec->height)
        return AVERROR_INVALIDDATA;
    return decode(f, p + FRAME, n - FRAME, w, h);
}

static int check_chunks(struct found *f, const struct mt_webp *webp, const uint8_t *data, size_t n)
{
    size_t at = HEADER;
    int ret = 0;

    if (n < HEADER || memcmp(data, "RIFF", 4) != 0 || memcmp(data + 8, "WEBP", 4) != 0)
        return AVERROR_INVALIDDATA;
    while (ret >= 0 && at + CHUNK <= n) {
        const uint8_t *chunk = data + at;
        size_t size = AV_RL32(chunk + 4);

        if (size > n - at - CHUNK)
            return AVERROR_INVALIDDATA;
        if (memcmp(chunk, "ANMF", 4) == 0)
            ret = check_frame(f, webp, chunk + CHUNK, size);
        if (memcmp(chunk, "ANIM", 4) == 0 && size >= 6)
            f->loops = AV_RL16(chunk + CHUNK + 4) == 0;
        at += CHUNK + size + (size & 1);
    }
    return ret;
}

/* A film of which no picture differs from the one before is no animation. */
static int check(const struct mt_webp *webp, const uint8_t *data, size_t n, int64_t length_us,
                 struct mt_err *err)
{
    const AVCodec *codec = mt_in_codec(AV_CODEC_ID_WEBP);
    struct found f = {.frame = av_frame_alloc()};
    int ret = AVERROR(ENOMEM);

    f.decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (f.decoder && f.frame) {
        f.decoder->thread_count = 1;
        ret = avcodec_open2(f.decoder, codec, NULL);
    }
    if (ret >= 0)
        ret = check_chunks(&f, webp, data, n);
    av_frame_free(&f.frame);
    avcodec_free_context(&f.decoder);
    if (ret < 0) {
        mt_av_fail(err, ret, "what was written does not decode");
        err->code = MT_ERR_VERIFY;
        return -1;
    }
    if (f.frames > webp->frames || (f.frames > 1 && !f.loops) ||
        (f.frames > 1 && llabs(f.length_ms * 1000 - length_us) > 10 * TICK))
        return mt_fail(err, MT_ERR_VERIFY, "%lld pictures of %lld ms were found, not %lld of %lld",
                       (long long)f.frames, (long long)f.length_ms, (long long)webp->frames,
                       (long long)(length_us / 1000));
    return 0;
}

int mt_webp_finish(struct mt_webp *webp, int fd, int64_t length_us, struct mt_err *err)
{
    AVPacket *packet = webp->packet;
    uint8_t *back;
    int ret = avcodec_send_frame(webp->codec, NULL);

    if (ret >= 0)
        ret = avcodec_receive_packet(webp->codec, packet);
    if (ret < 0)
        return mt_av_fail(err, ret, "libwebp");
    if (mt_write_all(fd, packet->data, (size_t)packet->size) < 0)
        return mt_fail_errno(err, "cannot write the animation");
    back = mt_alloc((size_t)packet->size);
    if (pread(fd, back, (size_t)packet->size, 0) != packet->size)
        ret = mt_fail_errno(err, "cannot read the animation back");
    else
        ret = check(webp, back, (size_t)packet->size, length_us, err);
    free(back);
    return ret;
}

void mt_webp_close(struct mt_webp *webp)
{
    avcodec_free_context(&webp->codec);
    sws_freeContext(webp->sws);
    av_packet_free(&webp->packet);
    *webp = (struct mt_webp){.codec = NULL};
}
