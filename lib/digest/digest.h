/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * digest.h - SHA-256 (FIPS 180-4) and HMAC (RFC 2104).
 *
 * Files are hashed by libcrypto, which uses what the processor has for it. It is loaded when it
 * is first needed: a program that is linked with it starts a millisecond later, which is
 * half of what a CGI takes. What is short (tokens, URLs, keys of jobs) is hashed here.
 */
#ifndef MT_DIGEST_DIGEST_H
#define MT_DIGEST_DIGEST_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { MT_SHA256_SIZE = 32, MT_SHA256_TEXT = 65 }; /* as bytes; as 64 hex digits and a NUL */

struct mt_sha256; /* a hash under way */

/* MT_ERR_UNAVAILABLE if libcrypto cannot be loaded. */
int mt_sha256_open(struct mt_sha256 **out, struct mt_err *err) MT_MUST_USE;

/* Adds n bytes. */
int mt_sha256_add(struct mt_sha256 *sha, const void *data, size_t n,
                  struct mt_err *err) MT_MUST_USE;

/* The hash of all that was added, in lower case; nothing more may be added. */
int mt_sha256_end(struct mt_sha256 *sha, char hex[MT_SHA256_TEXT], struct mt_err *err) MT_MUST_USE;

void mt_sha256_close(struct mt_sha256 **sha);

/* Of n bytes in memory. */
int mt_sha256_of(const void *data, size_t n, char hex[MT_SHA256_TEXT],
                 struct mt_err *err) MT_MUST_USE;

/* Of what is short: the bytes, without libcrypto. */
void mt_sha256_short(const void *data, size_t n, unsigned char raw[MT_SHA256_SIZE]);

/* HMAC-SHA256 of n bytes, which are not many, under a key. */
enum { MT_HMAC_SIZE = MT_SHA256_SIZE };
void mt_hmac_sha256(const void *key, size_t key_n, const void *data, size_t n,
                    unsigned char mac[MT_HMAC_SIZE]);

/* Whether n bytes are equal, in a time that does not tell where they differ. */
bool mt_equal_constant(const void *a, const void *b, size_t n);

/* Of the whole file behind fd, read from offset 0 with pread(); its position stays. */
int mt_sha256_fd(int fd, char hex[MT_SHA256_TEXT], struct mt_err *err) MT_MUST_USE;

#endif
