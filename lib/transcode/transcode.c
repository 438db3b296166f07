/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode.c - see transcode.h. */
#include "transcode/transcode.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/lease.h"
#include "transcode/damage.h"
#include "transcode/distribute.h"
#include "transcode/engine.h"
#include "transcode/options.h"
#include "transcode/remux.h"
#include "transcode/shape.h"
#include "transcode/tracks.h"
#include "transcode/work.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* How much of the work reading the packets is, and encoding; the rest is reading the results. */
static const double PLANNING = 0.02, ENCODING = 0.93;

const char *const mt_remux_words[] = {"auto", "never", "only", NULL};

json_t *mt_transcode_parameters(const struct mt_transcode *spec)
{
    json_t *qualities = json_array(), *rungs = json_array();

    if (spec->ladder.automatic)
        json_array_append_new(qualities, json_string("auto"));
    for (int i = 0; i < spec->ladder.n; i++)
        json_array_append_new(qualities, json_string(spec->ladder.rungs[i].name));
    for (int i = 0; i < spec->ladder.n; i++)
        json_array_append_new(rungs, mt_rung_settings(&spec->ladder.rungs[i]));
    return json_pack("{s:o, s:o, s:o, s:I, s:s, s:s, s:s}", "qualities", qualities, "renditions",
                     rungs, "sound", mt_sound_settings_json(&spec->sound), "crf",
                     (json_int_t)spec->crf, "preset", spec->preset, "remux",
                     mt_remux_words[spec->remux], "subtitles",
                     spec->subtitles ? spec->subtitles : "all");
}

json_t *mt_transcode_parameters_for(const json_t *doc, void *ctx, struct mt_err *err)
{
    struct mt_transcode own = *(const struct mt_transcode *)ctx;

    if (mt_transcode_ladder(ctx, doc, &own.ladder, err) < 0)
        return NULL;
    return mt_transcode_parameters(&own);
}

/* All that decides the bytes of one rendition, short enough for a name. */
static void recipe_of(const struct mt_transcode *spec, const struct mt_rung *rung, char recipe[9])
{
    json_t *settings =
        json_pack("{s:o, s:o, s:I, s:s, s:s, s:s}", "rung", mt_rung_settings(rung), "sound",
                  mt_sound_settings_json(&spec->sound), "crf", (json_int_t)spec->crf, "preset",
                  spec->preset, "remux", mt_remux_words[spec->remux], "subtitles",
                  spec->subtitles ? spec->subtitles : "all");

    if (spec->target > 0)
        json_object_set_new(settings, "target", json_real(spec->target));
    if (spec->burn.which)
        json_object_set_new(
            settings, "burn_in",
            json_pack("[s, s]", spec->burn.file ? "file" : spec->burn.which, spec->burn.identity));
    mt_stage_recipe(settings, recipe);
    json_decref(settings);
}

/* Takes what was made before, and lists what is to do. */
static int plan(struct mt_work *w, struct mt_err *err)
{
    for (int i = 0; i < w->ladder.n; i++) {
        struct mt_rendition *r = &w->todo[w->n];
        json_t *entry = NULL;

        *r = (struct mt_rendition){.rung = &w->ladder.rungs[i]};
        recipe_of(w->spec, r->rung, r->recipe);
        struct mt_output output = mt_rendition_output(r);
        int made = mt_item_made(w->item, &output, &entry, err);
        if (made < 0)
            return -1;
        if (made) {
            mt_transcode_add(w->item->doc, entry);
            json_decref(entry);
        } else {
            w->n++;
        }
    }
    return 0;
}

static int begin_all(struct mt_work *w, struct mt_err *err)
{
    for (int i = 0; i < w->n; i++) {
        struct mt_output output = mt_rendition_output(&w->todo[i]);
        if (mt_item_begin(w->item, &output, &w->todo[i].making, err) < 0)
            return -1;
    }
    return 0;
}

/* One ledger for each ladder, whichever of its renditions are there already. */
static void work_name(const struct mt_work *w, char recipe[9])
{
    json_t *all = json_array();

    for (int i = 0; i < w->ladder.n; i++) {
        char one[9];
        recipe_of(w->spec, &w->ladder.rungs[i], one);
        json_array_append_new(all, json_string(one));
    }
    mt_stage_recipe(all, recipe);
    json_decref(all);
}

