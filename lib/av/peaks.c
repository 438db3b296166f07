/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peaks.c - see peaks.h. */
#include "av/peaks.h"

#include "av/input.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_FIRST = 16,
    POINTS_MAX = 1 << 22, /* in all lanes: 16 MiB */
    GAPS_PER_S = 10,      /* a gap is longer than one part of so many */
};

static const struct mt_extremes none = {INT16_MAX, INT16_MIN};

static void clear(struct mt_peaks *p)
{
    for (int i = 0; i < MT_PEAKS_CHANNELS; i++)
        p->now[i] = none;
    p->in_now = 0;
}

void mt_peaks_init(struct mt_peaks *p, bool split)
{
    *p = (struct mt_peaks){.split = split, .block = BLOCK_FIRST};
    clear(p);
}

void mt_peaks_free(struct mt_peaks *p)
{
    free(p->list);
    swr_free(&p->swr);
    av_frame_free(&p->plain);
    *p = (struct mt_peaks){0};
}

static void widen(struct mt_extremes *e, struct mt_extremes by)
{
    e->low = by.low < e->low ? by.low : e->low;
    e->high = by.high > e->high ? by.high : e->high;
}

/* Two points become one. An odd last one goes back into the block that is being filled. */
static void halve(struct mt_peaks *p)
{
    int64_t pairs = p->n / 2;

    for (int64_t i = 0; i < pairs; i++)
        for (int k = 0; k < p->lanes; k++) {
            struct mt_extremes both = p->list[2 * i * p->lanes + k];
            widen(&both, p->list[(2 * i + 1) * p->lanes + k]);
            p->list[i * p->lanes + k] = both;
        }
    if (p->n % 2) {
        memcpy(p->now, p->list + (p->n - 1) * p->lanes, (size_t)p->lanes * sizeof *p->now);
        p->in_now = p->block;
    }
    p->n = pairs;
    p->block *= 2;
}

static int flush(struct mt_peaks *p, struct mt_err *err)
{
    if (p->n == p->room) {
        int64_t room = p->room ? 2 * p->room : 4096;
        void *list = realloc(p->list, (size_t)(room * p->lanes) * sizeof *p->list);
        if (!list)
            return mt_av_fail(err, AVERROR(ENOMEM), "cannot keep the waveform");
        p->list = list;
        p->room = room;
    }
    memcpy(p->list + p->n * p->lanes, p->now, (size_t)p->lanes * sizeof *p->now);
    p->n++;
    clear(p);
    if (p->n * p->lanes >= POINTS_MAX)
        halve(p);
    return 0;
}

/* One moment: a sample of each lane. */
static int take(struct mt_peaks *p, const int16_t *values, struct mt_err *err)
{
    for (int k = 0; k < p->lanes; k++)
        widen(&p->now[k], (struct mt_extremes){values[k], values[k]});
    p->samples++;
    return ++p->in_now >= p->block ? flush(p, err) : 0;
}

static int take_silence(struct mt_peaks *p, int64_t until, struct mt_err *err)
{
    static const int16_t nothing[MT_PEAKS_CHANNELS];

    while (p->samples < until)
        if (take(p, nothing, err) < 0)
            return -1;
    return 0;
}

static int take_frame(struct mt_peaks *p, const int16_t *data, int n, struct mt_err *err)
{
    for (int i = 0; i < n; i++, data += p->channels) {
        int16_t mean = 0;
        if (!p->split) {
            int sum = 0;
            for (int k = 0; k < p->channels; k++)
                sum += data[k];
            mean = (int16_t)(sum / p->channels);
        }
        if (take(p, p->split ? data : &mean, err) < 0)
            return -1;
    }
    return 0;
}

/* What all frames are converted to follows from the first. */
static int begin(struct mt_peaks *p, const AVFrame *frame, struct mt_err *err)
{
    p->rate = frame->sample_rate;
    p->channels = frame->ch_layout.nb_channels;
    p->lanes = !p->split ? 1 : p->channels < MT_PEAKS_CHANNELS ? p->channels : MT_PEAKS_CHANNELS;
    if (p->rate < 1 || p->channels < 1)
        return mt_fail(err, MT_ERR_DAMAGED, "sound without a rate or channels");
    p->plain = av_frame_alloc();
    p->swr = swr_alloc();
    return p->plain && p->swr ? 0 : mt_av_fail(err, AVERROR(ENOMEM), "cannot convert sound");
}

/* A change of rate or channels within the sound is converted to what it began with. */
static int convert(struct mt_peaks *p, const AVFrame *frame, struct mt_err *err)
{
    int av = 0;

    for (int attempt = 0; attempt < 2; attempt++) {
        av_frame_unref(p->plain);
        p->plain->format = AV_SAMPLE_FMT_S16;
        p->plain->sample_rate = p->rate;
        av_channel_layout_default(&p->plain->ch_layout, p->channels);
        av = swr_convert_frame(p->swr, p->plain, frame);
        if (av != AVERROR_INPUT_CHANGED && av != AVERROR_OUTPUT_CHANGED)
            break;
        swr_close(p->swr);
    }
    return av < 0 ? mt_av_fail(err, av, "cannot convert sound") : 0;
}

int mt_peaks_add(struct mt_peaks *p, const AVFrame *frame, int64_t at, struct mt_err *err)
{
    if (!p->swr && begin(p, frame, err) < 0)
        return -1;
    if (at > p->samples + p->rate / GAPS_PER_S && take_silence(p, at, err) < 0)
        return -1;
    if (convert(p, frame, err) < 0)
        return -1;
    return take_frame(p, (const int16_t *)(const void *)p->plain->data[0], p->plain->nb_samples,
                      err);
}

int mt_peaks_end(struct mt_peaks *p, struct mt_err *err)
{
    return p->in_now > 0 && p->lanes > 0 ? flush(p, err) : 0;
}

struct mt_extremes mt_peaks_over(const struct mt_peaks *p, int lane, int64_t from, int64_t to)
{
    struct mt_extremes all = none;

    for (int64_t i = from; i < to && i < p->n; i++)
        widen(&all, p->list[i * p->lanes + lane]);
    return all.low > all.high ? (struct mt_extremes){0, 0} : all;
}
