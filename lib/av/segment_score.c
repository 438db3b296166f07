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

static int add_input(struct mt_likeness *l, int i, struct mt_size size, enum AVPixelFormat format,
                     AVRational base)
{
    char args[160];

    snprintf(args, sizeof args, "video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=1/1",
             size.w, size.h, (int)format, base.num, base.den);
    return avfilter_graph_create_filter(&l->in[i], avfilter_get_by_name("buffer"),
                                        i == 0 ? "made" : "meant", args, NULL, l->graph);
}

/* What was made is brought to the other's size. */
static int link_made(struct mt_likeness *l, AVFilterContext *ssim, struct mt_size from,
                     struct mt_size to)
{
    AVFilterContext *scale = NULL;
    char args[80];
    int ret;

    if (from.w == to.w && from.h == to.h)
        return avfilter_link(l->in[0], 0, ssim, 0);
    snprintf(args, sizeof args, "w=%d:h=%d:flags=bicubic", to.w, to.h);
    ret = avfilter_graph_create_filter(&scale, avfilter_get_by_name("scale"), "scale", args, NULL,
                                       l->graph);
    if (ret >= 0)
        ret = avfilter_link(l->in[0], 0, scale, 0);
    return ret >= 0 ? avfilter_link(scale, 0, ssim, 0) : ret;
}

