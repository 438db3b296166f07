/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remux.c - see remux.h. */
#include "transcode/remux.h"

#include "av/copy.h"
#include "av/mux.h"
#include "av/probe.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "transcode/shape.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One copy under way. Its tracks are the pictures and then sound. */
struct copying {
    struct mt_work *work;
    struct mt_rendition *rendition;
    const json_t *look;
    struct mt_av_part parts[MT_AV_TRACKS_MAX];
    struct mt_av_track tracks[MT_AV_TRACKS_MAX];
    bool encoded[MT_AV_TRACKS_MAX]; /* the sound is made anew */
    int n;
    struct mt_av_voice voices[MT_VOICES_MOST];
    int fds[1 + MT_VOICES_MOST + MT_TEXT_FILES_MOST], n_voices, n_texts;
    json_t *answer;
};

static bool is_copy(const struct mt_rung *rung)
{
    return strcmp(rung->video_codec, "copy") == 0;
}

/* ---- looking ---- */

static int look_at(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct copying *c = arg;
    struct mt_av_limits limits = mt_stage_limits(c->work->spec->options);
    struct mt_av_progress progress = {mt_stage_tell, worker};
    json_t *look = mt_av_copy_look(c->work->item->fd, &limits, &progress, err);
    int ret = look ? mt_worker_send(worker, look, NULL, 0, err) : -1;

    json_decref(look);
    return ret;
}

static int on_answer(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct copying *c = ctx;

    (void)data;
    (void)n;
    (void)err;
    json_decref(c->answer);
    c->answer = json_deep_copy(line);
    return 0;
}

json_t *mt_remux_look(struct mt_work *w, struct mt_err *err)
{
    struct copying c = {.work = w};
    struct mt_item_work job = {.what = "reading the packets of",
                               .run = look_at,
                               .arg = &c,
                               .on_line = on_answer,
                               .ctx = &c};

    if (mt_item_run(w->item, &job, err) == 0 && json_is_array(json_object_get(c.answer, "streams")))
        return c.answer;
    json_decref(c.answer);
    return NULL;
}

static const json_t *stream_of(const json_t *look, const char *kind, int index)
{
    const json_t *stream;
    size_t i;

    json_array_foreach(json_object_get(look, "streams"), i, stream)
    {
        if (strcmp(mt_json_str(stream, "kind", ""), kind) == 0 &&
            (index < 0 || mt_json_int(stream, "stream", -1) == index))
            return stream;
    }
    return NULL;
}

/* ---- what goes into the file ---- */

/* A file for sound that is encoded, gone when it is closed. */
static int scratch(struct mt_work *w, const char *recipe, struct mt_err *err)
{
    char *dir = mt_item_workdir(w->item, recipe, err), *path;
    int fd = -1;

    if (!dir || mt_mkdirs(dir, err) < 0) {
        free(dir);
        return -1;
    }
    path = mt_path_join(dir, "sound-XXXXXX");
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        mt_fail_errno(err, "cannot make '%s'", path);
    else
        (void)unlink(path);
    (void)rmdir(dir);
    free(path);
    free(dir);
    return fd;
}

static int add_voice(struct copying *c, const struct mt_engine_track *track, struct mt_err *err)
{
    const struct mt_rendition *r = c->rendition;
    const struct mt_sound_settings *like = &c->work->spec->sound;
    int fd = scratch(c->work, r->recipe, err);

    if (fd < 0)
        return -1;
    c->fds[1 + c->n_voices] = fd;
    c->voices[c->n_voices++] = (struct mt_av_voice){
        .stream = track->stream,
        .codec = r->rung->audio_codec,
        .format = mt_sound_file_of(r->rung->audio_codec),
        .bps = r->rung->audio_bps,
        .channels = like->channels,
        .denoise = like->denoise,
        .speech = like->speech,
        .loudness_lufs = like->loudness_lufs,
        .ceiling_dbtp = like->ceiling_dbtp,
        .fd = fd,
    };
    c->parts[c->n] = (struct mt_av_part){.fd = fd, .stream = -1, .start = MT_AV_OWN_TIMES};
    c->encoded[c->n] = true;
    return 0;
}

static struct mt_av_part part_of(const struct copying *c, int stream)
{
    return (struct mt_av_part){.fd = c->work->item->fd,
                               .stream = stream,
                               .start = MT_AV_OWN_TIMES,
                               .origin_us = mt_json_int(c->look, "origin_us", 0)};
}

