/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * short.c - SHA-256 of what is short, and HMAC with it.
 *
 * Sources: FIPS 180-4, sections 4.1.2, 4.2.2, 5.3.3 and 6.2; RFC 2104. No branch and no index
 * depends on the data, so the time tells nothing of a key.
 */
#include "digest/internal.h"

#include <string.h>

enum { BLOCK = 64, LENGTH_AT = 56 };

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int bits)
{
    return x >> bits | x << (32 - bits);
}

static void schedule(const unsigned char *p, uint32_t w[64])
{
    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15];
        uint32_t b = w[i - 2];
        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
               (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
}

static void add_block(uint32_t h[8], const unsigned char *block)
{
    uint32_t w[64];
    uint32_t a = h[0];
    uint32_t b = h[1];
    uint32_t c = h[2];
    uint32_t d = h[3];
    uint32_t e = h[4];
    uint32_t f = h[5];
    uint32_t g = h[6];
    uint32_t last = h[7];

    schedule(block, w);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 =
            last + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
        uint32_t t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        last = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    const uint32_t add[8] = {a, b, c, d, e, f, g, last};
    for (int i = 0; i < 8; i++)
        h[i] += add[i];
}

void mt_short_open(struct mt_short *s)
{
    /* The same of the square roots of the first eight. */
    *s = (struct mt_short){.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void mt_short_add(struct mt_short *s, const void *data, size_t n)
{
    const unsigned char *p = data;

    while (n > 0) {
        size_t at = s->n % BLOCK;
        size_t some = n < BLOCK - at ? n : BLOCK - at;
        memcpy(s->block + at, p, some);
        s->n += some;
        p += some;
        n -= some;
        if (s->n % BLOCK == 0)
            add_block(s->h, s->block);
    }
}

void mt_short_end(struct mt_short *s, unsigned char raw[MT_SHA256_SIZE])
{
    static const unsigned char padding[BLOCK] = {0x80};
    uint64_t bits = s->n * 8;
    size_t at = s->n % BLOCK;
    unsigned char length[8];

    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    mt_short_add(s, padding, at < LENGTH_AT ? LENGTH_AT - at : BLOCK + LENGTH_AT - at);
    mt_short_add(s, length, sizeof length);
    for (int i = 0; i < MT_SHA256_SIZE; i++)
        raw[i] = (unsigned char)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void mt_sha256_short(const void *data, size_t n, unsigned char raw[MT_SHA256_SIZE])
{
    struct mt_short s;

    mt_short_open(&s);
    mt_short_add(&s, data, n);
    mt_short_end(&s, raw);
}

void mt_hmac_sha256(const void *key, size_t key_n, const void *data, size_t n,
                    unsigned char mac[MT_HMAC_SIZE])
{
    unsigned char pad[BLOCK] = {0};
    struct mt_short s;

    if (key_n > BLOCK)
        mt_sha256_short(key, key_n, pad);
    else
        memcpy(pad, key, key_n);
    for (int i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36;
    mt_short_open(&s);
    mt_short_add(&s, pad, BLOCK);
    mt_short_add(&s, data, n);
    mt_short_end(&s, mac);
    for (int i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    mt_short_open(&s);
    mt_short_add(&s, pad, BLOCK);
    mt_short_add(&s, mac, MT_HMAC_SIZE);
    mt_short_end(&s, mac);
    explicit_bzero(pad, sizeof pad);
}

bool mt_equal_constant(const void *a, const void *b, size_t n)
{
    const volatile unsigned char *p = a;
    const volatile unsigned char *q = b;
    unsigned char differ = 0;

    for (size_t i = 0; i < n; i++)
        differ |= p[i] ^ q[i];
    return differ == 0;
}
