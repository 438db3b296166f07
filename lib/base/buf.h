/* SPDX-License-Identifier: GPL-2.0-or-later */
/* buf.h - bytes that grow, up to a ceiling chosen for their use. */
#ifndef MT_BASE_BUF_H
#define MT_BASE_BUF_H

#include "base/err.h"

#include <stddef.h>

struct mt_buf {
    char *data; /* always followed by a NUL once anything was added; NULL before */
    size_t len; /* bytes, without the NUL */
    size_t cap; /* allocated */
    size_t max; /* len never exceeds this */
};

/* An empty buffer that refuses to hold more than max bytes. Allocates nothing. */
void mt_buf_init(struct mt_buf *buf, size_t max);

/* Frees the bytes; buf may be used again as after mt_buf_init(). */
void mt_buf_free(struct mt_buf *buf);

/* Forgets the content, keeps the memory. */
void mt_buf_clear(struct mt_buf *buf);

/* Appends n bytes. MT_ERR_LIMIT when that passes the ceiling (nothing is added then). */
int mt_buf_add(struct mt_buf *buf, const void *data, size_t n, struct mt_err *err) MT_MUST_USE;

/* Appends formatted text, as mt_buf_add(). */
int mt_buf_printf(struct mt_buf *buf, struct mt_err *err, const char *fmt, ...)
    MT_PRINTF(3, 4) MT_MUST_USE;

/* Makes room for n more bytes at data + len; the caller writes there and raises len. */
int mt_buf_reserve(struct mt_buf *buf, size_t n, struct mt_err *err) MT_MUST_USE;

/* Drops the first n bytes. */
void mt_buf_consume(struct mt_buf *buf, size_t n);

#endif
