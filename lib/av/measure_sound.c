/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure_sound.c - loudness and silence.
 *
 * The filter ebur128 gives the loudness. It prints its peaks with three
 * decimals of the amplitude, which is nothing at -50 dB, and its gate not at
 * all: both are computed here, the true peak by oversampling to 192 kHz as
 * BS.1770-4 annex 2 asks, the gate from the blocks of 400 ms.
 */
#include "av/measure_parts.h"

#include <libavfilter/buffersink.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdio.h>

#define SECOND 1000000   /* us */
#define MOMENTARY 400000 /* us */

enum { FINE_RATE = 192000, CHANNELS_MAX = 64, RANGE_LEAST = 5 /* s */, MOMENTARY_BLOCKS = 4 };

static const double absolute_gate = -70; /* LUFS */

void mt_listener_init(struct mt_listener *l, const struct mt_av_measure *spec)
{
    *l = (struct mt_listener){
        .loudness = spec->what & MT_AV_LOUDNESS,
        .silence = spec->what & MT_AV_SILENCE,
        .silence_db = spec->silence_db,
        .silence_us = spec->silence_us,
        .begin_us = INT64_MIN,
        .end_us = INT64_MIN,
        .integrated = -INFINITY,
        .momentary = -INFINITY,
        .short_term = -INFINITY,
    };
    mt_spans_init(&l->silences, spec->silence_us);
    mt_course_init(&l->course);
}

void mt_listener_free(struct mt_listener *l)
{
    mt_chain_close(&l->chain);
    swr_free(&l->uniform);
    swr_free(&l->fine);
    av_frame_free(&l->converted);
    av_channel_layout_uninit(&l->layout);
    mt_spans_free(&l->silences);
}

static int open_chain(struct mt_listener *l, struct mt_err *err)
{
    AVBufferSrcParameters *par = av_buffersrc_parameters_alloc();
    char text[160];
    int ret = -1;

    if (!par)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot set up the measurement");
    par->format = AV_SAMPLE_FMT_DBL;
    par->sample_rate = l->rate;
    par->time_base = (AVRational){1, l->rate};
    snprintf(text, sizeof text, "%s%s%s", l->loudness ? "ebur128=metadata=1:framelog=verbose" : "",
             l->loudness && l->silence ? "," : "", l->silence ? "silencedetect" : "");
    if (l->silence)
        snprintf(text + strlen(text), sizeof text - strlen(text), "=noise=%.9f:d=%.6f",
                 pow(10, l->silence_db / 20), (double)l->silence_us / SECOND);
    if (av_channel_layout_copy(&par->ch_layout, &l->layout) < 0)
        mt_av_fail(err, AVERROR(ENOMEM), "cannot set up the measurement");
    else
        ret = mt_chain_open(&l->chain, true, par, text, err);
    av_channel_layout_uninit(&par->ch_layout);
    av_free(par);
    return ret;
}

static int open_fine(struct mt_listener *l)
{
    int av = swr_alloc_set_opts2(&l->fine, &l->layout, AV_SAMPLE_FMT_DBLP, FINE_RATE, &l->layout,
                                 AV_SAMPLE_FMT_DBL, l->rate, 0, NULL);

    return av < 0 ? av : swr_init(l->fine);
}

/* Everything is measured as the first frame is laid out. */
static int begin(struct mt_listener *l, const AVFrame *frame, struct mt_err *err)
{
    const AVChannelLayout *from = &frame->ch_layout;
    int av = 0;

    if (from->nb_channels < 1 || from->nb_channels > CHANNELS_MAX || frame->sample_rate < 1)
        return mt_fail(err, MT_ERR_LIMIT, "sound of %d channels at %d Hz", from->nb_channels,
                       frame->sample_rate);
    if (from->order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&l->layout, from->nb_channels);
    else
        av = av_channel_layout_copy(&l->layout, from);
    l->rate = frame->sample_rate;
    l->converted = av_frame_alloc();
    if (av < 0 || !l->converted)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot set up the measurement");
    if (l->loudness && (av = open_fine(l)) < 0)
        return mt_av_fail(err, av, "cannot oversample the sound");
    return open_chain(l, err);
}

