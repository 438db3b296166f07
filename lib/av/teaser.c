/* SPDX-License-Identifier: GPL-2.0-or-later */
/* teaser.c - a preview or a trailer: choose, encode, join. */
#include "av/teaser.h"

#include "av/teaser_parts.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>

#define SECOND 1000000 /* us */

enum { LENGTH_MOST = 300, SIDE_LEAST = 16, SIDE_MOST = 4096, ALL = 1000, JOINING = 900 };

const char *mt_av_clip_name(enum mt_av_clip clip)
{
    static const char *const names[] = {"mp4", "webm", "webp"};

    return names[clip];
}

bool mt_av_can_clip(enum mt_av_clip clip)
{
    static const char *const encoders[] = {"libx264", "libvpx-vp9", "libwebp_anim"};

    return avcodec_find_encoder_by_name(encoders[clip]) != NULL;
}

int mt_teaser_tell(const struct mt_teaser *t, int thousandths, struct mt_err *err)
{
    const struct mt_av_progress *p = &t->spec->progress;
    int64_t total = t->spec->length_us;

    if (p->tell && p->tell(p->ctx, total * thousandths / ALL, total) != 0)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    return 0;
}

void mt_teaser_note(struct mt_teaser *t, const char *note)
{
    json_array_append_new(t->notes, mt_json_text(note));
}

static int check_spec(const struct mt_av_teaser *spec, struct mt_err *err)
{
    bool any = false;

    if (spec->length_us < SECOND || spec->length_us > LENGTH_MOST * (int64_t)SECOND)
        return mt_fail(err, MT_ERR_USAGE, "a teaser of %.3f s, not 1 to %d",
                       (double)spec->length_us / SECOND, (int)LENGTH_MOST);
    if (spec->side_px < SIDE_LEAST || spec->side_px > SIDE_MOST)
        return mt_fail(err, MT_ERR_USAGE, "a shorter side of %d pixels, not %d to %d",
                       spec->side_px, (int)SIDE_LEAST, (int)SIDE_MOST);
    for (int clip = 0; clip < MT_AV_CLIPS; clip++)
        any = any || spec->fds[clip] >= 0;
    if (!any || (spec->sound && spec->fds[MT_AV_CLIP_WEBP] >= 0))
        return mt_fail(err, MT_ERR_BUG, "a teaser in no format, or with sound in WebP");
    return 0;
}

static int make(struct mt_teaser *t, struct mt_reel **reel, struct mt_err *err)
{
    const struct mt_av_teaser *spec = t->spec;
    int sounds[MT_AV_CLIPS];

    for (int clip = 0; clip < MT_AV_CLIPS; clip++)
        sounds[clip] = spec->sound && spec->fds[clip] >= 0 ? spec->scratch[3 + clip] : -1;
    if (mt_teaser_choose(t, err) < 0 || mt_reel_make(reel, t, err) < 0 ||
        mt_teaser_tell(t, JOINING, err) < 0)
        return -1;
    if (spec->sound && mt_teaser_sound(t, spec->scratch[2], sounds, err) < 0)
        return -1;
    for (int clip = 0; t->mute && clip < MT_AV_CLIPS; clip++)
        sounds[clip] = -1;
    return mt_reel_join(*reel, sounds, err);
}

/* ---- the report ---- */

static json_t *seconds(int64_t us)
{
    return mt_json_real((double)us / SECOND, 3);
}

static json_t *excerpt_json(const struct mt_teaser *t, const struct mt_excerpt *e)
{
    json_t *o = json_pack("{s:o, s:o, s:o}", "from", seconds(e->from_us), "to", seconds(e->to_us),
                          "at", seconds(e->at_us));

    if (e->judged) {
        json_object_set_new(o, "score", mt_json_real(e->score, 3));
        json_object_set_new(o, "picture", mt_json_real(e->picture, 3));
        json_object_set_new(o, "novelty", mt_json_real(e->novelty, 3));
        json_object_set_new(o, "motion", mt_json_real(e->motion, 3));
        json_object_set_new(o, "black", mt_json_real(e->black, 3));
        json_object_set_new(o, "starts_at_cut", json_boolean(e->cut_in));
        json_object_set_new(o, "ends_at_cut", json_boolean(e->cut_out));
    }
    if (e->judged && !t->mute) {
        json_object_set_new(o, "sound", mt_json_real(e->sound, 3));
        json_object_set_new(o, "ends_in_silence", json_boolean(e->quiet_out));
    }
    if (!t->mute)
        json_object_set_new(o, "gain_db", mt_json_real(e->gain_db, 2));
    return o;
}

static void note_what_is_special(struct mt_teaser *t)
{
    char note[120];
    double black = 0;

    if (t->whole) {
        snprintf(note, sizeof note, "the film is no longer than %.3g s: all of it is shown",
                 (double)t->spec->length_us / SECOND);
        mt_teaser_note(t, note);
    }
    if (t->spec->sound && t->mute)
        mt_teaser_note(t, "there is no sound in the film, nor in the trailer");
    for (int i = 0; i < t->n; i++)
        black += t->list[i].black * (double)t->list[i].length_us;
    if (black > 0) {
        snprintf(note, sizeof note, "%.3f s of it are black: there was nothing better",
                 black / SECOND);
        mt_teaser_note(t, note);
    }
}

static json_t *report(struct mt_teaser *t)
{
    const struct mt_excerpt *last = &t->list[t->n - 1];
    json_t *excerpts = json_array();

    note_what_is_special(t);
    for (int i = 0; i < t->n; i++)
        json_array_append_new(excerpts, excerpt_json(t, &t->list[i]));
    return json_pack("{s:o, s:b, s:o, s:O, s:o, s:I, s:O}", "duration",
                     seconds(last->at_us + last->length_us), "whole", t->whole, "excerpts",
                     excerpts, "clips", t->clips, "loudness",
                     t->loudness ? json_incref(t->loudness) : json_null(), "errors",
                     (json_int_t)t->errors, "notes", t->notes);
}

json_t *mt_av_teaser(int fd, const struct mt_av_teaser *spec, struct mt_err *err)
{
    struct mt_teaser *t;
    struct mt_reel *reel = NULL;
    json_t *result = NULL;

    if (check_spec(spec, err) < 0)
        return NULL;
    t = mt_alloc(sizeof *t);
    *t = (struct mt_teaser){
        .spec = spec, .fd = fd, .mute = true, .notes = json_array(), .clips = json_array()};
    if (make(t, &reel, err) == 0)
        result = report(t);
    mt_reel_free(&reel);
    json_decref(t->notes);
    json_decref(t->clips);
    json_decref(t->loudness);
    free(t);
    return result;
}
