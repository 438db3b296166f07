/* SPDX-License-Identifier: GPL-2.0-or-later */
/* boxes.c - the skeleton of an ISO base media file. */
#include "av/boxes.h"

#include "av/bytes.h"

#include <stdlib.h>
#include <string.h>

enum { BOXES_MOST = 1000000, DEPTH_MOST = 10, SEARCH_MOST = 1 << 16 };

struct box {
    char type[5];
    int64_t at, body, end; /* offsets; end as claimed */
};

struct walk {
    struct mt_boxes *found;
    int fd;
    int64_t size;
    int left;           /* boxes that may still be looked at */
    uint32_t timescale; /* of the movie: units of edit lists in a second; 0: not seen yet */
};

static void name_of(char out[5], const uint8_t *p)
{
    for (int i = 0; i < 4; i++)
        out[i] = p[i] > 0x20 && p[i] < 0x7F ? (char)p[i] : '?';
    out[4] = '\0';
}

/* The box at an offset inside a parent that ends at end. False: there is none. */
static bool box_at(const struct walk *w, int64_t at, int64_t end, struct box *box)
{
    uint8_t h[16] = {0};
    int64_t header = 8;

    if (at + 8 > end || mt_pread_full(w->fd, h, sizeof(h), at) < 8)
        return false;
    uint64_t n = mt_be32(h);
    if (n == 1) {
        n = mt_be64(h + 8);
        header = 16;
    } else if (n == 0) {
        n = (uint64_t)(end - at);
    }
    if (n < (uint64_t)header || n > (uint64_t)INT64_MAX - (uint64_t)at)
        return false;
    name_of(box->type, h + 4);
    box->at = at;
    box->body = at + header;
    box->end = at + (int64_t)n;
    return true;
}

static bool is(const struct box *box, const char *type)
{
    return memcmp(box->type, type, 4) == 0;
}

static bool is_one_of(const struct box *box, const char *types)
{
    for (; *types; types += 5)
        if (is(box, types))
            return true;
    return false;
}

/* The scheme of a protected sample entry: its schm box, found by its name. */
static void find_scheme(struct walk *w, const struct box *entry)
{
    int64_t n = entry->end - entry->at;
    uint8_t *data;

    w->found->encrypted = true;
    n = n > SEARCH_MOST ? SEARCH_MOST : n;
    if (w->found->scheme[0] || !(data = malloc((size_t)n)))
        return;
    ssize_t got = mt_pread_full(w->fd, data, (size_t)n, entry->at);
    for (ssize_t i = 0; i + 12 <= got; i++)
        if (memcmp(data + i, "schm", 4) == 0) {
            name_of(w->found->scheme, data + i + 8);
            break;
        }
    free(data);
}

static void walk(struct walk *w, int64_t at, int64_t end, int depth);

/* Entries of a list are boxes of eight bytes at least. */
static void count_tags(struct walk *w, const struct box *box)
{
    int64_t end = box->end < w->size ? box->end : w->size;
    int64_t at = box->body + (is(box, "keys") ? 8 : 0);
    struct box entry;

    while (w->left > 0 && box_at(w, at, end, &entry)) {
        w->left--;
        w->found->tags++;
        if (entry.end <= at || entry.end > end)
            break;
        at = entry.end;
    }
}

/* In MP4 a meta box begins with version and flags (14496-12, 8.11.1), in QuickTime with a box. */
static int64_t meta_header(const struct walk *w, const struct box *box)
{
    uint8_t h[8] = {0};

    return mt_bytes_at(w->fd, box->body, h, sizeof(h)) && memcmp(h + 4, "hdlr", 4) == 0 ? 0 : 4;
}

static void read_timescale(struct walk *w, const struct box *box)
{
    uint8_t h[24] = {0};

    if (mt_bytes_at(w->fd, box->body, h, sizeof(h)))
        w->timescale = mt_be32(h + (h[0] == 1 ? 20 : 12));
}

/* An edit list that begins with an edit of no media (14496-12, 8.6.6). */
static void read_edits(struct walk *w, const struct box *box)
{
    uint8_t h[24] = {0};
    uint64_t length, media;

    if (!mt_bytes_at(w->fd, box->body, h, sizeof(h)) || mt_be32(h + 4) == 0 || w->timescale == 0)
        return;
    length = h[0] == 1 ? mt_be64(h + 8) : mt_be32(h + 8);
    media = h[0] == 1 ? mt_be64(h + 16) : mt_be32(h + 12) | UINT64_C(0xFFFFFFFF00000000);
    if (media != UINT64_MAX || length > (uint64_t)INT64_MAX / 1000000)
        return;
    length = length * 1000000 / w->timescale;
    if ((int64_t)length > w->found->empty_us)
        w->found->empty_us = (int64_t)length;
}

