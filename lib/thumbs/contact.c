/* SPDX-License-Identifier: GPL-2.0-or-later */
/* contact.c - the contact sheet of one input. */
#include "thumbs/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
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
    int columns, rows;
    struct mt_av_texts *texts;
    json_t *entries;
    struct mt_batch *batch;
    json_t *report;
};

int mt_read_grid(const char *text, int *columns, int *rows, struct mt_err *err)
{
    char *copy = mt_strdup(text);
    char *x = strchr(copy, 'x');
    int64_t c = 0, r = 0;
    int ret = -1;

    if (x)
        *x = '\0';
    if (!x)
        mt_fail(err, MT_ERR_USAGE, "--contact-sheet takes columns and rows, 4x5, not '%s'", text);
    else if (mt_parse_int("--contact-sheet", copy, 1, 20, &c, err) == 0 &&
             mt_parse_int("--contact-sheet", x + 1, 1, 50, &r, err) == 0)
        ret = 0;
    free(copy);
    *columns = (int)c;
    *rows = (int)r;
    return ret;
}

json_t *mt_contact_parameters(const struct mt_thumbs *spec)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:I}", "kind", "contact", "grid", spec->contact, "tile",
                     (json_int_t)spec->tile_px, "format", spec->sheets, "quality",
                     (json_int_t)spec->quality);
}

/* In the jailed child. */
static int send_page(void *ctx, const struct mt_av_sheet *s, struct mt_err *err)
{
    json_t *line = json_pack("{s:{s:i, s:i}}", "page", "width", s->width, "height", s->height);
    int ret = mt_worker_send(ctx, line, s->data, s->size, err);

    json_decref(line);
    return ret;
}

static int take(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct work *w = arg;
    struct mt_av_contact spec = {.columns = w->columns,
                                 .rows = w->rows,
                                 .tile_px = (int)w->spec->tile_px,
                                 .texts = w->texts,
                                 .format = w->spec->sheets[0] == 'w' ? MT_AV_WEBP : MT_AV_JPEG,
                                 .quality = (int)w->spec->quality,
                                 .limits = mt_stage_limits(w->spec->options),
                                 .progress = {mt_stage_tell, worker},
                                 .emit = send_page,
                                 .ctx = worker};
    json_t *report = w->film->contact(w->item->fd, &spec, err);

    if (!report)
        return -1;
    json_t *line = json_pack("{s:o}", "report", report);
    int ret = mt_worker_send(worker, line, NULL, 0, err);
    json_decref(line);
    return ret;
}

static int keep(struct work *w, const json_t *page, const void *data, size_t n, struct mt_err *err)
{
    struct mt_output output = {
        .name = "contact", .recipe = w->recipe, .ext = w->spec->sheets, .type = "sprite"};
    char resolution[32];

    if (!data)
        return mt_fail(err, MT_ERR_CRASHED, "the contact sheet of '%s' came without its bytes",
                       w->item->name);
    snprintf(resolution, sizeof resolution, "%dx%d", (int)mt_json_int(page, "width", 0),
             (int)mt_json_int(page, "height", 0));
    json_t *entry = json_pack("{s:s, s:s, s:s, s:s}", "variant_type", "sprite", "quality",
                              "contact", "format", w->spec->sheets, "resolution", resolution);
    output.quality = "contact";
    return mt_batch_add(w->batch, &output, entry, data, n, err);
}

static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;
    const json_t *page = json_object_get(line, "page");
    json_t *report = json_object_get(line, "report");

    if (page)
        return keep(w, page, data, n, err);
    if (report && !w->report)
        w->report = json_incref(report);
    return 0;
}

/* What there is to say of the film in figures. free() it. */
static char *figures_of(const struct mt_item *item)
{
    const json_t *video = NULL, *stream;
    char length[MT_FIGURE], size[MT_FIGURE], picture[48] = "";
    size_t i;

    json_array_foreach(mt_json_at(item->doc, "asset.metadata.streams"), i, stream)
    {
        if (!video && strcmp(mt_json_str(stream, "type", ""), "video") == 0)
            video = stream;
    }
    if (video)
        snprintf(picture, sizeof picture, "%dx%d   ", (int)mt_json_int(video, "display_width", 0),
                 (int)mt_json_int(video, "display_height", 0));
    return mt_asprintf("%s%s   %s", picture, mt_show_duration(item->duration_us, length),
                       mt_show_bytes(mt_json_int(item->doc, "asset.file_size", 0), size));
}

static void load_texts(struct work *w)
{
    char *name = mt_text_printable(w->item->name, 400);
    char *figures = figures_of(w->item);
    const char *const lines[MT_AV_TEXT_LINES] = {name, figures};
    struct mt_err why;

    if (w->film->texts_open(&w->texts, lines, &why) < 0) {
        json_t *note = json_pack("[s+]", "the contact sheet has no text: ", why.msg);
        mt_add_notes(w->item, note);
        json_decref(note);
        mt_log_err(MT_LOG_WARN, &why);
    }
    free(figures);
    free(name);
}

static int make(struct work *w, struct mt_err *err)
{
    struct mt_item_work job = {
        .what = "taking pictures of", .run = take, .arg = w, .on_line = hear, .ctx = w};

    w->film = mt_item_film(w->item, err);
    if (!w->film)
        return -1;
    load_texts(w);
    w->batch = mt_batch_new(w->item, w->entries);
    int ret = mt_item_run(w->item, &job, err);
    if (ret == 0)
        ret = mt_batch_publish(w->batch, err);
    mt_batch_free(&w->batch);
    if (ret == 0)
        mt_add_notes(w->item, mt_json_at(w->report, "notes"));
    return ret;
}

int mt_thumbs_contact(struct mt_item *item, const struct mt_thumbs *spec, bool *made,
                      struct mt_err *err)
{
    struct work w = {.spec = spec, .item = item};
    json_t *settings = mt_contact_parameters(spec);
    json_t *entry;
    size_t i;
    int ret = mt_read_grid(spec->contact, &w.columns, &w.rows, err);

    mt_stage_recipe(settings, w.recipe);
    json_decref(settings);
    if (ret == 0)
        w.entries = mt_item_made_below(item, "contact", w.recipe, err);
    if (!w.entries)
        return -1;
    if (json_array_size(w.entries) == 0) {
        *made = true;
        ret = make(&w, err);
    }
    json_array_foreach(w.entries, i, entry) mt_doc_add_variant(item->doc, json_incref(entry));
    if (w.texts)
        w.film->texts_close(&w.texts);
    json_decref(w.report);
    json_decref(w.entries);
    return ret;
}
