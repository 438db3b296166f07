/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * once.c - requests that are repeated are answered once (draft-ietf-httpapi-idempotency-key).
 *
 * A key is the user's. The first request with it leaves a row, which others meet: 409 while it
 * is being answered, 422 if they ask for something else, else the answer that was given.
 * A row whose request died without an answer may be taken over after a minute; the
 * jobs that it may have made are found again by their unique keys.
 */
#include "api/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "digest/digest.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 255, TAKE_OVER_US = 60 * 1000000, ALIVE_US = 20 * 1000000 };

/* The field is a quoted string (RFC 8941); bare text is tolerated. NULL: it is none. free(). */
static char *key_of(const char *value)
{
    size_t n = strlen(value);

    if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
        value++;
        n -= 2;
    }
    if (n == 0 || n > KEY_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (value[i] <= ' ' || value[i] > '~' || value[i] == '"' || value[i] == '\\')
            return NULL;
    return mt_strndup(value, n);
}

/* The body as far as it is known before it is read: all of JSON, the length of a form. NULL: *err.
 */
static char *body_text(struct mt_api_call *call, struct mt_err *err)
{
    json_t *body;

    /* How long a chunked one is depends on how much of it the web server has seen by now. */
    if ((call->route->flags & MT_API_STREAM) && mt_http_header(call->x, "Transfer-Encoding"))
        return mt_strdup("chunked");
    if (call->route->flags & MT_API_STREAM)
        return mt_asprintf("%lld bytes", (long long)call->request->content_length);
    body = mt_api_body(call, err);
    return body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
}

/* What tells this request from others of the same key. */
static int digest(struct mt_api_call *call, char hex[MT_SHA256_TEXT], struct mt_err *err)
{
    const char *id = mt_http_query(call->x, "upload_id");
    char *text = body_text(call, err);

    if (!text)
        return -1;
    char *whole = mt_asprintf("%s %s%s%s\n%s", mt_http_method_name(call->request->method),
                              call->request->path, id ? "?" : "", id ? id : "", text);
    int ret = mt_sha256_of(whole, strlen(whole), hex, err);
    free(whole);
    free(text);
    return ret;
}

/* 1: the key is ours now. */
static int claim(struct mt_api_call *call, struct mt_db *db, const char *hash, struct mt_err *err)
{
    const char *user = call->user ? call->user : "";
    int64_t now = mt_now_us();
    char created[MT_TIME_TEXT];
    char expires[MT_TIME_TEXT];
    char stale[MT_TIME_TEXT];
    int64_t changes = 0;

    mt_time_text(now, created);
    mt_time_text(now + call->api->set.idempotency_us, expires);
    mt_time_text(now - TAKE_OVER_US, stale);
    if (mt_db_exec(db, &changes, err,
                   "INSERT INTO idempotency_keys (user_key, key, request_hash, created_at,"
                   " expires_at) VALUES ($1, $2, $3, $4, $5)"
                   " ON CONFLICT (user_key, key) DO NOTHING",
                   "sssss", user, call->idempotency_key, hash, created, expires) < 0)
        return -1;
    if (changes > 0)
        return 1;
    if (mt_db_exec(db, &changes, err,
                   "UPDATE idempotency_keys SET request_hash = $3, status = NULL, response = NULL,"
                   " created_at = $4, expires_at = $5 WHERE user_key = $1 AND key = $2"
                   " AND (expires_at < $6 OR (status IS NULL AND created_at < $7"
                   " AND request_hash = $8))",
                   "ssssssss", user, call->idempotency_key, hash, created, expires, created, stale,
                   hash) < 0)
        return -1;
    return changes > 0;
}

static int replay(struct mt_api_call *call, const json_t *row, const char *hash, struct mt_err *err)
{
    int status = (int)mt_json_int(row, "status", 0);

    if (strcmp(mt_json_str(row, "request_hash", ""), hash) != 0)
        return mt_http_problem(call->x, "idempotency-key-reused", NULL, err,
                               "the key '%s' was used for a different request",
                               call->idempotency_key);
    if (!status) {
        mt_http_add(call->x, "Retry-After", "1");
        return mt_http_problem(call->x, "idempotency-in-progress", NULL, err,
                               "the first request with the key '%s' is being answered",
                               call->idempotency_key);
    }
    mt_http_add(call->x, "Idempotency-Replayed", "true");
    return mt_http_json(call->x, status, json_incref(json_object_get(row, "response")), err);
}

