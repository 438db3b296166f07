/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.h - all renditions of one source, segment by segment, in as many processes as there are
 * cores.
 *
 * plan, encode and join are steps of their own, each of which finds in the ledger what the
 * steps before it have left, also if that was another process.
 */
#ifndef MT_TRANSCODE_ENGINE_H
#define MT_TRANSCODE_ENGINE_H

#include "stage/stage.h"
#include "transcode/ledger.h"
#include "transcode/texts.h"
#include "transcode/transcode.h"

enum {
    MT_ENGINE_MOST = 16,
    MT_VOICES_MOST = 48, /* files of sound: tracks times what renditions want of each */
};

/* A track of sound that renditions are to have. */
struct mt_engine_track {
    int stream; /* of the source */
    const char *language, *title;
    unsigned disposition; /* of enum mt_av_disposition */
};

/* One rendition; the caller owns made and check when it is done. */
struct mt_engine_rendition {
    struct mt_av_rendition av; /* fd: where the finished file goes */
    const char *recipe;
    const char *format, *audio_codec; /* "mkv", "opus" */
    json_t *made;  /* what was joined: {"frames", "duration", "video_bps", "audio_bps",
                      "size_bytes", "width", "height"} */
    json_t *check; /* what a full decode says is there; see mt_av_check() */
    json_t *score; /* {"metric": "ssim", "value", "worst": [{"time_s", "value"}], "resolution"} */
};

/* What one of several workers on a film is to encode. */
struct mt_engine_share {
    int first, n; /* segments */
    bool sound;   /* all voices */
};

struct mt_engine {
    struct mt_item *item;
    struct mt_ledger *ledger;
    struct mt_engine_rendition *renditions; /* those that are to be made */
    int n;
    const struct mt_engine_track *tracks;
    int n_tracks;
    const struct mt_texts *texts;
    const struct mt_typeset_text *burn; /* is written into the pictures; NULL: nothing */
    const struct mt_sound_settings *sound;
    const char *preset;
    int jobs;        /* processes at once; 0: as many as there are processors */
    int threads;     /* of each encoder; 0: one, unless there are fewer segments than processes */
    int nice;        /* added to their niceness */
    double max_load; /* fewer processes while the machine's load is above; 0: never */
    double target;   /* SSIM that the renditions are to have; 0: their crf counts */
    struct mt_av_limits limits;
    const struct mt_engine_share *share; /* NULL: all there is */
    json_t *source; /* set: what was met in the source, as the document has it; the caller's */
};

/*
 * The number under which the ledger has the sound of a track in a codec at a rate; what else
 * is done to it is the same for the whole ledger.
 */
int64_t mt_engine_voice(const struct mt_engine_rendition *rendition, int stream);

/* What was made of it: a member of the report's voices, lent; NULL if there is nothing to hear. */
const json_t *mt_engine_heard(const struct mt_engine *engine, int64_t voice);

/*
 * The plan of the source, into the ledger, unless it is there, made with what we have. With a
 * target, the renditions get the CRF that meets it, and the plan has the member "quality": by
 * recipe, what mt_av_quality_find() says of it.
 */
int mt_engine_plan(struct mt_engine *engine, struct mt_err *err) MT_MUST_USE;

/* The versions that decide what is made, as a plan has them ("made_with"). New. */
json_t *mt_engine_tools(void);

/* After the plan: tries the renditions as they are; what mt_av_quality_find() says. New. */
json_t *mt_engine_try(struct mt_engine *engine, struct mt_err *err);

/*
 * Encodes what the ledger lacks of the share. A segment whose process dies, takes too long or gives
 * other pictures than it should is tried three times; then the failure names it and its time.
 * MT_ERR_CANCELLED within a second of a signal, with a hint that says how much is kept.
 */
int mt_engine_encode(struct mt_engine *engine, struct mt_err *err) MT_MUST_USE;

/* Whether the ledger lacks something of the share: segments that are wanted, or sound. */
bool mt_engine_lacks(const struct mt_engine *engine, const struct mt_engine_share *share);

/*
 * Brings what was made elsewhere to this machine, to be joined; mt_engine_join() does so too.
 * MT_ERR_CHECKSUM as mt_ledger_gather().
 */
int mt_engine_gather(struct mt_engine *engine, struct mt_err *err) MT_MUST_USE;

/* Joins each rendition into its file and decodes that to its end. */
int mt_engine_join(struct mt_engine *engine, struct mt_err *err) MT_MUST_USE;

/* From what mt_engine_try() found: {"renditions": [{"quality", "crf", "ssim", "size_bytes"}],
 * "sampled_s", "takes_s"}. New. */
json_t *mt_engine_estimate(const struct mt_engine *engine, const json_t *found);

/* Sets engine->source from what the ledger says of all segments and the sound. */
void mt_engine_sum_up(struct mt_engine *engine);

/*
 * Shows how far each rendition is: done[i] of the total, in the state "encoding", "joining" or
 * "verified". done NULL: all of it, and state is that of those whose check is not there yet.
 */
void mt_engine_tell_renditions(const struct mt_engine *engine, const char *state,
                               const int64_t done[], int64_t total);

/* How many processes work at once. */
int mt_engine_jobs(const struct mt_engine *engine);

#endif
