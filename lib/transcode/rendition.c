/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rendition.c - what becomes of a rendition that was written: compared, described, published. */
#include "transcode/work.h"

#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct mt_output mt_rendition_output(const struct mt_rendition *r)
{
    return (struct mt_output){.name = r->rung->name,
                              .recipe = r->recipe,
                              .ext = r->rung->format,
                              .type = mt_rung_type(r->rung),
                              .quality = r->rung->name};
}

/* Compares what was meant with what a player will find. */
int mt_rendition_compare(const struct mt_rendition *r, struct mt_err *err)
{
    const char *name = r->rung->name;
    int64_t frames = mt_json_int(r->made, "frames", -1);
    int64_t found = mt_json_int(r->check, "video.frames", -2);
    int64_t errors = mt_json_int(r->check, "errors", -1);
    double meant = mt_json_num(r->made, "duration", -1);
    double length = mt_json_num(r->check, "duration", -2);
    double frame = frames > 0 ? meant / (double)frames : 0;
    double slack = fmax(fmax(frame, meant * 0.001), 0.05);

    if (errors != 0)
        return mt_fail(err, MT_ERR_VERIFY, "rendition %s: %lld decoding errors in what was written",
                       name, (long long)errors);
    if (found != frames)
        return mt_fail(err, MT_ERR_VERIFY, "rendition %s: %lld pictures written, %lld found", name,
                       (long long)frames, (long long)found);
    if (fabs(length - meant) > slack)
        return mt_fail(err, MT_ERR_VERIFY, "rendition %s: %.3f s written, %.3f s found", name,
                       meant, length);
    if (mt_json_int(r->check, "video.width", 0) != mt_json_int(r->made, "width", -1) ||
        mt_json_int(r->check, "video.height", 0) != mt_json_int(r->made, "height", -1))
        return mt_fail(err, MT_ERR_VERIFY, "rendition %s: not of the size that was wanted", name);
    return 0;
}

/* The document's entry for a verified rendition. New. */
static json_t *entry_of(const struct mt_rendition *r)
{
    int64_t w = mt_json_int(r->made, "width", 0);
    int64_t h = mt_json_int(r->made, "height", 0);
    int64_t bps = mt_json_int(r->made, "video_bps", 0) + mt_json_int(r->made, "audio_bps", 0);
    char resolution[32], bitrate[32];

    snprintf(resolution, sizeof resolution, "%lldx%lld", (long long)w, (long long)h);
    snprintf(bitrate, sizeof bitrate, "%lldk", (long long)(bps + 500) / 1000);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:o, s:s, s:O}", "variant_type",
                     mt_rendition_output(r).type, "quality", r->rung->name, "format",
                     r->rung->format, "resolution", resolution, "bitrate", bitrate, "duration",
                     mt_json_real(mt_json_num(r->made, "duration", 0), 3), "verified", 1, "frames",
                     json_incref(json_object_get(r->made, "frames")), "recipe", r->recipe, "score",
                     r->score);
}

/* What is said of each track of sound: language, channels, loudness. */
static void add_sound(const struct mt_work *w, const struct mt_rendition *r, json_t *entry)
{
    json_t *all = json_array();

    for (size_t i = 0; i < json_array_size(r->heard); i++) {
        const json_t *voice = json_array_get(r->heard, i);
        bool copied = mt_json_bool(voice, "copied", false);
        const char *codec = copied ? mt_json_str(voice, "codec", "?") : r->rung->audio_codec;
        json_t *one = json_pack("{s:s, s:O, s:O}", "codec", codec, "channels",
                                json_object_get(voice, "channels"), "sample_rate_hz",
                                json_object_get(voice, "sample_rate_hz"));

        for (int k = 0; k < w->n_tracks; k++)
            if (w->tracks[k].stream == mt_json_int(voice, "stream", -1) && w->tracks[k].language)
                json_object_set_new(one, "language", json_string(w->tracks[k].language));
        if (json_is_object(json_object_get(voice, "loudness")))
            json_object_set(one, "loudness", json_object_get(voice, "loudness"));
        if (copied)
            json_object_set_new(one, "copied", json_true());
        json_array_append_new(all, one);
    }
    json_object_set_new(entry, "sound", all);
}

/* The exact recipe: what makes the same bytes again. */
static void add_recipe(const struct mt_work *w, const struct mt_rendition *r, json_t *entry)
{
    json_t *with =
        json_pack("{s:o, s:o, s:o}", "tools", mt_engine_tools(), "rung", mt_rung_settings(r->rung),
                  "sound_settings", mt_sound_settings_json(&w->spec->sound));

    if (!r->copied) {
        json_object_set_new(with, "encoder",
                            mt_json_text(mt_av_encoder_name(r->rung->video_codec)));
        json_object_set_new(with, "preset", mt_json_text(w->spec->preset));
        json_object_set_new(with, "crf", json_integer(r->crf));
        json_object_set_new(
            with, "threads",
            json_integer(w->ledger ? mt_json_int(mt_ledger_plan(w->ledger), "threads", 1) : 1));
    }
    json_object_set_new(entry, "made_with", with);
}

/* What a decoder has to read ahead at the peak rate, over all joins. */
static void add_buffer(const struct mt_rendition *r, json_t *entry)
{
    const json_t *pictures = json_array_get(json_object_get(r->made, "tracks"), 0);
    const json_t *peak = json_object_get(r->made, "peak_bps");

    if (peak && json_is_number(json_object_get(pictures, "buffer")))
        json_object_set_new(entry, "buffer",
                            json_pack("{s:O, s:i, s:O}", "max_bps", peak, "length_s",
                                      (int)MT_AV_BUFFER_S, "used",
                                      json_object_get(pictures, "buffer")));
}

int mt_rendition_publish(struct mt_work *w, struct mt_rendition *r, struct mt_err *err)
{
    struct mt_output output = mt_rendition_output(r);
    json_t *entry = entry_of(r);

    json_object_set_new(entry, "copied", json_boolean(r->copied));
    add_sound(w, r, entry);
    add_buffer(r, entry);
    add_recipe(w, r, entry);
    int ret = mt_item_publish(w->item, &output, &r->making, entry, err);

    if (ret == 0)
        mt_transcode_add(w->item->doc, entry);
    json_decref(entry);
    return ret;
}

void mt_rendition_free(struct mt_work *w, struct mt_rendition *r)
{
    mt_item_abandon(w->item, &r->making);
    json_decref(r->made);
    json_decref(r->check);
    json_decref(r->score);
    json_decref(r->heard);
    *r = (struct mt_rendition){.rung = NULL};
}
