/* SPDX-License-Identifier: GPL-2.0-or-later */
/* digest.c - see digest.h. */
#include "digest/digest.h"

#include "base/file.h"
#include "base/mem.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK = 1 << 20 };

struct mt_sha256 {
    EVP_MD_CTX *ctx;
};

int mt_sha256_open(struct mt_sha256 **out, struct mt_err *err)
{
    struct mt_sha256 *sha = mt_alloc(sizeof *sha);

    sha->ctx = EVP_MD_CTX_new();
    if (!sha->ctx || EVP_DigestInit_ex(sha->ctx, EVP_sha256(), NULL) != 1) {
        mt_sha256_close(&sha);
        return mt_fail(err, MT_ERR_UNAVAILABLE, "libcrypto offers no SHA-256");
    }
    *out = sha;
    return 0;
}

int mt_sha256_add(struct mt_sha256 *sha, const void *data, size_t n, struct mt_err *err)
{
    if (EVP_DigestUpdate(sha->ctx, data, n) != 1)
        return mt_fail(err, MT_ERR_BUG, "SHA-256 failed");
    return 0;
}

int mt_sha256_end(struct mt_sha256 *sha, char hex[MT_SHA256_TEXT], struct mt_err *err)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (EVP_DigestFinal_ex(sha->ctx, raw, &n) != 1 || n != 32)
        return mt_fail(err, MT_ERR_BUG, "SHA-256 failed");
    for (unsigned i = 0; i < n; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", raw[i]);
    return 0;
}

void mt_sha256_close(struct mt_sha256 **sha)
{
    if (!*sha)
        return;
    EVP_MD_CTX_free((*sha)->ctx);
    free(*sha);
    *sha = NULL;
}

int mt_sha256_of(const void *data, size_t n, char hex[MT_SHA256_TEXT], struct mt_err *err)
{
    struct mt_sha256 *sha = NULL;
    int ret = -1;

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

int mt_hmac_sha256(const void *key, size_t key_n, const void *data, size_t n,
                   unsigned char mac[MT_HMAC_SIZE], struct mt_err *err)
{
    unsigned got = 0;

    if (key_n <= INT_MAX && HMAC(EVP_sha256(), key, (int)key_n, data, n, mac, &got) &&
        got == MT_HMAC_SIZE)
        return 0;
    return mt_fail(err, MT_ERR_BUG, "HMAC-SHA256 failed");
}

bool mt_equal_constant(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
