/* SPDX-License-Identifier: GPL-2.0-or-later */
/* teaser_survey.c - a stretch of a film from near: cuts, silences, black, movement. */
#include "av/measure_parts.h"
#include "av/teaser_stretch.h"

#include "base/mem.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>

#define SECOND 1000000 /* us */

enum { EDGES_MAX = 64, QUIET_SLACK = 60000 /* us */ };

static const double quietest = -50, loudest = -15; /* LUFS: no sound counts, all of it does */

/* Where an excerpt may begin or end. */
struct edge {
    int64_t us;
    bool cut, quiet;
};

struct mt_survey {
    struct mt_teaser *teaser;
    struct mt_stretch stretch;
    struct mt_ear *ear;
    struct mt_watcher watcher;
    struct mt_listener listener;
    int64_t from, to; /* decoded */
    struct edge starts[EDGES_MAX], ends[EDGES_MAX];
    int n_starts, n_ends;
};

int mt_survey_open(struct mt_survey **out, struct mt_teaser *t, struct mt_err *err)
{
    struct mt_survey *s = *out = mt_alloc(sizeof *s);

    s->teaser = t;
    if (mt_stretch_open(&s->stretch, t, true, err) < 0)
        return -1;
    if (t->spec->sound && mt_ear_open(&s->ear, t->fd, t->spec, err) < 0)
        return -1;
    t->mute = !s->ear;
    return 0;
}

void mt_survey_close(struct mt_survey **survey)
{
    struct mt_survey *s = *survey;

    if (!s)
        return;
    mt_stretch_close(&s->stretch);
    mt_ear_close(&s->ear);
    free(s);
    *survey = NULL;
}

/* ---- looking and listening ---- */

static int watch(struct mt_survey *s, struct mt_err *err)
{
    struct mt_stretch *stretch = &s->stretch;
    AVRational base = stretch->feed.in.video->time_base;
    int got;

    while ((got = mt_stretch_next(stretch, err)) > 0) {
        int64_t us = mt_stretch_us(stretch, stretch->frame->pts);
        int64_t length = av_rescale_q(mt_stretch_duration(stretch), base, AV_TIME_BASE_Q);

        if (mt_watcher_see(&s->watcher, stretch->frame, us, length, err) < 0)
            return -1;
    }
    return got < 0 ? -1 : mt_watcher_end(&s->watcher, err);
}

static int hear(void *ctx, const AVFrame *frame, struct mt_err *err)
{
    struct mt_survey *s = ctx;

    return mt_listener_hear(&s->listener, frame, AV_NOPTS_VALUE, err);
}

static int listen(struct mt_survey *s, struct mt_err *err)
{
    if (!s->ear)
        return 0;
    if (mt_ear_hear(s->ear, &s->teaser->film, s->from, s->to, hear, s, err) < 0)
        return -1;
    return mt_listener_end(&s->listener, err);
}

/* ---- spans: lists of {start, end} in seconds, from an origin ---- */

static int64_t us_of(const json_t *span, const char *member, int64_t origin)
{
    return (int64_t)llround(mt_json_num(span, member, 0) * SECOND) + origin;
}

/* How much of the time from .. to lies in spans, 0 to 1. */
static double share(const json_t *spans, int64_t from, int64_t to)
{
    const json_t *span;
    int64_t sum = 0;
    size_t i;

    json_array_foreach(spans, i, span)
    {
        int64_t a = FFMAX(us_of(span, "start", 0), from), b = FFMIN(us_of(span, "end", 0), to);

        sum += b > a ? b - a : 0;
    }
    return to > from ? (double)sum / (double)(to - from) : 0;
}

/* Silences count from where the survey began. */
static bool is_quiet(const struct mt_survey *s, int64_t us)
{
    const json_t *span;
    size_t i;

    json_array_foreach(s->listener.silences.list, i, span)
    {
        if (us >= us_of(span, "start", s->from) - QUIET_SLACK &&
            us <= us_of(span, "end", s->from) + QUIET_SLACK)
            return true;
    }
    return false;
}

/* ---- where it may begin and end ---- */

static void add(const struct mt_survey *s, struct edge *list, int *n, int64_t us, bool cut)
{
    if (*n < EDGES_MAX && us >= s->from && us <= s->to)
        list[(*n)++] = (struct edge){us, cut, s->ear && is_quiet(s, us)};
}

