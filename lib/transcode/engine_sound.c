/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_sound.c - see engine_sound.h. */
#include "transcode/engine_sound.h"

#include "json/json.h"

#include <math.h>
#include <string.h>

int64_t mt_engine_voice(const struct mt_engine_rendition *rendition, int stream)
{
    int64_t codec = 0;

    while (mt_audio_codecs[codec] && strcmp(mt_audio_codecs[codec], rendition->audio_codec) != 0)
        codec++;
    return ((int64_t)stream << 40) + (codec << 36) + rendition->av.audio_bps;
}

const json_t *mt_engine_heard(const struct mt_engine *engine, int64_t number)
{
    const json_t *report = mt_ledger_sound(engine->ledger, number), *voice;
    size_t i;

    json_array_foreach(json_object_get(report, "voices"), i, voice)
    {
        if (mt_json_int(voice, "voice", -1) == number && mt_json_int(voice, "samples", 0) > 0)
            return voice;
    }
    return NULL;
}

static void want(struct mt_voices *wanted, const struct mt_engine *engine,
                 const struct mt_engine_rendition *rendition, int stream)
{
    int64_t number = mt_engine_voice(rendition, stream);

    if (strcmp(rendition->audio_codec, "copy") == 0 || rendition->av.audio_bps < 0 ||
        mt_ledger_sound(engine->ledger, number))
        return;
    for (int i = 0; i < wanted->n; i++)
        if (wanted->list[i].number == number)
            return;
    if (wanted->n < MT_VOICES_MOST)
        wanted->list[wanted->n++] =
            (struct mt_voice_wanted){.number = number, .stream = stream, .like = rendition};
}

void mt_voices_want(struct mt_voices *wanted, const struct mt_engine *engine)
{
    for (int k = 0; k < engine->n; k++)
        for (int t = 0; t < engine->n_tracks; t++)
            want(wanted, engine, &engine->renditions[k], engine->tracks[t].stream);
}

/* The report says of each voice under which number the ledger has it. */
static json_t *number_voices(const struct mt_voices *wanted, json_t *report)
{
    json_t *voices = json_object_get(report, "voices"), *source = json_object_get(report, "source");
    double longest = 0;

    for (int i = 0; i < wanted->n; i++) {
        json_t *voice = json_array_get(voices, (size_t)i);

        json_object_set_new(voice, "voice", json_integer(wanted->list[i].number));
        longest = fmax(longest, mt_json_num(voice, "duration", 0));
    }
    json_object_set(source, "voices", voices);
    json_object_set_new(source, "end_us", json_integer((json_int_t)(longest * 1e6)));
    source = json_incref(source);
    json_decref(report);
    return source;
}

int mt_voices_encode(const struct mt_voices *wanted, const struct mt_engine *engine,
                     const json_t *plan, const int fds[], struct mt_worker *worker,
                     struct mt_err *err)
{
    const struct mt_sound_settings *like = engine->sound;
    struct mt_av_voice voices[MT_VOICES_MOST];
    struct mt_av_sound spec = {.voices = voices,
                               .n = wanted->n,
                               .origin_us = mt_json_int(plan, "origin_us", 0),
                               .limits = engine->limits,
                               .progress = {mt_stage_tell, worker}};
    json_t *report;
    int ret;

    for (int i = 0; i < wanted->n; i++)
        voices[i] = (struct mt_av_voice){
            .stream = wanted->list[i].stream,
            .codec = wanted->list[i].like->audio_codec,
            .format = mt_sound_file_of(wanted->list[i].like->audio_codec),
            .bps = wanted->list[i].like->av.audio_bps,
            .channels = like->channels,
            .denoise = like->denoise,
            .speech = like->speech,
            .loudness_lufs = like->loudness_lufs,
            .ceiling_dbtp = like->ceiling_dbtp,
            .fd = fds[i],
        };
    report = mt_av_sound(engine->item->fd, &spec, err);
    if (!report) {
        /* A film without a sound that can be heard is one all the same. */
        if (err->code == MT_ERR_DAMAGED)
            err->code = MT_ERR_NOT_APPLICABLE;
        return -1;
    }
    report = number_voices(wanted, report);
    ret = mt_worker_send(worker, report, NULL, 0, err);
    json_decref(report);
    return ret;
}

int mt_voices_record(const struct mt_voices *wanted, const struct mt_engine *engine,
                     const json_t *line, struct mt_err *err)
{
    int64_t numbers[MT_VOICES_MOST];

    for (int i = 0; i < wanted->n; i++)
        numbers[i] = wanted->list[i].number;
    return mt_ledger_record_sound(engine->ledger, line, numbers, wanted->n, err);
}

int mt_voices_record_silence(const struct mt_voices *wanted, const struct mt_engine *engine,
                             struct mt_err *err)
{
    json_t *report = json_pack("{s:[]}", "voices");
    int ret = mt_voices_record(wanted, engine, report, err);

    json_decref(report);
    return ret;
}
