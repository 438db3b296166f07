/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * asr.h - what speech recognisers answer, read with distrust.
 *
 * Servers and programs around Whisper agree in what they say and not in how: times may be
 * missing, swapped, out of order or beyond the sound; words may be pieces of words; texts may
 * not be UTF-8. All readers here give the same segments:
 *
 *   [{"start_s", "end_s", "text", "confidence", "language", "words" [{"text", "start_s", "end_s",
 *     "confidence"}], "doubt"}]
 *
 * which are the members of a finding (media-engine(7)), in seconds of the piece of sound that was
 * asked about. confidence is exp(mean log probability of the tokens) times 1 - the probability
 * that nobody speaks, as far as each is known; language is an ISO 639-1 code, if any. doubt is "no
 * speech" where the model by its own rule should have been silent (Whisper: no_speech_prob above
 * 0.6 and avg_logprob below -1).
 */
#ifndef MT_ASR_ASR_H
#define MT_ASR_ASR_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The answer of an OpenAI-compatible /audio/transcriptions: verbose_json, or json of those
 * models that know no times (one segment then). n bytes, which need not be UTF-8. A new
 * array; NULL with MT_ERR_BUSY when it is no JSON or only half of it, MT_ERR_FAILED when it is JSON
 * of something else.
 */
json_t *mt_asr_openai(const char *text, size_t n, double length_s, struct mt_err *err);

/*
 * Where requests go: url itself if it ends in "/transcriptions" or "/inference", else what lies
 * below it as the API has it. free() it.
 */
char *mt_asr_endpoint(const char *url);

/* The file that whisper.cpp's whisper-cli writes with -ojf; likewise. */
json_t *mt_asr_whispercpp(const char *text, size_t n, struct mt_err *err);

/*
 * Moves segments, in place, by start_s, after having made their times and those of their words lie
 * within 0 and length_s, end after they start, and follow each other. Returns how many segments
 * had to be changed by more than a tenth of a second, or out of order; each of them gets
 * "adjusted": true.
 */
int64_t mt_asr_fit(json_t *segments, double start_s, double length_s);

/* What a server of transcriptions answered instead of one. */
struct mt_asr_refusal {
    long status;      /* of HTTP */
    const char *text; /* its body, n bytes; or NULL */
    size_t n;
    const char *redirect; /* where it sends us, or NULL */
    int64_t attempts;     /* how often it was asked */
};

/* Whether the same request may be answered later: overload, but not an account that is used up. */
bool mt_asr_is_temporary(const struct mt_asr_refusal *refusal);

/*
 * The refusal as an error with its remedy, which speaks of the engine's options. MT_ERR_BUSY if it
 * is temporary, MT_ERR_CONFIG if something is to be configured, else MT_ERR_FAILED. Returns -1.
 */
int mt_asr_refuse(const struct mt_asr_refusal *refusal, struct mt_err *err);

#endif
