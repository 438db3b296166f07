/* SPDX-License-Identifier: GPL-2.0-or-later */
/* route.c - which line of the table a request is for. */
#include "api/internal.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const struct mt_api_route *const tables[] = {mt_api_routes, mt_api_upload_routes};

/* What stands in the path for each {name} of a template. */
struct found {
    int n;
    size_t at[MT_API_ARGS], end[MT_API_ARGS];
};

static bool fits(const char *template, const char *path, struct found *f)
{
    const char *p = path;

    f->n = 0;
    while (*template && *p) {
        if (*template != '{') {
            if (*template ++ != *p++)
                return false;
            continue;
        }
        size_t len = strcspn(p, "/");
        if (len == 0 || f->n == MT_API_ARGS)
            return false;
        f->at[f->n] = (size_t)(p - path);
        p += len;
        f->end[f->n++] = (size_t)(p - path);
        template = strchr(template, '}') + 1;
    }
    return !*template && !*p;
}

static void take_args(struct mt_api_call *call, const struct found *f)
{
    if (f->n == 0)
        return;
    call->path = mt_strdup(call->request->path);
    for (int i = 0; i < f->n; i++) {
        call->path[f->end[i]] = '\0';
        call->args[i] = call->path + f->at[i];
    }
}

static void add(char allow[MT_API_ALLOW], const char *name)
{
    size_t n = strlen(allow);

    snprintf(allow + n, MT_API_ALLOW - n, "%s%s", n ? ", " : "", name);
}

const struct mt_api_route *mt_api_find(struct mt_api_call *call, char allow[MT_API_ALLOW])
{
    enum mt_http_method method = call->request->method;
    unsigned have = 0;

    if (method == MT_HTTP_HEAD)
        method = MT_HTTP_GET;
    allow[0] = '\0';
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct mt_api_route *r = tables[t]; r->path; r++) {
            struct found f;
            if (!fits(r->path, call->request->path, &f))
                continue;
            if (r->method == call->request->method || r->method == method) {
                take_args(call, &f);
                return r;
            }
            have |= r->method;
        }
    if (!have)
        return NULL;
    if (have & MT_HTTP_GET)
        have |= MT_HTTP_HEAD;
    for (unsigned m = MT_HTTP_GET; m < MT_HTTP_OPTIONS; m <<= 1)
        if (have & m)
            add(allow, mt_http_method_name((enum mt_http_method)m));
    add(allow, "OPTIONS");
    return NULL;
}
