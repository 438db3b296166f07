/* SPDX-License-Identifier: GPL-2.0-or-later */
/* digest.h - SHA-256 (FIPS 180-4), by libcrypto. */
#ifndef MT_DIGEST_DIGEST_H
#define MT_DIGEST_DIGEST_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { MT_SHA256_TEXT = 65 }; /* 64 hex digits and a NUL */

struct mt_sha256; /* a hash under way */

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

/* HMAC-SHA256 (RFC 2104) of n bytes under a key. */
enum { MT_HMAC_SIZE = 32 };
int mt_hmac_sha256(const void *key, size_t key_n, const void *data, size_t n,
                   unsigned char mac[MT_HMAC_SIZE], struct mt_err *err) MT_MUST_USE;

/* Whether n bytes are equal, in a time that does not tell where they differ. */
bool mt_equal_constant(const void *a, const void *b, size_t n);

/* Of the whole file behind fd, read from offset 0 with pread(); its position stays. */
int mt_sha256_fd(int fd, char hex[MT_SHA256_TEXT], struct mt_err *err) MT_MUST_USE;

#endif
