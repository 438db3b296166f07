/* SPDX-License-Identifier: GPL-2.0-or-later */
/* buf.c - see buf.h. */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mt_buf_init(struct mt_buf *buf, size_t max)
{
    *buf = (struct mt_buf){.max = max < PTRDIFF_MAX ? max : PTRDIFF_MAX - 1};
}

void mt_buf_free(struct mt_buf *buf)
{
    free(buf->data);
    mt_buf_init(buf, buf->max);
}

void mt_buf_clear(struct mt_buf *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

int mt_buf_reserve(struct mt_buf *buf, size_t n, struct mt_err *err)
{
    if (n > buf->max - buf->len)
        return mt_fail(err, MT_ERR_LIMIT, "more than %zu bytes", buf->max);
    if (buf->cap > buf->len + n)
        return 0;

    size_t cap = buf->cap ? buf->cap * 2 : 256;
    if (cap <= buf->len + n)
        cap = buf->len + n + 1;
    if (cap > buf->max + 1)
        cap = buf->max + 1;
    char *data = realloc(buf->data, cap);
    if (!data)
        return mt_fail_errno(err, "cannot hold %zu bytes", cap);
    buf->data = data;
    buf->cap = cap;
    data[buf->len] = '\0';
    return 0;
}

int mt_buf_add(struct mt_buf *buf, const void *data, size_t n, struct mt_err *err)
{
    if (mt_buf_reserve(buf, n, err) < 0)
        return -1;
    if (n)
        memcpy(buf->data + buf->len, data, n);
    buf->len += n;
    buf->data[buf->len] = '\0';
    return 0;
}

int mt_buf_printf(struct mt_buf *buf, struct mt_err *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || mt_buf_reserve(buf, (size_t)n, err) < 0)
        return n < 0 ? mt_fail(err, MT_ERR_BUG, "bad format '%s'", fmt) : -1;
    va_start(ap, fmt);
    vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    buf->len += (size_t)n;
    return 0;
}

void mt_buf_consume(struct mt_buf *buf, size_t n)
{
    if (n >= buf->len) {
        mt_buf_clear(buf);
        return;
    }
    memmove(buf->data, buf->data + n, buf->len - n + 1);
    buf->len -= n;
}
