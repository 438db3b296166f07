/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sound_session.h - the sound of a source on its way. Private to lib/av. */
#ifndef MT_AV_SOUND_SESSION_H
#define MT_AV_SOUND_SESSION_H

#include "av/sound_parts.h"

/* A voice under way. */
struct mt_sound_voice {
    const struct mt_av_voice *spec;
    int chain;
    struct mt_sound_writer writer;
    bool open, done, absent; /* absent: none of it decodes */
    int64_t samples, bytes, silence;
    int rate;
    struct mt_sound_found found;
};

struct mt_sound_session {
    const struct mt_av_sound *spec;
    struct mt_in in;
    struct mt_tap taps[MT_AV_VOICES_MAX];
    int n_taps, tap; /* tap: whose frames come now */
    struct mt_sound_chain chains[MT_AV_VOICES_MAX];
    int n_chains, chain; /* chain: likewise */
    struct mt_sound_voice *voices;
    int64_t origin_us; /* INT64_MIN: where the first frame is */
    bool listening;    /* nothing is encoded in this pass */
    int pass;
    int64_t errors, samples;
    json_t *notes;
};

/* The one gain that brings what was heard to its target, as far as the peaks let it. */
void mt_sound_gain(struct mt_sound_chain *chain);

/* Where a codec has gone over the ceiling, its chain is to try once more with less: true. */
bool mt_sound_too_loud(struct mt_sound_session *s);

/* What mt_av_sound() answers. New. */
json_t *mt_sound_report(struct mt_sound_session *s);

#endif
