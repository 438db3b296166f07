/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multipart.c - see multipart.h.
 *
 * The delimiter CRLF "--" boundary is looked for in the stream by what of it has
 * been matched so far, so that nothing has to be kept but that number: what was
 * matched and turned out to be none is the beginning of the delimiter itself. A CR
 * stands only at its beginning (a boundary cannot hold one), so that a
 * mismatch never has to go back further than to the current byte. The message begins
 * as if a CRLF stood before it.
 */
#include "multipart/multipart.h"

#include "base/mem.h"
#include "base/text.h"
#include "multipart/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state {
    PREAMBLE,
    BOUNDARY, /* after a delimiter: CRLF, "--", or blanks before one of them */
    HEADERS,
    BODY,
    EPILOGUE,
};

struct mt_multipart {
    struct mt_part_sink sink;
    char delimiter[MT_MULTIPART_BOUNDARY_MAX + 5];
    size_t length;  /* of it */
    size_t matched; /* bytes of it */
    size_t given;   /* of those, bytes that are no part of what is being read */
    enum state state;
    size_t outside; /* bytes of preamble or epilogue */
    int parts;
    int headers; /* lines of this part */
    size_t used; /* of line and, in total, of this part's headers */
    size_t total;
    char tail[3]; /* after a delimiter */
    size_t tail_n;
    struct mt_part part;
    char line[MT_MULTIPART_HEADER_BYTES + 1];
};

void mt_multipart_open(struct mt_multipart **out, const char *boundary,
                       const struct mt_part_sink *sink)
{
    struct mt_multipart *m = mt_alloc(sizeof *m);

    m->sink = *sink;
    snprintf(m->delimiter, sizeof m->delimiter, "\r\n--%s", boundary);
    m->length = strlen(m->delimiter);
    m->matched = m->given = 2;
    *out = m;
}

void mt_multipart_close(struct mt_multipart **m)
{
    free(*m);
    *m = NULL;
}

/* --- outside of parts --- */

static int count_outside(struct mt_multipart *m, size_t n, struct mt_err *err)
{
    m->outside += n;
    if (m->outside <= MT_MULTIPART_OUTSIDE_MAX)
        return 0;
    return mt_fail(err, MT_ERR_LIMIT, "more than %d bytes %s the parts of the form",
                   MT_MULTIPART_OUTSIDE_MAX, m->state == PREAMBLE ? "before" : "after");
}

/* --- the bytes of a part --- */

static int give(struct mt_multipart *m, const void *data, size_t n, struct mt_err *err)
{
    if (n == 0)
        return 0;
    return m->state == PREAMBLE ? count_outside(m, n, err)
                                : m->sink.data(m->sink.ctx, data, n, err);
}

static int found_delimiter(struct mt_multipart *m, struct mt_err *err)
{
    m->matched = m->given = 0;
    m->tail_n = 0;
    if (m->state == BODY && m->sink.end(m->sink.ctx, err) < 0)
        return -1;
    m->state = BOUNDARY;
    return 0;
}

/* One byte of a possible delimiter. *used: whether it was taken; if not it is to be seen again. */
static int match(struct mt_multipart *m, char c, bool *used, struct mt_err *err)
{
    *used = c == m->delimiter[m->matched];
    if (*used)
        return ++m->matched == m->length ? found_delimiter(m, err) : 0;
    size_t from = m->given;
    size_t n = m->matched;
    m->matched = m->given = 0;
    return give(m, m->delimiter + from, n - from, err);
}

static int take_body(struct mt_multipart *m, const char *data, size_t n, size_t *taken,
                     struct mt_err *err)
{
    bool used;

    *taken = 0;
    if (m->matched > 0) {
        int ret = match(m, data[0], &used, err);
        *taken = used;
        return ret;
    }
    const char *cr = memchr(data, '\r', n);
    size_t plain = cr ? (size_t)(cr - data) : n;
    if (give(m, data, plain, err) < 0)
        return -1;
    *taken = plain;
    if (cr) {
        m->matched = 1;
        *taken += 1;
    }
    return 0;
}

/* --- after a delimiter --- */

