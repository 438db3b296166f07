/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_score.c - how alike what was encoded is to what it was encoded from. */
#include "av/segment_parts.h"

#include "base/mem.h"
#include "json/json.h"

#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More pictures than any encoder here holds back. */
enum { KEPT_MAX = 2048 };

static int add_input(struct mt_score *score, int i, const AVCodecContext *encoder)
{
    char args[160];

    snprintf(args, sizeof args, "video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=1/1",
             encoder->width, encoder->height, (int)encoder->pix_fmt, score->base.num,
             score->base.den);
    return avfilter_graph_create_filter(&score->in[i], avfilter_get_by_name("buffer"),
                                        i == 0 ? "made" : "meant", args, NULL, score->graph);
}

static int make_graph(struct mt_score *score, const AVCodecContext *encoder)
{
    AVFilterContext *ssim = NULL;
    int ret;

    score->graph = avfilter_graph_alloc();
    if (!score->graph)
        return AVERROR(ENOMEM);
    score->graph->nb_threads = 1;
    ret = add_input(score, 0, encoder);
    if (ret >= 0)
        ret = add_input(score, 1, encoder);
    if (ret >= 0)
        ret = avfilter_graph_create_filter(&ssim, avfilter_get_by_name("ssim"), "ssim", NULL, NULL,
                                           score->graph);
    if (ret >= 0)
        ret = avfilter_graph_create_filter(&score->sink, avfilter_get_by_name("buffersink"), "out",
                                           NULL, NULL, score->graph);
    for (unsigned i = 0; ret >= 0 && i < 2; i++)
        ret = avfilter_link(score->in[i], 0, ssim, i);
    if (ret >= 0)
        ret = avfilter_link(ssim, 0, score->sink, 0);
    return ret < 0 ? ret : avfilter_graph_config(score->graph, NULL);
}

static int open_decoder(struct mt_score *score, const AVCodecContext *encoder)
{
    AVCodecParameters *par = avcodec_parameters_alloc();
    const AVCodec *codec = mt_in_codec(encoder->codec_id);
    int ret;

    score->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    ret = !codec ? AVERROR_DECODER_NOT_FOUND : !par || !score->decoder ? AVERROR(ENOMEM) : 0;
    if (ret >= 0)
        ret = avcodec_parameters_from_context(par, encoder);
    if (ret >= 0)
        ret = avcodec_parameters_to_context(score->decoder, par);
    avcodec_parameters_free(&par);
    if (ret < 0)
        return ret;
    score->decoder->thread_count = 1;
    score->decoder->pkt_timebase = encoder->time_base;
    return avcodec_open2(score->decoder, codec, NULL);
}

int mt_score_open(struct mt_score *score, const AVCodecContext *encoder, struct mt_err *err)
{
    int ret;

    *score = (struct mt_score){.base = encoder->time_base};
    score->frame = av_frame_alloc();
    ret = score->frame ? open_decoder(score, encoder) : AVERROR(ENOMEM);
    if (ret >= 0)
        ret = make_graph(score, encoder);
    return ret < 0 ? mt_refused(err, ret, "measuring the quality") : 0;
}

int mt_score_keep(struct mt_score *score, const AVFrame *frame, struct mt_err *err)
{
    if (score->n_kept >= KEPT_MAX)
        return mt_fail(err, MT_ERR_VERIFY, "the encoder keeps more than %d pictures back",
                       (int)KEPT_MAX);
    if (score->n_kept == score->room) {
        score->room += score->room / 2 + 64;
        score->kept = mt_realloc(score->kept, (size_t)score->room, sizeof(score->kept[0]));
    }
    score->kept[score->n_kept] = av_frame_clone(frame);
    if (!score->kept[score->n_kept])
        return mt_av_fail(err, AVERROR(ENOMEM), "measuring the quality");
    score->n_kept++;
    return 0;
}

static void note(struct mt_score *score, int64_t pts, double value)
{
    int at = score->n_worst;

    score->frames++;
    score->sum += value;
    while (at > 0 && value < score->worst[at - 1].value)
        at--;
    if (at == MT_WORST)
        return;
    if (score->n_worst < MT_WORST)
        score->n_worst++;
    memmove(&score->worst[at + 1], &score->worst[at],
            (size_t)(score->n_worst - 1 - at) * sizeof score->worst[0]);
    score->worst[at] = (struct mt_worst){pts, value};
}

