/* SPDX-License-Identifier: GPL-2.0-or-later */
/* voice.c - see voice.h. */
#include "voice/voice.h"

#include "base/mem.h"
#include "json/json.h"

#include <math.h>
#include <opus.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAME = MT_VOICE_RATE / 50, /* 20 ms */
    FRAMES_MAX = 50 * 3600 * 40,
    HALF_RATE = MT_VOICE_RATE / 2, /* pitch is looked for at 8 kHz */
    WINDOW = HALF_RATE / 25,       /* 40 ms */
    LAG_MIN = HALF_RATE / 400,
    LAG_MAX = HALF_RATE / 70,
    HISTORY = WINDOW + LAG_MAX,
    BITRATE = 24000, /* where the encoder's choice turns at even odds of speech and music */
    NEIGHBOURS = 50, /* on either side: one second */
    WARM_UP = 25,    /* frames after which the classifier has an opinion */
};

static const double voiced_from = 0.5;   /* of the cross-correlation */
static const double speech_share = 0.12; /* of the neighbours that sound */
static const double voiced_share = 0.08;
static const double shortest_s = 0.12;
static const double passing_s = 3;

enum { SOUNDS = 1, SPEECH = 2, VOICED = 4, TAKEN = 8 };

const struct mt_voice_spec mt_voice_usual = {600000, 200000, 30000000};

struct mt_voice {
    OpusEncoder *encoder;
    int16_t frame[FRAME];
    int have;
    float past[HISTORY]; /* at 8 kHz, pre-emphasised */
    float last;
    uint8_t *marks;  /* one a frame */
    uint8_t *levels; /* dB below full scale */
    size_t n, room;
    int64_t samples;
};

int mt_voice_open(struct mt_voice **voice, struct mt_err *err)
{
    struct mt_voice *v = mt_alloc(sizeof *v);
    int problem = OPUS_OK;

    v->encoder = opus_encoder_create(MT_VOICE_RATE, 1, OPUS_APPLICATION_AUDIO, &problem);
    if (!v->encoder || opus_encoder_ctl(v->encoder, OPUS_SET_BITRATE(BITRATE)) != OPUS_OK ||
        opus_encoder_ctl(v->encoder, OPUS_SET_COMPLEXITY(10)) != OPUS_OK ||
        opus_encoder_ctl(v->encoder, OPUS_SET_DTX(1)) != OPUS_OK) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "libopus does not start: %s", opus_strerror(problem));
        mt_voice_close(&v);
        return -1;
    }
    *voice = v;
    return 0;
}

void mt_voice_close(struct mt_voice **voice)
{
    struct mt_voice *v = *voice;

    if (!v)
        return;
    if (v->encoder)
        opus_encoder_destroy(v->encoder);
    free(v->marks);
    free(v->levels);
    free(v);
    *voice = NULL;
}

/* Appends the frame at half the rate, by the mean of pairs, with the highs raised. */
static void remember(struct mt_voice *v)
{
    memmove(v->past, v->past + FRAME / 2, (HISTORY - FRAME / 2) * sizeof *v->past);
    float *to = v->past + HISTORY - FRAME / 2;
    for (int i = 0; i < FRAME / 2; i++) {
        float s = 0.5F * (float)(v->frame[2 * i] + v->frame[2 * i + 1]);
        to[i] = s - 0.95F * v->last;
        v->last = s;
    }
}

/* Whether the last 40 ms repeat themselves, 70 to 400 times a second. */
static bool is_voiced(const struct mt_voice *v)
{
    const float *x = v->past + LAG_MAX;
    double own = 1e-3;

    for (int i = 0; i < WINDOW; i++)
        own += x[i] * x[i];
    for (int lag = LAG_MIN; lag <= LAG_MAX; lag++) {
        double dot = 0, other = 1e-3;
        for (int i = 0; i < WINDOW; i++) {
            dot += x[i] * x[i - lag];
            other += x[i - lag] * x[i - lag];
        }
        if (dot > voiced_from * sqrt(own * other))
            return true;
    }
    return false;
}

