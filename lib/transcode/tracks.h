/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tracks.h - which streams of a film its renditions keep. */
#ifndef MT_TRANSCODE_TRACKS_H
#define MT_TRANSCODE_TRACKS_H

#include "transcode/engine.h"

/*
 * The tracks of sound of a probed film, from the document's asset.metadata: the default one
 * first, then in the film's order, commentary and description for the blind last. left_out gets a
 * {"stream", "codec", "reason"} for each stream that renditions do not have: sound beyond
 * the most, attachments. Texts are lent by doc.
 */
int mt_tracks_find(const json_t *doc, struct mt_engine_track tracks[], int most, json_t *left_out);

/* What a stream of asset.metadata is for, of enum mt_av_disposition. */
unsigned mt_tracks_disposition(const json_t *stream);

/* Adds a stream to such a list. */
void mt_tracks_leave_out(json_t *left_out, const json_t *stream, const char *reason);

#endif
