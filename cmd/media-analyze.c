/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-analyze.c - what is in a film, by listening and looking. */
#include "analyze/analyze.h"
#include "av/av.h"
#include "base/mem.h"
#include "captions/captions.h"
#include "cli/cli.h"
#include "drivers.h"
#include "engine/engine.h"
#include "proc/proc.h"
#include "stage/stage.h"
#include "json/json.h"

#include <stdlib.h>

struct settings {
    struct mt_common common;
    struct mt_stage_options stage;
    const char *types;
    int64_t silence_db, silence_us, black_us, freeze_us, scene_threshold;
    const char *engine, *languages, *engine_path, *captions, *subtitles;
    int64_t engine_stall_us, engine_jobs;
    bool list_engines;
};

static const struct mt_opt opts[] = {
    MT_LIST(struct settings, types, 't', "types", "LIST", mt_analyze_types, NULL,
            "loudness, silence, black, freeze, scenes ..."),
    MT_INT(struct settings, silence_db, 0, "silence-level", "DBFS", -120, 0, NULL,
           "softer than this is silence"),
    MT_DURATION(struct settings, silence_us, 0, "silence-min", NULL, "shortest silence to report"),
    MT_DURATION(struct settings, black_us, 0, "black-min", NULL, "shortest black to report"),
    MT_DURATION(struct settings, freeze_us, 0, "freeze-min", NULL, "shortest freeze to report"),
    MT_INT(struct settings, scene_threshold, 0, "scene-threshold", "N", 1, 100, NULL,
           "how strong a change is a cut, 1 to 100"),
    MT_STR(struct settings, engine, 0, "engine", "TYPE=NAME", NULL,
           "use this engine for the type; several with commas"),
    MT_STR(struct settings, languages, 0, "languages", "LIST", "processing.languages",
           "what may be spoken, likeliest first: ar,en"),
    MT_LIST(struct settings, captions, 0, "captions", "LIST", mt_caption_formats, NULL,
            "make captions of a transcription, or none"),
    MT_CHOICE(struct settings, subtitles, 0, "subtitles", "HOW", mt_analyze_texts, NULL,
              "take what is said from the film's own text: use, only"),
    MT_STR(struct settings, engine_path, 0, "engine-path", "DIRS", "engines.path",
           "directories of engines, parted by colons"),
    MT_DURATION(struct settings, engine_stall_us, 0, "engine-stall", NULL,
                "longest silence of an engine"),
    MT_INT(struct settings, engine_jobs, 0, "engine-jobs", "N", 0, 16, NULL,
           "processes of one engine at once; 0: all processors"),
    MT_FLAG(struct settings, list_engines, 0, "list-engines",
            "list the engines and what they lack"),
    MT_STAGE_OPTS(struct settings),
    MT_DRY_RUN_OPT(struct settings),
    MT_COMMON_OPTS(struct settings),
    {0},
};

static const struct mt_example examples[] = {
    {"How loud is it, and where are the cuts:", "media-analyze -t loudness,scenes talk.mov"},
    {"The loudness of files, without a database:",
     "media-analyze -t loudness -o /tmp *.wav | jq .analysis.loudness.integrated_lufs"},
    {"What is said, as captions beside the file:",
     "media-analyze -t transcription --captions vtt,srt -o . talk.mov"},
    {"What is said by the subtitles or closed captions in it, or heard if it has none:",
     "media-analyze -t transcription --subtitles use --languages ar,en film.ts"},
    {NULL, NULL},
};

static const struct mt_cli cli = {
    .name = "media-analyze",
    .summary = "Measures films, and asks engines what is said and seen in them; one decode.",
    .operands = "[FILE|ID ...]",
    .opts = opts,
    .examples = examples,
    .versions = mt_av_versions,
};

static void add_option(void *ctx, const char *section, const char *key, const char *text)
{
    json_t *options = ctx;

    if (!json_object_get(options, section))
        json_object_set_new(options, section, json_object());
    json_object_set_new(json_object_get(options, section), key, mt_json_text(text));
}

/* MEDIA_ENGINE_PATH or --engine-path, then those beside this program, then those installed. */
static char *engine_path(const struct mt_run *r, const struct settings *set)
{
    return mt_asprintf("%s:%s../libexec/media-toolkit/engines:%s/engines",
                       set->engine_path ? set->engine_path : "", r->dir, mt_libexec());
}

static int list(const struct mt_engines *engines, struct mt_err *err)
{
    json_t *all = json_array();

    for (int i = 0; i < engines->n; i++) {
        json_t *entry = json_copy(engines->list[i].about);
        json_object_set_new(entry, "path", mt_json_text(engines->list[i].path));
        json_object_set_new(entry, "ready", json_boolean(engines->list[i].ready));
        json_array_append_new(all, entry);
    }
    json_t *doc = json_pack("{s:o, s:O}", "engines", all, "broken", engines->broken);
    int ret = mt_print(doc, err);
    json_decref(doc);
    return ret;
}

static int analyze(struct mt_run *r, const struct settings *set, struct mt_analyze *spec,
                   struct mt_err *err)
{
    json_t *parameters = mt_analyze_parameters(spec);
    struct mt_stage stage = {.name = "analyze",
                             .job_type = "analyze",
                             .takes_held = true, /* findings help to decide */
                             .parameters = parameters,
                             .common = &set->common,
                             .options = &set->stage,
                             .stores = mt_stores,
                             .dbs = mt_dbs,
                             .film = &mt_film,
                             .work = mt_analyze_work,
                             .ctx = spec};
    int ret = mt_stage_run(&stage, r, err);

    json_decref(parameters);
    return ret;
}

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    const struct settings *set = settings;
    const char *tmp = mt_env_get(r->env, "TMPDIR");
    json_t *options = json_object();
    char *path = engine_path(r, set);
    struct mt_engine_host host = {.path = path, .tmp = tmp ? tmp : "/var/tmp", .options = options};
    struct mt_engines engines = {0};
    struct mt_analyze spec = {.types = set->types,
                              .silence_db = (double)set->silence_db,
                              .silence_us = set->silence_us,
                              .black_us = set->black_us,
                              .freeze_us = set->freeze_us,
                              .scene_threshold = (double)set->scene_threshold,
                              .wanted = set->engine,
                              .languages = set->languages,
                              .captions = set->captions,
                              .subtitles = set->subtitles,
                              .engine_stall_us = set->engine_stall_us,
                              .engine_jobs = set->engine_jobs,
                              .host = &host,
                              .engines = &engines,
                              .options = &set->stage};
    int ret = mt_analyze_check(&spec, err);

    mt_conf_sections(r->conf, "engines", add_option, options);
    if (ret == 0 && (set->list_engines || mt_analyze_needs_engines(&spec)))
        mt_engines_find(&engines, &host);
    if (ret == 0)
        ret = set->list_engines ? list(&engines, err) : analyze(r, set, &spec, err);
    mt_engines_free(&engines);
    json_decref(options);
    free(path);
    return ret;
}

int main(int argc, char **argv)
{
    struct settings set = {.types = "loudness,silence,black,freeze,scenes",
                           .silence_db = -60,
                           .silence_us = 2000000,
                           .black_us = 500000,
                           .freeze_us = 2000000,
                           .scene_threshold = 10,
                           .engine_stall_us = INT64_C(600000000)};

    mt_stage_defaults(&set.stage);
    return mt_main(&cli, argc, argv, &set, run);
}
