/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape.c - see shape.h. */
#include "transcode/shape.h"

#include "json/json.h"

#include <stdio.h>
#include <string.h>

static bool is_cover(const json_t *stream)
{
    json_t *word;
    size_t i;

    json_array_foreach(json_object_get(stream, "disposition"), i,
                       word) if (strcmp(json_string_value(word) ? json_string_value(word) : "",
                                        "attached_pic") == 0) return true;
    return false;
}

/* Pictures a second, which the metadata has as "30000/1001"; 0: not known. */
static double rate_of(const json_t *stream)
{
    int num = 0, den = 1;

    if (sscanf(mt_json_str(stream, "frame_rate", ""), "%d/%d", &num, &den) < 1 || den < 1)
        return 0;
    return (double)num / den;
}

/* Newer codecs take about half as much as H.264 for the same pictures, older ones more. */
static int64_t bits_of(const json_t *stream)
{
    const char *codec = mt_json_str(stream, "codec", "");
    bool newer = strcmp(codec, "hevc") == 0 || strcmp(codec, "vp9") == 0 ||
                 strcmp(codec, "av1") == 0 || strcmp(codec, "vvc") == 0;

    return mt_json_int(stream, "bit_rate_bps", 0) * (newer ? 2 : 1);
}

bool mt_source_has_sound(const json_t *doc)
{
    const json_t *stream;
    size_t i;

    json_array_foreach(mt_json_at(doc, "asset.metadata.streams"), i, stream)
    {
        if (strcmp(mt_json_str(stream, "type", ""), "audio") == 0)
            return true;
    }
    return false;
}

const json_t *mt_source_pictures(const json_t *doc)
{
    bool film = strcmp(mt_json_str(doc, "asset.content_type", "video"), "video") == 0;
    json_t *stream;
    size_t i;

    json_array_foreach(mt_json_at(doc, "asset.metadata.streams"), i, stream)
    {
        if (film && strcmp(mt_json_str(stream, "type", ""), "video") == 0 &&
            mt_json_int(stream, "display_width", 0) > 0 &&
            mt_json_int(stream, "display_height", 0) > 0 && !is_cover(stream))
            return stream;
    }
    return NULL;
}

int mt_source_shape(const json_t *doc, struct mt_shape *shape, struct mt_err *err)
{
    const json_t *stream = mt_source_pictures(doc);

    *shape = (struct mt_shape){.w = 0};
    if (stream)
        *shape = (struct mt_shape){.w = (int)mt_json_int(stream, "display_width", 0),
                                   .h = (int)mt_json_int(stream, "display_height", 0),
                                   .fps = rate_of(stream),
                                   .bps = bits_of(stream)};
    if (stream || mt_source_has_sound(doc))
        return 0;
    if (strcmp(mt_json_str(doc, "asset.content_type", ""), "image") == 0)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "it is an image: media-thumbs converts those");
    return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is neither moving picture nor sound in it");
}
