/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ask.h - the engines that one input needs: chosen, run, their answers made into results. */
#ifndef MT_ANALYZE_ASK_H
#define MT_ANALYZE_ASK_H

#include "analyze/analyze.h"
#include "analyze/material.h"
#include "analyze/types.h"

/* One type that an engine is asked for. */
struct mt_question {
    int type;                       /* in mt_analysis_types */
    const struct mt_engine *engine; /* NULL: none would do; err says why */
    char recipe[9];                 /* of engine, version, options, languages */
    bool answered;                  /* found in the database */
    bool failed;
    struct mt_err err;
};

/* Chooses the engine for the type. A failure is kept in the question. */
void mt_ask_prepare(struct mt_question *q, int type, const struct mt_analyze *spec);

/*
 * Runs the engine. The result, a new reference; NULL with *absent (a literal) when the source
 * has nothing for it, or NULL with q->failed. spans and sound come from m; a text
 * engine is handed what item's document says by then.
 */
json_t *mt_ask(struct mt_question *q, struct mt_item *item, const struct mt_analyze *spec,
               const struct mt_material *m, const char **absent);

#endif
