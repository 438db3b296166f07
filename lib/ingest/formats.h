/* SPDX-License-Identifier: GPL-2.0-or-later */
/* formats.h - the kinds of file that are accepted, and what they are called. */
#ifndef MT_INGEST_FORMATS_H
#define MT_INGEST_FORMATS_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct mt_format {
    const char *name;       /* as in media_processing.supported_formats: "mp4" */
    const char *type;       /* video, audio, image */
    const char *container;  /* libavformat's name of it, as metadata.container says */
    const char *mime;       /* IANA media type, recorded as asset.mime_type */
    const char *extensions; /* usual ones, each followed by a blank; the first names our copy */
};

/* Lists of format names with ',' between them, by type; NULL: all that the table knows. */
struct mt_format_policy {
    const char *video, *audio, *image;
};

/* Every name in the lists is known, else MT_ERR_CONFIG with the nearest one. */
int mt_formats_check(const struct mt_format_policy *policy, struct mt_err *err) MT_MUST_USE;

/*
 * The format of a file that was probed: found is the prober's answer. NULL if
 * the table has none that fits.
 */
const struct mt_format *mt_format_of(const json_t *found);

bool mt_format_accepted(const struct mt_format *format, const struct mt_format_policy *policy);

/* Whether ext is usual for the format ("" is for every one). */
bool mt_format_has_ext(const struct mt_format *format, const char *ext);

/* Whether ext is usual for any format, and for any of the type (NULL: of every type). */
bool mt_ext_known(const char *ext, const char *type);

#endif
