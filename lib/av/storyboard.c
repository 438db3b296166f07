/* SPDX-License-Identifier: GPL-2.0-or-later */
/* storyboard.c - a film as many small pictures on a few sheets. */
#include "av/storyboard.h"

#include "av/storyboard_tiles.h"
#include "av/thumbs_encode.h"

#include <stdio.h>

struct board {
    const struct mt_av_storyboard *spec;
    struct mt_tiles tiles;
    int columns, rows; /* of a full sheet */
    int missing;
    json_t *sheets;
};

static int check_spec(const struct mt_av_storyboard *s, struct mt_err *err)
{
    if (s->tile_px < 16 || s->tile_px > MT_AV_SHEET_SIDE)
        return mt_fail(err, MT_ERR_USAGE, "a tile has %d pixels a side, not 16 to %d", s->tile_px,
                       (int)MT_AV_SHEET_SIDE);
    if (s->columns < 1 || s->rows < 1 || s->interval_us < 0 || s->quality < 1 || s->quality > 100)
        return mt_fail(err, MT_ERR_USAGE, "a storyboard without columns, rows or quality");
    return 0;
}

static void lay_out(struct board *b)
{
    const struct mt_av_storyboard *s = b->spec;
    int columns = MT_AV_SHEET_SIDE / b->tiles.width, rows = MT_AV_SHEET_SIDE / b->tiles.height;

    b->columns = columns < s->columns ? columns : s->columns;
    b->rows = rows < s->rows ? rows : s->rows;
}

/* Where nothing decodes the tile before is shown once more, or the next at the beginning. */
static void fill_holes(struct board *b)
{
    struct mt_tiles *t = &b->tiles;

    for (int i = 0; i < t->n; i++) {
        int from = i;

        if (t->frames[i])
            continue;
        if (i > 0)
            from = i - 1;
        while (from < t->n && !t->frames[from])
            from++;
        b->missing++;
        if (from < t->n) {
            t->frames[i] = av_frame_clone(t->frames[from]);
            t->times_us[i] = t->times_us[from];
        }
    }
}

/* Players take all sheets to be of the first one's size: the last of several is not cut. */
static AVFrame *compose(const struct board *b, int first, int n)
{
    const struct mt_tiles *t = &b->tiles;
    int most = t->n < b->columns * b->rows ? t->n : b->columns * b->rows;
    int columns = most < b->columns ? most : b->columns, rows = (most - 1) / b->columns + 1;
    AVFrame *sheet = mt_blank(columns * t->width, rows * t->height);

    for (int i = 0; sheet && i < n; i++)
        if (t->frames[first + i])
            mt_paste(sheet, i % b->columns * t->width, i / b->columns * t->height, t->width,
                     t->height, t->frames[first + i]);
    return sheet;
}

static int emit(struct board *b, int number, int first, int n, struct mt_err *err)
{
    AVFrame *frame = compose(b, first, n);
    AVPacket *packet = av_packet_alloc();
    int ret = frame && packet ? mt_encode(packet, frame, b->spec->format, b->spec->quality, err)
                              : mt_av_fail(err, AVERROR(ENOMEM), "cannot make a sheet");

    if (ret == 0) {
        struct mt_av_sheet sheet = {.number = number,
                                    .tiles = n,
                                    .width = frame->width,
                                    .height = frame->height,
                                    .data = packet->data,
                                    .size = (size_t)packet->size};
        json_array_append_new(b->sheets, json_pack("{s:i, s:i, s:i}", "width", sheet.width,
                                                   "height", sheet.height, "tiles", n));
        ret = b->spec->emit(b->spec->ctx, &sheet, err);
    }
    av_packet_free(&packet);
    av_frame_free(&frame);
    return ret;
}

static int emit_all(struct board *b, struct mt_err *err)
{
    int each = b->columns * b->rows, number = 0;

    for (int first = 0; first < b->tiles.n; first += each, number++) {
        int left = b->tiles.n - first;

        if (emit(b, number, first, left < each ? left : each, err) != 0)
            return -1;
    }
    return 0;
}

/* Tiles at the end that show what was on screen long before: the pictures end early. */
static void note_early_end(const struct board *b, json_t *notes)
{
    const struct mt_tiles *t = &b->tiles;
    int64_t shown = t->times_us[t->n - 1];
    char note[120];
    int n = 0;

    while (n < t->n && t->times_us[t->n - 1 - n] == shown &&
           (t->n - 1 - n) * t->interval_us > shown + t->interval_us)
        n++;
    if (n == 0)
        return;
    snprintf(note, sizeof note, "the last %d of %d tiles repeat the picture at %.3f s", n, t->n,
             (double)shown / 1e6);
    json_array_append_new(notes, json_string(note));
}

static json_t *report(const struct board *b)
{
    const struct mt_tiles *t = &b->tiles;
    json_t *times = json_array(), *notes = json_array();
    int64_t logged = mt_av_log_take(NULL);
    char note[120];

    for (int i = 0; i < t->n; i++)
        json_array_append_new(times, json_integer(t->times_us[i]));
    if (b->missing) {
        snprintf(note, sizeof note, "nothing decodes for %d of %d tiles, neighbours are shown",
                 b->missing, t->n);
        json_array_append_new(notes, json_string(note));
    }
    note_early_end(b, notes);
    return json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:o, s:O, s:o, s:I}", "tile_width", t->width,
                     "tile_height", t->height, "columns", b->columns, "rows", b->rows,
                     "interval_us", (json_int_t)t->interval_us, "duration_us",
                     (json_int_t)t->duration_us, "times_us", times, "sheets", b->sheets, "notes",
                     notes, "errors", (json_int_t)(logged > t->damaged ? logged : t->damaged));
}

json_t *mt_av_storyboard(int fd, const struct mt_av_storyboard *spec, struct mt_err *err)
{
    struct board b = {.spec = spec};
    json_t *doc = NULL;

    if (check_spec(spec, err) != 0)
        return NULL;
    b.sheets = json_array();
    struct mt_tiles_wish wish = {
        .interval_us = spec->interval_us, .tile_px = spec->tile_px, .threads = spec->threads};
    if (mt_tiles_take(&b.tiles, fd, &wish, &spec->limits, &spec->progress, err) == 0) {
        lay_out(&b);
        fill_holes(&b);
        if (b.missing == b.tiles.n)
            mt_av_fail(err, AVERROR_INVALIDDATA, "no picture in it can be decoded");
        else if (emit_all(&b, err) == 0)
            doc = report(&b);
    }
    mt_tiles_free(&b.tiles);
    json_decref(b.sheets);
    return doc;
}
