/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ladder.c - see ladder.h. */
#include "transcode/ladder.h"

#include "av/mux.h"
#include "base/mem.h"
#include "transcode/ladder_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Peak rates at 16:9 and up to 30 pictures a second. */
static const struct {
    int height_px;
    int64_t max_bps, audio_bps;
} table[] = {
    {144, 200000, 64000},    {240, 350000, 64000},     {360, 600000, 96000},
    {480, 1000000, 128000},  {720, 2500000, 128000},   {1080, 5000000, 192000},
    {1440, 9000000, 192000}, {2160, 18000000, 192000}, {4320, 50000000, 192000},
};
enum { ROWS = sizeof table / sizeof *table };

static int row_of(int height)
{
    int i = 0;

    while (i + 1 < ROWS && table[i].height_px < height)
        i++;
    return i;
}

int64_t mt_peak_of(int height)
{
    int i = row_of(height);

    if (table[i].height_px == height || i == 0)
        return table[i].max_bps;
    double a = (double)table[i - 1].height_px * table[i - 1].height_px;
    double b = (double)table[i].height_px * table[i].height_px;
    double share = ((double)height * height - a) / (b - a);
    double rate =
        (double)table[i - 1].max_bps + share * (double)(table[i].max_bps - table[i - 1].max_bps);
    return (int64_t)(rate / 1000) * 1000;
}

/* Opus says as much with three quarters of the bits. */
int64_t mt_audio_rate_of(const char *codec, int height)
{
    int64_t bps = table[row_of(height)].audio_bps;

    if (strcmp(codec, "flac") == 0 || strcmp(codec, "alac") == 0 || strcmp(codec, "pcm") == 0)
        return 0;
    return strcmp(codec, "opus") == 0 ? bps * 3 / 4 : bps;
}

/* What depends on a height that is known now. */
static void settle(struct mt_rung *rung, int height)
{
    rung->height_px = height;
    snprintf(rung->name, sizeof rung->name, "%dp", height);
    if (rung->max_bps == 0 && rung->video_bps == 0 && strcmp(rung->video_codec, "copy") != 0)
        rung->max_bps = mt_peak_of(height);
    if (rung->audio_bps < 0)
        rung->audio_bps = mt_audio_rate_of(rung->audio_codec, height);
}

/* Most pictures first, then the source's, sound last. */
static int by_height(const void *a, const void *b)
{
    const struct mt_rung *x = a, *y = b;

    if (x->audio_only != y->audio_only)
        return x->audio_only - y->audio_only;
    if (x->height_px != y->height_px)
        return y->height_px - x->height_px;
    return strcmp(x->format, y->format);
}

/* More pictures a second cost more, but less than in proportion: they differ less. */
static void allow_for_rate(struct mt_rung *rung, double fps)
{
    double shown = fps;

    if (rung->height_px < 720 && fps > 30.5 && rung->fps == 0 &&
        (rung->max_fps == 0 || rung->max_fps > 30))
        rung->max_fps = 30;
    if (rung->max_fps > 0 && shown > rung->max_fps)
        shown = rung->max_fps;
    if (rung->fps > 0)
        shown = rung->fps;
    if (shown > 30.5 && rung->video_bps == 0)
        rung->max_bps =
            (int64_t)((double)rung->max_bps * sqrt(fmin(shown, 120) / 30) / 1000) * 1000;
}

static void add_automatic(struct mt_ladder *fit, const struct mt_ladder *ladder, int height,
                          double fps)
{
    struct mt_rung *rung = &fit->rungs[fit->n++];

    *rung = ladder->automatic_rung;
    settle(rung, height);
    allow_for_rate(rung, fps);
}

static void choose_rungs(struct mt_ladder *ladder, int side, double fps)
{
    static const int steps[] = {2160, 1440, 1080, 720, 480, 360, 240};
    struct mt_ladder fit = {.n = 0};
    int top = side > 4320 ? 4320 : side > 1 ? side & ~1 : 2, last = top;

    add_automatic(&fit, ladder, top, fps);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i] > last * 4 / 5 || (steps[i] == 240 && top > 480))
            continue;
        add_automatic(&fit, ladder, steps[i], fps);
        last = steps[i];
    }
    for (int i = 0; i < ladder->n; i++)
        if (ladder->rungs[i].audio_only && fit.n < MT_RUNGS_MAX)
            fit.rungs[fit.n++] = ladder->rungs[i];
    *ladder = fit;
}

static void drop(json_t *dropped, const struct mt_rung *rung, char *reason)
{
    json_array_append_new(dropped,
                          json_pack("{s:s, s:s}", "quality", rung->name, "reason", reason));
    free(reason);
}

