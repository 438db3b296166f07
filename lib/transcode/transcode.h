/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode.h - the work of media-transcode on one input. */
#ifndef MT_TRANSCODE_TRANSCODE_H
#define MT_TRANSCODE_TRANSCODE_H

#include "stage/stage.h"
#include "transcode/audio.h"
#include "transcode/burn.h"
#include "transcode/distribution.h"
#include "transcode/ladder.h"

enum { MT_JOBS_MAX = 64 };

struct mt_transcode_options;

/* Whether what is already as a rung wants it is copied, packet by packet, instead of encoded. */
enum mt_remux_when { MT_REMUX_AUTO, MT_REMUX_NEVER, MT_REMUX_ONLY };
extern const char *const mt_remux_words[]; /* of the option, in that order; ends with NULL */

struct mt_transcode {
    struct mt_ladder ladder;
    const struct mt_transcode_options *want; /* what it was read from; lent */
    struct mt_sound_settings sound;
    int64_t crf; /* constant quality, capped by each rung's peak rate; -1: the codec's usual */
    const char *preset; /* of the encoder */
    enum mt_remux_when remux;
    struct mt_burn_in burn;
    const char *subtitles; /* "all" (also NULL), "none" or languages: see texts.h */
    double target;         /* SSIM that is wanted instead of a CRF; 0: none */
    bool estimate;         /* only say what it would come to */
    int64_t jobs;          /* processes at once; 0: as many as there are processors */
    int64_t threads;       /* of each encoder; 0: one, more for films of few segments */
    int64_t nice;          /* added to their niceness */
    int64_t max_load;      /* fewer processes while the machine's load is above; 0: never */
    struct mt_distribution distribution;
    const struct mt_stage_options *options;
};

/* The settings that decide what comes out, for the recipe and the job. New. */
json_t *mt_transcode_parameters(const struct mt_transcode *spec);

/* The same for a document, as struct mt_stage has it. */
json_t *mt_transcode_parameters_for(const json_t *doc, void *ctx, struct mt_err *err);

/*
 * A stage's work function (ctx: struct mt_transcode): makes the renditions that
 * are missing, segment by segment, decodes each in full, and publishes
 * only what is whole: as many pictures and as much time as went in, no errors. What is finished of
 * it when it is interrupted is kept, and the next run goes on from there.
 * Damage met in the source makes the stage "degraded", with what was lost.
 */
int mt_transcode_work(struct mt_item *item, void *ctx, struct mt_err *err);

#endif
