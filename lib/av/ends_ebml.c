/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ends_ebml.c - whether Matroska and WebM files are whole, by their sizes and checksums. */
#include "av/bytes.h"
#include "av/ebml.h"
#include "av/ends.h"

#include <libavutil/crc.h>
#include <string.h>

enum { SUMMED_MOST = 256 * 1024 * 1024 };

static const int64_t unknown = -1;

bool mt_ebml_at(int fd, int64_t at, struct mt_ebml *e)
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
    *e = (struct mt_ebml){.at = at};
    for (int i = 0; i < idn; i++)
        e->id = e->id << 8 | h[i];
    while (!(h[idn] & 0x80 >> (sn - 1)))
        sn++;
    if (idn + sn > got)
        return false;
    uint64_t v = h[idn] & (0xFFU >> sn);
    bool ones = v == (0xFFU >> sn);
    for (int i = 1; i < sn; i++) {
        v = v << 8 | h[idn + i];
        ones &= h[idn + i] == 0xFF;
    }
    e->body = at + idn + sn;
    e->n = ones ? unknown : (int64_t)v;
    return true;
}

/*
 * A first child of the type CRC-32 sums up all that follows it in the element (RFC 8794, 11.3.1).
 * Returns the bytes that were read.
 */
static int64_t check_sum(struct mt_issues *issues, int fd, const struct mt_ebml *e)
{
    const AVCRC *table = av_crc_get_table(AV_CRC_32_IEEE_LE);
    struct mt_ebml crc;
    uint8_t wanted[4];
    uint32_t sum;

    if (e->n < 6 || !mt_ebml_at(fd, e->body, &crc) || crc.id != MT_EBML_CRC32 || crc.n != 4 ||
        !mt_bytes_at(fd, crc.body, wanted, sizeof(wanted)))
        return 0;
    int64_t from = crc.body + 4, n = e->body + e->n - from;
    if (mt_bytes_crc(fd, from, n, table, UINT32_MAX, &sum) && (sum ^ UINT32_MAX) != mt_le32(wanted))
        mt_issue(issues, "checksum", -1, "the checksum of the element 0x%X at byte %lld is wrong",
                 e->id, (long long)e->at);
    return n;
}

static bool is_whole(struct mt_issues *issues, const struct mt_ebml *e, int64_t size)
{
    if (e->n == unknown || e->n <= size - e->body)
        return true;
    long long more = e->n - (size - e->body);
    if (e->id == MT_EBML_SEGMENT)
        mt_issue_truncated(issues, "the file ends %lld bytes before its Segment does", more);
    else
        mt_issue_truncated(issues,
                           "the element 0x%X at byte %lld is %lld bytes longer than the file",
                           e->id, (long long)e->at, more);
    return false;
}

void mt_ends_ebml(struct mt_issues *issues, int fd, int64_t size)
{
    int64_t at = 0, summed = 0;
    struct mt_ebml e;

    for (int i = 0; i < MT_EBML_ELEMENTS && at < size; i++) {
        if (!mt_ebml_at(fd, at, &e)) {
            if (at > 0)
                mt_issue_truncated(issues, "there is no whole element at byte %lld", (long long)at);
            return;
        }
        if (!is_whole(issues, &e, size))
            return;
        bool parent = e.id == MT_EBML_SEGMENT || (e.id == MT_EBML_CLUSTER && e.n == unknown);
        issues->declared |= e.id == MT_EBML_SEGMENT && e.n != unknown;
        if (!parent && e.n == unknown)
            return;
        if (!parent && summed + e.n <= SUMMED_MOST)
            summed += check_sum(issues, fd, &e);
        at = parent ? e.body : e.body + e.n;
    }
    issues->whole = issues->declared;
}