/* RFC 6716 section 3.1: configurations below 16 are those with linear prediction. */
static uint8_t classify(struct mt_voice *v)
{
    unsigned char packet[1500];
    opus_int32 quiet = 0;
    int n = opus_encode(v->encoder, v->frame, FRAME, packet, sizeof packet);

    opus_encoder_ctl(v->encoder, OPUS_GET_IN_DTX(&quiet));
    if (n <= 2 || quiet)
        return 0;
    return (uint8_t)(SOUNDS | ((packet[0] >> 3) < 16 ? SPEECH : 0));
}

static uint8_t level(const int16_t *frame)
{
    double sum = 1e-3;

    for (int i = 0; i < FRAME; i++)
        sum += (double)frame[i] * frame[i];
    return (uint8_t)fmin(120, fmax(0, 90.3 - 10 * log10(sum / FRAME)));
}

static void take_frame(struct mt_voice *v)
{
    if (v->n == v->room) {
        v->room = v->room ? 2 * v->room : 4096;
        v->marks = mt_realloc(v->marks, v->room, 1);
        v->levels = mt_realloc(v->levels, v->room, 1);
    }
    remember(v);
    uint8_t mark = classify(v);
    if (mark && is_voiced(v))
        mark |= VOICED;
    v->levels[v->n] = level(v->frame);
    v->marks[v->n++] = mark;
}

int mt_voice_hear(struct mt_voice *v, const int16_t *samples, size_t n, struct mt_err *err)
{
    v->samples += (int64_t)n;
    while (n > 0) {
        size_t take = (size_t)(FRAME - v->have);
        take = take < n ? take : n;
        memcpy(v->frame + v->have, samples, take * sizeof *samples);
        v->have += (int)take;
        samples += take;
        n -= take;
        if (v->have < FRAME)
            return 0;
        if (v->n >= FRAMES_MAX)
            return mt_fail(err, MT_ERR_LIMIT, "more than %d hours of sound", FRAMES_MAX / 180000);
        take_frame(v);
        v->have = 0;
    }
    return 0;
}

/* Lets the neighbours of each sounding frame vote. */
static void vote(struct mt_voice *v)
{
    size_t sounding = 0, speech = 0, voiced = 0;

    for (size_t i = 0; i < v->n + NEIGHBOURS; i++) {
        if (i < v->n) {
            sounding += (v->marks[i] & SOUNDS) != 0;
            speech += (v->marks[i] & SPEECH) != 0;
            voiced += (v->marks[i] & VOICED) != 0;
        }
        if (i > 2 * NEIGHBOURS) {
            uint8_t gone = v->marks[i - 2 * NEIGHBOURS - 1];
            sounding -= (gone & SOUNDS) != 0;
            speech -= (gone & SPEECH) != 0;
            voiced -= (gone & VOICED) != 0;
        }
        if (i < NEIGHBOURS)
            continue;
        uint8_t *mark = &v->marks[i - NEIGHBOURS];
        *mark &= (uint8_t)~TAKEN;
        if ((*mark & SOUNDS) && (double)speech >= speech_share * (double)sounding &&
            (double)voiced >= voiced_share * (double)sounding)
            *mark |= TAKEN;
    }
}

static double seconds(const struct mt_voice *v, size_t frame)
{
    double end = (double)v->samples / MT_VOICE_RATE;
    double at = (double)frame * FRAME / MT_VOICE_RATE;

    return at < end ? at : end;
}

/* The quietest frame, half a second around counted, of the later two thirds of what may be kept. */
static size_t quietest(const struct mt_voice *v, size_t from, size_t most)
{
    size_t best = from + most;
    int best_level = -1;

    for (size_t i = from + most / 3; i < from + most; i++) {
        int sum = 0;
        for (size_t k = i < 5 ? 0 : i - 5; k <= i + 5 && k < v->n; k++)
            sum += v->levels[k];
        if (sum >= best_level) {
            best_level = sum;
            best = i;
        }
    }
    return best;
}

