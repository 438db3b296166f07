/* SPDX-License-Identifier: GPL-2.0-or-later */
/* api.c - a request from its arrival to its line in the access log. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/journal.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SWEEP_US = 60 * 1000000, URL_STEP_S = 300 };

/* --- the service --- */

static int open_log(struct mt_api *api, struct mt_err *err)
{
    const char *file = api->set.access_log;

    if (!file)
        return 0;
    api->log_fd = strcmp(file, "-") == 0
                      ? dup(STDERR_FILENO)
                      : open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    return api->log_fd < 0 ? mt_fail_errno(err, "cannot write the access log '%s'", file) : 0;
}

int mt_api_open(struct mt_api **out, const struct mt_api_settings *settings, struct mt_err *err)
{
    struct mt_api *api = mt_alloc(sizeof *api);

    *api = (struct mt_api){.set = *settings, .log_fd = -1};
    pthread_rwlock_init(&api->keys_lock, NULL);
    pthread_mutex_init(&api->streams_lock, NULL);
    json_object_seed(0); /* before there are threads */
    if (!settings->cgi) {
        api->tokens = mt_api_tokens_open();
        api->recent = mt_api_recent_open();
    }
    int ret = mt_api_pool_open(api, err);
    if (ret == 0)
        ret = mt_api_keys_open(api, err);
    if (ret == 0)
        ret = mt_networks_init(&api->allow, "api.allow", settings->allow, err);
    if (ret == 0)
        ret = mt_networks_init(&api->deny, "api.deny", settings->deny, err);
    if (ret == 0 && settings->rate > 0)
        ret = mt_rates_open(&api->rates, settings->rate, settings->burst, settings->rate_file, err);
    if (ret == 0)
        ret = open_log(api, err);
    if (ret < 0)
        mt_api_close(&api);
    *out = api;
    return ret;
}

void mt_api_close(struct mt_api **api)
{
    if (!*api)
        return;
    mt_api_pool_close(*api);
    mt_api_keys_close(*api);
    mt_api_tokens_close(&(*api)->tokens);
    mt_api_recent_close(&(*api)->recent);
    mt_networks_free(&(*api)->allow);
    mt_networks_free(&(*api)->deny);
    mt_rates_close(&(*api)->rates);
    mt_fd_close(&(*api)->log_fd);
    pthread_rwlock_destroy(&(*api)->keys_lock);
    pthread_mutex_destroy(&(*api)->streams_lock);
    free(*api);
    *api = NULL;
}

const struct mt_api_settings *mt_api_settings(const struct mt_api *api)
{
    return &api->set;
}

/* --- now and then --- */

int mt_api_sweep(struct mt_api *api, struct mt_err *err)
{
    static const struct mt_http_request nobody = {.method = MT_HTTP_POST};
    struct mt_api_call call = {.api = api, .request = &nobody};
    struct mt_db *db = mt_api_db(&call, err);
    int ret = db ? mt_api_once_sweep(db, err) : -1;

    if (ret == 0)
        ret = mt_api_upload_sweep(api, db, err);
    call.db_failed = ret < 0;
    mt_api_db_release(&call);
    return ret;
}

