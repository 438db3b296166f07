/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tokens.c - how many tokens a second are verified: for scripts/bench-api.
 *
 *   tokens JWKS TOKEN SECONDS    verifies TOKEN again and again; prints how often a second
 */
#include "base/clock.h"
#include "jwt/jwt.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64 };

int main(int argc, char **argv)
{
    const struct mt_jwt_rules rules = {.types = "at+jwt,JWT", .skew_us = 30000000};
    struct mt_jwt_keys *keys = NULL;
    struct mt_err err;
    int64_t n = 0;
    int ret = 1;

    if (argc != 4)
        return 2;
    if (mt_jwt_keys_open(&keys, argv[1], false, &err) < 0)
        goto out;
    int64_t start = mt_mono_us();
    int64_t until = start + (int64_t)(atof(argv[3]) * 1e6);
    do {
        for (int i = 0; i < BATCH; i++, n++) {
            json_t *claims = mt_jwt_verify(keys, &rules, argv[2], mt_now_us(), &err);
            if (!claims)
                goto out;
            json_decref(claims);
        }
    } while (mt_mono_us() < until);
    printf("%.0f\n", (double)n / ((double)(mt_mono_us() - start) / 1e6));
    ret = 0;
out:
    if (ret)
        fprintf(stderr, "tokens: %s\n", err.msg);
    mt_jwt_keys_close(&keys);
    return ret;
}
