/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf.h - settings from YAML files, each value with the place it came from.
 *
 * A file holds one mapping, media_processing, as in media.yaml(5). Nested
 * mappings become dotted paths below it ("processing.thumbnail_count");
 * sequences become one text with commas. Every path must stand in the table of
 * known keys: a misspelt setting is an error with its line, never silence.
 */
#ifndef MT_CONF_CONF_H
#define MT_CONF_CONF_H

#include "base/err.h"

/* One setting that a file may hold. */
struct mt_conf_key {
    const char *path;
    const char *type; /* text, integer, size, duration, boolean, list: for the manual */
    const char *help; /* what it sets; lower case, no full stop */
};

/* All of them, ending with a zeroed one. */
extern const struct mt_conf_key mt_conf_keys[];

struct mt_conf_value {
    char *path;
    char *text;   /* as written; a list with ',' between its items; "" for null */
    char *origin; /* "FILE:LINE" */
};

struct mt_conf {
    struct mt_conf_value *values;
    int n;
};

void mt_conf_init(struct mt_conf *conf);
void mt_conf_free(struct mt_conf *conf);

/*
 * Adds the file's values behind those already there: files that are to win
 * come first. MT_ERR_NO_FILE if it does not exist; MT_ERR_CONFIG with file and line
 * for what is no YAML, an unknown or repeated key, or nesting where text
 * belongs. Files over 1 MiB are refused.
 */
int mt_conf_load(struct mt_conf *conf, const char *file, struct mt_err *err) MT_MUST_USE;

/*
 * Calls each() for every value PREFIX.SECTION.KEY, those of files that win last. What
 * stands directly below prefix is passed over.
 */
void mt_conf_sections(const struct mt_conf *conf, const char *prefix,
                      void (*each)(void *ctx, const char *section, const char *key,
                                   const char *text),
                      void *ctx);

/* The first value with that path, or NULL. */
const struct mt_conf_value *mt_conf_get(const struct mt_conf *conf, const char *path);

#endif
