/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.c - the plan before the segments are encoded, and the files afterwards. */
#include "transcode/engine.h"

#include "av/probe.h"
#include "base/mem.h"
#include "json/json.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int mt_engine_jobs(const struct mt_engine *engine)
{
    cpu_set_t set;
    int n = engine->jobs;

    if (n <= 0)
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > MT_JOBS_MAX ? MT_JOBS_MAX : n;
}

/* ---- the plan ---- */

struct planning {
    struct mt_engine *engine;
    json_t *plan;
};

static int send(struct mt_worker *worker, json_t *line, struct mt_err *err)
{
    int ret = line ? mt_worker_send(worker, line, NULL, 0, err) : -1;

    json_decref(line);
    return ret;
}

static int plan(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct planning *p = arg;
    struct mt_av_progress progress = {mt_stage_tell, worker};

    return send(worker, mt_av_plan(p->engine->item->fd, &p->engine->limits, &progress, err), err);
}

static int on_plan(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct planning *p = ctx;

    (void)data;
    (void)n;
    (void)err;
    if (!json_is_array(json_object_get(line, "progress"))) {
        json_decref(p->plan);
        p->plan = json_deep_copy(line);
    }
    return 0;
}

/* With fewer segments than processors the encoders share the processors left over. */
static int64_t threads_for(const struct mt_engine *engine, const json_t *planned)
{
    int n = (int)json_array_size(json_object_get(planned, "segments"));
    int jobs = mt_engine_jobs(engine);

    if (engine->threads > 0)
        return engine->threads;
    return n > 0 && n < jobs ? (jobs + n - 1) / n : 1;
}

/* ---- quality ---- */

struct trying {
    struct mt_engine *engine;
    const json_t *plan;
    double target;
    int scratch;
    json_t *found;
};

static int try_out(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct trying *t = arg;
    struct mt_av_rendition renditions[MT_ENGINE_MOST];
    struct mt_av_quality spec = {.plan = t->plan,
                                 .renditions = renditions,
                                 .n = t->engine->n,
                                 .preset = t->engine->preset,
                                 .threads = mt_engine_jobs(t->engine),
                                 .target = t->target,
                                 .burn = t->engine->burn,
                                 .scratch_fd = t->scratch,
                                 .limits = t->engine->limits,
                                 .progress = {mt_stage_tell, worker}};

    for (int i = 0; i < t->engine->n; i++)
        renditions[i] = t->engine->renditions[i].av;
    return send(worker, mt_av_quality_find(t->engine->item->fd, &spec, err), err);
}

static int on_found(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct trying *t = ctx;

    (void)data;
    (void)n;
    (void)err;
    if (json_object_get(line, "renditions")) {
        json_decref(t->found);
        t->found = json_deep_copy(line);
    }
    return 0;
}

static json_t *find(struct mt_engine *engine, const json_t *planned, double target,
                    struct mt_err *err)
{
    struct trying t = {.engine = engine, .plan = planned, .target = target};
    struct mt_item_work job = {.what = "trying the quality of",
                               .encode = true,
                               .run = try_out,
                               .arg = &t,
                               .on_line = on_found,
                               .ctx = &t,
                               .fds = &t.scratch,
                               .n_fds = 1,
                               .raw = true,
                               .nice = engine->nice};
    int ret;

    t.scratch = memfd_create("samples", MFD_CLOEXEC);
    if (t.scratch < 0) {
        mt_fail_errno(err, "cannot make room for samples");
        return NULL;
    }
    ret = mt_item_run(engine->item, &job, err);
    close(t.scratch);
    if (ret == 0 && (int)json_array_size(json_object_get(t.found, "renditions")) != engine->n)
        ret = mt_fail(err, MT_ERR_CRASHED, "the search for the quality gave no answer");
    if (ret < 0) {
        json_decref(t.found);
        return NULL;
    }
    return t.found;
}

json_t *mt_engine_try(struct mt_engine *engine, struct mt_err *err)
{
    return find(engine, mt_ledger_plan(engine->ledger), 0, err);
}