static void find_edges(struct mt_survey *s)
{
    const json_t *span;
    size_t i;

    s->n_starts = s->n_ends = 0;
    add(s, s->starts, &s->n_starts, s->from, s->from <= s->teaser->film.first_us);
    json_array_foreach(s->watcher.scene_list, i, span)
    {
        add(s, s->starts, &s->n_starts, us_of(span, "start", 0), true);
        add(s, s->ends, &s->n_ends, us_of(span, "start", 0), true);
    }
    json_array_foreach(s->watcher.blacks.list, i, span)
    {
        add(s, s->starts, &s->n_starts, us_of(span, "end", 0), true);
        add(s, s->ends, &s->n_ends, us_of(span, "start", 0), true);
    }
    json_array_foreach(s->listener.silences.list, i, span)
    {
        int64_t middle = (us_of(span, "start", s->from) + us_of(span, "end", s->from)) / 2;

        add(s, s->ends, &s->n_ends, middle, false);
    }
}

static double worth(const struct mt_survey *s, const struct edge *a, const struct edge *b,
                    int64_t length)
{
    double off = fabs((double)(b->us - a->us - length)) / (double)length;

    return a->cut + b->cut + 0.8 * b->quiet - 2 * off -
           6 * share(s->watcher.blacks.list, a->us, b->us);
}

/* The best pair of edges; one that ends after length as good as any other without a cut. */
static void fit(struct mt_survey *s, int64_t length, int64_t most, struct mt_excerpt *out)
{
    double best = -INFINITY;
    int plain = s->n_ends;

    for (int a = 0; a < s->n_starts; a++) {
        int64_t end = FFMIN(s->starts[a].us + FFMIN(length, most), s->to);

        s->n_ends = plain;
        add(s, s->ends, &s->n_ends, end, false);
        for (int b = 0; b < s->n_ends; b++) {
            int64_t long_us = s->ends[b].us - s->starts[a].us;
            double w = worth(s, &s->starts[a], &s->ends[b], length);

            if (long_us > most || long_us <= 0 || w <= best ||
                (long_us < length * 6 / 10 && s->ends[b].us != end))
                continue;
            best = w;
            out->from_us = s->starts[a].us;
            out->to_us = s->ends[b].us;
            out->cut_in = s->starts[a].cut;
            out->cut_out = s->ends[b].cut;
            out->quiet_out = s->ends[b].quiet;
        }
    }
}

static double loudness(const struct mt_survey *s)
{
    double lufs = s->listener.integrated;

    if (!isfinite(lufs))
        return 0;
    return fmin(1, fmax(0, (lufs - quietest) / (loudest - quietest)));
}

static void judge(struct mt_survey *s, struct mt_excerpt *out)
{
    out->judged = true;
    out->motion = 1 - share(s->watcher.freezes.list, out->from_us, out->to_us);
    out->black = share(s->watcher.blacks.list, out->from_us, out->to_us);
    out->sound = loudness(s);
}

int mt_survey_fit(struct mt_survey *s, int64_t from_us, int64_t to_us, int64_t length_us,
                  int64_t most_us, struct mt_excerpt *out, struct mt_err *err)
{
    const struct mt_av_measure measure = {.what = MT_AV_BLACK | MT_AV_FREEZE | MT_AV_SCENES |
                                                  MT_AV_LOUDNESS | MT_AV_SILENCE,
                                          .silence_db = -40,
                                          .silence_us = SECOND / 8,
                                          .black_us = 1,
                                          .freeze_us = SECOND / 2,
                                          .scene_threshold = 10};
    int ret = -1;

    s->from = from_us;
    s->to = to_us;
    mt_watcher_init(&s->watcher, &measure);
    mt_listener_init(&s->listener, &measure);
    if (mt_stretch_begin(&s->stretch, from_us, to_us, err) < 0 || watch(s, err) < 0)
        goto out;
    s->to = FFMIN(to_us, s->watcher.end_us);
    if (s->watcher.frames == 0 || s->to <= from_us) {
        ret = 1;
        goto out;
    }
    if (listen(s, err) < 0)
        goto out;
    find_edges(s);
    fit(s, FFMIN(length_us, s->to - from_us), most_us, out);
    judge(s, out);
    ret = 0;
out:
    mt_watcher_free(&s->watcher);
    mt_listener_free(&s->listener);
    return ret;
}
