/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ladder.c - what ladders say and what sources get. */
#include "transcode/ladder.h"
#include "../tap.h"

#include <stdlib.h>
#include <string.h>

static struct mt_err err;
static struct mt_rung_defaults defaults;

/* The ladder as "name:format:video:audio:average:peak:crf:sound ...", rates in kbit/s. */
static int64_t source_bps; /* of the source that a ladder is fitted to */

static const char *show(const struct mt_ladder *l)
{
    static char out[4096];
    size_t at = 0;

    out[0] = '\0';
    for (int i = 0; i < l->n; i++) {
        const struct mt_rung *r = &l->rungs[i];

        at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s:%s:%s:%s:%lld:%lld:%d:%lld",
                               i ? " " : "", r->name, r->format, r->video_codec, r->audio_codec,
                               (long long)r->video_bps / 1000, (long long)r->max_bps / 1000, r->crf,
                               (long long)r->audio_bps / 1000);
    }
    return out;
}

static const char *names(const struct mt_ladder *l)
{
    static char out[1024];

    out[0] = '\0';
    for (int i = 0; i < l->n; i++)
        snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%s", i ? " " : "",
                 l->rungs[i].name);
    return out;
}

static const char *parse(const char *text)
{
    struct mt_ladder l;

    memset(&err, 0, sizeof(err));
    return mt_ladder_parse(&l, text, &defaults, &err) == 0 ? show(&l) : err.msg;
}

static const char *parse_json(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    struct mt_ladder l;
    int ret;

    memset(&err, 0, sizeof(err));
    ret = mt_ladder_json(&l, json, &defaults, &err);
    json_decref(json);
    return ret == 0 ? show(&l) : err.msg;
}

static const char *fit(const char *text, int w, int h, double fps)
{
    json_t *dropped = json_array();
    struct mt_ladder l;

    if (mt_ladder_parse(&l, text, &defaults, &err) < 0)
        return err.msg;
    mt_ladder_fit(&l, &(struct mt_shape){w, h, fps, source_bps}, dropped);
    json_decref(dropped);
    return names(&l);
}

static void words(void)
{
    IS_STR(parse("480p,1080p"), "1080p:mp4:h264:aac:0:5000:-1:192 480p:mp4:h264:aac:0:1000:-1:128",
           "the specification's peaks, highest first");
    IS_STR(parse("1080p:5M,720p:crf=20"),
           "1080p:mp4:h264:aac:5000:7500:-1:192 720p:mp4:h264:aac:0:2500:20:128",
           "a rate is an average, its peak half as much again; crf keeps the peak");
    IS_STR(parse("720p:webm"), "720p:webm:vp9:opus:0:2500:-1:96", "webm chooses VP9 and Opus");
    IS_STR(parse("720p:mkv:hevc:opus:max=3M"), "720p:mkv:hevc:opus:0:3000:-1:96",
           "format, codecs and peak");
    IS_STR(parse("audio"), "audio:m4a::aac:0:0:-1:192", "sound alone is AAC in M4A");
    IS_STR(parse("audio:opus:96k,720p"),
           "720p:mp4:h264:aac:0:2500:-1:128 audio-96k:opus::opus:0:0:-1:96", "Opus of 96 kbit/s");
    IS_STR(parse("audio:flac"), "audio:flac::flac:0:0:-1:0", "lossless has no rate");
    IS_STR(parse("900p"), "900p:mp4:h264:aac:0:3625:-1:192", "a rate between its neighbours'");
}

static void refusals(void)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"720p,720p", "--quality names '720p' twice"},
        {"12p", "--quality does not know '12p'"},
        {"720p:webm:h264", "webm cannot carry h264"},
        {"audio:flac:mp3", "flac cannot carry mp3"},
        {"720p:crf=60", "720p: crf of h264 goes from 0 to 51"},
        {"720p:5M:max=1M", "720p: the peak rate is below the average"},
        {"720p:1", "--quality takes 1k to 1000M bits per second, not '1'"},
        {"auto,720p", "--quality names 'auto' and '720p'"},
        {"720p:nonsense", "--quality does not know 'nonsense' of 720p"},
        {"720p:fps=0", "fps takes 1 to 240 pictures a second, not '0'"},
        {"", "--quality does not know ''"},
        {",,", "--quality does not know ''"},
        {"720p:", "--quality does not know '' of 720p"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        IS_STR(parse(bad[i].text), bad[i].message, bad[i].text);
}

