/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs.c - still pictures of a media file. */
#include "av/thumbs.h"

#include "av/thumbs_encode.h"
#include "av/thumbs_judge.h"
#include "av/thumbs_pick.h"
#include "av/thumbs_render.h"
#include "av/thumbs_scenes.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND 1000000 /* us */

enum {
    TOLERANCE = SECOND / 2, /* of times that were named */
    STEPS = 4,              /* to each side, each three times the one before */
    NOTE = 160,
    NOTES_MAX = 100,
};

/* A time that is wanted, and between which times its picture may lie. */
struct wish {
    int64_t us;         /* as asked for */
    int64_t at, lo, hi; /* inside the film */
    int64_t tolerance;
};

/* The best frame for a wish so far. */
struct find {
    AVFrame *frame; /* NULL: none */
    int64_t us;
    struct mt_look look;
};

struct job {
    const struct mt_av_thumbs *spec;
    struct mt_scenes scenes;
    struct mt_picker picker;
    struct mt_picker cover; /* open while it is shown */
    struct wish *wishes;
    int n;
    int64_t shown_us; /* of the last frame emitted */
    int fruitless;    /* wishes in a row around which nothing better was found */
    int pictures;
    int representative;
    double best_score;
    json_t *notes;
};

static int check_spec(const struct mt_av_thumbs *spec, struct mt_err *err)
{
    int n = spec->scenes || spec->every_us ? 1 : spec->times_us ? spec->n_times : spec->count;

    if (n < 1 || n > MT_AV_PICTURES_MAX)
        return mt_fail(err, MT_ERR_USAGE, "%d pictures are wanted, 1 to %d can be made", n,
                       MT_AV_PICTURES_MAX);
    if (spec->quality < 1 || spec->quality > 100)
        return mt_fail(err, MT_ERR_USAGE, "the quality is %d, not 1 to 100", spec->quality);
    if (spec->n_formats < 1 || spec->n_formats > MT_AV_PICTURE_FORMATS)
        return mt_fail(err, MT_ERR_USAGE, "%d picture formats are wanted, not 1 to %d",
                       spec->n_formats, MT_AV_PICTURE_FORMATS);
    if (spec->n_boxes < 0 || spec->n_boxes > MT_AV_BOXES_MAX)
        return mt_fail(err, MT_ERR_USAGE, "%d sizes are wanted, not 1 to %d", spec->n_boxes,
                       MT_AV_BOXES_MAX);
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct wish *x = a, *y = b;

    return (x->us > y->us) - (x->us < y->us);
}

static int64_t clamp(int64_t us, int64_t lo, int64_t hi)
{
    return us > hi ? hi : us < lo ? lo : us;
}

/* Whether the times follow from the number of pictures alone. */
static bool is_spread(const struct mt_av_thumbs *spec)
{
    return !spec->times_us && !spec->every_us && !spec->scenes;
}

/* The nearest half way to a neighbour, or the film's own ends. */
static void bound_wishes(struct job *job)
{
    const struct mt_film *film = &job->picker.film;
    int64_t end = film->last_us > film->first_us ? film->last_us - 1 : film->first_us;

    for (int i = 0; i < job->n; i++)
        job->wishes[i].at = clamp(job->wishes[i].us, film->first_us, end);
    for (int i = 0; i < job->n; i++) {
        struct wish *w = &job->wishes[i];

        w->lo = i ? w[-1].at + (w->at - w[-1].at) / 2 : film->first_us;
        w->hi = i + 1 < job->n ? w->at + (w[1].at - w->at) / 2 : end;
        if (job->spec->exact || film->still)
            w->tolerance = 0;
        else if (is_spread(job->spec))
            w->tolerance = (film->last_us - film->first_us) / job->n / 2 - 1;
        else
            w->tolerance = clamp(TOLERANCE, 0,
                                 (w->hi - w->at < w->at - w->lo ? w->hi - w->at : w->at - w->lo));
    }
}

