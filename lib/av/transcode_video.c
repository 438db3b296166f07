/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_video.c - encoding the pictures of one rendition. */
#include "av/transcode_parts.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* x264 holds at most 250 frames of look-ahead, 16 B-frames and one per thread (128). */
enum { SHOWN = 512 };

int mt_refused(struct mt_err *err, int av, const char *what)
{
    mt_av_fail(err, av, "%s", what);
    if (err->code == MT_ERR_DAMAGED || err->code == MT_ERR_TRUNCATED)
        err->code = MT_ERR_FAILED;
    return -1;
}

/* With an average the ceiling is half as much again unless the caller says otherwise. */
static int64_t ceiling_of_average(const struct mt_av_rendition *rendition)
{
    int64_t max = rendition->max_bps;

    if (max <= 0)
        max = rendition->video_bps + rendition->video_bps / 2;
    return FFMAX(max, rendition->video_bps);
}

int64_t mt_video_ceiling(const struct mt_av_rendition *rendition, struct mt_size size)
{
    int side = FFMIN(size.w, size.h);
    double part = 1;

    if (rendition->video_bps > 0)
        return ceiling_of_average(rendition);
    /* What a picture needs grows with about the 0.75th power of its area. */
    if (rendition->height_px > side)
        part = pow((double)side / rendition->height_px, 1.5);
    return (int64_t)((double)rendition->max_bps * part);
}

static void set_rates(AVCodecContext *codec, AVDictionary **options,
                      const struct mt_encoder *encoder, const struct mt_video_setup *setup)
{
    const struct mt_av_rendition *rendition = setup->rendition;
    int64_t max = mt_video_ceiling(rendition, setup->size);

    if (rendition->video_bps > 0)
        codec->bit_rate =
            (int64_t)((double)rendition->video_bps * (setup->share > 0 ? setup->share : 1));
    else
        av_dict_set_int(options, "crf", FFMIN(rendition->crf, encoder->crf_max), 0);
    if (max > 0 && encoder->cap == MT_CAP_RATE && codec->bit_rate == 0)
        codec->bit_rate = max;
    if (max > 0 &&
        (encoder->cap == MT_CAP_VBV || (encoder->cap == MT_CAP_CRF && rendition->video_bps == 0))) {
        codec->rc_max_rate = max;
        codec->rc_buffer_size = (int)FFMIN(MT_AV_BUFFER_S * max, INT_MAX);
        codec->rc_initial_buffer_occupancy = (int)lrint(codec->rc_buffer_size * MT_BUFFER_AT_FIRST);
    }
}

static void set_picture(AVCodecContext *codec, const struct mt_video_setup *setup)
{
    codec->width = setup->size.w;
    codec->height = setup->size.h;
    codec->pix_fmt = setup->look->ten_bit ? AV_PIX_FMT_YUV420P10 : AV_PIX_FMT_YUV420P;
    /* For those that count: two seconds of pictures, as near as that can be said in pictures. */
    codec->gop_size = (int)lrint(MT_GOP_S * av_q2d(setup->rate));
    codec->sample_aspect_ratio = (AVRational){1, 1};
    codec->time_base = setup->base;
    codec->framerate = setup->rate;
    codec->color_range = AVCOL_RANGE_MPEG;
    codec->color_primaries = setup->look->primaries;
    codec->color_trc = setup->look->transfer;
    codec->colorspace = setup->look->matrix;
    codec->chroma_sample_location = AVCHROMA_LOC_LEFT;
    codec->thread_count = setup->threads;
    codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
}

int mt_video_open(struct mt_video *video, const struct mt_video_setup *setup, struct mt_err *err)
{
    const struct mt_encoder *encoder = mt_encoder_of(setup->rendition->codec);
    const AVCodec *library;
    AVDictionary *options = NULL;
    int ret;

    *video = (struct mt_video){.next_key = INT64_MIN};
    if (mt_encoder_check(encoder, setup->preset, err) < 0)
        return -1;
    library = avcodec_find_encoder_by_name(encoder->library);
    video->name = encoder->name;
    video->shown = mt_alloc(SHOWN * sizeof *video->shown);
    video->codec = avcodec_alloc_context3(library);
    if (!video->codec)
        return mt_av_fail(err, AVERROR(ENOMEM), "%s encoder", encoder->name);
    set_picture(video->codec, setup);
    set_rates(video->codec, &options, encoder, setup);
    encoder->tell(&options, setup);
    ret = avcodec_open2(video->codec, library, &options);
    av_dict_free(&options);
    if (ret < 0) {
        mt_video_close(video);
        return mt_refused(err, ret, encoder->name);
    }
    return 0;
}

static void mark_key(struct mt_video *video, AVFrame *frame)
{
    AVRational base = video->codec->time_base;
    AVRational gop = {MT_GOP_S, 1};

    frame->pict_type = AV_PICTURE_TYPE_NONE;
    mt_frame_clear_key(frame);
    if (frame->pts < video->next_key)
        return;
    frame->pict_type = AV_PICTURE_TYPE_I;
    video->next_key = av_rescale_q_rnd(av_rescale_q_rnd(frame->pts, base, gop, AV_ROUND_DOWN) + 1,
                                       gop, base, AV_ROUND_UP);
}

static int encode_held(struct mt_video *video, int64_t duration, struct mt_err *err)
{
    struct mt_shown *shown = &video->shown[video->shown_at];
    AVFrame *frame = video->held;
    int ret;

    if (duration <= 0)
        duration = 1;
    *shown = (struct mt_shown){.pts = frame->pts, .duration = duration};
    video->shown_at = (video->shown_at + 1) % SHOWN;
    video->last_duration = duration;
    video->frames++;
    mark_key(video, frame);
    ret = avcodec_send_frame(video->codec, frame);
    av_frame_free(&video->held);
    return ret < 0 ? mt_refused(err, ret, video->name) : 0;
}

int mt_video_send(struct mt_video *video, AVFrame *frame, int64_t last_duration, struct mt_err *err)
{
    /* A coarser time base than the source's may have made two times equal. */
    if (frame && video->held && frame->pts <= video->held->pts)
        frame->pts = video->held->pts + 1;
    if (video->held) {
        int64_t duration = frame ? frame->pts - video->held->pts : last_duration;

        if (encode_held(video, duration, err) < 0)
            return -1;
    }
    if (frame) {
        video->held = av_frame_alloc();
        if (!video->held)
            return mt_av_fail(err, AVERROR(ENOMEM), "%s", video->name);
        av_frame_move_ref(video->held, frame);
        return 0;
    }
    if (avcodec_send_frame(video->codec, NULL) < 0)
        return mt_fail(err, MT_ERR_BUG, "the encoder was ended twice");
    return 0;
}

static int64_t duration_of(const struct mt_video *video, int64_t pts)
{
    for (int i = 0; i < SHOWN; i++)
        if (video->shown[i].pts == pts && video->shown[i].duration > 0)
            return video->shown[i].duration;
    return 0;
}

int mt_video_receive(struct mt_video *video, AVPacket *packet, struct mt_err *err)
{
    int ret = avcodec_receive_packet(video->codec, packet);

    if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
        return 0;
    if (ret < 0)
        return mt_refused(err, ret, video->name);
    packet->duration = duration_of(video, packet->pts);
    return 1;
}

void mt_video_close(struct mt_video *video)
{
    avcodec_free_context(&video->codec);
    av_frame_free(&video->held);
    free(video->shown);
    *video = (struct mt_video){.codec = NULL};
}
