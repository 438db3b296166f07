/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_pictures.c - the filter graph from decoded frames to those of every rendition. */
#include "av/transcode_parts.h"

#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/mem.h>
#include <stdio.h>

static int make_source(struct mt_pictures *pictures, const AVFrame *frame, AVRational base)
{
    AVBufferSrcParameters *par = av_buffersrc_parameters_alloc();
    int ret;

    pictures->source =
        avfilter_graph_alloc_filter(pictures->graph, avfilter_get_by_name("buffer"), "in");
    if (!par || !pictures->source) {
        av_free(par);
        return AVERROR(ENOMEM);
    }
    par->format = frame->format;
    par->width = frame->width;
    par->height = frame->height;
    par->time_base = base;
    mt_frame_expect_color(par, frame->colorspace, frame->color_range);
    ret = av_buffersrc_parameters_set(pictures->source, par);
    av_free(par);
    if (ret < 0)
        return ret;
    return avfilter_init_dict(pictures->source, NULL);
}

/* A link of the description's loose ends to a filter of ours. */
static AVFilterInOut *loose_end(const char *name, AVFilterContext *filter, AVFilterInOut *next)
{
    AVFilterInOut *end = avfilter_inout_alloc();

    if (!end)
        return NULL;
    end->name = av_strdup(name);
    end->filter_ctx = filter;
    end->pad_idx = 0;
    end->next = next;
    return end;
}

static int make_sinks(struct mt_pictures *pictures, AVFilterInOut **ends)
{
    for (int i = pictures->n - 1; i >= 0; i--) {
        char name[16];
        AVFilterInOut *end;
        int ret;

        snprintf(name, sizeof name, "o%d", i);
        ret = avfilter_graph_create_filter(&pictures->sinks[i], avfilter_get_by_name("buffersink"),
                                           name, NULL, NULL, pictures->graph);
        if (ret < 0)
            return ret;
        end = loose_end(name, pictures->sinks[i], *ends);
        if (!end)
            return AVERROR(ENOMEM);
        *ends = end;
    }
    return 0;
}

static int wire(struct mt_pictures *pictures, const char *text)
{
    AVFilterInOut *inputs = NULL, *outputs = NULL;
    int ret = make_sinks(pictures, &inputs);

    if (ret >= 0) {
        outputs = loose_end("in", pictures->source, NULL);
        ret = outputs ? avfilter_graph_parse_ptr(pictures->graph, text, &inputs, &outputs, NULL)
                      : AVERROR(ENOMEM);
    }
    if (ret >= 0)
        ret = avfilter_graph_config(pictures->graph, NULL);
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
    return ret;
}

int mt_pictures_open(struct mt_pictures *pictures, const struct mt_look *look, const AVFrame *frame,
                     AVRational base, struct mt_err *err)
{
    struct mt_kind kind = mt_frame_kind(frame);
    char *text = NULL;
    int ret;

    kind.interlaced = kind.interlaced || (pictures->graph && pictures->kind.interlaced);
    mt_pictures_close(pictures);
    if (mt_pictures_describe(&text, look, &kind, err) < 0)
        return -1;
    pictures->kind = kind;
    pictures->n = look->n;
    pictures->graph = avfilter_graph_alloc();
    if (pictures->graph) {
        pictures->graph->scale_sws_opts = av_strdup("flags=bicubic+accurate_rnd+full_chroma_int");
        ret = make_source(pictures, frame, base);
        if (ret >= 0)
            ret = wire(pictures, text);
    } else {
        ret = AVERROR(ENOMEM);
    }
    if (ret < 0) {
        mt_pictures_close(pictures);
        mt_refused(err, ret, text);
    }
    av_freep(&text);
    return ret < 0 ? -1 : 0;
}

int mt_pictures_send(struct mt_pictures *pictures, AVFrame *frame, struct mt_err *err)
{
    int ret = av_buffersrc_add_frame_flags(pictures->source, frame, 0);

    if (ret < 0)
        return mt_refused(err, ret, "picture filters");
    return 0;
}

/* What the film's mastering said of its light is untrue of what comes out. */
static void forget(AVFrame *frame)
{
    static const enum AVFrameSideDataType kinds[] = {
        AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
        AV_FRAME_DATA_CONTENT_LIGHT_LEVEL,
        AV_FRAME_DATA_DYNAMIC_HDR_PLUS,
        AV_FRAME_DATA_DOVI_METADATA,
        AV_FRAME_DATA_DOVI_RPU_BUFFER,
        AV_FRAME_DATA_DISPLAYMATRIX,
        AV_FRAME_DATA_ICC_PROFILE,
        AV_FRAME_DATA_SEI_UNREGISTERED,
        AV_FRAME_DATA_REGIONS_OF_INTEREST,
        AV_FRAME_DATA_S12M_TIMECODE,
        AV_FRAME_DATA_GOP_TIMECODE,
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        av_frame_remove_side_data(frame, kinds[i]);
    av_dict_free(&frame->metadata);
}

int mt_pictures_receive(struct mt_pictures *pictures, int rendition, AVFrame *frame,
                        AVRational base, struct mt_err *err)
{
    AVFilterContext *sink = pictures->sinks[rendition];
    int ret = av_buffersink_get_frame(sink, frame);

    if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
        return 0;
    if (ret < 0)
        return mt_refused(err, ret, "picture filters");
    if (frame->pts != AV_NOPTS_VALUE)
        frame->pts = av_rescale_q(frame->pts, av_buffersink_get_time_base(sink), base);
    forget(frame);
    return 1;
}

void mt_pictures_close(struct mt_pictures *pictures)
{
    avfilter_graph_free(&pictures->graph);
    *pictures = (struct mt_pictures){.graph = NULL};
}