/* The pictures that are wanted of the film; -1 when they are too many. */
static int count(const struct job *job, int64_t span, struct mt_err *err)
{
    const struct mt_av_thumbs *spec = job->spec;
    int64_t most = spec->most ? spec->most : MT_AV_PICTURES_MAX, n;

    if (job->picker.film.still)
        return 1;
    if (spec->scenes)
        return job->scenes.n;
    if (!spec->every_us)
        return spec->times_us ? spec->n_times : spec->count;
    n = span > 0 ? (span - 1) / spec->every_us + 1 : 1;
    if (n > most)
        return mt_fail(err, MT_ERR_USAGE, "every %.3f s are %lld pictures, %lld can be made",
                       (double)spec->every_us / SECOND, (long long)n, (long long)most);
    return (int)n;
}

static int64_t nth_time(const struct job *job, int i, int64_t span)
{
    const struct mt_av_thumbs *spec = job->spec;
    const struct mt_film *film = &job->picker.film;

    if (film->still)
        return 0;
    if (spec->scenes)
        return job->scenes.times_us[i];
    if (spec->every_us)
        return film->first_us + i * spec->every_us;
    return spec->times_us ? spec->times_us[i]
                          : film->first_us + (int64_t)((double)span * (i + 0.5) / job->n);
}

static int plan(struct job *job, struct mt_err *err)
{
    int64_t span = job->picker.film.last_us - job->picker.film.first_us;

    job->n = count(job, span, err);
    if (job->n < 0)
        return -1;
    job->wishes = mt_alloc((size_t)job->n * sizeof *job->wishes);
    for (int i = 0; i < job->n; i++)
        job->wishes[i].us = nth_time(job, i, span);
    qsort(job->wishes, (size_t)job->n, sizeof *job->wishes, by_time);
    bound_wishes(job);
    return 0;
}

/* Takes the frame when it is better than what was found. 0 or -1. */
static int consider(struct find *find, const AVFrame *frame, int64_t us, struct mt_err *err)
{
    struct mt_look look;

    if (mt_look_at(&look, frame, err) != 0)
        return -1;
    if (find->frame && (look.kind > find->look.kind ||
                        (look.kind == find->look.kind && look.spread <= find->look.spread + 2)))
        return 0;
    if (!find->frame && !(find->frame = av_frame_alloc()))
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot keep a picture");
    av_frame_unref(find->frame);
    if (av_frame_ref(find->frame, frame) < 0)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot keep a picture");
    find->us = us;
    find->look = look;
    return 0;
}

static int try_at(struct job *job, struct find *find, const struct wish *w, int64_t at,
                  int64_t tolerance, struct mt_err *err)
{
    const AVFrame *frame;
    int64_t us;
    int ret = mt_picker_at(&job->picker, at, tolerance, &frame, &us, err);

    if (ret != 0)
        return ret < 0 ? -1 : 0;
    if (find->frame && (us < w->lo || us > w->hi || us == find->us))
        return 0;
    return consider(find, frame, us, err);
}

/*
 * Looks around a frame that is black, flat or damaged, ever further, both
 * ways; less so where this was in vain at the times before, as in a film that
 * is black throughout.
 */
static int look_around(struct job *job, struct find *find, const struct wish *w, struct mt_err *err)
{
    int64_t half = w->hi - w->at > w->at - w->lo ? w->hi - w->at : w->at - w->lo;
    int64_t step = half / 27 < SECOND ? half / 27 : SECOND;
    int steps = job->fruitless < STEPS ? STEPS - job->fruitless : 1;

    if (step < job->picker.film.frame_us)
        step = job->picker.film.frame_us;
    for (int i = 0; i < 2 * steps; i++) {
        int64_t at = i % 2 ? w->at - step : w->at + step;

        if (at >= w->lo && at <= w->hi &&
            try_at(job, find, w, at, is_spread(job->spec) ? step / 2 : 0, err) != 0)
            return -1;
        if (find->frame && find->look.kind == MT_LOOK_GOOD)
            break;
        step = i % 2 ? step * 3 : step;
    }
    job->fruitless = find->frame && find->look.kind == MT_LOOK_GOOD ? 0 : job->fruitless + 1;
    return 0;
}

