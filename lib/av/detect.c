/* SPDX-License-Identifier: GPL-2.0-or-later */
/* detect.c - which permitted demuxer the bytes ask for. */
#include "av/detect.h"

#include "av/allow.h"
#include "base/file.h"

#include <errno.h>
#include <libavutil/mem.h>
#include <string.h>

enum {
    PROBE_FIRST = 4 * 1024,
    PROBE_MOST = 1024 * 1024,
    ID3_TAGS_MOST = 4,
    ID3_HEADER = 10,
    SCORE_LEAST = AVPROBE_SCORE_RETRY, /* below, the libraries guess */
    TS_PACKET = 188,
    TS_PACKETS = 2000,
};

static const AVInputFormat *by_signature(const uint8_t *data, size_t n)
{
    static const struct {
        const char *bytes;
        size_t n, at;
        const char *demuxer;
    } signatures[] = {
        {"\xFF\xD8\xFF", 3, 0, "jpeg_pipe"},
        {"WEBP", 4, 8, "webp_pipe"},
        {"GIF8", 4, 0, "gif"},
        {"\x1A\x45\xDF\xA3", 4, 0, "matroska"},
        {"fLaC", 4, 0, "flac"},
        {"OggS", 4, 0, "ogg"},
        {"#!AMR", 5, 0, "amr"},
    };

    for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
        size_t end = signatures[i].at + signatures[i].n;
        if (n >= end && memcmp(data + signatures[i].at, signatures[i].bytes, signatures[i].n) == 0)
            return av_find_input_format(signatures[i].demuxer);
    }
    return NULL;
}

/* Where the content begins behind ID3v2 tags, which may be larger than what is probed. */
static int64_t behind_id3(int fd, int64_t size)
{
    int64_t at = 0;

    for (int i = 0; i < ID3_TAGS_MOST; i++) {
        uint8_t h[ID3_HEADER];
        if (mt_pread_full(fd, h, sizeof(h), at) != sizeof(h) || memcmp(h, "ID3", 3) != 0)
            break;
        if ((h[6] | h[7] | h[8] | h[9]) & 0x80)
            break;
        int64_t body = (int64_t)h[6] << 21 | h[7] << 14 | h[8] << 7 | h[9];
        int64_t next = at + ID3_HEADER + body + ((h[5] & 0x10) ? ID3_HEADER : 0);
        if (next >= size)
            break;
        at = next;
    }
    return at;
}

static const AVInputFormat *by_score(int fd, int64_t at, uint8_t *buf, int *best)
{
    const AVInputFormat *format = NULL;

    for (int n = PROBE_FIRST; n <= PROBE_MOST; n *= 4) {
        ssize_t got = mt_pread_full(fd, buf, (size_t)n, at);
        if (got < 0)
            return NULL;
        memset(buf + got, 0, AVPROBE_PADDING_SIZE);
        AVProbeData data = {.filename = "", .buf = buf, .buf_size = (int)got};
        format = av_probe_input_format3(&data, 1, best);
        if ((format && *best > AVPROBE_SCORE_RETRY) || got < n)
            break;
    }
    return format;
}

static int refuse(const AVInputFormat *format, int score, struct mt_err *err)
{
    if (!format || score < SCORE_LEAST)
        return mt_fail(err, MT_ERR_UNSUPPORTED_TYPE, "the content is no known kind of media");
    if (mt_demuxer_of_playlists(format->name)) {
        mt_fail(err, MT_ERR_UNSUPPORTED_TYPE,
                "the content is a list that refers to other files (%s), not media", format->name);
        return mt_hint(err, "give the files that it names, each by itself");
    }
    return mt_fail(err, MT_ERR_UNSUPPORTED_TYPE,
                   "the content looks like '%s' (%s), which is not accepted", format->name,
                   format->long_name ? format->long_name : "unknown");
}

int mt_in_detect(const AVInputFormat **out, int fd, int64_t size, struct mt_err *err)
{
    uint8_t *buf = av_malloc(PROBE_MOST + AVPROBE_PADDING_SIZE);
    int64_t at = behind_id3(fd, size);
    int score = 0;

    if (!buf)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    ssize_t got = mt_pread_full(fd, buf, PROBE_FIRST, at);
    if (got < 0) {
        av_free(buf);
        return mt_fail_errno(err, "cannot read the file");
    }
    *out = by_signature(buf, (size_t)got);
    if (*out)
        score = AVPROBE_SCORE_MAX;
    else
        *out = by_score(fd, at, buf, &score);
    av_free(buf);
    if (!*out || score < SCORE_LEAST || !mt_demuxer_allowed((*out)->name))
        return refuse(*out, score, err);
    return 0;
}

int mt_ts_scrambled(int fd, int64_t size, struct mt_err *err)
{
    static const int strides[] = {TS_PACKET, 192, 204};
    uint8_t head[204 * 3];
    ssize_t got = mt_pread_full(fd, head, sizeof(head), 0);
    int stride = 0;
    int64_t at = 0;

    for (int i = 0; i < 3 && !stride; i++)
        for (at = 0; at < strides[i] && at + 2 * strides[i] < got; at++)
            if (head[at] == 0x47 && head[at + strides[i]] == 0x47 &&
                head[at + 2 * strides[i]] == 0x47) {
                stride = strides[i];
                break;
            }
    if (!stride)
        return 0;

    int scrambled = 0, seen = 0;
    for (; seen < TS_PACKETS && at + 4 <= size; at += stride, seen++) {
        uint8_t h[4];
        if (mt_pread_full(fd, h, sizeof(h), at) != sizeof(h) || h[0] != 0x47)
            break;
        scrambled += (h[3] & 0xC0) == 0x80 || (h[3] & 0xC0) == 0xC0;
    }
    if (scrambled * 4 <= seen)
        return 0;
    return mt_fail(err, MT_ERR_ENCRYPTED,
                   "the transport stream is scrambled (%d of its first %d packets)", scrambled,
                   seen);
}
