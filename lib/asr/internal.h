/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the readers. */
#ifndef MT_ASR_INTERNAL_H
#define MT_ASR_INTERNAL_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

/* The bytes as a JSON object, whatever they are; what names the program that wrote them. */
json_t *mt_asr_parse(const char *what, const char *text, size_t n, struct mt_err *err);

/*
 * Makes words of a model's tokens, in place: what does not begin with a blank continues the word
 * before, if any does begin with one; blanks around are removed, empty words dropped. Where tokens
 * are parts of characters, the words are taken from text, if there are as many of them;
 * otherwise all are dropped. words: [{"text", "start_s", "end_s", "confidence"}].
 */
void mt_asr_words(json_t *words, const char *text);

/* log_prob: mean of the tokens, NAN if not known; no_speech: 0..1, NAN likewise. null if neither
 * is known. New. */
json_t *mt_asr_confidence(double log_prob, double no_speech);

#endif
