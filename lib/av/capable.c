/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capable.c - whether these libraries have what the programs use. */
#include "av/av.h"

#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <stdbool.h>
#include <stddef.h>

static bool has_encoder(const char *name)
{
    return avcodec_find_encoder_by_name(name) != NULL;
}

static bool has_decoder(const char *name)
{
    return avcodec_find_decoder_by_name(name) != NULL;
}

static bool has_filter(const char *name)
{
    return avfilter_get_by_name(name) != NULL;
}

static json_t *which(const char *const names[], bool (*has)(const char *name))
{
    json_t *all = json_object();

    for (size_t i = 0; names[i]; i++)
        json_object_set_new(all, names[i], json_boolean(has(names[i])));
    return all;
}

json_t *mt_av_capabilities(void)
{
    static const char *const encoders[] = {"libx264", "aac", "libwebp", "mjpeg", "png", NULL};
    static const char *const decoders[] = {"h264", "hevc", "vp9",   "aac",  "mp3", "opus",
                                           "flac", "png",  "mjpeg", "webp", NULL};
    static const char *const filters[] = {"scale",        "format",  "zscale",        "tonemap",
                                          "aresample",    "ebur128", "silencedetect", "blackdetect",
                                          "freezedetect", NULL};

    return json_pack("{s:o, s:o, s:o}", "encoder", which(encoders, has_encoder), "decoder",
                     which(decoders, has_decoder), "filter", which(filters, has_filter));
}
