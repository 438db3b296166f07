/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remux.h - renditions whose pictures, and sound if it can be, are the source's own. */
#ifndef MT_TRANSCODE_REMUX_H
#define MT_TRANSCODE_REMUX_H

#include "transcode/work.h"

/*
 * Whether a stream of pictures, as mt_av_copy_look() describes it, is what the rung asks for: of
 * its codec, its size, upright, progressive, within its rates, with a key frame at least every 10
 * s. A rung with the codec "copy" asks for nothing but that packets can be taken as they are.
 * Writes why not into reason, and gives false.
 */
bool mt_remux_pictures_fit(const struct mt_rung *rung, const json_t *stream, char reason[160]);

/* The same of a stream of sound. */
bool mt_remux_sound_fits(const struct mt_rung *rung, const struct mt_sound_settings *settings,
                         const json_t *stream, char reason[160]);

/* What mt_av_copy_look() says of the work's source. New; NULL on failure. */
json_t *mt_remux_look(struct mt_work *work, struct mt_err *err);

/*
 * Makes those of the work's renditions that can be copies, verifies and publishes them, and
 * takes them off the list. Sound that does not fit is encoded beside pictures that do. Where
 * the source is damaged, or players would find something else than its packets promise, they
 * are encoded instead, unless copies were asked for.
 *
 * What could not be copied and was not asked to be anything else is left out (with --remux=only) or
 * an error (the codec "copy"): MT_ERR_UNSUPPORTED_CODEC, with the reason.
 */
int mt_remux(struct mt_work *work, json_t *left_out, struct mt_err *err) MT_MUST_USE;

#endif