static void describe(char note[NOTE], const struct job *job, const struct wish *w,
                     const struct find *first, const struct find *find)
{
    const struct mt_film *film = &job->picker.film;

    if (job->picker.cover)
        snprintf(note, NOTE, "cover art");
    else if (!film->still && w->us > w->at)
        snprintf(note, NOTE, "%.3f s lies beyond the film's end, its last picture is shown",
                 (double)w->us / SECOND);
    else if (!first->frame)
        snprintf(note, NOTE, "nothing decodes at %.3f s, a neighbour at %.3f s is shown",
                 (double)w->us / SECOND, (double)find->us / SECOND);
    else if (first->us != find->us)
        snprintf(note, NOTE, "the frame at %.3f s is %s, a better one at %.3f s is shown",
                 (double)first->us / SECOND, mt_look_name(first->look.kind),
                 (double)find->us / SECOND);
    else if (find->look.kind != MT_LOOK_GOOD && find->look.kind != MT_LOOK_FLAT &&
             !job->spec->exact)
        snprintf(note, NOTE, "only %s frames around %.3f s", mt_look_name(find->look.kind),
                 (double)find->us / SECOND);
}

static int encode_all(struct job *job, const AVFrame *rgb, struct mt_av_picture *picture,
                      struct mt_err *err)
{
    AVPacket *packet = av_packet_alloc();
    int ret = packet ? 0 : mt_av_fail(err, AVERROR(ENOMEM), "cannot encode a picture");

    for (int i = 0; ret == 0 && i < job->spec->n_formats; i++) {
        picture->format = job->spec->formats[i];
        av_packet_unref(packet);
        ret = mt_encode(packet, rgb, picture->format, job->spec->quality, err);
        if (ret != 0)
            break;
        picture->data = packet->data;
        picture->size = (size_t)packet->size;
        ret = job->spec->emit(job->spec->ctx, picture, err);
    }
    av_packet_free(&packet);
    return ret;
}

static void note_down(struct job *job, const char *note)
{
    if (note && json_array_size(job->notes) < NOTES_MAX)
        json_array_append_new(job->notes, json_string(note));
}

static int show_in_box(struct job *job, const struct mt_picker *p, const AVFrame *frame, int box,
                       int (*seen)[2], struct mt_av_picture *picture, struct mt_err *err)
{
    const struct mt_av_thumbs *spec = job->spec;
    AVFrame *rgb = NULL;
    int ret = mt_render(&rgb, frame, &p->in, p->stream, &p->film, spec->boxes[box], spec->fit, err);
    bool again = false;

    if (ret != 0)
        return -1;
    picture->width = seen[box][0] = rgb->width;
    picture->height = seen[box][1] = rgb->height;
    for (int i = 0; i < box; i++)
        again = again || (seen[i][0] == rgb->width && seen[i][1] == rgb->height);
    if (!again)
        ret = encode_all(job, rgb, picture, err);
    av_frame_free(&rgb);
    return ret;
}

/* In all sizes and formats. */
static int show(struct job *job, const struct mt_picker *p, const struct wish *w,
                const struct find *find, const char *note, struct mt_err *err)
{
    struct mt_av_picture picture = {.time_us = find->us,
                                    .wanted_us = w->us,
                                    .number = job->pictures,
                                    .cover = p->cover_only,
                                    .note = note};
    int seen[MT_AV_BOXES_MAX][2];
    int boxes = job->spec->n_boxes ? job->spec->n_boxes : 1;

    for (int i = 0; i < boxes; i++)
        if (show_in_box(job, p, find->frame, i, seen, &picture, err) != 0)
            return -1;
    note_down(job, note);
    job->pictures++;
    return 0;
}

/* The most telling picture so far. */
static void rate(struct job *job, double score)
{
    if (job->representative < 0 || score > job->best_score) {
        job->best_score = score;
        job->representative = job->pictures - 1;
    }
}

