/* SPDX-License-Identifier: GPL-2.0-or-later */
/* material.c - see material.h. */
#include "analyze/material.h"

#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVERY_US INT64_C(1000000)

void mt_material_init(struct mt_material *m, const char *tmp)
{
    *m = (struct mt_material){.tmp = tmp};
}

void mt_material_free(struct mt_material *m)
{
    for (int i = 0; i < m->n_sounds; i++)
        mt_fd_close(&m->sounds[i].fd);
    for (int i = 0; i < m->n_pictures; i++)
        mt_fd_close(&m->pictures[i].fd);
    json_decref(m->report);
    *m = (struct mt_material){0};
}

static int add_file(struct mt_material *m, struct mt_material_file *list, int *n,
                    const struct mt_material_file *like, struct mt_err *err)
{
    for (int i = 0; i < *n; i++)
        if (list[i].rate_hz == like->rate_hz && list[i].side_px == like->side_px &&
            list[i].most == like->most)
            return 0;
    if (*n == MT_AV_TAPS_MAX)
        return mt_fail(err, MT_ERR_LIMIT,
                       "the engines want more than %d kinds of sound or of pictures",
                       MT_AV_TAPS_MAX);
    struct mt_material_file file = *like;
    file.fd = open(m->tmp, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file.fd < 0)
        return mt_fail_errno(err, "cannot make a temporary file in '%s'", m->tmp);
    list[(*n)++] = file;
    return 0;
}

int mt_material_want(struct mt_material *m, const struct mt_engine *engine, struct mt_err *err)
{
    /* Where voices are is found out at one rate, so that file is always the first. */
    struct mt_material_file first = {.rate_hz = MT_VOICE_RATE};
    struct mt_material_file sound = {.rate_hz = engine->rate_hz};
    struct mt_material_file pictures = {.side_px = engine->side_px, .most = engine->max_frames};

    if (engine->input == MT_ENGINE_AUDIO)
        return add_file(m, m->sounds, &m->n_sounds, &first, err) < 0
                   ? -1
                   : add_file(m, m->sounds, &m->n_sounds, &sound, err);
    if (engine->input == MT_ENGINE_FRAMES)
        return add_file(m, m->pictures, &m->n_pictures, &pictures, err);
    return 0;
}

int mt_material_fds(const struct mt_material *m, int fds[2 * MT_AV_TAPS_MAX])
{
    int n = 0;

    for (int i = 0; i < m->n_sounds; i++)
        fds[n++] = m->sounds[i].fd;
    for (int i = 0; i < m->n_pictures; i++)
        fds[n++] = m->pictures[i].fd;
    return n;
}

/* What the callbacks of one decode write to. */
struct sound_sink {
    int fd;
    struct mt_voice *voice; /* of the first */
};

struct picture_sink {
    int fd;
    int w, h;
    json_t *times;
};

static int write_sound(void *ctx, const int16_t *samples, size_t n, struct mt_err *err)
{
    struct sound_sink *sink = ctx;

    if (mt_write_all(sink->fd, samples, n * sizeof *samples) < 0)
        return mt_fail_errno(err, "cannot keep the sound for an engine");
    return sink->voice ? mt_voice_hear(sink->voice, samples, n, err) : 0;
}

static int write_picture(void *ctx, const uint8_t *rgb, int w, int h, int64_t us,
                         struct mt_err *err)
{
    struct picture_sink *sink = ctx;

    if (mt_write_all(sink->fd, rgb, (size_t)w * (size_t)h * 3) < 0)
        return mt_fail_errno(err, "cannot keep pictures for an engine");
    sink->w = w;
    sink->h = h;
    json_array_append_new(sink->times, mt_json_real((double)us / 1e6, 3));
    return 0;
}

static void report_voice(struct mt_voice *voice, json_t *report)
{
    json_object_set_new(report, "spans", mt_voice_spans(voice, &mt_voice_usual));
    json_object_set_new(report, "voice", mt_voice_summary(voice));
}

