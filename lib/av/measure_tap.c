/* SPDX-License-Identifier: GPL-2.0-or-later */
/* measure_tap.c - see measure_tap.h. */
#include "av/measure_tap.h"

#include "av/input.h"
#include "av/thumbs_render.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define AFTER_CUT (SECOND / 3)
#define JITTER (SECOND / 20) /* stamps of sound may be off by so much before they are believed */

enum { QUIET = 4096, MORE_FOR_CUTS = 2 };

void mt_sound_tap_init(struct mt_sound_tap *tap, const struct mt_av_ear *ear)
{
    *tap = (struct mt_sound_tap){.ear = ear, .end_us = INT64_MIN};
}

void mt_sound_tap_free(struct mt_sound_tap *tap)
{
    swr_free(&tap->swr);
    av_frame_free(&tap->out);
}

static int hand_on(struct mt_sound_tap *tap, const int16_t *samples, int64_t n, struct mt_err *err)
{
    tap->handed += n;
    return n > 0 ? tap->ear->hear(tap->ear->ctx, samples, (size_t)n, err) : 0;
}

static int be_quiet(struct mt_sound_tap *tap, int64_t n, struct mt_err *err)
{
    static const int16_t quiet[QUIET];
    int ret = 0;

    for (; n > 0 && ret == 0; n -= QUIET)
        ret = hand_on(tap, quiet, n < QUIET ? n : QUIET, err);
    return ret;
}

static int shape(AVFrame *frame, int rate)
{
    av_frame_unref(frame);
    frame->format = AV_SAMPLE_FMT_S16;
    frame->sample_rate = rate;
    frame->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
    return 0;
}

/* from, NULL for what is left, into tap->out. A new layout or rate begins a new conversion. */
static int convert(struct mt_sound_tap *tap, AVFrame *from)
{
    int rate = tap->ear->rate_hz;

    if ((!tap->out && !(tap->out = av_frame_alloc())) || (!tap->swr && !(tap->swr = swr_alloc())))
        return AVERROR(ENOMEM);
    shape(tap->out, rate);
    int av = swr_convert_frame(tap->swr, tap->out, from);
    if (av == AVERROR_INPUT_CHANGED) {
        swr_close(tap->swr);
        shape(tap->out, rate);
        av = swr_config_frame(tap->swr, tap->out, from);
        if (av >= 0)
            av = swr_convert_frame(tap->swr, tap->out, from);
    }
    return av;
}

static AVFrame *named_channels(const AVFrame *frame)
{
    AVFrame *own = av_frame_clone(frame);

    if (own && own->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&own->ch_layout, own->ch_layout.nb_channels);
    return own;
}

/* What lies before the film's start is dropped, silence put where there is a gap. */
static int place(struct mt_sound_tap *tap, int64_t us, int64_t *skip, struct mt_err *err)
{
    int64_t rate = tap->ear->rate_hz;
    int64_t now_us = av_rescale(tap->handed, SECOND, rate);

    *skip = 0;
    if (us == AV_NOPTS_VALUE)
        return 0;
    int64_t off = us - now_us;
    if (tap->end_us == INT64_MIN && off < 0)
        *skip = av_rescale(-off, rate, SECOND);
    else if (tap->end_us == INT64_MIN || off > JITTER)
        return be_quiet(tap, av_rescale(off, rate, SECOND), err);
    return 0;
}

int mt_sound_tap_hear(struct mt_sound_tap *tap, const AVFrame *frame, int64_t us,
                      struct mt_err *err)
{
    AVFrame *from = NULL;
    int64_t skip = 0;

    if (!frame && !tap->swr)
        return 0;
    if (frame && !(from = named_channels(frame)))
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot convert the sound");
    int av = convert(tap, from);
    av_frame_free(&from);
    if (av < 0)
        return mt_av_fail(err, av, "cannot convert the sound");
    if (frame && place(tap, us, &skip, err) < 0)
        return -1;
    int n = tap->out->nb_samples;
    if (skip > n)
        skip = n;
    if (n > 0 &&
        hand_on(tap, (const int16_t *)(const void *)tap->out->data[0] + skip, n - skip, err) < 0)
        return -1;
    /* A film whose sound begins well before its start is heard from the start on. */
    if (skip < n || tap->end_us != INT64_MIN)
        tap->end_us = av_rescale(tap->handed, SECOND, tap->ear->rate_hz);
    return 0;
}

void mt_sight_tap_init(struct mt_sight_tap *tap, const struct mt_av_eye *eye, int64_t duration_us)
{
    *tap = (struct mt_sight_tap){.eye = eye, .cut_us = INT64_MIN};
    /* Half of the pictures are kept for what comes after cuts. */
    int64_t least = duration_us * MORE_FOR_CUTS / (eye->most > 0 ? eye->most : 1);
    tap->every_us = eye->every_us > least ? eye->every_us : least;
    if (tap->every_us < 1)
        tap->every_us = SECOND;
}

static int hand_picture(struct mt_sight_tap *tap, const AVFrame *rgb, int64_t us,
                        struct mt_err *err)
{
    size_t bpp = rgb->format == AV_PIX_FMT_RGBA ? 4 : 3;
    size_t w = (size_t)rgb->width, h = (size_t)rgb->height;

    if (tap->handed == 0) {
        tap->w = rgb->width;
        tap->h = rgb->height;
    } else if (rgb->width != tap->w || rgb->height != tap->h) {
        return 0;
    }
    uint8_t *packed = mt_alloc(w * h * 3);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            memcpy(packed + 3 * (y * w + x), rgb->data[0] + y * (size_t)rgb->linesize[0] + x * bpp,
                   3);
    tap->handed++;
    int ret = tap->eye->see(tap->eye->ctx, packed, rgb->width, rgb->height, us, err);
    free(packed);
    return ret;
}

int mt_sight_tap_see(struct mt_sight_tap *tap, const AVFrame *frame, int64_t us, int64_t cut_us,
                     const struct mt_in *in, const struct mt_film *film, struct mt_err *err)
{
    if (us == AV_NOPTS_VALUE || tap->handed >= tap->eye->most)
        return 0;
    if (cut_us > tap->cut_us) {
        tap->cut_us = cut_us;
        if (cut_us + AFTER_CUT < tap->due_us)
            tap->due_us = cut_us + AFTER_CUT;
    }
    if (us < tap->due_us)
        return 0;
    struct mt_av_box box = {tap->eye->side_px, tap->eye->side_px};
    AVFrame *rgb = NULL;
    if (mt_render(&rgb, frame, in, in->video, film, box, MT_AV_CONTAIN, err) < 0)
        return -1;
    tap->due_us = us + tap->every_us;
    int ret = hand_picture(tap, rgb, us, err);
    av_frame_free(&rgb);
    return ret;
}
