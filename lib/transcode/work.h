/* SPDX-License-Identifier: GPL-2.0-or-later */
/* work.h - one input on its way through media-transcode. Private to lib/transcode. */
#ifndef MT_TRANSCODE_WORK_H
#define MT_TRANSCODE_WORK_H

#include "transcode/burn.h"
#include "transcode/distribute.h"
#include "transcode/engine.h"
#include "transcode/texts.h"
#include "transcode/transcode.h"

/* A rendition with pictures under way. */
struct mt_rendition {
    const struct mt_rung *rung;
    char recipe[9];
    struct mt_making making;
    json_t *made;  /* what the encoder says it made */
    json_t *check; /* what a full decode says is there */
    json_t *score; /* how alike it is to the source */
    int crf;       /* that it was made with */
    json_t *heard; /* what is said of its tracks of sound */
    bool copied;   /* its pictures are the source's own */
};

struct mt_work {
    const struct mt_transcode *spec;
    struct mt_item *item;
    struct mt_ladder ladder; /* fitted to the source */
    struct mt_rendition todo[MT_RUNGS_MAX];
    int n;
    int made; /* how many of them were not there already */
    struct mt_ledger *ledger;
    struct mt_engine_track tracks[MT_VOICES_MOST];
    int n_tracks;
    struct mt_texts texts;
    struct mt_burn_in
        burn; /* as the specification has it; its file may be brought from the store */
    struct mt_burning burning;
    json_t *source; /* the encoder's report on the source */
    enum mt_distributed done;
};

/* What a rendition is called. */
struct mt_output mt_rendition_output(const struct mt_rendition *rendition);

/* Compares what was meant with what a player will find. MT_ERR_VERIFY. */
int mt_rendition_compare(const struct mt_rendition *rendition, struct mt_err *err) MT_MUST_USE;

/* Makes it visible and adds it to the document. */
int mt_rendition_publish(struct mt_work *work, struct mt_rendition *rendition,
                         struct mt_err *err) MT_MUST_USE;

/* Forgets what belongs to it, and the output if it was not published. */
void mt_rendition_free(struct mt_work *work, struct mt_rendition *rendition);

#endif