static int open_likeness(struct mt_likeness *l, const AVCodecContext *encoder, struct mt_size to)
{
    struct mt_size from = {encoder->width, encoder->height};
    AVFilterContext *ssim = NULL;
    int ret;

    l->graph = avfilter_graph_alloc();
    if (!l->graph)
        return AVERROR(ENOMEM);
    l->graph->nb_threads = 1;
    ret = add_input(l, 0, from, encoder->pix_fmt, encoder->time_base);
    if (ret >= 0)
        ret = add_input(l, 1, to, encoder->pix_fmt, encoder->time_base);
    if (ret >= 0)
        ret = avfilter_graph_create_filter(&ssim, avfilter_get_by_name("ssim"), "ssim", NULL, NULL,
                                           l->graph);
    if (ret >= 0)
        ret = avfilter_graph_create_filter(&l->sink, avfilter_get_by_name("buffersink"), "out",
                                           NULL, NULL, l->graph);
    if (ret >= 0)
        ret = link_made(l, ssim, from, to);
    if (ret >= 0)
        ret = avfilter_link(l->in[1], 0, ssim, 1);
    if (ret >= 0)
        ret = avfilter_link(ssim, 0, l->sink, 0);
    return ret < 0 ? ret : avfilter_graph_config(l->graph, NULL);
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

int mt_score_open(struct mt_score *score, const AVCodecContext *encoder,
                  const struct mt_size *largest, struct mt_err *err)
{
    struct mt_size own = {encoder->width, encoder->height};
    int ret;

    *score = (struct mt_score){.base = encoder->time_base};
    score->frame = av_frame_alloc();
    score->measured = av_frame_alloc();
    ret = score->frame && score->measured ? open_decoder(score, encoder) : AVERROR(ENOMEM);
    if (ret >= 0)
        ret = open_likeness(&score->own, encoder, own);
    if (ret >= 0 && largest)
        ret = open_likeness(&score->common, encoder, *largest);
    return ret < 0 ? mt_refused(err, ret, "measuring the quality") : 0;
}

int mt_score_keep(struct mt_score *score, const AVFrame *frame, const AVFrame *largest,
                  struct mt_err *err)
{
    struct mt_kept *kept;

    if (score->n_kept >= KEPT_MAX)
        return mt_fail(err, MT_ERR_VERIFY, "the encoder keeps more than %d pictures back",
                       (int)KEPT_MAX);
    if (score->n_kept == score->room) {
        score->room += score->room / 2 + 64;
        score->kept = mt_realloc(score->kept, (size_t)score->room, sizeof(score->kept[0]));
    }
    kept = &score->kept[score->n_kept++];
    *kept = (struct mt_kept){.frame = av_frame_clone(frame)};
    if (largest && score->common.graph)
        kept->largest = av_frame_clone(largest);
    if (!kept->frame || (largest && score->common.graph && !kept->largest))
        return mt_av_fail(err, AVERROR(ENOMEM), "measuring the quality");
    return 0;
}

static void note(struct mt_score *score, int64_t pts, double value)
{
    int at = score->n_worst;

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

static int measured(struct mt_score *score, struct mt_likeness *l, struct mt_err *err)
{
    const AVDictionaryEntry *all;
    int ret;

    while ((ret = av_buffersink_get_frame(l->sink, score->measured)) >= 0) {
        all = av_dict_get(score->measured->metadata, "lavfi.ssim.All", NULL, 0);
        if (all) {
            double value = strtod(all->value, NULL);

            l->frames++;
            l->sum += value;
            if (l == &score->own)
                note(score, score->measured->pts, value);
        }
        av_frame_unref(score->measured);
    }
    return ret == AVERROR(EAGAIN) || ret == AVERROR_EOF
               ? 0
               : mt_refused(err, ret, "measuring the quality");
}

/* Takes both pictures; what only describes them must not make the two inputs differ. */
static int feed(struct mt_score *score, struct mt_likeness *l, AVFrame *made, AVFrame *meant,
                struct mt_err *err)
{
    int ret;

    meant->pts = made->pts;
    meant->pict_type = made->pict_type;
    meant->sample_aspect_ratio = made->sample_aspect_ratio = (AVRational){1, 1};
    ret = av_buffersrc_add_frame_flags(l->in[0], made, 0);
    if (ret >= 0)
        ret = av_buffersrc_add_frame_flags(l->in[1], meant, 0);
    return ret < 0 ? mt_refused(err, ret, "measuring the quality") : measured(score, l, err);
}

static int compare_largest(struct mt_score *score, AVFrame *largest, struct mt_err *err)
{
    AVFrame *made = av_frame_clone(score->frame);
    int ret = made ? feed(score, &score->common, made, largest, err)
                   : mt_av_fail(err, AVERROR(ENOMEM), "measuring the quality");

    av_frame_free(&made);
    return ret;
}

/* The decoded picture against the oldest one kept: both come in order of time. */
static int compare(struct mt_score *score, struct mt_err *err)
{
    struct mt_kept kept = score->n_kept > 0 ? score->kept[0] : (struct mt_kept){.frame = NULL};
    AVFrame *meant = kept.frame;
    int ret;

    if (!meant || score->frame->pts != meant->pts || score->frame->width != meant->width ||
        score->frame->height != meant->height || mt_frame_damaged(score->frame))
        return mt_fail(err, MT_ERR_VERIFY, "what was encoded decodes to other pictures at %.3f s",
                       (double)score->frame->pts * av_q2d(score->base));
    memmove(score->kept, score->kept + 1, (size_t)--score->n_kept * sizeof(score->kept[0]));
    ret = kept.largest ? compare_largest(score, kept.largest, err) : 0;
    if (ret == 0)
        ret = feed(score, &score->own, score->frame, meant, err);
    av_frame_free(&kept.frame);
    av_frame_free(&kept.largest);
    return ret;
}

/* The filter keeps the last picture back until it knows that no other follows. */
static int end_likeness(struct mt_score *score, struct mt_likeness *l, struct mt_err *err)
{
    if (!l->graph)
        return 0;
    for (int i = 0; i < 2; i++)
        if (av_buffersrc_add_frame_flags(l->in[i], NULL, 0) < 0)
            return mt_fail(err, MT_ERR_BUG, "the quality was measured twice");
    return measured(score, l, err);
}

static int finish(struct mt_score *score, struct mt_err *err)
{
    int64_t taken;

    if (end_likeness(score, &score->own, err) < 0 || end_likeness(score, &score->common, err) < 0)
        return -1;
    taken = score->own.frames;
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
    json_t *report = json_pack("{s:f, s:o}", "sum", score->own.sum, "worst", worst);

    if (score->common.frames > 0)
        json_object_set_new(report, "common", json_real(score->common.sum));
    return report;
}

void mt_score_close(struct mt_score *score)
{
    avcodec_free_context(&score->decoder);
    avfilter_graph_free(&score->own.graph);
    avfilter_graph_free(&score->common.graph);
    av_frame_free(&score->frame);
    av_frame_free(&score->measured);
    for (int i = 0; i < score->n_kept; i++) {
        av_frame_free(&score->kept[i].frame);
        av_frame_free(&score->kept[i].largest);
    }
    free(score->kept);
    *score = (struct mt_score){.n_kept = 0};
}
