/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_sound.h - what an engine still has to encode. Private to lib/transcode. */
#ifndef MT_TRANSCODE_ENGINE_SOUND_H
#define MT_TRANSCODE_ENGINE_SOUND_H

#include "transcode/engine.h"
#include "worker/worker.h"

/* A track in one form; renditions that want the same share it. */
struct mt_voice_wanted {
    int64_t number; /* in the ledger, see mt_engine_voice() */
    int stream;
    const struct mt_engine_rendition *like;
};

struct mt_voices {
    struct mt_voice_wanted list[MT_VOICES_MOST];
    int n;
};

/* Adds what the renditions need and the ledger lacks. */
void mt_voices_want(struct mt_voices *wanted, const struct mt_engine *engine);

/* In the child: encodes all of them, list[i] into fds[i], and sends the report. */
int mt_voices_encode(const struct mt_voices *wanted, const struct mt_engine *engine,
                     const json_t *plan, const int fds[], struct mt_worker *worker,
                     struct mt_err *err) MT_MUST_USE;

/* In the parent: writes that report into the ledger. */
int mt_voices_record(const struct mt_voices *wanted, const struct mt_engine *engine,
                     const json_t *line, struct mt_err *err) MT_MUST_USE;

/* That there is nothing to hear in any of them. */
int mt_voices_record_silence(const struct mt_voices *wanted, const struct mt_engine *engine,
                             struct mt_err *err) MT_MUST_USE;

/* A bit for each rendition that the ledger lacks this segment of. (engine_share.c) */
unsigned mt_engine_wants(const struct mt_engine *engine, int segment);

#endif
