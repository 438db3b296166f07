/* SPDX-License-Identifier: GPL-2.0-or-later */
/* select.h - which streams of an opened file matter. Private to lib/av. */
#ifndef MT_AV_SELECT_H
#define MT_AV_SELECT_H

#include "av/input.h"

/*
 * Chooses in->video, in->audio and in->cover. MT_ERR_ENCRYPTED when a stream
 * is protected, NO_MEDIA when there is neither picture nor sound,
 * UNSUPPORTED_CODEC when none of what there is has a permitted decoder.
 */
int mt_in_select(struct mt_in *in, struct mt_err *err) MT_MUST_USE;

/* Whether a picture stream is something beside the film: cover art or a thumbnail. */
bool mt_stream_is_cover(const AVStream *stream);

#endif