/* What tells a source from another one of that name. New. */
static json_t *identity_of(const struct mt_item *item)
{
    struct stat st = {0};

    (void)fstat(item->fd, &st);
    return json_pack("{s:s, s:I, s:I}", "name", item->name, "size_bytes", (json_int_t)st.st_size,
                     "modified_ns",
                     (json_int_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
}

static int open_ledger(struct mt_work *w, struct mt_err *err)
{
    char name[9];
    json_t *source = identity_of(w->item);
    char *dir;
    int ret = -1;

    work_name(w, name);
    dir = mt_item_workdir(w->item, name, err);
    if (dir)
        ret = mt_ledger_open(&w->ledger, dir, source, err);
    if (ret == 0)
        mt_ledger_sweep(w->ledger);
    free(dir);
    json_decref(source);
    return ret;
}

static int crf_of(const struct mt_transcode *spec, const struct mt_rung *rung)
{
    if (rung->crf >= 0)
        return rung->crf;
    return spec->crf >= 0 ? (int)spec->crf : mt_av_default_crf(rung->video_codec);
}

static void describe(const struct mt_work *w, struct mt_engine *engine,
                     struct mt_engine_rendition renditions[])
{
    const struct mt_transcode *spec = w->spec;

    for (int i = 0; i < w->n; i++) {
        const struct mt_rendition *r = &w->todo[i];
        renditions[i] = (struct mt_engine_rendition){
            .recipe = r->recipe,
            .format = r->rung->format,
            .audio_codec = r->rung->audio_codec,
            .av = {.name = r->rung->name,
                   .height_px = r->rung->height_px,
                   .video_bps = r->rung->video_bps,
                   .max_bps = r->rung->max_bps,
                   .codec = r->rung->video_codec,
                   .crf = crf_of(spec, r->rung),
                   .audio_bps = r->rung->audio_bps,
                   .upscale = r->rung->upscale,
                   .fps = r->rung->fps,
                   .max_fps = r->rung->max_fps,
                   .constant = r->rung->constant,
                   .fd = r->making.put ? mt_put_fd(r->making.put) : -1}};
    }
    *engine = (struct mt_engine){.item = w->item,
                                 .ledger = w->ledger,
                                 .renditions = renditions,
                                 .n = w->n,
                                 .tracks = w->tracks,
                                 .n_tracks = w->n_tracks,
                                 .texts = &w->texts,
                                 .sound = &spec->sound,
                                 .preset = spec->preset,
                                 .jobs = (int)spec->jobs,
                                 .threads = (int)spec->threads,
                                 .nice = (int)spec->nice,
                                 .max_load = (double)spec->max_load,
                                 .target = spec->target,
                                 .limits = mt_stage_limits(spec->options)};
}

/* After the plan, which knows where the film begins. */
static int open_burning(struct mt_work *w, struct mt_engine *engine, struct mt_err *err)
{
    const json_t *planned = mt_ledger_plan(w->ledger);

    if (mt_burning_open(&w->burning, w, mt_json_int(planned, "origin_us", 0),
                        mt_json_int(planned, "duration_us", 0), err) < 0)
        return -1;
    engine->burn = w->burning.text.script ? &w->burning.text : NULL;
    return 0;
}

/* Encodes samples, says what all of it would come to, and makes nothing. */
static int estimate(struct mt_work *w, struct mt_err *err)
{
    struct mt_engine_rendition renditions[MT_RUNGS_MAX];
    struct mt_engine engine;
    json_t *found;
    bool fresh;

    if (open_ledger(w, err) < 0)
        return -1;
    fresh = !mt_ledger_plan(w->ledger);
    describe(w, &engine, renditions);
    if (mt_engine_plan(&engine, err) < 0 || open_burning(w, &engine, err) < 0 ||
        !(found = mt_engine_try(&engine, err)))
        return -1;
    json_object_set_new(w->item->report, "estimate", mt_engine_estimate(&engine, found));
    json_decref(found);
    if (fresh)
        mt_ledger_remove(&w->ledger);
    w->item->status = "planned";
    return 0;
}

static int run_engine(struct mt_work *w, struct mt_err *err)
{
    struct mt_engine_rendition renditions[MT_RUNGS_MAX];
    struct mt_engine engine;
    int ret = -1;

    describe(w, &engine, renditions);
    w->item->share = PLANNING;
    if (mt_engine_plan(&engine, err) < 0)
        return -1;
    if (mt_texts_make(w, mt_json_int(mt_ledger_plan(w->ledger), "origin_us", 0),
                      mt_json_int(mt_ledger_plan(w->ledger), "duration_us", 0), err) < 0 ||
        open_burning(w, &engine, err) < 0)
        return -1;
    w->item->from = PLANNING;
    w->item->share = ENCODING;
    if (mt_engine_encode(&engine, err) == 0) {
        w->item->from += ENCODING;
        w->item->share = 1 - w->item->from;
        ret = mt_engine_join(&engine, err);
    }
    if (engine.source) {
        json_decref(w->source); /* what a copy has said of it: this comes from decoding all */
        w->source = engine.source;
    }
    if (mt_json_at(mt_ledger_plan(w->ledger), "quality"))
        json_object_set(w->item->report, "quality",
                        json_object_get(mt_ledger_plan(w->ledger), "quality"));
    for (int i = 0; i < w->n; i++) {
        w->todo[i].crf = renditions[i].av.crf;
        w->todo[i].made = renditions[i].made;
        w->todo[i].check = renditions[i].check;
        w->todo[i].score = renditions[i].score;
        w->todo[i].heard = json_array();
        for (int k = 0; k < w->n_tracks; k++) {
            int64_t voice = mt_engine_voice(&renditions[i], w->tracks[k].stream);
            json_t *heard = (json_t *)(uintptr_t)mt_engine_heard(&engine, voice);

            if (heard)
                json_array_append(w->todo[i].heard, heard);
        }
    }
    return ret;
}

/* The jobs of a film have no document: what it asks for stands in their command. New. */
static json_t *command_of(const struct mt_work *w)
{
    json_t *command = json_deep_copy(w->spec->distribution.command);
    const json_t *asked = mt_transcode_asked(w->spec, w->item->doc);
    char *text = asked ? json_dumps(asked, JSON_COMPACT) : NULL;

    if (text)
        json_array_append_new(command, json_sprintf("--output-formats=%s", text));
    free(text);
    return command;
}

/* All that is encoded, wherever, has the same letters: the plan names the fonts. */
static int agree_on_fonts(struct mt_work *w, struct mt_engine *engine, struct mt_err *err)
{
    bool part = w->spec->distribution.part != NULL;

    if (mt_engine_plan(engine, err) < 0)
        return -1;
    if (!part && mt_json_at(mt_ledger_plan(w->ledger), "fonts"))
        return 0;
    return open_burning(w, engine, err) < 0 ? -1
                                            : mt_burning_agree(&w->burning, w->ledger, !part, err);
}

/* Goes on only when the rest is to be done here. */
static int distribute(struct mt_work *w, struct mt_err *err)
{
    struct mt_engine_rendition renditions[MT_RUNGS_MAX];
    struct mt_distribution d = w->spec->distribution;
    struct mt_store *store = mt_item_store(w->item);
    const char *asset = w->item->asset_id;
    struct mt_engine engine;
    json_t *command;
    char name[9];

    work_name(w, name);
    d.burn_in = w->burn.file ? w->burn.identity : NULL;
    if (mt_distribution_open(&w->ledger, &d, w->item, name, err) < 0 ||
        mt_burn_in_send(&w->spec->burn, store, asset, name, err) < 0 ||
        mt_burn_in_fetch(&w->burn, store, asset, name, err) < 0)
        return -1;
    describe(w, &engine, renditions);
    if (w->burn.which && mt_lease_is_attached(mt_item_db(w->item)) &&
        agree_on_fonts(w, &engine, err) < 0)
        return -1;
    d.command = command = command_of(w);
    int ret = mt_distribute(&engine, &d, name, &w->done, err);
    json_decref(command);
    json_decref(engine.source); /* of a part; that of the film is for who joins it */
    return ret;
}

/* What was made and is not what was meant must not be taken up again. */
static int make(struct mt_work *w, struct mt_err *err)
{
    if (w->spec->estimate)
        return estimate(w, err);
    if (w->spec->distribution.wanted || w->spec->distribution.part) {
        if (distribute(w, err) < 0)
            return -1;
        if (w->done != MT_DISTRIBUTED_ALL)
            return 0;
    }
    if (begin_all(w, err) < 0 || (!w->ledger && open_ledger(w, err) < 0))
        return -1;
    if (run_engine(w, err) < 0)
        return -1;
    for (int i = 0; i < w->n; i++)
        if (mt_rendition_compare(&w->todo[i], err) < 0) {
            mt_ledger_remove(&w->ledger);
            return -1;
        }
    for (int i = 0; i < w->n; i++)
        if (mt_rendition_publish(w, &w->todo[i], err) < 0)
            return -1;
    mt_ledger_remove(&w->ledger);
    return 0;
}

static void free_work(struct mt_work *w)
{
    for (int i = 0; i < MT_RUNGS_MAX; i++)
        mt_rendition_free(w, &w->todo[i]);
    mt_texts_free(&w->texts);
    mt_burning_close(&w->burning);
    if (w->burn.fd != w->spec->burn.fd)
        mt_fd_close(&w->burn.fd);
    mt_ledger_close(&w->ledger);
    json_decref(w->source);
}

/* Takes the rungs that are only sound out of the ladder, where they stand last. */
static int take_sound(struct mt_work *w, struct mt_rung sound[], json_t *dropped)
{
    int n = 0;

    for (int i = 0; i < w->ladder.n; i++)
        if (w->ladder.rungs[i].audio_only)
            sound[n++] = w->ladder.rungs[i];
    w->ladder.n -= n;
    if (n > 0 && !mt_source_has_sound(w->item->doc)) {
        for (int i = 0; i < n; i++)
            json_array_append_new(dropped, json_pack("{s:s, s:s}", "quality", sound[i].name,
                                                     "reason", "the source has no sound"));
        n = 0;
    }
    return n;
}

static int make_sound(struct mt_work *w, const struct mt_rung sound[], int n, int *made,
                      struct mt_err *err)
{
    json_t *source = NULL;
    int ret;

    w->item->from = w->item->share = 0;
    w->item->share = 1;
    ret = mt_transcode_audio(w->item, sound, n, &w->spec->sound, w->spec->options, made, &source,
                             err);
    if (w->source)
        json_decref(source);
    else
        w->source = source;
    return ret;
}

/* In how many forms, at most, each track of sound is wanted. */
static int forms(const struct mt_work *w)
{
    int n = 0;

    for (int i = 0; i < w->ladder.n; i++) {
        bool known = false;

        for (int k = 0; k < i; k++)
            known = known ||
                    (w->ladder.rungs[k].audio_bps == w->ladder.rungs[i].audio_bps &&
                     strcmp(w->ladder.rungs[k].audio_codec, w->ladder.rungs[i].audio_codec) == 0);
        n += !known;
    }
    return n > 0 ? n : 1;
}

/* What is as it is wanted already is not encoded again. */
static int copy(struct mt_work *w, json_t *dropped, struct mt_err *err)
{
    int wanted = w->n;

    if (!mt_distribution_leads(&w->spec->distribution, w->item))
        return 0;
    if (mt_remux(w, dropped, err) < 0)
        return -1;
    if (w->spec->remux == MT_REMUX_ONLY && wanted > 0 && w->made == 0)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "nothing can be a copy; left_out says why");
    return 0;
}

int mt_transcode_work(struct mt_item *item, void *ctx, struct mt_err *err)
{
    const struct mt_transcode *spec = ctx;
    struct mt_work w = {.spec = spec, .item = item, .burn = spec->burn};
    json_t *dropped = json_array(), *streams = json_array();
    struct mt_rung sound[MT_RUNGS_MAX];
    struct mt_shape shape;
    int n_sound, made = 0;
    int ret = -1;

    if (mt_transcode_ladder(spec, item->doc, &w.ladder, err) < 0 ||
        mt_source_shape(item->doc, &shape, err) < 0)
        goto out;
    mt_ladder_fit(&w.ladder, &shape, dropped);
    n_sound = take_sound(&w, sound, dropped);
    w.n_tracks = mt_tracks_find(item->doc, w.tracks, MT_VOICES_MOST / forms(&w), streams);
    mt_texts_find(&w.texts, item->doc, spec->subtitles, streams);
    if (spec->burn.which && w.ladder.n == 0)
        mt_log(MT_LOG_WARN, "'%s' has no pictures to burn subtitles into", item->name);
    if (spec->burn.which && !spec->burn.file) {
        int burnt = -1;

        if (w.ladder.n > 0 && mt_burn_in_stream(&spec->burn, item->doc, &burnt, err) < 0)
            goto out;
        mt_texts_drop(&w.texts, burnt);
    }
    if (json_array_size(streams) > 0)
        json_object_set(item->report, "streams_left_out", streams);
    if (plan(&w, err) < 0 || mt_texts_plan(&w, err) < 0 || copy(&w, dropped, err) < 0 ||
        (w.n > 0 && make(&w, err) < 0))
        goto out;
    if (w.done != MT_DISTRIBUTED_ALL || spec->distribution.part) {
        ret = 0; /* the rest is for others */
        goto out;
    }
    if ((n_sound > 0 && !spec->estimate && make_sound(&w, sound, n_sound, &made, err) < 0) ||
        (!spec->estimate && mt_texts_publish(&w, err) < 0))
        goto out;
    if (w.n + w.made + made == 0)
        item->status = "skipped";
    mt_damage_report(item, w.source);
    ret = 0;
out:
    if (json_array_size(dropped) > 0)
        json_object_set(item->report, "left_out", dropped);
    free_work(&w);
    json_decref(dropped);
    json_decref(streams);
    return ret;
}
