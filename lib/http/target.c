/* SPDX-License-Identifier: GPL-2.0-or-later */
/* target.c - path and query, taken apart strictly: what two programs could read in two ways is
 * refused (RFC 3986; RFC 9110, section 4). */
#include "http/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place; plus: '+' is a space. False for a bad escape, NUL or an escaped slash. */
static bool decode(char *s, bool plus)
{
    char *to = s;

    for (; *s; s++) {
        if (*s != '%') {
            *to++ = (char)(plus && *s == '+' ? ' ' : *s);
            continue;
        }
        int high = hex(s[1]);
        int low = high < 0 ? -1 : hex(s[2]);
        int byte = high * 16 + low;
        if (low < 0 || byte == 0 || (!plus && byte == '/'))
            return false;
        *to++ = (char)byte;
        s += 2;
    }
    *to = '\0';
    return true;
}

static bool is_clean(const char *s)
{
    size_t n = strlen(s);
    uint32_t cp;

    while (n > 0) {
        size_t k = mt_utf8_next(s, n, &cp);
        if (k == 0 || mt_utf8_is_control(cp))
            return false;
        s += k;
        n -= k;
    }
    return true;
}

/* No part is empty, "." or "..", so that a path has one spelling. */
static bool is_plain(const char *path)
{
    for (const char *p = path; *p; p++) {
        if (*p != '/')
            continue;
        size_t n = strcspn(p + 1, "/");
        if ((n == 0 && p[1]) || (n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
            return false;
    }
    return true;
}

static bool parse_query(struct mt_http *x, char *text)
{
    char *save = NULL;

    for (char *part = strtok_r(text, "&", &save); part; part = strtok_r(NULL, "&", &save)) {
        char *value = strchr(part, '=');
        if (x->n_query == MT_HTTP_QUERY_MAX)
            return false;
        if (value)
            *value++ = '\0';
        if (!decode(part, true) || (value && !decode(value, true)) || !is_clean(part) ||
            (value && !is_clean(value)) || mt_http_query(x, part))
            return false;
        x->query[x->n_query++] = (struct mt_http_pair){part, value ? value : ""};
    }
    return true;
}

const char *mt_http_parse_target(struct mt_http *x, const char *target)
{
    size_t n = strcspn(target, "?");

    x->target = mt_text_printable(target, MT_HTTP_TARGET_MAX * 6);
    x->request.target = x->target;
    x->request.path = "/";
    if (strlen(target) > MT_HTTP_TARGET_MAX)
        return "uri-too-long";
    x->path = mt_strndup(target, n);
    x->query_text = mt_strdup(target[n] ? target + n + 1 : "");
    if (x->path[0] != '/' || !decode(x->path, false) || !is_clean(x->path) || !is_plain(x->path))
        return "bad-request";
    x->request.path = x->path;
    return parse_query(x, x->query_text) ? NULL : "bad-request";
}

const char *mt_http_query(const struct mt_http *x, const char *name)
{
    for (int i = 0; i < x->n_query; i++)
        if (strcmp(x->query[i].name, name) == 0)
            return x->query[i].value;
    return NULL;
}

const char *mt_http_query_name(const struct mt_http *x, int n)
{
    return n >= 0 && n < x->n_query ? x->query[n].name : NULL;
}