/* 1 if the track is in, 0 with the reason if it would have to be encoded and must not be, -1. */
static int add_sound(struct copying *c, const struct mt_engine_track *track, char reason[160],
                     struct mt_err *err)
{
    const json_t *stream = stream_of(c->look, "sound", track->stream);
    const struct mt_rung *rung = c->rendition->rung;
    bool only = c->work->spec->remux == MT_REMUX_ONLY || strcmp(rung->audio_codec, "copy") == 0;

    if (mt_remux_sound_fits(rung, &c->work->spec->sound, stream, reason))
        c->parts[c->n] = part_of(c, track->stream);
    else if (only)
        return 0;
    else if (add_voice(c, track, err) < 0)
        return -1;
    c->tracks[c->n] = (struct mt_av_track){
        .kind = MT_AV_SOUND,
        .parts = &c->parts[c->n],
        .n = 1,
        .language = track->language,
        .title = track->title,
        .disposition =
            (track->disposition & ~(unsigned)MT_AV_DEFAULT) | (c->n == 1 ? MT_AV_DEFAULT : 0),
    };
    c->n++;
    return 1;
}

/* As add_sound(). */
static int compose(struct copying *c, char reason[160], struct mt_err *err)
{
    const json_t *pictures = stream_of(c->look, "pictures", -1);

    if (!mt_remux_pictures_fit(c->rendition->rung, pictures, reason))
        return 0;
    c->parts[0] = part_of(c, (int)mt_json_int(pictures, "stream", 0));
    c->tracks[0] = (struct mt_av_track){
        .kind = MT_AV_PICTURES, .parts = c->parts, .n = 1, .disposition = MT_AV_DEFAULT};
    c->n = 1;
    for (int i = 0; i < c->work->n_tracks; i++) {
        int ret = add_sound(c, &c->work->tracks[i], reason, err);

        if (ret <= 0)
            return ret;
    }
    c->n_texts = mt_texts_add(&c->work->texts, c->rendition->rung->format, &c->parts[c->n],
                              &c->tracks[c->n], MT_AV_TRACKS_MAX - c->n);
    for (int i = 0; i < c->n_texts; i++)
        c->fds[1 + c->n_voices + i] = c->parts[c->n + i].fd;
    c->n += c->n_texts;
    return 1;
}

/* ---- in the child ---- */

/* Encodes what sound has to be; what does not decode has no track. */
static int encode(struct copying *c, struct mt_worker *worker, json_t **voices, struct mt_err *err)
{
    struct mt_av_sound spec = {.voices = c->voices,
                               .n = c->n_voices,
                               .origin_us = mt_json_int(c->look, "origin_us", 0),
                               .limits = mt_stage_limits(c->work->spec->options),
                               .progress = {mt_stage_tell, worker}};
    json_t *report;
    int n = 1, at = 0;

    if (c->n_voices == 0)
        return 0;
    report = mt_av_sound(c->work->item->fd, &spec, err);
    if (!report && err->code != MT_ERR_DAMAGED && err->code != MT_ERR_NOT_APPLICABLE)
        return -1;
    *voices = json_incref(json_object_get(report, "voices"));
    json_decref(report);
    for (int i = 1; i < c->n; i++) {
        const json_t *voice = c->encoded[i] ? json_array_get(*voices, (size_t)at++) : NULL;

        if (c->encoded[i] && mt_json_int(voice, "samples", 0) == 0)
            continue;
        c->tracks[n] = c->tracks[i];
        c->encoded[n++] = c->encoded[i];
    }
    c->n = n;
    return 0;
}

/* What is said of each track of sound that is in the file. New. */
static json_t *heard(const struct copying *c, const json_t *voices)
{
    json_t *all = json_array();
    size_t at = 0;

    for (int i = 1; i < c->n - c->n_texts; i++) {
        const json_t *stream = stream_of(c->look, "sound", c->tracks[i].parts->stream);
        json_t *one;

        if (c->encoded[i]) {
            while (mt_json_int(json_array_get(voices, at), "samples", 1) == 0)
                at++;
            json_array_append(all, json_array_get(voices, at++));
            continue;
        }
        one = json_pack("{s:O, s:O, s:O, s:O, s:b}", "stream", json_object_get(stream, "stream"),
                        "codec", json_object_get(stream, "codec"), "channels",
                        json_object_get(stream, "channels"), "sample_rate_hz",
                        json_object_get(stream, "sample_rate_hz"), "copied", 1);
        json_array_append_new(all, one);
    }
    return all;
}

