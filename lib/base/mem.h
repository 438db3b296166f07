/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mem.h - memory of sizes that we choose.
 *
 * These end the program with status 1 when memory is short: use them for
 * structures and short strings. A size that comes from a file, the network or
 * a user is bounded first and goes through base/buf.h, which fails instead.
 */
#ifndef MT_BASE_MEM_H
#define MT_BASE_MEM_H

#include "base/err.h"

#include <stddef.h>

/* n zeroed bytes; free() them. */
void *mt_alloc(size_t n) __attribute__((malloc, returns_nonnull));

/* p, resized to count elements of size bytes; p may be NULL. New bytes are not zeroed. */
void *mt_realloc(void *p, size_t count, size_t size) __attribute__((returns_nonnull));

/* n bytes, not zeroed, at a multiple of align, a power of two; free() them. */
void *mt_alloc_aligned(size_t n, size_t align) __attribute__((malloc, returns_nonnull));

/* A copy of s, or NULL if s is NULL; free() it. */
char *mt_strdup(const char *s);

/* The first n bytes of s as a string; free() it. */
char *mt_strndup(const char *s, size_t n) __attribute__((returns_nonnull));

/* A formatted string; free() it. */
char *mt_asprintf(const char *fmt, ...) MT_PRINTF(1, 2) __attribute__((returns_nonnull));

#endif