/* Rungs of pictures that the source is large enough for, one of its own size if there is none. */
static void fit_pictures(struct mt_ladder *fit, const struct mt_ladder *ladder,
                         const struct mt_shape *shape, json_t *dropped)
{
    int side = shape->w < shape->h ? shape->w : shape->h;
    int even = side > 1 ? side & ~1 : 2;
    const struct mt_rung *some = NULL;

    for (int i = 0; i < ladder->n; i++) {
        struct mt_rung rung = ladder->rungs[i];

        if (rung.audio_only)
            continue;
        some = &ladder->rungs[i];
        if (rung.height_px == 0)
            settle(&rung, even);
        if (rung.height_px <= side || rung.upscale)
            fit->rungs[fit->n++] = rung;
        else
            drop(dropped, &rung,
                 mt_asprintf("the source has only %dx%d, nothing is enlarged", shape->w, shape->h));
    }
    if (fit->n == 0 && some) {
        fit->rungs[0] = *some;
        if (some->bitrate[0] == '\0')
            fit->rungs[0].max_bps = 0;
        fit->rungs[0].audio_bps = -1;
        settle(&fit->rungs[fit->n++], even);
    }
}

/* Easy pictures: smaller ones would be no easier to get. fit has no rungs of sound yet. */
static void drop_useless(struct mt_ladder *fit, const struct mt_shape *shape, json_t *dropped)
{
    const struct mt_rung *lowest = &fit->rungs[fit->n - 1];

    if (shape->bps <= 0 || fit->n < 2 || fit->rungs[0].video_bps > 0 ||
        shape->bps > lowest->max_bps / 2)
        return;
    while (fit->n > 1)
        drop(dropped, &fit->rungs[--fit->n],
             mt_asprintf("nothing is gained: the source takes only %lldk at %s",
                         (long long)(shape->bps + 999) / 1000, fit->rungs[0].name));
}

/* What a source of sound gets when only pictures were asked for. */
static void sound_instead(struct mt_ladder *fit, const struct mt_ladder *ladder)
{
    const struct mt_rung *from = ladder->n > 0 ? &ladder->rungs[0] : &ladder->automatic_rung;
    struct mt_rung *rung = &fit->rungs[fit->n++];

    *rung = (struct mt_rung){.audio_only = true, .crf = -1};
    snprintf(rung->name, sizeof rung->name, "audio");
    snprintf(rung->audio_codec, sizeof rung->audio_codec, "%s", from->audio_codec);
    snprintf(rung->format, sizeof rung->format, "%s", mt_sound_format_of(from->audio_codec));
    rung->audio_bps = mt_audio_rate_of(rung->audio_codec, 1080);
}

void mt_ladder_fit(struct mt_ladder *ladder, const struct mt_shape *shape, json_t *dropped)
{
    int side = shape->w < shape->h ? shape->w : shape->h;
    struct mt_ladder fit = {.n = 0};
    bool automatic = ladder->automatic && side > 0;

    if (automatic)
        choose_rungs(ladder, side, shape->fps);
    if (side > 0)
        fit_pictures(&fit, ladder, shape, dropped);
    if (automatic)
        drop_useless(&fit, shape, dropped);
    for (int i = 0; i < ladder->n; i++)
        if (ladder->rungs[i].audio_only)
            fit.rungs[fit.n++] = ladder->rungs[i];
    if (fit.n == 0)
        sound_instead(&fit, ladder);
    qsort(fit.rungs, (size_t)fit.n, sizeof *fit.rungs, by_height);
    *ladder = fit;
}

int mt_ladder_settle(struct mt_ladder *ladder, struct mt_err *err)
{
    for (int i = 0; i < ladder->n; i++) {
        struct mt_rung *rung = &ladder->rungs[i];

        if (rung->height_px > 0 && !rung->audio_only)
            settle(rung, rung->height_px);
    }
    qsort(ladder->rungs, (size_t)ladder->n, sizeof *ladder->rungs, by_height);
    for (int i = 1; i < ladder->n; i++)
        if (strcmp(ladder->rungs[i].name, ladder->rungs[i - 1].name) == 0 &&
            strcmp(ladder->rungs[i].format, ladder->rungs[i - 1].format) == 0)
            return mt_fail(err, MT_ERR_USAGE, "--quality names '%s' twice", ladder->rungs[i].name);
    return 0;
}

json_t *mt_rung_settings(const struct mt_rung *rung)
{
    return json_pack("{s:s, s:b, s:i, s:b, s:s, s:s, s:s, s:I, s:I, s:i, s:I, s:f, s:f, s:b}",
                     "name", rung->name, "audio_only", rung->audio_only, "height", rung->height_px,
                     "upscale", rung->upscale, "format", rung->format, "video_codec",
                     rung->video_codec, "audio_codec", rung->audio_codec, "video_bps",
                     (json_int_t)rung->video_bps, "max_bps", (json_int_t)rung->max_bps, "crf",
                     rung->crf, "audio_bps", (json_int_t)rung->audio_bps, "max_fps", rung->max_fps,
                     "fps", rung->fps, "constant", rung->constant);
}

const char *mt_rung_type(const struct mt_rung *rung)
{
    if (rung->audio_only)
        return "audio_only";
    return rung->height_px >= 720 ? "high_res" : "low_res";
}
