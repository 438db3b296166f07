/* SPDX-License-Identifier: GPL-2.0-or-later */
/* storyboard.c - sheets of tiles, and what describes them to players. */
#include "thumbs/internal.h"

#include "base/mem.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 10, ROWS = 10 };

struct work {
    const struct mt_thumbs *spec;
    struct mt_item *item;
    const struct mt_film *film;
    char recipe[9];
    json_t *entries;
    struct mt_batch *batch;
    json_t *sizes; /* of the sheets, bytes */
    json_t *board; /* the child's report */
};

json_t *mt_storyboard_parameters(const struct mt_thumbs *spec)
{
    return json_pack("{s:s, s:I, s:I, s:s, s:I}", "kind", "storyboard", "interval_us",
                     (json_int_t)spec->tile_every_us, "tile", (json_int_t)spec->tile_px, "format",
                     spec->sheets, "quality", (json_int_t)spec->quality);
}

/* In the jailed child. */
static int send_sheet(void *ctx, const struct mt_av_sheet *s, struct mt_err *err)
{
    json_t *line = json_pack("{s:{s:i, s:i, s:i, s:i}}", "sheet", "number", s->number, "width",
                             s->width, "height", s->height, "tiles", s->tiles);
    int ret = mt_worker_send(ctx, line, s->data, s->size, err);

    json_decref(line);
    return ret;
}

static int take(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct work *w = arg;
    const struct mt_thumbs *s = w->spec;
    struct mt_av_storyboard spec = {.interval_us = s->tile_every_us,
                                    .tile_px = (int)s->tile_px,
                                    .columns = COLUMNS,
                                    .rows = ROWS,
                                    .format = s->sheets[0] == 'w' ? MT_AV_WEBP : MT_AV_JPEG,
                                    .quality = (int)s->quality,
                                    .limits = mt_stage_limits(s->options),
                                    .progress = {mt_stage_tell, worker},
                                    .emit = send_sheet,
                                    .ctx = worker};
    json_t *report = w->film->storyboard(w->item->fd, &spec, err);

    if (!report)
        return -1;
    json_t *line = json_pack("{s:o}", "board", report);
    int ret = mt_worker_send(worker, line, NULL, 0, err);
    json_decref(line);
    return ret;
}

static int keep_sheet(struct work *w, const json_t *sheet, const void *data, size_t n,
                      struct mt_err *err)
{
    char below[32], resolution[32];

    if (!data)
        return mt_fail(err, MT_ERR_CRASHED, "a sheet of '%s' came without its bytes",
                       w->item->name);
    snprintf(below, sizeof below, "sheet-%d", (int)mt_json_int(sheet, "number", 0));
    snprintf(resolution, sizeof resolution, "%dx%d", (int)mt_json_int(sheet, "width", 0),
             (int)mt_json_int(sheet, "height", 0));
    struct mt_output output = {.name = "storyboard",
                               .below = below,
                               .recipe = w->recipe,
                               .ext = w->spec->sheets,
                               .type = "sprite"};
    json_t *entry =
        json_pack("{s:s, s:s, s:s, s:O, s:O}", "variant_type", "sprite", "format", w->spec->sheets,
                  "resolution", resolution, "number", json_object_get(sheet, "number"), "tiles",
                  json_object_get(sheet, "tiles"));
    json_array_append_new(w->sizes, json_integer((json_int_t)n));
    return mt_batch_add(w->batch, &output, entry, data, n, err);
}

static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;
    const json_t *sheet = json_object_get(line, "sheet");
    json_t *board = json_object_get(line, "board");

    if (sheet)
        return keep_sheet(w, sheet, data, n, err);
    if (board && !w->board)
        w->board = json_incref(board);
    return 0;
}

/* What the report of the child must have before playlists are written by it. */
static int check_board(struct work *w, struct mt_err *err)
{
    static const char *const counts[] = {"tile_width", "tile_height", "columns",
                                         "rows",       "interval_us", "duration_us"};
    size_t tiles = json_array_size(mt_json_at(w->board, "times_us"));
    json_t *sheets = mt_json_at(w->board, "sheets");
    bool good = tiles > 0 && tiles <= MT_AV_TILES_MAX && json_array_size(sheets) > 0 &&
                json_array_size(sheets) == json_array_size(w->sizes);

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        good = good && mt_json_int(w->board, counts[i], 0) > 0;
    if (!good)
        return mt_fail(err, MT_ERR_CRASHED, "the storyboard of '%s' is not complete",
                       w->item->name);
    for (size_t i = 0; i < json_array_size(sheets); i++)
        json_object_set(json_array_get(sheets, i), "size", json_array_get(w->sizes, i));
    json_object_set_new(w->board, "ext", json_string(w->spec->sheets));
    return 0;
}

