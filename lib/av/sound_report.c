/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sound_report.c - how loud it is to be, and what was made. */
#include "av/sound_session.h"

#include "json/json.h"

#include <math.h>
#include <unistd.h>

/* How much of the overshoot of a codec is met by less gain, beyond the overshoot itself, dB. */
static const double MARGIN = 0.1;

static double figure(const json_t *loudness, const char *name)
{
    const json_t *value = json_object_get(loudness, name);

    return json_is_number(value) ? json_number_value(value) : -INFINITY;
}

void mt_sound_gain(struct mt_sound_chain *chain)
{
    double lufs = figure(chain->heard, "integrated_lufs");
    double peak = figure(chain->heard, "true_peak_dbtp");

    chain->gain_db = chain->missed_lu = 0;
    if (!isfinite(lufs) || !isfinite(peak))
        return;
    chain->gain_db = fmin(chain->tone.loudness_lufs - lufs, chain->tone.ceiling_dbtp - peak);
    chain->missed_lu = chain->tone.loudness_lufs - lufs - chain->gain_db;
    if (chain->missed_lu < 0.005)
        chain->missed_lu = 0;
}

bool mt_sound_too_loud(struct mt_sound_session *s)
{
    bool again = false;

    for (int c = 0; c < s->n_chains; c++) {
        double over = 0;

        for (int i = 0; i < s->spec->n; i++)
            if (s->voices[i].chain == c && s->voices[i].found.loudness)
                over = fmax(over, figure(s->voices[i].found.loudness, "true_peak_dbtp") -
                                      s->chains[c].tone.ceiling_dbtp);
        if (over <= 0.01)
            continue;
        s->chains[c].gain_db -= over + MARGIN;
        s->chains[c].missed_lu = s->chains[c].tone.loudness_lufs -
                                 figure(s->chains[c].heard, "integrated_lufs") -
                                 s->chains[c].gain_db;
        for (int i = 0; i < s->spec->n; i++)
            if (s->voices[i].chain == c)
                s->voices[i].done = false;
        again = true;
    }
    return again;
}

/* ---- the report ---- */

/* Figures for the whole; the course over time belongs to an analysis. */
static json_t *figures_of(json_t *loudness)
{
    json_object_del(loudness, "over_time");
    return loudness;
}

static json_t *loudness_report(const struct mt_sound_session *s, const struct mt_sound_voice *v)
{
    const struct mt_sound_chain *chain = &s->chains[v->chain];

    if (!chain->heard || !v->found.loudness)
        return json_null();
    return json_pack("{s:f, s:o, s:o, s:O, s:O}", "target_lufs", chain->tone.loudness_lufs,
                     "gain_db", mt_json_real(chain->gain_db, 2), "missed_lu",
                     mt_json_real(chain->missed_lu, 2), "source", figures_of(chain->heard),
                     "result", figures_of(v->found.loudness));
}

static json_t *voice_report(const struct mt_sound_session *s, const struct mt_sound_voice *v)
{
    const struct mt_sound_chain *chain = &s->chains[v->chain];
    double length = v->rate > 0 ? (double)v->samples / v->rate : 0;
    char layout[128] = "";
    json_t *o;

    av_channel_layout_describe(&chain->out_layout, layout, sizeof layout);
    o = json_pack("{s:i, s:s, s:s, s:i, s:s, s:i, s:I, s:o, s:I, s:I, s:o, s:o}", "stream",
                  chain->tone.stream, "codec", v->spec->codec, "format", v->spec->format,
                  "channels", chain->tone.channels, "layout", layout, "sample_rate_hz", v->rate,
                  "samples", (json_int_t)v->samples, "duration", mt_json_real(length, 6),
                  "size_bytes", (json_int_t)lseek(v->spec->fd, 0, SEEK_END), "bit_rate_bps",
                  (json_int_t)(length > 0 ? (double)v->bytes * 8 / length : 0), "silence_s",
                  mt_json_real((double)v->silence / AV_TIME_BASE, 3), "loudness",
                  loudness_report(s, v));
    if (mt_sound_codec_find(v->spec->codec)->lossless)
        json_object_set_new(
            o, "bits", json_integer(av_get_bytes_per_sample(chain->tone.format) == 4 ? 24 : 16));
    return o;
}

json_t *mt_sound_report(struct mt_sound_session *s)
{
    json_t *voices = json_array(), *lines = NULL;
    int64_t logged = mt_av_log_take(&lines);

    if (!lines)
        lines = json_array();
    json_array_extend(lines, s->notes);
    for (int i = 0; i < s->spec->n; i++)
        json_array_append_new(voices, voice_report(s, &s->voices[i]));
    return json_pack("{s:o, s:{s:I, s:o, s:I}}", "voices", voices, "source", "errors",
                     (json_int_t)FFMAX(s->errors, logged), "messages", lines, "samples",
                     (json_int_t)s->samples);
}
