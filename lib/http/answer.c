/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer.c - status, header fields and bytes, whole or piece by piece. */
#include "http/internal.h"

#include "base/mem.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { STATUS_NO_CONTENT = 204, STATUS_NOT_MODIFIED = 304, STATUS_INTERNAL = 500 };

static void add(struct mt_http *x, const char *name, const char *fmt, va_list ap)
{
    struct mt_err ignored;
    char *value = NULL;

    if (vasprintf(&value, fmt, ap) < 0)
        return;
    for (char *c = value; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    /* A field that does not fit any more is ours to avoid, not the client's to suffer from. */
    if (mt_buf_printf(&x->headers, &ignored, "%s: %s\r\n", name, value) < 0)
        mt_buf_clear(&x->headers);
    free(value);
}

void mt_http_add(struct mt_http *x, const char *name, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(x, name, fmt, ap);
    va_end(ap);
}

static void take_away(struct mt_http *x, const char *name)
{
    size_t n = strlen(name);
    char *line = x->headers.data;

    while (line && *line) {
        char *end = strstr(line, "\r\n") + 2;
        if (strncasecmp(line, name, n) != 0 || line[n] != ':') {
            line = end;
            continue;
        }
        memmove(line, end, strlen(end) + 1);
        x->headers.len -= (size_t)(end - line);
    }
}

void mt_http_replace(struct mt_http *x, const char *name, const char *fmt, ...)
{
    va_list ap;

    take_away(x, name);
    va_start(ap, fmt);
    add(x, name, fmt, ap);
    va_end(ap);
}

/* nginx passes the status on as it stands here: without a reason its status line would be short. */
static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } known[] = {
        {200, "OK"},           {201, "Created"},         {202, "Accepted"},
        {204, "No Content"},   {206, "Partial Content"}, {304, "Not Modified"},
        {401, "Unauthorized"}, {403, "Forbidden"},       {404, "Not Found"},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].reason;
    for (const struct mt_http_problem_kind *k = mt_http_problems; k->name; k++)
        if (k->status == status)
            return k->title;
    return status < 300 ? "Success" : status < 400 ? "Redirect" : "Refused";
}

/* Status line and header fields; length -1: not known. */
static int head_of(struct mt_http *x, struct mt_buf *head, int status, const char *type,
                   int64_t length, struct mt_err *err)
{
    bool bare = status == STATUS_NO_CONTENT || status == STATUS_NOT_MODIFIED;

    mt_buf_init(head, 2 * MT_HTTP_PARAMS_MAX);
    x->status = status;
    if (mt_buf_printf(head, err, "Status: %d %s\r\nX-Request-Id: %s\r\n", status, reason_of(status),
                      x->request.id) < 0 ||
        (type && mt_buf_printf(head, err, "Content-Type: %s\r\n", type) < 0) ||
        (length >= 0 && !bare &&
         mt_buf_printf(head, err, "Content-Length: %lld\r\n", (long long)length) < 0) ||
        mt_buf_add(head, x->headers.data ? x->headers.data : "", x->headers.len, err) < 0)
        return -1;
    return mt_buf_add(head, "\r\n", 2, err);
}

int mt_http_send(struct mt_http *x, int status, const char *type, const void *data, size_t n,
                 struct mt_err *err)
{
    bool silent = x->request.method == MT_HTTP_HEAD;
    struct mt_buf head;
    int ret = -1;

    if (x->status)
        return mt_fail(err, MT_ERR_BUG, "a second answer to one request");
    if (head_of(x, &head, status, type, (int64_t)n, err) == 0) {
        struct iovec pieces[] = {{head.data, head.len}, {(void *)(uintptr_t)data, silent ? 0 : n}};
        ret = x->transport->write(x->conn, pieces, 2, true, err);
        x->sent = silent ? 0 : (int64_t)n;
    }
    x->ended = true;
    mt_buf_free(&head);
    return ret;
}

int mt_http_json(struct mt_http *x, int status, json_t *body, struct mt_err *err)
{
    char *text = mt_json_compact(body);

    json_decref(body);
    int ret = mt_http_send(x, status, "application/json", text, strlen(text), err);
    free(text);
    return ret;
}

int mt_http_begin(struct mt_http *x, int status, const char *type, struct mt_err *err)
{
    struct mt_buf head;
    int ret = -1;

    if (x->status)
        return mt_fail(err, MT_ERR_BUG, "a second answer to one request");
    if (head_of(x, &head, status, type, -1, err) == 0) {
        struct iovec piece = {head.data, head.len};
        ret = x->transport->write(x->conn, &piece, 1, false, err);
    }
    mt_buf_free(&head);
    return ret;
}

int mt_http_write(struct mt_http *x, const void *data, size_t n, struct mt_err *err)
{
    struct iovec piece = {(void *)(uintptr_t)data, n};

    if (x->request.method == MT_HTTP_HEAD || n == 0)
        return 0;
    x->sent += (int64_t)n;
    return x->transport->write(x->conn, &piece, 1, false, err);
}

bool mt_http_gone(struct mt_http *x)
{
    return x->transport->gone(x->conn);
}

int mt_http_status(const struct mt_http *x)
{
    return x->status;
}

int64_t mt_http_sent(const struct mt_http *x)
{
    return x->sent;
}

void mt_http_end(struct mt_http *x)
{
    struct mt_err err;

    if (!x->status) {
        mt_fail(&err, MT_ERR_BUG, "nobody answered '%s %s'", x->request.method_name,
                x->request.path);
        mt_http_fail(x, &err);
    }
    if (!x->ended && x->transport->write(x->conn, NULL, 0, true, &err) < 0) {
        /* The client has gone; there is nobody to tell. */
    }
    x->ended = true;
}
