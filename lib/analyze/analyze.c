/* SPDX-License-Identifier: GPL-2.0-or-later */
/* analyze.c - see analyze.h. */
#include "analyze/analyze.h"

#include "av/measure.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* what is 0 where an engine is needed; remedy then says what would provide one. */
static const struct {
    const char *name;
    unsigned what;
    const char *remedy;
} types[] = {
    {"loudness", MT_AV_LOUDNESS, NULL},
    {"silence", MT_AV_SILENCE, NULL},
    {"black", MT_AV_BLACK, NULL},
    {"freeze", MT_AV_FREEZE, NULL},
    {"scenes", MT_AV_SCENES, NULL},
    {"transcription", 0,
     "a speech engine (see media-engine(7)), for instance one that runs whisper.cpp"},
    {"moderation", 0, "a moderation engine (see media-engine(7))"},
    {"objects", 0, "a vision engine (see media-engine(7))"},
    {"faces", 0, "a vision engine (see media-engine(7))"},
};
enum { TYPES = sizeof types / sizeof *types };

struct work {
    const struct mt_analyze *spec;
    struct mt_item *item;
    unsigned what; /* still to be measured */
    char recipe[9];
    json_t *report;
};

const char *const mt_analyze_types[] = {
    "loudness",      "silence",    "black",   "freeze", "scenes",
    "transcription", "moderation", "objects", "faces",  NULL};
_Static_assert(sizeof mt_analyze_types / sizeof *mt_analyze_types == TYPES + 1,
               "each type has its name");

static int find_type(const char *word, struct mt_err *err)
{
    for (int i = 0; i < TYPES; i++)
        if (strcmp(types[i].name, word) == 0)
            return i;
    mt_fail(err, MT_ERR_USAGE, "--types does not know '%s'", word);
    return mt_hint_nearest(err, word, mt_analyze_types, NULL);
}

/* Calls each(ctx, index of the type) for every word; stops at -1. */
static int each_type(const char *list, int (*each)(void *ctx, int type, struct mt_err *err),
                     void *ctx, struct mt_err *err)
{
    char *copy = mt_strdup(list);
    char *rest = copy;
    char *word;
    int ret = 0;

    while (ret == 0 && (word = strsep(&rest, ","))) {
        int type = find_type(word, err);
        ret = type < 0 ? -1 : each ? each(ctx, type, err) : 0;
    }
    free(copy);
    return ret;
}

int mt_analyze_check(const struct mt_analyze *spec, struct mt_err *err)
{
    return each_type(spec->types, NULL, NULL, err);
}

json_t *mt_analyze_parameters(const struct mt_analyze *spec)
{
    return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f}", "types", spec->types, "silence_db",
                     spec->silence_db, "silence", (double)spec->silence_us / 1e6, "black",
                     (double)spec->black_us / 1e6, "freeze", (double)spec->freeze_us / 1e6,
                     "scene_threshold", spec->scene_threshold);
}

/* Raised when the results of the same settings gain members, so that old ones are made again. */
enum { GENERATION = 2 };

/* The thresholds decide the results; which types are asked for together does not. */
static void recipe_of(const struct mt_analyze *spec, char recipe[9])
{
    json_t *settings = mt_analyze_parameters(spec);

    json_object_del(settings, "types");
    json_object_set_new(settings, "generation", json_integer(GENERATION));
    mt_stage_recipe(settings, recipe);
    json_decref(settings);
}

/* In the jailed child. */
static int measure(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct work *w = arg;
    struct mt_av_measure spec = {.what = w->what,
                                 .silence_db = w->spec->silence_db,
                                 .silence_us = w->spec->silence_us,
                                 .black_us = w->spec->black_us,
                                 .freeze_us = w->spec->freeze_us,
                                 .scene_threshold = w->spec->scene_threshold,
                                 .limits = mt_stage_limits(w->spec->options),
                                 .progress = {mt_stage_tell, worker}};
    json_t *report = mt_av_measure(w->item->fd, &spec, err);

    if (!report)
        return -1;
    int ret = mt_worker_send(worker, report, NULL, 0, err);
    json_decref(report);
    return ret;
}

static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;

    (void)data;
    (void)n;
    (void)err;
    json_decref(w->report);
    w->report = json_incref((json_t *)(uintptr_t)line);
    return 0;
}

static void add_result(struct work *w, const char *name, json_t *result)
{
    json_t *doc = w->item->doc;

    if (!json_is_object(json_object_get(doc, "analysis")))
        json_object_set_new(doc, "analysis", json_object());
    json_object_set(json_object_get(doc, "analysis"), name, result);
}

/* Takes what was measured before; the rest is to be measured. */
static int want(void *ctx, int type, struct mt_err *err)
{
    struct work *w = ctx;
    json_t *result = NULL;

    if (!types[type].what)
        return 0;
    result = mt_item_recorded(w->item, types[type].name, w->recipe, err);
    if (result)
        add_result(w, types[type].name, result);
    else if (err->code == MT_ERR_NOT_FOUND)
        w->what |= types[type].what;
    else
        return -1;
    json_decref(result);
    return 0;
}

/* One type's result into the document and the database. */
static int record(void *ctx, int type, struct mt_err *err)
{
    struct work *w = ctx;
    json_t *result = types[type].what & w->what ? mt_json_at(w->report, types[type].name) : NULL;

    if (!result)
        return 0;
    add_result(w, types[type].name, result);
    return mt_item_record(w->item, types[type].name, w->recipe, result, err);
}

static int refuse_engines(void *ctx, int type, struct mt_err *err)
{
    (void)ctx;
    if (types[type].what)
        return 0;
    mt_fail(err, MT_ERR_UNAVAILABLE, "no engine for '%s' is installed", types[type].name);
    return mt_hint(err, "install %s", types[type].remedy);
}

static void note_rest(struct work *w)
{
    json_t *none = mt_json_at(w->report, "not_applicable");

    if (json_object_size(none) > 0)
        json_object_set(w->item->report, "not_applicable", none);
    if (mt_json_int(w->report, "errors", 0) > 0) {
        w->item->status = "degraded";
        json_object_set(w->item->report, "errors", mt_json_at(w->report, "errors"));
        json_object_set(w->item->report, "messages", mt_json_at(w->report, "messages"));
    }
}

int mt_analyze_work(struct mt_item *item, void *ctx, struct mt_err *err)
{
    const struct mt_analyze *spec = ctx;
    struct work w = {.spec = spec, .item = item};
    struct mt_item_work job = {
        .what = "measuring", .run = measure, .arg = &w, .on_line = hear, .ctx = &w};
    int ret = -1;

    recipe_of(spec, w.recipe);
    if (each_type(spec->types, want, &w, err) < 0)
        return -1;
    if (!w.what)
        item->status = "skipped";
    if (w.what) {
        if (mt_item_run(item, &job, err) < 0 || each_type(spec->types, record, &w, err) < 0)
            goto out;
        note_rest(&w);
    }
    ret = each_type(spec->types, refuse_engines, NULL, err);
out:
    json_decref(w.report);
    return ret;
}
