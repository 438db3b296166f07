/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * teaser_sound.c - the sound of a trailer.
 *
 * The excerpts' sound is laid end to end in memory, each as long as its pictures, brought to one
 * loudness and faded at its ends; then it is a file like any other, which mt_av_sound() encodes.
 */
#include "av/sound_parts.h"
#include "av/teaser_parts.h"

#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"

#include <libavutil/intreadwrite.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FADE_MS = 20, PIECE = 4096, WAV_HEADER = 44 };

static const double target = -16, target_least = -24; /* LUFS */
static const double ceiling = -1;                     /* dBTP */
static const double gain_most = 20;                   /* dB */

struct tape {
    struct mt_sound_chain chain;
    float *samples;       /* interleaved */
    int64_t n;            /* per channel, of all */
    int64_t from, to, at; /* of the excerpt; where its next sample goes */
};

struct levels {
    double lufs, peak; /* of an excerpt; -INFINITY: silent */
};

static int64_t sample_at(const struct tape *tape, int64_t us)
{
    return av_rescale(us, tape->chain.tone.rate, AV_TIME_BASE);
}

/* ---- recording ---- */

static int record(void *ctx, const AVFrame *frame, struct mt_err *err)
{
    struct tape *tape = ctx;
    int channels = tape->chain.tone.channels;
    int64_t n = FFMIN(frame->nb_samples, tape->to - tape->at);

    (void)err;
    if (n <= 0)
        return 0;
    memcpy(tape->samples + tape->at * channels, frame->data[0],
           (size_t)n * (size_t)channels * sizeof(float));
    tape->at += n;
    return 0;
}

static int convert(void *ctx, const AVFrame *frame, struct mt_err *err)
{
    struct tape *tape = ctx;

    return mt_sound_chain_give(&tape->chain, frame, record, tape, err);
}

/* Where the film has no more sound the tape stays silent. */
static int record_all(struct tape *tape, struct mt_ear *ear, const struct mt_teaser *t,
                      struct mt_err *err)
{
    for (int i = 0; i < t->n; i++) {
        const struct mt_excerpt *e = &t->list[i];

        tape->from = tape->at = sample_at(tape, e->at_us);
        tape->to = FFMIN(sample_at(tape, e->at_us + e->length_us), tape->n);
        if (mt_ear_hear(ear, &t->film, e->from_us, e->to_us, convert, tape, err) < 0 ||
            mt_sound_chain_give(&tape->chain, NULL, record, tape, err) < 0)
            return -1;
        mt_sound_chain_forget(&tape->chain);
    }
    return 0;
}

/* ---- levels ---- */

static AVFrame *piece(const struct tape *tape, int64_t at, int64_t n)
{
    AVFrame *frame = av_frame_alloc();

    if (!frame)
        return NULL;
    frame->nb_samples = (int)n;
    frame->format = AV_SAMPLE_FMT_FLT;
    frame->sample_rate = tape->chain.tone.rate;
    av_channel_layout_default(&frame->ch_layout, tape->chain.tone.channels);
    if (av_frame_get_buffer(frame, 0) < 0) {
        av_frame_free(&frame);
        return NULL;
    }
    memcpy(frame->data[0], tape->samples + at * tape->chain.tone.channels,
           (size_t)n * (size_t)tape->chain.tone.channels * sizeof(float));
    return frame;
}

static double figure(const json_t *loudness, const char *name)
{
    const json_t *value = json_object_get(loudness, name);

    return json_is_number(value) ? json_number_value(value) : -INFINITY;
}

static int measure(const struct tape *tape, int64_t from, int64_t to, struct levels *levels,
                   struct mt_err *err)
{
    const struct mt_av_measure spec = {.what = MT_AV_LOUDNESS};
    struct mt_listener listener;
    int ret = 0;

    mt_listener_init(&listener, &spec);
    for (int64_t at = from; ret == 0 && at < to; at += PIECE) {
        AVFrame *frame = piece(tape, at, FFMIN(PIECE, to - at));

        ret = frame ? mt_listener_hear(&listener, frame, AV_NOPTS_VALUE, err)
                    : mt_av_fail(err, AVERROR(ENOMEM), "sound");
        av_frame_free(&frame);
    }
    if (ret == 0)
        ret = mt_listener_end(&listener, err);
    if (ret == 0) {
        json_t *loudness = mt_listener_loudness(&listener);

        levels->lufs = figure(loudness, "integrated_lufs");
        levels->peak = figure(loudness, "true_peak_dbtp");
        json_decref(loudness);
    }
    mt_listener_free(&listener);
    return ret;
}

static bool is_silent(const struct levels *l)
{
    return !isfinite(l->lufs) || !isfinite(l->peak);
}

/* The gain that an excerpt can have. */
static double gain_limit(const struct levels *l)
{
    return fmin(ceiling - l->peak, gain_most);
}

/* The loudness that all can have. */
static double common(const struct levels *levels, int n)
{
    double lufs = target;

    for (int i = 0; i < n; i++)
        if (!is_silent(&levels[i]))
            lufs = fmin(lufs, levels[i].lufs + gain_limit(&levels[i]));
    return fmax(lufs, target_least);
}

/* Gain, and a fade at both ends: squares of a sine, over which the sum at a join is even. */
static void shape(struct tape *tape, int64_t from, int64_t to, double gain_db)
{
    int64_t fade = FFMIN(tape->chain.tone.rate * FADE_MS / 1000, (to - from) / 2);
    int channels = tape->chain.tone.channels;
    double gain = pow(10, gain_db / 20);

    for (int64_t i = from; i < to; i++) {
        int64_t edge = FFMIN(i - from, to - 1 - i);
        double part = edge < fade ? sin(M_PI / 2 * (double)edge / (double)fade) : 1;

        for (int c = 0; c < channels; c++)
            tape->samples[i * channels + c] *= (float)(gain * part * part);
    }
}

