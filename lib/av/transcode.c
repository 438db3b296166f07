/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode.c - all of a film by one process: plan, segments, sound, files. */
#include "av/transcode.h"

#include "av/input.h"
#include "av/segment.h"
#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RENDITIONS_MAX = 16 };

struct whole {
    const struct mt_av_transcode *spec;
    int source;
    json_t *plan, *sound, *report, *messages;
    struct mt_av_rendition inner[RENDITIONS_MAX]; /* their segments go to memory */
    struct mt_av_piece *pieces[RENDITIONS_MAX];
    int64_t bps[RENDITIONS_MAX]; /* of sound, each once */
    int sounds[RENDITIONS_MAX], n_sounds;
    int64_t frames, errors, end_us, missing, backwards;
};

static unsigned claim_all(void *ctx, int segment)
{
    const struct whole *w = ctx;

    (void)segment;
    return (1U << w->spec->n) - 1;
}

static int take_segment(void *ctx, const json_t *report, struct mt_err *err)
{
    struct whole *w = ctx;
    int64_t segment = mt_json_int(report, "segment", 0), end_us = mt_json_int(report, "end_us", 0);
    json_t *lane;
    size_t i;

    (void)err;
    w->frames += mt_json_int(report, "frames", 0);
    w->errors += mt_json_int(report, "errors", 0);
    w->missing += mt_json_int(report, "missing", 0);
    w->backwards += mt_json_int(report, "backwards", 0);
    w->end_us = end_us > w->end_us ? end_us : w->end_us;
    json_array_extend(w->messages, json_object_get(report, "messages"));
    json_array_foreach(json_object_get(report, "renditions"), i, lane)
    {
        int64_t k = mt_json_int(lane, "rendition", 0);

        w->pieces[k][segment] = (struct mt_av_piece){.fd = w->inner[k].fd,
                                                     .offset = mt_json_int(lane, "offset", 0),
                                                     .size = mt_json_int(lane, "size", 0),
                                                     .frames = mt_json_int(lane, "frames", 0)};
    }
    return 0;
}

static int scratch(struct mt_err *err)
{
    int fd = memfd_create("segments", MFD_CLOEXEC);

    return fd < 0 ? mt_fail_errno(err, "cannot make room for segments") : fd;
}

static int encode_pictures(struct whole *w, struct mt_err *err)
{
    struct mt_av_segments spec = {.plan = w->plan,
                                  .renditions = w->inner,
                                  .n = w->spec->n,
                                  .preset = w->spec->preset,
                                  .threads = w->spec->threads,
                                  .limits = w->spec->limits,
                                  .progress = w->spec->progress,
                                  .claim = claim_all,
                                  .done = take_segment,
                                  .ctx = w};
    size_t n = json_array_size(json_object_get(w->plan, "segments"));

    for (int i = 0; i < w->spec->n; i++) {
        w->inner[i] = w->spec->renditions[i];
        w->inner[i].fd = scratch(err);
        if (w->inner[i].fd < 0)
            return -1;
        w->pieces[i] = mt_alloc((n + 1) * sizeof(struct mt_av_piece));
    }
    return mt_av_segments_encode(w->source, &spec, err);
}

/* Which sound a rendition has; -1: none. */
static int sound_of(const struct whole *w, int rendition)
{
    for (int i = 0; i < w->n_sounds; i++)
        if (w->bps[i] == w->spec->renditions[rendition].audio_bps)
            return i;
    return -1;
}

