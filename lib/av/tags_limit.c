/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tags_limit.c - counting the tags of a file without reading them. */
#include "av/tags_limit.h"

#include "av/boxes.h"
#include "av/bytes.h"
#include "av/ebml.h"

#include <libavutil/avstring.h>
#include <string.h>

enum { ENOUGH = MT_TAGS_MOST + 1, HEAD = 65536, CHUNKS_MOST = 200000 };

struct counted {
    int tags, groups;
};

/* The tags in one element Tags, and those in them. */
static void count_ebml(struct counted *c, int fd, int64_t at, int64_t end, int depth)
{
    struct mt_ebml e;

    while (at < end && c->tags < ENOUGH && c->groups <= MT_TAGS_GROUPS_MOST &&
           mt_ebml_at(fd, at, &e) && e.n >= 0 && e.n <= end - e.body) {
        c->groups += e.id == MT_EBML_TAG;
        c->tags += e.id == MT_EBML_SIMPLE_TAG;
        if ((e.id == MT_EBML_TAG || e.id == MT_EBML_SIMPLE_TAG) && depth < 4)
            count_ebml(c, fd, e.body, e.body + e.n, depth + 1);
        at = e.body + e.n;
    }
}

static struct counted ebml_tags(int fd, int64_t size)
{
    struct counted c = {0};
    struct mt_ebml e;
    int64_t at = 0;

    for (int i = 0; i < MT_EBML_ELEMENTS && at < size && mt_ebml_at(fd, at, &e); i++) {
        if (e.id == MT_EBML_SEGMENT) {
            at = e.body;
            continue;
        }
        if (e.n < 0 || e.n > size - e.body)
            break;
        if (e.id == MT_EBML_TAGS)
            count_ebml(&c, fd, e.body, e.body + e.n, 0);
        at = e.body + e.n;
    }
    return c;
}

/* Frames of an ID3v2 tag (id3.org: 2.2 with short headers, 2.4 with sizes of seven bits). */
static int id3_frames(int fd)
{
    uint8_t h[10], f[10];
    int n = 0;

    if (!mt_bytes_at(fd, 0, h, sizeof(h)) || memcmp(h, "ID3", 3) != 0)
        return 0;
    int header = h[3] <= 2 ? 6 : 10;
    int64_t at = 10;
    int64_t end =
        at + ((h[6] & 0x7F) << 21 | (h[7] & 0x7F) << 14 | (h[8] & 0x7F) << 7 | (h[9] & 0x7F));
    while (n < ENOUGH && at + header <= end && mt_bytes_at(fd, at, f, (size_t)header) && f[0]) {
        int64_t length = h[3] <= 2   ? (int64_t)(mt_be32(f + 2) & 0xFFFFFF)
                         : h[3] == 3 ? (int64_t)mt_be32(f + 4)
                                     : (f[4] & 0x7F) << 21 | (f[5] & 0x7F) << 14 |
                                           (f[6] & 0x7F) << 7 | (f[7] & 0x7F);
        at += header + length;
        n++;
    }
    return n;
}

/* The count in a Vorbis comment (xiph.org, comment field specification) of have bytes. */
static int64_t comments(const uint8_t *p, int64_t have, int64_t size)
{
    int64_t vendor = have >= 8 ? (int64_t)mt_le32(p) : have;

    if (vendor > have - 8)
        return 0;
    int64_t n = mt_le32(p + 4 + vendor);
    return n > size / 4 ? 0 : n; /* no room for so many: the demuxer will say so */
}

static int64_t ogg_comments(int fd, int64_t size)
{
    static const struct {
        const char *name;
        size_t n;
    } heads[] = {{"\x03vorbis", 7}, {"OpusTags", 8}, {"\x81theora", 7}};
    uint8_t data[HEAD];
    ssize_t n = mt_pread_full(fd, data, sizeof(data), 0);

    for (size_t i = 0; n > 0 && i < sizeof(heads) / sizeof(heads[0]); i++) {
        const uint8_t *p = memmem(data, (size_t)n, heads[i].name, heads[i].n);
        if (p)
            return comments(p + heads[i].n, data + n - p - (ssize_t)heads[i].n, size);
    }
    return 0;
}

static int64_t flac_comments(int fd, int64_t size)
{
    uint8_t h[4], data[1024];
    int64_t at = 4;

    for (int i = 0; i < 128 && mt_bytes_at(fd, at, h, sizeof(h)); i++) {
        if ((h[0] & 0x7F) == 4) {
            ssize_t n = mt_pread_full(fd, data, sizeof(data), at + 4);
            return n > 0 ? comments(data, n, size) : 0;
        }
        at += 4 + (int64_t)(mt_be32(h) & 0xFFFFFF);
        if (h[0] & 0x80)
            break;
    }
    return 0;
}

/* Entries of the lists of type INFO in a RIFF file. */
static int riff_entries(int fd, int64_t size)
{
    uint8_t h[12];
    int n = 0, chunks = 0;

    for (int64_t at = 12;
         n < ENOUGH && chunks++ < CHUNKS_MOST && at + 8 <= size && mt_bytes_at(fd, at, h, 8);) {
        int64_t length = mt_le32(h + 4);
        bool info =
            memcmp(h, "LIST", 4) == 0 && mt_bytes_at(fd, at + 8, h, 4) && memcmp(h, "INFO", 4) == 0;
        int64_t end = at + 8 + length < size ? at + 8 + length : size;
        for (int64_t e = at + 12; info && n < ENOUGH && e + 8 <= end && mt_bytes_at(fd, e, h, 8);) {
            e += 8 + (int64_t)mt_le32(h + 4) + (h[4] & 1);
            n++;
        }
        at += 8 + length + (length & 1);
    }
    return n;
}

static int64_t count(const char *demuxer, int fd, int64_t size, struct counted *c)
{
    struct mt_boxes boxes;

    if (av_strstart(demuxer, "matroska,", NULL)) {
        *c = ebml_tags(fd, size);
        return c->tags;
    }
    if (av_strstart(demuxer, "mov,", NULL)) {
        mt_boxes_scan(&boxes, fd, size);
        return boxes.tags;
    }
    if (strcmp(demuxer, "flac") == 0)
        return flac_comments(fd, size);
    if (strcmp(demuxer, "ogg") == 0)
        return ogg_comments(fd, size);
    if (strcmp(demuxer, "wav") == 0 || strcmp(demuxer, "avi") == 0)
        return riff_entries(fd, size);
    return 0;
}

static int refuse(struct mt_err *err, int most, const char *what)
{
    mt_fail(err, MT_ERR_LIMIT, "more than %d %s", most, what);
    return mt_hint(err, "remove tags with the program that wrote them");
}

int mt_tags_check(const char *demuxer, int fd, int64_t size, struct mt_err *err)
{
    struct counted c = {0};
    int64_t n = count(demuxer, fd, size, &c);

    if (n <= MT_TAGS_MOST)
        n = id3_frames(fd);
    if (n > MT_TAGS_MOST)
        return refuse(err, MT_TAGS_MOST, "tags");
    if (c.groups > MT_TAGS_GROUPS_MOST)
        return refuse(err, MT_TAGS_GROUPS_MOST, "groups of tags");
    return 0;
}
