/* SPDX-License-Identifier: GPL-2.0-or-later */
/* storyboard_tiles.c - the tiles of a film, by several threads. */
#include "av/storyboard_tiles.h"

#include "av/storyboard.h"
#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000000, THREADS_MAX = 4, TILES_A_THREAD = 24, FITTED = 400 };

/* What the threads share. */
struct crew {
    struct mt_tiles *tiles;
    int fd;
    const struct mt_av_limits *limits;
    const struct mt_av_progress *progress;
    atomic_int done;
    atomic_bool stop;
};

struct part {
    struct crew *crew;
    int from, to;
    struct mt_picker picker;
    int64_t damaged;
    struct mt_err err;
    int ret;
    pthread_t thread;
};

static int64_t fitted(int64_t duration, int64_t frame)
{
    static const int64_t steps[] = {250000,
                                    500000,
                                    SECOND,
                                    2 * SECOND,
                                    5 * SECOND,
                                    10 * SECOND,
                                    15 * SECOND,
                                    20 * SECOND,
                                    30 * SECOND,
                                    60 * SECOND,
                                    120 * SECOND,
                                    300 * SECOND,
                                    600 * (int64_t)SECOND};
    int i = 0;

    while (i + 1 < (int)(sizeof steps / sizeof *steps) &&
           (steps[i] < frame || (duration - 1) / steps[i] + 1 > FITTED))
        i++;
    return steps[i] < frame ? frame : steps[i];
}

static int plan(struct mt_tiles *t, const struct mt_film *film, const struct mt_tiles_wish *wish,
                struct mt_err *err)
{
    t->duration_us = film->last_us > film->duration_us ? film->last_us : film->duration_us;
    if (film->still)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "a still picture has no storyboard");
    if (t->duration_us < film->frame_us)
        t->duration_us = film->frame_us;
    t->interval_us = wish->interval_us ? wish->interval_us : fitted(t->duration_us, film->frame_us);
    if (wish->count && !wish->interval_us)
        t->interval_us = t->duration_us / wish->count > film->frame_us
                             ? (t->duration_us + wish->count - 1) / wish->count
                             : film->frame_us;
    /* Less than a millisecond at the end is no tile: a cue could not express it. */
    int64_t n = t->duration_us > 1000 ? (t->duration_us - 1000) / t->interval_us + 1 : 1;
    if (n > MT_AV_TILES_MAX)
        return mt_fail(err, MT_ERR_USAGE, "every %.3f s are %lld tiles, %d can be made",
                       (double)t->interval_us / SECOND, (long long)n, (int)MT_AV_TILES_MAX);
    t->n = (int)n;
    t->frames = mt_alloc((size_t)n * sizeof *t->frames);
    t->times_us = mt_alloc((size_t)n * sizeof *t->times_us);
    return 0;
}

static int64_t middle(const struct mt_tiles *t, int i, int64_t *half)
{
    int64_t from = i * t->interval_us, to = from + t->interval_us;

    if (to > t->duration_us || i + 1 == t->n)
        to = t->duration_us;
    *half = (to - from) / 2;
    return from + *half;
}

/* 0 also when nothing decodes there. */
static int take_one(struct part *part, int i, struct mt_err *err)
{
    struct mt_tiles *t = part->crew->tiles;
    struct mt_picker *p = &part->picker;
    struct mt_av_box box = {t->width, t->height};
    const AVFrame *frame;
    int64_t half, at = middle(t, i, &half);
    int ret = mt_picker_at(p, at, half > 0 ? half - 1 : 0, &frame, &t->times_us[i], err);

    if (ret != 0)
        return ret < 0 ? -1 : 0;
    return mt_render(&t->frames[i], frame, &p->in, p->stream, &p->film, box, MT_AV_COVER, err);
}

static int tell(void *ctx, int64_t done_us, int64_t total_us)
{
    struct crew *crew = ctx;
    const struct mt_tiles *t = crew->tiles;
    int done = atomic_load(&crew->done);

    (void)done_us;
    (void)total_us;
    if (atomic_load(&crew->stop))
        return 1;
    if (!crew->progress->tell)
        return 0;
    return crew->progress->tell(crew->progress->ctx, t->n ? t->duration_us / t->n * done : 0,
                                t->duration_us);
}

static void work(struct part *part)
{
    struct crew *crew = part->crew;
    const struct mt_film *film = &part->picker.film;

    for (int i = part->from; part->ret == 0 && i < part->to; i++) {
        if (atomic_load(&crew->stop))
            return;
        part->ret = mt_in_tell(&part->picker.in, i, film->last_us, &part->err);
        if (part->ret == 0)
            part->ret = take_one(part, i, &part->err);
        atomic_fetch_add(&crew->done, 1);
    }
    if (part->ret != 0)
        atomic_store(&crew->stop, true);
}

/* Another reader of the same file. */
static void *run(void *arg)
{
    struct part *part = arg;
    const struct mt_av_progress told = {tell, part->crew};

    part->ret =
        mt_picker_open_rough(&part->picker, part->crew->fd, part->crew->limits, &told, &part->err);
    if (part->ret == 0) {
        work(part);
        part->damaged = part->picker.damaged;
        mt_picker_close(&part->picker);
    }
    if (part->ret != 0)
        atomic_store(&part->crew->stop, true);
    return NULL;
}

