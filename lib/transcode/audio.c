/* SPDX-License-Identifier: GPL-2.0-or-later */
/* audio.c - see audio.h. */
#include "transcode/audio.h"

#include "base/log.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mt_loudness_words[] = {"off", "broadcast", "streaming", "podcast", NULL};
const char *const mt_channel_words[] = {"source", "mono", "stereo", "5.1", NULL};
const char *const mt_denoise_words[] = {"off", "light", "strong", NULL};

/* EBU R 128, what streaming services play at, and AES TD1008 for speech. */
static const double targets[] = {0, -23, -14, -16};
static const int channels_of[] = {0, 1, 2, 6};

/* ---- settings ---- */

static int index_of(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return -1;
}

static int parse_loudness(struct mt_sound_settings *s, const char *text, struct mt_err *err)
{
    int i = index_of(text, mt_loudness_words);
    char *end;

    if (i >= 0) {
        s->loudness_lufs = targets[i];
        return 0;
    }
    s->loudness_lufs = strtod(text, &end);
    if (end != text && *end == '\0' && s->loudness_lufs >= -50 && s->loudness_lufs <= -5)
        return 0;
    mt_fail(err, MT_ERR_USAGE, "--loudness takes -50 to -5 LUFS, not '%s'", text);
    return mt_hint(err, "broadcast is -23, streaming -14, podcast -16, off leaves it as it is");
}

int mt_sound_settings_parse(struct mt_sound_settings *s, const char *loudness, const char *channels,
                            const char *denoise, struct mt_err *err)
{
    int n = index_of(channels ? channels : "stereo", mt_channel_words);
    int d = index_of(denoise ? denoise : "off", mt_denoise_words);

    *s = (struct mt_sound_settings){.ceiling_dbtp = -1};
    if (n < 0)
        return mt_fail(err, MT_ERR_USAGE, "--channels does not know '%s'", channels);
    if (d < 0)
        return mt_fail(err, MT_ERR_USAGE, "--denoise does not know '%s'", denoise);
    s->channels = channels_of[n];
    s->denoise = (enum mt_av_denoise)d;
    return loudness ? parse_loudness(s, loudness, err) : 0;
}

json_t *mt_sound_settings_json(const struct mt_sound_settings *s)
{
    return json_pack("{s:i, s:f, s:f, s:i, s:b}", "channels", s->channels, "loudness_lufs",
                     s->loudness_lufs, "ceiling_dbtp", s->ceiling_dbtp, "denoise", (int)s->denoise,
                     "speech", s->speech);
}

const char *mt_sound_file_of(const char *codec)
{
    if (strcmp(codec, "vorbis") == 0)
        return "ogg";
    return strcmp(codec, "pcm") == 0 ? "mov" : "mp4";
}

/* ---- the renditions ---- */

struct rendition {
    const struct mt_rung *rung;
    char recipe[9], quality[24];
    struct mt_making making;
    json_t *made; /* the encoder's report on it, lent by work.report */
};

struct work {
    struct mt_item *item;
    const struct mt_sound_settings *settings;
    const struct mt_stage_options *options;
    struct rendition todo[MT_RUNGS_MAX];
    int n;
    json_t *report;
};

static void recipe_of(const struct work *w, const struct mt_rung *rung, char recipe[9])
{
    json_t *settings = json_pack("{s:o, s:o}", "rung", mt_rung_settings(rung), "sound",
                                 mt_sound_settings_json(w->settings));

    mt_stage_recipe(settings, recipe);
    json_decref(settings);
}

static struct mt_output output_of(const struct rendition *r)
{
    return (struct mt_output){.name = r->rung->name,
                              .recipe = r->recipe,
                              .ext = r->rung->format,
                              .type = mt_rung_type(r->rung),
                              .quality = r->quality};
}

void mt_transcode_add(json_t *doc, json_t *entry)
{
    json_t *variants = json_object_get(doc, "variants");
    const char *url = mt_json_str(entry, "url", "");
    json_t *old;
    size_t i;

    if (!json_is_array(variants)) {
        variants = json_array();
        json_object_set_new(doc, "variants", variants);
    }
    json_array_foreach(variants, i, old)
    {
        if (strcmp(mt_json_str(old, "url", "?"), url) != 0)
            continue;
        json_array_set(variants, i, entry);
        return;
    }
    json_array_append(variants, entry);
}

/* Takes what was made before, and lists what is to do. */
static int plan(struct work *w, const struct mt_rung *rungs, int n, struct mt_err *err)
{
    for (int i = 0; i < n; i++) {
        struct rendition *r = &w->todo[w->n];
        json_t *entry = NULL;

        *r = (struct rendition){.rung = &rungs[i]};
        if (rungs[i].audio_bps > 0)
            snprintf(r->quality, sizeof r->quality, "%lldk", (long long)rungs[i].audio_bps / 1000);
        else
            snprintf(r->quality, sizeof r->quality, "lossless");
        recipe_of(w, r->rung, r->recipe);
        struct mt_output output = output_of(r);
        int made = mt_item_made(w->item, &output, &entry, err);
        if (made < 0)
            return -1;
        if (made)
            mt_transcode_add(w->item->doc, entry);
        else
            w->n++;
        json_decref(entry);
    }
    return 0;
}

