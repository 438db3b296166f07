/* SPDX-License-Identifier: GPL-2.0-or-later */
/* audio.h - renditions that are only sound, and what all sound is to be like. */
#ifndef MT_TRANSCODE_AUDIO_H
#define MT_TRANSCODE_AUDIO_H

#include "av/sound.h"
#include "stage/stage.h"
#include "transcode/ladder.h"

/* What is done to sound, in films and without. */
struct mt_sound_settings {
    int channels;         /* at most; 0: as the source */
    double loudness_lufs; /* 0: left as it is */
    double ceiling_dbtp;
    enum mt_av_denoise denoise;
    bool speech;
};

/* The words of --loudness, --channels and --denoise; each ends with NULL. */
extern const char *const mt_loudness_words[];
extern const char *const mt_channel_words[];
extern const char *const mt_denoise_words[];

/*
 * Reads "-23", "broadcast" (-23), "streaming" (-14), "podcast" (-16), "off"; "source", "mono",
 * "stereo", "5.1"; "off", "light", "strong". NULL: off and stereo. MT_ERR_USAGE.
 */
int mt_sound_settings_parse(struct mt_sound_settings *settings, const char *loudness,
                            const char *channels, const char *denoise,
                            struct mt_err *err) MT_MUST_USE;

/* For the recipe. New. */
json_t *mt_sound_settings_json(const struct mt_sound_settings *settings);

/*
 * Makes those of the rungs (sound alone) that are missing, from one decode, and adds all to
 * the document's variants. *made counts what was not there already. *source, if anything
 * was decoded, becomes {"errors", "messages", "duration", "samples"}: what was met; new.
 */
int mt_transcode_audio(struct mt_item *item, const struct mt_rung *rungs, int n,
                       const struct mt_sound_settings *settings,
                       const struct mt_stage_options *options, int *made, json_t **source,
                       struct mt_err *err) MT_MUST_USE;

/* The format in which sound of a codec lies until it is joined with pictures. */
const char *mt_sound_file_of(const char *codec);

/* Puts an entry into the document's variants, in place of one with the same URL. */
void mt_transcode_add(json_t *doc, json_t *entry);

#endif
