/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs.c - see thumbs.h. */
#include "thumbs/thumbs.h"

#include "av/thumbs.h"
#include "base/mem.h"
#include "base/text.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *also, *ext;
    enum mt_av_picture_format format;
} formats[] = {
    {"webp", "webp", "webp", MT_AV_WEBP},
    {"jpg", "jpeg", "jpg", MT_AV_JPEG},
    {"png", "png", "png", MT_AV_PNG},
};
enum { FORMATS = sizeof formats / sizeof *formats };

struct work {
    const struct mt_thumbs *spec;
    struct mt_item *item;
    char recipe[9];
    int64_t times_us[MT_THUMBS_MAX];
    int n_times;
    json_t *entries; /* of the document */
    struct mt_batch *batch;
    json_t *report;
};

json_t *mt_thumbs_parameters(const struct mt_thumbs *spec)
{
    return json_pack("{s:I, s:s?, s:I, s:I, s:s, s:I}", "count", (json_int_t)spec->count, "at",
                     spec->at, "width", (json_int_t)spec->width_px, "height",
                     (json_int_t)spec->height_px, "formats", spec->formats, "quality",
                     (json_int_t)spec->quality);
}

/* Reads the list of formats; the number read, or -1. */
static int read_formats(const char *text, enum mt_av_picture_format out[FORMATS],
                        struct mt_err *err)
{
    char *copy = mt_strdup(text);
    char *rest = copy;
    char *word;
    int n = 0;

    while (n >= 0 && (word = strsep(&rest, ","))) {
        int i = 0;
        while (i < FORMATS && strcmp(formats[i].name, word) != 0 &&
               strcmp(formats[i].also, word) != 0)
            i++;
        for (int k = 0; k < n && i < FORMATS; k++)
            if (out[k] == formats[i].format)
                i = FORMATS + 1;
        if (i < FORMATS)
            out[n++] = formats[i].format;
        else
            n = mt_fail(err, MT_ERR_USAGE,
                        i == FORMATS ? "--format does not know '%s'" : "--format names '%s' twice",
                        word);
    }
    free(copy);
    return n;
}

/* One of "30", "1:00", "50%". */
static int read_time(const char *word, int64_t duration_us, int64_t *us, struct mt_err *err)
{
    char *end;
    double percent = strtod(word, &end);

    if (end != word && strcmp(end, "%") == 0) {
        if (!(percent >= 0 && percent <= 100))
            return mt_fail(err, MT_ERR_USAGE, "--at takes 0%% to 100%%, not '%s'", word);
        *us = (int64_t)((double)duration_us * percent / 100);
        return 0;
    }
    return mt_parse_duration("--at", word, us, err);
}

static int read_times(const char *text, int64_t duration_us, int64_t times[MT_THUMBS_MAX],
                      struct mt_err *err)
{
    char *copy = mt_strdup(text);
    char *rest = copy;
    char *word;
    int n = 0;

    while (n >= 0 && (word = strsep(&rest, ",")))
        if (n == MT_THUMBS_MAX)
            n = mt_fail(err, MT_ERR_USAGE, "--at takes at most %d times", (int)MT_THUMBS_MAX);
        else
            n = read_time(word, duration_us, &times[n], err) < 0 ? -1 : n + 1;
    free(copy);
    return n;
}

int mt_thumbs_check(const struct mt_thumbs *spec, struct mt_err *err)
{
    enum mt_av_picture_format wanted[FORMATS];
    int64_t *times = mt_realloc(NULL, MT_THUMBS_MAX, sizeof *times);
    int ret = read_formats(spec->formats, wanted, err) < 0 ||
                      (spec->at && read_times(spec->at, 0, times, err) < 0)
                  ? -1
                  : 0;

    free(times);
    return ret;
}

/* In the jailed child: sends one picture. */
static int send_picture(void *ctx, const struct mt_av_picture *p, struct mt_err *err)
{
    json_t *line =
        json_pack("{s:{s:I, s:I, s:i, s:i, s:i, s:s?}}", "picture", "time_us",
                  (json_int_t)p->time_us, "wanted_us", (json_int_t)p->wanted_us, "width", p->width,
                  "height", p->height, "format", (int)p->format, "note", p->note);
    int ret = mt_worker_send(ctx, line, p->data, p->size, err);

    json_decref(line);
    return ret;
}