/* The frame as the first one was, interleaved doubles, in l->converted. */
static int convert(struct mt_listener *l, const AVFrame *frame)
{
    AVFrame *to = l->converted;
    AVFrame *from = av_frame_clone(frame);
    int av = from ? 0 : AVERROR(ENOMEM);

    av_frame_unref(to);
    if (av >= 0 && from->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&from->ch_layout, from->ch_layout.nb_channels);
    to->format = AV_SAMPLE_FMT_DBL;
    to->sample_rate = l->rate;
    if (av >= 0)
        av = av_channel_layout_copy(&to->ch_layout, &l->layout);
    if (av >= 0 && !l->uniform && !(l->uniform = swr_alloc()))
        av = AVERROR(ENOMEM);
    if (av >= 0)
        av = swr_convert_frame(l->uniform, to, from);
    if (av == AVERROR_INPUT_CHANGED) {
        swr_close(l->uniform);
        av_frame_unref(to);
        to->format = AV_SAMPLE_FMT_DBL;
        to->sample_rate = l->rate;
        av = av_channel_layout_copy(&to->ch_layout, &l->layout);
        if (av >= 0)
            av = swr_config_frame(l->uniform, to, from);
        if (av >= 0)
            av = swr_convert_frame(l->uniform, to, from);
    }
    av_frame_free(&from);
    return av;
}

static double peak_of(const double *samples, int n, double peak)
{
    for (int i = 0; i < n; i++)
        peak = fmax(peak, fabs(samples[i]));
    return peak;
}

/* NULL: what the oversampling still holds. */
static int peaks(struct mt_listener *l, const AVFrame *frame)
{
    int channels = l->layout.nb_channels, n = frame ? frame->nb_samples : 0;
    int room = swr_get_out_samples(l->fine, n), av;
    uint8_t **out = NULL;

    if (frame)
        l->sample_peak =
            peak_of((const double *)(const void *)frame->data[0], n * channels, l->sample_peak);
    if (room <= 0)
        return room;
    av = av_samples_alloc_array_and_samples(&out, NULL, channels, room, AV_SAMPLE_FMT_DBLP, 0);
    if (av < 0)
        return av;
    av = swr_convert(l->fine, out, room,
                     frame ? (const uint8_t **)(uintptr_t)frame->extended_data : NULL, n);
    for (int c = 0; av > 0 && c < channels; c++)
        l->true_peak = peak_of((const double *)(const void *)out[c], av, l->true_peak);
    av_freep(&out[0]);
    av_freep(&out);
    return av;
}

/*
 * The filter hands on 100 ms at a time and says how loud the 400 ms up to their end
 * were. They count where their middle is; the first full one is the fourth.
 */
static void add_to_course(struct mt_listener *l, const AVFrame *frame, double lufs)
{
    int64_t end = frame->pts + frame->nb_samples;

    if (++l->momentaries >= MOMENTARY_BLOCKS && frame->pts != AV_NOPTS_VALUE)
        mt_course_add(&l->course, av_rescale(end, SECOND, l->rate) - MOMENTARY / 2, lufs);
}

static void read_loudness(struct mt_listener *l, const AVFrame *frame)
{
    double v;

    if (mt_chain_number(frame, "lavfi.r128.M", &v)) {
        add_to_course(l, frame, v);
        l->momentary = fmax(l->momentary, v);
        if (v >= absolute_gate) {
            l->gate_power += pow(10, v / 10);
            l->gate_blocks++;
        }
    }
    if (mt_chain_number(frame, "lavfi.r128.S", &v))
        l->short_term = fmax(l->short_term, v);
    if (mt_chain_number(frame, "lavfi.r128.I", &v))
        l->integrated = v;
    if (mt_chain_number(frame, "lavfi.r128.LRA", &v))
        l->range = v;
}