static void requests(void)
{
    IS_STR(parse_json("{\"source_url\":\"x\",\"output_formats\":["
                      "{\"quality\":\"1080p\",\"format\":\"mp4\",\"bitrate\":\"5000k\"},"
                      "{\"quality\":\"480p\",\"format\":\"mp4\",\"bitrate\":\"1000k\"}]}"),
           "1080p:mp4:h264:aac:5000:7500:-1:192 480p:mp4:h264:aac:1000:1500:-1:128",
           "a request of the specification");
    IS_STR(parse_json("[{\"quality\":\"128k\",\"format\":\"mp3\"}]"),
           "audio-128k:mp3::mp3:0:0:-1:128", "MP3 of a rate");
    IS_STR(parse_json("[{\"quality\":\"720p\",\"format\":\"webm\",\"codec\":\"av1\",\"crf\":35}]"),
           "720p:webm:av1:opus:0:2500:35:96", "AV1 in WebM");
    IS_STR(parse_json("[{\"quality\":\"720p\",\"colour\":1}]"),
           "output_formats[0]: 'colour' is no member that is known", "an unknown member");
    IS_STR(parse_json("[{\"quality\":\"720p\"},{\"format\":\"mp4\"}]"),
           "output_formats[1]: 'quality' is missing", "no quality");
    IS_STR(parse_json("[{\"quality\":\"720p\",\"format\":\"avi\"}]"),
           "output_formats[0]: 'format' does not know 'avi'", "a format that is not made");
    IS_STR(parse_json("[{\"quality\":\"720p\",\"bitrate\":true}]"),
           "output_formats[0]: 'bitrate' is to be as \"5000k\"", "a rate of another kind");
    IS_STR(parse_json("[]"), "output_formats is to be an array of at least one entry", "none");
    IS_STR(parse_json("[7]"), "output_formats[0]: it is to be an object", "a number");
    IS_STR(parse_json("{}"), "output_formats is to be an array of at least one entry", "no array");
}

static void fits(void)
{
    IS_STR(fit("1080p,720p,480p", 1280, 720, 25), "720p 480p", "nothing is enlarged");
    IS_STR(fit("1080p", 322, 181, 25), "180p", "one rung of an odd source's own size");
    IS_STR(fit("source,360p", 1920, 800, 25), "800p 360p", "the source's size");
    IS_STR(fit("auto", 1920, 1080, 25), "1080p 720p 480p 360p", "auto for 1080p");
    IS_STR(fit("auto", 3840, 2160, 25), "2160p 1440p 1080p 720p 480p 360p", "auto for 2160p");
    IS_STR(fit("auto", 608, 1080, 25), "608p 480p 360p", "auto for an upright film");
    IS_STR(fit("auto", 160, 120, 25), "120p", "auto for a small one");
    IS_STR(fit("auto,audio", 640, 360, 25), "360p 240p audio", "sound beside auto");
    source_bps = 300000;
    IS_STR(fit("auto,audio", 1920, 1080, 25), "1080p audio", "easy pictures need no smaller ones");
    IS_STR(fit("1080p,360p", 1920, 1080, 25), "1080p 360p", "which are made when they are named");
    IS_STR(fit("auto:5M", 1920, 1080, 25), "1080p 720p 480p 360p", "and where a rate is");
    source_bps = 301000;
    IS_STR(fit("auto", 1920, 1080, 25), "1080p 720p 480p 360p", "others do");
    source_bps = 0;
    IS_STR(fit("720p,480p", 0, 0, 0), "audio", "a source of sound gets sound");
    IS_STR(fit("audio:mp3:128k,720p", 0, 0, 0), "audio-128k", "and the sound that was asked for");
    defaults.upscale = true;
    IS_STR(fit("1080p,720p", 640, 360, 25), "1080p 720p", "enlarged when asked for");
    defaults.upscale = false;
}

static void settings(void)
{
    defaults.format = "webm";
    IS_STR(parse("720p"), "720p:webm:vp9:opus:0:2500:-1:96", "--format");
    defaults.format = "mp3";
    IS_STR(parse("720p,480p"), "audio:mp3::mp3:0:0:-1:192", "a format of sound makes one of sound");
    defaults.format = NULL;
    defaults.bitrate = "2M";
    IS_STR(parse("720p,480p:crf=30"),
           "720p:mp4:h264:aac:2000:3000:-1:128 480p:mp4:h264:aac:0:1000:30:128", "--bitrate");
    defaults.bitrate = NULL;
    defaults.video_codec = "hevc";
    defaults.audio_bps = 64000;
    IS_STR(parse("720p"), "720p:mp4:hevc:aac:0:2500:-1:64", "--codec and --audio-bitrate");
    defaults = (struct mt_rung_defaults){.crf = -1};
}

int main(void)
{
    defaults.crf = -1;
    words();
    refusals();
    requests();
    fits();
    settings();
    return tap_done();
}