void mt_api_tick(void *ctx)
{
    struct mt_api *api = ctx;
    struct mt_err err;

    mt_api_keys_refresh(api);
    if (mt_mono_us() - api->swept_us < SWEEP_US)
        return;
    api->swept_us = mt_mono_us();
    if (mt_api_sweep(api, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err);
}

/* --- the access log --- */

/* Without the query, in which signatures stand. */
static void write_log(const struct mt_api_call *call)
{
    const struct mt_http_request *r = call->request;
    char now[MT_TIME_TEXT];

    if (call->api->log_fd < 0)
        return;
    json_t *line = json_pack(
        "{s:s, s:s, s:s, s:s, s:s?, s:s, s:s?, s:i, s:I, s:I, s:I}", "type", "access", "time",
        mt_time_text(mt_now_us(), now), "request_id", r->id, "address", r->address, "user",
        call->user, "method", mt_http_method_name(r->method), "operation",
        call->route ? call->route->operation : NULL, "status", mt_http_status(call->x),
        "received_bytes", (json_int_t)mt_http_read_so_far(call->x), "sent_bytes",
        (json_int_t)mt_http_sent(call->x), "took_us",
        (json_int_t)(mt_mono_us() - call->started_us));
    if (!line)
        return;
    json_object_set_new(line, "path", mt_json_text(r->path));
    if (*r->trace)
        json_object_set_new(line, "traceparent", json_string(r->trace));
    char *text = mt_json_compact(line);
    char *whole = mt_asprintf("%s\n", text);
    if (mt_write_all(call->api->log_fd, whole, strlen(whole)) < 0) {
        /* A full disk is no reason to refuse who asks. */
    }
    free(whole);
    free(text);
    json_decref(line);
}

/* --- one request --- */

static int not_found(struct mt_api_call *call, const char *allow, struct mt_err *err)
{
    if (!*allow)
        return mt_http_problem(call->x, "not-found", NULL, err, "there is nothing here");
    if (call->request->method == MT_HTTP_OPTIONS)
        return mt_api_options(call, allow, err);
    mt_http_add(call->x, "Allow", "%s", allow);
    return mt_http_problem(call->x, "method-not-allowed", NULL, err, "only %s", allow);
}

/* A parameter that nobody knows is a mistake that would go unseen. */
static int check_query(const struct mt_api_call *call, struct mt_err *err)
{
    const char *name;

    if (call->route->flags & MT_API_SELF)
        return 0;
    for (int i = 0; (name = mt_http_query_name(call->x, i)); i++)
        if (!call->route->query || !mt_api_listed(call->route->query, name)) {
            mt_fail(err, MT_ERR_USAGE, "no parameter '%.60s' is known here", name);
            return call->route->query ? mt_hint(err, "known: %s", call->route->query) : -1;
        }
    return 0;
}

static int handle(struct mt_api_call *call, struct mt_err *err)
{
    if (check_query(call, err) < 0)
        return -1;
    if (call->route->flags & MT_API_ONCE) {
        int done = mt_api_once_begin(call, err);
        if (done != 0)
            return done < 0 ? -1 : 0;
    }
    return call->route->handler(call, err);
}

static bool is_of_database(const struct mt_err *err)
{
    return err->code == MT_ERR_BUSY || err->code == MT_ERR_LOCKED || err->code == MT_ERR_IO ||
           err->code == MT_ERR_SCHEMA || err->code == MT_ERR_BUG || err->code == MT_ERR_FAILED;
}

void mt_api_serve(struct mt_http *x, void *ctx)
{
    struct mt_api_call call = {
        .api = ctx, .x = x, .request = mt_http_request(x), .started_us = mt_mono_us()};
    char allow[MT_API_ALLOW];
    struct mt_err err = {.code = MT_OK};
    int ret = 0;

    mt_http_add(x, "X-Content-Type-Options", "nosniff");
    mt_api_cors(&call);
    call.route = mt_api_find(&call, allow);
    if (!call.route)
        ret = not_found(&call, allow, &err);
    else if (mt_api_guard(&call) == 0)
        ret = handle(&call, &err);
    if (ret < 0) {
        call.db_failed = is_of_database(&err);
        mt_http_fail(x, &err);
    }
    mt_api_once_drop(&call);
    mt_api_db_release(&call);
    mt_store_close(&call.store);
    json_decref(call.body);
    write_log(&call);
    free(call.path);
}

/* --- for handlers --- */

int mt_api_user_seen(struct mt_api_call *call, struct mt_db *db, struct mt_err *err)
{
    if (!call->user)
        return 0;
    return mt_db_exec(db, NULL, err,
                      "INSERT INTO users (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
                      "ss", call->user, call->claims.subject);
}

int mt_api_audit(struct mt_api_call *call, struct mt_db *db, const char *action,
                 const char *object_type, const char *object_id, json_t *details,
                 struct mt_err *err)
{
    const struct mt_http_request *r = call->request;
    char now[MT_TIME_TEXT];

    if (!details)
        details = json_object();
    json_object_set_new(details, "request_id", json_string(r->id));
    if (*r->trace)
        json_object_set_new(details, "traceparent", json_string(r->trace));
    int ret =
        mt_db_exec(db, NULL, err,
                   "INSERT INTO audit_log (at, actor, action, object_type, object_id,"
                   " address, details) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                   "ssssssj", mt_time_text(mt_now_us(), now), call->user ? call->user : "anonymous",
                   action, object_type, object_id, r->address, details);
    json_decref(details);
    return ret;
}

/* Rounded up to five minutes, so that the same object has the same URL for a while. */
int64_t mt_api_url_expiry(const struct mt_api *api)
{
    int64_t at = (mt_now_us() + api->set.url_ttl_us) / 1000000;

    return (at / URL_STEP_S + 1) * URL_STEP_S;
}

char *mt_api_media_url(struct mt_api *api, const char *key)
{
    const struct mt_url_grant grant = {
        .key = key,
        .expires_s = mt_api_url_expiry(api),
        .depth = mt_str_ends(key, ".m3u8") || mt_str_ends(key, ".mpd") ? 2 : 0,
        .original = mt_url_is_original(key)};
    struct mt_err err;
    char *tail = NULL;

    pthread_rwlock_rdlock(&api->keys_lock);
    if (api->url_keys.n > 0)
        tail = mt_url_sign(&api->url_keys, &grant, &err);
    else
        tail = mt_strdup(key);
    pthread_rwlock_unlock(&api->keys_lock);
    if (!tail)
        return NULL;
    char *url = mt_asprintf("%s%s%s", api->set.media_url,
                            mt_str_ends(api->set.media_url, "/") ? "" : "/", tail);
    free(tail);
    return url;
}
