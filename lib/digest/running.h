/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.h - a SHA-256 that another process can go on with, and checksums of chunks.
 *
 * The state of a hash under way (FIPS 180-4, section 6.2) is the eight words, the
 * number of bytes so far and those of the last block that is not full yet.
 */
#ifndef MT_DIGEST_RUNNING_H
#define MT_DIGEST_RUNNING_H

#include "base/err.h"
#include "digest/digest.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of a kept state: 8 words, a length (both big-endian) and one block. */
enum { MT_RUNNING_STATE = 32 + 8 + 64 };

struct mt_running; /* a hash under way */

/* One of no bytes. MT_ERR_UNAVAILABLE if libcrypto cannot be loaded. */
int mt_running_open(struct mt_running **out, struct mt_err *err) MT_MUST_USE;
void mt_running_close(struct mt_running **run);

/* Adds n bytes. */
void mt_running_add(struct mt_running *run, const void *data, size_t n);

/* How many bytes it covers. */
int64_t mt_running_count(const struct mt_running *run);

/* The hash so far, in lower case; more may be added afterwards. */
void mt_running_hex(const struct mt_running *run, char hex[MT_SHA256_TEXT]);

/* The state, the same on all machines. */
void mt_running_save(const struct mt_running *run, unsigned char state[MT_RUNNING_STATE]);

/* The state of a hash of no bytes. */
void mt_running_blank(unsigned char state[MT_RUNNING_STATE]);

/* Goes on from a state; MT_ERR_BAD_DOCUMENT, with *run unchanged, if it cannot be one. */
int mt_running_restore(struct mt_running *run, const unsigned char state[MT_RUNNING_STATE],
                       struct mt_err *err) MT_MUST_USE;

/* --- a checksum by its name --- */

enum { MT_CHECKSUM_MAX = 32 }; /* bytes of the longest one */

struct mt_checksum;

/* algorithm: "sha1" or "sha256"; MT_ERR_USAGE for another. */
int mt_checksum_open(struct mt_checksum **out, const char *algorithm,
                     struct mt_err *err) MT_MUST_USE;
void mt_checksum_close(struct mt_checksum **sum);

int mt_checksum_add(struct mt_checksum *sum, const void *data, size_t n,
                    struct mt_err *err) MT_MUST_USE;

/* The raw bytes, their number in *n; nothing may be added afterwards. */
int mt_checksum_end(struct mt_checksum *sum, unsigned char raw[MT_CHECKSUM_MAX], size_t *n,
                    struct mt_err *err) MT_MUST_USE;

/* How many bytes a checksum of that name has; 0 if there is none. */
size_t mt_checksum_size(const char *algorithm);

#endif
