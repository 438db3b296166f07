/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ladder_parse.c - reading ladders from command lines and requests. */
#include "transcode/ladder_parts.h"

#include "av/mux.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mt_qualities[] = {"auto", "source", "2160p", "1440p", "1080p", "720p",
                                    "480p", "360p",   "240p",  "144p",  "audio", NULL};
const char *const mt_formats[] = {"mp4",  "mov",  "mkv", "webm", "m4a", "mp3",
                                  "opus", "flac", "ogg", "wav",  "mka", NULL};
const char *const mt_video_codecs[] = {"h264", "hevc", "vp9", "av1", "copy", NULL};
const char *const mt_audio_codecs[] = {"aac",  "opus", "mp3",  "flac", "vorbis",
                                       "alac", "pcm",  "copy", NULL};

/* What formats of sound alone are for, the usual codec first. */
static const struct {
    const char *format, *codec;
} sounds[] = {
    {"m4a", "aac"},    {"mp3", "mp3"}, {"opus", "opus"}, {"flac", "flac"},
    {"ogg", "vorbis"}, {"wav", "pcm"}, {"mka", "opus"},  {"m4a", "alac"},
};
enum { SOUNDS = sizeof sounds / sizeof *sounds };

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

/* The codec that a format of sound alone is for; NULL for one of films. */
static const char *codec_of(const char *format)
{
    for (size_t i = 0; i < SOUNDS; i++)
        if (strcmp(sounds[i].format, format) == 0)
            return sounds[i].codec;
    return NULL;
}

const char *mt_sound_format_of(const char *audio_codec)
{
    for (size_t i = 0; i < SOUNDS; i++)
        if (strcmp(sounds[i].codec, audio_codec) == 0)
            return sounds[i].format;
    return "m4a";
}

/* As libavcodec names it. */
static const char *av_name(const char *codec)
{
    return strcmp(codec, "pcm") == 0 ? "pcm_s16le" : codec;
}

static void put(char *to, size_t n, const char *text)
{
    snprintf(to, n, "%s", text);
}

/* ---- one setting of a rung ---- */

/* Bits per second from "5M", "2500k" or a plain number. */
static int parse_rate(const char *what, const char *text, int64_t *bps, struct mt_err *err)
{
    if (mt_parse_size(what, text, bps, err) < 0)
        return mt_hint(err, "a rate in bits per second: 5M, 2500k");
    if (*bps < 1000 || *bps > INT64_C(1000000000))
        return mt_fail(err, MT_ERR_USAGE, "%s takes 1k to 1000M bits per second, not '%s'", what,
                       text);
    return 0;
}

static int set_bitrate(struct mt_rung *rung, const char *what, const char *text, struct mt_err *err)
{
    int64_t bps;

    if (parse_rate(what, text, &bps, err) < 0)
        return -1;
    put(rung->bitrate, sizeof rung->bitrate, text);
    if (rung->audio_only) {
        rung->audio_bps = bps;
        snprintf(rung->name, sizeof rung->name, "audio-%dk", (int)(bps / 1000) % 10000000);
        return 0;
    }
    rung->video_bps = bps;
    if (rung->max_bps == 0)
        rung->max_bps = bps + bps / 2;
    return 0;
}

int mt_ladder_fps(const char *what, const char *text, double *to, struct mt_err *err)
{
    char *end;
    double fps = strtod(text, &end);

    if (*end == '/')
        fps /= strtod(end + 1, &end);
    if (end == text || *end || !(fps >= 1) || fps > 240)
        return mt_fail(err, MT_ERR_USAGE, "%s takes 1 to 240 pictures a second, not '%s'", what,
                       text);
    *to = fps;
    return 0;
}

/*
 * "crf=23", "5M", "webm": one of the words behind a quality. What names a format and a codec is
 * the codec, but for the first such word of sound alone.
 */
static int set_word(struct mt_rung *rung, const char *word, struct mt_err *err)
{
    int64_t n;

    if (mt_str_starts(word, "crf=")) {
        if (mt_parse_int("crf", word + 4, 0, 63, &n, err) < 0)
            return -1;
        rung->crf = (int)n;
    } else if (mt_str_starts(word, "max=")) {
        return parse_rate("max", word + 4, &rung->max_bps, err);
    } else if (mt_str_starts(word, "fps=")) {
        return mt_ladder_fps("fps", word + 4, &rung->fps, err);
    } else if (mt_str_starts(word, "audio=")) {
        return parse_rate("audio", word + 6, &rung->audio_bps, err);
    } else if (is_one_of(word, mt_formats) &&
               !(is_one_of(word, mt_audio_codecs) && (!rung->audio_only || rung->format[0]))) {
        put(rung->format, sizeof rung->format, word);
    } else if (is_one_of(word, mt_video_codecs) && !rung->audio_only) {
        put(rung->video_codec, sizeof rung->video_codec, word);
    } else if (is_one_of(word, mt_audio_codecs)) {
        put(rung->audio_codec, sizeof rung->audio_codec, word);
    } else if (word[0] >= '0' && word[0] <= '9') {
        return set_bitrate(rung, "--quality", word, err);
    } else {
        mt_fail(err, MT_ERR_USAGE, "--quality does not know '%s' of %s", word, rung->name);
        return mt_hint(err, "a rate, crf=N, max=RATE, audio=RATE, fps=N, a format or a codec");
    }
    return 0;
}

