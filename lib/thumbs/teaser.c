/* SPDX-License-Identifier: GPL-2.0-or-later */
/* teaser.c - previews and trailers of one input. */
#include "thumbs/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILES = MT_AV_CLIPS + MT_AV_TEASER_SCRATCH };

const char *const mt_thumbs_clips[] = {"mp4", "webm", "webp", NULL};

struct work {
    struct mt_item *item;
    const struct mt_film *film;
    const struct mt_thumbs *spec;
    const char *name; /* "preview" or "trailer"; also variant_type */
    bool wanted[MT_AV_CLIPS];
    int files[FILES]; /* in memory: what the child writes; -1: not wanted */
    struct mt_av_teaser teaser;
    char recipe[9];
    json_t *entries, *report;
    struct mt_batch *batch;
};

static bool is_trailer(const struct work *w)
{
    return strcmp(w->name, "trailer") == 0;
}

/* ---- what the options say ---- */

/* film: NULL if it does not matter yet whether they can be written. */
static int read_clips(const struct mt_thumbs *spec, const struct mt_film *film,
                      bool out[MT_AV_CLIPS], struct mt_err *err)
{
    char *copy = mt_strdup(spec->clips), *rest = copy, *word;
    int ret = 0;

    memset(out, 0, MT_AV_CLIPS * sizeof *out);
    while (ret == 0 && (word = strsep(&rest, ","))) {
        int i = 0;
        while (i < MT_AV_CLIPS && strcmp(mt_thumbs_clips[i], word) != 0)
            i++;
        if (i == MT_AV_CLIPS) {
            mt_fail(err, MT_ERR_USAGE, "--clip-format does not know '%s'", word);
            ret = mt_hint_nearest(err, word, mt_thumbs_clips, NULL);
        } else if (film && !film->can_clip((enum mt_av_clip)i)) {
            ret = mt_fail(err, MT_ERR_UNAVAILABLE, "these media libraries cannot write '%s'", word);
        } else {
            out[i] = true;
        }
    }
    free(copy);
    return ret;
}

int mt_check_teasers(const struct mt_thumbs *spec, struct mt_err *err)
{
    const int64_t lengths[] = {spec->preview_us, spec->trailer_us};
    bool clips[MT_AV_CLIPS];

    for (int i = 0; i < 2; i++)
        if (lengths[i] != 0 && (lengths[i] < 1000000 || lengths[i] > 300000000))
            return mt_fail(err, MT_ERR_USAGE, "--%s takes 1 to 300 seconds, not %.3f",
                           i ? "trailer" : "preview", (double)lengths[i] / 1e6);
    if (read_clips(spec, NULL, clips, err) < 0)
        return -1;
    if (spec->trailer_us && !clips[MT_AV_CLIP_MP4] && !clips[MT_AV_CLIP_WEBM]) {
        mt_fail(err, MT_ERR_USAGE, "a trailer has sound, WebP has none");
        return mt_hint(err, "write --clip-format mp4,webp");
    }
    return 0;
}

json_t *mt_teaser_parameters(const struct mt_thumbs *spec, bool trailer)
{
    return json_pack("{s:s, s:I, s:s, s:I}", "kind", trailer ? "trailer" : "preview", "length_us",
                     (json_int_t)(trailer ? spec->trailer_us : spec->preview_us), "formats",
                     spec->clips, "side",
                     (json_int_t)(trailer ? spec->trailer_px : spec->preview_px));
}

/* ---- the child ---- */

static int take(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct work *w = arg;

    w->teaser.limits = mt_stage_limits(w->spec->options);
    w->teaser.progress = (struct mt_av_progress){mt_stage_tell, worker};
    json_t *report = w->film->teaser(w->item->fd, &w->teaser, err);
    if (!report)
        return -1;
    json_t *line = json_pack("{s:o}", "report", report);
    int ret = mt_worker_send(worker, line, NULL, 0, err);
    json_decref(line);
    return ret;
}

static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;
    json_t *report = json_object_get(line, "report");

    (void)data;
    (void)n;
    (void)err;
    if (report && !w->report)
        w->report = json_incref(report);
    return 0;
}

/* ---- publishing ---- */

static json_t *entry_of(const struct work *w, const json_t *clip)
{
    int64_t bps = mt_json_int(clip, "video_bps", 0) + mt_json_int(clip, "audio_bps", 0);
    json_t *score = json_object_get(clip, "score");
    char resolution[32], bitrate[32];

    snprintf(resolution, sizeof resolution, "%dx%d", (int)mt_json_int(clip, "width", 0),
             (int)mt_json_int(clip, "height", 0));
    snprintf(bitrate, sizeof bitrate, "%lldk", (long long)((bps + 500) / 1000));
    json_t *entry =
        json_pack("{s:s, s:s, s:s, s:s, s:O, s:b, s:O, s:O}", "variant_type", w->name, "format",
                  mt_json_str(clip, "clip", ""), "resolution", resolution, "bitrate", bitrate,
                  "duration", json_object_get(clip, "duration"), "verified", true, "whole",
                  mt_json_at(w->report, "whole"), "excerpts", mt_json_at(w->report, "excerpts"));
    if (json_is_number(score))
        json_object_set_new(entry, "score",
                            json_pack("{s:s, s:O}", "metric", "ssim", "value", score));
    if (json_is_object(json_object_get(w->report, "loudness")))
        json_object_set(entry, "loudness", json_object_get(w->report, "loudness"));
    return entry;
}

