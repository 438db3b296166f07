/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exchange.c - what was asked: variables, checks, the body. */
#include "http/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SLICE_MS = 500, CHUNK = 16 * 1024, LENGTH_DIGITS = 18 };

static const struct {
    const char *name;
    enum mt_http_method method;
} methods[] = {
    {"GET", MT_HTTP_GET},         {"HEAD", MT_HTTP_HEAD},   {"POST", MT_HTTP_POST},
    {"PUT", MT_HTTP_PUT},         {"PATCH", MT_HTTP_PATCH}, {"DELETE", MT_HTTP_DELETE},
    {"OPTIONS", MT_HTTP_OPTIONS},
};

static enum mt_http_method method_of(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].method;
    return MT_HTTP_OTHER;
}

const char *mt_http_method_name(enum mt_http_method method)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (methods[i].method == method)
            return methods[i].name;
    return "";
}

const struct mt_http_request *mt_http_request(const struct mt_http *x)
{
    return &x->request;
}

const char *mt_http_param(const struct mt_http *x, const char *name)
{
    for (int i = 0; i < x->n_params; i++)
        if (strcmp(x->params[i].name, name) == 0)
            return x->params[i].value;
    return NULL;
}

/* Whether the variable is the one of a header field: HTTP_IF_MATCH of "If-Match". */
static bool is_header(const char *variable, const char *name)
{
    if (strncmp(variable, "HTTP_", 5) != 0)
        return false;
    for (variable += 5; *variable && *name; variable++, name++)
        if (*variable != (*name == '-' ? '_' : toupper((unsigned char)*name)))
            return false;
    return !*variable && !*name;
}

const char *mt_http_header(const struct mt_http *x, const char *name)
{
    if (strcasecmp(name, "Content-Type") == 0)
        return x->request.content_type;
    for (int i = 0; i < x->n_params; i++)
        if (is_header(x->params[i].name, name))
            return x->params[i].value;
    return NULL;
}

/* --- checks --- */

static bool has_controls(const char *value)
{
    for (; *value; value++)
        if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
            return true;
    return false;
}

/* The same variable twice is two requests in one. */
static const char *check_params(const struct mt_http *x)
{
    int headers = 0;

    for (int i = 0; i < x->n_params; i++) {
        const struct mt_http_pair *p = &x->params[i];
        bool header = strncmp(p->name, "HTTP_", 5) == 0;
        headers += header;
        if (headers > MT_HTTP_HEADERS_MAX)
            return "headers-too-large";
        if (!header && strncmp(p->name, "CONTENT_", 8) != 0)
            continue;
        if (has_controls(p->value))
            return "bad-request";
        for (int k = 0; k < i; k++)
            if (strcmp(x->params[k].name, p->name) == 0)
                return "bad-request";
    }
    return NULL;
}

/*
 * A server that has put a chunked body together first states its length beside the client's
 * Transfer-Encoding; that the client sent both itself is what smuggles requests.
 */
static const char *check_length(struct mt_http *x)
{
    const char *text = mt_http_param(x, "CONTENT_LENGTH");
    const char *coding = mt_http_header(x, "Transfer-Encoding");
    const char *sent = mt_http_header(x, "Content-Length");
    bool stated = text && *text;
    bool carries = x->request.method & (MT_HTTP_POST | MT_HTTP_PUT | MT_HTTP_PATCH);

    if (coding && (sent || strcasecmp(coding, "chunked") != 0))
        return "bad-request";
    if (sent && (!stated || strcmp(sent, text) != 0))
        return "bad-request";
    if (!stated) {
        x->request.content_length = coding || carries ? -1 : 0;
        return NULL;
    }
    if (text[strspn(text, "0123456789")] || strlen(text) > LENGTH_DIGITS)
        return "bad-request";
    x->request.content_length = strtoll(text, NULL, 10);
    return NULL;
}

static bool id_ok(const char *id)
{
    size_t n = id ? strlen(id) : 0;

    return n > 0 && n < MT_HTTP_ID &&
           n == strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-");
}

/* "00-" 32 hex digits "-" 16 "-" 2, in lower case, neither id all zeros. */
static bool trace_ok(const char *t)
{
    static const char form[] = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

    if (!t || strlen(t) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'x' ? !strchr("0123456789abcdef", t[i]) : t[i] != form[i])
            return false;
    return strspn(t + 3, "0") < 32 && strspn(t + 36, "0") < 16;
}

static void set_ids(struct mt_http *x)
{
    const char *id = mt_http_header(x, "X-Request-Id");
    const char *trace = mt_http_header(x, "Traceparent");

    if (id_ok(id))
        strcpy(x->request.id, id);
    else
        mt_uuid(x->request.id);
    if (trace_ok(trace))
        strcpy(x->request.trace, trace);
}

static void set_method(struct mt_http *x)
{
    const char *name = mt_http_param(x, "REQUEST_METHOD");
    const char *other = mt_http_header(x, "X-HTTP-Method-Override");

    x->request.method_name = name ? name : "";
    x->request.method = method_of(x->request.method_name);
    if (x->request.method == MT_HTTP_POST && other &&
        (method_of(other) & (MT_HTTP_PATCH | MT_HTTP_DELETE | MT_HTTP_PUT)))
        x->request.method = method_of(other);
}

/* What the web server calls the target; the path alone if it does not keep it as it came. */
static const char *parse_target(struct mt_http *x)
{
    const char *target = mt_http_param(x, "MEDIA_TARGET");
    const char *script = mt_http_param(x, "SCRIPT_NAME");
    const char *path = mt_http_param(x, "PATH_INFO");
    const char *query = mt_http_param(x, "QUERY_STRING");

    if (!target || !*target)
        target = mt_http_param(x, "REQUEST_URI");
    if (target && *target)
        return mt_http_parse_target(x, target);
    char *whole = mt_asprintf("%s%s%s%s", script ? script : "", path ? path : "",
                              query && *query ? "?" : "", query ? query : "");
    const char *problem = mt_http_parse_target(x, whole);
    free(whole);
    return problem;
}

