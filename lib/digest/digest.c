/* SPDX-License-Identifier: GPL-2.0-or-later */
/* digest.c - see digest.h. */
#include "digest/internal.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHUNK = 1 << 20, SHORT_MAX = 16 * 1024 };

struct mt_sha256 {
    struct mt_crypto crypto;
    SHA256_CTX ctx;
};

void mt_hex(const unsigned char *raw, size_t n, char *hex)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *hex++ = digits[raw[i] >> 4];
        *hex++ = digits[raw[i] & 15];
    }
    *hex = '\0';
}

int mt_sha256_open(struct mt_sha256 **out, struct mt_err *err)
{
    struct mt_sha256 *sha = mt_alloc(sizeof *sha);

    *out = NULL;
    if (mt_crypto_load(&sha->crypto, err) < 0) {
        free(sha);
        return -1;
    }
    sha->crypto.SHA256_Init(&sha->ctx);
    *out = sha;
    return 0;
}

int mt_sha256_add(struct mt_sha256 *sha, const void *data, size_t n, struct mt_err *err)
{
    if (sha->crypto.SHA256_Update(&sha->ctx, data, n) != 1)
        return mt_fail(err, MT_ERR_BUG, "SHA-256 failed");
    return 0;
}

int mt_sha256_end(struct mt_sha256 *sha, char hex[MT_SHA256_TEXT], struct mt_err *err)
{
    unsigned char raw[MT_SHA256_SIZE];

    if (sha->crypto.SHA256_Final(raw, &sha->ctx) != 1)
        return mt_fail(err, MT_ERR_BUG, "SHA-256 failed");
    mt_hex(raw, sizeof raw, hex);
    return 0;
}

void mt_sha256_close(struct mt_sha256 **sha)
{
    free(*sha);
    *sha = NULL;
}

int mt_sha256_of(const void *data, size_t n, char hex[MT_SHA256_TEXT], struct mt_err *err)
{
    struct mt_sha256 *sha = NULL;
    unsigned char raw[MT_SHA256_SIZE];
    int ret = -1;

    if (n <= SHORT_MAX) {
        mt_sha256_short(data, n, raw);
        mt_hex(raw, sizeof raw, hex);
        return 0;
    }
    if (mt_sha256_open(&sha, err) == 0 && mt_sha256_add(sha, data, n, err) == 0)
        ret = mt_sha256_end(sha, hex, err);
    mt_sha256_close(&sha);
    return ret;
}

int mt_sha256_fd(int fd, char hex[MT_SHA256_TEXT], struct mt_err *err)
{
    struct mt_sha256 *sha = NULL;
    unsigned char *chunk = mt_realloc(NULL, CHUNK, 1);
    int64_t at = 0;
    ssize_t n;
    int ret = -1;

    if (mt_sha256_open(&sha, err) < 0)
        goto out;
    while ((n = mt_pread_full(fd, chunk, CHUNK, at)) > 0) {
        if (mt_sha256_add(sha, chunk, (size_t)n, err) < 0)
            goto out;
        at += n;
    }
    if (n < 0) {
        mt_fail_errno(err, "cannot read back what was written");
        goto out;
    }
    ret = mt_sha256_end(sha, hex, err);
out:
    mt_sha256_close(&sha);
    free(chunk);
    return ret;
}