static int encode_sound(struct whole *w, struct mt_err *err)
{
    struct mt_av_sound_spec spec = {.origin_us = mt_json_int(w->plan, "origin_us", 0),
                                    .bps = w->bps,
                                    .fds = w->sounds,
                                    .limits = w->spec->limits,
                                    .progress = w->spec->progress};

    if (!mt_json_bool(w->plan, "sound", false))
        return 0;
    for (int i = 0; i < w->spec->n; i++) {
        if (w->spec->renditions[i].audio_bps <= 0 || sound_of(w, i) >= 0)
            continue;
        w->bps[w->n_sounds] = w->spec->renditions[i].audio_bps;
        w->sounds[w->n_sounds] = scratch(err);
        if (w->sounds[w->n_sounds++] < 0)
            return -1;
    }
    if (w->n_sounds == 0)
        return 0;
    spec.n = w->n_sounds;
    w->sound = mt_av_sound_encode(w->source, &spec, err);
    if (!w->sound)
        return -1;
    w->errors += mt_json_int(w->sound, "errors", 0);
    w->end_us = mt_json_int(w->sound, "end_us", 0) > w->end_us ? mt_json_int(w->sound, "end_us", 0)
                                                               : w->end_us;
    json_array_extend(w->messages, json_object_get(w->sound, "messages"));
    return 0;
}

static int join(struct whole *w, int i, json_t *all, struct mt_err *err)
{
    const struct mt_av_rendition *rendition = &w->spec->renditions[i];
    int sound = w->n_sounds > 0 ? sound_of(w, i) : -1;
    struct mt_av_join spec = {.plan = w->plan,
                              .pieces = w->pieces[i],
                              .sound_fd = sound < 0 ? -1 : w->sounds[sound],
                              .source_fd = w->source,
                              .fd = rendition->fd,
                              .limits = w->spec->limits,
                              .progress = w->spec->progress};
    json_t *report = mt_av_segments_join(&spec, err);
    int width, height;

    if (!report)
        return mt_fail_in(err, "rendition '%s'", rendition->name);
    mt_av_plan_size(w->plan, rendition, &width, &height);
    json_object_set_new(report, "name", json_string(rendition->name));
    json_object_set_new(report, "width", json_integer(width));
    json_object_set_new(report, "height", json_integer(height));
    json_array_append_new(all, report);
    return 0;
}

static int run(struct whole *w, struct mt_err *err)
{
    json_t *all;

    if (w->spec->n < 1 || w->spec->n > RENDITIONS_MAX)
        return mt_fail(err, MT_ERR_BUG, "%d renditions at once", w->spec->n);
    w->plan = mt_av_plan(w->source, &w->spec->limits, &w->spec->progress, err);
    if (!w->plan || encode_pictures(w, err) < 0 || encode_sound(w, err) < 0)
        return -1;
    all = json_array();
    w->report = json_pack(
        "{s:o, s:{s:I, s:I, s:o, s:I, s:O, s:{s:I, s:I, s:I}}}", "renditions", all, "source",
        "frames", (json_int_t)w->frames, "samples", (json_int_t)mt_json_int(w->sound, "samples", 0),
        "duration", mt_json_real((double)w->end_us / 1e6, 6), "errors", (json_int_t)w->errors,
        "messages", w->messages, "repaired", "missing", (json_int_t)w->missing, "backwards",
        (json_int_t)w->backwards, "jumps", (json_int_t)mt_json_int(w->plan, "jumps", 0));
    for (int i = 0; i < w->spec->n; i++)
        if (join(w, i, all, err) < 0)
            return -1;
    return 0;
}

json_t *mt_av_transcode(int fd, const struct mt_av_transcode *spec, struct mt_err *err)
{
    struct whole w = {.spec = spec, .source = fd, .messages = json_array()};
    json_t *report = NULL;

    for (int i = 0; i < RENDITIONS_MAX; i++)
        w.inner[i].fd = w.sounds[i] = -1;
    if (run(&w, err) == 0)
        report = json_incref(w.report);
    for (int i = 0; i < RENDITIONS_MAX; i++) {
        mt_fd_close(&w.inner[i].fd);
        mt_fd_close(&w.sounds[i]);
        free(w.pieces[i]);
    }
    json_decref(w.report);
    json_decref(w.messages);
    json_decref(w.plan);
    json_decref(w.sound);
    return report;
}
