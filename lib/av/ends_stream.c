/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ends_stream.c - whether transport streams end where they should. */
#include "av/bytes.h"
#include "av/ends.h"

#include <stdlib.h>
#include <string.h>

enum {
    TAIL = 2 * 1024 * 1024,
    TS_SYNC = 0x47,
    TS_PIDS = 8192,
};

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
