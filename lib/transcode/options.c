/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options.c - see options.h. */
#include "transcode/options.h"

#include "base/mem.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    char *text = read_text(path, err);
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

int mt_transcode_options_read(const struct mt_transcode_options *want, struct mt_ladder *ladder,
                              struct mt_sound_settings *sound, struct mt_err *err)
{
    struct mt_rung_defaults defaults = {.format = want->format,
                                        .video_codec = want->codec,
                                        .audio_codec = want->audio_codec,
                                        .bitrate = want->bitrate,
                                        .crf = -1,
                                        .audio_bps = want->audio_bps};

    if (want->audio_bps != 0 && (want->audio_bps < 6000 || want->audio_bps > 2000000))
        return mt_fail(err, MT_ERR_USAGE, "--audio-bitrate takes 6k to 2M bits per second");
    if (mt_sound_settings_parse(sound, want->loudness, want->channels, want->denoise, err) < 0)
        return -1;
    sound->speech = want->speech;
    if (want->output_formats)
        return read_formats(ladder, want->output_formats, &defaults, err);
    return mt_ladder_parse(ladder, want->quality, &defaults, err);
}