/* Adds what was found to the plan, by recipe, so that whoever goes on with it does the same. */
static int add_quality(struct mt_engine *engine, json_t *planned, struct mt_err *err)
{
    json_t *found = find(engine, planned, engine->target, err), *by = json_object(), *one;
    size_t i;

    json_array_foreach(json_object_get(found, "renditions"), i, one)
        json_object_set(by, engine->renditions[i].recipe, one);
    json_object_del(found, "renditions");
    if (found)
        json_object_set(found, "recipes", by);
    json_decref(by);
    return found ? json_object_set_new(planned, "quality", found) : -1;
}

static void take_quality(struct mt_engine *engine)
{
    const json_t *by = mt_json_at(mt_ledger_plan(engine->ledger), "quality.recipes");

    for (int i = 0; i < engine->n; i++) {
        struct mt_engine_rendition *r = &engine->renditions[i];

        r->av.crf = (int)mt_json_int(json_object_get(by, r->recipe), "crf", r->av.crf);
    }
}

json_t *mt_engine_tools(void)
{
    json_t *tools = mt_av_versions();

    json_object_set_new(tools, "media-transcode", json_string(MT_VERSION));
    return tools;
}

/* Segments of different encoders do not go together. */
static bool is_planned(const struct mt_engine *engine)
{
    const json_t *kept = mt_ledger_plan(engine->ledger);
    json_t *tools = mt_engine_tools();
    bool same = kept && json_equal(json_object_get(kept, "made_with"), tools);

    json_decref(tools);
    return same;
}

int mt_engine_plan(struct mt_engine *engine, struct mt_err *err)
{
    struct planning p = {.engine = engine};
    struct mt_item_work job = {
        .what = "planning", .run = plan, .arg = &p, .on_line = on_plan, .ctx = &p, .raw = true};
    int ret = 0;

    if (is_planned(engine)) {
        take_quality(engine);
        return 0;
    }
    if (mt_item_run(engine->item, &job, err) < 0)
        ret = -1;
    else if (json_array_size(json_object_get(p.plan, "segments")) == 0)
        ret = mt_fail(err, MT_ERR_BUG, "a plan without segments");
    if (ret == 0) {
        json_object_set_new(p.plan, "made_with", mt_engine_tools());
        json_object_set_new(p.plan, "threads", json_integer(threads_for(engine, p.plan)));
        if (engine->target > 0)
            ret = add_quality(engine, p.plan, err);
    }
    if (ret == 0)
        ret = mt_ledger_set_plan(engine->ledger, p.plan, err);
    if (ret == 0)
        take_quality(engine);
    json_decref(p.plan);
    return ret;
}

/* ---- the files ---- */

enum { MT_OTHERS_MOST = MT_AV_TRACKS_MAX - 1 }; /* tracks beside the pictures */

struct joining {
    struct mt_engine *engine;
    struct mt_engine_rendition *rendition;
    struct mt_av_piece *pieces;
    int n;
    struct mt_av_part parts[MT_OTHERS_MOST];
    struct mt_av_track tracks[MT_OTHERS_MOST];
    int n_tracks;
    int fds[MT_JOBS_MAX + MT_OTHERS_MOST + 2];
    struct mt_item_work work;
    struct mt_item_child *child;
};

/* In the child: joins, then reads back. */
static int join(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct joining *j = arg;
    struct mt_engine_rendition *r = j->rendition;
    struct mt_av_join spec = {.plan = mt_ledger_plan(j->engine->ledger),
                              .pieces = j->pieces,
                              .sound_fd = -1,
                              .others = j->tracks,
                              .n_others = j->n_tracks,
                              .format = r->format,
                              .rendition = &r->av,
                              .source_fd = j->engine->item->fd,
                              .fd = r->av.fd,
                              .limits = j->engine->limits,
                              .progress = {mt_stage_tell, worker}};
    json_t *made = mt_av_segments_join(&spec, err);
    json_t *check = made ? mt_av_check(r->av.fd, &j->engine->limits, &spec.progress, err) : NULL;

    if (!check) {
        json_decref(made);
        return -1;
    }
    return send(worker, json_pack("{s:o, s:o}", "made", made, "check", check), err);
}

