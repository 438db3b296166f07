/* SPDX-License-Identifier: GPL-2.0-or-later */
/* measure_picture.c - black, frozen, and where scenes change. */
#include "av/measure_parts.h"

#include <libavfilter/buffersink.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdio.h>

#define SECOND 1000000 /* us */

enum {
    WIDTH = 320,
    SIDE_LEAST = 16,
    SCENES_MAX = 100000,
    SCENE_LEAST = SECOND / 2, /* what is shorter is a flash */
};

void mt_watcher_init(struct mt_watcher *w, const struct mt_av_measure *spec)
{
    *w = (struct mt_watcher){
        .black = spec->what & MT_AV_BLACK,
        .freeze = spec->what & MT_AV_FREEZE,
        .scenes = (spec->what & MT_AV_SCENES) || spec->n_eyes > 0,
        .scene_threshold = spec->scene_threshold,
        .freeze_us = spec->freeze_us,
        .begin_us = INT64_MIN,
        .last_us = INT64_MIN,
        .end_us = INT64_MIN,
        .cut_us = 0,
        .scene_list = json_array(),
    };
    mt_spans_init(&w->blacks, spec->black_us);
    mt_spans_init(&w->freezes, spec->freeze_us);
}

void mt_watcher_free(struct mt_watcher *w)
{
    mt_chain_close(&w->chain);
    sws_freeContext(w->sws);
    w->sws = NULL;
    av_frame_free(&w->small);
    mt_spans_free(&w->blacks);
    mt_spans_free(&w->freezes);
    json_decref(w->scene_list);
    w->scene_list = NULL;
}

static int open_chain(struct mt_watcher *w, struct mt_err *err)
{
    AVBufferSrcParameters *par = av_buffersrc_parameters_alloc();
    char text[200] = "null";
    int ret;

    if (!par)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot set up the measurement");
    par->format = AV_PIX_FMT_YUV420P;
    par->width = w->w;
    par->height = w->h;
    par->time_base = AV_TIME_BASE_Q;
    mt_frame_expect_color(par, AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_MPEG);
    if (w->black)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 ",blackdetect=d=0:pix_th=0.10:pic_th=0.98");
    if (w->freeze)
        snprintf(text + strlen(text), sizeof text - strlen(text), ",freezedetect=n=-60dB:d=%.6f",
                 (double)w->freeze_us / SECOND);
    if (w->scenes)
        snprintf(text + strlen(text), sizeof text - strlen(text), ",scdet=t=%.3f",
                 w->scene_threshold);
    ret = mt_chain_open(&w->chain, false, par, text, err);
    av_free(par);
    return ret;
}

static int even(double side)
{
    int n = (int)(side / 2 + 0.5) * 2;

    return n < SIDE_LEAST ? SIDE_LEAST : n;
}

/* Size and filters follow from the first frame; later ones are scaled to it. */
static int begin(struct mt_watcher *w, const AVFrame *frame, struct mt_err *err)
{
    double k = frame->width > WIDTH ? (double)WIDTH / frame->width : 1;

    w->w = even(frame->width * k);
    w->h = even(frame->height * k > 4 * WIDTH ? 4 * WIDTH : frame->height * k);
    w->small = av_frame_alloc();
    if (!w->small)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot set up the measurement");
    return open_chain(w, err);
}

static bool is_full(const AVFrame *frame)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);

    return frame->color_range == AVCOL_RANGE_JPEG || (desc && strncmp(desc->name, "yuvj", 4) == 0);
}

static int tune(struct mt_watcher *w, const AVFrame *frame)
{
    const int *bt709 = sws_getCoefficients(SWS_CS_ITU709);

    if (w->sws && w->from_w == frame->width && w->from_h == frame->height &&
        w->from_format == frame->format && w->from_range == is_full(frame))
        return 0;
    sws_freeContext(w->sws);
    w->sws = sws_getContext(frame->width, frame->height, (enum AVPixelFormat)frame->format, w->w,
                            w->h, AV_PIX_FMT_YUV420P, SWS_POINT, NULL, NULL, NULL);
    if (!w->sws)
        return AVERROR(EINVAL);
    w->from_w = frame->width;
    w->from_h = frame->height;
    w->from_format = frame->format;
    w->from_range = is_full(frame);
    sws_setColorspaceDetails(w->sws, bt709, w->from_range, bt709, 0, 0, 1 << 16, 1 << 16);
    return 0;
}

