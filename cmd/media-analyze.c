/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-analyze.c - what is in a film, by listening and looking. */
#include "analyze/analyze.h"
#include "av/av.h"
#include "cli/cli.h"
#include "drivers.h"
#include "stage/stage.h"

struct settings {
    struct mt_common common;
    struct mt_stage_options stage;
    const char *types;
    int64_t silence_db, silence_us, black_us, freeze_us, scene_threshold;
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
    MT_STAGE_OPTS(struct settings),
    MT_DRY_RUN_OPT(struct settings),
    MT_COMMON_OPTS(struct settings),
    {0},
};

static const struct mt_example examples[] = {
    {"How loud is it, and where are the cuts:", "media-analyze -t loudness,scenes talk.mov"},
    {"The loudness of files, without a database:",
     "media-analyze -t loudness -o /tmp *.wav | jq .analysis.loudness.integrated_lufs"},
    {NULL, NULL},
};

static const struct mt_cli cli = {
    .name = "media-analyze",
    .summary = "Measures films: loudness, silence, black, freeze and scenes in one decode.",
    .operands = "[FILE|ID ...]",
    .opts = opts,
    .examples = examples,
    .versions = mt_av_versions,
};

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    const struct settings *set = settings;
    struct mt_analyze spec = {.types = set->types,
                              .silence_db = (double)set->silence_db,
                              .silence_us = set->silence_us,
                              .black_us = set->black_us,
                              .freeze_us = set->freeze_us,
                              .scene_threshold = (double)set->scene_threshold,
                              .options = &set->stage};

    if (mt_analyze_check(&spec, err) < 0)
        return -1;
    json_t *parameters = mt_analyze_parameters(&spec);
    struct mt_stage stage = {.name = "analyze",
                             .job_type = "analyze",
                             .parameters = parameters,
                             .common = &set->common,
                             .options = &set->stage,
                             .stores = mt_stores,
                             .dbs = mt_dbs,
                             .work = mt_analyze_work,
                             .ctx = &spec};
    int ret = mt_stage_run(&stage, r, err);
    json_decref(parameters);
    return ret;
}

int main(int argc, char **argv)
{
    struct settings set = {.types = "loudness,silence,black,freeze,scenes",
                           .silence_db = -60,
                           .silence_us = 2000000,
                           .black_us = 500000,
                           .freeze_us = 2000000,
                           .scene_threshold = 10};

    mt_stage_defaults(&set.stage);
    return mt_main(&cli, argc, argv, &set, run);
}