static int drain(struct mt_listener *l, struct mt_err *err)
{
    AVFrame *out = l->chain.out;
    int av;

    while ((av = av_buffersink_get_frame(l->chain.sink, out)) >= 0) {
        read_loudness(l, out);
        mt_chain_span(out, "lavfi.silence_start", "lavfi.silence_end", &l->silences);
        av_frame_unref(out);
    }
    if (av != AVERROR(EAGAIN) && av != AVERROR_EOF)
        return mt_av_fail(err, av, "cannot measure the sound");
    return 0;
}

/* Where the frame goes: as stamped when that is later than what was heard, seamless otherwise. */
static int64_t place(struct mt_listener *l, int64_t us)
{
    int64_t next =
        l->begin_us == INT64_MIN ? 0 : l->begin_us + av_rescale(l->samples, SECOND, l->rate);

    if (l->begin_us == INT64_MIN)
        l->begin_us = us == AV_NOPTS_VALUE ? 0 : us;
    else if (us != AV_NOPTS_VALUE && us > next + SECOND / 10)
        l->begin_us += us - next;
    return l->begin_us + av_rescale(l->samples, SECOND, l->rate);
}

int mt_listener_hear(struct mt_listener *l, const AVFrame *frame, int64_t us, struct mt_err *err)
{
    int64_t at;
    int av;

    if (!l->chain.graph && begin(l, frame, err) != 0)
        return -1;
    if ((av = convert(l, frame)) < 0)
        return mt_av_fail(err, av, "cannot convert the sound");
    if (l->converted->nb_samples <= 0)
        return 0;
    at = place(l, us);
    l->samples += l->converted->nb_samples;
    l->end_us = l->begin_us + av_rescale(l->samples, SECOND, l->rate);
    l->converted->pts = av_rescale(at, l->rate, SECOND);
    if (l->loudness && (av = peaks(l, l->converted)) < 0)
        return mt_av_fail(err, av, "cannot oversample the sound");
    if ((av = av_buffersrc_add_frame(l->chain.source, l->converted)) < 0)
        return mt_av_fail(err, av, "cannot measure the sound");
    return drain(l, err);
}

int mt_listener_end(struct mt_listener *l, struct mt_err *err)
{
    int av = 0;

    if (!l->chain.graph)
        return 0;
    if (l->loudness)
        av = peaks(l, NULL);
    if (av >= 0)
        av = av_buffersrc_add_frame(l->chain.source, NULL);
    if (av < 0)
        return mt_av_fail(err, av, "cannot measure the sound");
    if (drain(l, err) != 0)
        return -1;
    mt_spans_close(&l->silences, l->end_us);
    return 0;
}

static json_t *figure(bool known, double value)
{
    return known && isfinite(value) ? json_real(round(value * 100) / 100) : json_null();
}

json_t *mt_listener_loudness(const struct mt_listener *l)
{
    bool heard = l->gate_blocks > 0 && l->integrated > absolute_gate;
    bool ranged = l->samples >= (int64_t)RANGE_LEAST * l->rate;
    double gate = heard ? 10 * log10(l->gate_power / (double)l->gate_blocks) - 10 : 0;
    json_t *doc = json_object();

    json_object_set_new(doc, "integrated_lufs", figure(heard, l->integrated));
    json_object_set_new(doc, "range_lu", figure(heard && ranged, l->range));
    json_object_set_new(
        doc, "true_peak_dbtp",
        figure(l->true_peak > 0, 20 * log10(fmax(fmax(l->true_peak, l->sample_peak), 1e-30))));
    json_object_set_new(doc, "sample_peak_dbfs",
                        figure(l->sample_peak > 0, 20 * log10(fmax(l->sample_peak, 1e-30))));
    json_object_set_new(doc, "max_momentary_lufs",
                        figure(l->momentary > absolute_gate, l->momentary));
    json_object_set_new(doc, "max_short_term_lufs",
                        figure(l->short_term > absolute_gate, l->short_term));
    json_object_set_new(doc, "threshold_lufs", figure(heard, gate));
    json_object_set_new(doc, "over_time", mt_course_json(&l->course));
    return doc;
}
