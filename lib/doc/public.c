/* SPDX-License-Identifier: GPL-2.0-or-later */
/* public.c - see public.h. */
#include "doc/public.h"

#include <stdbool.h>
#include <string.h>

static const char *const kept_exif[] = {
    "orientation",
    "make",
    "model",
    "lens_make",
    "lens_model",
    "software",
    "taken_at",
    "artist",
    "flash",
    "copyright",
    "exposure_time_s",
    "f_number",
    "iso",
    "exposure_bias_ev",
    "focal_length_mm",
    "focal_length_35mm_mm",
    NULL,
};

static const char *const kept_xmp[] = {
    "title",      "creators",     "rights", "usage_terms", "web_statement", "credit", "rating",
    "created_at", "creator_tool", "make",   "model",       "lens_model",    NULL,
};

static const char *const kept_tags[] = {
    /* of the work */
    "title",
    "artist",
    "album",
    "album_artist",
    "performer",
    "composer",
    "genre",
    "track",
    "disc",
    "date",
    "year",
    "publisher",
    "language",
    "isrc",
    "show",
    "season_number",
    "episode_id",
    "network",
    "tracktotal",
    "disctotal",
    "compilation",
    /* of rights */
    "copyright",
    "license",
    "rights",
    "rights-uri",
    /* of the file's making */
    "encoder",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "creation_time",
    "handler_name",
    "vendor_id",
    "mimetype",
    "timecode",
    "duration",
    "bps",
    "number_of_frames",
    "number_of_bytes",
    "variant_bitrate",
    "service_name",
    "service_provider",
    "replaygain_track_gain",
    "replaygain_track_peak",
    "replaygain_album_gain",
    "replaygain_album_peak",
    "alpha_mode",
    "rotate",
    NULL,
};

static const char *const dropped_members[] = {
    "user", "processing_options", "source_url", "name_base64", "extension_mismatch", NULL,
};

static bool is_kept(const char *name, const char *const *kept)
{
    for (; *kept; kept++)
        if (strcmp(name, *kept) == 0)
            return true;
    return false;
}

static void keep_only(json_t *object, const char *const *kept)
{
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, name, value)
    {
        if (!is_kept(name, kept))
            json_object_del(object, name);
    }
}

static void drop_if_empty(json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);

    if (json_is_object(member) && json_object_size(member) == 0)
        json_object_del(object, name);
}

void mt_doc_make_public(json_t *doc)
{
    json_t *asset = json_object_get(doc, "asset");
    json_t *metadata = json_object_get(asset, "metadata");
    json_t *streams = json_object_get(metadata, "streams"), *stream;
    size_t i;

    json_object_del(asset, "uploaded_by");
    if (!json_is_object(metadata))
        return;
    for (const char *const *name = dropped_members; *name; name++)
        json_object_del(metadata, *name);
    keep_only(json_object_get(metadata, "exif"), kept_exif);
    drop_if_empty(metadata, "exif");
    keep_only(json_object_get(metadata, "xmp"), kept_xmp);
    drop_if_empty(metadata, "xmp");
    keep_only(json_object_get(metadata, "tags"), kept_tags);
    json_array_foreach(streams, i, stream)
    {
        keep_only(json_object_get(stream, "tags"), kept_tags);
    }
    json_object_set_new(metadata, "public", json_true());
}