int mt_api_once_begin(struct mt_api_call *call, struct mt_err *err)
{
    const char *value = mt_http_header(call->x, "Idempotency-Key");
    char hash[MT_SHA256_TEXT];
    struct mt_db *db;

    if (!value)
        return 0;
    call->idempotency_key = key_of(value);
    if (!call->idempotency_key)
        return mt_fail(err, MT_ERR_USAGE, "Idempotency-Key is 1 to %d visible characters", KEY_MAX);
    if (digest(call, hash, err) < 0 || !(db = mt_api_db(call, err)))
        return -1;
    int ours = claim(call, db, hash, err);
    if (ours != 0) {
        call->key_held = ours > 0;
        call->key_alive_us = mt_mono_us();
        return ours < 0 ? -1 : 0;
    }
    json_t *row = mt_db_row(db, err,
                            "SELECT request_hash, status, response FROM idempotency_keys"
                            " WHERE user_key = $1 AND key = $2",
                            "ss", call->user ? call->user : "", call->idempotency_key);
    if (!row)
        return -1;
    int ret = replay(call, row, hash, err);
    json_decref(row);
    return ret < 0 ? -1 : 1;
}

/* If that fails another request may take the key over, as if this one had died. */
void mt_api_once_alive(struct mt_api_call *call)
{
    char now[MT_TIME_TEXT];
    bool lent = call->db != NULL;
    struct mt_err err;

    if (!call->key_held || mt_mono_us() - call->key_alive_us < ALIVE_US)
        return;
    call->key_alive_us = mt_mono_us();
    struct mt_db *db = mt_api_db(call, &err);
    if (db && mt_db_exec(db, NULL, &err,
                         "UPDATE idempotency_keys SET created_at = $3"
                         " WHERE user_key = $1 AND key = $2 AND status IS NULL",
                         "sss", call->user ? call->user : "", call->idempotency_key,
                         mt_time_text(mt_now_us(), now)) < 0)
        call->db_failed = true;
    if (!lent)
        mt_api_db_release(call);
}

int mt_api_once_keep(struct mt_api_call *call, int status, const json_t *body, struct mt_err *err)
{
    struct mt_db *db;

    if (!call->key_held)
        return 0;
    db = mt_api_db(call, err);
    if (!db || mt_db_exec(db, NULL, err,
                          "UPDATE idempotency_keys SET status = $3, response = $4"
                          " WHERE user_key = $1 AND key = $2",
                          "ssij", call->user ? call->user : "", call->idempotency_key,
                          (int64_t)status, body) < 0)
        return -1;
    call->key_held = false;
    return 0;
}

/* The request was refused: it may be corrected and sent with the same key again. */
void mt_api_once_drop(struct mt_api_call *call)
{
    struct mt_err err;
    struct mt_db *db = call->key_held ? mt_api_db(call, &err) : NULL;

    if (db && mt_db_exec(db, NULL, &err,
                         "DELETE FROM idempotency_keys WHERE user_key = $1 AND key = $2"
                         " AND status IS NULL",
                         "ss", call->user ? call->user : "", call->idempotency_key) < 0)
        call->db_failed = true;
    free(call->idempotency_key);
    call->idempotency_key = NULL;
    call->key_held = false;
}

int mt_api_once_sweep(struct mt_db *db, struct mt_err *err)
{
    char now[MT_TIME_TEXT];

    return mt_db_exec(db, NULL, err, "DELETE FROM idempotency_keys WHERE expires_at < $1", "s",
                      mt_time_text(mt_now_us(), now));
}

/* --- bodies and answers --- */

json_t *mt_api_body(struct mt_api_call *call, struct mt_err *err)
{
    if (call->body)
        return call->body;
    call->body = mt_http_read_json(call->x, MT_API_BODY_MAX, err);
    if (call->body && !json_is_object(call->body)) {
        json_decref(call->body);
        call->body = NULL;
        mt_fail(err, MT_ERR_BAD_DOCUMENT, "the body is no JSON object");
    }
    return call->body;
}

int mt_api_answer(struct mt_api_call *call, int status, json_t *body, struct mt_err *err)
{
    if (mt_api_once_keep(call, status, body, err) < 0) {
        json_decref(body);
        return -1;
    }
    return mt_http_json(call->x, status, body, err);
}
