/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_sound.c - the filter graph that evens out sound. */
#include "av/transcode_parts.h"

#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/channel_layout.h>
#include <libavutil/mem.h>
#include <stdio.h>

void mt_sound_choose(struct mt_sound *sound, const AVCodecContext *decoder)
{
    int rate = decoder->sample_rate;

    *sound = (struct mt_sound){.rate = rate > 0 && rate % 11025 == 0 ? 44100 : 48000};
    sound->channels = decoder->ch_layout.nb_channels == 1 ? 1 : 2;
}

bool mt_sound_fit(const struct mt_sound *sound, const AVFrame *frame)
{
    return sound->graph && sound->in_rate == frame->sample_rate &&
           sound->in_format == frame->format &&
           av_channel_layout_compare(&sound->in_layout, &frame->ch_layout) == 0;
}

/* The layout to assume, and whether the resampler knows how to mix it. */
static bool usual_layout(AVChannelLayout *layout, const AVFrame *frame)
{
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(layout, frame->ch_layout.nb_channels);
    else if (av_channel_layout_copy(layout, &frame->ch_layout) < 0)
        return false;
    return layout->order == AV_CHANNEL_ORDER_NATIVE;
}

/*
 * aresample with async fills holes and drops what overlaps by more than 0.1 s and leaves the
 * rest alone. Its matrix is normalised, so that a loud 5.1 mix does not clip in stereo. What
 * has no known layout gives its first channels; those beyond carry nobody knows what.
 */
static void describe(char *text, size_t n, const struct mt_sound *sound, bool mixable, int channels)
{
    const char *pick = "";

    if (!mixable)
        pick = channels > 1 && sound->channels > 1 ? "pan=stereo|c0=c0|c1=c1," : "pan=mono|c0=c0,";
    snprintf(text, n,
             "[in]%saresample=async=1:min_hard_comp=0.1:rematrix_maxval=1,"
             "aformat=sample_fmts=fltp:sample_rates=%d:channel_layouts=%s[out]",
             pick, sound->rate, sound->channels == 1 ? "mono" : "stereo");
}

static int make_source(struct mt_sound *sound, const AVFrame *frame, const AVChannelLayout *layout)
{
    char args[256], name[128];

    if (av_channel_layout_describe(layout, name, sizeof name) < 0)
        return AVERROR(EINVAL);
    snprintf(args, sizeof args, "time_base=1/%d:sample_rate=%d:sample_fmt=%d:channels=%d%s%s",
             frame->sample_rate, frame->sample_rate, frame->format, layout->nb_channels,
             layout->order == AV_CHANNEL_ORDER_UNSPEC ? "" : ":channel_layout=",
             layout->order == AV_CHANNEL_ORDER_UNSPEC ? "" : name);
    return avfilter_graph_create_filter(&sound->source, avfilter_get_by_name("abuffer"), "in", args,
                                        NULL, sound->graph);
}

static int wire(struct mt_sound *sound, const char *text)
{
    AVFilterInOut *inputs = avfilter_inout_alloc(), *outputs = avfilter_inout_alloc();
    int ret = AVERROR(ENOMEM);

    if (inputs && outputs) {
        *outputs = (AVFilterInOut){.name = av_strdup("in"), .filter_ctx = sound->source};
        *inputs = (AVFilterInOut){.name = av_strdup("out"), .filter_ctx = sound->sink};
        ret = avfilter_graph_parse_ptr(sound->graph, text, &inputs, &outputs, NULL);
    }
    if (ret >= 0)
        ret = avfilter_graph_config(sound->graph, NULL);
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
    return ret;
}

static int build(struct mt_sound *sound, const AVFrame *frame)
{
    AVChannelLayout layout = {0};
    char text[256];
    int ret;

    describe(text, sizeof text, sound, usual_layout(&layout, frame), layout.nb_channels);
    sound->graph = avfilter_graph_alloc();
    if (!sound->graph)
        ret = AVERROR(ENOMEM);
    else
        ret = make_source(sound, frame, &layout);
    av_channel_layout_uninit(&layout);
    if (ret >= 0)
        ret = avfilter_graph_create_filter(&sound->sink, avfilter_get_by_name("abuffersink"), "out",
                                           NULL, NULL, sound->graph);
    return ret < 0 ? ret : wire(sound, text);
}

int mt_sound_open(struct mt_sound *sound, const AVFrame *frame, struct mt_err *err)
{
    int rate = sound->rate, channels = sound->channels, ret;

    mt_sound_close(sound);
    sound->rate = rate;
    sound->channels = channels;
    ret = build(sound, frame);
    if (ret >= 0)
        ret = av_channel_layout_copy(&sound->in_layout, &frame->ch_layout);
    if (ret < 0) {
        mt_sound_close(sound);
        sound->rate = rate;
        sound->channels = channels;
        return mt_refused(err, ret, "sound filters");
    }
    sound->in_rate = frame->sample_rate;
    sound->in_format = frame->format;
    return 0;
}

int mt_sound_send(struct mt_sound *sound, AVFrame *frame, struct mt_err *err)
{
    int ret;

    /* The source was opened with the layout assumed for frames that name none. */
    if (frame && frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&frame->ch_layout, frame->ch_layout.nb_channels);
    ret = av_buffersrc_add_frame_flags(sound->source, frame, 0);
    return ret < 0 ? mt_refused(err, ret, "sound filters") : 0;
}

int mt_sound_receive(struct mt_sound *sound, AVFrame *frame, struct mt_err *err)
{
    int ret = av_buffersink_get_frame(sound->sink, frame);

    if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
        return 0;
    if (ret < 0)
        return mt_refused(err, ret, "sound filters");
    if (frame->pts != AV_NOPTS_VALUE)
        frame->pts = av_rescale_q(frame->pts, av_buffersink_get_time_base(sound->sink),
                                  (AVRational){1, sound->rate});
    return 1;
}

void mt_sound_close(struct mt_sound *sound)
{
    avfilter_graph_free(&sound->graph);
    av_channel_layout_uninit(&sound->in_layout);
    *sound = (struct mt_sound){.graph = NULL};
}
