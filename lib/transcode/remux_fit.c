/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remux_fit.c - whether streams are already what a rung asks for. */
#include "transcode/remux.h"

#include "av/mux.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Jumping about in a film is no fun with fewer key frames. */
static const double KEY_S = 10;

#define no(...) (snprintf(reason, 160, __VA_ARGS__), false)

static bool carried(const struct mt_rung *rung, const json_t *stream, char reason[160])
{
    const char *codec = mt_json_str(stream, "codec", "?");
    const char *obstacle = mt_json_str(stream, "obstacle", NULL);

    if (obstacle)
        return no("%s", obstacle);
    if (!mt_av_carries(rung->format, codec))
        return no("%s cannot carry %s", rung->format, codec);
    return true;
}

static bool right_size(const struct mt_rung *rung, const json_t *stream, char reason[160])
{
    int w = (int)mt_json_int(stream, "width", 0), h = (int)mt_json_int(stream, "height", 0);
    int side = w < h ? w : h;

    if (!mt_json_bool(stream, "upright", false))
        return no("its pictures lie on their side");
    if (!mt_json_bool(stream, "square", false))
        return no("its pixels are not square");
    if (mt_json_bool(stream, "interlaced", true))
        return no("it is interlaced");
    if (side != rung->height_px || w % 2 || h % 2)
        return no("it is %dx%d", w, h);
    return true;
}

/* What an encoder would be given is of these kinds only. */
static bool right_kind(const struct mt_rung *rung, const json_t *stream, char reason[160])
{
    bool deep = strcmp(rung->video_codec, "hevc") == 0 || strcmp(rung->video_codec, "av1") == 0;
    int depth = (int)mt_json_int(stream, "depth", 0);

    if (strcmp(mt_json_str(stream, "sampling", ""), "4:2:0") != 0)
        return no("its colours are sampled %s", mt_json_str(stream, "sampling", "in other ways"));
    if (depth < 8 || depth > (deep ? 10 : 8))
        return no("it has %d bits", depth);
    if (mt_json_bool(stream, "full", false))
        return no("it has the full range of values");
    if (!deep && mt_json_bool(stream, "hdr", false))
        return no("it is HDR or wide-gamut");
    return true;
}

/* A buffer of two seconds permits twice the peak rate within two seconds. */
static bool right_rate(const struct mt_rung *rung, const json_t *stream, char reason[160])
{
    double bps = (double)mt_json_int(stream, "bps", INT64_MAX), fps = mt_json_num(stream, "fps", 0);
    int64_t peak = mt_json_int(stream, "peak_bps", INT64_MAX);
    int64_t most = rung->video_bps > 0 ? rung->video_bps : rung->max_bps;

    if (most > 0 && bps > (double)most * 1.02)
        return no("its rate is %.0fk, %lldk are permitted", bps / 1000, (long long)most / 1000);
    if (rung->max_bps > 0 && peak > 2 * rung->max_bps)
        return no("its rate reaches %lldk, with a peak of %lldk permitted", (long long)peak / 1000,
                  (long long)rung->max_bps / 1000);
    if (rung->fps > 0 || rung->constant)
        return no("a picture rate is asked for");
    if (rung->max_fps > 0 && fps > rung->max_fps * 1.01)
        return no("it has %.3g pictures a second", fps);
    if (mt_json_num(stream, "key_s", INFINITY) > KEY_S)
        return no("its key frames lie up to %.1f s apart", mt_json_num(stream, "key_s", 0));
    return true;
}

bool mt_remux_pictures_fit(const struct mt_rung *rung, const json_t *stream, char reason[160])
{
    if (!carried(rung, stream, reason))
        return false;
    if (strcmp(rung->video_codec, "copy") == 0)
        return mt_json_bool(stream, "upright", false) || no("its pictures lie on their side");
    if (strcmp(rung->video_codec, mt_json_str(stream, "codec", "")) != 0)
        return no("it is %s", mt_json_str(stream, "codec", "?"));
    return right_size(rung, stream, reason) && right_kind(rung, stream, reason) &&
           right_rate(rung, stream, reason);
}

bool mt_remux_sound_fits(const struct mt_rung *rung, const struct mt_sound_settings *settings,
                         const json_t *stream, char reason[160])
{
    const char *codec = mt_json_str(stream, "codec", "");
    int64_t channels = mt_json_int(stream, "channels", 0);
    /* As sound is encoded: mono has five eighths of the rate of stereo, 5.1 2.7 times as much. */
    double share = channels == 1 ? 0.625 : channels > 2 ? 2.7 : 1;

    if (!carried(rung, stream, reason))
        return false;
    if (strcmp(rung->audio_codec, "copy") == 0)
        return true;
    if (strcmp(rung->audio_codec, strcmp(codec, "pcm_s16le") == 0 ? "pcm" : codec) != 0)
        return no("its sound is %s", codec);
    if (settings->loudness_lufs < 0 || settings->denoise != MT_AV_DENOISE_OFF || settings->speech)
        return no("its sound is to be changed");
    if (settings->channels > 0 && channels > settings->channels)
        return no("its sound has %d channels", (int)channels);
    if (mt_json_int(stream, "sample_rate_hz", 0) < 44100 ||
        (rung->audio_bps > 0 && mt_json_int(stream, "sample_rate_hz", 0) > 48000))
        return no("its sound is sampled at %d Hz", (int)mt_json_int(stream, "sample_rate_hz", 0));
    if (!mt_json_bool(stream, "low_complexity", false))
        return no("its sound is of a profile that not all players know");
    if (rung->audio_bps > 0 &&
        (double)mt_json_int(stream, "bps", INT64_MAX) > 1.1 * share * (double)rung->audio_bps)
        return no("its sound has %dk", (int)(mt_json_int(stream, "bps", 0) / 1000));
    return true;
}
