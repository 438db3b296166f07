/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_join.c - the segments and the sound of a rendition become its file. */
#include "av/segment.h"

#include "av/mux.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>

/* The segments that have pictures. */
static int parts_of(const struct mt_av_join *join, struct mt_av_part *parts)
{
    const json_t *segments = json_object_get(join->plan, "segments"), *segment;
    size_t i;
    int n = 0;

    json_array_foreach(segments, i, segment)
    {
        const struct mt_av_piece *piece = &join->pieces[i];

        if (piece->size > 0)
            parts[n++] = (struct mt_av_part){.fd = piece->fd,
                                             .offset = piece->offset,
                                             .size = piece->size,
                                             .stream = -1,
                                             .packets = piece->frames,
                                             .start = mt_json_int(segment, "start", 0)};
    }
    return n;
}

static json_t *report_of(const json_t *muxed)
{
    const json_t *tracks = json_object_get(muxed, "tracks");
    const json_t *video = json_array_get(tracks, 0), *audio = json_array_get(tracks, 1);
    double duration = mt_json_num(muxed, "duration", 0);
    double each = duration > 0 ? 8 / duration : 0;

    return json_pack("{s:I, s:O, s:I, s:I, s:O}", "frames",
                     (json_int_t)mt_json_int(video, "packets", 0), "duration",
                     json_object_get(muxed, "duration"), "video_bps",
                     (json_int_t)((double)mt_json_int(video, "bytes", 0) * each), "audio_bps",
                     (json_int_t)((double)mt_json_int(audio, "bytes", 0) * each), "size_bytes",
                     json_object_get(muxed, "size_bytes"));
}

json_t *mt_av_segments_join(const struct mt_av_join *join, struct mt_err *err)
{
    const json_t *base = json_object_get(join->plan, "base");
    size_t n = json_array_size(json_object_get(join->plan, "segments"));
    struct mt_av_part *parts = mt_alloc((n + 1) * sizeof *parts);
    struct mt_av_part sound = {.fd = join->sound_fd, .stream = -1, .start = MT_AV_OWN_TIMES};
    struct mt_av_track tracks[2] = {
        {.kind = MT_AV_PICTURES,
         .parts = parts,
         .n = parts_of(join, parts),
         .base_num = (int)json_integer_value(json_array_get(base, 0)),
         .base_den = (int)json_integer_value(json_array_get(base, 1)),
         .disposition = MT_AV_DEFAULT},
        {.kind = MT_AV_SOUND,
         .parts = &sound,
         .n = 1,
         .language = mt_json_str(join->plan, "language", NULL),
         .disposition = MT_AV_DEFAULT},
    };
    struct mt_av_mux mux = {.format = "mp4",
                            .tracks = tracks,
                            .n = join->sound_fd < 0 ? 1 : 2,
                            .tags_fd = join->source_fd,
                            .origin_us = mt_json_int(join->plan, "origin_us", 0),
                            .fd = join->fd,
                            .limits = join->limits,
                            .progress = join->progress};
    json_t *muxed = mt_av_mux(&mux, err);
    json_t *report = muxed ? report_of(muxed) : NULL;

    json_decref(muxed);
    free(parts);
    return report;
}
