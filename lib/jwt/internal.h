/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/jwt only. */
#ifndef MT_JWT_INTERNAL_H
#define MT_JWT_INTERNAL_H

#include "jwt/jwt.h"

#include <cjose/cjose.h>

struct mt_jwt_key {
    char *kid;       /* "" if it has none */
    const char *alg; /* the only one that it is used with */
    bool secret;     /* it can sign */
    cjose_jwk_t *jwk;
};

struct mt_jwt_keys {
    int n;
    struct mt_jwt_key list[MT_JWT_KEYS_MAX];
};

#endif
