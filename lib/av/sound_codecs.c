/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sound_codecs.c - how sound is encoded. */
#include "av/sound_parts.h"

#include <string.h>

static const struct mt_sound_codec codecs[] = {
    {"aac", "aac", 8, false, AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_FLTP},
    {"opus", "libopus", 8, false, AV_SAMPLE_FMT_FLT, AV_SAMPLE_FMT_FLT},
    {"mp3", "libmp3lame", 2, false, AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_FLTP},
    {"vorbis", "libvorbis", 8, false, AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_FLTP},
    {"flac", "flac", 8, true, AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S32},
    {"alac", "alac", 8, true, AV_SAMPLE_FMT_S16P, AV_SAMPLE_FMT_S32P},
    {"pcm", "pcm_s16le", 8, true, AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S32},
};

const struct mt_sound_codec *mt_sound_codec_find(const char *name)
{
    for (size_t i = 0; name && i < sizeof codecs / sizeof *codecs; i++)
        if (strcmp(codecs[i].name, name) == 0)
            return &codecs[i];
    return NULL;
}

static bool is_deep(const AVCodecParameters *par)
{
    if (par->bits_per_raw_sample > 0)
        return par->bits_per_raw_sample > 16;
    switch (par->codec_id) {
    case AV_CODEC_ID_PCM_S24LE:
    case AV_CODEC_ID_PCM_S24BE:
    case AV_CODEC_ID_PCM_S32LE:
    case AV_CODEC_ID_PCM_S32BE:
    case AV_CODEC_ID_PCM_F32LE:
    case AV_CODEC_ID_PCM_F32BE:
    case AV_CODEC_ID_PCM_F64LE:
    case AV_CODEC_ID_PCM_F64BE:
        return true;
    default:
        return false;
    }
}

static int rate_for(const struct mt_sound_codec *codec, int rate)
{
    if (strcmp(codec->name, "opus") == 0)
        return 48000;
    if (codec->lossless && rate >= 8000 && rate <= 192000)
        return rate;
    return rate > 0 && rate % 11025 == 0 ? 44100 : 48000;
}

void mt_tone_choose(struct mt_tone *tone, const struct mt_av_voice *voice, const AVStream *stream)
{
    const struct mt_sound_codec *codec = mt_sound_codec_find(voice->codec);
    const AVCodecParameters *par = stream->codecpar;
    int channels = par->ch_layout.nb_channels > 0 ? par->ch_layout.nb_channels : 2;

    if (voice->channels > 0 && channels > voice->channels)
        channels = voice->channels;
    if (channels > codec->channels)
        channels = codec->channels;
    *tone = (struct mt_tone){.stream = stream->index,
                             .rate = rate_for(codec, par->sample_rate),
                             .channels = channels,
                             .format = is_deep(par) ? codec->deep : codec->format,
                             .denoise = voice->denoise,
                             .speech = voice->speech,
                             .loudness_lufs = voice->loudness_lufs,
                             .ceiling_dbtp = voice->ceiling_dbtp};
}

bool mt_tone_equal(const struct mt_tone *a, const struct mt_tone *b)
{
    return a->stream == b->stream && a->rate == b->rate && a->channels == b->channels &&
           a->format == b->format && a->denoise == b->denoise && a->speech == b->speech &&
           a->loudness_lufs == b->loudness_lufs && a->ceiling_dbtp == b->ceiling_dbtp;
}
