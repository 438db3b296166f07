/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ends.c - whether chunked containers hold all the bytes their structure announces. */
#include "av/ends.h"

#include "av/boxes.h"
#include "av/bytes.h"

#include <string.h>

enum { CHUNKS_MOST = 200000 };

void mt_ends_check(struct mt_issues *issues, const char *name, int fd, int64_t size)
{
    static const struct {
        const char *name;
        void (*check)(struct mt_issues *issues, int fd, int64_t size);
    } kinds[] = {
        {"mov,", mt_ends_iso},
        {"matroska,", mt_ends_ebml},
        {"mpegts", mt_ends_ts},
        {"ogg", mt_ends_ogg},
        {"flv", mt_ends_flv},
        {"asf", mt_ends_asf},
        {"mxf", mt_ends_mxf},
        {"avi", mt_ends_riff},
        {"wav", mt_ends_riff},
        {"webp_pipe", mt_ends_riff},
        {"aiff", mt_ends_aiff},
        {"au", mt_ends_au},
        {"caf", mt_ends_caf},
        {"jpeg_pipe", mt_ends_jpeg},
        {"png_pipe", mt_ends_png},
        {"apng", mt_ends_png},
        {"gif", mt_ends_gif},
        {"bmp_pipe", mt_ends_bmp},
        {"tiff_pipe", mt_ends_tiff},
        {"mp3", mt_ends_mp3},
        {"flac", mt_ends_flac},
        {"w64", mt_ends_w64},
        {"mpegvideo", mt_ends_mpegvideo},
        {"m4v", mt_ends_mpegvideo},
        {"mpeg", mt_ends_program},
        {"h264", mt_ends_nal},
        {"hevc", mt_ends_hevc},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(name, kinds[i].name, strlen(kinds[i].name)) == 0) {
            kinds[i].check(issues, fd, size);
            return;
        }
}

static void missing(struct mt_issues *issues, const char *what, const char *name, int64_t bytes)
{
    mt_issue_truncated(issues, "the %s '%.8s' is %lld bytes longer than the file", what, name,
                       (long long)bytes);
}

void mt_ends_iso(struct mt_issues *issues, int fd, int64_t size)
{
    struct mt_boxes boxes;

    mt_boxes_scan(&boxes, fd, size);
    issues->whole = boxes.short_by == 0 && boxes.rest == 0;
    issues->declared = !boxes.fragmented || boxes.listed;
    if (boxes.short_by > 0)
        missing(issues, "box", boxes.short_box, boxes.short_by);
    else if (boxes.listed_end > size)
        mt_issue_truncated(issues, "the index tells of segments up to byte %lld, there are %lld",
                           (long long)boxes.listed_end, (long long)size);
    else if (boxes.junk > 0)
        mt_issue(issues, "trailing_bytes", -1, "the last %lld bytes are no part of the film",
                 (long long)boxes.junk);
    else if (boxes.rest > 0)
        mt_issue_truncated(issues, "the last %lld bytes are no whole box", (long long)boxes.rest);
}

static bool printable(const uint8_t *id)
{
    for (int i = 0; i < 4; i++)
        if (id[i] < 0x20 || id[i] > 0x7E)
            return false;
    return true;
}

/* One RIFF chunk's children: which is the first that reaches over the end of the file? */
static bool riff_children(struct mt_issues *issues, int fd, int64_t size, int64_t at, int64_t end)
{
    for (int i = 0; i < CHUNKS_MOST && at + 8 <= end; i++) {
        uint8_t h[9] = {0};
        if (!mt_bytes_at(fd, at, h, 8) || !printable(h))
            return false;
        int64_t n = mt_le32(h + 4);
        if (n == 0xFFFFFFFF)
            return false;
        if (at + 8 + n > size) {
            h[4] = '\0';
            missing(issues, "chunk", (char *)h, at + 8 + n - size);
            return true;
        }
        at += 8 + n + (n & 1);
    }
    return false;
}

