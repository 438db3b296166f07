/* SPDX-License-Identifier: GPL-2.0-or-later */
/* analyze.h - the work of media-analyze on one input. */
#ifndef MT_ANALYZE_ANALYZE_H
#define MT_ANALYZE_ANALYZE_H

#include "engine/engine.h"
#include "stage/stage.h"

struct mt_analyze {
    const char *types; /* "loudness,scenes" */
    double silence_db;
    int64_t silence_us, black_us, freeze_us;
    double scene_threshold;

    const char *wanted;    /* "transcription=speech-openai,objects=...", or NULL */
    const char *languages; /* "ar,en": what may be spoken, the likeliest first; or NULL */
    const char *captions;  /* "vtt,srt,ttml,txt", "none"; NULL: vtt, but none with -o DIR */
    const char *subtitles; /* of mt_analyze_texts: what becomes of text in the film; NULL: ignore */
    int64_t engine_stall_us; /* longest silence of an engine */
    int64_t engine_jobs;     /* processes of one engine at once; 0: as many as processors */
    const struct mt_engine_host *host;
    const struct mt_engines *engines; /* found by the caller; NULL when no type needs any */

    const struct mt_stage_options *options;
};

/* Whether every type in the list, and in wanted, exists. MT_ERR_USAGE. */
int mt_analyze_check(const struct mt_analyze *spec, struct mt_err *err) MT_MUST_USE;

/* Whether any of the types may need an engine. Wants a checked spec. */
bool mt_analyze_needs_engines(const struct mt_analyze *spec);

/* The settings that decide what comes out. New. */
json_t *mt_analyze_parameters(const struct mt_analyze *spec);

/*
 * A stage's work function (ctx: struct mt_analyze): one decode answers all types that
 * need only signals (loudness, silence, black, freeze, scenes) and hands the engines of the others
 * what they asked for. A type whose engine is missing or fails does not keep the others
 * from being done; the stage then fails with the first such cause, all of them stand in
 * its member "failures". A type for which there is nothing in the source is in "not_applicable".
 */
int mt_analyze_work(struct mt_item *item, void *ctx, struct mt_err *err);

/* What --types and --subtitles know; NULL ends. */
extern const char *const mt_analyze_types[], *const mt_analyze_texts[];

#endif
