/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lines.c - NDJSON and lists of names, a line at a time; see json.h. */
#include "json/json.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void mt_lines_init(struct mt_lines *lines, int fd, char separator, size_t max)
{
    *lines = (struct mt_lines){.fd = fd, .name = "standard input", .separator = separator};
    mt_buf_init(&lines->buf, max + 1);
}

void mt_lines_free(struct mt_lines *lines)
{
    mt_buf_free(&lines->buf);
}

/* Reads more; 0 at the end of the file, -1 on failure, -2 when the ceiling is met. */
static int fill(struct mt_lines *lines, struct mt_err *err)
{
    struct mt_buf *buf = &lines->buf;
    size_t want = buf->max - buf->len < 65536 ? buf->max - buf->len : 65536;

    if (want == 0)
        return -2;
    if (mt_buf_reserve(buf, want, err) < 0)
        return -1;
    for (;;) {
        ssize_t n = read(lines->fd, buf->data + buf->len, want);
        if (n < 0 && errno == EINTR) {
            if (lines->interrupted && lines->interrupted())
                return mt_fail(err, MT_ERR_CANCELLED, "stopped while waiting for %s", lines->name);
            continue;
        }
        if (n < 0)
            return mt_fail_errno(err, "cannot read %s", lines->name);
        buf->len += (size_t)n;
        return n > 0;
    }
}

/* Drops the rest of a line that is too long. */
static int skip(struct mt_lines *lines, struct mt_err *err)
{
    struct mt_err reason;
    int more = 1;

    mt_fail(&reason, MT_ERR_BAD_DOCUMENT, "line %lld of %s is longer than %zu bytes",
            (long long)lines->number, lines->name, lines->buf.max - 1);
    while (more > 0) {
        const char *end =
            lines->buf.len ? memchr(lines->buf.data, lines->separator, lines->buf.len) : NULL;
        if (end) {
            lines->used = (size_t)(end - lines->buf.data) + 1;
            break;
        }
        mt_buf_clear(&lines->buf);
        more = fill(lines, err);
        lines->eof = more == 0;
    }
    if (more < 0)
        return -1;
    *err = reason;
    return -1;
}

int mt_lines_next(struct mt_lines *lines, char **line, size_t *n, struct mt_err *err)
{
    struct mt_buf *buf = &lines->buf;
    size_t looked = 0;

    if (lines->used > 0)
        mt_buf_consume(buf, lines->used);
    lines->used = 0;
    lines->number++;
    for (;;) {
        char *end = buf->len > looked
                        ? memchr(buf->data + looked, lines->separator, buf->len - looked)
                        : NULL;
        if (end || (lines->eof && buf->len > 0)) {
            *n = end ? (size_t)(end - buf->data) : buf->len;
            lines->used = *n + (end != NULL);
            buf->data[*n] = '\0';
            *line = buf->data;
            return 1;
        }
        if (lines->eof)
            return 0;
        looked = buf->len;
        int more = fill(lines, err);
        if (more == -2)
            return skip(lines, err);
        if (more < 0)
            return -1;
        lines->eof = more == 0;
    }
}
