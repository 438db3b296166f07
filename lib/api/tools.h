/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tools.h - what operators do beside the service: keys, tokens, URLs; printed as JSON. */
#ifndef MT_API_TOOLS_H
#define MT_API_TOOLS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct mt_api_tools {
    const char *keys;     /* file with the private keys that tokens are signed with, or NULL */
    const char *url_keys; /* file of the keys for URLs, or NULL */
    const char *issuer, *audience;
    const char *roles; /* of a token, commas between */
    const char *type;  /* of a token: the first of those that are accepted is used */
    const char *kid;   /* of a new key, or the one to sign with; NULL: any */
    const char *alg;   /* of a new key */
    const char *media_url;
    const char *address; /* the only one that a URL is for, or NULL */
    int64_t ttl_us;
    int64_t depth;    /* of a prefix; 0: one object */
    bool public_only; /* key: of a JWKS on standard input, what may be shown */
};

/* Prints a JWKS with one new key. */
int mt_api_tool_key(const struct mt_api_tools *t, struct mt_err *err) MT_MUST_USE;

/* Prints a JWKS read from a file without what is secret in it. */
int mt_api_tool_public(const char *file, struct mt_err *err) MT_MUST_USE;

/* Prints {"token", "sub", "expires_at", "roles"}; ttl_us 0: an hour. */
int mt_api_tool_token(const struct mt_api_tools *t, const char *subject,
                      struct mt_err *err) MT_MUST_USE;

/* Prints {"url", "expires_at"} for the key of an object; ttl_us 0: an hour. */
int mt_api_tool_sign(const struct mt_api_tools *t, const char *key, struct mt_err *err) MT_MUST_USE;

#endif
