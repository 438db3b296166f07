/* SPDX-License-Identifier: GPL-2.0-or-later */
/* urls.c - URLs of media that hold for a while. */
#include "access/access.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "digest/digest.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_MIN = 32, MAC_TEXT = 44, DEPTH_MAX = 8 };

static int refuse(struct mt_err *err, const char *why)
{
    return mt_fail(err, MT_ERR_POLICY, "the URL %s", why);
}

/* --- keys --- */

static int add_key(struct mt_url_keys *keys, const json_t *jwk, const char *file,
                   struct mt_err *err)
{
    const char *kid = mt_json_str(jwk, "kid", "");
    const char *k = mt_json_str(jwk, "k", "");
    struct mt_url_key *key = &keys->keys[keys->n];

    if (keys->n == MT_URL_KEYS)
        return mt_fail(err, MT_ERR_CONFIG, "'%s' holds more than %d keys", file, MT_URL_KEYS);
    if (strcmp(mt_json_str(jwk, "kty", ""), "oct") != 0 || !*kid || strlen(kid) > 32 ||
        kid[strspn(kid, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
        return mt_fail(err, MT_ERR_CONFIG,
                       "'%s': a key is wanted with \"kty\": \"oct\" and a plain \"kid\"", file);
    for (int i = 0; i < keys->n; i++)
        if (strcmp(keys->keys[i].kid, kid) == 0)
            return mt_fail(err, MT_ERR_CONFIG, "'%s': a second key '%s'", file, kid);
    key->secret = mt_base64url_decode(k, strlen(k), &key->n);
    if (!key->secret || key->n < SECRET_MIN) {
        free(key->secret);
        return mt_fail(err, MT_ERR_CONFIG, "'%s': key '%s' has not %d bytes", file, kid,
                       SECRET_MIN);
    }
    strcpy(key->kid, kid);
    keys->n++;
    return 0;
}

int mt_url_keys_open(struct mt_url_keys *keys, const char *file, struct mt_err *err)
{
    json_t *set = mt_json_read_secret(file, err);
    int ret = set ? 0 : -1;
    size_t i;
    json_t *jwk;

    *keys = (struct mt_url_keys){.n = 0};
    json_array_foreach(json_object_get(set, "keys"), i, jwk)
    {
        if (ret == 0)
            ret = add_key(keys, jwk, file, err);
    }
    if (ret == 0 && keys->n == 0)
        ret = mt_fail(err, MT_ERR_CONFIG, "'%s' holds no keys: {\"keys\": [...]}", file);
    if (ret < 0) {
        err->code = MT_ERR_CONFIG;
        mt_hint(err, "media-api key --alg HS256 makes one");
        mt_url_keys_free(keys);
    }
    json_decref(set);
    return ret;
}

void mt_url_keys_free(struct mt_url_keys *keys)
{
    for (int i = 0; i < keys->n; i++)
        free(keys->keys[i].secret);
    *keys = (struct mt_url_keys){.n = 0};
}

static const struct mt_url_key *find(const struct mt_url_keys *keys, const char *kid)
{
    for (int i = 0; i < keys->n; i++)
        if (strcmp(keys->keys[i].kid, kid) == 0)
            return &keys->keys[i];
    return NULL;
}

/* --- the MAC --- */

static void mac_of(const struct mt_url_key *key, const char *subject, int64_t exp,
                   const char *address, bool original, char out[MAC_TEXT])
{
    unsigned char mac[MT_HMAC_SIZE];
    char *text = mt_asprintf("media-url-1\n%s\n%lld\n%s\n%s\n%d", key->kid, (long long)exp, subject,
                             address ? address : "", original);

    mt_hmac_sha256(key->secret, key->n, text, strlen(text), mac);
    free(text);
    char *digits = mt_base64url(mac, sizeof mac);
    snprintf(out, MAC_TEXT, "%s", digits);
    free(digits);
}

bool mt_url_is_original(const char *key)
{
    const char *slash = strchr(key, '/');

    return slash && mt_str_starts(slash, "/original.");
}

/* The first depth parts of key with the slash behind them; NULL if it has no more than these. */
static char *prefix_of(const char *key, int depth)
{
    const char *at = key;

    for (int i = 0; i < depth; i++) {
        at = strchr(at, '/');
        if (!at++)
            return NULL;
    }
    return mt_strndup(key, (size_t)(at - key));
}

char *mt_url_sign(const struct mt_url_keys *keys, const struct mt_url_grant *grant,
                  struct mt_err *err)
{
    const struct mt_url_key *key = &keys->keys[0];
    char mac[MAC_TEXT];
    char *subject = grant->depth ? prefix_of(grant->key, grant->depth) : mt_strdup(grant->key);
    char *out = NULL;

    if (keys->n == 0)
        mt_fail(err, MT_ERR_CONFIG, "no keys for URLs are configured");
    else if (!subject || !mt_key_is_safe(grant->key) || grant->depth > DEPTH_MAX)
        mt_fail(err, MT_ERR_USAGE, "'%.200s' is no key of an object, or not that deep", grant->key);
    else {
        mac_of(key, subject, grant->expires_s, grant->address, grant->original, mac);
        out =
            grant->depth
                ? mt_asprintf("t/%s.%lld.%d.%s%s-.%s/%s", key->kid, (long long)grant->expires_s,
                              grant->depth, grant->address ? "i" : "", grant->original ? "o" : "",
                              mac, grant->key)
                : mt_asprintf("%s?exp=%lld&kid=%s%s%s&sig=%s", grant->key,
                              (long long)grant->expires_s, key->kid, grant->address ? "&ip=1" : "",
                              grant->original ? "&raw=1" : "", mac);
    }
    free(subject);
    return out;
}

/* --- checking --- */

/* What a URL claims. */
struct claim {
    char kid[33], sig[64], flags[8];
    int64_t exp;
    int depth;
    bool bound, original;
};

/* A decimal number as we write it: no sign, no zeros before it, at most 12 digits. */
static bool number(const char *text, size_t n, int64_t *out)
{
    if (n == 0 || n > 12 || strspn(text, "0123456789") < n || (n > 1 && *text == '0'))
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

static bool take(char *to, size_t size, const char *from, size_t n)
{
    if (n == 0 || n >= size)
        return false;
    memcpy(to, from, n);
    to[n] = '\0';
    return true;
}

/* "KEY.SECONDS.DEPTH.FLAGS.MAC/"; returns what follows, NULL if it is none. */
static const char *parse_tree(const char *text, struct claim *c)
{
    const char *parts[5];
    size_t n[5];
    int64_t depth;

    for (int i = 0; i < 5; i++) {
        parts[i] = text;
        n[i] = strcspn(text, i < 4 ? "./" : "/");
        text += n[i];
        if (*text++ != (i < 4 ? '.' : '/'))
            return NULL;
    }
    if (!take(c->kid, sizeof c->kid, parts[0], n[0]) || !number(parts[1], n[1], &c->exp) ||
        !number(parts[2], n[2], &depth) || depth < 1 || depth > DEPTH_MAX ||
        !take(c->flags, sizeof c->flags, parts[3], n[3]) ||
        !take(c->sig, sizeof c->sig, parts[4], n[4]))
        return NULL;
    c->depth = (int)depth;
    c->bound = strcmp(c->flags, "i-") == 0 || strcmp(c->flags, "io-") == 0;
    c->original = strcmp(c->flags, "o-") == 0 || strcmp(c->flags, "io-") == 0;
    return c->bound || c->original || strcmp(c->flags, "-") == 0 ? text : NULL;
}

/* One "name=value"; each once, none that is unknown. */
static bool parse_pair(const char *pair, size_t n, struct claim *c)
{
    const char *mark = memchr(pair, '=', n);
    const char *value = mark ? mark + 1 : "";
    size_t k = mark ? n - (size_t)(value - pair) : 0;
    size_t name = mark ? (size_t)(mark - pair) : n;

#define IS(word) (name == sizeof(word) - 1 && memcmp(pair, word, name) == 0)
    if (IS("exp"))
        return !c->exp && number(value, k, &c->exp);
    if (IS("kid"))
        return !*c->kid && take(c->kid, sizeof c->kid, value, k);
    if (IS("sig"))
        return !*c->sig && take(c->sig, sizeof c->sig, value, k);
    if (k != 1 || *value != '1')
        return false;
    if (IS("ip") && !c->bound)
        return c->bound = true;
    if (IS("raw") && !c->original)
        return c->original = true;
#undef IS
    return false;
}

static bool parse_query(const char *query, struct claim *c)
{
    while (*query) {
        size_t n = strcspn(query, "&");
        if (!parse_pair(query, n, c))
            return false;
        query += n + (query[n] == '&');
    }
    return *c->kid && *c->sig && c->exp;
}

static int check(const struct mt_url_keys *keys, const struct claim *c, const char *key,
                 const char *address, int64_t now_s, struct mt_err *err)
{
    const struct mt_url_key *k = find(keys, c->kid);
    char *subject = c->depth ? prefix_of(key, c->depth) : mt_strdup(key);
    char mac[MAC_TEXT];
    int ret = -1;

    if (k && subject)
        mac_of(k, subject, c->exp, c->bound ? address : NULL, c->original, mac);
    if (!k || !subject)
        refuse(err, "names no key that is known");
    else if (strlen(c->sig) != strlen(mac) || !mt_equal_constant(c->sig, mac, strlen(mac)))
        refuse(err, "has a signature that does not fit");
    else if (c->exp <= now_s || c->exp > now_s + MT_URL_TTL_MAX_S)
        refuse(err, "has expired");
    else if (mt_url_is_original(key) && !c->original)
        refuse(err, "does not hold for originals");
    else
        ret = 0;
    free(subject);
    return ret;
}

int mt_url_check(const struct mt_url_keys *keys, const char *path, const char *query,
                 const char *address, int64_t now_s, char **key, struct mt_err *err)
{
    struct claim c = {.depth = 0};
    const char *name = path;

    *key = NULL;
    if (mt_str_starts(path, "t/")) {
        name = parse_tree(path + 2, &c);
        if (!name || *query)
            return refuse(err, "has no signature");
    } else if (!parse_query(query, &c)) {
        return refuse(err, "has no signature");
    }
    if (!mt_key_is_safe(name))
        return refuse(err, "names no object");
    if (check(keys, &c, name, address, now_s, err) < 0)
        return -1;
    *key = mt_strdup(name);
    return 0;
}
