/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_share.c - what a ledger lacks, and what others have put into it. */
#include "transcode/engine_sound.h"

#include "json/json.h"

unsigned mt_engine_wants(const struct mt_engine *engine, int segment)
{
    const json_t *source = mt_ledger_source(engine->ledger, segment);
    unsigned wanted = 0;

    /* A segment without pictures is recorded without renditions. */
    if (source && mt_json_int(source, "frames", 1) == 0)
        return 0;
    for (int k = 0; k < engine->n; k++)
        if (!mt_ledger_segment(engine->ledger, engine->renditions[k].recipe, segment))
            wanted |= 1U << k;
    return wanted;
}

bool mt_engine_lacks(const struct mt_engine *engine, const struct mt_engine_share *share)
{
    struct mt_voices voices = {.n = 0};

    for (int i = share->first; i < share->first + share->n; i++)
        if (mt_engine_wants(engine, i))
            return true;
    if (share->sound)
        mt_voices_want(&voices, engine);
    return voices.n > 0;
}

/* Opens each voice that there is something to hear of: it stays open. */
static int gather_sound(const struct mt_engine *engine, const struct mt_engine_rendition *r,
                        struct mt_err *err)
{
    for (int i = 0; i < engine->n_tracks; i++) {
        int64_t voice = mt_engine_voice(r, engine->tracks[i].stream);

        if (mt_engine_heard(engine, voice) &&
            mt_ledger_sound_data(engine->ledger, voice, false, err) < 0)
            return -1;
    }
    return 0;
}

int mt_engine_gather(struct mt_engine *engine, struct mt_err *err)
{
    int n = (int)json_array_size(json_object_get(mt_ledger_plan(engine->ledger), "segments"));

    for (int i = 0; i < engine->n; i++)
        if (mt_ledger_gather(engine->ledger, engine->renditions[i].recipe, n, err) < 0 ||
            gather_sound(engine, &engine->renditions[i], err) < 0)
            return -1;
    return 0;
}
