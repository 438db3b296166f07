/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain.h - results as plain files in a directory, without a database.
 *
 * Each result DIR/talk-720p.mp4 has a note DIR/.media-toolkit/talk-720p.mp4.json (a '/' in the name
 * written as '%') that says from which source and by which recipe it was made: so
 * a rerun skips what is done, and a file of somebody else's is never replaced.
 */
#ifndef MT_STAGE_PLAIN_H
#define MT_STAGE_PLAIN_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Which source a result comes from; one that changed is another. New. */
json_t *mt_plain_source(const char *name, int64_t size, int64_t mtime_ns);

/*
 * The entry of the result key made by the recipe from the source, when it is still there with
 * the size it had: 1 and *entry (new), else 0. -1 with MT_ERR_FAILED when another file's result, or
 * a file that is no result, stands in the way, unless force.
 */
int mt_plain_made(const char *dir, const char *key, const char *recipe, const json_t *source,
                  bool force, json_t **entry, struct mt_err *err) MT_MUST_USE;

/* As mt_plain_made() for every note whose key begins with prefix; in order of key. An array, new.
 */
json_t *mt_plain_made_below(const char *dir, const char *prefix, const char *recipe,
                            const json_t *source, struct mt_err *err);

/* The key of such a note, and what it says: a text to free(). free() both. */
char *mt_plain_note_key(const char *key);
char *mt_plain_note_text(const char *key, const char *recipe, const json_t *source,
                         const json_t *entry);

/* Notes a result, before it is put in place. */
int mt_plain_note(const char *dir, const char *key, const char *recipe, const json_t *source,
                  const json_t *entry, struct mt_err *err) MT_MUST_USE;

#endif
