/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read.h - what is said, by the text that a film carries instead of by its sound. */
#ifndef MT_ANALYZE_READ_H
#define MT_ANALYZE_READ_H

#include "analyze/analyze.h"

/* Whether it is looked at, and whether nothing else will do. */
bool mt_read_wanted(const struct mt_analyze *spec);
bool mt_read_only(const struct mt_analyze *spec);

/* What a result of it is recorded by. */
void mt_read_recipe(const struct mt_analyze *spec, char recipe[9]);

/*
 * Reads all subtitles, closed captions and teletext of the item in a jailed child, says in its
 * report's member "texts" what there is, and makes the best of it a transcription with the member
 * "source" and without confidence: nothing was recognised. The best is in a language that may be
 * spoken, that of the main sound first, then by the order of the languages; subtitles before
 * closed captions before teletext; what is for foreign words, comments or programs alone is none.
 *
 * A new reference; NULL with MT_ERR_NOT_APPLICABLE when no text will do, saying why.
 */
json_t *mt_read(struct mt_item *item, const struct mt_analyze *spec, struct mt_err *err);

#endif
