/* SPDX-License-Identifier: GPL-2.0-or-later */
/* contact.c - a film on one page, for people. */
#include "av/contact.h"

#include "av/storyboard_tiles.h"
#include "av/texts_draw.h"
#include "av/thumbs_encode.h"

#include <stdio.h>

enum { GAP = 6, LINE = 28, SIDE_MAX = 16383 };

struct page {
    const struct mt_av_contact *spec;
    struct mt_tiles tiles;
    AVFrame *frame;
    int top; /* where the pictures begin */
    int missing;
};

/* Copies the strip's first width columns; what does not fit is cut off. */
static void paste_strip(AVFrame *page, int x, int y, const AVFrame *strip, int width)
{
    for (int row = 0; row < strip->height && y + row < page->height; row++)
        for (int i = 0; i < 3 * width && 3 * x + i < 3 * page->width; i++)
            page->data[0][(ptrdiff_t)(y + row) * page->linesize[0] + 3 * x + i] =
                strip->data[0][(ptrdiff_t)row * strip->linesize[0] + i];
}

static int write_title(struct page *p, struct mt_err *err)
{
    int y = GAP;

    for (int i = 0; i < MT_AV_TEXT_LINES; i++) {
        AVFrame *strip = NULL;
        int width;

        if (!mt_text_has_line(p->spec->texts, i))
            continue;
        if (mt_text_line(p->spec->texts, i, &strip, &width, err) < 0)
            return -1;
        paste_strip(p->frame, GAP, y, strip, width);
        av_frame_free(&strip);
        y += LINE;
    }
    return 0;
}

/* At the lower left of the tile at x, y. */
static int write_time(struct page *p, int x, int y, int64_t us, struct mt_err *err)
{
    long long s = us / 1000000;
    char text[40];
    AVFrame *strip = NULL;
    int width;

    if (!p->spec->texts)
        return 0;
    snprintf(text, sizeof text, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    if (mt_text_stamp(p->spec->texts, text, &strip, &width, err) < 0)
        return -1;
    if (width < p->tiles.width && strip->height < p->tiles.height)
        paste_strip(p->frame, x, y + p->tiles.height - strip->height, strip, width);
    av_frame_free(&strip);
    return 0;
}

static int lay_out(struct page *p, struct mt_err *err)
{
    const struct mt_tiles *t = &p->tiles;
    int columns = t->n < p->spec->columns ? t->n : p->spec->columns;
    int rows = (t->n - 1) / p->spec->columns + 1;
    int width = columns * (t->width + GAP) + GAP, lines = 0;

    for (int i = 0; i < MT_AV_TEXT_LINES; i++)
        lines += mt_text_has_line(p->spec->texts, i);
    p->top = GAP + lines * LINE;
    int height = p->top + rows * (t->height + GAP);
    if (width > SIDE_MAX || height > SIDE_MAX)
        return mt_fail(err, MT_ERR_USAGE, "the page would have %d x %d pixels, at most %d a side",
                       width, height, SIDE_MAX);
    p->frame = mt_blank(width, height);
    return p->frame ? 0 : mt_av_fail(err, AVERROR(ENOMEM), "cannot make a page");
}

static int fill(struct page *p, struct mt_err *err)
{
    const struct mt_tiles *t = &p->tiles;

    for (int i = 0; i < t->n; i++) {
        int x = GAP + i % p->spec->columns * (t->width + GAP);
        int y = p->top + i / p->spec->columns * (t->height + GAP);

        if (!t->frames[i]) {
            p->missing++;
            continue;
        }
        mt_paste(p->frame, x, y, t->width, t->height, t->frames[i]);
        if (write_time(p, x, y, t->times_us[i], err) < 0)
            return -1;
    }
    return p->missing < t->n
               ? write_title(p, err)
               : mt_av_fail(err, AVERROR_INVALIDDATA, "no picture in it can be decoded");
}

static int emit(const struct page *p, struct mt_err *err)
{
    const struct mt_av_contact *spec = p->spec;
    AVPacket *packet = av_packet_alloc();
    int ret = packet ? mt_encode(packet, p->frame, spec->format, spec->quality, err)
                     : mt_av_fail(err, AVERROR(ENOMEM), "cannot make a page");

    if (ret == 0) {
        struct mt_av_sheet sheet = {.tiles = p->tiles.n,
                                    .width = p->frame->width,
                                    .height = p->frame->height,
                                    .data = packet->data,
                                    .size = (size_t)packet->size};
        ret = spec->emit(spec->ctx, &sheet, err);
    }
    av_packet_free(&packet);
    return ret;
}

static json_t *report(const struct page *p)
{
    json_t *notes = json_array();
    char note[120];

    if (p->missing) {
        snprintf(note, sizeof note, "nothing decodes for %d of %d pictures of the contact sheet",
                 p->missing, p->tiles.n);
        json_array_append_new(notes, json_string(note));
    }
    return json_pack("{s:i, s:o}", "tiles", p->tiles.n, "notes", notes);
}

json_t *mt_av_contact(int fd, const struct mt_av_contact *spec, struct mt_err *err)
{
    struct page p = {.spec = spec};
    struct mt_tiles_wish wish = {.count = spec->columns * spec->rows, .tile_px = spec->tile_px};
    json_t *doc = NULL;

    if (spec->columns < 1 || spec->rows < 1) {
        mt_fail(err, MT_ERR_USAGE, "a contact sheet has one column and one row at least");
        return NULL;
    }
    if (mt_tiles_take(&p.tiles, fd, &wish, &spec->limits, &spec->progress, err) == 0 &&
        lay_out(&p, err) == 0 && fill(&p, err) == 0 && emit(&p, err) == 0)
        doc = report(&p);
    av_frame_free(&p.frame);
    mt_tiles_free(&p.tiles);
    return doc;
}