/* The size of all tiles follows from the first picture that decodes. */
static int measure(struct part *first, int tile_px, struct mt_err *err)
{
    struct mt_tiles *t = first->crew->tiles;
    struct mt_picker *p = &first->picker;
    const AVFrame *frame;
    AVFrame *rgb = NULL;
    int64_t us;
    int ret = 1;

    for (int i = 0; i < t->n && ret == 1; i++)
        ret = mt_picker_at(p, i * t->interval_us, t->interval_us, &frame, &us, err);
    if (ret != 0)
        return ret < 0 ? -1
                       : mt_av_fail(err, AVERROR_INVALIDDATA, "no picture in it can be decoded");
    if (mt_render(&rgb, frame, &p->in, p->stream, &p->film, (struct mt_av_box){tile_px, tile_px},
                  MT_AV_CONTAIN, err) != 0)
        return -1;
    t->width = rgb->width < 2 ? 2 : rgb->width & ~1;
    t->height = rgb->height < 2 ? 2 : rgb->height & ~1;
    av_frame_free(&rgb);
    return 0;
}

static int threads_for(const struct mt_tiles *t, int threads)
{
    cpu_set_t set;
    int most = t->n / TILES_A_THREAD;

    if (threads <= 0)
        threads = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    return threads > most ? (most > 0 ? most : 1) : threads;
}

/* Each thread takes a stretch of the film, the calling one the first. */
static int take_all(struct part *parts, int n, struct crew *crew, struct mt_err *err)
{
    int started = 1, ret = 0;

    for (int i = 0; i < n; i++) {
        parts[i].crew = crew;
        parts[i].from = (int)((int64_t)crew->tiles->n * i / n);
        parts[i].to = (int)((int64_t)crew->tiles->n * (i + 1) / n);
    }
    while (started < n && pthread_create(&parts[started].thread, NULL, run, &parts[started]) == 0)
        started++;
    parts[0].to = started < n ? crew->tiles->n : parts[0].to;
    work(&parts[0]);
    for (int i = 1; i < started; i++)
        pthread_join(parts[i].thread, NULL);
    for (int i = 0; i < started; i++) {
        crew->tiles->damaged += parts[i].damaged;
        if (parts[i].ret != 0 && (ret == 0 || err->code == MT_ERR_CANCELLED)) {
            *err = parts[i].err;
            ret = -1;
        }
    }
    return ret;
}

int mt_tiles_take(struct mt_tiles *t, int fd, const struct mt_tiles_wish *wish,
                  const struct mt_av_limits *limits, const struct mt_av_progress *progress,
                  struct mt_err *err)
{
    struct crew crew = {.tiles = t, .fd = fd, .limits = limits, .progress = progress};
    const struct mt_av_progress told = {tell, &crew};
    struct part parts[THREADS_MAX] = {{.crew = &crew}};
    struct mt_picker *first = &parts[0].picker;
    int ret = -1;

    *t = (struct mt_tiles){0};
    if (mt_picker_open_rough(first, fd, limits, &told, err) != 0)
        return -1;
    if (plan(t, &first->film, wish, err) == 0 && measure(&parts[0], wish->tile_px, err) == 0)
        ret = take_all(parts, first->linear ? 1 : threads_for(t, wish->threads), &crew, err);
    t->damaged += first->damaged;
    mt_picker_close(first);
    return ret;
}

void mt_tiles_free(struct mt_tiles *t)
{
    for (int i = 0; i < t->n && t->frames; i++)
        av_frame_free(&t->frames[i]);
    free(t->frames);
    free(t->times_us);
    *t = (struct mt_tiles){0};
}

AVFrame *mt_blank(int width, int height)
{
    AVFrame *f = av_frame_alloc();

    if (!f)
        return NULL;
    f->format = AV_PIX_FMT_RGB24;
    f->width = width;
    f->height = height;
    if (av_frame_get_buffer(f, 0) < 0) {
        av_frame_free(&f);
        return NULL;
    }
    for (int y = 0; y < height; y++)
        memset(f->data[0] + (ptrdiff_t)y * f->linesize[0], 0, (size_t)width * 3);
    return f;
}

/* One row; transparent pixels lie on black. */
static void paste_row(uint8_t *to, const uint8_t *from, int n, bool alpha)
{
    if (!alpha) {
        memcpy(to, from, (size_t)n * 3);
        return;
    }
    for (int x = 0; x < n; x++)
        for (int c = 0; c < 3; c++)
            to[3 * x + c] = (uint8_t)(from[4 * x + c] * from[4 * x + 3] / 255);
}

void mt_paste(AVFrame *sheet, int x, int y, int width, int height, const AVFrame *tile)
{
    bool alpha = tile->format == AV_PIX_FMT_RGBA;
    int w = tile->width < width ? tile->width : width;
    int h = tile->height < height ? tile->height : height;
    int left = (tile->width - w) / 2, top = (tile->height - h) / 2;

    x += (width - w) / 2;
    y += (height - h) / 2;
    for (int row = 0; row < h; row++)
        paste_row(sheet->data[0] + (ptrdiff_t)(y + row) * sheet->linesize[0] + 3 * x,
                  tile->data[0] + (ptrdiff_t)(top + row) * tile->linesize[0] +
                      (alpha ? 4 : 3) * left,
                  w, alpha);
}
