/* SPDX-License-Identifier: GPL-2.0-or-later */
/* waveform.c - the sound of one input, to be seen. */
#include "thumbs/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mt_thumbs_waveforms[] = {"json", "png", "svg", NULL};

struct work {
    struct mt_item *item;
    const struct mt_film *film;
    const struct mt_thumbs *spec;
    struct mt_av_waveform wave;
    char recipe[9];
    json_t *entries, *report;
    struct mt_batch *batch;
};

json_t *mt_waveform_parameters(const struct mt_thumbs *spec)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:b}", "formats", spec->waveform, "size",
                     spec->wave_size, "colors", spec->wave_colors, "points",
                     (json_int_t)spec->wave_points, "split", spec->wave_split);
}

static int read_formats(const char *text, bool out[MT_AV_WAVE_FORMATS], struct mt_err *err)
{
    char *copy = mt_strdup(text), *rest = copy, *word;
    int ret = 0;

    while (ret == 0 && (word = strsep(&rest, ","))) {
        int i = 0;
        while (i < MT_AV_WAVE_FORMATS && strcmp(mt_thumbs_waveforms[i], word) != 0)
            i++;
        if (i == MT_AV_WAVE_FORMATS) {
            mt_fail(err, MT_ERR_USAGE, "--waveform does not know '%s'", word);
            ret = mt_hint_nearest(err, word, mt_thumbs_waveforms, NULL);
        } else {
            out[i] = true;
        }
    }
    free(copy);
    return ret;
}

/* "2563eb" or "#2563eb"; *none instead of a colour where that may be. */
static int read_colour(const char *text, size_t n, int64_t *out, bool may_be_none,
                       struct mt_err *err)
{
    char *word = mt_strndup(text, n), *end;
    const char *digits = word + (*word == '#');
    unsigned long v = strtoul(digits, &end, 16);
    int ret = 0;

    if (may_be_none && strcmp(word, "none") == 0) {
        *out = -1;
    } else if (strlen(digits) != 6 || *end || strspn(digits, "0123456789abcdefABCDEF") != 6) {
        mt_fail(err, MT_ERR_USAGE, "--waveform-colors takes rrggbb, not '%s'", word);
        ret = mt_hint(err, "write 2563eb,ffffff, or 2563eb,none for no background");
    } else {
        *out = (int64_t)v;
    }
    free(word);
    return ret;
}

static int read_colours(const char *text, struct mt_av_waveform *wave, struct mt_err *err)
{
    size_t n = strcspn(text, ",");
    int64_t colour = 0;

    if (read_colour(text, n, &colour, false, err) < 0)
        return -1;
    wave->colour = (uint32_t)colour;
    wave->background = -1;
    return text[n] ? read_colour(text + n + 1, strlen(text + n + 1), &wave->background, true, err)
                   : 0;
}

int mt_read_waveform(const struct mt_thumbs *spec, struct mt_av_waveform *wave, struct mt_err *err)
{
    char after;

    *wave = (struct mt_av_waveform){.split = spec->wave_split, .points = (int)spec->wave_points};
    if (sscanf(spec->wave_size, "%5dx%5d%c", &wave->width, &wave->height, &after) != 2 ||
        wave->width < 16 || wave->width > 16384 || wave->height < 16 || wave->height > 4096) {
        mt_fail(err, MT_ERR_USAGE, "--waveform-size takes 16x16 to 16384x4096, not '%s'",
                spec->wave_size);
        return mt_hint(err, "write 1800x280");
    }
    return read_formats(spec->waveform, wave->formats, err) < 0
               ? -1
               : read_colours(spec->wave_colors, wave, err);
}

/* In the jailed child. */
static int send_wave(void *ctx, const struct mt_av_wave *wave, struct mt_err *err)
{
    json_t *line = json_pack("{s:{s:i, s:i, s:i}}", "wave", "format", (int)wave->format, "width",
                             wave->width, "height", wave->height);
    int ret = mt_worker_send(ctx, line, wave->data, wave->size, err);

    json_decref(line);
    return ret;
}

static int take(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct work *w = arg;

    w->wave.limits = mt_stage_limits(w->spec->options);
    w->wave.progress = (struct mt_av_progress){mt_stage_tell, worker};
    w->wave.emit = send_wave;
    w->wave.ctx = worker;
    json_t *report = w->film->waveform(w->item->fd, &w->wave, err);
    if (!report)
        return -1;
    json_t *line = json_pack("{s:o}", "report", report);
    int ret = mt_worker_send(worker, line, NULL, 0, err);
    json_decref(line);
    return ret;
}

static int keep(struct work *w, const json_t *wave, const void *data, size_t n, struct mt_err *err)
{
    int64_t format = mt_json_int(wave, "format", -1);
    char resolution[32];

    if (!data || format < 0 || format >= MT_AV_WAVE_FORMATS)
        return mt_fail(err, MT_ERR_CRASHED, "a waveform of '%s' came without its bytes",
                       w->item->name);
    const char *ext = mt_thumbs_waveforms[format];
    struct mt_output output = {
        .name = "waveform", .recipe = w->recipe, .ext = ext, .type = "waveform"};
    json_t *entry = json_pack("{s:s, s:s}", "variant_type", "waveform", "format", ext);
    snprintf(resolution, sizeof resolution, "%dx%d", (int)mt_json_int(wave, "width", 0),
             (int)mt_json_int(wave, "height", 0));
    if (format != MT_AV_WAVE_JSON)
        json_object_set_new(entry, "resolution", json_string(resolution));
    return mt_batch_add(w->batch, &output, entry, data, n, err);
}

static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;
    const json_t *wave = json_object_get(line, "wave");

    if (wave)
        return keep(w, wave, data, n, err);
    if (!w->report)
        w->report = json_incref(json_object_get(line, "report"));
    return 0;
}

static int make(struct work *w, struct mt_err *err)
{
    struct mt_item_work job = {
        .what = "drawing the sound of", .run = take, .arg = w, .on_line = hear, .ctx = w};

    w->film = mt_item_film(w->item, err);
    if (!w->film)
        return -1;
    w->batch = mt_batch_new(w->item, w->entries);
    int ret = mt_item_run(w->item, &job, err);
    if (ret == 0)
        ret = mt_batch_publish(w->batch, err);
    mt_batch_free(&w->batch);
    if (ret < 0)
        return -1;
    mt_add_notes(w->item, mt_json_at(w->report, "notes"));
    if (mt_json_int(w->report, "errors", 0) > 0)
        w->item->status = "degraded";
    return 0;
}

int mt_thumbs_waveform(struct mt_item *item, const struct mt_thumbs *spec, bool *made,
                       struct mt_err *err)
{
    struct work w = {.item = item, .spec = spec};
    json_t *settings = mt_waveform_parameters(spec);
    size_t wanted = 0, i;
    json_t *entry;
    int ret = mt_read_waveform(spec, &w.wave, err);

    mt_stage_recipe(settings, w.recipe);
    json_decref(settings);
    for (int k = 0; k < MT_AV_WAVE_FORMATS; k++)
        wanted += w.wave.formats[k];
    if (ret == 0)
        w.entries = mt_item_made_below(item, "waveform", w.recipe, err);
    if (!w.entries)
        return -1;
    if (json_array_size(w.entries) != wanted) {
        json_array_clear(w.entries);
        *made = true;
        ret = make(&w, err);
    }
    json_array_foreach(w.entries, i, entry) mt_doc_add_variant(item->doc, json_incref(entry));
    json_decref(w.report);
    json_decref(w.entries);
    return ret;
}
