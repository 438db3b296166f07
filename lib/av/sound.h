/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sound.h - the sound of a source as tracks of their own, encoded in one piece. */
#ifndef MT_AV_SOUND_H
#define MT_AV_SOUND_H

#include "av/av.h"

enum { MT_AV_VOICES_MAX = 64 };

enum mt_av_denoise { MT_AV_DENOISE_OFF, MT_AV_DENOISE_LIGHT, MT_AV_DENOISE_STRONG };

/* One track that is wanted, and the file it goes into. */
struct mt_av_voice {
    int stream;         /* of the source; -1: the main one */
    const char *codec;  /* "aac", "opus", "mp3", "flac", "vorbis", "alac", "pcm" */
    const char *format; /* of the file, as struct mt_av_mux has it: what mt_av_carries() it */
    int64_t bps;        /* of stereo: mono gets less, more channels more; 0 for lossless codecs */
    int channels;       /* at most; 0: as many as the source has and the codec takes (8; MP3 2) */
    enum mt_av_denoise denoise; /* broadband noise, by spectral subtraction (afftdn) */
    bool speech;                /* rumble below 80 Hz goes, dialogue in a stereo mix is raised */
    double loudness_lufs;       /* of the whole programme (EBU R 128); 0: left as it is */
    double ceiling_dbtp;        /* true peak that gain may not pass: -1 */
    const char *language;       /* for the file's tags; NULL: none */
    bool tags;                  /* titles, rights and chapters of the source go into the file */
    int fd;                     /* a new, empty, readable, writable, seekable file */
};

struct mt_av_sound {
    const struct mt_av_voice *voices;
    int n;
    int64_t origin_us; /* where the film begins on the source's clock; INT64_MIN: where its sound
                          does. The file begins there */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * Decodes the streams that are asked for and encodes each voice without a break from the film's
 * begin to its own end: holes of more than 0.1 s become silence, as does what is missing before
 * the first sound; overlaps of more than that, and what lies before the film, go. Formats
 * that change on the way are evened out. Sampled at 44.1 kHz if the source is of that family,
 * else 48 kHz; lossless codecs keep rates up to 192 kHz and, of sources that have more than 16
 * bits,
 * 24. Opus is 48 kHz. A mix to fewer channels is scaled so that it cannot clip.
 *
 * Loudness is measured first, on what would be encoded, and met by one gain for the whole voice:
 * there is no limiter and no compressor. Gain stops where the true peak meets the ceiling, and the
 * report says by how much the target is missed. If a codec's own overshoot takes the result over
 * the ceiling, the voice is encoded once more with that much less.
 *
 * Each file is then decoded: no errors, and every sample there (lossy codecs may leave up to two
 * of their frames more at the end).
 *
 * The report, a new reference: {"voices": [{"stream", "codec", "format", "channels", "layout",
 * "sample_rate_hz", "bits" (lossless), "samples", "duration", "size_bytes", "bit_rate_bps",
 * "silence_s" (put in), "loudness": {"target_lufs", "gain_db", "missed_lu", "source": {...},
 * "result": {...}} or null, both as mt_av_measure() has them}], "source": {"errors", "messages",
 * "samples"}}.
 *
 * Of several voices those whose stream does not decode have 0 samples, and their files are empty.
 *
 * MT_ERR_NOT_APPLICABLE without sound, DAMAGED when none of it decodes, UNAVAILABLE for encoders
 * or filters that these libraries lack, VERIFY; otherwise as mt_av_mux(). Call it jailed.
 */
json_t *mt_av_sound(int fd, const struct mt_av_sound *spec, struct mt_err *err);

#endif
