/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mem.c - see mem.h. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *check(void *p)
{
    static const char msg[] = "media-toolkit: out of memory\n";

    if (!p) {
        ssize_t ignored = write(STDERR_FILENO, msg, sizeof msg - 1);
        (void)ignored;
        _exit(1);
    }
    return p;
}

void *mt_alloc(size_t n)
{
    return check(calloc(1, n ? n : 1));
}

void *mt_realloc(void *p, size_t count, size_t size)
{
    return check(reallocarray(p, count ? count : 1, size));
}

void *mt_alloc_aligned(size_t n, size_t align)
{
    void *p = NULL;

    return check(posix_memalign(&p, align, n ? n : 1) == 0 ? p : NULL);
}

char *mt_strdup(const char *s)
{
    return s ? check(strdup(s)) : NULL;
}

char *mt_strndup(const char *s, size_t n)
{
    return check(strndup(s, n));
}

char *mt_asprintf(const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        s = NULL;
    va_end(ap);
    return check(s);
}