static int show_cover(struct job *job, int fd, struct mt_err *err)
{
    const struct wish w = {0};
    struct find find = {0};
    struct mt_picker *p = &job->cover;
    const AVFrame *frame;
    int64_t us;
    int ret = mt_picker_open_cover(p, fd, &job->spec->limits, &job->spec->progress, err);

    if (ret != 0 && err->code != MT_ERR_NOT_APPLICABLE)
        return -1;
    if (ret == 0)
        ret = mt_picker_at(p, 0, 0, &frame, &us, err);
    else
        ret = 1;
    if (ret == 0)
        ret = consider(&find, frame, 0, err);
    if (ret == 0)
        ret = show(job, p, &w, &find, "cover art", err);
    else if (ret > 0)
        note_down(job, "there is no cover art that can be decoded");
    av_frame_free(&find.frame);
    mt_picker_close(p);
    return ret < 0 ? -1 : 0;
}

/* first tells the note what lay there; its frame is not to be touched. */
static int fulfil(struct job *job, const struct wish *w, struct mt_err *err)
{
    struct find find = {0}, first;
    char note[NOTE] = "";
    int ret = try_at(job, &find, w, w->at, w->tolerance, err);

    first = find;
    if (ret == 0 && !job->picker.film.still && !job->spec->exact &&
        (!find.frame || find.look.kind != MT_LOOK_GOOD))
        ret = look_around(job, &find, w, err);
    if (ret == 0 && find.frame && find.us > job->shown_us) {
        describe(note, job, w, &first, &find);
        ret = show(job, &job->picker, w, &find, note[0] ? note : NULL, err);
        if (ret == 0)
            rate(job, find.look.score);
        job->shown_us = find.us;
    }
    av_frame_free(&find.frame);
    return ret;
}

static int fulfil_all(struct job *job, struct mt_err *err)
{
    for (int i = 0; i < job->n; i++) {
        if (mt_in_tell(&job->picker.in, job->wishes[i].at, job->picker.film.last_us, err) != 0)
            return -1;
        if (fulfil(job, &job->wishes[i], err) != 0)
            return -1;
    }
    if (job->pictures == 0)
        return mt_av_fail(err, AVERROR_INVALIDDATA, "no picture in it can be decoded");
    return 0;
}

static json_t *report(struct job *job)
{
    json_t *doc = json_object(), *messages = NULL;
    int64_t damaged = job->picker.damaged, logged;
    char note[NOTE];

    if (job->pictures < job->n) {
        snprintf(note, sizeof note, "%d of %d pictures: the others would show the same frames",
                 job->pictures, job->n);
        json_array_append_new(job->notes, json_string(note));
    }
    if (job->scenes.more) {
        snprintf(note, sizeof note, "the first %d scenes only: there are more", job->scenes.n);
        json_array_append_new(job->notes, json_string(note));
    }
    logged = mt_av_log_take(&messages);
    json_object_set_new(doc, "pictures", json_integer(job->pictures));
    json_object_set_new(doc, "representative",
                        json_integer(job->representative < 0 ? 0 : job->representative));
    json_object_set(doc, "notes", job->notes);
    json_object_set_new(doc, "errors", json_integer(logged > damaged ? logged : damaged));
    json_object_set_new(doc, "messages", messages ? messages : json_array());
    return doc;
}

static int find_scenes(struct job *job, int fd, struct mt_err *err)
{
    const struct mt_av_thumbs *spec = job->spec;
    int most = spec->most ? spec->most : MT_AV_PICTURES_MAX;

    if (!spec->scenes || job->picker.film.still || job->picker.cover)
        return 0;
    return mt_scenes_find(&job->scenes, fd, most, &spec->limits, &spec->progress, err);
}

json_t *mt_av_thumbs(int fd, const struct mt_av_thumbs *spec, struct mt_err *err)
{
    struct job job = {.spec = spec, .representative = -1, .shown_us = INT64_MIN};
    json_t *doc = NULL;

    if (check_spec(spec, err) != 0 ||
        mt_picker_open(&job.picker, fd, &spec->limits, &spec->progress, err) != 0)
        return NULL;
    job.notes = json_array();
    if (find_scenes(&job, fd, err) == 0 && plan(&job, err) == 0 &&
        (!spec->cover_first || job.picker.cover || show_cover(&job, fd, err) == 0) &&
        fulfil_all(&job, err) == 0)
        doc = report(&job);
    json_decref(job.notes);
    free(job.wishes);
    free(job.scenes.times_us);
    mt_picker_close(&job.picker);
    return doc;
}
