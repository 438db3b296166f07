/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode.c - see transcode.h. */
#include "transcode/transcode.h"

#include "av/probe.h"
#include "av/transcode.h"
#include "base/log.h"
#include "base/mem.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much of the work encoding is; the rest is decoding what was written. */
static const double ENCODING = 0.85;

/* A rendition under way. */
struct rendition {
    const struct mt_rung *rung;
    char recipe[9];
    struct mt_making making;
    json_t *made;  /* what the encoder says it made */
    json_t *check; /* what a full decode says is there */
};

struct work {
    const struct mt_transcode *spec;
    struct mt_item *item;
    struct mt_ladder ladder; /* fitted to the source */
    struct rendition todo[MT_RUNGS_MAX];
    int n;
    json_t *source; /* the encoder's report on the source */
};

json_t *mt_transcode_parameters(const struct mt_transcode *spec)
{
    json_t *qualities = json_array(), *rungs = json_array();

    if (spec->ladder.automatic)
        json_array_append_new(qualities, json_string("auto"));
    for (int i = 0; i < spec->ladder.n; i++)
        json_array_append_new(qualities, json_string(spec->ladder.rungs[i].name));
    for (int i = 0; i < spec->ladder.n; i++)
        json_array_append_new(rungs, mt_rung_settings(&spec->ladder.rungs[i]));
    return json_pack("{s:o, s:o, s:o, s:I, s:s}", "qualities", qualities, "renditions", rungs,
                     "sound", mt_sound_settings_json(&spec->sound), "crf", (json_int_t)spec->crf,
                     "preset", spec->preset);
}

/* All that decides the bytes of one rendition, short enough for a name. */
static void recipe_of(const struct mt_transcode *spec, const struct mt_rung *rung, char recipe[9])
{
    json_t *settings = json_pack("{s:o, s:I, s:s}", "rung", mt_rung_settings(rung), "crf",
                                 (json_int_t)spec->crf, "preset", spec->preset);

    mt_stage_recipe(settings, recipe);
    json_decref(settings);
}

/* What the encoders here cannot do is refused, not made differently. */
static int possible(const struct mt_transcode *spec, const struct mt_rung *rung, struct mt_err *err)
{
    const struct mt_sound_settings *sound = &spec->sound;

    if (sound->channels != 2 || sound->loudness_lufs != 0 || sound->denoise || sound->speech)
        return mt_fail(err, MT_ERR_UNAVAILABLE,
                       "%s: the sound of films is made as it is, in stereo", rung->name);
    if (strcmp(rung->format, "mp4") != 0 || strcmp(rung->video_codec, "h264") != 0 ||
        strcmp(rung->audio_codec, "aac") != 0 || rung->upscale || rung->fps > 0 ||
        rung->max_fps > 0)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "%s: only H.264 and AAC in MP4 can be made",
                       rung->name);
    return 0;
}

static struct mt_output output_of(const struct rendition *r)
{
    return (struct mt_output){.name = r->rung->name,
                              .recipe = r->recipe,
                              .ext = "mp4",
                              .type = mt_rung_type(r->rung),
                              .quality = r->rung->name};
}

