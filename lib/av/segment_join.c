/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_join.c - the segments and the sound of a rendition become its file. */
#include "av/segment.h"

#include "av/mux.h"
#include "av/segment_parts.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* The times of the pictures: those of the film, or ticks of their own. */
static AVRational base_of(const struct mt_av_join *join)
{
    const json_t *base = json_object_get(join->plan, "base");
    AVRational rate =
        join->rendition ? mt_ticks_rate(join->plan, join->rendition) : (AVRational){0, 1};

    if (rate.num > 0)
        return av_inv_q(rate);
    return (AVRational){(int)json_integer_value(json_array_get(base, 0)),
                        (int)json_integer_value(json_array_get(base, 1))};
}

static int64_t start_of(const struct mt_av_join *join, const json_t *segment)
{
    const json_t *base = json_object_get(join->plan, "base");
    AVRational film = {(int)json_integer_value(json_array_get(base, 0)),
                       (int)json_integer_value(json_array_get(base, 1))};
    int64_t start = mt_json_int(segment, "start", 0);
    AVRational rate =
        join->rendition ? mt_ticks_rate(join->plan, join->rendition) : (AVRational){0, 1};

    return rate.num > 0 ? mt_tick_at(start, film, rate) : start;
}

/* The segments that have pictures. */
static int parts_of(const struct mt_av_join *join, struct mt_av_part *parts)
{
    const json_t *segments = json_object_get(join->plan, "segments"), *segment;
    size_t i;
    int n = 0;

    json_array_foreach(segments, i, segment)
    {
        const struct mt_av_piece *piece = &join->pieces[i];

        if (piece->size > 0 && piece->frames > 0)
            parts[n++] = (struct mt_av_part){.fd = piece->fd,
                                             .offset = piece->offset,
                                             .size = piece->size,
                                             .stream = -1,
                                             .packets = piece->frames,
                                             .start = start_of(join, segment)};
    }
    return n;
}

/* What the pictures may come to at most, whatever codec they have. */
static int64_t peak_of(const struct mt_av_join *join)
{
    struct mt_size size;

    if (!join->rendition)
        return 0;
    mt_av_plan_size(join->plan, join->rendition, &size.w, &size.h);
    return mt_video_ceiling(join->rendition, size);
}

/* Fills in the tracks behind the pictures; how many there are. */
static int other_tracks(const struct mt_av_join *join, const struct mt_av_part *sound,
                        struct mt_av_track tracks[])
{
    if (join->n_others > 0) {
        memcpy(tracks, join->others, (size_t)join->n_others * sizeof *tracks);
        return join->n_others;
    }
    tracks[0] = (struct mt_av_track){.kind = MT_AV_SOUND,
                                     .parts = sound,
                                     .n = 1,
                                     .language = mt_json_str(join->plan, "language", NULL),
                                     .disposition = MT_AV_DEFAULT};
    return join->sound_fd < 0 ? 0 : 1;
}

json_t *mt_av_segments_join(const struct mt_av_join *join, struct mt_err *err)
{
    AVRational base = base_of(join);
    size_t n = json_array_size(json_object_get(join->plan, "segments"));
    struct mt_av_part *parts = mt_alloc((n + 1) * sizeof *parts);
    struct mt_av_part sound = {.fd = join->sound_fd, .stream = -1, .start = MT_AV_OWN_TIMES};
    struct mt_av_track tracks[MT_AV_TRACKS_MAX];
    struct mt_av_mux mux = {.format = join->format ? join->format : "mp4",
                            .tracks = tracks,
                            .tags_fd = join->source_fd,
                            .origin_us = mt_json_int(join->plan, "origin_us", 0),
                            .fd = join->fd,
                            .limits = join->limits,
                            .progress = join->progress};
    int64_t peak = peak_of(join);
    json_t *muxed = NULL, *report = NULL;

    tracks[0] = (struct mt_av_track){.kind = MT_AV_PICTURES,
                                     .parts = parts,
                                     .n = parts_of(join, parts),
                                     .base_num = base.num,
                                     .base_den = base.den,
                                     .disposition = MT_AV_DEFAULT,
                                     .peak_bps = peak,
                                     .buffer_bits = peak * MT_AV_BUFFER_S};
    if (join->n_others >= MT_AV_TRACKS_MAX)
        mt_fail(err, MT_ERR_LIMIT, "more than %d tracks", (int)MT_AV_TRACKS_MAX);
    else {
        mux.n = 1 + other_tracks(join, &sound, tracks + 1);
        muxed = mt_av_mux(&mux, err);
    }
    if (muxed)
        report = mt_av_mux_summary(muxed);
    if (report && peak > 0)
        json_object_set_new(report, "peak_bps", json_integer(peak));
    json_decref(muxed);
    free(parts);
    return report;
}
