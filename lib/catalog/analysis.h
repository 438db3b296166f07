/* SPDX-License-Identifier: GPL-2.0-or-later */
/* analysis.h - what was found in a medium, as rows of content_analysis. */
#ifndef MT_CATALOG_ANALYSIS_H
#define MT_CATALOG_ANALYSIS_H

#include "base/clock.h"
#include "db/db.h"

struct mt_analysis {
    const char *asset_id;
    const char *type;           /* transcription, moderation, objects, faces ... */
    const char *language;       /* ar, en; or NULL */
    const char *status;         /* completed, failed */
    const char *outcome;        /* ok, degraded; or NULL */
    double confidence;          /* 0-1; negative: none */
    const json_t *results;      /* lent; the document's member analysis.<type> */
    const struct mt_err *error; /* NULL: none */
    const char *engine;         /* who found it; or NULL */
    const char *recipe;         /* hash of engine, version and settings; or NULL */
    const char *job_id;         /* or NULL */
};

/* Records a finished analysis with its event "analysis.<status>"; its id goes into id. */
int mt_analysis_put(struct mt_db *db, const struct mt_analysis *a, char id[MT_UUID_TEXT],
                    struct mt_err *err) MT_MUST_USE;

/* The row of an analysis by its id or the beginning of it; see mt_lookup(). New. */
json_t *mt_analysis_get(struct mt_db *db, const char *id, struct mt_err *err);

/* All analyses of an asset, newest first. New. */
json_t *mt_analyses_of(struct mt_db *db, const char *asset_id, struct mt_err *err);

/*
 * The newest completed analysis of the type (and language, unless NULL) by the
 * recipe (any if NULL): nothing is to be done again. MT_ERR_NOT_FOUND. New.
 */
json_t *mt_analysis_find(struct mt_db *db, const char *asset_id, const char *type,
                         const char *language, const char *recipe, struct mt_err *err);

#endif
