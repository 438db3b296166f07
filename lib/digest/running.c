/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.c - see running.h.
 *
 * The state of libcrypto's older interface is a public structure.
 */
#include "digest/running.h"
#include "digest/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = 8, BLOCK = 64 };

struct mt_running {
    struct mt_crypto crypto;
    SHA256_CTX ctx;
    int64_t count;
};

int mt_running_open(struct mt_running **out, struct mt_err *err)
{
    struct mt_running *run = mt_alloc(sizeof *run);

    *out = NULL;
    if (mt_crypto_load(&run->crypto, err) < 0) {
        free(run);
        return -1;
    }
    run->crypto.SHA256_Init(&run->ctx);
    *out = run;
    return 0;
}

void mt_running_close(struct mt_running **run)
{
    free(*run);
    *run = NULL;
}

void mt_running_add(struct mt_running *run, const void *data, size_t n)
{
    run->crypto.SHA256_Update(&run->ctx, data, n);
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

    run->crypto.SHA256_Final(raw, &copy);
    mt_hex(raw, sizeof raw, hex);
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

void mt_running_blank(unsigned char state[MT_RUNNING_STATE])
{
    struct mt_short s;

    mt_short_open(&s);
    memset(state, 0, MT_RUNNING_STATE);
    for (int i = 0; i < WORDS; i++)
        put(state + 4 * i, s.h[i], 4);
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
    run->crypto.SHA256_Init(&run->ctx);
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
    struct mt_crypto crypto;
    size_t size; /* which tells the algorithm */
    union {
        SHA_CTX sha1;
        SHA256_CTX sha256;
    } ctx;
};

size_t mt_checksum_size(const char *algorithm)
{
    return strcmp(algorithm, "sha1") == 0     ? SHA_DIGEST_LENGTH
           : strcmp(algorithm, "sha256") == 0 ? SHA256_DIGEST_LENGTH
                                              : 0;
}

int mt_checksum_open(struct mt_checksum **out, const char *algorithm, struct mt_err *err)
{
    size_t size = mt_checksum_size(algorithm);

    *out = NULL;
    if (!size)
        return mt_fail(err, MT_ERR_USAGE, "there is no checksum '%s'; known are sha1 and sha256",
                       algorithm);
    struct mt_checksum *sum = mt_alloc(sizeof *sum);
    sum->size = size;
    if (mt_crypto_load(&sum->crypto, err) < 0) {
        free(sum);
        return -1;
    }
    if (size == SHA_DIGEST_LENGTH)
        sum->crypto.SHA1_Init(&sum->ctx.sha1);
    else
        sum->crypto.SHA256_Init(&sum->ctx.sha256);
    *out = sum;
    return 0;
}

void mt_checksum_close(struct mt_checksum **sum)
{
    free(*sum);
    *sum = NULL;
}

int mt_checksum_add(struct mt_checksum *sum, const void *data, size_t n, struct mt_err *err)
{
    int ok = sum->size == SHA_DIGEST_LENGTH ? sum->crypto.SHA1_Update(&sum->ctx.sha1, data, n)
                                            : sum->crypto.SHA256_Update(&sum->ctx.sha256, data, n);

    return ok == 1 ? 0 : mt_fail(err, MT_ERR_BUG, "a checksum failed");
}

int mt_checksum_end(struct mt_checksum *sum, unsigned char raw[MT_CHECKSUM_MAX], size_t *n,
                    struct mt_err *err)
{
    int ok = sum->size == SHA_DIGEST_LENGTH ? sum->crypto.SHA1_Final(raw, &sum->ctx.sha1)
                                            : sum->crypto.SHA256_Final(raw, &sum->ctx.sha256);

    *n = sum->size;
    return ok == 1 ? 0 : mt_fail(err, MT_ERR_BUG, "a checksum failed");
}
