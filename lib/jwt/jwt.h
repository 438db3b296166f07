/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jwt.h - JSON Web Tokens: signed by somebody with a key that we know, for us, and still good.
 *
 * RFC 7519 in the compact form of RFC 7515, with the rules of RFC 8725: the
 * algorithm is the key's and never the token's choice (HS256, RS256 and ES256; a key has one);
 * "none", tokens with "crit", "b64", "jku", "x5u", "jwk" or "x5c", members that
 * are there twice, and base64 in any but its one form are refused; so are tokens without
 * "exp", and those of another issuer, audience or type.
 *
 * HS256 is this toolkit's own (digest/digest.h); ES256 and RS256 are checked by cjose (OpenID
 * Foundation's C library; it needs libcrypto and jansson only), which is loaded when a key pair
 * is used. libjwt 1.10 takes an RSA key for an HMAC secret if the token says HS256; librhonabwy
 * loads GnuTLS.
 *
 * A set of keys may be used by many threads at once.
 */
#ifndef MT_JWT_JWT_H
#define MT_JWT_JWT_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { MT_JWT_MAX = 8192, MT_JWT_KEYS_MAX = 64, MT_JWT_KID_MAX = 128 };

struct mt_jwt_keys;

/*
 * Reads a JWKS (RFC 7517, {"keys": [...]}). Keys that are not for signatures
 * ("use": "enc") are passed over. MT_ERR_CONFIG for RSA keys under 2048
 * bits, secrets under 32 bytes, unknown kinds, or two keys of one "kid". late: what is wrong with
 * a key pair is told when a token names it, for who uses one of many keys once.
 */
int mt_jwt_keys_open(struct mt_jwt_keys **out, const char *file, bool late,
                     struct mt_err *err) MT_MUST_USE;
void mt_jwt_keys_close(struct mt_jwt_keys **keys);

/* What a token has to say; all lent. */
struct mt_jwt_rules {
    const char *issuer;   /* NULL: anybody's */
    const char *audience; /* NULL: whoever it is for */
    const char *types;    /* values of "typ" that are taken, commas between */
    int64_t skew_us;      /* how far clocks may differ */
};

/*
 * The claims of a token that is good now (since 1970): an object with "sub" and "exp" at least.
 * New; NULL with MT_ERR_POLICY, whose message says what was wrong with it, for logs; or
 * MT_ERR_CONFIG, MT_ERR_UNAVAILABLE when the key cannot be used.
 */
json_t *mt_jwt_verify(struct mt_jwt_keys *keys, const struct mt_jwt_rules *rules, const char *token,
                      int64_t now_us, struct mt_err *err);

/* A token with these claims, by the key of that kid (NULL: the first that can sign). free() it. */
char *mt_jwt_sign(struct mt_jwt_keys *keys, const char *kid, const char *type, const json_t *claims,
                  struct mt_err *err);

/* A new key as a JWK with its private part: alg is HS256, RS256 or ES256. New. */
json_t *mt_jwt_generate(const char *alg, const char *kid, struct mt_err *err);

/* A JWK without what is secret; NULL for a secret key. New. */
json_t *mt_jwt_public(const json_t *jwk);

#endif
