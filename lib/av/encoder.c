/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encoder.c - the encoders, and what they are told so that segments can be joined.
 *
 * All of them make closed GOPs, begin them where they are told to and nowhere else, and write
 * parameter sets that do not depend on the content. One process encodes one segment, so that
 * their own threads are turned off where there are enough segments.
 */
#include "av/transcode_parts.h"

#include <libavutil/avstring.h>
#include <stdio.h>
#include <string.h>

static const char *const presets[] = {"ultrafast", "superfast", "veryfast", "faster",  "fast",
                                      "medium",    "slow",      "slower",   "veryslow"};
enum { PRESETS = sizeof presets / sizeof *presets };

static int preset_at(const char *preset)
{
    for (int i = 0; preset && i < PRESETS; i++)
        if (strcmp(presets[i], preset) == 0)
            return i;
    return -1;
}

/*
 * stitchable: parameter sets do not depend on content. The key interval is without limit
 * because times, not counts, decide. A constant rate is written into the stream, where demuxers
 * look for it.
 */
static void tell_x264(AVDictionary **options, const struct mt_video_setup *setup)
{
    av_dict_set(options, "preset", setup->preset, 0);
    av_dict_set(options, "profile", "high", 0);
    av_dict_set(options, "forced-idr", "1", 0);
    av_dict_set(options, "x264-params",
                setup->constant_rate
                    ? "stitchable=1:keyint=infinite:min-keyint=1:scenecut=0:open-gop=0:force-cfr=1"
                    : "stitchable=1:keyint=infinite:min-keyint=1:scenecut=0:open-gop=0",
                0);
}

static void tell_x265(AVDictionary **options, const struct mt_video_setup *setup)
{
    char text[512] = "keyint=-1:min-keyint=1:scenecut=0:open-gop=0:info=0:log-level=error";
    size_t n = strlen(text);

    if (setup->threads == 1)
        snprintf(text + n, sizeof text - n, ":pools=none:frame-threads=1:wpp=0");
    n = strlen(text);
    snprintf(text + n, sizeof text - n, ":vbv-init=%g", MT_BUFFER_AT_FIRST);
    mt_light_tell_x265(&setup->look->light, text, sizeof text);
    av_dict_set(options, "preset", setup->preset, 0);
    av_dict_set(options, "forced-idr", "1", 0);
    av_dict_set(options, "x265-params", text, 0);
}

static void tell_vpx(AVDictionary **options, const struct mt_video_setup *setup)
{
    static const char *const speeds[PRESETS] = {"5", "5", "5", "4", "3", "2", "1", "0", "0"};

    av_dict_set(options, "deadline", "good", 0);
    av_dict_set(options, "cpu-used", speeds[preset_at(setup->preset)], 0);
    av_dict_set(options, "auto-alt-ref", "1", 0);
    av_dict_set(options, "lag-in-frames", "25", 0);
    av_dict_set(options, "row-mt", setup->threads == 1 ? "0" : "1", 0);
}

static void tell_svt(AVDictionary **options, const struct mt_video_setup *setup)
{
    static const char *const speeds[PRESETS] = {"12", "11", "10", "9", "8", "7", "5", "4", "3"};

    char text[256] = "";

    av_dict_set(options, "preset", speeds[preset_at(setup->preset)], 0);
    if (setup->threads > 0)
        snprintf(text, sizeof text, "lp=%d", setup->threads);
    mt_light_tell_svt(&setup->look->light, text, sizeof text);
    if (text[0])
        av_dict_set(options, "svtav1-params", text, 0);
}

/* crf, crf_max: of each one's own scale; crf looks about as good as 23 of H.264. */
static const struct mt_encoder encoders[] = {
    {"h264", "libx264", "H.264", 23, 51, false, MT_CAP_VBV, tell_x264},
    {"hevc", "libx265", "HEVC", 26, 51, true, MT_CAP_VBV, tell_x265},
    {"vp9", "libvpx-vp9", "VP9", 32, 63, false, MT_CAP_RATE, tell_vpx},
    {"av1", "libsvtav1", "AV1", 35, 63, true, MT_CAP_CRF, tell_svt},
};

const struct mt_encoder *mt_encoder_of(const char *codec)
{
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++)
        if (strcmp(encoders[i].codec, codec ? codec : "h264") == 0)
            return &encoders[i];
    return NULL;
}

int mt_encoder_check(const struct mt_encoder *encoder, const char *preset, struct mt_err *err)
{
    if (!encoder)
        return mt_fail(err, MT_ERR_USAGE, "no encoder is known for this codec");
    if (preset_at(preset) < 0)
        return mt_fail(err, MT_ERR_USAGE, "%s has no preset '%s'", encoder->name,
                       preset ? preset : "");
    if (!avcodec_find_encoder_by_name(encoder->library))
        return mt_fail(err, MT_ERR_UNAVAILABLE, "this libavcodec has no %s", encoder->library);
    return 0;
}

const char *mt_av_encoder_name(const char *codec)
{
    const struct mt_encoder *encoder = mt_encoder_of(codec);

    return encoder ? encoder->library : NULL;
}

int mt_av_default_crf(const char *codec)
{
    const struct mt_encoder *encoder = mt_encoder_of(codec);

    return encoder ? encoder->crf : 23;
}

int mt_av_most_crf(const char *codec)
{
    const struct mt_encoder *encoder = mt_encoder_of(codec);

    return encoder ? encoder->crf_max : 51;
}
