/* SPDX-License-Identifier: GPL-2.0-or-later */
/* describe.h - streams, chapters, tags and colours as JSON. Private to lib/av. */
#ifndef MT_AV_DESCRIBE_H
#define MT_AV_DESCRIBE_H

#include "av/input.h"
#include "av/sample.h"
#include "av/walk.h"

/* All that probe.h lists of a file but "damage"; a new reference. */
json_t *mt_describe_file(const struct mt_in *in, const struct mt_walk *walk,
                         const struct mt_sample *sample);

/* All of these are new references of what probe.h lists. */
json_t *mt_describe_streams(const struct mt_in *in, const struct mt_walk *walk,
                            const struct mt_sample *sample);
json_t *mt_describe_color(const AVStream *stream, const AVFrame *frame);
json_t *mt_describe_chapters(const AVFormatContext *format);

/* Names in lower case, values as clean text; at most 256 of them, 4 KB each. */
json_t *mt_describe_tags(const AVDictionary *tags);

/* What kind of thing it is: "video", "audio" or "image". */
const char *mt_describe_kind(const struct mt_in *in);

/* The timecode of the first frame, "01:00:00:00", or null. */
json_t *mt_describe_timecode(const struct mt_in *in);

#endif