static int measured(struct mt_score *score, struct mt_err *err)
{
    const AVDictionaryEntry *all;
    int ret;

    while ((ret = av_buffersink_get_frame(score->sink, score->frame)) >= 0) {
        all = av_dict_get(score->frame->metadata, "lavfi.ssim.All", NULL, 0);
        if (all)
            note(score, score->frame->pts, strtod(all->value, NULL));
        av_frame_unref(score->frame);
    }
    return ret == AVERROR(EAGAIN) || ret == AVERROR_EOF
               ? 0
               : mt_refused(err, ret, "measuring the quality");
}

/* The decoded picture against the oldest one kept: both come in order of time. */
static int compare(struct mt_score *score, struct mt_err *err)
{
    AVFrame *meant = score->n_kept > 0 ? score->kept[0] : NULL;
    int ret;

    if (!meant || score->frame->pts != meant->pts || score->frame->width != meant->width ||
        score->frame->height != meant->height || mt_frame_damaged(score->frame))
        return mt_fail(err, MT_ERR_VERIFY, "what was encoded decodes to other pictures at %.3f s",
                       (double)score->frame->pts * av_q2d(score->base));
    memmove(score->kept, score->kept + 1, (size_t)--score->n_kept * sizeof(score->kept[0]));
    /* What only describes a picture must not make the two inputs differ. */
    meant->pict_type = score->frame->pict_type;
    meant->sample_aspect_ratio = score->frame->sample_aspect_ratio = (AVRational){1, 1};
    ret = av_buffersrc_add_frame_flags(score->in[0], score->frame, 0);
    if (ret >= 0)
        ret = av_buffersrc_add_frame_flags(score->in[1], meant, 0);
    av_frame_free(&meant);
    return ret < 0 ? mt_refused(err, ret, "measuring the quality") : measured(score, err);
}

/* The filter keeps the last picture back until it knows that no other follows. */
static int finish(struct mt_score *score, struct mt_err *err)
{
    int64_t taken;

    for (int i = 0; i < 2; i++)
        if (av_buffersrc_add_frame_flags(score->in[i], NULL, 0) < 0)
            return mt_fail(err, MT_ERR_BUG, "the quality was measured twice");
    if (measured(score, err) < 0)
        return -1;
    taken = score->frames;
    if (score->n_kept > 0)
        return mt_fail(err, MT_ERR_VERIFY, "%d pictures of %lld are missing in what was encoded",
                       score->n_kept, (long long)(taken + score->n_kept));
    return 0;
}

int mt_score_take(struct mt_score *score, const AVPacket *packet, struct mt_err *err)
{
    int ret = avcodec_send_packet(score->decoder, packet);

    if (ret < 0 && ret != AVERROR_EOF) {
        mt_av_fail(err, ret, "what was encoded does not decode");
        err->code = MT_ERR_VERIFY;
        return -1;
    }
    while ((ret = avcodec_receive_frame(score->decoder, score->frame)) >= 0)
        if (compare(score, err) < 0)
            return -1;
    if (ret != AVERROR(EAGAIN) && ret != AVERROR_EOF) {
        mt_av_fail(err, ret, "what was encoded does not decode");
        err->code = MT_ERR_VERIFY;
        return -1;
    }
    return packet ? 0 : finish(score, err);
}

json_t *mt_score_report(const struct mt_score *score)
{
    json_t *worst = json_array();

    for (int i = 0; i < score->n_worst; i++)
        json_array_append_new(
            worst, json_pack("{s:o, s:o}", "time_s",
                             mt_json_real((double)score->worst[i].pts * av_q2d(score->base), 3),
                             "value", mt_json_real(score->worst[i].value, 6)));
    return json_pack("{s:f, s:o}", "sum", score->sum, "worst", worst);
}

void mt_score_close(struct mt_score *score)
{
    avcodec_free_context(&score->decoder);
    avfilter_graph_free(&score->graph);
    av_frame_free(&score->frame);
    for (int i = 0; i < score->n_kept; i++)
        av_frame_free(&score->kept[i]);
    free(score->kept);
    *score = (struct mt_score){.frames = 0};
}
