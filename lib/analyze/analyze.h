/* SPDX-License-Identifier: GPL-2.0-or-later */
/* analyze.h - the work of media-analyze on one input. */
#ifndef MT_ANALYZE_ANALYZE_H
#define MT_ANALYZE_ANALYZE_H

#include "stage/stage.h"

struct mt_analyze {
    const char *types; /* "loudness,scenes" */
    double silence_db;
    int64_t silence_us, black_us, freeze_us;
    double scene_threshold;
    const struct mt_stage_options *options;
};

/* Whether every type in the list exists. MT_ERR_USAGE. */
int mt_analyze_check(const struct mt_analyze *spec, struct mt_err *err) MT_MUST_USE;

/* The settings that decide what comes out. New. */
json_t *mt_analyze_parameters(const struct mt_analyze *spec);

/*
 * A stage's work function (ctx: struct mt_analyze): one decode answers all types that
 * need only signals (loudness, silence, black, freeze, scenes); a type that needs an engine which
 * is not installed fails the stage, naming what to install, after the others are done.
 */
int mt_analyze_work(struct mt_item *item, void *ctx, struct mt_err *err);

/* What --types knows; ends with NULL. */
extern const char *const mt_analyze_types[];

#endif
