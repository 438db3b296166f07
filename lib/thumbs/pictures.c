/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pictures.c - the thumbnails of one input. */
#include "thumbs/internal.h"

#include "base/mem.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
    const struct mt_thumbs *spec;
    struct mt_item *item;
    const struct mt_film *film;
    char recipe[9];
    int64_t *times_us;
    int n_times, n_boxes;
    json_t *entries; /* of the document, as they are published */
    json_t *names;   /* of all that were added, in the same order: name and number */
    json_t *added;   /* their entries */
    struct mt_batch *batch;
    json_t *report;
};

bool mt_wants_pictures(const struct mt_thumbs *spec)
{
    return spec->count > 0 || spec->at || spec->every_us || spec->scenes;
}

json_t *mt_pictures_parameters(const struct mt_thumbs *spec)
{
    json_t *p = json_object();

    if (spec->scenes)
        json_object_set_new(p, "scenes", json_true());
    else if (spec->every_us)
        json_object_set_new(p, "every_us", json_integer(spec->every_us));
    else if (spec->at)
        json_object_set_new(p, "at", json_string(spec->at));
    else
        json_object_set_new(p, "count", json_integer(spec->count));
    if (spec->sizes) {
        json_object_set_new(p, "sizes", json_string(spec->sizes));
    } else {
        json_object_set_new(p, "width", json_integer(spec->width_px));
        json_object_set_new(p, "height", json_integer(spec->height_px));
    }
    json_object_set_new(p, "fit", json_string(spec->fit));
    json_object_set_new(p, "cover", json_string(spec->cover));
    json_object_set_new(p, "formats", json_string(spec->formats));
    json_object_set_new(p, "quality", json_integer(spec->quality));
    if (strcmp(spec->gravity, "center") != 0)
        json_object_set_new(p, "gravity", json_string(spec->gravity));
    if (strcmp(spec->strip, "private") != 0)
        json_object_set_new(p, "strip", json_string(spec->strip));
    if (spec->optimise)
        json_object_set_new(p, "optimise", json_true());
    if (spec->still)
        json_object_set_new(p, "still", json_true());
    return p;
}

/* In the jailed child: sends one picture. */
static int send_picture(void *ctx, const struct mt_av_picture *p, struct mt_err *err)
{
    json_t *line =
        json_pack("{s:{s:I, s:i, s:i, s:i, s:i, s:b, s:s?}}", "picture", "time_us",
                  (json_int_t)p->time_us, "number", p->number, "width", p->width, "height",
                  p->height, "format", (int)p->format, "cover", p->cover, "note", p->note);
    int ret = mt_worker_send(ctx, line, p->data, p->size, err);

    json_decref(line);
    return ret;
}

static int take(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct work *w = arg;
    const struct mt_thumbs *s = w->spec;
    struct mt_av_thumbs spec = {.count = (int)s->count,
                                .times_us = w->times_us,
                                .n_times = w->n_times,
                                .every_us = s->every_us,
                                .scenes = s->scenes,
                                .most = MT_THUMBS_MAX,
                                .cover_first = strcmp(s->cover, "first") == 0,
                                .fit = mt_read_fit(s->fit),
                                .quality = (int)s->quality,
                                .limits = mt_stage_limits(s->options),
                                .progress = {mt_stage_tell, worker},
                                .emit = send_picture,
                                .ctx = worker};

    spec.n_formats = mt_read_formats(s->formats, w->film, spec.formats, err);
    spec.n_boxes = mt_read_boxes(s, spec.boxes, err);
    if (spec.n_formats < 0 || spec.n_boxes < 0)
        return -1;
    json_t *report = w->film->thumbs(w->item->fd, &spec, err);
    if (!report)
        return -1;
    json_t *line = json_pack("{s:o}", "report", report);
    int ret = mt_worker_send(worker, line, NULL, 0, err);
    json_decref(line);
    return ret;
}

/*
 * "30s", "30.52s": seconds as in the specification's names, exact to the hundredth; with
 * "-320x180" where there are several sizes.
 */
static char *name_of(const struct work *w, const json_t *picture)
{
    long long hundredths = (mt_json_int(picture, "time_us", 0) + 5000) / 10000;
    char time[32] = "cover";
    char size[32] = "";

    if (!mt_json_bool(picture, "cover", false))
        snprintf(time, sizeof time, hundredths % 100 ? "%lld.%02llds" : "%llds", hundredths / 100,
                 hundredths % 100);
    if (w->n_boxes > 1)
        snprintf(size, sizeof size, "-%dx%d", (int)mt_json_int(picture, "width", 0),
                 (int)mt_json_int(picture, "height", 0));
    return mt_asprintf("thumbs/%s%s", time, size);
}

static json_t *entry_of(const json_t *picture, const char *format)
{
    const char *note = mt_json_str(picture, "note", NULL);
    double time = (double)mt_json_int(picture, "time_us", 0) / 1e6;
    json_t *entry = json_pack("{s:s, s:o, s:O, s:O, s:s}", "variant_type", "thumbnail", "timestamp",
                              mt_json_real(time, 3), "width", json_object_get(picture, "width"),
                              "height", json_object_get(picture, "height"), "format", format);

    if (note)
        json_object_set_new(entry, "note", json_string(note));
    if (mt_json_bool(picture, "cover", false))
        json_object_set_new(entry, "cover", json_true());
    return entry;
}