/* Takes what was made before, and lists what is to do. */
static int plan(struct work *w, struct mt_err *err)
{
    for (int i = 0; i < w->ladder.n; i++) {
        struct rendition *r = &w->todo[w->n];
        json_t *entry = NULL;

        *r = (struct rendition){.rung = &w->ladder.rungs[i]};
        if (possible(w->spec, r->rung, err) < 0)
            return -1;
        recipe_of(w->spec, r->rung, r->recipe);
        struct mt_output output = output_of(r);
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

/* In the jailed child: decodes once, encodes all. */
static int encode(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct work *w = arg;
    struct mt_av_rendition renditions[MT_RUNGS_MAX] = {{0}};

    for (int i = 0; i < w->n; i++) {
        const struct mt_rung *rung = w->todo[i].rung;
        renditions[i] =
            (struct mt_av_rendition){.name = rung->name,
                                     .height_px = rung->height_px,
                                     .video_bps = rung->video_bps,
                                     .max_bps = rung->max_bps,
                                     .crf = rung->crf >= 0 ? rung->crf : (int)w->spec->crf,
                                     .audio_bps = rung->audio_bps,
                                     .fd = mt_put_fd(w->todo[i].making.put)};
    }
    struct mt_av_transcode spec = {.renditions = renditions,
                                   .n = w->n,
                                   .preset = w->spec->preset,
                                   .threads = (int)w->spec->threads,
                                   .limits = mt_stage_limits(w->spec->options),
                                   .progress = {mt_stage_tell, worker}};
    json_t *report = mt_av_transcode(w->item->fd, &spec, err);
    if (!report)
        return -1;
    int ret = mt_worker_send(worker, report, NULL, 0, err);
    json_decref(report);
    return ret;
}

static int on_encoded(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;
    json_t *all = json_object_get(line, "renditions");

    (void)data;
    (void)n;
    if ((int)json_array_size(all) != w->n)
        return mt_fail(err, MT_ERR_VERIFY, "the encoder reports %zu renditions of %d",
                       json_array_size(all), w->n);
    for (int i = 0; i < w->n; i++) {
        json_decref(w->todo[i].made);
        w->todo[i].made = json_incref(json_array_get(all, (size_t)i));
    }
    json_decref(w->source);
    w->source = json_incref(json_object_get(line, "source"));
    return 0;
}

struct checking {
    int fd;
    struct mt_av_limits limits;
};

/* In the jailed child: decodes one rendition to its end. */
static int check(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct checking *c = arg;
    struct mt_av_progress progress = {mt_stage_tell, worker};
    json_t *report = mt_av_check(c->fd, &c->limits, &progress, err);

    if (!report)
        return -1;
    int ret = mt_worker_send(worker, report, NULL, 0, err);
    json_decref(report);
    return ret;
}

static int on_checked(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct rendition *r = ctx;

    (void)data;
    (void)n;
    (void)err;
    json_decref(r->check);
    r->check = json_incref((json_t *)(uintptr_t)line);
    return 0;
}

/* Compares what was meant with what a player will find. */
static int compare(const struct rendition *r, struct mt_err *err)
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

static int verify(struct work *w, struct rendition *r, struct mt_err *err)
{
    int fd = mt_put_fd(r->making.put);
    struct checking c = {.fd = fd, .limits = mt_stage_limits(w->spec->options)};
    struct mt_item_work job = {.what = "verifying",
                               .run = check,
                               .arg = &c,
                               .on_line = on_checked,
                               .ctx = r,
                               .fds = &fd,
                               .n_fds = 1};

    if (mt_item_run(w->item, &job, err) < 0) {
        if (err->code != MT_ERR_CANCELLED)
            err->code = MT_ERR_VERIFY;
        return mt_fail_in(err, "rendition %s", r->rung->name);
    }
    return compare(r, err);
}

/* The document's entry for a verified rendition. New. */
static json_t *entry_of(const struct rendition *r)
{
    int64_t w = mt_json_int(r->made, "width", 0);
    int64_t h = mt_json_int(r->made, "height", 0);
    int64_t bps = mt_json_int(r->made, "video_bps", 0) + mt_json_int(r->made, "audio_bps", 0);
    char resolution[32], bitrate[32];

    snprintf(resolution, sizeof resolution, "%lldx%lld", (long long)w, (long long)h);
    snprintf(bitrate, sizeof bitrate, "%lldk", (long long)(bps + 500) / 1000);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:o, s:s}", "variant_type",
                     output_of(r).type, "quality", r->rung->name, "format", "mp4", "resolution",
                     resolution, "bitrate", bitrate, "duration",
                     mt_json_real(mt_json_num(r->made, "duration", 0), 3), "verified", 1, "frames",
                     json_incref(json_object_get(r->made, "frames")), "recipe", r->recipe);
}

static int publish(struct work *w, struct rendition *r, struct mt_err *err)
{
    struct mt_output output = output_of(r);
    json_t *entry = entry_of(r);
    int ret = mt_item_publish(w->item, &output, &r->making, entry, err);

    if (ret == 0)
        mt_transcode_add(w->item->doc, entry);
    json_decref(entry);
    return ret;
}

static int begin_all(struct work *w, int fds[], struct mt_err *err)
{
    for (int i = 0; i < w->n; i++) {
        struct mt_output output = output_of(&w->todo[i]);
        if (mt_item_begin(w->item, &output, &w->todo[i].making, err) < 0)
            return -1;
        fds[i] = mt_put_fd(w->todo[i].making.put);
    }
    return 0;
}

static int make(struct work *w, struct mt_err *err)
{
    int fds[MT_RUNGS_MAX];
    struct mt_item_work job = {.what = "transcoding",
                               .encode = true,
                               .run = encode,
                               .arg = w,
                               .on_line = on_encoded,
                               .ctx = w,
                               .fds = fds,
                               .n_fds = w->n};

    w->item->share = ENCODING;
    if (begin_all(w, fds, err) < 0 || mt_item_run(w->item, &job, err) < 0)
        return -1;
    w->item->share = (1 - ENCODING) / w->n;
    for (int i = 0; i < w->n; i++) {
        w->item->from = ENCODING + i * w->item->share;
        if (verify(w, &w->todo[i], err) < 0 || publish(w, &w->todo[i], err) < 0)
            return -1;
    }
    return 0;
}

/* Seconds of the film that the probe promised and decoding did not give. */
static double seconds_lost(const struct work *w)
{
    const json_t *metadata = mt_json_at(w->item->doc, "asset.metadata");
    double promised =
        mt_json_num(metadata, "duration", 0) - fmax(0, mt_json_num(metadata, "start_time", 0));
    double lost = promised - mt_json_num(w->source, "duration", promised);

    return lost > fmax(0.5, promised * 0.001) ? lost : 0;
}

