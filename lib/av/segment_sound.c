/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_sound.c - the sound of a film, which is never cut: encoders remember. */
#include "av/segment.h"

#include "av/sound.h"
#include "json/json.h"

json_t *mt_av_sound_encode(int fd, const struct mt_av_sound_spec *spec, struct mt_err *err)
{
    struct mt_av_voice voices[MT_AV_VOICES_MAX];
    struct mt_av_sound sound = {.voices = voices,
                                .n = spec->n,
                                .origin_us = spec->origin_us,
                                .limits = spec->limits,
                                .progress = spec->progress};
    json_t *made, *report;

    if (spec->n < 1 || spec->n > MT_AV_VOICES_MAX) {
        mt_fail(err, MT_ERR_BUG, "%d bit rates of sound at once", spec->n);
        return NULL;
    }
    for (int i = 0; i < spec->n; i++)
        voices[i] = (struct mt_av_voice){.stream = -1,
                                         .codec = "aac",
                                         .format = "mp4",
                                         .bps = spec->bps[i],
                                         .channels = 2,
                                         .fd = spec->fds[i]};
    made = mt_av_sound(fd, &sound, err);
    if (!made) {
        /* A film without a sound that can be heard is one all the same. */
        if (err->code == MT_ERR_DAMAGED)
            err->code = MT_ERR_NOT_APPLICABLE;
        return NULL;
    }
    report = json_deep_copy(json_object_get(made, "source"));
    const json_t *first = json_array_get(json_object_get(made, "voices"), 0);
    json_object_set(report, "encoded", json_object_get(first, "samples"));
    json_object_set_new(report, "end_us",
                        json_integer((json_int_t)(mt_json_num(first, "duration", 0) * 1e6)));
    json_decref(made);
    return report;
}
