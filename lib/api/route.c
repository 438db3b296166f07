/* SPDX-License-Identifier: GPL-2.0-or-later */
/* route.c - which line of the table a request is for. */
#include "api/internal.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct mt_api_route *const tables[] = {mt_api_routes, mt_api_upload_routes};

/*
 * Whether the path fits the template; what stands for each {name} goes to ends
 * of parts in place, so that args can point there: the path is ours to cut.
 */
static bool fits(const char *template, char *path, const char *args[MT_API_ARGS], char *cuts[])
{
    int n = 0;

    while (*template && *path) {
        if (*template != '{') {
            if (*template ++ != *path++)
                return false;
            continue;
        }
        size_t len = strcspn(path, "/");
        if (len == 0 || n == MT_API_ARGS)
            return false;
        args[n] = path;
        path += len;
        cuts[n++] = path;
        template = strchr(template, '}') + 1;
    }
    return !*template && !*path;
}

static bool fits_path(struct mt_api_call *call, const char *template)
{
    const char *args[MT_API_ARGS] = {NULL};
    char *cuts[MT_API_ARGS] = {NULL};
    char *path = mt_strdup(call->request->path);
    bool yes = fits(template, path, args, cuts);

    if (yes)
        for (int i = 0; i < MT_API_ARGS; i++) {
            if (cuts[i])
                *cuts[i] = '\0';
            call->args[i] = args[i];
        }
    if (yes && args[0])
        call->path = path; /* the args lie in it */
    else
        free(path);
    return yes;
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
            free(call->path);
            call->path = NULL;
            if (!fits_path(call, r->path))
                continue;
            if (r->method == call->request->method || r->method == method)
                return r;
            have |= r->method;
        }
    free(call->path);
    call->path = NULL;
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
