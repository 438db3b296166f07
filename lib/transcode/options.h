/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options.h - what renditions are asked for on a command line. */
#ifndef MT_TRANSCODE_OPTIONS_H
#define MT_TRANSCODE_OPTIONS_H

#include "cli/cli.h"
#include "transcode/audio.h"
#include "transcode/ladder.h"
#include "transcode/transcode.h"

/* Whether pictures that last differently keep doing so; ends with NULL. */
extern const char *const mt_vfr_words[];

/* A member, called want, of the program's settings. */
struct mt_transcode_options {
    const char *quality, *output_formats, *format, *codec, *bitrate;
    const char *audio_codec, *channels, *loudness, *denoise;
    const char *remux, *subtitles, *burn_in, *fps, *max_fps, *vfr;
    bool upscale;
    int64_t audio_bps;
    bool speech;
};

#define MT_TRANSCODE_OPTS(T)                                                                       \
    MT_LIST(T, want.quality, 'q', "quality", "LIST", mt_qualities, "processing.video_qualities",   \
            "renditions to make: 1080p,720p,480p"),                                                \
        MT_STR(T, want.output_formats, 0, "output-formats", "FILE", NULL,                          \
               "renditions as JSON, instead of --quality"),                                        \
        MT_CHOICE(T, want.format, 0, "format", "NAME", mt_formats, NULL,                           \
                  "of the files: mp4, or mp3 and others for sound"),                               \
        MT_CHOICE(T, want.codec, 0, "codec", "NAME", mt_video_codecs, NULL,                        \
                  "of the picture: h264, hevc, vp9, av1 or copy"),                                 \
        MT_STR(T, want.fps, 0, "fps", "RATE", NULL, "pictures a second, whatever the source has"), \
        MT_STR(T, want.max_fps, 0, "max-fps", "RATE", NULL, "pictures a second at most"),          \
        MT_CHOICE(T, want.vfr, 0, "vfr", "HOW", mt_vfr_words, NULL,                                \
                  "pictures that last differently: keep or constant"),                             \
        MT_FLAG(T, want.upscale, 0, "allow-upscale", "enlarge smaller sources"),                   \
        MT_CHOICE(T, want.remux, 0, "remux", "WHEN", mt_remux_words, NULL,                         \
                  "copy what is as wanted already: auto, never, only"),                            \
        MT_STR(T, want.subtitles, 0, "subtitles", "WHICH", NULL,                                   \
               "all, none, or languages: ar,en"),                                                  \
        MT_STR(T, want.burn_in, 0, "burn-in", "WHICH", NULL,                                       \
               "subtitles to draw: a language or a file"),                                         \
        MT_CHOICE(T, want.audio_codec, 0, "audio-codec", "NAME", mt_audio_codecs, NULL,            \
                  "of the sound: aac, opus, mp3 ... or copy"),                                     \
        MT_SIZE(T, want.audio_bps, 0, "audio-bitrate", NULL, "of stereo sound: 128k"),             \
        MT_CHOICE(T, want.channels, 0, "channels", "HOW", mt_channel_words, NULL,                  \
                  "at most mono, stereo or 5.1; or source"),                                       \
        MT_WORD(T, want.loudness, 0, "loudness", "LUFS", mt_loudness_words, NULL,                  \
                "EBU R 128 target: -23, broadcast, streaming ..."),                                \
        MT_CHOICE(T, want.denoise, 0, "denoise", "HOW", mt_denoise_words, NULL,                    \
                  "noise reduction of sound: light or strong"),                                    \
        MT_FLAG(T, want.speech, 0, "speech", "make speech easier to understand"),                  \
        MT_STR(T, want.bitrate, 0, "bitrate", "RATE", NULL,                                        \
               "average of the picture, where -q has none")

/*
 * Fills in what of *spec the options say: ladder, sound, remux. Its crf and target are to be
 * there already; what does not go together is refused. want is to live as long as *spec.
 * MT_ERR_USAGE, and what reading a file of --output-formats gives.
 */
int mt_transcode_options_read(const struct mt_transcode_options *want, struct mt_transcode *spec,
                              struct mt_err *err) MT_MUST_USE;

/* The renditions that a document asks for itself ("output_formats"); NULL where it asks for none,
 * or
 * --output-formats was given. Lent. */
const json_t *mt_transcode_asked(const struct mt_transcode *spec, const json_t *doc);

/*
 * The ladder for one document: those, read like --output-formats and with the other options as
 * defaults, else the ladder of *spec. MT_ERR_BAD_DOCUMENT for what cannot be made.
 */
int mt_transcode_ladder(const struct mt_transcode *spec, const json_t *doc,
                        struct mt_ladder *ladder, struct mt_err *err) MT_MUST_USE;

#endif
