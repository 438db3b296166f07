/* SPDX-License-Identifier: GPL-2.0-or-later */
/* measure_chain.c - a chain of filters, and stretches of time. */
#include "av/measure_parts.h"

#include <libavfilter/buffersink.h>
#include <libavutil/mem.h>
#include <math.h>
#include <stdlib.h>

#define SECOND 1000000 /* us */

enum { SPANS_MAX = 100000 };

json_t *mt_seconds(int64_t us)
{
    return json_real((double)us / SECOND);
}

void mt_spans_init(struct mt_spans *s, int64_t shortest_us)
{
    *s = (struct mt_spans){INT64_MIN, shortest_us, json_array()};
}

void mt_spans_free(struct mt_spans *s)
{
    json_decref(s->list);
    s->list = NULL;
}

void mt_spans_open(struct mt_spans *s, int64_t us)
{
    if (s->open_us == INT64_MIN)
        s->open_us = us < 0 ? 0 : us;
}

void mt_spans_close(struct mt_spans *s, int64_t us)
{
    json_t *span;

    if (s->open_us == INT64_MIN)
        return;
    if (us - s->open_us >= s->shortest_us && us > s->open_us &&
        json_array_size(s->list) < SPANS_MAX) {
        span = json_object();
        json_object_set_new(span, "start", mt_seconds(s->open_us));
        json_object_set_new(span, "end", mt_seconds(us));
        json_array_append_new(s->list, span);
    }
    s->open_us = INT64_MIN;
}

static int connect(struct mt_chain *c, const char *text)
{
    AVFilterInOut *from = avfilter_inout_alloc(), *to = avfilter_inout_alloc();
    int av = AVERROR(ENOMEM);

    if (from && to) {
        *from = (AVFilterInOut){av_strdup("in"), c->source, 0, NULL};
        *to = (AVFilterInOut){av_strdup("out"), c->sink, 0, NULL};
        av = avfilter_graph_parse_ptr(c->graph, text, &to, &from, NULL);
    }
    avfilter_inout_free(&from);
    avfilter_inout_free(&to);
    return av;
}

int mt_chain_open(struct mt_chain *c, bool sound, AVBufferSrcParameters *par, const char *text,
                  struct mt_err *err)
{
    int av = AVERROR(ENOMEM);

    *c = (struct mt_chain){.graph = avfilter_graph_alloc(), .out = av_frame_alloc()};
    if (!c->graph || !c->out)
        goto fail;
    c->graph->nb_threads = 1;
    c->source = avfilter_graph_alloc_filter(
        c->graph, avfilter_get_by_name(sound ? "abuffer" : "buffer"), "in");
    if (!c->source || (av = av_buffersrc_parameters_set(c->source, par)) < 0 ||
        (av = avfilter_init_str(c->source, NULL)) < 0)
        goto fail;
    av = avfilter_graph_create_filter(&c->sink,
                                      avfilter_get_by_name(sound ? "abuffersink" : "buffersink"),
                                      "out", NULL, NULL, c->graph);
    if (av >= 0)
        av = connect(c, text);
    if (av >= 0)
        av = avfilter_graph_config(c->graph, NULL);
    if (av >= 0)
        return 0;
fail:
    mt_chain_close(c);
    return mt_av_fail(err, av, "cannot set up the measurement");
}

void mt_chain_close(struct mt_chain *c)
{
    avfilter_graph_free(&c->graph);
    av_frame_free(&c->out);
    c->source = c->sink = NULL;
}

bool mt_chain_number(const AVFrame *frame, const char *key, double *value)
{
    const AVDictionaryEntry *e = av_dict_get(frame->metadata, key, NULL, 0);

    if (!e)
        return false;
    *value = strtod(e->value, NULL);
    return true;
}

void mt_chain_span(const AVFrame *frame, const char *start, const char *end, struct mt_spans *s)
{
    double from, to;
    bool starts = mt_chain_number(frame, start, &from), ends = mt_chain_number(frame, end, &to);
    bool both = starts && ends && from < to;

    if (ends && !both)
        mt_spans_close(s, llrint(to * SECOND));
    if (starts)
        mt_spans_open(s, llrint(from * SECOND));
    if (both)
        mt_spans_close(s, llrint(to * SECOND));
}
