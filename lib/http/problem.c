/* SPDX-License-Identifier: GPL-2.0-or-later */
/* problem.c - failures as RFC 9457 wants them told. */
#include "http/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct mt_http_problem_kind mt_http_problems[] = {
    {"bad-request", 400, "Bad request",
     "The request is malformed, ambiguous, or has a parameter that is not understood."},
    {"unauthorized", 401, "Unauthorized",
     "A valid bearer token is wanted: none was sent, or it is expired, altered, or meant for "
     "somebody else."},
    {"forbidden", 403, "Forbidden", "The role of the token, or the address, does not permit this."},
    {"not-found", 404, "Not found",
     "There is nothing of that name, or it belongs to somebody else."},
    {"method-not-allowed", 405, "Method not allowed", "See the Allow header field."},
    {"not-acceptable", 406, "Not acceptable", "The answer has no form that the client accepts."},
    {"timeout", 408, "Request timeout", "The body did not come in time."},
    {"conflict", 409, "Conflict", "The state of the resource does not permit this now."},
    {"idempotency-in-progress", 409, "Request in progress",
     "A request with the same Idempotency-Key is being answered; try again."},
    {"gone", 410, "Gone", "It was there, and is not any more."},
    {"length-required", 411, "Length required", "Content-Length is wanted."},
    {"precondition-failed", 412, "Precondition failed",
     "If-Match or Tus-Resumable does not fit what is there."},
    {"too-large", 413, "Content too large", "The body is larger than is permitted."},
    {"uri-too-long", 414, "URI too long", "Path and query are too long."},
    {"unsupported-media-type", 415, "Unsupported media type",
     "The Content-Type is none that is understood here."},
    {"invalid-parameters", 422, "Invalid parameters",
     "The body is well-formed, but a member is missing, unknown, or has no possible value."},
    {"refused", 422, "Refused", "Policy forbids it, such as a source URL that points inside."},
    {"idempotency-key-reused", 422, "Idempotency-Key reused",
     "The key was used before for a different request."},
    {"too-many-requests", 429, "Too many requests", "Wait for as long as Retry-After says."},
    {"headers-too-large", 431, "Request header fields too large", "Send fewer or shorter ones."},
    {"checksum-mismatch", 460, "Checksum mismatch",
     "What arrived is not what its checksum promised; it was not kept."},
    {"internal", 500, "Internal error",
     "Something went wrong here; the log has it under the request id."},
    {"not-implemented", 501, "Not implemented", "No such method is known here."},
    {"unavailable", 503, "Service unavailable",
     "A part of the service is away or busy; try again later."},
    {"no-space", 507, "Insufficient storage", "The disk or the quota is full."},
    {NULL, 0, NULL, NULL},
};

const struct mt_http_problem_kind *mt_http_problem_find(const char *name)
{
    for (const struct mt_http_problem_kind *k = mt_http_problems; k->name; k++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

static int answer(struct mt_http *x, int status, const char *type, const char *title, json_t *more,
                  struct mt_err *err, const char *fmt, va_list ap)
{
    char instance[MT_HTTP_ID + 40];
    char *detail = NULL;

    if (vasprintf(&detail, fmt, ap) < 0)
        detail = NULL;
    snprintf(instance, sizeof instance, "urn:media-toolkit:request:%s", x->request.id);
    json_t *body = json_pack("{s:s, s:s, s:i}", "type", type, "title", title, "status", status);
    json_object_set_new(body, "detail", mt_json_text(detail));
    json_object_set_new(body, "instance", json_string(instance));
    json_object_set_new(body, "request_id", json_string(x->request.id));
    if (more)
        json_object_update_missing(body, more);
    json_decref(more);
    char *text = mt_json_compact(body);
    json_decref(body);
    mt_http_replace(x, "Cache-Control", "no-store");
    int ret = mt_http_send(x, status, "application/problem+json", text, strlen(text), err);
    free(text);
    free(detail);
    return ret;
}

int mt_http_problem(struct mt_http *x, const char *name, json_t *more, struct mt_err *err,
                    const char *fmt, ...)
{
    const struct mt_http_problem_kind *kind = mt_http_problem_find(name);
    char *type = mt_asprintf("%s%s", MT_HTTP_PROBLEMS, kind ? name : "internal");
    va_list ap;

    va_start(ap, fmt);
    int ret = answer(x, kind ? kind->status : 500, type, kind ? kind->title : "Internal error",
                     more, err, fmt, ap);
    va_end(ap);
    free(type);
    return ret;
}

int mt_http_problem_as(struct mt_http *x, int status, const char *type, const char *title,
                       json_t *more, struct mt_err *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int ret = answer(x, status, type, title, more, err, fmt, ap);
    va_end(ap);
    return ret;
}

/* --- failures of the toolkit --- */

struct told {
    enum mt_code code;
    const char *problem;
    bool open; /* its message is about what the client has sent */
};

static const struct told tell[] = {
    {MT_ERR_USAGE, "bad-request", true},
    {MT_ERR_BAD_DOCUMENT, "bad-request", true},
    {MT_ERR_TRUNCATED, "bad-request", true},
    {MT_ERR_NOT_FOUND, "not-found", false},
    {MT_ERR_NO_FILE, "not-found", false},
    {MT_ERR_TIMEOUT, "timeout", true},
    {MT_ERR_TOO_LARGE, "too-large", true},
    {MT_ERR_LIMIT, "too-large", true},
    {MT_ERR_UNSUPPORTED_TYPE, "unsupported-media-type", true},
    {MT_ERR_POLICY, "refused", true},
    {MT_ERR_OUTSIDE_STORE, "refused", true},
    {MT_ERR_CHECKSUM, "checksum-mismatch", true},
    {MT_ERR_NO_SPACE, "no-space", false},
    {MT_ERR_BUSY, "unavailable", false},
    {MT_ERR_LOCKED, "unavailable", false},
    {MT_ERR_CANCELLED, "unavailable", false},
    {MT_ERR_READ_ONLY, "unavailable", false},
    {MT_ERR_SCHEMA, "unavailable", false},
    {MT_ERR_UNAVAILABLE, "unavailable", false},
};

void mt_http_fail(struct mt_http *x, const struct mt_err *failure)
{
    struct told as = {failure->code, "internal", false};
    struct mt_err err;

    for (size_t i = 0; i < sizeof tell / sizeof *tell; i++)
        if (tell[i].code == failure->code)
            as = tell[i];
    const struct mt_http_problem_kind *kind = mt_http_problem_find(as.problem);
    if (!as.open && kind->status >= 500)
        mt_log(MT_LOG_ERROR, "request %s: %s", x->request.id, failure->msg);
    if (x->status)
        return;
    if (kind->status == 503)
        mt_http_replace(x, "Retry-After", "2");
    json_t *more = as.open && *failure->hint ? json_pack("{s:s}", "hint", failure->hint) : NULL;
    if (mt_http_problem(x, as.problem, more, &err, "%s", as.open ? failure->msg : kind->meaning) <
        0) {
        /* The client has gone. */
    }
}
