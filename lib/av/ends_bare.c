/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ends_bare.c - whether bare streams and program streams are whole.
 *
 * Most of these were made to be cut anywhere. What evidence there is: the frame
 * that players find the length of an MP3 in, the number of samples in a FLAC,
 * the length of each packet of a program stream, and end codes.
 */
#include "av/bytes.h"
#include "av/ends.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 4096, START_CODES = 1 << 20 };

/* Bytes of the ID3v2 tag at the beginning (id3.org, 3.1), or 0. */
static int64_t id3_length(int fd)
{
    uint8_t h[10];

    if (!mt_bytes_at(fd, 0, h, sizeof(h)) || memcmp(h, "ID3", 3) != 0)
        return 0;
    int64_t n = (h[6] & 0x7F) << 21 | (h[7] & 0x7F) << 14 | (h[8] & 0x7F) << 7 | (h[9] & 0x7F);
    return 10 + n + (h[5] & 0x10 ? 10 : 0);
}

/*
 * The first frame of an MP3 may be silent and tell how many frames and bytes there are: "Xing" or
 * "Info" behind its side information, or "VBRI" at byte 36. The bytes count from that frame on.
 */
void mt_ends_mp3(struct mt_issues *issues, int fd, int64_t size)
{
    int64_t at = id3_length(fd);
    uint8_t head[HEAD] = {0};
    ssize_t n = mt_pread_full(fd, head, sizeof(head), at);
    int64_t bytes = 0;
    ssize_t i = 0;

    while (i + 64 < n && !(head[i] == 0xFF && (head[i + 1] & 0xE0) == 0xE0))
        i++;
    if (i + 64 >= n)
        return;
    const uint8_t *f = head + i;
    bool v1 = (f[1] >> 3 & 3) == 3, mono = f[3] >> 6 == 3;
    const uint8_t *xing = f + 4 + (v1 ? (mono ? 17 : 32) : (mono ? 9 : 17));
    if (memcmp(xing, "Xing", 4) == 0 || memcmp(xing, "Info", 4) == 0) {
        uint32_t flags = mt_be32(xing + 4);
        issues->declared = flags & 3;
        bytes = flags & 2 ? mt_be32(xing + (flags & 1 ? 12 : 8)) : 0;
    } else if (memcmp(f + 36, "VBRI", 4) == 0) {
        issues->declared = true;
        bytes = mt_be32(f + 46);
    }
    if (at + i + bytes > size)
        mt_issue_truncated(issues, "the first frame tells of %lld bytes, there are %lld",
                           (long long)bytes, (long long)(size - at - i));
}

/* FLAC: the number of samples in STREAMINFO, 0 where it was not known (RFC 9639, 8.2). */
void mt_ends_flac(struct mt_issues *issues, int fd, int64_t size)
{
    uint8_t h[26];

    (void)size;
    if (mt_bytes_at(fd, id3_length(fd), h, sizeof(h)) && memcmp(h, "fLaC", 4) == 0)
        issues->declared = (mt_be64(h + 18) & 0xFFFFFFFFF) != 0;
}

/* Sony Wave64: as RIFF, with GUIDs for names and 64-bit sizes that count their own header. */
void mt_ends_w64(struct mt_issues *issues, int fd, int64_t size)
{
    uint8_t h[24];

    if (!mt_bytes_at(fd, 0, h, sizeof(h)))
        return;
    uint64_t n = mt_le64(h + 16);
    issues->declared = n > 0 && n < UINT64_MAX;
    if (issues->declared && n > (uint64_t)size)
        mt_issue_truncated(issues, "the header tells of %llu bytes, there are %lld",
                           (unsigned long long)n, (long long)size);
}

/* Bytes of the unit of a program stream at p, of which have can be seen; 0: none begins here. */
static int64_t unit_length(const uint8_t *p, int64_t have)
{
    enum { PACK = 0xBA, END = 0xB9 };

    if (have < 4 || p[0] != 0 || p[1] != 0 || p[2] != 1 || p[3] < END)
        return 0;
    if (p[3] == END)
        return 4;
    if (p[3] != PACK)
        return have < 6 ? 6 : 6 + (int64_t)mt_be16(p + 4);
    if (have < 5 || p[4] >> 6 != 1)
        return 12;
    return have < 14 ? 14 : 14 + (p[13] & 7);
}

static int64_t next_unit(const uint8_t *data, int64_t n, int64_t at)
{
    while (at + 4 <= n && unit_length(data + at, n - at) == 0)
        at++;
    return at;
}

/*
 * Program streams (ISO/IEC 13818-1, 2.5.3): packs and packets follow each other, each of
 * known length; an end code may close them. Looked at from a pack header near the end on.
 */
static void program_tail(struct mt_issues *issues, const uint8_t *data, int64_t n)
{
    static const uint8_t pack[4] = {0, 0, 1, 0xBA};
    const uint8_t *first = memmem(data, (size_t)n, pack, sizeof(pack));
    int64_t at = first ? first - data : n, length, zeros = n;

    while (zeros > 0 && data[zeros - 1] == 0)
        zeros--;
    while (first && at + 4 <= n) {
        length = unit_length(data + at, n - at);
        issues->declared = length == 4;
        if (length == 0) {
            at = next_unit(data, n, at);
            continue;
        }
        if (length > n - at) {
            mt_issue_truncated(issues, "the last packet has %lld of %lld bytes",
                               (long long)(n - at), (long long)length);
            return;
        }
        at += length;
    }
    if (first && at < n && zeros > at)
        mt_issue_truncated(issues, "the last %lld bytes are no whole packet", (long long)(n - at));
}

void mt_ends_program(struct mt_issues *issues, int fd, int64_t size)
{
    int64_t from = size > START_CODES ? size - START_CODES : 0;
    size_t n = (size_t)(size - from);
    uint8_t *data = malloc(n);

    if (data && mt_bytes_at(fd, from, data, n))
        program_tail(issues, data, (int64_t)n);
    free(data);
}

/* The last start code of the file, of the four bytes that begin with 00 00 01, or 0. */
static uint32_t last_start_code(int fd, int64_t size)
{
    uint8_t data[HEAD];
    int64_t n = size < HEAD ? size : HEAD;

    if (!mt_bytes_at(fd, size - n, data, (size_t)n))
        return 0;
    for (int64_t i = n - 4; i >= 0; i--)
        if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1)
            return mt_be32(data + i);
    return 0;
}

/* H.264: units 10 and 11 end a sequence or the stream (ITU-T H.264, table 7-1). */
void mt_ends_nal(struct mt_issues *issues, int fd, int64_t size)
{
    uint32_t code = last_start_code(fd, size) & 0x9F;

    issues->declared = code == 10 || code == 11;
}

/* H.265: units 36 and 37 do (ITU-T H.265, table 7-1). */
void mt_ends_hevc(struct mt_issues *issues, int fd, int64_t size)
{
    uint32_t unit = (last_start_code(fd, size) & 0xFF) >> 1;

    issues->declared = unit == 36 || unit == 37;
}

/* MPEG-1, MPEG-2: sequence_end_code B7; MPEG-4 part 2: visual_object_sequence_end_code B1. */
void mt_ends_mpegvideo(struct mt_issues *issues, int fd, int64_t size)
{
    uint32_t code = last_start_code(fd, size) & 0xFF;

    issues->declared = code == 0xB7 || code == 0xB1;
}
