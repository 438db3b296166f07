/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys.c - keys that tokens are verified and signed with. */
#include "jwt/internal.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, RSA_BITS = 2048, SECRET_BITS = 256 };

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

static int check_strength(const struct mt_jwt_key *key, const char *file, struct mt_err *err)
{
    size_t bits = cjose_jwk_get_keysize(key->jwk, NULL);
    size_t least = strcmp(key->alg, "RS256") == 0   ? RSA_BITS
                   : strcmp(key->alg, "HS256") == 0 ? SECRET_BITS
                                                    : 0;

    if (bits >= least)
        return 0;
    mt_fail(err, MT_ERR_CONFIG, "'%s': key '%s' has %zu bits, %zu are wanted", file, key->kid, bits,
            least);
    return mt_hint(err, "media-api key makes one");
}

static int add_key(struct mt_jwt_keys *keys, const json_t *jwk, const char *file,
                   struct mt_err *err)
{
    const char *use = mt_json_str(jwk, "use", "sig");
    const char *kid = mt_json_str(jwk, "kid", "");
    struct mt_jwt_key *key = &keys->list[keys->n];

    if (strcmp(use, "sig") != 0)
        return 0;
    if (keys->n == MT_JWT_KEYS_MAX)
        return mt_fail(err, MT_ERR_CONFIG, "'%s': more than %d keys", file, MT_JWT_KEYS_MAX);
    if (!alg_of(jwk))
        return mt_fail(err, MT_ERR_CONFIG, "'%s': key '%.60s' is for none of HS256, RS256, ES256",
                       file, kid);
    if (strlen(kid) > MT_JWT_KID_MAX)
        return mt_fail(err, MT_ERR_CONFIG, "'%s': a kid of over %d bytes", file, MT_JWT_KID_MAX);
    for (int i = 0; i < keys->n; i++)
        if (strcmp(keys->list[i].kid, kid) == 0)
            return mt_fail(err, MT_ERR_CONFIG, "'%s': a second key '%s'", file, kid);
    char *text = mt_json_compact(jwk);
    key->jwk = cjose_jwk_import(text, strlen(text), NULL);
    free(text);
    if (!key->jwk)
        return mt_fail(err, MT_ERR_CONFIG, "'%s': key '%.60s' is damaged", file, kid);
    key->kid = mt_strdup(kid);
    key->alg = alg_of(jwk);
    key->secret = mt_json_at(jwk, "d") || mt_json_at(jwk, "k");
    keys->n++;
    return check_strength(key, file, err);
}

int mt_jwt_keys_open(struct mt_jwt_keys **out, const char *file, struct mt_err *err)
{
    struct mt_jwt_keys *keys = mt_alloc(sizeof *keys);
    struct mt_buf text;
    json_t *set = NULL;
    int ret = -1;
    size_t i;
    json_t *jwk;

    *out = NULL;
    mt_buf_init(&text, FILE_MAX);
    if (mt_buf_add(&text, "", 0, err) < 0 || mt_read_file(file, &text, err) < 0)
        goto out;
    set = mt_json_parse(file, text.data, text.len, err);
    if (!set)
        goto out;
    if (!json_is_array(json_object_get(set, "keys"))) {
        mt_fail(err, MT_ERR_CONFIG, "'%s' is no JWKS: {\"keys\": [...]}", file);
        goto out;
    }
    ret = 0;
    json_array_foreach(json_object_get(set, "keys"), i, jwk)
    {
        if (ret == 0)
            ret = add_key(keys, jwk, file, err);
    }
    if (ret == 0 && keys->n == 0)
        ret = mt_fail(err, MT_ERR_CONFIG, "'%s' holds no key for signatures", file);
out:
    if (ret < 0) {
        err->code = MT_ERR_CONFIG;
        mt_jwt_keys_close(&keys);
    }
    *out = keys;
    json_decref(set);
    if (text.data)
        memset(text.data, 0, text.len); /* secrets do not linger */
    mt_buf_free(&text);
    return ret;
}

void mt_jwt_keys_close(struct mt_jwt_keys **keys)
{
    if (!*keys)
        return;
    for (int i = 0; i < (*keys)->n; i++) {
        cjose_jwk_release((*keys)->list[i].jwk);
        free((*keys)->list[i].kid);
    }
    free(*keys);
    *keys = NULL;
}

static cjose_jwk_t *make(const char *alg)
{
    static const uint8_t exponent[] = {1, 0, 1};

    if (strcmp(alg, "HS256") == 0)
        return cjose_jwk_create_oct_random(SECRET_BITS, NULL);
    if (strcmp(alg, "ES256") == 0)
        return cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, NULL);
    if (strcmp(alg, "RS256") == 0)
        return cjose_jwk_create_RSA_random(RSA_BITS, exponent, sizeof exponent, NULL);
    return NULL;
}

json_t *mt_jwt_generate(const char *alg, const char *kid, struct mt_err *err)
{
    cjose_jwk_t *jwk = make(alg);
    char *text = jwk ? cjose_jwk_to_json(jwk, true, NULL) : NULL;
    json_t *out = text ? mt_json_parse("a new key", text, strlen(text), err) : NULL;

    if (!text)
        mt_fail(err, MT_ERR_UNAVAILABLE, "libcrypto makes no key for %s", alg);
    if (out) {
        json_object_set_new(out, "alg", json_string(alg));
        json_object_set_new(out, "use", json_string("sig"));
        json_object_set_new(out, "kid", json_string(kid));
    }
    if (text)
        cjose_get_dealloc()(text);
    cjose_jwk_release(jwk);
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