void mt_ends_riff(struct mt_issues *issues, int fd, int64_t size)
{
    int64_t at = 0;

    for (int i = 0; i < CHUNKS_MOST && at + 12 <= size; i++) {
        uint8_t h[12];
        if (!mt_bytes_at(fd, at, h, sizeof(h)) || memcmp(h, "RIFF", 4) != 0)
            return;
        int64_t n = mt_le32(h + 4);
        bool streamed = n == 0 || n == 0xFFFFFFFF;
        int64_t end = streamed || at + 8 + n > size ? size : at + 8 + n;
        if (riff_children(issues, fd, size, at + 12, end))
            return;
        if (!streamed && at + 8 + n > size)
            missing(issues, "chunk", "RIFF", at + 8 + n - size);
        issues->whole = !streamed && !issues->truncated;
        issues->declared = !streamed;
        if (streamed)
            return;
        at += 8 + n + (n & 1);
    }
}

void mt_ends_aiff(struct mt_issues *issues, int fd, int64_t size)
{
    uint8_t h[8];

    issues->declared = true;
    if (mt_bytes_at(fd, 0, h, sizeof(h)) && memcmp(h, "FORM", 4) == 0 &&
        8 + (int64_t)mt_be32(h + 4) > size)
        missing(issues, "chunk", "FORM", 8 + (int64_t)mt_be32(h + 4) - size);
}

/* AU: offset and length of the sound, the latter all ones where it was not known. */
void mt_ends_au(struct mt_issues *issues, int fd, int64_t size)
{
    uint8_t h[12];

    if (!mt_bytes_at(fd, 0, h, sizeof(h)) || mt_be32(h + 8) == UINT32_MAX)
        return;
    int64_t end = (int64_t)mt_be32(h + 4) + (int64_t)mt_be32(h + 8);
    issues->whole = end <= size;
    issues->declared = true;
    if (end > size)
        mt_issue_truncated(issues, "the sound is %lld bytes longer than the file",
                           (long long)(end - size));
}

void mt_ends_caf(struct mt_issues *issues, int fd, int64_t size)
{
    int64_t at = 8;

    for (int i = 0; i < CHUNKS_MOST && at + 12 <= size; i++) {
        uint8_t h[13] = {0};
        if (!mt_bytes_at(fd, at, h, 12))
            return;
        int64_t n = (int64_t)mt_be64(h + 4);
        if (n < 0)
            return;
        issues->declared |= memcmp(h, "data", 4) == 0;
        if (n > size - at - 12) {
            h[4] = '\0';
            missing(issues, "chunk", (char *)h, n - (size - at - 12));
            return;
        }
        at += 12 + n;
    }
}

void mt_ends_bmp(struct mt_issues *issues, int fd, int64_t size)
{
    uint8_t h[14];

    issues->declared = true;
    if (mt_bytes_at(fd, 0, h, sizeof(h)) && (int64_t)mt_le32(h + 2) > size)
        mt_issue_truncated(issues, "the header tells of %lld bytes, there are %lld",
                           (long long)mt_le32(h + 2), (long long)size);
}