bool mt_http_open(struct mt_http *x)
{
    const char *type = mt_http_param(x, "CONTENT_TYPE");
    const char *address = mt_http_param(x, "REMOTE_ADDR");
    const char *secure = mt_http_param(x, "HTTPS");
    const char *problem;
    struct mt_err err;

    mt_buf_init(&x->headers, MT_HTTP_PARAMS_MAX);
    x->request.content_type = type && *type ? type : NULL;
    x->request.address = address ? address : "";
    x->request.secure = secure && strcmp(secure, "on") == 0;
    set_ids(x);
    set_method(x);
    problem = check_params(x);
    const char *wrong = parse_target(x);
    problem = problem ? problem : wrong;
    wrong = check_length(x);
    problem = problem ? problem : wrong;
    if (!problem)
        return true;
    if (mt_http_problem(x, problem, NULL, &err, "the request is malformed or ambiguous") < 0)
        return false;
    return false;
}

void mt_http_close(struct mt_http *x)
{
    mt_buf_free(&x->headers);
    free(x->target);
    free(x->path);
    free(x->query_text);
}

/* --- the body --- */

bool mt_http_body_ended(const struct mt_http *x)
{
    return x->read_all || x->request.content_length == 0;
}

int64_t mt_http_read_so_far(const struct mt_http *x)
{
    return x->read;
}

bool mt_http_stopping(const struct mt_http *x)
{
    return x->stopping && *x->stopping;
}

/* One attempt, and what its result means for the length that was stated. */
static ssize_t read_once(struct mt_http *x, void *buf, size_t n, int timeout_ms, struct mt_err *err)
{
    int64_t stated = x->request.content_length;

    if (stated >= 0 && (int64_t)n > stated - x->read)
        n = (size_t)(stated - x->read);
    if (n == 0 && stated >= 0)
        x->read_all = true;
    if (x->read_all)
        return 0;
    ssize_t got = x->transport->read(x->conn, buf, n, timeout_ms, err);
    if (got > 0) {
        x->read += got;
        x->read_all = stated >= 0 && x->read == stated;
    } else if (got == 0 && stated >= 0) {
        got = mt_fail(err, MT_ERR_TRUNCATED, "the body ended after %lld of %lld bytes",
                      (long long)x->read, (long long)stated);
    } else if (got == 0) {
        x->read_all = true;
    }
    x->read_failed = got == -1;
    return got;
}

ssize_t mt_http_read(struct mt_http *x, void *buf, size_t n, int timeout_ms, struct mt_err *err)
{
    int64_t start = mt_mono_us();
    int idle = x->plan->idle_ms;
    bool patient = timeout_ms < 0 || timeout_ms > idle;

    if (x->read_failed)
        return mt_fail(err, MT_ERR_TRUNCATED, "the client went away");
    for (;;) {
        int64_t left = (patient ? idle : timeout_ms) - (mt_mono_us() - start) / 1000;
        int slice = left > SLICE_MS ? SLICE_MS : left < 0 ? 0 : (int)left;
        ssize_t got = read_once(x, buf, n, slice, err);
        if (got != MT_HTTP_WAIT)
            return got;
        if (mt_http_stopping(x))
            return mt_fail(err, MT_ERR_CANCELLED, "the server is stopping");
        if (left > slice)
            continue;
        return patient ? mt_fail(err, MT_ERR_TIMEOUT, "nothing came for %d s", idle / 1000)
                       : MT_HTTP_WAIT;
    }
}

bool mt_http_is_type(const struct mt_http *x, const char *type)
{
    const char *given = x->request.content_type;
    size_t n = strlen(type);

    if (!given || strncasecmp(given, type, n) != 0)
        return false;
    given += n;
    given += strspn(given, " \t");
    return !*given || *given == ';';
}

static int check_json_type(const struct mt_http *x, struct mt_err *err)
{
    const char *charset = x->request.content_type ? strstr(x->request.content_type, "charset") : 0;

    if (!mt_http_is_type(x, "application/json") ||
        (charset && !strcasestr(charset, "utf-8") && !strcasestr(charset, "us-ascii"))) {
        mt_fail(err, MT_ERR_UNSUPPORTED_TYPE, "the body is no application/json");
        return mt_hint(err, "send JSON in UTF-8, with 'Content-Type: application/json'");
    }
    return 0;
}

static int read_all(struct mt_http *x, struct mt_buf *body, size_t max, struct mt_err *err)
{
    ssize_t got;

    if (x->request.content_length > (int64_t)max)
        return mt_fail(err, MT_ERR_TOO_LARGE, "the body is larger than %zu bytes", max);
    do {
        if (mt_buf_reserve(body, CHUNK, err) < 0)
            return -1;
        got = mt_http_read(x, body->data + body->len, CHUNK, -1, err);
        if (got > 0)
            body->len += (size_t)got;
        if (body->len > max)
            return mt_fail(err, MT_ERR_TOO_LARGE, "the body is larger than %zu bytes", max);
    } while (got > 0);
    body->data[body->len] = '\0';
    return (int)got;
}

json_t *mt_http_read_json(struct mt_http *x, size_t max, struct mt_err *err)
{
    struct mt_buf body;
    json_t *json = NULL;

    mt_buf_init(&body, max + 2 * CHUNK);
    if (check_json_type(x, err) == 0 && read_all(x, &body, max, err) == 0)
        json = mt_json_parse("the body", body.data, body.len, err);
    mt_buf_free(&body);
    return json;
}
