/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tokens.c - tokens that were verified a while ago.
 *
 * A client asks many times with one token, and a signature by a key pair takes longer to
 * verify than all the rest of an answer. What was verified holds until the token expires or the
 * keys change. Kept is the SHA-256 of a token, not the token.
 */
#include "api/internal.h"

#include "base/mem.h"
#include "digest/digest.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 512 };

struct mt_api_tokens {
    pthread_mutex_t lock;
    struct slot {
        bool used;
        unsigned char digest[MT_SHA256_SIZE];
        int64_t verified_us;
        struct mt_claims claims;
    } slots[SLOTS];
};

struct mt_api_tokens *mt_api_tokens_open(void)
{
    struct mt_api_tokens *t = mt_alloc(sizeof *t);

    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void mt_api_tokens_close(struct mt_api_tokens **tokens)
{
    if (!*tokens)
        return;
    pthread_mutex_destroy(&(*tokens)->lock);
    free(*tokens);
    *tokens = NULL;
}

static struct slot *slot_of(struct mt_api_tokens *t, const unsigned char *digest)
{
    return &t->slots[(digest[0] << 8 | digest[1]) % SLOTS];
}

/* A clock that was set back may make a token one that is not valid yet: it is verified anew. */
bool mt_api_tokens_find(struct mt_api_tokens *t, const char *token, int64_t now_us, int64_t skew_us,
                        struct mt_claims *claims)
{
    unsigned char digest[MT_SHA256_SIZE];

    if (!t)
        return false;
    mt_sha256_short(token, strlen(token), digest);
    pthread_mutex_lock(&t->lock);
    const struct slot *s = slot_of(t, digest);
    bool good = s->used && memcmp(s->digest, digest, sizeof digest) == 0 &&
                s->claims.expires_us > now_us - skew_us && now_us >= s->verified_us;
    if (good)
        *claims = s->claims;
    pthread_mutex_unlock(&t->lock);
    return good;
}

void mt_api_tokens_keep(struct mt_api_tokens *t, const char *token, int64_t now_us,
                        const struct mt_claims *claims)
{
    struct slot s = {.used = true, .verified_us = now_us, .claims = *claims};

    if (!t)
        return;
    mt_sha256_short(token, strlen(token), s.digest);
    pthread_mutex_lock(&t->lock);
    *slot_of(t, s.digest) = s;
    pthread_mutex_unlock(&t->lock);
}

void mt_api_tokens_forget(struct mt_api_tokens *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < SLOTS; i++)
        t->slots[i].used = false;
    pthread_mutex_unlock(&t->lock);
}