/* ---- a whole rung ---- */

static int set_quality(struct mt_rung *rung, const char *word, bool *automatic, struct mt_err *err)
{
    char *end;
    long height = strtol(word, &end, 10);

    put(rung->name, sizeof rung->name, word);
    *automatic = strcmp(word, "auto") == 0;
    if (*automatic || strcmp(word, "source") == 0)
        return 0;
    if (strcmp(word, "audio") == 0) {
        rung->audio_only = true;
        return 0;
    }
    if (end == word || strcmp(end, "p") != 0 || height < 16 || height > 4320) {
        mt_fail(err, MT_ERR_USAGE, "--quality does not know '%s'", word);
        return mt_hint_nearest(err, word, mt_qualities,
                               "lines with p, highest first: 1080p,720p,480p");
    }
    rung->height_px = (int)height;
    return 0;
}

static int begin(struct mt_rung *rung, const struct mt_rung_defaults *d, const char *quality,
                 bool *automatic, struct mt_err *err)
{
    *rung = (struct mt_rung){.crf = d->crf,
                             .audio_bps = d->audio_bps > 0 ? d->audio_bps : -1,
                             .upscale = d->upscale,
                             .max_fps = d->max_fps,
                             .fps = d->fps,
                             .constant = d->constant};
    return set_quality(rung, quality, automatic, err);
}

static void default_word(char *to, size_t n, const char *given, const char *otherwise)
{
    if (!to[0])
        put(to, n, given ? given : otherwise);
}

/* One table decides what goes together: mt_av_carries(). */
static int check_codec(const struct mt_rung *rung, const char *codec, struct mt_err *err)
{
    /* What a copy turns out to be is known when the source is. */
    if (strcmp(codec, "copy") == 0 || mt_av_carries(rung->format, av_name(codec)))
        return 0;
    mt_fail(err, MT_ERR_USAGE, "%s cannot carry %s", rung->format, codec);
    if (strcmp(rung->format, "webm") == 0)
        return mt_hint(err, "webm takes vp9 or av1 with opus or vorbis; mkv takes all of them");
    return mt_hint(err, codec_of(rung->format) ? "mka takes every kind of sound"
                                               : "mkv takes all that is made here");
}

/* There is nothing to be chosen about a copy. */
static int check_copy(const struct mt_rung *rung, struct mt_err *err)
{
    if (strcmp(rung->video_codec, "copy") != 0)
        return 0;
    if (strcmp(rung->name, "auto") == 0)
        mt_fail(err, MT_ERR_USAGE, "--quality auto makes several sizes, a copy has one");
    else if (rung->crf >= 0 || rung->video_bps > 0 || rung->max_bps > 0 || rung->fps > 0 ||
             rung->max_fps > 0 || rung->upscale || rung->constant)
        mt_fail(err, MT_ERR_USAGE, "%s: a copy keeps the source's size, rate and quality",
                rung->name);
    else
        return 0;
    return mt_hint(err, "-q source:copy, without rates, crf and fps; or name a codec to encode it");
}

