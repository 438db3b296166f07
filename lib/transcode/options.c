/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options.c - see options.h. */
#include "transcode/options.h"

#include "base/mem.h"
#include "transcode/texts.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mt_vfr_words[] = {"keep", "constant", NULL};

enum { REQUEST_MAX = 1024 * 1024 };

/* The whole file as text; free() it. */
static char *read_text(const char *path, struct mt_err *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *text;
    size_t n;

    if (!file) {
        mt_fail_errno(err, "cannot read '%s'", path);
        return NULL;
    }
    text = mt_alloc(REQUEST_MAX + 1);
    n = fread(text, 1, REQUEST_MAX, file);
    text[n] = '\0';
    if (ferror(file))
        mt_fail_errno(err, "cannot read '%s'", path);
    else if (n == REQUEST_MAX)
        mt_fail(err, MT_ERR_USAGE, "'%s' is too long", path);
    if (ferror(file) || n == REQUEST_MAX) {
        free(text);
        text = NULL;
    }
    if (file != stdin)
        fclose(file);
    return text;
}

static int read_formats(struct mt_ladder *ladder, const char *path,
                        const struct mt_rung_defaults *defaults, struct mt_err *err)
{
    json_error_t where;
    bool inlined = *path == '[' || *path == '{';
    char *text = inlined ? mt_strdup(path) : read_text(path, err);
    json_t *json;
    int ret;

    if (!text)
        return -1;
    json = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    free(text);
    if (!json)
        return mt_fail(err, MT_ERR_USAGE, "'%s', line %d: %s", path, where.line, where.text);
    ret = mt_ladder_json(ladder, json, defaults, err);
    json_decref(json);
    return ret < 0 ? mt_fail_in(err, "'%s'", path) : 0;
}

static enum mt_remux_when remux_of(const char *word)
{
    int i = 0;

    while (word && mt_remux_words[i] && strcmp(mt_remux_words[i], word) != 0)
        i++;
    return word && mt_remux_words[i] ? (enum mt_remux_when)i : MT_REMUX_AUTO;
}

/* The first option that wants pictures (or sound) to be encoded; NULL. */
static const char *changes_pictures(const struct mt_transcode *spec)
{
    return spec->burn.which   ? "--burn-in"
           : spec->target > 0 ? "--target-quality"
           : spec->crf >= 0   ? "--crf"
                              : NULL;
}

static const char *changes_sound(const struct mt_transcode *spec)
{
    return spec->sound.loudness_lufs < 0              ? "--loudness"
           : spec->sound.denoise != MT_AV_DENOISE_OFF ? "--denoise"
           : spec->sound.speech                       ? "--speech"
                                                      : NULL;
}

/* What is copied cannot be changed on the way, and nobody should have to find that out. */
static int check_copies(const struct mt_transcode *spec, const struct mt_ladder *ladder,
                        struct mt_err *err)
{
    const char *pictures = changes_pictures(spec), *sound = changes_sound(spec);
    bool only = spec->remux == MT_REMUX_ONLY;

    if (only && (pictures || sound))
        return mt_fail(err, MT_ERR_USAGE, "--remux=only encodes nothing, %s does",
                       pictures ? pictures : sound);
    for (int i = 0; i < ladder->n; i++) {
        const struct mt_rung *rung = &ladder->rungs[i];
        bool copied = strcmp(rung->video_codec, "copy") == 0;

        if (copied && pictures)
            return mt_fail(err, MT_ERR_USAGE, "%s: a copy keeps its pictures, %s changes them",
                           rung->name, pictures);
        if (strcmp(rung->audio_codec, "copy") == 0 && (sound || spec->want->audio_bps > 0))
            return mt_fail(err, MT_ERR_USAGE, "%s: a copy keeps its sound, %s changes it",
                           rung->name, sound ? sound : "--audio-bitrate");
    }
    return 0;
}

/* What holds for renditions that do not say otherwise. */
static int defaults_of(const struct mt_transcode_options *want, struct mt_rung_defaults *defaults,
                       struct mt_err *err)
{
    *defaults = (struct mt_rung_defaults){.format = want->format,
                                          .video_codec = want->codec,
                                          .audio_codec = want->audio_codec,
                                          .bitrate = want->bitrate,
                                          .crf = -1,
                                          .audio_bps = want->audio_bps,
                                          .upscale = want->upscale,
                                          .constant = want->vfr && strcmp(want->vfr, "keep") != 0};
    if ((want->fps && mt_ladder_fps("--fps", want->fps, &defaults->fps, err) < 0) ||
        (want->max_fps && mt_ladder_fps("--max-fps", want->max_fps, &defaults->max_fps, err) < 0))
        return -1;
    if (want->audio_bps != 0 && (want->audio_bps < 6000 || want->audio_bps > 2000000))
        return mt_fail(err, MT_ERR_USAGE, "--audio-bitrate takes 6k to 2M bits per second");
    return 0;
}

int mt_transcode_options_read(const struct mt_transcode_options *want, struct mt_transcode *spec,
                              struct mt_err *err)
{
    struct mt_rung_defaults defaults;
    int ret;

    if (defaults_of(want, &defaults, err) < 0)
        return -1;
    if (mt_sound_settings_parse(&spec->sound, want->loudness, want->channels, want->denoise, err) <
        0)
        return -1;
    spec->want = want;
    spec->sound.speech = want->speech;
    spec->remux = remux_of(want->remux);
    spec->subtitles = want->subtitles;
    if (mt_burn_in_parse(&spec->burn, want->burn_in, err) < 0)
        return -1;
    if (mt_texts_check(want->subtitles, err) < 0)
        return -1;
    ret = want->output_formats ? read_formats(&spec->ladder, want->output_formats, &defaults, err)
                               : mt_ladder_parse(&spec->ladder, want->quality, &defaults, err);
    return ret < 0 ? -1 : check_copies(spec, &spec->ladder, err);
}

const json_t *mt_transcode_asked(const struct mt_transcode *spec, const json_t *doc)
{
    const json_t *formats = json_object_get(doc, "output_formats");

    return spec->want->output_formats || json_is_null(formats) ? NULL : formats;
}

int mt_transcode_ladder(const struct mt_transcode *spec, const json_t *doc,
                        struct mt_ladder *ladder, struct mt_err *err)
{
    const json_t *formats = mt_transcode_asked(spec, doc);
    struct mt_rung_defaults defaults;

    *ladder = spec->ladder;
    if (!formats)
        return 0;
    if (defaults_of(spec->want, &defaults, err) == 0 &&
        mt_ladder_json(ladder, formats, &defaults, err) == 0 &&
        check_copies(spec, ladder, err) == 0)
        return 0;
    err->code = MT_ERR_BAD_DOCUMENT;
    return mt_fail_in(err, "what the document asks for");
}