json_t *mt_material_measure(const struct mt_material *m, int fd, const struct mt_av_measure *spec,
                            struct mt_err *err)
{
    struct mt_av_measure with = *spec;
    struct mt_av_ear ears[MT_AV_TAPS_MAX];
    struct mt_av_eye eyes[MT_AV_TAPS_MAX];
    struct sound_sink sounds[MT_AV_TAPS_MAX] = {0};
    struct picture_sink pictures[MT_AV_TAPS_MAX] = {0};
    json_t *report = NULL;

    if (m->n_sounds > 0 && mt_voice_open(&sounds[0].voice, err) < 0)
        return NULL;
    for (int i = 0; i < m->n_sounds; i++) {
        sounds[i].fd = m->sounds[i].fd;
        ears[i] = (struct mt_av_ear){m->sounds[i].rate_hz, write_sound, &sounds[i]};
    }
    json_t *all = json_array();
    for (int i = 0; i < m->n_pictures; i++) {
        const struct mt_material_file *file = &m->pictures[i];
        pictures[i].fd = file->fd;
        pictures[i].times = json_array();
        json_array_append_new(all, pictures[i].times);
        eyes[i] =
            (struct mt_av_eye){file->side_px, EVERY_US, file->most, write_picture, &pictures[i]};
    }
    with.ears = ears;
    with.n_ears = m->n_sounds;
    with.eyes = eyes;
    with.n_eyes = m->n_pictures;
    if ((report = mt_av_measure(fd, &with, err))) {
        if (sounds[0].voice)
            report_voice(sounds[0].voice, report);
        json_t *sizes = json_array();
        for (int i = 0; i < m->n_pictures; i++)
            json_array_append_new(sizes, json_pack("[i, i]", pictures[i].w, pictures[i].h));
        json_object_set_new(report, "sizes", sizes);
        json_object_set(report, "pictures", all);
    }
    json_decref(all);
    mt_voice_close(&sounds[0].voice);
    return report;
}

static json_t *sound_of(const struct mt_material *m, const struct mt_engine *engine, int *fd)
{
    for (int i = 0; i < m->n_sounds; i++) {
        const struct mt_material_file *file = &m->sounds[i];
        off_t size = file->rate_hz == engine->rate_hz ? lseek(file->fd, 0, SEEK_END) : 0;
        if (size <= 0)
            continue;
        *fd = file->fd;
        return json_pack("{s:{s:s, s:I, s:s, s:i, s:i}, s:O}", "input", "kind", "audio", "bytes",
                         (json_int_t)size, "format", "s16le", "rate_hz", file->rate_hz, "channels",
                         1, "spans", json_object_get(m->report, "spans"));
    }
    return NULL;
}

static json_t *list_of_times(const json_t *times)
{
    json_t *list = json_array();
    json_t *time;
    size_t i;

    json_array_foreach(times, i, time)
    {
        json_array_append_new(list, json_pack("{s:O}", "time_s", time));
    }
    return list;
}

static json_t *pictures_of(const struct mt_material *m, const struct mt_engine *engine, int *fd)
{
    for (int i = 0; i < m->n_pictures; i++) {
        const struct mt_material_file *file = &m->pictures[i];
        const json_t *size = json_array_get(json_object_get(m->report, "sizes"), (size_t)i);
        const json_t *times = json_array_get(json_object_get(m->report, "pictures"), (size_t)i);
        if (file->side_px != engine->side_px || file->most != engine->max_frames ||
            json_array_size(times) == 0)
            continue;
        *fd = file->fd;
        return json_pack("{s:{s:s, s:I, s:s, s:O, s:O}, s:o}", "input", "kind", "frames", "bytes",
                         (json_int_t)lseek(file->fd, 0, SEEK_END), "format", "rgb24", "width_px",
                         json_array_get(size, 0), "height_px", json_array_get(size, 1), "frames",
                         list_of_times(times));
    }
    return NULL;
}

json_t *mt_material_of(const struct mt_material *m, const struct mt_engine *engine, int *fd)
{
    return engine->input == MT_ENGINE_AUDIO    ? sound_of(m, engine, fd)
           : engine->input == MT_ENGINE_FRAMES ? pictures_of(m, engine, fd)
                                               : NULL;
}