/* Fills in what was not said, and checks that it goes together. */
static int complete(struct mt_rung *rung, const struct mt_rung_defaults *d, struct mt_err *err)
{
    bool webm;

    /* A format for sound alone makes a rung of sound alone. */
    if (rung->format[0] == '\0' && d->format && (!rung->audio_only || codec_of(d->format)))
        put(rung->format, sizeof rung->format, d->format);
    if (rung->format[0] && codec_of(rung->format) && !rung->audio_only) {
        rung->audio_only = true;
        put(rung->name, sizeof rung->name, "audio");
    }
    if (rung->audio_only) {
        if (!rung->format[0])
            put(rung->format, sizeof rung->format,
                mt_sound_format_of(rung->audio_codec[0] ? rung->audio_codec
                                   : d->audio_codec     ? d->audio_codec
                                                        : "aac"));
        rung->video_codec[0] = '\0';
        default_word(rung->audio_codec, sizeof rung->audio_codec, d->audio_codec,
                     codec_of(rung->format) ? codec_of(rung->format) : "aac");
        if (strcmp(rung->audio_codec, "copy") == 0) {
            mt_fail(err, MT_ERR_USAGE, "sound alone is encoded, never copied");
            return mt_hint(err, "flac keeps it as it is");
        }
        if (rung->audio_bps < 0)
            rung->audio_bps = mt_audio_rate_of(rung->audio_codec, 1080);
        return check_codec(rung, rung->audio_codec, err);
    }
    default_word(rung->format, sizeof rung->format, NULL, "mp4");
    webm = strcmp(rung->format, "webm") == 0;
    default_word(rung->video_codec, sizeof rung->video_codec, d->video_codec,
                 webm ? "vp9" : "h264");
    default_word(rung->audio_codec, sizeof rung->audio_codec, d->audio_codec,
                 strcmp(rung->video_codec, "copy") == 0 ? "copy"
                 : webm                                 ? "opus"
                                                        : "aac");
    if (rung->crf > 51 &&
        (strcmp(rung->video_codec, "h264") == 0 || strcmp(rung->video_codec, "hevc") == 0))
        return mt_fail(err, MT_ERR_USAGE, "%s: crf of %s goes from 0 to 51", rung->name,
                       rung->video_codec);
    if (rung->video_bps == 0 && rung->crf < 0 && d->bitrate &&
        set_bitrate(rung, "--bitrate", d->bitrate, err) < 0)
        return -1;
    if (rung->video_bps > 0 && rung->max_bps < rung->video_bps)
        return mt_fail(err, MT_ERR_USAGE, "%s: the peak rate is below the average", rung->name);
    return check_copy(rung, err) < 0 || check_codec(rung, rung->video_codec, err) < 0
               ? -1
               : check_codec(rung, rung->audio_codec, err);
}

static int add(struct mt_ladder *ladder, const struct mt_rung *rung, bool automatic,
               struct mt_err *err)
{
    if (automatic && !rung->audio_only) {
        ladder->automatic = true;
        ladder->automatic_rung = *rung;
        return 0;
    }
    /* Several heights in a format of sound are one and the same. */
    for (int i = 0; rung->audio_only && i < ladder->n; i++)
        if (strcmp(ladder->rungs[i].name, rung->name) == 0 &&
            strcmp(ladder->rungs[i].format, rung->format) == 0 &&
            strcmp(ladder->rungs[i].audio_codec, rung->audio_codec) == 0)
            return 0;
    if (ladder->n == MT_RUNGS_MAX)
        return mt_fail(err, MT_ERR_USAGE, "--quality takes at most %d qualities",
                       (int)MT_RUNGS_MAX);
    ladder->rungs[ladder->n++] = *rung;
    return 0;
}

static int finish(struct mt_ladder *ladder, struct mt_err *err)
{
    for (int i = 0; ladder->automatic && i < ladder->n; i++)
        if (!ladder->rungs[i].audio_only) {
            mt_fail(err, MT_ERR_USAGE, "--quality names 'auto' and '%s'", ladder->rungs[i].name);
            return mt_hint(err, "auto chooses all sizes; only audio may stand beside it");
        }
    return mt_ladder_settle(ladder, err);
}

static int add_words(struct mt_ladder *ladder, char *words, const struct mt_rung_defaults *d,
                     struct mt_err *err)
{
    struct mt_rung rung;
    char *word = strsep(&words, ":");
    bool automatic;

    if (begin(&rung, d, word, &automatic, err) < 0)
        return -1;
    while ((word = strsep(&words, ":")))
        if (set_word(&rung, word, err) < 0)
            return -1;
    return complete(&rung, d, err) < 0 ? -1 : add(ladder, &rung, automatic, err);
}

int mt_ladder_parse(struct mt_ladder *ladder, const char *text,
                    const struct mt_rung_defaults *defaults, struct mt_err *err)
{
    char *copy = mt_strdup(text), *rest = copy, *words;
    int ret = 0;

    *ladder = (struct mt_ladder){.n = 0};
    while (ret == 0 && (words = strsep(&rest, ",")))
        ret = add_words(ladder, words, defaults, err);
    free(copy);
    return ret == 0 ? finish(ladder, err) : -1;
}

/* ---- the same as JSON ---- */

static int wrong(const char *key, const char *wanted, struct mt_err *err)
{
    return mt_fail(err, MT_ERR_USAGE, "'%s' is to be %s", key, wanted);
}

static int set_choice(char *to, size_t n, const char *key, const json_t *value,
                      const char *const *words, struct mt_err *err)
{
    const char *text = json_string_value(value);

    if (!text || !is_one_of(text, words)) {
        mt_fail(err, MT_ERR_USAGE, "'%s' does not know '%s'", key, text ? text : "?");
        return mt_hint_nearest(err, text ? text : "", words, "see --help");
    }
    put(to, n, text);
    return 0;
}