static int take(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct work *w = arg;
    struct mt_av_thumbs spec = {.count = (int)w->spec->count,
                                .times_us = w->spec->at ? w->times_us : NULL,
                                .n_times = w->n_times,
                                .width_px = (int)w->spec->width_px,
                                .height_px = (int)w->spec->height_px,
                                .quality = (int)w->spec->quality,
                                .limits = mt_stage_limits(w->spec->options),
                                .progress = {mt_stage_tell, worker},
                                .emit = send_picture,
                                .ctx = worker};

    spec.n_formats = read_formats(w->spec->formats, spec.formats, err);
    if (spec.n_formats < 0)
        return -1;
    json_t *report = mt_av_thumbs(w->item->fd, &spec, err);
    if (!report)
        return -1;
    json_t *line = json_pack("{s:o}", "report", report);
    int ret = mt_worker_send(worker, line, NULL, 0, err);
    json_decref(line);
    return ret;
}

/* "30s", "30.52s": seconds as in the specification's names, exact to the hundredth. */
static void name_of(int64_t time_us, char name[48])
{
    long long hundredths = (time_us + 5000) / 10000;

    if (hundredths % 100 == 0)
        snprintf(name, 48, "thumbs/%llds", hundredths / 100);
    else
        snprintf(name, 48, "thumbs/%lld.%02llds", hundredths / 100, hundredths % 100);
}

static int keep(struct work *w, const json_t *picture, const void *data, size_t n,
                struct mt_err *err)
{
    int64_t format = mt_json_int(picture, "format", -1);
    int64_t time_us = mt_json_int(picture, "time_us", 0);
    const char *note = mt_json_str(picture, "note", NULL);
    char name[48];

    if (!data || format < 0 || format >= FORMATS || time_us < 0)
        return mt_fail(err, MT_ERR_CRASHED, "a picture of '%s' came without its bytes",
                       w->item->name);
    name_of(time_us, name);
    struct mt_output output = {
        .name = name, .recipe = w->recipe, .ext = formats[format].ext, .type = "thumbnail"};
    json_t *entry = json_pack("{s:s, s:o, s:O, s:O, s:s}", "variant_type", "thumbnail", "timestamp",
                              mt_json_real((double)time_us / 1e6, 3), "width",
                              json_object_get(picture, "width"), "height",
                              json_object_get(picture, "height"), "format", formats[format].ext);
    if (note)
        json_object_set_new(entry, "note", json_string(note));
    return mt_batch_add(w->batch, &output, entry, data, n, err);
}

static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;
    const json_t *picture = json_object_get(line, "picture");
    json_t *report = json_object_get(line, "report");

    if (picture)
        return keep(w, picture, data, n, err);
    if (report && !w->report)
        w->report = json_incref(report);
    return 0;
}

/* The document's list: in order of time, the same picture's formats side by side. */
static void fill_document(struct work *w)
{
    json_t *sorted = json_array();
    json_t *entry;
    size_t i;

    json_array_foreach(w->entries, i, entry) mt_doc_insert_thumbnail(sorted, json_incref(entry));
    json_object_set_new(w->item->doc, "thumbnails", sorted);
}

static int make(struct work *w, struct mt_err *err)
{
    struct mt_item_work job = {
        .what = "taking pictures of", .run = take, .arg = w, .on_line = hear, .ctx = w};

    w->batch = mt_batch_new(w->item, w->entries);
    int ret = mt_item_run(w->item, &job, err);
    if (ret == 0)
        ret = mt_batch_publish(w->batch, err);
    mt_batch_free(&w->batch);
    if (ret < 0)
        return -1;
    if (json_array_size(w->entries) == 0)
        return mt_fail(err, MT_ERR_DAMAGED, "no picture of '%s' could be decoded", w->item->name);
    json_t *marked = mt_json_at(w->report, "representative");
    if (marked)
        json_object_set(w->item->report, "representative", marked);
    if (json_array_size(mt_json_at(w->report, "notes")) > 0)
        json_object_set(w->item->report, "notes", mt_json_at(w->report, "notes"));
    return 0;
}

int mt_thumbs_work(struct mt_item *item, void *ctx, struct mt_err *err)
{
    const struct mt_thumbs *spec = ctx;
    struct work w = {.spec = spec, .item = item};
    json_t *settings = mt_thumbs_parameters(spec);
    int ret = -1;

    mt_stage_recipe(settings, w.recipe);
    json_decref(settings);
    if (strcmp(mt_json_str(item->doc, "asset.content_type", "video"), "audio") == 0 &&
        !mt_json_bool(item->doc, "asset.metadata.embedded.cover_art", false))
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no picture in an audio file");
    if (spec->at) {
        w.n_times = read_times(spec->at, item->duration_us, w.times_us, err);
        if (w.n_times < 0)
            return -1;
    }
    w.entries = mt_item_made_below(item, "thumbs/", w.recipe, err);
    if (!w.entries)
        return -1;
    if (json_array_size(w.entries) > 0)
        item->status = "skipped";
    else if (make(&w, err) < 0)
        goto out;
    fill_document(&w);
    ret = 0;
out:
    json_decref(w.report);
    json_decref(w.entries);
    return ret;
}
