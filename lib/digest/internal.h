/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - libcrypto, as far as it is used; shared by the files of lib/digest only. */
#ifndef MT_DIGEST_INTERNAL_H
#define MT_DIGEST_INTERNAL_H

#define OPENSSL_SUPPRESS_DEPRECATED
#include "digest/digest.h"

#include <openssl/opensslv.h>
#include <openssl/sha.h>
#include <stdint.h>

/*
 * The older interface: it is as fast as EVP, reads no configuration and loads no provider
 * when it is first used, and the state of a hash under way can be kept.
 */
#define MT_CRYPTO_FUNCTIONS(F)                                                                     \
    F(SHA1_Init)                                                                                   \
    F(SHA1_Update)                                                                                 \
    F(SHA1_Final)                                                                                  \
    F(SHA256_Init)                                                                                 \
    F(SHA256_Update)                                                                               \
    F(SHA256_Final)

struct mt_crypto {
#define MT_CRYPTO_MEMBER(name) __typeof__(name) *name;
    MT_CRYPTO_FUNCTIONS(MT_CRYPTO_MEMBER)
#undef MT_CRYPTO_MEMBER
};

/* library.c: MT_ERR_UNAVAILABLE with what to install. It stays loaded. */
int mt_crypto_load(struct mt_crypto *crypto, struct mt_err *err) MT_MUST_USE;

/* Lower case, with a NUL. */
void mt_hex(const unsigned char *raw, size_t n, char *hex);

/* short.c: SHA-256 of what comes in pieces. */
struct mt_short {
    uint32_t h[8];
    uint64_t n; /* bytes so far */
    unsigned char block[64];
};

void mt_short_open(struct mt_short *s);
void mt_short_add(struct mt_short *s, const void *data, size_t n);
void mt_short_end(struct mt_short *s, unsigned char raw[MT_SHA256_SIZE]);

#endif