static int set_number(double *to, const char *key, const json_t *value, double min, double max,
                      struct mt_err *err)
{
    double n = json_number_value(value);

    if (!json_is_number(value) || !(n >= min && n <= max))
        return mt_fail(err, MT_ERR_USAGE, "'%s' is to be a number from %g to %g", key, min, max);
    *to = n;
    return 0;
}

/* A rate may be "5000k" or a number of bits per second. */
static const char *rate_text(const json_t *value, char buffer[24])
{
    if (json_is_integer(value))
        snprintf(buffer, 24, "%lld", (long long)json_integer_value(value));
    return json_is_integer(value) ? buffer : json_string_value(value);
}

static int set_member(struct mt_rung *rung, const char *key, const json_t *value,
                      struct mt_err *err)
{
    char buffer[24];
    const char *rate = rate_text(value, buffer);
    double n = 0;

    if (strcmp(key, "quality") == 0)
        return 0;
    if (strcmp(key, "format") == 0)
        return set_choice(rung->format, sizeof rung->format, key, value, mt_formats, err);
    if (strcmp(key, "codec") == 0 || strcmp(key, "video_codec") == 0)
        return set_choice(rung->video_codec, sizeof rung->video_codec, key, value, mt_video_codecs,
                          err);
    if (strcmp(key, "audio_codec") == 0)
        return set_choice(rung->audio_codec, sizeof rung->audio_codec, key, value, mt_audio_codecs,
                          err);
    if (strcmp(key, "fps") == 0)
        return set_number(&rung->fps, key, value, 1, 240, err);
    if (strcmp(key, "max_fps") == 0)
        return set_number(&rung->max_fps, key, value, 1, 240, err);
    if (strcmp(key, "crf") == 0) {
        if (set_number(&n, key, value, 0, 63, err) < 0)
            return -1;
        rung->crf = (int)n;
        return 0;
    }
    if (strcmp(key, "bitrate") == 0)
        return rate ? set_bitrate(rung, "'bitrate'", rate, err) : wrong(key, "as \"5000k\"", err);
    if (strcmp(key, "max_bitrate") == 0)
        return rate ? parse_rate("'max_bitrate'", rate, &rung->max_bps, err)
                    : wrong(key, "as \"5000k\"", err);
    if (strcmp(key, "audio_bitrate") == 0)
        return rate ? parse_rate("'audio_bitrate'", rate, &rung->audio_bps, err)
                    : wrong(key, "as \"128k\"", err);
    mt_fail(err, MT_ERR_USAGE, "'%s' is no member that is known", key);
    return mt_hint(err, "quality, format, bitrate, max_bitrate, codec, crf, audio_codec, "
                        "audio_bitrate, fps or max_fps");
}

static int add_entry(struct mt_ladder *ladder, json_t *entry, const struct mt_rung_defaults *d,
                     struct mt_err *err)
{
    const char *format = json_string_value(json_object_get(entry, "format"));
    const char *quality = json_string_value(json_object_get(entry, "quality"));
    struct mt_rung rung;
    const char *key;
    json_t *value;
    bool automatic;

    if (!json_is_object(entry))
        return mt_fail(err, MT_ERR_USAGE, "it is to be an object");
    if (!quality && !(format && codec_of(format)))
        return mt_fail(err, MT_ERR_USAGE, "'quality' is missing");
    if (format && !is_one_of(format, mt_formats))
        return set_choice(rung.format, sizeof rung.format, "format",
                          json_object_get(entry, "format"), mt_formats, err);
    if (begin(&rung, d, format && codec_of(format) ? "audio" : quality, &automatic, err) < 0)
        return -1;
    /* The quality of sound is its rate. */
    if (rung.audio_only && quality && quality[0] >= '0' && quality[0] <= '9' &&
        !mt_str_ends(quality, "p") && set_bitrate(&rung, "'quality'", quality, err) < 0)
        return -1;
    json_object_foreach(entry, key, value)
    {
        if (set_member(&rung, key, value, err) < 0)
            return -1;
    }
    return complete(&rung, d, err) < 0 ? -1 : add(ladder, &rung, automatic, err);
}

int mt_ladder_json(struct mt_ladder *ladder, const json_t *formats,
                   const struct mt_rung_defaults *defaults, struct mt_err *err)
{
    json_t *entry;
    size_t i;

    *ladder = (struct mt_ladder){.n = 0};
    if (json_is_object(formats))
        formats = json_object_get(formats, "output_formats");
    if (!json_is_array(formats) || json_array_size(formats) == 0)
        return mt_fail(err, MT_ERR_USAGE, "output_formats is to be an array of at least one entry");
    json_array_foreach(formats, i, entry)
    {
        if (add_entry(ladder, entry, defaults, err) < 0)
            return mt_fail_in(err, "output_formats[%zu]", i);
    }
    return finish(ladder, err);
}
