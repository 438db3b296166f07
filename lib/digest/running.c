/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.c - see running.h.
 *
 * EVP, OpenSSL's newer interface, has no way to keep a hash under way. The older
 * one has, with the same speed: its state is a public structure.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "digest/running.h"

#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 8, BLOCK = 64 };

struct mt_running {
    SHA256_CTX ctx;
    int64_t count;
};

void mt_running_open(struct mt_running **out)
{
    *out = mt_alloc(sizeof **out);
    SHA256_Init(&(*out)->ctx);
}

void mt_running_close(struct mt_running **run)
{
    free(*run);
    *run = NULL;
}

void mt_running_add(struct mt_running *run, const void *data, size_t n)
{
    SHA256_Update(&run->ctx, data, n);
    run->count += (int64_t)n;
}

int64_t mt_running_count(const struct mt_running *run)
{
    return run->count;
}

void mt_running_hex(const struct mt_running *run, char hex[MT_SHA256_TEXT])
{
    SHA256_CTX copy = run->ctx;
    unsigned char raw[SHA256_DIGEST_LENGTH];

    SHA256_Final(raw, &copy);
    for (size_t i = 0; i < sizeof raw; i++)
        snprintf(hex + 2 * i, 3, "%02x", raw[i]);
}

static void put(unsigned char *out, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        out[i] = (unsigned char)(value & 0xff);
}

static uint64_t get(const unsigned char *in, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | in[i];
    return value;
}

void mt_running_save(const struct mt_running *run, unsigned char state[MT_RUNNING_STATE])
{
    memset(state, 0, MT_RUNNING_STATE);
    for (int i = 0; i < WORDS; i++)
        put(state + 4 * i, run->ctx.h[i], 4);
    put(state + 4 * WORDS, (uint64_t)run->count, 8);
    memcpy(state + 4 * WORDS + 8, run->ctx.data, run->ctx.num);
}

int mt_running_restore(struct mt_running *run, const unsigned char state[MT_RUNNING_STATE],
                       struct mt_err *err)
{
    uint64_t count = get(state + 4 * WORDS, 8);

    if (count > (uint64_t)INT64_MAX / 8)
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "the state of a hash covers %llu bytes",
                       (unsigned long long)count);
    SHA256_Init(&run->ctx);
    for (int i = 0; i < WORDS; i++)
        run->ctx.h[i] = (SHA_LONG)get(state + 4 * i, 4);
    run->ctx.Nl = (SHA_LONG)((count << 3) & 0xffffffff);
    run->ctx.Nh = (SHA_LONG)(count >> 29);
    run->ctx.num = (unsigned)(count % BLOCK);
    memcpy(run->ctx.data, state + 4 * WORDS + 8, run->ctx.num);
    run->count = (int64_t)count;
    return 0;
}

/* --- a checksum by its name --- */

struct mt_checksum {
    EVP_MD_CTX *ctx;
};

size_t mt_checksum_size(const char *algorithm)
{
    return strcmp(algorithm, "sha1") == 0 ? 20 : strcmp(algorithm, "sha256") == 0 ? 32 : 0;
}

int mt_checksum_open(struct mt_checksum **out, const char *algorithm, struct mt_err *err)
{
    size_t size = mt_checksum_size(algorithm);

    if (!size)
        return mt_fail(err, MT_ERR_USAGE, "there is no checksum '%s'; known are sha1 and sha256",
                       algorithm);
    struct mt_checksum *sum = mt_alloc(sizeof *sum);
    sum->ctx = EVP_MD_CTX_new();
    if (!sum->ctx ||
        EVP_DigestInit_ex(sum->ctx, size == 20 ? EVP_sha1() : EVP_sha256(), NULL) != 1) {
        mt_checksum_close(&sum);
        return mt_fail(err, MT_ERR_UNAVAILABLE, "libcrypto offers no %s", algorithm);
    }
    *out = sum;
    return 0;
}

void mt_checksum_close(struct mt_checksum **sum)
{
    if (!*sum)
        return;
    EVP_MD_CTX_free((*sum)->ctx);
    free(*sum);
    *sum = NULL;
}

int mt_checksum_add(struct mt_checksum *sum, const void *data, size_t n, struct mt_err *err)
{
    if (EVP_DigestUpdate(sum->ctx, data, n) != 1)
        return mt_fail(err, MT_ERR_BUG, "a checksum failed");
    return 0;
}

int mt_checksum_end(struct mt_checksum *sum, unsigned char raw[MT_CHECKSUM_MAX], size_t *n,
                    struct mt_err *err)
{
    unsigned size = 0;

    if (EVP_DigestFinal_ex(sum->ctx, raw, &size) != 1 || size > MT_CHECKSUM_MAX)
        return mt_fail(err, MT_ERR_BUG, "a checksum failed");
    *n = size;
    return 0;
}