static int begin_headers(struct mt_multipart *m, struct mt_err *err)
{
    if (++m->parts > MT_MULTIPART_PARTS_MAX)
        return mt_fail(err, MT_ERR_LIMIT, "the form has more than %d parts",
                       MT_MULTIPART_PARTS_MAX);
    memset(&m->part, 0, sizeof m->part);
    m->headers = 0;
    m->used = m->total = 0;
    m->state = HEADERS;
    return 0;
}

static int take_tail(struct mt_multipart *m, char c, struct mt_err *err)
{
    bool blank = c == ' ' || c == '\t';

    if (m->tail_n == 0 && blank) { /* transport padding, RFC 2046 */
        if (++m->total > MT_MULTIPART_BOUNDARY_MAX)
            return mt_fail(err, MT_ERR_BAD_DOCUMENT, "too many blanks follow a boundary");
        return 0;
    }
    m->tail[m->tail_n++] = c;
    if (m->tail_n < 2)
        return c == '\r' || c == '-' ? 0
                                     : mt_fail(err, MT_ERR_BAD_DOCUMENT,
                                               "a boundary of the form is followed by text");
    m->total = 0;
    if (m->tail[0] == '\r' && m->tail[1] == '\n')
        return begin_headers(m, err);
    if (m->tail[0] == '-' && m->tail[1] == '-') {
        m->state = EPILOGUE;
        m->outside = 0;
        return 0;
    }
    return mt_fail(err, MT_ERR_BAD_DOCUMENT, "a boundary of the form is followed by text");
}

/* --- headers --- */

static int end_headers(struct mt_multipart *m, struct mt_err *err)
{
    if (!m->part.name[0])
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "part %d of the form has no name", m->parts);
    m->state = BODY;
    /* The line's end may begin the delimiter: an empty part. */
    m->matched = m->given = 2;
    return m->sink.begin(m->sink.ctx, &m->part, err);
}

static int end_line(struct mt_multipart *m, struct mt_err *err)
{
    if (m->used == 0)
        return end_headers(m, err);
    if (++m->headers > MT_MULTIPART_HEADERS_MAX)
        return mt_fail(err, MT_ERR_LIMIT, "part %d of the form has more than %d headers", m->parts,
                       MT_MULTIPART_HEADERS_MAX);
    m->line[m->used] = '\0';
    m->used = 0;
    return mt_part_header(&m->part, m->line, err);
}

static int take_header(struct mt_multipart *m, char c, struct mt_err *err)
{
    if (++m->total > MT_MULTIPART_HEADER_BYTES)
        return mt_fail(err, MT_ERR_LIMIT, "the headers of part %d have more than %d bytes",
                       m->parts, MT_MULTIPART_HEADER_BYTES);
    if (c == '\n' && m->used > 0 && m->line[m->used - 1] == '\r') {
        m->used--;
        return end_line(m, err);
    }
    if (c == '\n' || c == '\0' || (m->used > 0 && m->line[m->used - 1] == '\r'))
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "a header of part %d does not end with CRLF",
                       m->parts);
    m->line[m->used++] = c;
    return 0;
}

/* --- all together --- */

static int take(struct mt_multipart *m, const char *data, size_t n, size_t *taken,
                struct mt_err *err)
{
    *taken = 1;
    switch (m->state) {
    case PREAMBLE:
    case BODY:
        return take_body(m, data, n, taken, err);
    case BOUNDARY:
        return take_tail(m, data[0], err);
    case HEADERS:
        return take_header(m, data[0], err);
    default:
        *taken = n;
        return count_outside(m, n, err);
    }
}

int mt_multipart_add(struct mt_multipart *m, const void *data, size_t n, struct mt_err *err)
{
    const char *at = data;
    const char *end = at + n;
    size_t taken;

    while (at < end) {
        if (take(m, at, (size_t)(end - at), &taken, err) < 0)
            return -1;
        at += taken;
    }
    return 0;
}

int mt_multipart_end(struct mt_multipart *m, struct mt_err *err)
{
    if (m->state == EPILOGUE)
        return 0;
    mt_fail(err, MT_ERR_TRUNCATED, "the form ends before its last boundary");
    return mt_hint(err, "send it again");
}