static int keep(struct work *w, const json_t *picture, const void *data, size_t n,
                struct mt_err *err)
{
    int64_t format = mt_json_int(picture, "format", -1);

    if (!data || format < 0 || format >= MT_AV_PICTURE_FORMATS ||
        mt_json_int(picture, "time_us", -1) < 0)
        return mt_fail(err, MT_ERR_CRASHED, "a picture of '%s' came without its bytes",
                       w->item->name);
    const char *ext = mt_picture_ext((enum mt_av_picture_format)format);
    char *name = name_of(w, picture);
    struct mt_output output = {.name = name, .recipe = w->recipe, .ext = ext, .type = "thumbnail"};
    json_t *entry = entry_of(picture, ext);
    json_array_append_new(w->names, json_pack("{s:s, s:O}", "name", name, "number",
                                              json_object_get(picture, "number")));
    json_array_append(w->added, entry);
    int ret = mt_batch_add(w->batch, &output, entry, data, n, err);
    free(name);
    return ret;
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

/* Adds a member to the i-th picture's entry, wherever that has got to. */
static int add_member(struct work *w, size_t i, const char *member, json_t *value,
                      struct mt_err *err)
{
    const json_t *name = json_array_get(w->names, i);
    json_t *entry = json_array_get(w->added, i);
    struct mt_output output = {.name = mt_json_str(name, "name", ""),
                               .recipe = w->recipe,
                               .ext = mt_json_str(entry, "format", "")};

    json_object_set_new(entry, member, value);
    return i < json_array_size(w->entries) ? mt_item_amend(w->item, &output, entry, err) : 0;
}

/*
 * Marks the most telling picture, in all its sizes and formats; the last one of
 * the set says how many there are, so that a part of a set is known for one.
 */
static int mark(struct work *w, struct mt_err *err)
{
    int64_t number = mt_json_int(w->report, "representative", -1);
    size_t n = json_array_size(w->names);
    int ret = 0;

    for (size_t i = 0; i < n && ret == 0; i++)
        if (mt_json_int(json_array_get(w->names, i), "number", -2) == number)
            ret = add_member(w, i, "representative", json_true(), err);
    if (ret == 0 && n > 0)
        ret = add_member(w, n - 1, "set_size", json_integer((json_int_t)n), err);
    return ret;
}

/* Whether the pictures that were made before are all of their set. */
static bool is_whole(const json_t *entries)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(entries, i, entry)
    {
        if (mt_json_int(entry, "set_size", -1) == (int64_t)json_array_size(entries))
            return true;
    }
    return false;
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
    bool slow = strstr(w->spec->formats, "avif") || strstr(w->spec->formats, "jxl");
    struct mt_item_work job = {.what = "taking pictures of",
                               .encode = slow,
                               .run = take,
                               .arg = w,
                               .on_line = hear,
                               .ctx = w};

    w->batch = mt_batch_new(w->item, w->entries);
    int ret = mt_item_run(w->item, &job, err);
    if (ret == 0)
        ret = mark(w, err);
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
    mt_add_notes(w->item, mt_json_at(w->report, "notes"));
    return 0;
}

static int prepare(struct work *w, struct mt_err *err)
{
    enum mt_av_picture_format wanted[MT_AV_PICTURE_FORMATS];
    struct mt_av_box boxes[MT_AV_BOXES_MAX];
    json_t *settings = mt_pictures_parameters(w->spec);

    mt_stage_recipe(settings, w->recipe);
    json_decref(settings);
    w->film = mt_item_film(w->item, err);
    if (!w->film)
        return -1;
    w->n_boxes = mt_read_boxes(w->spec, boxes, err);
    if (w->n_boxes < 0 || mt_read_formats(w->spec->formats, w->film, wanted, err) < 0)
        return -1;
    if (w->spec->at) {
        w->times_us = mt_realloc(NULL, MT_THUMBS_MAX, sizeof *w->times_us);
        w->n_times = mt_read_times(w->spec->at, w->item->duration_us, w->times_us, err);
        if (w->n_times < 0)
            return -1;
    }
    w->entries = mt_item_made_below(w->item, "thumbs/", w->recipe, err);
    if (w->entries && !is_whole(w->entries))
        json_array_clear(w->entries);
    return w->entries ? 0 : -1;
}

int mt_thumbs_pictures(struct mt_item *item, const struct mt_thumbs *spec, bool *made,
                       struct mt_err *err)
{
    struct work w = {.spec = spec, .item = item, .names = json_array(), .added = json_array()};
    int ret = prepare(&w, err);

    if (ret == 0 && json_array_size(w.entries) == 0) {
        *made = true;
        ret = make(&w, err);
    }
    if (ret == 0)
        fill_document(&w);
    json_decref(w.report);
    json_decref(w.entries);
    json_decref(w.added);
    json_decref(w.names);
    free(w.times_us);
    return ret;
}