/* Joins, then reads back packet by packet, then decodes all of it. */
static int copy(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct copying *c = arg;
    struct mt_av_limits limits = mt_stage_limits(c->work->spec->options);
    struct mt_av_mux mux = {.format = c->rendition->rung->format,
                            .tracks = c->tracks,
                            .tags_fd = c->work->item->fd,
                            .origin_us = mt_json_int(c->look, "origin_us", 0),
                            .fd = mt_put_fd(c->rendition->making.put),
                            .limits = limits,
                            .progress = {mt_stage_tell, worker}};
    json_t *muxed = NULL, *check = NULL, *voices = NULL, *answer = NULL;
    int ret = -1;

    if (encode(c, worker, &voices, err) < 0)
        goto out;
    mux.n = c->n;
    muxed = mt_av_mux(&mux, err);
    if (muxed)
        check = mt_av_check(mux.fd, &limits, &mux.progress, err);
    if (!check)
        goto out;
    answer = json_pack("{s:o, s:O, s:o}", "made", mt_av_mux_summary(muxed), "check", check, "heard",
                       heard(c, voices));
    ret = mt_worker_send(worker, answer, NULL, 0, err);
out:
    json_decref(muxed);
    json_decref(check);
    json_decref(voices);
    json_decref(answer);
    return ret;
}

/* ---- one copy ---- */

static json_t *score(int w, int h)
{
    char size[32];

    snprintf(size, sizeof size, "%dx%d", w, h);
    return json_pack("{s:s, s:i, s:[], s:s}", "metric", "ssim", "value", 1, "worst", "resolution",
                     size);
}

static int take(struct copying *c, struct mt_err *err)
{
    const json_t *pictures = stream_of(c->look, "pictures", -1);
    struct mt_rendition *r = c->rendition;
    int w = (int)mt_json_int(pictures, "width", 0), h = (int)mt_json_int(pictures, "height", 0);

    if (!json_object_get(c->answer, "made"))
        return mt_fail(err, MT_ERR_CRASHED, "the copy came without a word");
    r->made = json_incref(json_object_get(c->answer, "made"));
    r->check = json_incref(json_object_get(c->answer, "check"));
    r->heard = json_incref(json_object_get(c->answer, "heard"));
    json_object_set_new(r->made, "width", json_integer(w));
    json_object_set_new(r->made, "height", json_integer(h));
    r->score = score(w, h);
    r->copied = true;
    return mt_rendition_compare(r, err);
}

static int run(struct copying *c, struct mt_err *err)
{
    struct mt_output output = mt_rendition_output(c->rendition);
    struct mt_item_work job = {.what = "copying",
                               .encode = true,
                               .run = copy,
                               .arg = c,
                               .on_line = on_answer,
                               .ctx = c,
                               .fds = c->fds,
                               .n_fds = 1 + c->n_voices + c->n_texts};

    if (mt_item_begin(c->work->item, &output, &c->rendition->making, err) < 0)
        return -1;
    c->fds[0] = mt_put_fd(c->rendition->making.put);
    if (mt_item_run(c->work->item, &job, err) < 0 || take(c, err) < 0)
        return mt_fail_in(err, "rendition '%s'", c->rendition->rung->name);
    return mt_rendition_publish(c->work, c->rendition, err);
}

static void report_source(struct mt_work *w, const struct mt_rendition *r)
{
    if (!w->source)
        w->source =
            json_pack("{s:O, s:O, s:i, s:[]}", "frames", json_object_get(r->made, "frames"),
                      "duration", json_object_get(r->made, "duration"), "errors", 0, "messages");
}

/* Faults that an encoder can deal with: it decodes what there is. */
static bool may_encode(const struct mt_work *w, const struct mt_rung *rung,
                       const struct mt_err *err)
{
    return w->spec->remux == MT_REMUX_AUTO && !is_copy(rung) &&
           (err->code == MT_ERR_VERIFY || err->code == MT_ERR_DAMAGED ||
            err->code == MT_ERR_TRUNCATED || err->code == MT_ERR_UNSUPPORTED_CODEC ||
            err->code == MT_ERR_FAILED);
}

/* A copy has the source's own size, whatever it is called. */
static bool right_size(const struct mt_work *w, const struct mt_rung *rung, char reason[160])
{
    const json_t *pictures = mt_source_pictures(w->item->doc);
    int width = (int)mt_json_int(pictures, "display_width", 0);
    int height = (int)mt_json_int(pictures, "display_height", 0);

    if ((width < height ? width : height) / 2 == rung->height_px / 2)
        return true;
    snprintf(reason, 160, "the source has %dx%d, its size is named by 'source'", width, height);
    return false;
}