static int add_clip(struct work *w, const json_t *clip, struct mt_err *err)
{
    const char *ext = mt_json_str(clip, "clip", "");
    struct mt_output output = {.name = w->name, .recipe = w->recipe, .ext = ext, .type = w->name};
    int i = 0;

    while (i < MT_AV_CLIPS && (!w->wanted[i] || strcmp(mt_thumbs_clips[i], ext) != 0))
        i++;
    int64_t size = i < MT_AV_CLIPS ? lseek(w->files[i], 0, SEEK_END) : 0;
    if (size <= 0 || !json_is_array(mt_json_at(w->report, "excerpts")) ||
        !json_is_number(json_object_get(clip, "duration")))
        return mt_fail(err, MT_ERR_CRASHED, "the %s of '%s' is not complete", w->name,
                       w->item->name);
    void *data = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, w->files[i], 0);
    if (data == MAP_FAILED)
        return mt_fail_errno(err, "cannot read the %s", w->name);
    int ret = mt_batch_add(w->batch, &output, entry_of(w, clip), data, (size_t)size, err);
    munmap(data, (size_t)size);
    return ret;
}

static int publish(struct work *w, struct mt_err *err)
{
    const json_t *clips = mt_json_at(w->report, "clips"), *clip;
    size_t wanted = 0, i;

    for (int k = 0; k < MT_AV_CLIPS; k++)
        wanted += w->wanted[k];
    if (json_array_size(clips) != wanted)
        return mt_fail(err, MT_ERR_CRASHED, "the %s of '%s' is not complete", w->name,
                       w->item->name);
    json_array_foreach(clips, i, clip)
    {
        if (add_clip(w, clip, err) < 0)
            return -1;
    }
    return mt_batch_publish(w->batch, err);
}

/* ---- all of it ---- */

static int open_files(struct work *w, struct mt_err *err)
{
    for (int i = 0; i < FILES; i++) {
        if (i < MT_AV_CLIPS && !w->wanted[i])
            continue;
        w->files[i] = memfd_create(w->name, MFD_CLOEXEC);
        if (w->files[i] < 0)
            return mt_fail_errno(err, "cannot make room for the %s", w->name);
    }
    memcpy(w->teaser.fds, w->files, sizeof w->teaser.fds);
    memcpy(w->teaser.scratch, w->files + MT_AV_CLIPS, sizeof w->teaser.scratch);
    return 0;
}

static int make(struct work *w, struct mt_err *err)
{
    struct mt_item_work job = {.what =
                                   is_trailer(w) ? "making a trailer of" : "making a preview of",
                               .encode = true,
                               .run = take,
                               .arg = w,
                               .on_line = hear,
                               .ctx = w};
    int fds[FILES];

    for (int i = 0; i < FILES; i++)
        if (w->files[i] >= 0)
            fds[job.n_fds++] = w->files[i];
    job.fds = fds;
    if (mt_item_run(w->item, &job, err) < 0)
        return -1;
    w->batch = mt_batch_new(w->item, w->entries);
    int ret = publish(w, err);
    mt_batch_free(&w->batch);
    if (ret < 0)
        return -1;
    mt_add_notes(w->item, mt_json_at(w->report, "notes"));
    if (mt_json_int(w->report, "errors", 0) > 0)
        w->item->status = "degraded";
    return 0;
}

static int prepare(struct work *w, struct mt_err *err)
{
    const struct mt_thumbs *s = w->spec;
    json_t *settings = mt_teaser_parameters(s, is_trailer(w));

    mt_stage_recipe(settings, w->recipe);
    json_decref(settings);
    for (int i = 0; i < FILES; i++)
        w->files[i] = -1;
    w->film = mt_item_film(w->item, err);
    if (!w->film || read_clips(s, w->film, w->wanted, err) < 0)
        return -1;
    if (is_trailer(w))
        w->wanted[MT_AV_CLIP_WEBP] = false;
    w->teaser =
        (struct mt_av_teaser){.length_us = is_trailer(w) ? s->trailer_us : s->preview_us,
                              .side_px = (int)(is_trailer(w) ? s->trailer_px : s->preview_px),
                              .sound = is_trailer(w)};
    w->entries = mt_item_made_below(w->item, w->name, w->recipe, err);
    return w->entries ? 0 : -1;
}

int mt_thumbs_teaser(struct mt_item *item, const struct mt_thumbs *spec, bool trailer, bool *made,
                     struct mt_err *err)
{
    struct work w = {.item = item, .spec = spec, .name = trailer ? "trailer" : "preview"};
    size_t wanted = 0, i;
    json_t *entry;
    int ret = prepare(&w, err);

    for (int k = 0; k < MT_AV_CLIPS; k++)
        wanted += w.wanted[k];
    if (ret == 0 && json_array_size(w.entries) != wanted) {
        json_array_clear(w.entries);
        *made = true;
        ret = open_files(&w, err) < 0 ? -1 : make(&w, err);
    }
    if (ret == 0)
        json_array_foreach(w.entries, i, entry) mt_doc_add_variant(item->doc, json_incref(entry));
    for (int k = 0; k < FILES; k++)
        mt_fd_close(&w.files[k]);
    json_decref(w.report);
    json_decref(w.entries);
    return ret;
}
