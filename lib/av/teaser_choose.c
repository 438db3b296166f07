/* SPDX-License-Identifier: GPL-2.0-or-later */
/* teaser_choose.c - which parts of a film tell most of it. */
#include "av/teaser_parts.h"
#include "av/thumbs_judge.h"
#include "av/thumbs_pick.h"
#include "av/thumbs_scenes.h"

#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000 /* us */

enum {
    CANDIDATES = 4,
    PREVIEW_PART = 3 * SECOND, /* length of an excerpt, about */
    TRAILER_PART = 4 * SECOND,
    LONG = 10, /* times what is wanted: such a film has titles and credits */
    LARGE = 1920 * 1088,
    CHOOSING = 400, /* thousandths of the work, roughly */
};

static const double picture_half = 400; /* the score of a picture that is worth a half */

struct candidate {
    int64_t us;
    double picture, rank;
    int bins[MT_SCENE_BINS];
};

struct search {
    struct mt_teaser *t;
    struct mt_picker picker;
    struct SwsContext *sws;
    struct mt_survey *survey;
    int64_t left; /* of the length wanted */
};

/* ---- first looks ---- */

static double novelty(const struct mt_teaser *t, const int bins[MT_SCENE_BINS])
{
    double least = 1;

    for (int i = 0; i < t->n; i++) {
        double d = mt_scene_distance(bins, t->list[i].bins);

        least = d < least ? d : least;
    }
    return least;
}

/* Fills in the candidate near at; 1 when nothing decodes there. */
static int look_at(struct search *s, int64_t at, int64_t tolerance, struct candidate *c,
                   struct mt_err *err)
{
    const AVFrame *frame;
    struct mt_look look;
    int ret = mt_picker_at(&s->picker, at, tolerance, &frame, &c->us, err);

    if (ret != 0)
        return ret;
    if (mt_look_at(&look, frame, err) < 0)
        return -1;
    if (mt_scene_colours(&s->sws, frame, c->bins) < 0)
        return 1;
    s->t->large = (int64_t)frame->width * frame->height > LARGE;
    c->picture = look.score / (look.score + picture_half);
    c->rank = 2 * c->picture + novelty(s->t, c->bins);
    return 0;
}

static int by_rank(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    return (x->rank < y->rank) - (x->rank > y->rank);
}

static int by_time(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    return (x->us > y->us) - (x->us < y->us);
}

/* Pictures between from and to, all different; how many, or -1. */
static int look_around(struct search *s, int64_t from, int64_t to, struct candidate list[],
                       struct mt_err *err)
{
    int wanted = s->picker.linear || to - from < CANDIDATES * s->t->film.frame_us ? 1 : CANDIDATES;
    int64_t step = (to - from) / wanted;
    int n = 0;

    for (int k = 0; k < wanted; k++) {
        struct candidate *c = &list[n];
        int ret = look_at(s, from + step * k + (wanted > 1 ? step / 2 : 0),
                          wanted > 1 && step > 2 ? step / 2 - 1 : 0, c, err);

        if (ret < 0)
            return -1;
        if (ret == 0 && c->us < from)
            c->us = from;
        if (ret == 0 && c->us <= to && (n == 0 || c->us > list[n - 1].us))
            n++;
    }
    return n;
}

/* ---- one stretch ---- */

static void rate(struct mt_teaser *t, struct mt_excerpt *e, const struct candidate *c)
{
    double sum;

    memcpy(e->bins, c->bins, sizeof e->bins);
    e->picture = c->picture;
    e->novelty = novelty(t, c->bins);
    sum = 2 * e->picture + e->novelty + e->motion;
    e->score = (t->mute ? sum / 4 : (sum + e->sound) / 5) * (1 - e->black);
}

