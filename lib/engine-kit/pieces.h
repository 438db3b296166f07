/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pieces.h - a task's spans of speech, put together into what is recognised at once. */
#ifndef MT_ENGINE_KIT_PIECES_H
#define MT_ENGINE_KIT_PIECES_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

struct mt_kit_piece {
    double start_s, end_s;
};

/*
 * Neighbouring spans of the task (lent) with at most gap_s between them, as pieces of at most
 * most_s; a longer span stays a piece of its own. *n is how many; free() them. NULL when there are
 * none.
 */
struct mt_kit_piece *mt_kit_pieces(const json_t *task, double most_s, double gap_s, size_t *n);

/* The sound of a piece as a WAV file of *bytes bytes; free() it. As mt_kit_samples(). */
void *mt_kit_wav(const json_t *task, const struct mt_kit_piece *piece, size_t *bytes,
                 struct mt_err *err);

/*
 * An option of the task (lent) that is a whole number; every value of the configuration is a text.
 * fallback when there is none. MT_ERR_CONFIG, naming the option.
 */
int mt_kit_number(const json_t *options, const char *name, int64_t lo, int64_t hi, int64_t fallback,
                  int64_t *out, struct mt_err *err) MT_MUST_USE;

/* The only language that the task allows, or NULL when it allows several or any. Lent. */
const char *mt_kit_only_language(const json_t *task);

#endif
