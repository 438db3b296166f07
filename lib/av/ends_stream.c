/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ends_stream.c - whether Matroska, Ogg and transport streams end where they should. */
#include "av/bytes.h"
#include "av/ends.h"

#include <stdlib.h>
#include <string.h>

enum {
    ELEMENTS_MOST = 1000000,
    TAIL = 2 * 1024 * 1024,
    TS_SYNC = 0x47,
    TS_PIDS = 8192,
};

static const int64_t unknown_size = -1;

/* EBML (RFC 8794): the element at an offset. False when there is none. */
static bool element_at(int fd, int64_t at, uint32_t *id, int64_t *body, int64_t *n)
{
    uint8_t h[12] = {0};
    ssize_t got = mt_pread_full(fd, h, sizeof(h), at);
    int idn = 1, sn = 1;

    if (got < 2 || !h[0])
        return false;
    while (idn <= 4 && !(h[0] & 0x80 >> (idn - 1)))
        idn++;
    if (idn > 4 || !h[idn])
        return false;
    *id = 0;
    for (int i = 0; i < idn; i++)
        *id = *id << 8 | h[i];
    while (!(h[idn] & 0x80 >> (sn - 1)))
        sn++;
    if (idn + sn > got)
        return false;
    uint64_t v = h[idn] & (0xFFU >> sn);
    uint64_t ones = v == (0xFFU >> sn);
    for (int i = 1; i < sn; i++) {
        v = v << 8 | h[idn + i];
        ones &= h[idn + i] == 0xFF;
    }
    *body = at + idn + sn;
    *n = ones ? unknown_size : (int64_t)v;
    return true;
}

void mt_ends_ebml(struct mt_issues *issues, int fd, int64_t size)
{
    enum { SEGMENT = 0x18538067, CLUSTER = 0x1F43B675 };
    int64_t at = 0, body, n;
    bool told = false;
    uint32_t id;

    for (int i = 0; i < ELEMENTS_MOST && at < size; i++) {
        if (!element_at(fd, at, &id, &body, &n)) {
            if (at > 0)
                mt_issue_truncated(issues, "there is no whole element at byte %lld", (long long)at);
            return;
        }
        if (n != unknown_size && n > size - body) {
            mt_issue_truncated(issues,
                               "the element %X at byte %lld is %lld bytes longer than the file", id,
                               (long long)at, (long long)(n - (size - body)));
            return;
        }
        told |= id == SEGMENT && n != unknown_size;
        at = id == SEGMENT || (id == CLUSTER && n == unknown_size) ? body : body + n;
        if (n == unknown_size && id != SEGMENT && id != CLUSTER)
            return;
    }
    issues->whole = told;
}

/* Ogg (RFC 3533): the last page must be whole and say that it is the last. */
void mt_ends_ogg(struct mt_issues *issues, int fd, int64_t size)
{
    int64_t from = size > TAIL / 16 ? size - TAIL / 16 : 0, last = -1;
    size_t n = (size_t)(size - from);
    uint8_t *data = malloc(n);
    bool eos = false;

    if (!data)
        return;
    if (mt_bytes_at(fd, from, data, n))
        for (size_t i = 0; i + 27 <= n; i++) {
            if (memcmp(data + i, "OggS", 5) != 0)
                continue;
            size_t segments = data[i + 26], body = 0;
            for (size_t s = 0; s < segments && i + 27 + s < n; s++)
                body += data[i + 27 + s];
            last = from + (int64_t)(i + 27 + segments + body);
            eos = data[i + 5] & 4;
        }
    free(data);
    if (last > size)
        mt_issue_truncated(issues, "the last page is %lld bytes longer than the file",
                           (long long)(last - size));
    else if (last >= 0 && size - last < 27 && size > last)
        mt_issue_truncated(issues, "the last %lld bytes are no whole page",
                           (long long)(size - last));
    else if (!eos)
        mt_issue_truncated(issues, "there is no page that ends the stream");
}

struct pes {
    int64_t wanted; /* bytes the packet announced; 0: it did not */
    int64_t got;
};

static void ts_packet(struct pes *pids, const uint8_t *p)
{
    struct pes *pes = &pids[mt_be16(p + 1) & (TS_PIDS - 1)];
    int head = 4;

    if (!(p[3] & 0x10))
        return;
    if (p[3] & 0x20)
        head += 1 + p[4];
    if (head > 188)
        return;
    if (!(p[1] & 0x40)) {
        pes->got += 188 - head;
        return;
    }
    *pes = (struct pes){.got = 188 - head};
    const uint8_t *h = p + head;
    if (head + 6 <= 188 && h[0] == 0 && h[1] == 0 && h[2] == 1 && mt_be16(h + 4))
        pes->wanted = 6 + mt_be16(h + 4);
}

static int ts_stride(const uint8_t *data, size_t n, size_t *first)
{
    static const int strides[] = {188, 192, 204};

    for (int i = 0; i < 3; i++) {
        size_t s = (size_t)strides[i];
        for (*first = 0; *first < s && *first + 4 * s < n; ++*first)
            if (data[*first] == TS_SYNC && data[*first + s] == TS_SYNC &&
                data[*first + 2 * s] == TS_SYNC && data[*first + 3 * s] == TS_SYNC)
                return strides[i];
    }
    return 0;
}

static void ts_tail(struct mt_issues *issues, const uint8_t *data, size_t n, struct pes *pids)
{
    size_t at;
    int stride = ts_stride(data, n, &at);

    if (!stride)
        return;
    for (; at + 188 <= n; at += (size_t)stride)
        if (data[at] == TS_SYNC)
            ts_packet(pids, data + at);
    if (at < n && data[at] == TS_SYNC)
        mt_issue_truncated(issues, "the last packet is cut off (%zu of 188 bytes)", n - at);
    for (int pid = 0; pid < TS_PIDS; pid++)
        if (pids[pid].wanted > pids[pid].got)
            mt_issue_truncated(issues, "the last packet of stream 0x%x has %lld of %lld bytes",
                               (unsigned)pid, (long long)pids[pid].got,
                               (long long)pids[pid].wanted);
}

/* Transport streams (ISO/IEC 13818-1): whole packets, and whole PES packets where they tell. */
void mt_ends_ts(struct mt_issues *issues, int fd, int64_t size)
{
    int64_t from = size > TAIL ? size - TAIL : 0;
    size_t n = (size_t)(size - from);
    uint8_t *data = malloc(n);
    struct pes *pids = calloc(TS_PIDS, sizeof(*pids));

    if (data && pids && mt_bytes_at(fd, from, data, n))
        ts_tail(issues, data, n, pids);
    free(data);
    free(pids);
}