/* Damage in the source is said, not hidden behind renditions that decode. */
static void report_source(struct work *w)
{
    struct mt_item *item = w->item;
    int64_t errors = mt_json_int(w->source, "errors", 0);
    const char *state = mt_json_str(item->doc, "asset.metadata.damage.state", "ok");
    double lost = seconds_lost(w);

    if (w->source)
        json_object_set(item->report, "source", w->source);
    if (lost > 0)
        json_object_set_new(item->report, "seconds_lost", mt_json_real(lost, 3));
    if (errors == 0 && lost == 0 && strcmp(state, "ok") == 0)
        return;
    item->status = "degraded";
    mt_log(MT_LOG_WARN,
           "'%s' is damaged: the renditions lack what could not be decoded (%lld errors, %.1f s)",
           item->name, (long long)errors, lost);
}

static void free_work(struct work *w)
{
    for (int i = 0; i < MT_RUNGS_MAX; i++) {
        mt_item_abandon(w->item, &w->todo[i].making);
        json_decref(w->todo[i].made);
        json_decref(w->todo[i].check);
    }
    json_decref(w->source);
}

static bool is_cover(const json_t *stream)
{
    json_t *word;
    size_t i;

    json_array_foreach(json_object_get(stream, "disposition"), i,
                       word) if (strcmp(json_string_value(word) ? json_string_value(word) : "",
                                        "attached_pic") == 0) return true;
    return false;
}

/* Pictures a second, which the metadata has as "30000/1001"; 0: not known. */
static double rate_of(const json_t *stream)
{
    int num = 0, den = 1;

    if (sscanf(mt_json_str(stream, "frame_rate", ""), "%d/%d", &num, &den) < 1 || den < 1)
        return 0;
    return (double)num / den;
}

static bool has_sound(const json_t *doc)
{
    const json_t *stream;
    size_t i;

    json_array_foreach(mt_json_at(doc, "asset.metadata.streams"), i, stream)
    {
        if (strcmp(mt_json_str(stream, "type", ""), "audio") == 0)
            return true;
    }
    return false;
}

/* The size that a viewer sees, from the probed metadata; 0 for one of sound alone. */
static int source_size(const json_t *doc, int *w, int *h, double *fps, struct mt_err *err)
{
    bool film = strcmp(mt_json_str(doc, "asset.content_type", "video"), "video") == 0;
    json_t *stream;
    size_t i;

    json_array_foreach(mt_json_at(doc, "asset.metadata.streams"), i, stream)
    {
        *w = (int)mt_json_int(stream, "display_width", 0);
        *h = (int)mt_json_int(stream, "display_height", 0);
        *fps = rate_of(stream);
        if (film && strcmp(mt_json_str(stream, "type", ""), "video") == 0 && *w > 0 && *h > 0 &&
            !is_cover(stream))
            return 0;
    }
    *w = *h = 0;
    if (has_sound(doc))
        return 0;
    return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is neither moving picture nor sound in it");
}

/* Takes the rungs that are only sound out of the ladder, where they stand last. */
static int take_sound(struct work *w, struct mt_rung sound[], json_t *dropped)
{
    int n = 0;

    for (int i = 0; i < w->ladder.n; i++)
        if (w->ladder.rungs[i].audio_only)
            sound[n++] = w->ladder.rungs[i];
    w->ladder.n -= n;
    if (n > 0 && !has_sound(w->item->doc)) {
        for (int i = 0; i < n; i++)
            json_array_append_new(dropped, json_pack("{s:s, s:s}", "quality", sound[i].name,
                                                     "reason", "the source has no sound"));
        n = 0;
    }
    return n;
}

static int make_sound(struct work *w, const struct mt_rung sound[], int n, int *made,
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

int mt_transcode_work(struct mt_item *item, void *ctx, struct mt_err *err)
{
    const struct mt_transcode *spec = ctx;
    struct work w = {.spec = spec, .item = item, .ladder = spec->ladder};
    json_t *dropped = json_array();
    struct mt_rung sound[MT_RUNGS_MAX];
    int width = 0, height = 0, n_sound, made = 0;
    double fps = 0;
    int ret = -1;

    if (source_size(item->doc, &width, &height, &fps, err) < 0)
        goto out;
    mt_ladder_fit(&w.ladder, &(struct mt_shape){.w = width, .h = height, .fps = fps}, dropped);
    n_sound = take_sound(&w, sound, dropped);
    if (json_array_size(dropped) > 0)
        json_object_set(item->report, "left_out", dropped);
    if (plan(&w, err) < 0 || (w.n > 0 && make(&w, err) < 0) ||
        (n_sound > 0 && make_sound(&w, sound, n_sound, &made, err) < 0))
        goto out;
    if (w.n + made == 0)
        item->status = "skipped";
    report_source(&w);
    ret = 0;
out:
    free_work(&w);
    json_decref(dropped);
    return ret;
}