static int on_joined(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct joining *j = ctx;
    struct mt_engine_rendition *r = j->rendition;

    (void)data;
    (void)n;
    (void)err;
    if (json_object_get(line, "made")) {
        json_decref(r->made);
        json_decref(r->check);
        r->made = json_deep_copy(json_object_get(line, "made"));
        r->check = json_deep_copy(json_object_get(line, "check"));
    }
    return 0;
}

static void keep_fd(struct joining *j, int fd)
{
    for (int i = 0; i < j->work.n_fds; i++)
        if (j->fds[i] == fd)
            return;
    if (fd >= 0 && j->work.n_fds < MT_JOBS_MAX + MT_OTHERS_MOST + 2)
        j->fds[j->work.n_fds++] = fd;
}

/* The tracks of sound in which there is something to hear; the first is the one to begin with. */
static int add_tracks(struct joining *j, struct mt_err *err)
{
    const struct mt_engine *engine = j->engine;

    for (int i = 0; i < engine->n_tracks && j->n_tracks < MT_OTHERS_MOST; i++) {
        const struct mt_engine_track *track = &engine->tracks[i];
        int64_t voice = mt_engine_voice(j->rendition, track->stream);
        struct mt_av_part *part = &j->parts[j->n_tracks];

        if (strcmp(j->rendition->audio_codec, "copy") == 0) {
            *part = (struct mt_av_part){
                .fd = engine->item->fd,
                .stream = track->stream,
                .start = MT_AV_OWN_TIMES,
                .origin_us = mt_json_int(mt_ledger_plan(engine->ledger), "origin_us", 0)};
        } else if (mt_engine_heard(engine, voice)) {
            *part = (struct mt_av_part){.stream = -1, .start = MT_AV_OWN_TIMES};
            part->fd = mt_ledger_sound_data(engine->ledger, voice, false, err);
            if (part->fd < 0)
                return -1;
        } else {
            continue;
        }
        j->tracks[j->n_tracks] = (struct mt_av_track){
            .kind = MT_AV_SOUND,
            .parts = part,
            .n = 1,
            .language = track->language,
            .title = track->title,
            .disposition = (track->disposition & ~(unsigned)MT_AV_DEFAULT) |
                           (j->n_tracks == 0 ? MT_AV_DEFAULT : 0),
        };
        j->n_tracks++;
    }
    j->n_tracks += mt_texts_add(engine->texts, j->rendition->format, &j->parts[j->n_tracks],
                                &j->tracks[j->n_tracks], MT_OTHERS_MOST - j->n_tracks);
    for (int i = 0; i < j->n_tracks; i++)
        keep_fd(j, j->parts[i].fd);
    return 0;
}

static int prepare_join(struct joining *j, struct mt_engine *engine,
                        struct mt_engine_rendition *rendition, struct mt_err *err)
{
    const json_t *planned = mt_ledger_plan(engine->ledger);

    *j = (struct joining){.engine = engine, .rendition = rendition};
    j->n = (int)json_array_size(json_object_get(planned, "segments"));
    j->pieces = mt_alloc((size_t)j->n * sizeof *j->pieces);
    j->work = (struct mt_item_work){.what = "joining and verifying",
                                    .encode = true,
                                    .run = join,
                                    .arg = j,
                                    .on_line = on_joined,
                                    .ctx = j,
                                    .fds = j->fds,
                                    .raw = true,
                                    .nice = engine->nice};
    keep_fd(j, rendition->av.fd);
    if (add_tracks(j, err) < 0)
        return -1;
    for (int i = 0; i < j->n; i++) {
        j->pieces[i] = mt_ledger_piece(engine->ledger, rendition->recipe, i);
        keep_fd(j, j->pieces[i].fd);
    }
    return 0;
}

