/* SPDX-License-Identifier: GPL-2.0-or-later */
/* analyze.c - see analyze.h. */
#include "analyze/analyze.h"

#include "analyze/ask.h"
#include "analyze/material.h"
#include "analyze/read.h"
#include "analyze/sidecars.h"
#include "analyze/types.h"
#include "av/measure.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* Raised when the results of the same settings gain members, so that old ones are made again. */
enum { GENERATION = 2 };

struct work {
    const struct mt_analyze *spec;
    struct mt_item *item;
    unsigned what; /* still to be measured */
    bool read;     /* text of the film was looked at just now */
    char recipe[9];
    json_t *report;
    struct mt_material material;
    struct mt_question questions[MT_ANALYSIS_TYPES];
    int n_questions;
};

static int check_wanted(const char *wanted, struct mt_err *err)
{
    char *copy = mt_strdup(wanted);
    char *rest = copy;
    char *word;
    int ret = 0;

    while (ret == 0 && (word = strsep(&rest, ","))) {
        char *equals = strchr(word, '=');
        if (!equals || !equals[1])
            ret = mt_fail(err, MT_ERR_USAGE, "--engine wants TYPE=NAME, not '%s'", word);
        else
            *equals = '\0', ret = mt_analysis_type(word, "--engine", err) < 0 ? -1 : 0;
    }
    free(copy);
    return ret;
}

int mt_analyze_check(const struct mt_analyze *spec, struct mt_err *err)
{
    if (spec->wanted && check_wanted(spec->wanted, err) < 0)
        return -1;
    if (spec->captions && mt_sidecars_check(spec->captions, err) < 0)
        return -1;
    return mt_analysis_each(spec->types, NULL, NULL, err);
}

static bool is_transcription(int type)
{
    return strcmp(mt_analysis_types[type].name, "transcription") == 0;
}

struct need {
    const struct mt_analyze *spec;
    bool engines;
};

static int note_need(void *ctx, int type, struct mt_err *err)
{
    struct need *need = ctx;

    (void)err;
    if (!mt_analysis_types[type].what && !(is_transcription(type) && mt_read_only(need->spec)))
        need->engines = true;
    return 0;
}

bool mt_analyze_needs_engines(const struct mt_analyze *spec)
{
    struct mt_err ignored;
    struct need need = {.spec = spec};

    return mt_analysis_each(spec->types, note_need, &need, &ignored) == 0 && need.engines;
}

json_t *mt_analyze_parameters(const struct mt_analyze *spec)
{
    json_t *parameters = json_pack(
        "{s:s, s:f, s:f, s:f, s:f, s:f}", "types", spec->types, "silence_db", spec->silence_db,
        "silence", (double)spec->silence_us / 1e6, "black", (double)spec->black_us / 1e6, "freeze",
        (double)spec->freeze_us / 1e6, "scene_threshold", spec->scene_threshold);

    if (spec->wanted)
        json_object_set_new(parameters, "engines", mt_json_text(spec->wanted));
    if (spec->captions)
        json_object_set_new(parameters, "captions", mt_json_text(spec->captions));
    if (spec->subtitles)
        json_object_set_new(parameters, "subtitles", mt_json_text(spec->subtitles));
    if (spec->languages)
        json_object_set_new(parameters, "languages", mt_json_text(spec->languages));
    return parameters;
}

