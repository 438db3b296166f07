/* SPDX-License-Identifier: GPL-2.0-or-later */
/* token.c - tokens, verified and made. */
#include "jwt/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "digest/digest.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const double latest_s = 253402300799; /* the year 9999 */

static int refuse(struct mt_err *err, const char *what)
{
    return mt_fail(err, MT_ERR_POLICY, "the token %s", what);
}

/* --- the header --- */

/* One part of the compact form as a JSON object, or NULL. */
static json_t *part_of(const char *text, size_t n)
{
    struct mt_err ignored;
    size_t len;
    unsigned char *bytes = mt_base64url_decode(text, n, &len);
    json_t *object = bytes ? mt_json_parse("token", (char *)bytes, len, &ignored) : NULL;

    free(bytes);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

static bool is_listed(const char *list, const char *word)
{
    size_t n = strlen(word);

    while (*list) {
        size_t k = strcspn(list, ",");
        if (k == n && strncasecmp(list, word, n) == 0)
            return true;
        list += k + (list[k] == ',');
    }
    return false;
}

/* "typ" is a media type whose "application/" may be left out (RFC 7515, section 4.1.9). */
static bool type_ok(const json_t *header, const struct mt_jwt_rules *rules)
{
    const char *type = mt_json_str(header, "typ", "");

    if (strncasecmp(type, "application/", 12) == 0)
        type += 12;
    return is_listed(rules->types, type);
}

/* What lets a token choose its own key, or changes what its parts mean. */
static int check_header(const json_t *header, const struct mt_jwt_rules *rules, struct mt_err *err)
{
    static const char *const never[] = {"crit", "b64", "jku", "x5u", "jwk",
                                        "x5c",  "zip", "enc", "cty"};

    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (json_object_get(header, never[i]))
            return mt_fail(err, MT_ERR_POLICY, "the token has '%s' in its header", never[i]);
    if (!type_ok(header, rules))
        return refuse(err, "is of another type");
    return 0;
}

static struct mt_jwt_key *find_key(struct mt_jwt_keys *keys, const json_t *header,
                                   struct mt_err *err)
{
    const json_t *kid = json_object_get(header, "kid");
    const char *alg = mt_json_str(header, "alg", "");
    struct mt_jwt_key *found = NULL;

    if (kid && !json_is_string(kid)) {
        refuse(err, "has a kid that is no text");
        return NULL;
    }
    for (int i = 0; i < keys->n; i++) {
        struct mt_jwt_key *key = &keys->list[i];
        if (strcmp(key->alg, alg) != 0 || (kid && strcmp(key->kid, json_string_value(kid)) != 0))
            continue;
        if (found) {
            refuse(err, "does not say which of several keys");
            return NULL;
        }
        found = key;
    }
    if (!found)
        refuse(err, "names no key and algorithm that are known");
    return found;
}

/* --- the claims --- */

/* A time in seconds; 0: absent, 1: *us is set, -1: no time. */
static int time_of(const json_t *claims, const char *name, int64_t *us)
{
    const json_t *value = json_object_get(claims, name);

    if (!value)
        return 0;
    if (!json_is_number(value) || !(json_number_value(value) >= 0) ||
        json_number_value(value) > latest_s)
        return -1;
    *us = (int64_t)(json_number_value(value) * 1e6);
    return 1;
}

static int check_times(const json_t *claims, int64_t now_us, int64_t skew_us, struct mt_err *err)
{
    int64_t exp = 0;
    int64_t nbf = 0;
    int64_t iat = 0;

    if (time_of(claims, "exp", &exp) != 1)
        return refuse(err, "does not say when it expires");
    if (time_of(claims, "nbf", &nbf) < 0 || time_of(claims, "iat", &iat) < 0)
        return refuse(err, "has a time that is none");
    if (exp <= now_us - skew_us)
        return refuse(err, "has expired");
    if (nbf > now_us + skew_us || iat > now_us + skew_us)
        return refuse(err, "is not valid yet");
    return 0;
}

static bool audience_ok(const json_t *aud, const char *wanted)
{
    size_t i;
    json_t *one;

    if (json_is_string(aud))
        return strcmp(json_string_value(aud), wanted) == 0;
    json_array_foreach((json_t *)(uintptr_t)aud, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), wanted) == 0)
            return true;
    }
    return false;
}

static int check_claims(const json_t *claims, const struct mt_jwt_rules *rules, int64_t now_us,
                        struct mt_err *err)
{
    const json_t *sub = json_object_get(claims, "sub");
    const json_t *iss = json_object_get(claims, "iss");

    if (rules->issuer && (!json_is_string(iss) || strcmp(json_string_value(iss), rules->issuer)))
        return refuse(err, "is of another issuer");
    if (rules->audience && !audience_ok(json_object_get(claims, "aud"), rules->audience))
        return refuse(err, "is for another audience");
    if (!json_is_string(sub) || json_string_length(sub) == 0 || json_string_length(sub) > 255)
        return refuse(err, "does not say who it is about");
    return check_times(claims, now_us, rules->skew_us, err);
}

/* --- verifying --- */

/* cjose takes an ES256 signature with a byte behind it for a good one: so its length is looked at.
 */
static bool pair_ok(const struct mt_jwt_keys *keys, const struct mt_jwt_key *key, const char *token,
                    size_t signature_n)
{
    const struct mt_cjose *c = &keys->cjose;
    size_t want =
        strcmp(key->alg, "ES256") == 0 ? 64 : (c->cjose_jwk_get_keysize(key->jwk, NULL) + 7) / 8;

    if (signature_n != want)
        return false;
    cjose_jws_t *jws = c->cjose_jws_import(token, strlen(token), NULL);
    bool good = jws && c->cjose_jws_verify(jws, key->jwk, NULL);
    c->cjose_jws_release(jws);
    return good;
}