/* The mean over all pictures, and the worst of the worst. */
static json_t *score_of(const struct mt_engine *engine, const struct mt_engine_rendition *r)
{
    int n = (int)json_array_size(json_object_get(mt_ledger_plan(engine->ledger), "segments"));
    json_t *worst = json_array();
    int64_t frames = 0;
    double sum = 0;
    char size[32];

    for (int i = 0; i < n; i++) {
        const json_t *segment = mt_ledger_segment(engine->ledger, r->recipe, i);
        json_t *frame;
        size_t k;

        frames += mt_json_int(segment, "frames", 0);
        sum += mt_json_num(segment, "score.sum", 0);
        json_array_foreach(mt_json_at(segment, "score.worst"), k, frame)
        {
            double value = mt_json_num(frame, "value", 1);
            size_t at = json_array_size(worst);

            while (at > 0 && value < mt_json_num(json_array_get(worst, at - 1), "value", 0))
                at--;
            json_array_insert(worst, at, frame);
            json_array_remove(worst, 5);
        }
    }
    snprintf(size, sizeof size, "%lldx%lld", (long long)mt_json_int(r->made, "width", 0),
             (long long)mt_json_int(r->made, "height", 0));
    return json_pack("{s:s, s:o, s:o, s:s}", "metric", "ssim", "value",
                     mt_json_real(frames > 0 ? sum / (double)frames : 0, 5), "worst", worst,
                     "resolution", size);
}

static int finish_join(struct joining *j, struct mt_err *err)
{
    struct mt_engine_rendition *r = j->rendition;
    int w, h;

    if (mt_item_end(&j->child, err) < 0)
        return mt_fail_in(err, "rendition '%s'", r->av.name);
    if (!json_is_object(r->made) || !json_is_object(r->check))
        return mt_fail(err, MT_ERR_CRASHED, "rendition '%s': the joiner said nothing", r->av.name);
    mt_av_plan_size(mt_ledger_plan(j->engine->ledger), &r->av, &w, &h);
    json_object_set_new(r->made, "width", json_integer(w));
    json_object_set_new(r->made, "height", json_integer(h));
    json_decref(r->score);
    r->score = score_of(j->engine, r);
    return 0;
}

/* Several at once, but no more than there are processes. */
static int join_all(struct joining *all, const struct mt_engine *engine, struct mt_err *err)
{
    int jobs = mt_engine_jobs(engine), begun = 0, ended = 0;

    while (ended < engine->n) {
        struct mt_item_child *children[MT_ENGINE_MOST];
        struct joining *running[MT_ENGINE_MOST];
        int n = 0, over;

        for (; begun < engine->n && begun - ended < jobs; begun++)
            if (mt_item_start(engine->item, &all[begun].work, &all[begun].child, err) < 0)
                return -1;
        for (int i = 0; i < begun; i++)
            if (all[i].child) {
                running[n] = &all[i];
                children[n++] = all[i].child;
            }
        mt_engine_tell_renditions(engine, "joining", NULL, 0);
        over = mt_item_wait(children, n);
        if (over < 0)
            continue;
        if (finish_join(running[over], err) < 0)
            return -1;
        ended++;
    }
    mt_engine_tell_renditions(engine, "joining", NULL, 0);
    return 0;
}

int mt_engine_join(struct mt_engine *engine, struct mt_err *err)
{
    struct joining *all = mt_alloc((size_t)engine->n * sizeof *all);
    struct mt_err ignored;
    int ret = mt_engine_gather(engine, err);

    for (int i = 0; i < engine->n && ret == 0; i++)
        ret = prepare_join(&all[i], engine, &engine->renditions[i], err);
    if (ret == 0)
        ret = join_all(all, engine, err);
    for (int i = 0; i < engine->n; i++) {
        if (all[i].child)
            mt_item_end(&all[i].child, &ignored);
        free(all[i].pieces);
    }
    free(all);
    return ret;
}