/* The thresholds decide the results; which types are asked for together does not. */
static void recipe_of(const struct mt_analyze *spec, char recipe[9])
{
    json_t *settings = mt_analyze_parameters(spec);

    json_object_del(settings, "types");
    json_object_del(settings, "engines");
    json_object_del(settings, "languages");
    json_object_del(settings, "captions");
    json_object_del(settings, "subtitles");
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
    json_t *report = mt_material_measure(&w->material, w->item->fd, &spec, err);

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

/* Takes the result that the same recipe gave before: 1, else 0. */
static int take_recorded(struct work *w, int type, const char *recipe, struct mt_err *err)
{
    const char *name = mt_analysis_types[type].name;
    json_t *result = mt_item_recorded(w->item, name, recipe, err);

    if (!result)
        return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
    add_result(w, name, result);
    json_decref(result);
    return 1;
}

static json_t *member_of(json_t *object, const char *name)
{
    if (!json_is_object(json_object_get(object, name)))
        json_object_set_new(object, name, json_object());
    return json_object_get(object, name);
}

/* Takes what the film's own text says: 1 when that was all, 0 when an engine is to hear. */
static int want_text(struct work *w, struct mt_question *q, struct mt_err *err)
{
    const char *name = mt_analysis_types[q->type].name;
    char recipe[9];

    mt_read_recipe(w->spec, recipe);
    int taken = take_recorded(w, q->type, recipe, err);
    if (taken != 0)
        return taken;
    json_t *result = mt_read(w->item, w->spec, err);
    w->read = true;
    if (!result && err->code == MT_ERR_CANCELLED)
        return -1;
    if (!result && err->code != MT_ERR_NOT_APPLICABLE) {
        q->failed = true;
        q->err = *err;
        return 1;
    }
    if (!result && !mt_read_only(w->spec))
        return 0;
    if (!result) {
        json_object_set_new(member_of(w->item->report, "not_applicable"), name,
                            mt_json_text(err->msg));
        w->n_questions--;
        return 1;
    }
    json_object_del(mt_json_at(w->item->doc, "analysis.engines"), name);
    add_result(w, name, result);
    int ret = mt_item_record(w->item, name, recipe, NULL, result, err);
    json_decref(result);
    return ret < 0 ? -1 : 1;
}

static int want_engine(struct work *w, int type, struct mt_err *err)
{
    struct mt_question *q = &w->questions[w->n_questions++];

    *q = (struct mt_question){.type = type, .answered = true};
    int read = is_transcription(type) && mt_read_wanted(w->spec) ? want_text(w, q, err) : 0;
    if (read != 0)
        return read < 0 ? -1 : 0;
    mt_ask_prepare(q, type, w->spec);
    if (q->failed)
        return 0;
    int taken = take_recorded(w, type, q->recipe, err);
    q->answered = taken == 1;
    if (taken != 0)
        return taken < 0 ? -1 : 0;
    return mt_material_want(&w->material, q->engine, err);
}

/* Takes what was found before; the rest is to be found. */
static int want(void *ctx, int type, struct mt_err *err)
{
    struct work *w = ctx;

    if (!mt_analysis_types[type].what)
        return want_engine(w, type, err);
    int taken = take_recorded(w, type, w->recipe, err);
    if (taken == 0)
        w->what |= mt_analysis_types[type].what;
    return taken < 0 ? -1 : 0;
}

/* One type's result into the document and the database. */
static int record(void *ctx, int type, struct mt_err *err)
{
    struct work *w = ctx;
    const struct mt_analysis_type *t = &mt_analysis_types[type];
    json_t *result = t->what & w->what ? mt_json_at(w->report, t->name) : NULL;

    if (!result)
        return 0;
    add_result(w, t->name, result);
    return mt_item_record(w->item, t->name, w->recipe, NULL, result, err);
}

static int answer(struct work *w, struct mt_question *q, struct mt_err *err)
{
    const char *name = mt_analysis_types[q->type].name;
    const char *absent = NULL;
    json_t *result = mt_ask(q, w->item, w->spec, &w->material, &absent);

    if (absent)
        json_object_set_new(member_of(w->item->report, "not_applicable"), name,
                            json_string(absent));
    if (!result && q->failed && q->err.code == MT_ERR_CANCELLED) {
        *err = q->err;
        return -1;
    }
    if (!result)
        return 0;
    json_object_set_new(member_of(member_of(w->item->doc, "analysis"), "engines"), name,
                        json_pack("{s:o, s:o}", "name", mt_json_text(q->engine->name), "version",
                                  mt_json_text(q->engine->version)));
    add_result(w, name, result);
    int ret = mt_item_record(w->item, name, q->recipe, q->engine->name, result, err);
    json_decref(result);
    return ret;
}

/* Engines that read text are asked last: what the others heard is what they read. */
static int answer_all(struct work *w, struct mt_err *err)
{
    for (int late = 0; late <= 1; late++)
        for (int i = 0; i < w->n_questions; i++) {
            struct mt_question *q = &w->questions[i];
            if (q->failed || q->answered || (q->engine->input == MT_ENGINE_TEXT) != late)
                continue;
            if (answer(w, q, err) < 0)
                return -1;
        }
    return 0;
}

/* Captions of what was heard, now or by an earlier run. */
static int caption(struct work *w, struct mt_err *err)
{
    const char *formats = w->spec->captions   ? w->spec->captions
                          : w->item->asset_id ? "vtt"
                                              : "none";
    const json_t *heard = mt_json_at(w->item->doc, "analysis.transcription");
    int made = 0;

    for (int i = 0; heard && i < w->n_questions; i++)
        if (!w->questions[i].failed && is_transcription(w->questions[i].type) &&
            mt_sidecars(w->item, formats, heard, &made, err) < 0)
            return -1;
    if (made > 0 && strcmp(w->item->status, "skipped") == 0)
        w->item->status = "completed";
    return 0;
}

/* All that failed into the report; the first one is what the stage fails of. */
static int judge(struct work *w, struct mt_err *err)
{
    int failed = 0;

    for (int i = 0; i < w->n_questions; i++) {
        struct mt_question *q = &w->questions[i];
        if (!q->failed)
            continue;
        if (failed++ == 0)
            *err = q->err;
        json_object_set_new(member_of(w->item->report, "failures"), mt_analysis_types[q->type].name,
                            mt_err_to_json(&q->err));
    }
    return failed ? -1 : 0;
}

static void note_rest(struct work *w)
{
    json_t *none = mt_json_at(w->report, "not_applicable");

    json_object_del(none, "ears"); /* of them the engines' own types tell */
    json_object_del(none, "eyes");
    if (json_object_size(none) > 0)
        json_object_set(w->item->report, "not_applicable", none);
    if (mt_json_int(w->report, "errors", 0) > 0) {
        w->item->status = "degraded";
        json_object_set(w->item->report, "errors", mt_json_at(w->report, "errors"));
        json_object_set(w->item->report, "messages", mt_json_at(w->report, "messages"));
    }
}

/* Whether there is anything for the decoding child to do. */
static bool must_decode(const struct work *w)
{
    return w->what || w->material.n_sounds > 0 || w->material.n_pictures > 0;
}

static int decode(struct work *w, struct mt_err *err)
{
    int fds[2 * MT_AV_TAPS_MAX];
    struct mt_item_work job = {
        .what = "measuring", .run = measure, .arg = w, .on_line = hear, .ctx = w, .fds = fds};

    job.n_fds = mt_material_fds(&w->material, fds);
    bool engines = job.n_fds > 0;
    w->item->share = engines ? 0.3 : 1;
    if (mt_item_run(w->item, &job, err) < 0)
        return -1;
    w->item->from = engines ? 0.3 : 0;
    w->item->share = 1 - w->item->from;
    w->material.report = json_incref(w->report);
    note_rest(w);
    return mt_analysis_each(w->spec->types, record, w, err);
}

static bool is_all_recorded(const struct work *w)
{
    for (int i = 0; i < w->n_questions; i++)
        if (!w->questions[i].answered)
            return false;
    return !w->what;
}

int mt_analyze_work(struct mt_item *item, void *ctx, struct mt_err *err)
{
    const struct mt_analyze *spec = ctx;
    struct work w = {.spec = spec, .item = item};
    int ret = -1;

    recipe_of(spec, w.recipe);
    mt_material_init(&w.material, spec->host->tmp);
    if (mt_analysis_each(spec->types, want, &w, err) < 0)
        goto out;
    if (is_all_recorded(&w) && !w.read)
        item->status = "skipped";
    if (must_decode(&w) && decode(&w, err) < 0)
        goto out;
    if (answer_all(&w, err) < 0 || caption(&w, err) < 0)
        goto out;
    ret = judge(&w, err);
out:
    mt_material_free(&w.material);
    json_decref(w.report);
    return ret;
}
