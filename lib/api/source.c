/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.c - what a URL in a body names: an asset of the caller's, or something to be fetched.
 *
 * What is fetched must be https on the public network. Here only what the URL itself says
 * is judged; the name is looked up, and the address judged, when media-ingest connects, since it
 * may mean something else by then.
 */
#include "api/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "catalog/asset.h"
#include "net/address.h"
#include "json/json.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 2048 };

/* The key of an object in a URL that we have given out, or that the store has. free(); or NULL. */
static char *key_of(struct mt_api_call *call, const char *url, struct mt_err *err)
{
    const char *base = call->api->set.media_url;
    struct mt_store *store = mt_api_store(call, true, err);
    char *key = store ? mt_store_key_of(store, url) : NULL;
    size_t n = strlen(base);

    if (key || strncmp(url, base, n) != 0)
        return key;
    url += n;
    url += *url == '/';
    if (mt_str_starts(url, "t/") && strchr(url + 2, '/'))
        url = strchr(url + 2, '/') + 1;
    return mt_strndup(url, strcspn(url, "?#"));
}

/* A literal address in whatever form getaddrinfo(3) takes: 127.1, 0x7f000001, ::ffff:10.0.0.1 */
static bool is_inside(const char *host)
{
    static const char *const names[] = {"localhost",    ".localhost", ".local", ".internal",
                                        ".localdomain", ".home.arpa", ".lan",   ".intranet"};
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char *name = mt_strdup(host);
    size_t n = strlen(name);
    bool inside = false;

    mt_str_lower(name);
    while (n > 0 && name[n - 1] == '.')
        name[--n] = '\0';
    if (getaddrinfo(name, NULL, &hints, &list) == 0) {
        inside = !mt_address_is_public(list->ai_addr);
        freeaddrinfo(list);
    } else {
        inside = !strchr(name, '.');
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            inside = inside || mt_str_ends(name, names[i]);
    }
    free(name);
    return inside;
}

static int check_fetch(struct mt_api_call *call, const char *text, struct mt_err *err)
{
    struct mt_url url = {.host = NULL};
    int ret;

    if (!call->api->set.fetch)
        return mt_fail(err, MT_ERR_POLICY, "sources are not fetched from elsewhere here");
    ret = mt_url_parse(&url, text, err);
    if (ret == 0 && !url.secure)
        ret = mt_fail(err, MT_ERR_POLICY, "the source is to be an https URL");
    if (ret == 0 && is_inside(url.host))
        ret = mt_fail(err, MT_ERR_POLICY, "the source is not on the public network");
    mt_url_free(&url);
    return ret;
}

/* 0, 1: answered, -1. */
static int use_asset(struct mt_api_call *call, const char *id, struct mt_api_source *source,
                     struct mt_err *err)
{
    json_t *row = mt_api_asset_row(call, id, err);
    const char *status = row ? mt_json_str(row, "upload_status", "") : NULL;
    int ret = 0;

    if (!row)
        return -1;
    if (strcmp(status, "completed") != 0) {
        ret = mt_http_problem(call->x, "conflict", NULL, err,
                              "the asset is '%s', and not to be worked on", status) < 0
                  ? -1
                  : 1;
    }
    snprintf(source->asset, sizeof source->asset, "%s", mt_json_str(row, "id", ""));
    source->duration_ms = mt_json_int(row, "duration_ms", 0);
    source->file_size = mt_json_int(row, "file_size", 0);
    json_decref(row);
    return ret;
}

static int use_url(struct mt_api_call *call, const char *url, struct mt_api_source *source,
                   struct mt_err *err)
{
    char id[MT_UUID_TEXT];

    if (mt_uuid_valid(url))
        return use_asset(call, url, source, err);
    char *key = key_of(call, url, err);
    if (!key)
        return check_fetch(call, url, err);
    snprintf(id, sizeof id, "%.36s", key);
    bool good = mt_uuid_valid(id) && key[36] == '/' && mt_url_is_original(key);
    free(key);
    if (!good)
        return mt_fail(err, MT_ERR_NOT_FOUND, "no asset's original lies there");
    return use_asset(call, id, source, err);
}

int mt_api_source(struct mt_api_call *call, const json_t *body, const char *member,
                  struct mt_api_source *source, json_t *errors, struct mt_err *err)
{
    const json_t *url = json_object_get(body, member);
    const json_t *id = json_object_get(body, "asset_id");
    char pointer[32];

    *source = (struct mt_api_source){.asset = ""};
    snprintf(pointer, sizeof pointer, "/%s", member);
    if (id && url)
        mt_api_wrong(errors, "/asset_id", "and %s name the source twice", member);
    else if (!id && !url)
        mt_api_wrong(errors, pointer, "is missing: a URL, or \"asset_id\" instead");
    else if (id && (!json_is_string(id) || !mt_uuid_valid(json_string_value(id))))
        mt_api_wrong(errors, "/asset_id", "is the id of an asset");
    else if (url && (!json_is_string(url) || json_string_length(url) > URL_MAX))
        mt_api_wrong(errors, pointer, "is a URL of up to %d characters", URL_MAX);
    if (json_array_size(errors) > 0)
        return 0;
    return id ? use_asset(call, json_string_value(id), source, err)
              : use_url(call, json_string_value(url), source, err);
}