/* Takes text. */
static int add_text(struct work *w, const char *below, const char *ext, char *text,
                    struct mt_err *err)
{
    struct mt_output output = {.name = "storyboard",
                               .below = below,
                               .recipe = w->recipe,
                               .ext = ext,
                               .type = "storyboard"};
    double interval = (double)mt_json_int(w->board, "interval_us", 0) / 1e6;
    double duration = (double)mt_json_int(w->board, "duration_us", 0) / 1e6;
    json_t *entry =
        json_pack("{s:s, s:s, s:s, s:o, s:O, s:O, s:o, s:I}", "variant_type", "storyboard",
                  "format", ext, "name", below, "duration", mt_json_real(duration, 3), "tile_width",
                  json_object_get(w->board, "tile_width"), "tile_height",
                  json_object_get(w->board, "tile_height"), "interval", mt_json_real(interval, 3),
                  "tiles", (json_int_t)json_array_size(mt_json_at(w->board, "times_us")));
    int ret = mt_batch_add(w->batch, &output, entry, text, strlen(text), err);

    free(text);
    return ret;
}

/* The WebVTT comes last: where it is, all the others are. */
static int describe(struct work *w, struct mt_err *err)
{
    const json_t *b = w->board;

    if (check_board(w, err) < 0 || add_text(w, "storyboard", "json", mt_board_json(b), err) < 0 ||
        add_text(w, "storyboard", "mpd", mt_board_dash(b), err) < 0)
        return -1;
    if (w->spec->sheets[0] == 'j' &&
        (add_text(w, "images", "m3u8", mt_board_hls_images(b), err) < 0 ||
         add_text(w, "iframes", "m3u8", mt_board_hls_iframes(b), err) < 0 ||
         add_text(w, "storyboard", "m3u8", mt_board_hls_master(b), err) < 0))
        return -1;
    return add_text(w, "storyboard", "vtt", mt_board_vtt(b), err);
}

static int make(struct work *w, struct mt_err *err)
{
    struct mt_item_work job = {
        .what = "taking tiles of", .run = take, .arg = w, .on_line = hear, .ctx = w};

    w->film = mt_item_film(w->item, err);
    if (!w->film)
        return -1;
    w->batch = mt_batch_new(w->item, w->entries);
    int ret = mt_item_run(w->item, &job, err);
    if (ret == 0)
        ret = describe(w, err);
    if (ret == 0)
        ret = mt_batch_publish(w->batch, err);
    mt_batch_free(&w->batch);
    if (ret == 0)
        mt_add_notes(w->item, mt_json_at(w->board, "notes"));
    return ret;
}

static bool is_complete(const json_t *entries)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(entries, i,
                       entry) if (strcmp(mt_json_str(entry, "format", ""), "vtt") == 0) return true;
    return false;
}

int mt_thumbs_storyboard(struct mt_item *item, const struct mt_thumbs *spec, bool *made,
                         struct mt_err *err)
{
    struct work w = {.spec = spec, .item = item, .sizes = json_array()};
    json_t *settings = mt_storyboard_parameters(spec);
    json_t *entry;
    size_t i;
    int ret = -1;

    mt_stage_recipe(settings, w.recipe);
    json_decref(settings);
    w.entries = mt_item_made_below(item, "storyboard/", w.recipe, err);
    if (!w.entries)
        goto out;
    if (!is_complete(w.entries)) {
        *made = true;
        json_array_clear(w.entries);
        if (make(&w, err) < 0)
            goto out;
    }
    json_array_foreach(w.entries, i, entry) mt_doc_add_variant(item->doc, json_incref(entry));
    ret = 0;
out:
    json_decref(w.board);
    json_decref(w.sizes);
    json_decref(w.entries);
    return ret;
}
