/* SPDX-License-Identifier: GPL-2.0-or-later */
/* path.c - see path.h. */
#include "base/path.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

const char *mt_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The dot before the extension, else the end of the name. */
static const char *ext_of(const char *base)
{
    const char *end = base + strlen(base);
    const char *dot = strrchr(base + strspn(base, "."), '.');

    if (!dot || !dot[1] || end - dot > 16)
        return end;
    for (const char *c = dot + 1; *c; c++)
        if (!isalnum((unsigned char)*c))
            return end;
    return dot;
}

void mt_path_ext(const char *path, char ext[16])
{
    const char *dot = ext_of(mt_path_base(path));

    strcpy(ext, *dot ? dot + 1 : "");
    mt_str_lower(ext);
}

/* Replaces each control character of the well-formed string by '_', in place. */
static void blank_controls(char *s)
{
    char *out = s;
    uint32_t cp = 0;
    size_t n = strlen(s);

    for (size_t i = 0, len; i < n; i += len) {
        len = mt_utf8_next(s + i, n - i, &cp);
        if (mt_utf8_is_control(cp)) {
            *out++ = '_';
        } else {
            memmove(out, s + i, len);
            out += len;
        }
    }
    *out = '\0';
}

char *mt_path_stem(const char *path)
{
    const char *base = mt_path_base(path);
    char *stem = mt_utf8_clean(base, (size_t)(ext_of(base) - base));
    char *p = stem;

    blank_controls(stem);
    while (*p == '.' || *p == '-')
        p++;
    size_t n = strlen(p);
    if (n > 120)
        for (n = 120; n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80;)
            n--;
    char *out = n ? mt_strndup(p, n) : mt_strdup("media");
    free(stem);
    return out;
}

static bool is_plain_text(const char *s)
{
    uint32_t cp = 0;
    size_t n = strlen(s);

    for (size_t i = 0, len; i < n; i += len) {
        len = mt_utf8_next(s + i, n - i, &cp);
        if (len == 0 || mt_utf8_is_control(cp))
            return false;
    }
    return true;
}

bool mt_key_is_safe(const char *key)
{
    if (!*key || strlen(key) > 500 || !is_plain_text(key))
        return false;
    for (const char *p = key;;) {
        size_t n = strcspn(p, "/");
        if (n == 0 || n > 255 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
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

char *mt_path_of_program(void)
{
    /* Without /proc the kernel still tells by what path the program was run. */
    const char *run_as = (const char *)(uintptr_t)getauxval(AT_EXECFN);
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (n > 0)
        path[n] = '\0';
    else if (!run_as || !realpath(run_as, path))
        path[0] = '\0';
    return mt_strndup(path, (size_t)(mt_path_base(path) - path));
}
