/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/jwt only. */
#ifndef MT_JWT_INTERNAL_H
#define MT_JWT_INTERNAL_H

#include "jwt/jwt.h"

#include <cjose/cjose.h>
#include <pthread.h>

/* The functions of cjose that are used, by the types that its header gives them. */
#define MT_CJOSE_FUNCTIONS(F)                                                                      \
    F(cjose_get_dealloc)                                                                           \
    F(cjose_header_new)                                                                            \
    F(cjose_header_release)                                                                        \
    F(cjose_header_set)                                                                            \
    F(cjose_jwk_create_EC_random)                                                                  \
    F(cjose_jwk_create_RSA_random)                                                                 \
    F(cjose_jwk_get_keysize)                                                                       \
    F(cjose_jwk_import)                                                                            \
    F(cjose_jwk_release)                                                                           \
    F(cjose_jwk_to_json)                                                                           \
    F(cjose_jws_export)                                                                            \
    F(cjose_jws_import)                                                                            \
    F(cjose_jws_release)                                                                           \
    F(cjose_jws_sign)                                                                              \
    F(cjose_jws_verify)

struct mt_cjose {
#define MT_CJOSE_MEMBER(name) __typeof__(name) *name;
    MT_CJOSE_FUNCTIONS(MT_CJOSE_MEMBER)
#undef MT_CJOSE_MEMBER
};

/* library.c: MT_ERR_UNAVAILABLE with what to install. It stays loaded. */
int mt_cjose_load(struct mt_cjose *cjose, struct mt_err *err) MT_MUST_USE;

struct mt_jwt_key {
    char *kid;       /* "" if it has none */
    const char *alg; /* the only one that it is used with */
    bool can_sign;
    unsigned char *secret; /* of HS256 */
    size_t n;
    char *text; /* of the others: the JWK, until it is imported */
    cjose_jwk_t *jwk;
};

struct mt_jwt_keys {
    char *file;
    pthread_mutex_t lock; /* of what is loaded late: cjose, and jwk of each key */
    bool loaded;
    struct mt_cjose cjose;
    int n;
    struct mt_jwt_key list[MT_JWT_KEYS_MAX];
};

/* keys.c: the key as cjose has it, imported when it is first asked for. MT_ERR_CONFIG. */
int mt_jwt_import(struct mt_jwt_keys *keys, struct mt_jwt_key *key, struct mt_err *err) MT_MUST_USE;

#endif