static void look_inside(struct walk *w, const struct box *box, int depth)
{
    int64_t end = box->end < w->size ? box->end : w->size;

    if (is_one_of(box, "encv enca enct encs drmi drms "))
        find_scheme(w, box);
    else if (is(box, "pssh"))
        w->found->encrypted = true;
    else if (is(box, "mvex")) {
        w->found->fragmented = true;
        walk(w, box->body, end, depth + 1);
    } else if (is(box, "mehd"))
        w->found->listed = true;
    else if (is_one_of(box, "ilst keys "))
        count_tags(w, box);
    else if (is(box, "stsd"))
        walk(w, box->body + 8, end, depth + 1);
    else if (is(box, "mvhd"))
        read_timescale(w, box);
    else if (is(box, "elst"))
        read_edits(w, box);
    else if (is_one_of(box, "moov trak edts mdia minf stbl "))
        walk(w, box->body, end, depth + 1);
    else if (is(box, "udta")) {
        count_tags(w, box);
        walk(w, box->body, end, depth + 1);
    } else if (is(box, "meta") && depth > 0)
        walk(w, box->body + meta_header(w, box), end, depth + 1);
}

static void walk(struct walk *w, int64_t at, int64_t end, int depth)
{
    struct box box;

    if (depth > DEPTH_MOST)
        return;
    while (w->left > 0 && box_at(w, at, end, &box)) {
        w->left--;
        look_inside(w, &box, depth);
        if (box.end <= at || box.end > end)
            break;
        at = box.end;
    }
}

static void read_brands(struct walk *w, const struct box *box)
{
    static const char brands[][5] = {"heic", "heix", "heim", "heis", "mif1", "msf1", "avif"};
    uint8_t data[128];
    int64_t n = box->end - box->body;
    ssize_t got = mt_pread_full(w->fd, data, n < 128 ? (size_t)n : 128, box->body);

    w->found->ftyp = true;
    for (ssize_t i = 0; i + 4 <= got; i += 4)
        for (size_t b = 0; b < sizeof(brands) / sizeof(brands[0]); b++)
            w->found->heif |= i != 4 && memcmp(data + i, brands[b], 4) == 0;
}

/* The sizes of the segments that follow an index (14496-12, 8.16.3), added up. */
static void read_sidx(struct walk *w, const struct box *box)
{
    uint8_t h[32] = {0}, entry[12];

    if (!mt_bytes_at(w->fd, box->body, h, sizeof(h)))
        return;
    bool wide = h[0] != 0;
    uint64_t first = wide ? mt_be64(h + 20) : mt_be32(h + 16);
    int64_t at = box->body + (wide ? 32 : 24);
    int n = (int)mt_be16(h + (wide ? 30 : 22));
    if (first > (uint64_t)w->size)
        return;
    int64_t sum = box->end + (int64_t)first;
    for (int i = 0; i < n && at + 12 <= box->end; i++, at += 12) {
        if (!mt_bytes_at(w->fd, at, entry, sizeof(entry)))
            return;
        sum += mt_be32(entry) & 0x7FFFFFFF;
    }
    w->found->listed_end = sum;
}

static void note_top(struct walk *w, const struct box *box)
{
    struct mt_boxes *f = w->found;

    if (is(box, "ftyp"))
        read_brands(w, box);
    f->moov |= is(box, "moov");
    f->moof |= is(box, "moof");
    f->meta |= is(box, "meta");
    f->mdat |= is(box, "mdat");
    f->listed |= is(box, "mfra") || is(box, "sidx");
    if (is(box, "sidx"))
        read_sidx(w, box);
    if (strchr(box->type, '?')) {
        f->junk = w->size - box->at;
    } else if (box->end > w->size) {
        f->short_by = box->end - w->size;
        memcpy(f->short_box, box->type, sizeof(f->short_box));
    }
}

void mt_boxes_scan(struct mt_boxes *boxes, int fd, int64_t size)
{
    struct walk w = {.found = boxes, .fd = fd, .size = size, .left = BOXES_MOST};
    struct box box;
    int64_t at = 0;

    *boxes = (struct mt_boxes){0};
    while (w.left > 0 && box_at(&w, at, size, &box)) {
        w.left--;
        note_top(&w, &box);
        look_inside(&w, &box, 0);
        if (box.end <= at || box.end > size)
            return;
        at = box.end;
    }
    if (size - at < 8)
        boxes->rest = size - at;
}
