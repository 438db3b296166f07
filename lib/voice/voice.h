/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * voice.h - where in a recording somebody may be speaking.
 *
 * Recognisers invent words for silence and music, so they are only given what may be
 * speech. Three questions are asked of every 20 ms:
 *   - Is anything to be heard? libopus says so by sending nothing (DTX, RFC 6716 section 2.1.9).
 *   - Is it more like speech or like music? The neural classifier of the Opus encoder decides for
 *     its linear-prediction or its MDCT mode; the mode stands in the packet's first byte
 *     (RFC 6716 section 3.1).
 *   - Is there a voice in it? Speech is periodic with 70 to 400 Hz for a good part of the time,
 *     noise is not: the normalised cross-correlation of the pre-emphasised signal.
 * Neighbours within two seconds vote, with the scales tipped towards speech: to hand on
 * a little too much costs time, to withhold speech would be a lie.
 */
#ifndef MT_VOICE_VOICE_H
#define MT_VOICE_VOICE_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { MT_VOICE_RATE = 16000 }; /* samples a second, one channel */

struct mt_voice;

struct mt_voice_spec {
    int64_t gap_us;  /* a shorter pause does not end a span: 0.6 s */
    int64_t pad_us;  /* what a span has before and after the speech: 0.2 s */
    int64_t most_us; /* longer spans are cut where they are quietest: 30 s */
};

extern const struct mt_voice_spec mt_voice_usual;

/* MT_ERR_UNAVAILABLE when libopus does not start. */
int mt_voice_open(struct mt_voice **voice, struct mt_err *err) MT_MUST_USE;
void mt_voice_close(struct mt_voice **voice);

/* Hears the next n samples. At most about 40 hours, then MT_ERR_LIMIT. */
int mt_voice_hear(struct mt_voice *voice, const int16_t *samples, size_t n,
                  struct mt_err *err) MT_MUST_USE;

/*
 * Ends the recording. [{"start_s", "end_s", "speech"}], in order, without overlap;
 * speech is the share of its sounding part that was taken for speech rather than music.
 * A new reference.
 */
json_t *mt_voice_spans(struct mt_voice *voice, const struct mt_voice_spec *spec);

/* What was heard in all: {"duration_s", "silence_s", "speech_s", "music_s", "noise_s"}. New. */
json_t *mt_voice_summary(const struct mt_voice *voice);

#endif
