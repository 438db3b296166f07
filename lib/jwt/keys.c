/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys.c - keys that tokens are verified and signed with. */
#include "jwt/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { RSA_BITS = 2048, SECRET_BITS = 256 };

static const struct {
    const char *kty, *alg;
} kinds[] = {{"oct", "HS256"}, {"RSA", "RS256"}, {"EC", "ES256"}};

/* The one algorithm that a key is for; NULL: none of ours. */
static const char *alg_of(const json_t *jwk)
{
    const char *kty = mt_json_str(jwk, "kty", "");
    const char *alg = mt_json_str(jwk, "alg", NULL);

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].kty, kty) != 0)
            continue;
        if (strcmp(kty, "EC") == 0 && strcmp(mt_json_str(jwk, "crv", ""), "P-256") != 0)
            return NULL;
        return !alg || strcmp(alg, kinds[i].alg) == 0 ? kinds[i].alg : NULL;
    }
    return NULL;
}

static int check_strength(const struct mt_jwt_keys *keys, const struct mt_jwt_key *key, size_t bits,
                          size_t least, struct mt_err *err)
{
    if (bits >= least)
        return 0;
    mt_fail(err, MT_ERR_CONFIG, "'%s': key '%s' has %zu bits, %zu are wanted", keys->file, key->kid,
            bits, least);
    return mt_hint(err, "media-api key makes one");
}

static int damaged(const struct mt_jwt_keys *keys, const char *kid, struct mt_err *err)
{
    return mt_fail(err, MT_ERR_CONFIG, "'%s': key '%.60s' is damaged", keys->file, kid);
}

/* --- key pairs --- */

static int load(struct mt_jwt_keys *keys, struct mt_err *err)
{
    if (!keys->loaded && mt_cjose_load(&keys->cjose, err) < 0)
        return -1;
    keys->loaded = true;
    return 0;
}

static int import(struct mt_jwt_keys *keys, struct mt_jwt_key *key, struct mt_err *err)
{
    if (key->jwk)
        return 0;
    if (load(keys, err) < 0)
        return -1;
    cjose_jwk_t *jwk = keys->cjose.cjose_jwk_import(key->text, strlen(key->text), NULL);
    if (!jwk)
        return damaged(keys, key->kid, err);
    size_t bits = keys->cjose.cjose_jwk_get_keysize(jwk, NULL);
    size_t least = strcmp(key->alg, "RS256") == 0 ? RSA_BITS : 0;
    if (check_strength(keys, key, bits, least, err) < 0) {
        keys->cjose.cjose_jwk_release(jwk);
        return -1;
    }
    key->jwk = jwk;
    return 0;
}

int mt_jwt_import(struct mt_jwt_keys *keys, struct mt_jwt_key *key, struct mt_err *err)
{
    pthread_mutex_lock(&keys->lock);
    int ret = import(keys, key, err);
    pthread_mutex_unlock(&keys->lock);
    return ret;
}

/* --- sets of keys --- */

/* Of HS256 the secret, of the others the text. */
static int keep(struct mt_jwt_keys *keys, struct mt_jwt_key *key, const json_t *jwk,
                struct mt_err *err)
{
    const char *k = mt_json_str(jwk, "k", "");

    if (strcmp(key->alg, "HS256") != 0) {
        key->text = mt_json_compact(jwk);
        key->can_sign = mt_json_at(jwk, "d") != NULL;
        return 0;
    }
    key->secret = mt_base64url_decode(k, strlen(k), &key->n);
    key->can_sign = true;
    if (!key->secret)
        return damaged(keys, key->kid, err);
    return check_strength(keys, key, 8 * key->n, SECRET_BITS, err);
}

static int add_key(struct mt_jwt_keys *keys, const json_t *jwk, struct mt_err *err)
{
    const char *use = mt_json_str(jwk, "use", "sig");
    const char *kid = mt_json_str(jwk, "kid", "");
    struct mt_jwt_key *key = &keys->list[keys->n];

    if (strcmp(use, "sig") != 0)
        return 0;
    if (keys->n == MT_JWT_KEYS_MAX)
        return mt_fail(err, MT_ERR_CONFIG, "'%s': more than %d keys", keys->file, MT_JWT_KEYS_MAX);
    if (!alg_of(jwk))
        return mt_fail(err, MT_ERR_CONFIG, "'%s': key '%.60s' is for none of HS256, RS256, ES256",
                       keys->file, kid);
    if (strlen(kid) > MT_JWT_KID_MAX)
        return mt_fail(err, MT_ERR_CONFIG, "'%s': a kid of over %d bytes", keys->file,
                       MT_JWT_KID_MAX);
    for (int i = 0; i < keys->n; i++)
        if (strcmp(keys->list[i].kid, kid) == 0)
            return mt_fail(err, MT_ERR_CONFIG, "'%s': a second key '%s'", keys->file, kid);
    key->kid = mt_strdup(kid);
    key->alg = alg_of(jwk);
    keys->n++;
    return keep(keys, key, jwk, err);
}

