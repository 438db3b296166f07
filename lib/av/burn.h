/* SPDX-License-Identifier: GPL-2.0-or-later */
/* burn.h - text drawn into pictures. Private to lib/av. */
#ifndef MT_AV_BURN_H
#define MT_AV_BURN_H

#include "av/transcode_parts.h"
#include "typeset/typeset.h"

/*
 * Draws what the text shows at that time of the film into a frame of yuv420p or yuv420p10le, whose
 * colours are those of the look. White of HDR is that of a page of paper (BT.2408), not of the sun.
 */
int mt_burn(struct mt_typeset *typeset, const struct mt_look *look, AVFrame *frame, int64_t time_us,
            struct mt_err *err) MT_MUST_USE;

#endif
