/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ends_ogg.c - whether the pages of an Ogg file are whole, sum up, and come to an end. */
#include "av/bytes.h"
#include "av/ends.h"

#include <libavutil/bswap.h>
#include <libavutil/crc.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_HEAD = 27,
    PAGE_MOST = PAGE_HEAD + 255 + 255 * 255,
    TAIL = 128 * 1024,
    SUMMED_MOST = 256 * 1024 * 1024,
};

/* Bytes of the page at p, of which n can be seen; 0: there is none. More than n: it is cut. */
static size_t page_length(const uint8_t *p, size_t n)
{
    if (n < PAGE_HEAD || memcmp(p, "OggS", 5) != 0)
        return 0;
    size_t segments = p[26], length = PAGE_HEAD + segments;
    for (size_t s = 0; s < segments && PAGE_HEAD + s < n; s++)
        length += p[PAGE_HEAD + s];
    return length;
}

/* The sum is over the page with the sum itself taken as 0 (RFC 3533, 6). */
static bool page_is_sound(uint8_t *p, size_t length)
{
    const AVCRC *table = av_crc_get_table(AV_CRC_32_IEEE);
    uint32_t wanted = mt_le32(p + 22);

    memset(p + 22, 0, 4);
    uint32_t sum = av_crc(table, 0, p, length);
    return av_bswap32(sum) == wanted;
}

struct pages {
    int64_t n, wrong, first_wrong; /* pages, those with a wrong sum, and where the first is */
    int64_t lost, first_lost;      /* bytes between pages */
};

static void read_pages(struct pages *pages, int fd, int64_t size, uint8_t *page)
{
    int64_t at = 0;

    while (at + PAGE_HEAD <= size) {
        size_t n = size - at < PAGE_MOST ? (size_t)(size - at) : PAGE_MOST;
        if (!mt_bytes_at(fd, at, page, n))
            return;
        size_t length = page_length(page, n);
        if (length > n)
            return;
        if (length == 0) {
            const uint8_t *next = memmem(page + 1, n - 1, "OggS", 4);
            length = next ? (size_t)(next - page) : n > 4 ? n - 3 : n;
            pages->first_lost = pages->lost ? pages->first_lost : at;
            pages->lost += (int64_t)length;
        } else {
            pages->n++;
            if (!page_is_sound(page, length) && pages->wrong++ == 0)
                pages->first_wrong = at;
        }
        at += (int64_t)length;
    }
}

static void check_pages(struct mt_issues *issues, int fd, int64_t size)
{
    uint8_t *page = size <= SUMMED_MOST ? malloc(PAGE_MOST) : NULL;
    struct pages pages = {0};

    if (!page)
        return;
    read_pages(&pages, fd, size, page);
    free(page);
    if (pages.wrong > 0)
        mt_issue(issues, "checksum", -1,
                 "the checksum of %lld of %lld pages is wrong, first at byte %lld",
                 (long long)pages.wrong, (long long)pages.n, (long long)pages.first_wrong);
    if (pages.lost > 0)
        mt_issue(issues, "corrupt_packets", -1, "%lld bytes from byte %lld on are no pages",
                 (long long)pages.lost, (long long)pages.first_lost);
}

/* The last page must be whole and say that it is the last. */
void mt_ends_ogg(struct mt_issues *issues, int fd, int64_t size)
{
    int64_t from = size > TAIL ? size - TAIL : 0, last = -1;
    size_t n = (size_t)(size - from);
    uint8_t *data = malloc(n);
    bool eos = false;

    issues->declared = true;
    if (!data)
        return;
    if (mt_bytes_at(fd, from, data, n))
        for (size_t i = 0; i + PAGE_HEAD <= n; i++) {
            size_t length = page_length(data + i, n - i);
            if (length == 0)
                continue;
            last = from + (int64_t)(i + length);
            eos = data[i + 5] & 4;
        }
    free(data);
    if (last > size)
        mt_issue_truncated(issues, "the last page is %lld bytes longer than the file",
                           (long long)(last - size));
    else if (last >= 0 && size - last < PAGE_HEAD && size > last)
        mt_issue_truncated(issues, "the last %lld bytes are no whole page",
                           (long long)(size - last));
    else if (!eos)
        mt_issue_truncated(issues, "there is no page that ends the stream");
    check_pages(issues, fd, size);
}
