/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guard.c - who asks, from where, and how often. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { LOOK_US = 1000000 };

/* --- keys, read again when their files change --- */

static bool has_changed(struct mt_api_watched *w, const char *file)
{
    struct stat st;

    if (mt_mono_us() - w->looked_us < LOOK_US)
        return false;
    w->looked_us = mt_mono_us();
    if (stat(file, &st) < 0 ||
        (st.st_mtim.tv_sec == w->modified.tv_sec && st.st_mtim.tv_nsec == w->modified.tv_nsec))
        return false;
    w->modified = st.st_mtim;
    return true;
}

int mt_api_keys_open(struct mt_api *api, struct mt_err *err)
{
    const struct mt_api_settings *set = &api->set;

    if (!set->open && !set->jwks_file) {
        mt_fail(err, MT_ERR_CONFIG, "no keys are configured to verify tokens with");
        return mt_hint(err, "set api.jwks_file (media-api key makes one), or --access=open on a "
                            "machine that nobody else reaches");
    }
    if (set->jwks_file)
        (void)has_changed(&api->keys_file, set->jwks_file); /* what is read now is not news */
    if (set->jwks_file && mt_jwt_keys_open(&api->keys, set->jwks_file, set->cgi, err) < 0)
        return -1;
    if (set->url_keys && has_changed(&api->urls_file, set->url_keys)) {
        /* Likewise. */
    }
    return set->url_keys ? mt_url_keys_open(&api->url_keys, set->url_keys, err) : 0;
}

void mt_api_keys_close(struct mt_api *api)
{
    mt_jwt_keys_close(&api->keys);
    mt_url_keys_free(&api->url_keys);
}

static void refresh_tokens(struct mt_api *api)
{
    struct mt_jwt_keys *keys = NULL;
    struct mt_err err;

    if (mt_jwt_keys_open(&keys, api->set.jwks_file, false, &err) < 0) {
        mt_log_err(MT_LOG_WARN, &err); /* the keys that were good stay */
        return;
    }
    mt_jwt_keys_close(&api->keys);
    api->keys = keys;
    mt_api_tokens_forget(api->tokens);
}

static void refresh_urls(struct mt_api *api)
{
    struct mt_url_keys keys;
    struct mt_err err;

    if (mt_url_keys_open(&keys, api->set.url_keys, &err) < 0) {
        mt_log_err(MT_LOG_WARN, &err);
        return;
    }
    mt_url_keys_free(&api->url_keys);
    api->url_keys = keys;
    mt_api_recent_forget(api->recent);
}

void mt_api_keys_refresh(struct mt_api *api)
{
    pthread_rwlock_wrlock(&api->keys_lock);
    if (api->set.jwks_file && has_changed(&api->keys_file, api->set.jwks_file))
        refresh_tokens(api);
    if (api->set.url_keys && has_changed(&api->urls_file, api->set.url_keys))
        refresh_urls(api);
    pthread_rwlock_unlock(&api->keys_lock);
}

/* --- tokens --- */

/* With the lock of the keys: what keys that are gone have verified is not kept. */
static int verify_locked(struct mt_api *api, const char *token, struct mt_claims *claims,
                         struct mt_err *err)
{
    const struct mt_jwt_rules rules = {.issuer = api->set.issuer,
                                       .audience = api->set.audience,
                                       .types = api->set.token_types,
                                       .skew_us = api->set.skew_us};

    int64_t now_us = mt_now_us();

    if (mt_api_tokens_find(api->tokens, token, now_us, rules.skew_us, claims))
        return 0;
    json_t *said = mt_jwt_verify(api->keys, &rules, token, now_us, err);
    int ret = said ? mt_claims_of(claims, said, err) : -1;
    if (ret == 0)
        mt_api_tokens_keep(api->tokens, token, now_us, claims);
    json_decref(said);
    return ret;
}

static int verify(struct mt_api *api, const char *token, struct mt_claims *claims,
                  struct mt_err *err)
{
    pthread_rwlock_rdlock(&api->keys_lock);
    int ret = verify_locked(api, token, claims, err);
    pthread_rwlock_unlock(&api->keys_lock);
    return ret;
}