static double share_of_speech(const struct mt_voice *v, size_t from, size_t to)
{
    size_t sounding = 0, speech = 0;

    for (size_t i = from; i < to; i++) {
        sounding += (v->marks[i] & SOUNDS) != 0;
        speech += (v->marks[i] & SPEECH) != 0;
    }
    return sounding ? (double)speech / (double)sounding : 0;
}

static void add_span(const struct mt_voice *v, json_t *spans, size_t from, size_t to)
{
    json_array_append_new(spans,
                          json_pack("{s:o, s:o, s:o}", "start_s", mt_json_real(seconds(v, from), 3),
                                    "end_s", mt_json_real(seconds(v, to), 3), "speech",
                                    mt_json_real(share_of_speech(v, from, to), 2)));
}

/* Too short for speech, or the first notes of something, which sound like it for a moment. */
static bool is_chance(const struct mt_voice *v, size_t from, size_t to)
{
    double length = (double)(to - from) * 0.02;

    return length < shortest_s || (length < passing_s && share_of_speech(v, from, to) < 0.5);
}

static void add_spans(const struct mt_voice *v, json_t *spans, size_t from, size_t to, size_t most)
{
    while (to - from > most) {
        size_t cut = quietest(v, from, most);
        add_span(v, spans, from, cut);
        from = cut;
    }
    add_span(v, spans, from, to);
}

/* The encoder begins in its speech mode: what it says after a while is taken for its beginning too.
 */
static void correct_beginning(struct mt_voice *v)
{
    for (size_t i = 0; i < WARM_UP && v->n > 2 * (size_t)WARM_UP; i++)
        v->marks[i] = (uint8_t)((v->marks[i] & ~SPEECH) | (v->marks[2 * WARM_UP - 1 - i] & SPEECH));
}

/* What is left of the last frame counts as one. */
static void complete(struct mt_voice *v)
{
    if (v->have == 0)
        return;
    memset(v->frame + v->have, 0, (size_t)(FRAME - v->have) * sizeof *v->frame);
    if (v->n < FRAMES_MAX)
        take_frame(v);
    v->have = 0;
}

static size_t frames_of(int64_t us)
{
    return (size_t)(us / 20000);
}

json_t *mt_voice_spans(struct mt_voice *v, const struct mt_voice_spec *spec)
{
    size_t gap = frames_of(spec->gap_us), pad = frames_of(spec->pad_us);
    size_t most = frames_of(spec->most_us) > 50 ? frames_of(spec->most_us) : 50;
    json_t *spans = json_array();
    size_t end = 0; /* of the span before, padded */

    complete(v);
    correct_beginning(v);
    vote(v);
    for (size_t i = 0; i < v->n;) {
        if (!(v->marks[i] & TAKEN)) {
            i++;
            continue;
        }
        size_t from = i, last = i;
        for (; i < v->n && i - last <= gap; i++)
            if (v->marks[i] & TAKEN)
                last = i;
        if (is_chance(v, from, last + 1))
            continue;
        size_t first = from > end + pad ? from - pad : end;
        end = last + 1 + pad < v->n ? last + 1 + pad : v->n;
        add_spans(v, spans, first, end, most);
    }
    return spans;
}

json_t *mt_voice_summary(const struct mt_voice *v)
{
    size_t silence = 0, speech = 0, music = 0;

    for (size_t i = 0; i < v->n; i++) {
        silence += !(v->marks[i] & SOUNDS);
        speech += (v->marks[i] & TAKEN) != 0;
        music += (v->marks[i] & (SOUNDS | SPEECH | TAKEN)) == SOUNDS;
    }
    size_t noise = v->n - silence - speech - music;
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "duration_s",
                     mt_json_real((double)v->samples / MT_VOICE_RATE, 3), "silence_s",
                     mt_json_real((double)silence * 0.02, 2), "speech_s",
                     mt_json_real((double)speech * 0.02, 2), "music_s",
                     mt_json_real((double)music * 0.02, 2), "noise_s",
                     mt_json_real((double)noise * 0.02, 2));
}
