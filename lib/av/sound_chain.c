/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sound_chain.c - the filters between decoded and encoded sound. */
#include "av/sound_parts.h"

#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/channel_layout.h>
#include <libavutil/mem.h>
#include <stdio.h>
#include <string.h>

/* The layout to assume, and whether the resampler knows how to mix it. */
static bool usual_layout(AVChannelLayout *layout, const AVChannelLayout *from)
{
    if (from->order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(layout, from->nb_channels);
    else if (av_channel_layout_copy(layout, from) < 0)
        return false;
    return layout->order == AV_CHANNEL_ORDER_NATIVE;
}

static bool fits(const struct mt_sound_chain *c, const AVFrame *frame)
{
    return c->graph && c->in_rate == frame->sample_rate && c->in_format == frame->format &&
           av_channel_layout_compare(&c->in_layout, &frame->ch_layout) == 0;
}

/* The source's own layout where as many channels are wanted, else the usual one of that many. */
static int choose_out(struct mt_sound_chain *c, const AVChannelLayout *in)
{
    if (c->out_layout.nb_channels > 0)
        return 0;
    if (in->order == AV_CHANNEL_ORDER_NATIVE && in->nb_channels == c->tone.channels)
        return av_channel_layout_copy(&c->out_layout, in);
    av_channel_layout_default(&c->out_layout, c->tone.channels);
    return 0;
}

static void append(char *text, size_t n, const char *what)
{
    snprintf(text + strlen(text), n - strlen(text), "%s", what);
}

/*
 * The mix to fewer channels is normalised, so that a loud 5.1 mix does not clip in stereo. What
 * has no known layout gives its first channels; those beyond carry nobody knows what.
 * The dialogue filter puts what the two channels share into a third, raised, which is mixed back.
 */
static void describe(const struct mt_sound_chain *c, bool mixable, int channels, const char *layout,
                     char *text, size_t n)
{
    static const char *const denoise[] = {"", "afftdn=nr=8:nf=-45:tn=1,",
                                          "afftdn=nr=20:nf=-40:tn=1,"};
    bool filtered = c->tone.denoise || c->tone.speech;
    char part[256];

    text[0] = '\0';
    if (!mixable)
        append(text, n,
               channels > 1 && c->tone.channels > 1 ? "pan=stereo|c0=c0|c1=c1,"
                                                    : "pan=mono|c0=c0,");
    snprintf(part, sizeof part,
             "aresample=%d:rematrix_maxval=1,aformat=%ssample_rates=%d:"
             "channel_layouts=%s,",
             c->tone.rate, filtered ? "sample_fmts=fltp:" : "", c->tone.rate, layout);
    append(text, n, part);
    append(text, n, denoise[c->tone.denoise]);
    if (c->tone.speech)
        append(text, n, "highpass=f=80:p=2,");
    if (c->tone.speech && c->tone.channels == 2)
        append(text, n,
               "dialoguenhance=original=0.5:enhance=1:voice=4,"
               "pan=stereo|c0=c0+0.7*c2|c1=c1+0.7*c2,");
    if (c->gain_db != 0) {
        snprintf(part, sizeof part, "volume=%.4fdB:precision=double,", c->gain_db);
        append(text, n, part);
    }
    snprintf(part, sizeof part, "aformat=sample_fmts=%s:sample_rates=%d:channel_layouts=%s",
             av_get_sample_fmt_name(c->tone.format), c->tone.rate, layout);
    append(text, n, part);
}

static int make_source(struct mt_sound_chain *c, const AVFrame *frame,
                       const AVChannelLayout *layout)
{
    char args[256], name[128];

    if (av_channel_layout_describe(layout, name, sizeof name) < 0)
        return AVERROR(EINVAL);
    snprintf(args, sizeof args, "time_base=1/%d:sample_rate=%d:sample_fmt=%d:channels=%d%s%s",
             frame->sample_rate, frame->sample_rate, frame->format, layout->nb_channels,
             layout->order == AV_CHANNEL_ORDER_UNSPEC ? "" : ":channel_layout=",
             layout->order == AV_CHANNEL_ORDER_UNSPEC ? "" : name);
    return avfilter_graph_create_filter(&c->source, avfilter_get_by_name("abuffer"), "in", args,
                                        NULL, c->graph);
}

static int wire(struct mt_sound_chain *c, const char *text)
{
    AVFilterInOut *inputs = avfilter_inout_alloc(), *outputs = avfilter_inout_alloc();
    int ret = AVERROR(ENOMEM);

    if (inputs && outputs) {
        *outputs = (AVFilterInOut){.name = av_strdup("in"), .filter_ctx = c->source};
        *inputs = (AVFilterInOut){.name = av_strdup("out"), .filter_ctx = c->sink};
        ret = avfilter_graph_parse_ptr(c->graph, text, &inputs, &outputs, NULL);
    }
    if (ret >= 0)
        ret = avfilter_graph_config(c->graph, NULL);
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
    return ret;
}

static int build(struct mt_sound_chain *c, const AVFrame *frame)
{
    AVChannelLayout layout = {0};
    char text[1024], name[128];
    bool mixable = usual_layout(&layout, &frame->ch_layout);
    int ret = choose_out(c, &layout);

    if (ret >= 0)
        ret = av_channel_layout_describe(&c->out_layout, name, sizeof name);
    c->graph = ret >= 0 ? avfilter_graph_alloc() : NULL;
    if (ret >= 0)
        ret = c->graph ? make_source(c, frame, &layout) : AVERROR(ENOMEM);
    if (ret >= 0) {
        c->graph->nb_threads = 1;
        describe(c, mixable, layout.nb_channels, name, text, sizeof text);
        ret = avfilter_graph_create_filter(&c->sink, avfilter_get_by_name("abuffersink"), "out",
                                           NULL, NULL, c->graph);
    }
    av_channel_layout_uninit(&layout);
    return ret < 0 ? ret : wire(c, text);
}

static int open_graph(struct mt_sound_chain *c, const AVFrame *frame, struct mt_err *err)
{
    int ret;

    mt_sound_chain_forget(c);
    ret = build(c, frame);
    if (ret >= 0)
        ret = av_channel_layout_copy(&c->in_layout, &frame->ch_layout);
    c->in_rate = frame->sample_rate;
    c->in_format = frame->format;
    return ret < 0 ? mt_refused(err, ret, "sound filters") : 0;
}

static int drain(struct mt_sound_chain *c, mt_tone_fn *take, void *ctx, struct mt_err *err)
{
    AVFrame *frame = av_frame_alloc();
    int ret = frame ? 0 : AVERROR(ENOMEM), taken = 0;

    while (ret >= 0 && taken == 0) {
        ret = av_buffersink_get_frame(c->sink, frame);
        if (ret >= 0)
            taken = take(ctx, frame, err);
        if (ret >= 0)
            av_frame_unref(frame);
    }
    av_frame_free(&frame);
    if (taken < 0 || ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
        return taken;
    return mt_refused(err, ret, "sound filters");
}

static int end(struct mt_sound_chain *c, mt_tone_fn *take, void *ctx, struct mt_err *err)
{
    int ret;

    if (!c->graph)
        return 0;
    ret = av_buffersrc_add_frame_flags(c->source, NULL, 0);
    return ret < 0 ? mt_refused(err, ret, "sound filters") : drain(c, take, ctx, err);
}

int mt_sound_chain_give(struct mt_sound_chain *c, const AVFrame *frame, mt_tone_fn *take, void *ctx,
                        struct mt_err *err)
{
    AVFrame *copy;
    int ret;

    if (!frame)
        return end(c, take, ctx, err);
    if (!fits(c, frame) && (end(c, take, ctx, err) < 0 || open_graph(c, frame, err) < 0))
        return -1;
    copy = av_frame_clone(frame);
    if (!copy)
        return mt_av_fail(err, AVERROR(ENOMEM), "sound");
    /* The source was opened with the layout assumed for frames that name none. */
    if (copy->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&copy->ch_layout, copy->ch_layout.nb_channels);
    ret = av_buffersrc_add_frame_flags(c->source, copy, 0);
    av_frame_free(&copy);
    return ret < 0 ? mt_refused(err, ret, "sound filters") : drain(c, take, ctx, err);
}

void mt_sound_chain_forget(struct mt_sound_chain *c)
{
    avfilter_graph_free(&c->graph);
    av_channel_layout_uninit(&c->in_layout);
}

void mt_sound_chain_free(struct mt_sound_chain *c)
{
    mt_sound_chain_forget(c);
    av_channel_layout_uninit(&c->out_layout);
    if (c->listening)
        mt_listener_free(&c->listener);
    json_decref(c->heard);
    *c = (struct mt_sound_chain){.graph = NULL};
}