/* The token of "Authorization: Bearer TOKEN"; NULL if there is none of that form. */
static const char *bearer(const struct mt_api_call *call)
{
    const char *value = mt_http_header(call->x, "Authorization");

    if (!value || strncasecmp(value, "Bearer ", 7) != 0)
        return NULL;
    value += 7;
    return value + strspn(value, " ");
}

static int authenticate(struct mt_api_call *call, struct mt_err *err)
{
    const char *token = bearer(call);

    if (!token)
        return mt_fail(err, MT_ERR_POLICY, "no bearer token was sent");
    if (verify(call->api, token, &call->claims, err) < 0) {
        /* Perhaps the key is newer than what we have read. */
        mt_api_keys_refresh(call->api);
        if (verify(call->api, token, &call->claims, err) < 0)
            return -1;
    }
    call->user = call->claims.user;
    call->may = call->claims.may;
    return 0;
}

int mt_api_recheck(const struct mt_api_call *call, struct mt_err *err)
{
    if (call->api->set.open)
        return 0;
    if (call->claims.expires_us <= mt_now_us() - call->api->set.skew_us)
        return mt_fail(err, MT_ERR_POLICY, "the token has expired meanwhile");
    return 0;
}

/* --- refusals --- */

static void refuse(struct mt_api_call *call, const char *problem, const char *detail)
{
    struct mt_err err;

    if (mt_http_problem(call->x, problem, NULL, &err, "%s", detail) < 0) {
        /* The client has gone. */
    }
}

static int unauthorized(struct mt_api_call *call, const struct mt_err *why)
{
    if (why->code != MT_ERR_POLICY) { /* it is the keys, not the token */
        mt_http_fail(call->x, why);
        return 1;
    }
    mt_log(MT_LOG_INFO, "request %s: %s", call->request->id, why->msg);
    mt_http_add(call->x, "WWW-Authenticate", "Bearer realm=\"media\"%s",
                bearer(call) ? ", error=\"invalid_token\"" : "");
    refuse(call, "unauthorized",
           bearer(call) ? "the bearer token is not valid here" : "a bearer token is wanted");
    return 1;
}

static int forbidden(struct mt_api_call *call)
{
    mt_http_add(call->x, "WWW-Authenticate",
                "Bearer realm=\"media\", error=\"insufficient_scope\"");
    refuse(call, "forbidden", "the roles of this token do not permit that");
    return 1;
}

static bool address_ok(const struct mt_api_call *call)
{
    const struct mt_api *api = call->api;
    const char *address = call->request->address;

    return !mt_networks_have(&api->deny, address) &&
           (api->allow.n == 0 || mt_networks_have(&api->allow, address));
}

/* 1: answered by 429. */
static int count(struct mt_api_call *call)
{
    struct mt_api *api = call->api;
    struct mt_rate_answer answer;

    if (!api->rates || (call->route->flags & MT_API_FREE))
        return 0;
    char *name = mt_asprintf("%s", call->user ? call->user : call->request->address);
    mt_rates_take(api->rates, name, mt_now_us(), &answer);
    free(name);
    mt_http_add(call->x, "RateLimit-Policy", "\"default\";q=%lld;w=%lld", (long long)api->set.burst,
                (long long)((api->set.burst + api->set.rate - 1) / api->set.rate));
    mt_http_add(call->x, "RateLimit", "\"default\";r=%lld;t=%lld", (long long)answer.left,
                (long long)answer.reset_s);
    if (answer.ok)
        return 0;
    mt_http_add(call->x, "Retry-After", "%lld", (long long)(answer.retry_s ? answer.retry_s : 1));
    refuse(call, "too-many-requests", "more requests than are permitted");
    return 1;
}

int mt_api_guard(struct mt_api_call *call)
{
    unsigned needs = call->route->needs;
    struct mt_err err;

    if (!address_ok(call)) {
        refuse(call, "forbidden", "this address is not permitted");
        return 1;
    }
    if (call->api->set.open) {
        call->may = mt_role_may("admin");
    } else if (needs && authenticate(call, &err) < 0) {
        return count(call) ? 1 : unauthorized(call, &err);
    }
    if (count(call))
        return 1;
    return (call->may & needs) == needs ? 0 : forbidden(call);
}