/* The number that a script tag at the beginning gives under a name (AMF0), or 0. */
static double flv_number(const uint8_t *head, size_t n, const char *name)
{
    size_t len = strlen(name);
    const uint8_t *p = memmem(head, n, name, len);
    double value;

    if (!p || p + len + 9 > head + n || p[len] != 0)
        return 0;
    uint64_t bits = mt_be64(p + len + 1);
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void flv_claims(struct mt_issues *issues, int fd, int64_t size)
{
    uint8_t head[4096];
    ssize_t n = mt_pread_full(fd, head, sizeof(head), 0);
    double bytes = n > 0 ? flv_number(head, (size_t)n, "filesize") : 0;

    issues->declared = n > 0 && (bytes > 0 || flv_number(head, (size_t)n, "duration") > 0);
    if (bytes > (double)size && bytes < 1e15)
        mt_issue_truncated(issues, "the header tells of %.0f bytes, there are %lld", bytes,
                           (long long)size);
}

/*
 * Follows the tags from the first on (FLV 10.1, annex E.3): each is followed by its size, which
 * some writers leave 0. Where it breaks off, or -1.
 */
static int64_t flv_break(int fd, int64_t size)
{
    enum { TAGS_MOST = 4 * 1000 * 1000, TAG_HEAD = 11 };
    uint8_t h[TAG_HEAD], after[4];

    if (!mt_bytes_at(fd, 0, h, 9))
        return -1;
    int64_t at = (int64_t)mt_be32(h + 5) + 4;
    for (int i = 0; i < TAGS_MOST && at + TAG_HEAD <= size; i++) {
        if (!mt_bytes_at(fd, at, h, sizeof(h)))
            return -1;
        int64_t n = TAG_HEAD + (int64_t)(mt_be32(h) & 0xFFFFFF);
        int type = h[0] & 0x1F;
        if (type != 8 && type != 9 && type != 18)
            return at;
        if (at + n + 4 > size || !mt_bytes_at(fd, at + n, after, sizeof(after)))
            return -1; /* the end is missing, which is another fault */
        if (mt_be32(after) != 0 && mt_be32(after) != (uint32_t)n)
            return at;
        at += n + 4;
    }
    return -1;
}

/* FLV: the file can be checked from its end too. */
void mt_ends_flv(struct mt_issues *issues, int fd, int64_t size)
{
    uint8_t last[4], tag[4];

    flv_claims(issues, fd, size);
    int64_t broken = flv_break(fd, size);
    if (broken >= 0)
        mt_issue(issues, "corrupt_packets", -1, "at byte %lld there is no whole tag",
                 (long long)broken);
    if (size < 13 + 15 || !mt_bytes_at(fd, size - 4, last, sizeof(last)))
        return;
    int64_t n = mt_be32(last);
    if (n >= 11 && n + 4 <= size && mt_bytes_at(fd, size - 4 - n, tag, sizeof(tag)) &&
        (tag[0] & 0x1F) >= 8 && (tag[0] & 0x1F) <= 18 && (mt_be32(tag) & 0xFFFFFF) == n - 11)
        return;
    mt_issue_truncated(issues, "the file does not end with a whole tag");
}

/* ASF: the File Properties Object tells the size of the file, unless it was broadcast. */
void mt_ends_asf(struct mt_issues *issues, int fd, int64_t size)
{
    static const uint8_t properties[16] = {0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11,
                                           0x8E, 0xE4, 0x00, 0xC0, 0x0C, 0x20, 0x53, 0x65};
    uint8_t head[8192];
    ssize_t n = mt_pread_full(fd, head, sizeof(head), 0);

    for (ssize_t i = 30; i + 92 <= n; i++) {
        if (memcmp(head + i, properties, sizeof(properties)) != 0)
            continue;
        int64_t claim = (int64_t)mt_le64(head + i + 40);
        bool broadcast = mt_le32(head + i + 88) & 1;
        issues->declared = !broadcast;
        if (!broadcast && claim > size)
            mt_issue_truncated(issues, "the header tells of %lld bytes, there are %lld",
                               (long long)claim, (long long)size);
        return;
    }
}

/* MXF: key, BER length, value (SMPTE ST 377-1); the last partition is a footer. */
void mt_ends_mxf(struct mt_issues *issues, int fd, int64_t size)
{
    static const uint8_t partition[13] = {0x06, 0x0E, 0x2B, 0x34, 0x02, 0x05, 0x01,
                                          0x01, 0x0D, 0x01, 0x02, 0x01, 0x01};
    bool footer = false;
    int64_t at = 0;

    issues->declared = true;
    for (int i = 0; i < CHUNKS_MOST * 5 && at < size; i++) {
        uint8_t h[25] = {0};
        ssize_t got = mt_pread_full(fd, h, sizeof(h), at);
        if (got < 17 || memcmp(h, partition, 4) != 0)
            break;
        int64_t header = 17;
        uint64_t n = h[16];
        if (n & 0x80) {
            int bytes = (int)(n & 0x7F);
            header += bytes;
            n = 0;
            for (int b = 0; b < bytes && b < 8; b++)
                n = n << 8 | h[17 + b];
        }
        footer |= memcmp(h, partition, sizeof(partition)) == 0 && h[13] == 0x04;
        if (header > size - at || n > (uint64_t)(size - at - header)) {
            mt_issue_truncated(issues, "the last item is cut off at byte %lld", (long long)size);
            return;
        }
        at += header + (int64_t)n;
    }
    if (!footer)
        mt_issue_truncated(issues, "there is no footer partition");
}
