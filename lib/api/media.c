/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media.c - URLs of media: given to who may have them, and checked for the web server. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a body asks for. */
struct wish {
    const char *key;
    int64_t ttl_s, depth;
    bool bound;
};

static void read_wish(struct mt_api_call *call, const json_t *body, struct wish *w, json_t *errors)
{
    const json_t *key = json_object_get(body, "key");
    const json_t *ttl = json_object_get(body, "ttl_s");
    const json_t *depth = json_object_get(body, "depth");
    const json_t *bound = json_object_get(body, "bind_address");

    *w = (struct wish){.ttl_s = call->api->set.url_ttl_us / 1000000};
    mt_api_check_members(errors, "", body, "key,ttl_s,depth,bind_address");
    if (!json_is_string(key) || !mt_key_is_safe(json_string_value(key)))
        mt_api_wrong(errors, "/key", "is the key of an object: ASSET/720p-x.mp4");
    if (ttl && (!json_is_integer(ttl) || json_integer_value(ttl) < 1 ||
                json_integer_value(ttl) > MT_URL_TTL_MAX_S))
        mt_api_wrong(errors, "/ttl_s", "is 1 to %d seconds", MT_URL_TTL_MAX_S);
    if (depth &&
        (!json_is_integer(depth) || json_integer_value(depth) < 0 || json_integer_value(depth) > 3))
        mt_api_wrong(errors, "/depth", "is 0 (this object) to 3 (all below so many parts)");
    if (bound && !json_is_boolean(bound))
        mt_api_wrong(errors, "/bind_address", "is true or false");
    if (json_array_size(errors) > 0)
        return;
    w->key = json_string_value(key);
    w->ttl_s = ttl ? json_integer_value(ttl) : w->ttl_s;
    w->depth = depth ? json_integer_value(depth) : 0;
    w->bound = json_is_true(bound);
}

/* The asset of the key is the caller's; its original only for who may submit. */
static int check_key(struct mt_api_call *call, const char *key, struct mt_err *err)
{
    char id[MT_UUID_TEXT];

    snprintf(id, sizeof id, "%.36s", key);
    if (!mt_uuid_valid(id) || key[36] != '/')
        return mt_fail(err, MT_ERR_NOT_FOUND, "there is no such object");
    json_t *row = mt_api_asset_row(call, id, err);
    if (!row)
        return -1;
    bool visible = strcmp(mt_json_str(row, "upload_status", ""), "completed") == 0 ||
                   (call->may & MT_MAY_REVIEW);
    json_decref(row);
    if (!visible || (mt_url_is_original(key) && !(call->may & MT_MAY_SUBMIT)))
        return mt_fail(err, MT_ERR_NOT_FOUND, "there is no such object");
    return 0;
}

static char *sign(struct mt_api_call *call, const struct wish *w, int64_t expires_s,
                  struct mt_err *err)
{
    struct mt_api *api = call->api;
    const struct mt_url_grant grant = {.key = w->key,
                                       .depth = (int)w->depth,
                                       .expires_s = expires_s,
                                       .address = w->bound ? call->request->address : NULL,
                                       .original = mt_url_is_original(w->key)};

    pthread_rwlock_rdlock(&api->keys_lock);
    char *tail = mt_url_sign(&api->url_keys, &grant, err);
    pthread_rwlock_unlock(&api->keys_lock);
    if (!tail && err->code == MT_ERR_CONFIG)
        err->code = MT_ERR_UNAVAILABLE;
    return tail;
}

int mt_api_sign(struct mt_api_call *call, struct mt_err *err)
{
    const json_t *body = mt_api_body(call, err);
    json_t *errors;
    struct wish w;
    char at[MT_TIME_TEXT];

    if (!body)
        return -1;
    errors = json_array();
    read_wish(call, body, &w, errors);
    if (json_array_size(errors) > 0)
        return mt_api_invalid(call, errors, err);
    json_decref(errors);
    if (check_key(call, w.key, err) < 0)
        return -1;
    int64_t expires_s = mt_now_us() / 1000000 + w.ttl_s;
    char *tail = sign(call, &w, expires_s, err);
    struct mt_db *db = tail ? mt_api_db(call, err) : NULL;
    if (!db || mt_api_audit(call, db, "url.signed", "object", w.key, NULL, err) < 0) {
        free(tail);
        return -1;
    }
    const char *base = call->api->set.media_url;
    char *url = mt_asprintf("%s%s%s", base, mt_str_ends(base, "/") ? "" : "/", tail);
    int ret = mt_http_json(
        call->x, 200,
        json_pack("{s:s, s:s}", "url", url, "expires_at", mt_time_text(expires_s * 1000000, at)),
        err);
    free(url);
    free(tail);
    return ret;
}

/* --- for auth_request --- */

/*
 * What the client had asked the web server for. REQUEST_URI is that of the client also in a
 * request that the web server makes for itself; ours stands in MEDIA_TARGET then.
 */
static const char *wanted(const struct mt_api_call *call)
{
    const char *given = mt_http_param(call->x, "MEDIA_ORIGINAL_URI");
    const char *target = mt_http_param(call->x, "MEDIA_TARGET");

    return given ? given : target && *target ? mt_http_param(call->x, "REQUEST_URI") : NULL;
}

/* The path of the base: media_url may be a whole URL. */
static const char *base_path(const char *media_url)
{
    const char *host = strstr(media_url, "://");
    const char *path = host ? strchr(host + 3, '/') : media_url;

    return path ? path : "/";
}

static int check(struct mt_api_call *call, const char *uri, char **key, struct mt_err *err)
{
    struct mt_api *api = call->api;
    const char *base = base_path(api->set.media_url);
    size_t n = strlen(base);
    int ret;

    n -= n > 0 && base[n - 1] == '/';
    if (strncmp(uri, base, n) != 0 || uri[n] != '/')
        return mt_fail(err, MT_ERR_POLICY, "the URL is none of media");
    char *path = mt_strdup(uri + n + 1);
    char *query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    /* Keys need no escapes: with them one object would have many names. */
    if (strchr(path, '%'))
        ret = mt_fail(err, MT_ERR_POLICY, "the URL has escapes");
    else {
        pthread_rwlock_rdlock(&api->keys_lock);
        ret = mt_url_check(&api->url_keys, path, query ? query : "", call->request->address,
                           mt_now_us() / 1000000, key, err);
        pthread_rwlock_unlock(&api->keys_lock);
    }
    free(path);
    return ret;
}

int mt_api_authorize(struct mt_api_call *call, struct mt_err *err)
{
    const char *uri = wanted(call);
    char *key = NULL;

    if (!uri || check(call, uri, &key, err) < 0) {
        free(key);
        return mt_http_problem(call->x, "forbidden", NULL, err, "%s",
                               uri ? err->msg : "this is for the web server to ask");
    }
    mt_http_add(call->x, "X-Media-Key", "%s", key);
    free(key);
    return mt_http_send(call->x, 204, NULL, NULL, 0, err);
}
