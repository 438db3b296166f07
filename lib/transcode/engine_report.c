/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_report.c - what was met in the source, and what a film would come to. */
#include "transcode/engine.h"

#include "cli/progress.h"
#include "json/json.h"

/* Sums up what was met in the source while its segments and its sound were made. */
void mt_engine_sum_up(struct mt_engine *engine)
{
    const json_t *planned = mt_ledger_plan(engine->ledger);
    int n = (int)json_array_size(json_object_get(planned, "segments"));
    int64_t frames = 0, errors = 0, end_us = 0, missing = 0, backwards = 0;
    int stream = engine->n_tracks > 0 ? engine->tracks[0].stream : 0;
    const json_t *sound =
        mt_ledger_sound(engine->ledger, mt_engine_voice(&engine->renditions[0], stream));
    json_t *messages = json_array();

    for (int i = 0; i <= n; i++) {
        const json_t *s = i < n ? mt_ledger_source(engine->ledger, i) : sound;
        int64_t end = mt_json_int(s, "end_us", 0);

        frames += mt_json_int(s, "frames", 0);
        errors += mt_json_int(s, "errors", 0);
        missing += mt_json_int(s, "missing", 0);
        backwards += mt_json_int(s, "backwards", 0);
        end_us = end > end_us ? end : end_us;
        if (json_array_size(messages) < 8)
            json_array_extend(messages, json_object_get(s, "messages"));
    }
    json_decref(engine->source);
    engine->source =
        json_pack("{s:I, s:I, s:o, s:I, s:o, s:{s:I, s:I, s:I}, s:i, s:O}", "frames",
                  (json_int_t)frames, "samples", (json_int_t)mt_json_int(sound, "samples", 0),
                  "duration", mt_json_real((double)end_us / 1e6, 6), "errors", (json_int_t)errors,
                  "messages", messages, "repaired", "missing", (json_int_t)missing, "backwards",
                  (json_int_t)backwards, "jumps", (json_int_t)mt_json_int(planned, "jumps", 0),
                  "segments", n, "undivided", json_object_get(planned, "undivided"));
}

/* What a rendition will come to, from what its samples came to. New. */
static json_t *estimate_one(const struct mt_engine *engine, int i, const json_t *found)
{
    const struct mt_av_rendition *av = &engine->renditions[i].av;
    const json_t *planned = mt_ledger_plan(engine->ledger);
    double s = mt_json_num(planned, "duration_us", 0) / 1e6;
    bool sound = mt_json_bool(planned, "sound", false);
    double bps = mt_json_num(found, "video_bps", 0) + (sound ? (double)av->audio_bps : 0);

    return json_pack("{s:s, s:O, s:O, s:O, s:I}", "quality", av->name, "crf",
                     json_object_get(found, "crf"), "ssim", json_object_get(found, "ssim"),
                     "ssim_common", json_object_get(found, "ssim_common"), "size_bytes",
                     (json_int_t)(bps * s / 8));
}

json_t *mt_engine_estimate(const struct mt_engine *engine, const json_t *found)
{
    double film_s = mt_json_num(mt_ledger_plan(engine->ledger), "duration_us", 0) / 1e6;
    json_t *all = json_array();

    for (int i = 0; i < engine->n; i++)
        json_array_append_new(
            all, estimate_one(engine, i,
                              json_array_get(json_object_get(found, "renditions"), (size_t)i)));
    return json_pack("{s:o, s:O, s:O, s:o}", "renditions", all, "common_resolution",
                     json_object_get(found, "common_resolution"), "sampled_s",
                     json_object_get(found, "sampled_s"), "takes_s",
                     mt_json_real(film_s * mt_json_num(found, "took_s_per_s", 0), 1));
}

void mt_engine_tell_renditions(const struct mt_engine *engine, const char *state,
                               const int64_t done[], int64_t total)
{
    json_t *all = json_array();

    for (int i = 0; i < engine->n; i++) {
        const struct mt_engine_rendition *r = &engine->renditions[i];
        double percent = done && total > 0 ? 100.0 * (double)done[i] / (double)total : 100;

        json_array_append_new(all, json_pack("{s:s, s:s, s:o}", "name", r->av.name, "state",
                                             r->check ? "verified" : state, "percent",
                                             mt_json_real(percent, 1)));
    }
    mt_progress_parts(all);
}
