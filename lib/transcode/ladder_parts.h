/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ladder_parts.h - shared by ladder.c and ladder_parse.c only. */
#ifndef MT_TRANSCODE_LADDER_PARTS_H
#define MT_TRANSCODE_LADDER_PARTS_H

#include "transcode/ladder.h"

/* Peak rate of pictures with so many lines, and the rate of sound beside them. */
int64_t mt_peak_of(int height);
int64_t mt_audio_rate_of(const char *codec, int height);

/* The format that holds sound of the codec alone: "m4a", "opus" ... */
const char *mt_sound_format_of(const char *audio_codec);

/* Fills in what follows from heights that are known, sorts, and refuses what is named twice. */
int mt_ladder_settle(struct mt_ladder *ladder, struct mt_err *err) MT_MUST_USE;

#endif
