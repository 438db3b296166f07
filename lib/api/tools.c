/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tools.c - see tools.h. */
#include "api/tools.h"

#include "access/access.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "jwt/jwt.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

static const int64_t hour_us = INT64_C(3600) * 1000000;

/* Prints and forgets it. */
static int print(json_t *document, struct mt_err *err)
{
    int ret = document ? mt_print(document, err) : -1;

    json_decref(document);
    return ret;
}

int mt_api_tool_key(const struct mt_api_tools *t, struct mt_err *err)
{
    char made[MT_UUID_TEXT];
    const char *kid = t->kid;

    if (!kid) {
        mt_uuid(made);
        made[8] = '\0';
        kid = made;
    }
    json_t *key = mt_jwt_generate(t->alg, kid, err);
    return key ? print(json_pack("{s:[o]}", "keys", key), err) : -1;
}

int mt_api_tool_public(const char *file, struct mt_err *err)
{
    json_t *set = mt_json_read_secret(file, err);
    json_t *keys = json_array();
    size_t i;
    json_t *key;

    json_array_foreach(json_object_get(set, "keys"), i, key)
    {
        json_t *shown = mt_jwt_public(key);
        if (shown)
            json_array_append_new(keys, shown);
    }
    if (!set) {
        json_decref(keys);
        return -1;
    }
    json_decref(set);
    return print(json_pack("{s:o}", "keys", keys), err);
}

/* The words of the list, each a role. NULL with MT_ERR_USAGE for one that is none. */
static json_t *roles_of(const char *text, struct mt_err *err)
{
    json_t *roles = json_array();
    char *copy = mt_strdup(text);
    char *save = NULL;

    for (char *word = strtok_r(copy, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
        if (!mt_role_may(word)) {
            mt_fail(err, MT_ERR_USAGE, "there is no role '%.40s'", word);
            mt_hint_nearest(err, word, mt_roles, NULL);
            json_decref(roles);
            roles = NULL;
            break;
        }
        json_array_append_new(roles, json_string(word));
    }
    free(copy);
    return roles;
}

int mt_api_tool_token(const struct mt_api_tools *t, const char *subject, struct mt_err *err)
{
    struct mt_jwt_keys *keys = NULL;
    int64_t now_s = mt_now_us() / 1000000;
    int64_t exp_s = now_s + (t->ttl_us ? t->ttl_us : hour_us) / 1000000;
    char at[MT_TIME_TEXT];
    char id[MT_UUID_TEXT];
    char *token = NULL;

    if (!t->keys) {
        mt_fail(err, MT_ERR_CONFIG, "no file with keys to sign with is configured");
        return mt_hint(err, "media-api key >keys.json, and api.signing_keys: keys.json");
    }
    json_t *roles = roles_of(t->roles, err);
    char *type = mt_strndup(t->type, strcspn(t->type, ","));
    json_t *claims =
        roles ? json_pack("{s:s, s:I, s:I, s:s, s:O, s:s*, s:s*}", "sub", subject, "iat",
                          (json_int_t)now_s, "exp", (json_int_t)exp_s, "jti", mt_uuid(id), "roles",
                          roles, "iss", t->issuer, "aud", t->audience)
              : NULL;
    if (roles && !claims)
        mt_fail(err, MT_ERR_USAGE, "the subject is no UTF-8");
    if (claims && mt_jwt_keys_open(&keys, t->keys, true, err) == 0)
        token = mt_jwt_sign(keys, t->kid, type, claims, err);
    int ret = -1;
    if (token)
        ret = print(json_pack("{s:s, s:s, s:O, s:s}", "token", token, "sub", subject, "roles",
                              roles, "expires_at", mt_time_text(exp_s * 1000000, at)),
                    err);
    free(token);
    free(type);
    mt_jwt_keys_close(&keys);
    json_decref(claims);
    json_decref(roles);
    return ret;
}

int mt_api_tool_sign(const struct mt_api_tools *t, const char *key, struct mt_err *err)
{
    struct mt_url_keys keys = {.n = 0};
    const struct mt_url_grant grant = {
        .key = key,
        .depth = (int)t->depth,
        .expires_s = (mt_now_us() + (t->ttl_us ? t->ttl_us : hour_us)) / 1000000,
        .address = t->address,
        .original = mt_url_is_original(key)};
    char at[MT_TIME_TEXT];
    int ret = -1;

    if (!t->url_keys) {
        mt_fail(err, MT_ERR_CONFIG, "no file with keys for URLs is configured");
        return mt_hint(err, "media-api key --alg HS256 >urls.json, and api.url_keys: urls.json");
    }
    char *tail =
        mt_url_keys_open(&keys, t->url_keys, err) == 0 ? mt_url_sign(&keys, &grant, err) : NULL;
    if (tail) {
        char *url =
            mt_asprintf("%s%s%s", t->media_url, mt_str_ends(t->media_url, "/") ? "" : "/", tail);
        ret = print(json_pack("{s:s, s:s}", "url", url, "expires_at",
                              mt_time_text(grant.expires_s * 1000000, at)),
                    err);
        free(url);
    }
    free(tail);
    mt_url_keys_free(&keys);
    return ret;
}