static int shrink(struct mt_watcher *w, const AVFrame *frame)
{
    AVFrame *to = w->small;
    int av = tune(w, frame);

    if (av < 0)
        return av;
    av_frame_unref(to);
    to->format = AV_PIX_FMT_YUV420P;
    to->width = w->w;
    to->height = w->h;
    to->color_range = AVCOL_RANGE_MPEG;
    av = av_frame_get_buffer(to, 0);
    if (av < 0)
        return av;
    return sws_scale(w->sws, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height,
                     to->data, to->linesize);
}

static void note_scene(struct mt_watcher *w, int64_t us, double score)
{
    json_t *scene;

    if (score < w->scene_threshold || us - w->cut_us < SCENE_LEAST ||
        json_array_size(w->scene_list) >= SCENES_MAX)
        return;
    scene = json_object();
    json_object_set_new(scene, "start", mt_seconds(us));
    json_object_set_new(scene, "score", json_real(round(score * 100) / 100));
    json_array_append_new(w->scene_list, scene);
    w->cut_us = us;
}

static int drain(struct mt_watcher *w, struct mt_err *err)
{
    AVFrame *out = w->chain.out;
    int av;

    while ((av = av_buffersink_get_frame(w->chain.sink, out)) >= 0) {
        double v;

        mt_chain_span(out, "lavfi.black_start", "lavfi.black_end", &w->blacks);
        mt_chain_span(out, "lavfi.freezedetect.freeze_start", "lavfi.freezedetect.freeze_end",
                      &w->freezes);
        if (w->scenes && mt_chain_number(out, "lavfi.scd.score", &v))
            note_scene(w, out->pts, v);
        av_frame_unref(out);
    }
    if (av != AVERROR(EAGAIN) && av != AVERROR_EOF)
        return mt_av_fail(err, av, "cannot measure the pictures");
    return 0;
}

int mt_watcher_see(struct mt_watcher *w, const AVFrame *frame, int64_t us, int64_t frame_us,
                   struct mt_err *err)
{
    int av;

    if (!w->chain.graph && begin(w, frame, err) != 0)
        return -1;
    if (us == AV_NOPTS_VALUE)
        us = w->end_us == INT64_MIN ? 0 : w->end_us;
    if (w->last_us != INT64_MIN && us <= w->last_us)
        us = w->last_us + 1;
    if ((av = shrink(w, frame)) < 0)
        return mt_av_fail(err, av, "cannot scale the pictures");
    if (w->begin_us == INT64_MIN)
        w->begin_us = us;
    w->last_us = us;
    w->end_us = us + frame_us;
    w->frames++;
    w->small->pts = us;
    if ((av = av_buffersrc_add_frame(w->chain.source, w->small)) < 0)
        return mt_av_fail(err, av, "cannot measure the pictures");
    return drain(w, err);
}

int mt_watcher_end(struct mt_watcher *w, struct mt_err *err)
{
    int av;

    if (!w->chain.graph)
        return 0;
    av = av_buffersrc_add_frame(w->chain.source, NULL);
    if (av < 0)
        return mt_av_fail(err, av, "cannot measure the pictures");
    if (drain(w, err) != 0)
        return -1;
    mt_spans_close(&w->blacks, w->end_us);
    mt_spans_close(&w->freezes, w->end_us);
    return 0;
}

json_t *mt_watcher_scenes(const struct mt_watcher *w, int64_t end_us)
{
    size_t n = json_array_size(w->scene_list);
    json_t *all = json_array(), *start = mt_seconds(0), *score = json_real(0);

    for (size_t i = 0; i <= n; i++) {
        const json_t *next = i < n ? json_array_get(w->scene_list, i) : NULL;
        json_t *end = next ? json_incref(json_object_get(next, "start")) : mt_seconds(end_us);
        json_t *scene = json_object();

        json_object_set(scene, "start", start);
        json_object_set(scene, "end", end);
        json_object_set(scene, "score", score);
        json_array_append_new(all, scene);
        json_decref(start);
        json_decref(score);
        start = end;
        score = next ? json_incref(json_object_get(next, "score")) : NULL;
    }
    json_decref(start);
    return all;
}