/* RFC 7518, section 3. The first n bytes of the token are what was signed. */
static int check_signature(struct mt_jwt_keys *keys, struct mt_jwt_key *key, const char *token,
                           size_t n, const unsigned char *signature, size_t signature_n,
                           struct mt_err *err)
{
    unsigned char mac[MT_HMAC_SIZE];
    bool good;

    if (key->secret) {
        mt_hmac_sha256(key->secret, key->n, token, n, mac);
        good = signature_n == sizeof mac && mt_equal_constant(signature, mac, sizeof mac);
    } else {
        if (mt_jwt_import(keys, key, err) < 0)
            return -1;
        good = pair_ok(keys, key, token, signature_n);
    }
    return good ? 0 : refuse(err, "has a signature that does not fit");
}

/* Three parts that are not empty; their characters are looked at when they are decoded. */
static bool split(const char *token, const char *parts[3], size_t n[3])
{
    for (int i = 0; i < 3; i++) {
        parts[i] = token;
        n[i] = strcspn(token, ".");
        token += n[i] + (i < 2 && token[n[i]] == '.');
        if (n[i] == 0 || (i < 2 && token[-1] != '.'))
            return false;
    }
    return parts[2][n[2]] == '\0';
}

json_t *mt_jwt_verify(struct mt_jwt_keys *keys, const struct mt_jwt_rules *rules, const char *token,
                      int64_t now_us, struct mt_err *err)
{
    const char *parts[3];
    size_t n[3];
    json_t *header = NULL;
    json_t *claims = NULL;
    unsigned char *signature = NULL;
    struct mt_jwt_key *key;
    size_t length = 0;
    bool good = false;

    if (strlen(token) > MT_JWT_MAX || !split(token, parts, n)) {
        refuse(err, "has not three parts");
        return NULL;
    }
    header = part_of(parts[0], n[0]);
    claims = part_of(parts[1], n[1]);
    signature = mt_base64url_decode(parts[2], n[2], &length);
    if (!header || !claims || !signature) {
        refuse(err, "has parts that are none");
        goto out;
    }
    if (check_header(header, rules, err) < 0 || !(key = find_key(keys, header, err)))
        goto out;
    good = check_signature(keys, key, token, n[0] + 1 + n[1], signature, length, err) == 0 &&
           check_claims(claims, rules, now_us, err) == 0;
out:
    free(signature);
    json_decref(header);
    if (!good) {
        json_decref(claims);
        claims = NULL;
    }
    return claims;
}

/* --- making --- */

static struct mt_jwt_key *signer(struct mt_jwt_keys *keys, const char *kid)
{
    for (int i = 0; i < keys->n; i++)
        if (keys->list[i].can_sign && (!kid || strcmp(kid, keys->list[i].kid) == 0))
            return &keys->list[i];
    return NULL;
}

/* The compact form of RFC 7515 under a secret. */
static char *sign_secret(const struct mt_jwt_key *key, const char *type, const char *claims)
{
    json_t *header = json_pack("{s:s, s:s}", "alg", key->alg, "typ", type);
    unsigned char mac[MT_HMAC_SIZE];

    if (*key->kid)
        json_object_set_new(header, "kid", json_string(key->kid));
    char *text = mt_json_compact(header);
    char *head = mt_base64url(text, strlen(text));
    char *body = mt_base64url(claims, strlen(claims));
    char *whole = mt_asprintf("%s.%s", head, body);
    mt_hmac_sha256(key->secret, key->n, whole, strlen(whole), mac);
    char *signature = mt_base64url(mac, sizeof mac);
    char *token = mt_asprintf("%s.%s", whole, signature);
    free(signature);
    free(whole);
    free(body);
    free(head);
    free(text);
    json_decref(header);
    return token;
}

/* NULL when cjose refuses. */
static char *sign_pair(const struct mt_jwt_keys *keys, const struct mt_jwt_key *key,
                       const char *type, const char *claims)
{
    const struct mt_cjose *c = &keys->cjose;
    cjose_header_t *header = c->cjose_header_new(NULL);
    cjose_jws_t *jws = NULL;
    const char *compact = NULL;

    if (header && c->cjose_header_set(header, "alg", key->alg, NULL) &&
        c->cjose_header_set(header, "typ", type, NULL) &&
        (!*key->kid || c->cjose_header_set(header, "kid", key->kid, NULL)))
        jws = c->cjose_jws_sign(key->jwk, header, (const uint8_t *)claims, strlen(claims), NULL);
    char *token = jws && c->cjose_jws_export(jws, &compact, NULL) ? mt_strdup(compact) : NULL;
    c->cjose_jws_release(jws);
    c->cjose_header_release(header);
    return token;
}

char *mt_jwt_sign(struct mt_jwt_keys *keys, const char *kid, const char *type, const json_t *claims,
                  struct mt_err *err)
{
    struct mt_jwt_key *key = signer(keys, kid);
    char *token = NULL;

    if (!key) {
        mt_fail(err, MT_ERR_CONFIG, "there is no private key%s%s%s", kid ? " '" : "",
                kid ? kid : "", kid ? "'" : "");
        return NULL;
    }
    if (!key->secret && mt_jwt_import(keys, key, err) < 0)
        return NULL;
    char *text = mt_json_compact(claims);
    token = key->secret ? sign_secret(key, type, text) : sign_pair(keys, key, type, text);
    if (!token)
        mt_fail(err, MT_ERR_FAILED, "the token cannot be signed with key '%s'", key->kid);
    free(text);
    return token;
}
