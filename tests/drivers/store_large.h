/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store_large.h - large objects, and those past the page cache; included by store.c, once. */
#ifndef MT_TESTS_STORE_LARGE_H
#define MT_TESTS_STORE_LARGE_H

static void test_large(struct mt_store *s)
{
    enum { N = 20000000, CHUNK = 99991 };
    unsigned char *a = mt_alloc(CHUNK), *b = mt_alloc(CHUNK);
    struct mt_put *p;
    int64_t size = 0;
    int same = 1;

    T(mt_store_begin(s, "large", &p, &err) == 0, "begin a large object");
    for (size_t at = 0; at < N; at += CHUNK) {
        memset(a, (int)(at / CHUNK) & 0xff, CHUNK);
        same &= mt_put_write(p, a, N - at < CHUNK ? N - at : CHUNK, &err) == 0;
    }
    T(same && mt_put_commit(&p, NULL, &err) == 0, "write and commit it");
    T(mt_store_stat(s, "large", &size, &err) == 0 && size == N, "its size");
    int fd = mt_store_get(s, "large", &err);
    for (size_t at = 0; at < N; at += CHUNK) {
        size_t n = N - at < CHUNK ? N - at : CHUNK;
        memset(a, (int)(at / CHUNK) & 0xff, CHUNK);
        same &= mt_read_full(fd, b, n) == (ssize_t)n && memcmp(a, b, n) == 0;
    }
    T(same && read(fd, a, 1) == 0, "its bytes");
    mt_fd_close(&fd);
    T(mt_store_remove(s, "large", &err) == 0, "its removal");
    free(a);
    free(b);
}

/* A hint that may be ignored but never change what is written, whatever the pieces. */
static void test_uncached(struct mt_store *s)
{
    static const size_t pieces[] = {65536, 4096, 100, 4096, 65536, 7};
    enum { PIECES = sizeof pieces / sizeof *pieces, ALL = 139371 };
    unsigned char *a = mt_alloc_aligned(65536, MT_PUT_ALIGN), *b = mt_alloc(ALL + 1);
    struct mt_put *p;
    size_t at = 0;
    int same = mt_store_begin(s, "uncached", &p, &err) == 0;

    mt_put_uncached(p, true);
    for (size_t i = 0; i < PIECES; i++) {
        memset(a, (int)i + 1, 65536);
        same &= mt_put_write(p, a, pieces[i], &err) == 0;
    }
    T((fcntl(mt_put_fd(p), F_GETFL) & O_DIRECT) == 0, "odd pieces go through the cache again");
    T(same && mt_put_commit(&p, NULL, &err) == 0, "write past the cache and commit");
    int fd = mt_store_get(s, "uncached", &err);
    T(mt_read_full(fd, b, ALL + 1) == ALL, "it is as long as it was written");
    for (size_t i = 0; i < PIECES; at += pieces[i++])
        for (size_t k = 0; k < pieces[i]; k++)
            same &= b[at + k] == i + 1;
    T(same, "every piece is where it was written");
    mt_fd_close(&fd);
    T(mt_store_remove(s, "uncached", &err) == 0, "its removal");
    free(a);
    free(b);
}

#endif
