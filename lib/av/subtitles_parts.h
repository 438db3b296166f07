/* SPDX-License-Identifier: GPL-2.0-or-later */
/* subtitles_parts.h - the report on the text of a film. Private to lib/av. */
#ifndef MT_AV_SUBTITLES_PARTS_H
#define MT_AV_SUBTITLES_PARTS_H

#include "av/line21.h"

/* The report of mt_av_subtitles(), as it grows. */
struct mt_told {
    json_t *report;
    int64_t duration_us; /* of the film: nothing is shown after it */
    size_t text_bytes;   /* so far */
};

void mt_told_init(struct mt_told *told);

/* A tag of the stream, or NULL when it has none or an empty one. */
const char *mt_told_tag(const AVStream *stream, const char *name);

/* A track that was read: the cues are finished and told, unless there were none. */
void mt_told_track(struct mt_told *told, const AVStream *stream, const char *codec,
                   const char *kind, const char *service, const char *language,
                   struct mt_cues *cues);

/* One that cannot be read, and why. codec: NULL for the stream's own. */
void mt_told_unread(struct mt_told *told, const AVStream *stream, const char *codec,
                    const char *reason);

/* All channels and services of closed captions that came with a stream. */
void mt_told_line21(struct mt_told *told, const AVStream *stream, struct mt_line21 *l);

#endif
