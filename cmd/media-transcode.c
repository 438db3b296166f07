/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-transcode.c - renditions of a film, from one decode, verified before they are published. */
#include "av/av.h"
#include "cli/cli.h"
#include "drivers.h"
#include "stage/stage.h"
#include "transcode/options.h"
#include "transcode/sweep.h"
#include "transcode/transcode.h"

#include <stdlib.h>

struct settings {
    struct mt_common common;
    struct mt_stage_options stage;
    struct mt_transcode_options want;
    const char *preset;
    const char *target_quality;
    bool estimate;
    int64_t crf, jobs, threads, nice, max_load;
    bool distribute, sweep;
    const char *part;
    int64_t part_us;
};

static const char *const presets[] = {"ultrafast", "superfast", "veryfast", "faster",   "fast",
                                      "medium",    "slow",      "slower",   "veryslow", NULL};

static const struct mt_opt opts[] = {
    MT_TRANSCODE_OPTS(struct settings),
    MT_INT(struct settings, crf, 0, "crf", "N", 0, 63, NULL,
           "constant quality, of the codec's scale; less is better and larger"),
    MT_STR(struct settings, target_quality, 0, "target-quality", "SSIM", NULL,
           "find the CRF that gives this likeness: 0.98"),
    MT_FLAG(struct settings, estimate, 0, "estimate",
            "only say what sizes and time it would come to"),
    MT_CHOICE(struct settings, preset, 0, "preset", "NAME", presets, NULL,
              "speed of the encoder: veryfast ... veryslow"),
    MT_INT(struct settings, jobs, 'j', "jobs", "N", 0, MT_JOBS_MAX, NULL,
           "segments encoded at once; 0: one for each processor"),
    MT_INT(struct settings, threads, 0, "threads", "N", 0, 256, NULL,
           "of each encoder; 0: one, more for short films"),
    MT_INT(struct settings, nice, 0, "nice", "N", 0, 19, NULL,
           "lower the priority of encoding by this much"),
    MT_INT(struct settings, max_load, 0, "max-load", "N", 0, 4096, NULL,
           "encode fewer segments at once above this load; 0: never"),
    MT_FLAG(struct settings, distribute, 0, "distribute",
            "give parts of the film to the workers of the queue"),
    MT_DURATION(struct settings, part_us, 0, "part-length", NULL,
                "of film in one such part, about; 30 s"),
    MT_STR(struct settings, part, 0, "part", "N-M", NULL,
           "encode segments N to M only, or 'sound'; for such jobs"),
    MT_FLAG(struct settings, sweep, 0, "sweep", "remove work that was given up a week ago"),
    MT_STAGE_OPTS(struct settings),
    MT_DRY_RUN_OPT(struct settings),
    MT_COMMON_OPTS(struct settings),
    {0},
};

static const struct mt_example examples[] = {
    {"Three renditions of a film, stored and recorded:",
     "media-transcode -q 1080p,720p,480p talk.mov"},
    {"The same as plain files, without a database:", "media-transcode -q 720p -o out talk.mov"},
    {"As part of a pipeline:", "media-ingest talk.mov | media-transcode -q 720p | media-thumbs"},
    {"Spread over all workers of the queue:", "media-transcode --distribute -q 1080p talk.mov"},
    {NULL, NULL},
};

static const struct mt_cli cli = {
    .name = "media-transcode",
    .summary = "Makes renditions of films and of sound, in parallel segments, each verified.",
    .operands = "[FILE|ID ...]",
    .opts = opts,
    .examples = examples,
    .versions = mt_av_versions,
};

static int read_target(const char *text, double *target, struct mt_err *err)
{
    char *end;

    *target = text ? strtod(text, &end) : 0;
    if (!text || (end != text && *end == '\0' && *target >= 0.5 && *target < 1))
        return 0;
    mt_fail(err, MT_ERR_USAGE,
            "--target-quality is a likeness (SSIM) from 0.5 to below 1, not '%s'", text);
    return mt_hint(err, "0.98 is good, 0.99 hard to tell from the source");
}

/* Instead of transcoding. */
static int sweep(const struct mt_run *r, const struct settings *set, struct mt_err *err)
{
    struct mt_transcode_swept swept;
    struct mt_store *store = NULL;
    struct mt_db *db = NULL;
    int ret = -1;

    if (r->n_operands > 0 || set->common.files_from)
        return mt_fail(err, MT_ERR_USAGE, "--sweep is for all of the store, and takes no operands");
    if (mt_db_open(&db, set->common.db, mt_dbs, MT_DB_WRITE, err) == 0 &&
        mt_store_open(&store, set->common.store, mt_stores, true, err) == 0)
        ret = mt_transcode_sweep(db, store, set->common.dry_run, &swept, err);
    if (ret == 0) {
        json_t *answer =
            json_pack("{s:i, s:I, s:I, s:b}", "schema", 1, "works", (json_int_t)swept.works,
                      "objects", (json_int_t)swept.objects, "dry_run", (int)set->common.dry_run);
        ret = mt_print(answer, err);
        json_decref(answer);
    }
    mt_store_close(&store);
    mt_db_close(&db);
    return ret;
}

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    const struct settings *set = settings;
    struct mt_transcode spec = {.crf = set->crf,
                                .estimate = set->estimate,
                                .preset = set->preset,
                                .jobs = set->jobs,
                                .threads = set->threads,
                                .nice = set->nice,
                                .max_load = set->max_load,
                                .options = &set->stage};

    if (set->sweep)
        return sweep(r, set, err);
    if (read_target(set->target_quality, &spec.target, err) < 0)
        return -1;
    if (mt_transcode_options_read(&set->want, &spec, err) < 0)
        return -1;
    if (set->part_us < 1)
        return mt_fail(err, MT_ERR_USAGE, "--part-length is more than nothing");
    json_t *command = mt_run_command(r);
    json_t *parameters = mt_transcode_parameters(&spec);
    spec.distribution = (struct mt_distribution){
        .wanted = set->distribute, .part = set->part, .part_us = set->part_us, .command = command};
    struct mt_stage stage = {.name = "transcode",
                             .job_type = "transcode",
                             .parameters = parameters,
                             .parameters_for = mt_transcode_parameters_for,
                             .common = &set->common,
                             .options = &set->stage,
                             .stores = mt_stores,
                             .dbs = mt_dbs,
                             .film = &mt_film,
                             .work = mt_transcode_work,
                             .unrecorded = set->distribute && !set->common.job,
                             .ctx = &spec};
    int ret = mt_stage_run(&stage, r, err);
    json_decref(parameters);
    json_decref(command);
    return ret;
}

int main(int argc, char **argv)
{
    struct settings set = {
        .want.quality = "1080p,720p,480p", .preset = "medium", .crf = -1, .part_us = 30000000};

    mt_stage_defaults(&set.stage);
    return mt_main(&cli, argc, argv, &set, run);
}
