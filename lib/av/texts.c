/* SPDX-License-Identifier: GPL-2.0-or-later */
/* texts.c - words in pictures. */
#include "av/texts.h"

#include "av/input.h"
#include "av/storyboard_tiles.h"
#include "av/texts_draw.h"
#include "base/mem.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <stdlib.h>

/* A graph of its own for each text: the filter loads its font and shapes its text at first. */
struct pen {
    AVFilterGraph *graph;
    AVFilterContext *source, *sink;
    int64_t n;
};

enum { STAMP, LINE }; /* the pens: one of the first kind, then a line each */

struct mt_av_texts {
    struct pen pens[LINE + MT_AV_TEXT_LINES];
};

static const struct size {
    int font, width, height;
} stamp_size = {13, 160, 18}, line_size = {18, 4096, 28};

static AVFilterContext *filter(AVFilterGraph *graph, const char *name)
{
    const AVFilter *f = avfilter_get_by_name(name);

    return f ? avfilter_graph_alloc_filter(graph, f, name) : NULL;
}

/* text NULL: that of each frame's metadata. */
static int set_up(struct pen *pen, AVFilterContext *draw, const struct size *size, const char *text)
{
    char args[120];
    int av;

    snprintf(args, sizeof args, "video_size=%dx%d:pix_fmt=rgb24:time_base=1/25", size->width,
             size->height);
    av = avfilter_init_str(pen->source, args);
    if (av >= 0)
        av = avfilter_init_str(pen->sink, NULL);
    av_opt_set(draw, "font", "DejaVu Sans", AV_OPT_SEARCH_CHILDREN);
    av_opt_set(draw, "fontcolor", "white", AV_OPT_SEARCH_CHILDREN);
    av_opt_set(draw, "text", text ? text : "%{metadata:t}", AV_OPT_SEARCH_CHILDREN);
    av_opt_set(draw, "expansion", text ? "none" : "normal", AV_OPT_SEARCH_CHILDREN);
    av_opt_set(draw, "x", "4", AV_OPT_SEARCH_CHILDREN);
    av_opt_set(draw, "y", "(h-ascent+descent)/2", AV_OPT_SEARCH_CHILDREN);
    snprintf(args, sizeof args, "%d", size->font);
    av_opt_set(draw, "fontsize", args, AV_OPT_SEARCH_CHILDREN);
    if (av >= 0)
        av = avfilter_init_str(draw, NULL);
    if (av >= 0)
        av = avfilter_link(pen->source, 0, draw, 0);
    if (av >= 0)
        av = avfilter_link(draw, 0, pen->sink, 0);
    return av < 0 ? av : avfilter_graph_config(pen->graph, NULL);
}

static int open_pen(struct pen *pen, const struct size *size, const char *text, struct mt_err *err)
{
    AVFilterContext *draw = NULL;
    int av = AVERROR_FILTER_NOT_FOUND;

    pen->graph = avfilter_graph_alloc();
    if (pen->graph) {
        pen->graph->nb_threads = 1;
        pen->source = filter(pen->graph, "buffer");
        pen->sink = filter(pen->graph, "buffersink");
        draw = filter(pen->graph, "drawtext");
    }
    if (draw && pen->source && pen->sink)
        av = set_up(pen, draw, size, text);
    if (av >= 0)
        return 0;
    mt_fail(err, MT_ERR_UNAVAILABLE, "no font can be loaded to write with");
    return mt_hint(err, "install fonts: fonts-dejavu-core has Latin, Arabic and more");
}

/* Draws once, for what is loaded late. */
static int warm_up(struct mt_av_texts *texts, struct mt_err *err)
{
    AVFrame *strip = NULL;
    int width;

    if (mt_text_stamp(texts, "0123456789:", &strip, &width, err) < 0)
        return -1;
    av_frame_free(&strip);
    return 0;
}

int mt_av_texts_open(struct mt_av_texts **out, const char *const lines[MT_AV_TEXT_LINES],
                     struct mt_err *err)
{
    struct mt_av_texts *texts = mt_alloc(sizeof *texts);
    int ret = open_pen(&texts->pens[STAMP], &stamp_size, NULL, err);

    *out = texts;
    for (int i = 0; i < MT_AV_TEXT_LINES && ret == 0; i++)
        if (lines[i] && lines[i][0])
            ret = open_pen(&texts->pens[LINE + i], &line_size, lines[i], err);
    if (ret == 0)
        ret = warm_up(texts, err);
    if (ret < 0)
        mt_av_texts_close(out);
    return ret;
}

void mt_av_texts_close(struct mt_av_texts **texts)
{
    if (!*texts)
        return;
    for (int i = 0; i < LINE + MT_AV_TEXT_LINES; i++)
        avfilter_graph_free(&(*texts)->pens[i].graph);
    free(*texts);
    *texts = NULL;
}

static int last_column(const AVFrame *f)
{
    int last = -1;

    for (int y = 0; y < f->height; y++)
        for (int x = f->width - 1; x > last; x--)
            if (f->data[0][(ptrdiff_t)y * f->linesize[0] + 3 * x] > 64)
                last = x;
    return last;
}

static int draw(struct pen *pen, const struct size *size, const char *figures, AVFrame **strip,
                int *width, struct mt_err *err)
{
    AVFrame *in = mt_blank(size->width, size->height), *out = av_frame_alloc();
    int av = in && out ? 0 : AVERROR(ENOMEM);

    if (av >= 0) {
        in->pts = pen->n++;
        av = av_dict_set(&in->metadata, "t", figures, 0);
    }
    if (av >= 0)
        av = av_buffersrc_add_frame(pen->source, in);
    if (av >= 0)
        av = av_buffersink_get_frame(pen->sink, out);
    av_frame_free(&in);
    if (av < 0) {
        av_frame_free(&out);
        return mt_av_fail(err, av, "cannot write into a picture");
    }
    *width = last_column(out) + 5;
    *width = *width > out->width ? out->width : *width;
    *strip = out;
    return 0;
}

int mt_text_stamp(struct mt_av_texts *texts, const char *figures, AVFrame **strip, int *width,
                  struct mt_err *err)
{
    return draw(&texts->pens[STAMP], &stamp_size, figures, strip, width, err);
}

int mt_text_line(struct mt_av_texts *texts, int line, AVFrame **strip, int *width,
                 struct mt_err *err)
{
    return draw(&texts->pens[LINE + line], &line_size, "", strip, width, err);
}

bool mt_text_has_line(const struct mt_av_texts *texts, int line)
{
    return texts && texts->pens[LINE + line].graph;
}