/* The best of what lies between from and to, about length_us of it. 1 when there is nothing. */
static int choose_one(struct search *s, int64_t from, int64_t to, int64_t length, int64_t most,
                      struct mt_err *err)
{
    struct mt_teaser *t = s->t;
    struct candidate list[CANDIDATES] = {{0}};
    int n = look_around(s, from, to - length > from ? to - length : from, list, err), near;
    struct mt_excerpt best = {.score = -1};

    if (n < 0)
        return -1;
    qsort(list, (size_t)n, sizeof *list, by_rank);
    near = t->large || t->linear || s->picker.linear ? 1 : 2;
    near = n < near ? n : near;
    qsort(list, (size_t)near, sizeof *list, by_time);
    for (int i = 0; i < near; i++) {
        struct mt_excerpt e = {0};
        int64_t end = list[i].us + 2 * length < to ? list[i].us + 2 * length : to;
        int ret = mt_survey_fit(s->survey, list[i].us, end, length, most, &e, err);

        if (ret < 0)
            return -1;
        if (ret > 0)
            continue;
        rate(t, &e, &list[i]);
        if (e.score > best.score)
            best = e;
    }
    if (best.score < 0)
        return 1;
    t->list[t->n++] = best;
    s->left -= best.to_us - best.from_us;
    return 0;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Stretch after stretch, each with what is left of the length. */
static int choose_all(struct search *s, struct mt_err *err)
{
    struct mt_teaser *t = s->t;
    int64_t span = t->span_to - t->span_from;

    for (int i = 0; i < t->wanted; i++) {
        int more = t->wanted - i - 1;
        int64_t from = t->span_from + span * i / t->wanted;
        int64_t to = t->span_from + span * (i + 1) / t->wanted;
        int64_t length = least(s->left / (more + 1), to - from);
        int64_t most = more ? least(length * 14 / 10, s->left - more * length * 6 / 10) : s->left;

        if (mt_teaser_tell(t, CHOOSING * i / t->wanted, err) < 0 ||
            choose_one(s, from, to, length, most, err) < 0)
            return -1;
    }
    if (t->n < t->wanted)
        mt_teaser_note(t, "nothing decodes in some parts of the film: they are left out");
    return t->n > 0 ? 0 : mt_fail(err, MT_ERR_DAMAGED, "no picture in it can be decoded");
}

/* ---- the film ---- */

static int plan(struct search *s, struct mt_err *err)
{
    struct mt_teaser *t = s->t;
    int64_t part = t->spec->sound ? TRAILER_PART : PREVIEW_PART;
    int64_t span, length = t->spec->length_us;

    t->film = s->picker.film;
    if (t->film.still || s->picker.cover)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no moving picture in it");
    t->span_from = t->film.first_us;
    t->span_to = t->film.last_us;
    span = t->span_to - t->span_from;
    t->whole = span <= length;
    if (span > LONG * length) {
        t->span_from += span / 50;
        t->span_to -= span / 20;
    }
    t->wanted = (int)((length + part / 2) / part);
    t->wanted = t->wanted < 1 ? 1 : t->wanted > MT_AV_EXCERPTS_MAX ? MT_AV_EXCERPTS_MAX : t->wanted;
    return 0;
}

int mt_teaser_choose(struct mt_teaser *t, struct mt_err *err)
{
    struct search s = {.t = t, .left = t->spec->length_us};
    int ret = mt_picker_open_rough(&s.picker, t->fd, &t->spec->limits, &t->spec->progress, err);

    if (ret < 0)
        return -1;
    ret = plan(&s, err);
    if (ret == 0)
        ret = mt_survey_open(&s.survey, t, err);
    t->linear = s.picker.linear;
    if (ret == 0 && t->whole)
        t->list[t->n++] = (struct mt_excerpt){
            .from_us = t->span_from, .to_us = t->span_to + SECOND}; /* until pictures end */
    else if (ret == 0)
        ret = choose_all(&s, err);
    mt_survey_close(&s.survey);
    mt_picker_close(&s.picker);
    sws_freeContext(s.sws);
    return ret;
}