/* In the jailed child: decodes once, encodes all. */
static int encode(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct work *w = arg;
    struct mt_av_voice voices[MT_RUNGS_MAX] = {{0}};

    for (int i = 0; i < w->n; i++) {
        const struct mt_rung *rung = w->todo[i].rung;
        voices[i] = (struct mt_av_voice){.stream = -1,
                                         .codec = rung->audio_codec,
                                         .format = rung->format,
                                         .bps = rung->audio_bps,
                                         .channels = w->settings->channels,
                                         .denoise = w->settings->denoise,
                                         .speech = w->settings->speech,
                                         .loudness_lufs = w->settings->loudness_lufs,
                                         .ceiling_dbtp = w->settings->ceiling_dbtp,
                                         .tags = true,
                                         .fd = mt_put_fd(w->todo[i].making.put)};
    }
    struct mt_av_sound spec = {.voices = voices,
                               .n = w->n,
                               .origin_us = INT64_MIN,
                               .limits = mt_stage_limits(w->options),
                               .progress = {mt_stage_tell, worker}};
    json_t *report = mt_av_sound(w->item->fd, &spec, err);
    if (!report)
        return -1;
    int ret = mt_worker_send(worker, report, NULL, 0, err);
    json_decref(report);
    return ret;
}

static int on_encoded(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;
    json_t *all = json_object_get(line, "voices");

    (void)data;
    (void)n;
    if ((int)json_array_size(all) != w->n)
        return mt_fail(err, MT_ERR_VERIFY, "the encoder reports %zu renditions of %d",
                       json_array_size(all), w->n);
    json_decref(w->report);
    w->report = json_deep_copy(line);
    for (int i = 0; i < w->n; i++)
        w->todo[i].made = json_array_get(json_object_get(w->report, "voices"), (size_t)i);
    return 0;
}

/* A target that the peaks stood in the way of is said aloud. */
static void warn_missed(const struct work *w, const struct rendition *r)
{
    double missed = mt_json_num(r->made, "loudness.missed_lu", 0);

    if (missed > 0.5)
        mt_log(MT_LOG_WARN,
               "'%s': %s stays %.1f LU below %.0f LUFS, for its peaks would pass %.0f dBTP",
               w->item->name, r->rung->name, missed, w->settings->loudness_lufs,
               w->settings->ceiling_dbtp);
}

/* The document's entry for a verified rendition. New. */
static json_t *entry_of(const struct work *w, const struct rendition *r)
{
    static const char *const kept[] = {"channels", "layout", "sample_rate_hz", "bits", "samples"};
    int64_t bps = mt_json_int(r->made, "bit_rate_bps", 0);
    json_t *loudness = json_object_get(r->made, "loudness");
    char bitrate[32];
    json_t *entry;

    snprintf(bitrate, sizeof bitrate, "%lldk", (long long)(bps + 500) / 1000);
    entry =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:s, s:s}", "variant_type", mt_rung_type(r->rung),
                  "quality", r->quality, "format", r->rung->format, "bitrate", bitrate, "duration",
                  mt_json_real(mt_json_num(r->made, "duration", 0), 3), "verified", 1,
                  "audio_codec", r->rung->audio_codec, "recipe", r->recipe);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (json_object_get(r->made, kept[i]))
            json_object_set(entry, kept[i], json_object_get(r->made, kept[i]));
    if (json_is_object(loudness)) {
        json_object_set(entry, "loudness", loudness);
        warn_missed(w, r);
    }
    return entry;
}

static int publish(struct work *w, struct rendition *r, struct mt_err *err)
{
    struct mt_output output = output_of(r);
    json_t *entry = entry_of(w, r);
    int ret = mt_item_publish(w->item, &output, &r->making, entry, err);

    if (ret == 0)
        mt_transcode_add(w->item->doc, entry);
    json_decref(entry);
    return ret;
}

static int make(struct work *w, struct mt_err *err)
{
    int fds[MT_RUNGS_MAX];
    struct mt_item_work job = {.what = "encoding the sound of",
                               .encode = true,
                               .run = encode,
                               .arg = w,
                               .on_line = on_encoded,
                               .ctx = w,
                               .fds = fds,
                               .n_fds = w->n};

    for (int i = 0; i < w->n; i++) {
        struct mt_output output = output_of(&w->todo[i]);

        if (mt_item_begin(w->item, &output, &w->todo[i].making, err) < 0)
            return -1;
        fds[i] = mt_put_fd(w->todo[i].making.put);
    }
    if (mt_item_run(w->item, &job, err) < 0)
        return -1;
    if (!w->report)
        return mt_fail(err, MT_ERR_VERIFY, "the encoder reports nothing");
    for (int i = 0; i < w->n; i++)
        if (publish(w, &w->todo[i], err) < 0)
            return -1;
    return 0;
}

static json_t *source_of(const struct work *w)
{
    json_t *source = json_deep_copy(json_object_get(w->report, "source"));
    double heard = mt_json_num(w->todo[0].made, "duration", 0);

    if (source)
        json_object_set_new(source, "duration", mt_json_real(heard, 6));
    return source;
}

int mt_transcode_audio(struct mt_item *item, const struct mt_rung *rungs, int n,
                       const struct mt_sound_settings *settings,
                       const struct mt_stage_options *options, int *made, json_t **source,
                       struct mt_err *err)
{
    struct work w = {.item = item, .settings = settings, .options = options};
    int ret = plan(&w, rungs, n, err);

    *source = NULL;
    *made = w.n;
    if (ret == 0 && w.n > 0)
        ret = make(&w, err);
    if (ret == 0 && w.n > 0)
        *source = source_of(&w);
    for (int i = 0; i < w.n; i++)
        mt_item_abandon(item, &w.todo[i].making);
    json_decref(w.report);
    return ret;
}