static int level(struct tape *tape, struct mt_teaser *t, double *lufs, struct mt_err *err)
{
    struct levels levels[MT_AV_EXCERPTS_MAX];

    for (int i = 0; i < t->n; i++) {
        const struct mt_excerpt *e = &t->list[i];

        if (measure(tape, sample_at(tape, e->at_us),
                    FFMIN(sample_at(tape, e->at_us + e->length_us), tape->n), &levels[i], err) < 0)
            return -1;
    }
    *lufs = common(levels, t->n);
    for (int i = 0; i < t->n; i++) {
        struct mt_excerpt *e = &t->list[i];

        if (!is_silent(&levels[i]))
            e->gain_db = fmin(*lufs - levels[i].lufs, gain_limit(&levels[i]));
        shape(tape, sample_at(tape, e->at_us),
              FFMIN(sample_at(tape, e->at_us + e->length_us), tape->n), e->gain_db);
    }
    return 0;
}

/* ---- the file ---- */

/* WAVE of 32-bit floating point. */
static int write_wav(const struct tape *tape, int fd, struct mt_err *err)
{
    int channels = tape->chain.tone.channels, rate = tape->chain.tone.rate;
    size_t bytes = (size_t)tape->n * (size_t)channels * sizeof(float);
    uint8_t head[WAV_HEADER];

    memcpy(head, "RIFF....WAVEfmt ", 16);
    AV_WL32(head + 4, (uint32_t)bytes + WAV_HEADER - 8);
    AV_WL32(head + 16, 16);
    AV_WL16(head + 20, 3);
    AV_WL16(head + 22, (uint16_t)channels);
    AV_WL32(head + 24, (uint32_t)rate);
    AV_WL32(head + 28, (uint32_t)rate * (uint32_t)channels * 4);
    AV_WL16(head + 32, (uint16_t)(channels * 4));
    AV_WL16(head + 34, 32);
    memcpy(head + 36, "data", 4);
    AV_WL32(head + 40, (uint32_t)bytes);
    if (mt_write_all(fd, head, sizeof head) < 0 || mt_write_all(fd, tape->samples, bytes) < 0)
        return mt_fail_errno(err, "cannot write the sound");
    return 0;
}

static int encode(struct mt_teaser *t, int plain, const int fds[MT_AV_CLIPS], double lufs,
                  struct mt_err *err)
{
    struct mt_av_voice voices[MT_AV_CLIPS];
    struct mt_av_sound sound = {.voices = voices, .limits = t->spec->limits};
    const json_t *loudness;
    json_t *made;

    for (int clip = 0; clip < MT_AV_CLIPS; clip++)
        if (fds[clip] >= 0)
            voices[sound.n++] =
                (struct mt_av_voice){.stream = -1,
                                     .codec = clip == MT_AV_CLIP_WEBM ? "opus" : "aac",
                                     .format = clip == MT_AV_CLIP_WEBM ? "mka" : "mp4",
                                     .bps = 128000,
                                     .channels = 2,
                                     .loudness_lufs = lufs,
                                     .ceiling_dbtp = ceiling,
                                     .fd = fds[clip]};
    made = mt_av_sound(plain, &sound, err);
    if (!made)
        return -1;
    loudness = mt_json_at(made, "voices");
    loudness = mt_json_at(json_array_get(loudness, 0), "loudness.result");
    if (loudness)
        t->loudness =
            json_pack("{s:O, s:O}", "integrated_lufs", json_object_get(loudness, "integrated_lufs"),
                      "true_peak_dbtp", json_object_get(loudness, "true_peak_dbtp"));
    json_decref(made);
    return 0;
}

static int open_tape(struct tape *tape, const struct mt_ear *ear, const struct mt_teaser *t)
{
    const struct mt_av_voice voice = {.stream = -1, .codec = "aac", .format = "mp4", .channels = 2};
    const struct mt_excerpt *last = &t->list[t->n - 1];

    mt_tone_choose(&tape->chain.tone, &voice, mt_ear_stream(ear));
    tape->chain.tone.format = AV_SAMPLE_FMT_FLT;
    tape->n = sample_at(tape, last->at_us + last->length_us);
    tape->samples =
        mt_alloc((size_t)(tape->n + 1) * (size_t)tape->chain.tone.channels * sizeof(float));
    return 0;
}

int mt_teaser_sound(struct mt_teaser *t, int plain, const int fds[MT_AV_CLIPS], struct mt_err *err)
{
    struct tape tape = {.n = 0};
    struct mt_ear *ear = NULL;
    double lufs = target;
    int ret = mt_ear_open(&ear, t->fd, t->spec, err);

    t->mute = !ear;
    if (ret < 0 || !ear)
        goto out;
    ret = -1;
    if (open_tape(&tape, ear, t) < 0 || record_all(&tape, ear, t, err) < 0 ||
        level(&tape, t, &lufs, err) < 0 || write_wav(&tape, plain, err) < 0)
        goto out;
    t->errors += mt_ear_errors(ear);
    ret = encode(t, plain, fds, lufs, err);
out:
    mt_ear_close(&ear);
    free(tape.samples);
    mt_sound_chain_free(&tape.chain);
    return ret;
}
