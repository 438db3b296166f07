/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tracks.c - see tracks.h. */
#include "transcode/tracks.h"

#include "av/mux.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    unsigned flag;
} words[] = {
    {"default", MT_AV_DEFAULT},
    {"forced", MT_AV_FORCED},
    {"hearing_impaired", MT_AV_HEARING_IMPAIRED},
    {"visual_impaired", MT_AV_VISUAL_IMPAIRED},
    {"comment", MT_AV_COMMENT},
    {"original", MT_AV_ORIGINAL},
    {"dub", MT_AV_DUB},
    {"captions", MT_AV_CAPTIONS},
    {"lyrics", MT_AV_LYRICS},
};

unsigned mt_tracks_disposition(const json_t *stream)
{
    unsigned flags = 0;
    const json_t *word;
    size_t i;

    json_array_foreach(json_object_get(stream, "disposition"), i, word)
    {
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            if (json_is_string(word) && strcmp(json_string_value(word), words[k].word) == 0)
                flags |= words[k].flag;
    }
    return flags;
}

static int rank(const struct mt_engine_track *track)
{
    if (track->disposition & (MT_AV_VISUAL_IMPAIRED | MT_AV_COMMENT | MT_AV_HEARING_IMPAIRED))
        return 2;
    return track->disposition & MT_AV_DEFAULT ? 0 : 1;
}

static int by_rank(const void *a, const void *b)
{
    const struct mt_engine_track *x = a, *y = b;

    return rank(x) != rank(y) ? rank(x) - rank(y) : x->stream - y->stream;
}

void mt_tracks_leave_out(json_t *left_out, const json_t *stream, const char *reason)
{
    json_array_append_new(left_out,
                          json_pack("{s:I, s:s, s:s}", "stream",
                                    (json_int_t)mt_json_int(stream, "index", -1), "codec",
                                    mt_json_str(stream, "codec", "unknown"), "reason", reason));
}

int mt_tracks_find(const json_t *doc, struct mt_engine_track tracks[], int most, json_t *left_out)
{
    const json_t *stream;
    size_t i;
    int n = 0;

    json_array_foreach(mt_json_at(doc, "asset.metadata.streams"), i, stream)
    {
        const char *type = mt_json_str(stream, "type", "");

        if (strcmp(type, "attachment") == 0)
            mt_tracks_leave_out(left_out, stream, "attachments are not for playing");
        if (strcmp(type, "audio") != 0)
            continue;
        if (mt_json_int(stream, "channels", 0) < 1)
            mt_tracks_leave_out(left_out, stream, "it cannot be decoded");
        else if (n == most)
            mt_tracks_leave_out(left_out, stream, "there are too many tracks of sound");
        else
            tracks[n++] = (struct mt_engine_track){
                .stream = (int)mt_json_int(stream, "index", (int64_t)i),
                .language = mt_json_str(stream, "language", NULL),
                .title = mt_json_str(stream, "tags.title", NULL),
                .disposition = mt_tracks_disposition(stream),
            };
    }
    if (n > 1)
        qsort(tracks, (size_t)n, sizeof *tracks, by_rank);
    return n;
}
