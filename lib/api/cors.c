/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cors.c - pages of other origins (Fetch standard, "CORS protocol"). */
#include "api/internal.h"

#include <string.h>

static const char exposed[] =
    "ETag, Location, Link, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, "
    "Idempotency-Replayed, Content-Disposition, Upload-Offset, Upload-Length, Upload-Complete, "
    "Upload-Limit, Upload-Draft-Interop-Version, Upload-Metadata, Upload-Defer-Length, "
    "Upload-Concat, Upload-Expires, Tus-Version, Tus-Resumable, Tus-Max-Size, Tus-Extension, "
    "Tus-Checksum-Algorithm";

static const char taken[] =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, "
    "X-Request-Id, Traceparent, X-HTTP-Method-Override, X-Requested-With, Upload-Offset, "
    "Upload-Length, Upload-Complete, Upload-Draft-Interop-Version, Upload-Metadata, "
    "Upload-Defer-Length, Upload-Concat, Upload-Checksum, Tus-Resumable, Content-Disposition, "
    "Content-Digest, Repr-Digest";

/* The origin as it is to be told; NULL: not permitted. */
static const char *permitted(const struct mt_api_call *call)
{
    const char *origins = call->api->set.origins;
    const char *origin = mt_http_header(call->x, "Origin");

    if (!origins || !origin)
        return NULL;
    if (strcmp(origins, "*") == 0)
        return "*";
    return mt_api_listed(origins, origin) ? origin : NULL;
}

/* Asked before a request that needs permission (a preflight). */
static void preflight(struct mt_api_call *call)
{
    mt_http_add(call->x, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    mt_http_add(call->x, "Access-Control-Allow-Headers", "%s", taken);
    mt_http_add(call->x, "Access-Control-Max-Age", "86400");
}

void mt_api_cors(struct mt_api_call *call)
{
    const char *origin = permitted(call);

    if (!call->api->set.origins)
        return;
    mt_http_add(call->x, "Vary", "Origin");
    if (!origin)
        return;
    mt_http_add(call->x, "Access-Control-Allow-Origin", "%s", origin);
    mt_http_add(call->x, "Access-Control-Expose-Headers", "%s", exposed);
    if (call->request->method == MT_HTTP_OPTIONS &&
        mt_http_header(call->x, "Access-Control-Request-Method"))
        preflight(call);
}

int mt_api_options(struct mt_api_call *call, const char *allow, struct mt_err *err)
{
    mt_http_add(call->x, "Allow", "%s", allow);
    return mt_http_send(call->x, 204, NULL, NULL, 0, err);
}