static int add_all(struct mt_jwt_keys *keys, const json_t *set, bool late, struct mt_err *err)
{
    size_t i;
    json_t *jwk;

    if (!json_is_array(json_object_get(set, "keys")))
        return mt_fail(err, MT_ERR_CONFIG, "'%s' is no JWKS: {\"keys\": [...]}", keys->file);
    json_array_foreach(json_object_get(set, "keys"), i, jwk)
    {
        if (add_key(keys, jwk, err) < 0)
            return -1;
    }
    if (keys->n == 0)
        return mt_fail(err, MT_ERR_CONFIG, "'%s' holds no key for signatures", keys->file);
    for (int at = 0; at < keys->n && !late; at++)
        if (keys->list[at].text && import(keys, &keys->list[at], err) < 0)
            return -1;
    return 0;
}

int mt_jwt_keys_open(struct mt_jwt_keys **out, const char *file, bool late, struct mt_err *err)
{
    struct mt_jwt_keys *keys = mt_alloc(sizeof *keys);
    json_t *set = mt_json_read_secret(file, err);
    int ret = -1;

    keys->file = mt_strdup(file);
    pthread_mutex_init(&keys->lock, NULL);
    if (set)
        ret = add_all(keys, set, late, err);
    if (ret < 0) {
        if (err->code != MT_ERR_UNAVAILABLE)
            err->code = MT_ERR_CONFIG;
        mt_jwt_keys_close(&keys);
    }
    *out = keys;
    json_decref(set);
    return ret;
}

static void forget(char *text, size_t n)
{
    if (text)
        explicit_bzero(text, n); /* secrets do not linger */
    free(text);
}

void mt_jwt_keys_close(struct mt_jwt_keys **keys)
{
    struct mt_jwt_keys *k = *keys;

    if (!k)
        return;
    for (int i = 0; i < k->n; i++) {
        struct mt_jwt_key *key = &k->list[i];
        if (key->jwk)
            k->cjose.cjose_jwk_release(key->jwk);
        forget((char *)key->secret, key->n);
        forget(key->text, key->text ? strlen(key->text) : 0);
        free(key->kid);
    }
    pthread_mutex_destroy(&k->lock);
    free(k->file);
    free(k);
    *keys = NULL;
}

/* --- new keys --- */

static json_t *make_secret(struct mt_err *err)
{
    unsigned char bytes[SECRET_BITS / 8];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        mt_fail_errno(err, "cannot make a secret");
        return NULL;
    }
    char *text = mt_base64url(bytes, sizeof bytes);
    json_t *jwk = json_pack("{s:s, s:s}", "kty", "oct", "k", text);
    forget(text, strlen(text));
    explicit_bzero(bytes, sizeof bytes);
    return jwk;
}

static json_t *make_pair(const char *alg, struct mt_err *err)
{
    static const uint8_t exponent[] = {1, 0, 1};
    struct mt_cjose c;
    cjose_jwk_t *jwk;

    if (mt_cjose_load(&c, err) < 0)
        return NULL;
    if (strcmp(alg, "ES256") == 0)
        jwk = c.cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, NULL);
    else
        jwk = c.cjose_jwk_create_RSA_random(RSA_BITS, exponent, sizeof exponent, NULL);
    char *text = jwk ? c.cjose_jwk_to_json(jwk, true, NULL) : NULL;
    json_t *out = text ? mt_json_parse("a new key", text, strlen(text), err) : NULL;
    if (!text)
        mt_fail(err, MT_ERR_UNAVAILABLE, "libcrypto makes no key for %s", alg);
    if (text)
        c.cjose_get_dealloc()(text);
    c.cjose_jwk_release(jwk);
    return out;
}

json_t *mt_jwt_generate(const char *alg, const char *kid, struct mt_err *err)
{
    json_t *out = strcmp(alg, "HS256") == 0 ? make_secret(err) : make_pair(alg, err);

    if (out) {
        json_object_set_new(out, "alg", json_string(alg));
        json_object_set_new(out, "use", json_string("sig"));
        json_object_set_new(out, "kid", json_string(kid));
    }
    return out;
}

json_t *mt_jwt_public(const json_t *jwk)
{
    static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi", "oth"};
    json_t *copy;

    if (json_object_get(jwk, "k"))
        return NULL;
    copy = json_deep_copy(jwk);
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        json_object_del(copy, secret[i]);
    return copy;
}