/* 1 if it is published, 0 with the reason if it has to be encoded, -1. */
static int try_copy(struct mt_work *w, struct mt_rendition *r, const json_t *look, char reason[160],
                    struct mt_err *err)
{
    struct copying *c = mt_alloc(sizeof *c);
    int ret;

    *c = (struct copying){.work = w, .rendition = r, .look = look};
    ret = !is_copy(r->rung) || right_size(w, r->rung, reason) ? compose(c, reason, err) : 0;
    if (ret > 0 && run(c, err) < 0) {
        ret = may_encode(w, r->rung, err) ? 0 : -1;
        snprintf(reason, 160, "%.150s", err->msg);
        mt_log(MT_LOG_INFO, "'%s': %s is encoded: %s", w->item->name, r->rung->name, err->msg);
    }
    if (ret > 0)
        report_source(w, r);
    for (int i = 0; i < c->n_voices; i++)
        close(c->fds[1 + i]);
    json_decref(c->answer);
    free(c);
    return ret;
}

/* ---- all of them ---- */

static void say_why(json_t *list, const struct mt_rung *rung, const char *reason)
{
    json_array_append_new(
        list, json_pack("{s:s, s:o}", "quality", rung->name, "reason", mt_json_text(reason)));
}

/* Whether it is worth reading the packets: codec and size may be those that are asked for. */
static bool is_candidate(const struct mt_work *w, const struct mt_rendition *r)
{
    const json_t *pictures = mt_source_pictures(w->item->doc);
    int64_t width = mt_json_int(pictures, "display_width", 0);
    int64_t height = mt_json_int(pictures, "display_height", 0);
    const char *damage = mt_json_str(w->item->doc, "asset.metadata.damage.state", "ok");

    if (is_copy(r->rung) || w->spec->remux == MT_REMUX_ONLY)
        return true;
    return w->spec->remux == MT_REMUX_AUTO && !w->spec->burn.which && strcmp(damage, "ok") == 0 &&
           w->spec->crf < 0 && r->rung->crf < 0 && w->spec->target <= 0 && !w->spec->estimate &&
           strcmp(mt_json_str(pictures, "codec", ""), r->rung->video_codec) == 0 &&
           (width < height ? width : height) == r->rung->height_px;
}

static void forget(struct mt_work *w, int i)
{
    mt_rendition_free(w, &w->todo[i]);
    w->n--;
    memmove(&w->todo[i], &w->todo[i + 1], (size_t)(w->n - i) * sizeof w->todo[0]);
    w->todo[w->n] = (struct mt_rendition){.rung = NULL};
}

static int refuse(const struct mt_rung *rung, const char *reason, struct mt_err *err)
{
    mt_fail(err, MT_ERR_UNSUPPORTED_CODEC, "%s cannot be a copy: %s", rung->name, reason);
    return mt_hint(err, "name a codec to encode it, or a format that can carry it: mkv");
}

static int write_texts(struct mt_work *w, const json_t *look, struct mt_err *err)
{
    return mt_texts_make(w, mt_json_int(look, "origin_us", 0), mt_json_int(look, "duration_us", 0),
                         err);
}

int mt_remux(struct mt_work *w, json_t *left_out, struct mt_err *err)
{
    json_t *packets = NULL, *encoded = json_array();
    int ret = 0;

    for (int i = 0; i < w->n && ret == 0;) {
        const struct mt_rung *rung = w->todo[i].rung;
        char reason[160] = "";

        if (!is_candidate(w, &w->todo[i])) {
            i++;
            continue;
        }
        if (!packets && (!(packets = mt_remux_look(w, err)) || write_texts(w, packets, err) < 0)) {
            ret = -1;
            break;
        }
        ret = try_copy(w, &w->todo[i], packets, reason, err);
        if (ret == 0 && is_copy(rung))
            ret = refuse(rung, reason, err);
        if (ret < 0)
            break;
        w->made += ret;
        if (ret > 0 || w->spec->remux == MT_REMUX_ONLY) {
            if (ret == 0)
                say_why(left_out, rung, reason);
            forget(w, i);
        } else {
            struct mt_rendition again = {.rung = rung};

            say_why(encoded, rung, reason);
            memcpy(again.recipe, w->todo[i].recipe, sizeof again.recipe);
            mt_rendition_free(w, &w->todo[i]);
            w->todo[i++] = again;
        }
        ret = 0;
    }
    if (json_array_size(encoded) > 0)
        json_object_set(w->item->report, "not_copied", encoded);
    json_decref(encoded);
    json_decref(packets);
    return ret;
}
