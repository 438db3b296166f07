/* SPDX-License-Identifier: GPL-2.0-or-later */
/* path.c - see path.h. */
#include "base/path.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *mt_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void mt_path_ext(const char *path, char ext[16])
{
    const char *base = mt_path_base(path);
    const char *dot = strrchr(base, '.');

    ext[0] = '\0';
    if (!dot || dot == base || strlen(dot + 1) > 15)
        return;
    strcpy(ext, dot + 1);
    mt_str_lower(ext);
}

char *mt_path_stem(const char *path)
{
    const char *base = mt_path_base(path);
    const char *dot = strrchr(base, '.');
    size_t n = dot && dot != base ? (size_t)(dot - base) : strlen(base);
    char *stem = mt_utf8_clean(base, n);
    char *p = stem;

    for (char *c = stem; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '_';
    while (*p == '.' || *p == '-')
        p++;
    n = strlen(p);
    if (n > 120)
        for (n = 120; n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80;)
            n--;
    char *out = n ? mt_strndup(p, n) : mt_strdup("media");
    free(stem);
    return out;
}

bool mt_key_is_safe(const char *key)
{
    if (!*key || strlen(key) > 500)
        return false;
    for (const char *c = key; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    for (const char *p = key;;) {
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        if (!p[n])
            return true;
        p += n + 1;
    }
}

char *mt_path_join(const char *dir, const char *name)
{
    return mt_asprintf("%s%s%s", dir, mt_str_ends(dir, "/") ? "" : "/", name);
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

char *mt_path_of_file_url(const char *url)
{
    if (!mt_str_starts(url, "file://"))
        return NULL;
    const char *s = url + strlen("file://");
    if (mt_str_starts(s, "localhost/"))
        s += strlen("localhost");
    if (*s != '/')
        return NULL;

    char *out = mt_strdup(s);
    char *p = out;
    for (; *s; s++) {
        int hi = *s == '%' ? hex(s[1]) : -1;
        int lo = hi >= 0 ? hex(s[2]) : -1;
        if (*s == '%' && (lo < 0 || (hi == 0 && lo == 0))) {
            free(out);
            return NULL;
        }
        *p++ = *s == '%' ? (char)(hi * 16 + lo) : *s;
        s += *s == '%' ? 2 : 0;
    }
    *p = '\0';
    return out;
}

char *mt_path_to_file_url(const char *path)
{
    char *out = mt_realloc(NULL, strlen(path) * 3 + sizeof "file://", 1);
    char *p = stpcpy(out, "file://");

    for (const char *s = path; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("/-._~!$&'()*+,;=:@", *s))
            *p++ = *s;
        else
            p += sprintf(p, "%%%02X", (unsigned char)*s);
    }
    *p = '\0';
    return out;
}
