/* SPDX-License-Identifier: GPL-2.0-or-later */
/* header.c - see header.h; and the boundary of a message. */
#include "multipart/header.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { VALUE_MAX = 2048 };

static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* One "; name=value" of a header. */
struct param {
    char name[32];
    char value[VALUE_MAX];
};

/*
 * A quoted string. A backslash stands for itself unless it comes before one or a quote:
 * some send the paths of Windows as they are.
 */
static const char *quoted(const char *p, char *out, size_t room)
{
    size_t n = 0;

    for (p++; *p && *p != '"'; p++) {
        if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
            p++;
        if (n + 1 >= room)
            return NULL;
        out[n++] = *p;
    }
    out[n] = '\0';
    return *p == '"' ? p + 1 : NULL;
}

static const char *bare(const char *p, char *out, size_t room)
{
    size_t n = strcspn(p, "; \t\",");

    if (n == 0 || n >= room)
        return NULL;
    memcpy(out, p, n);
    out[n] = '\0';
    return p + n;
}

/* The next parameter at p; NULL if there is none that can be read. */
static const char *next_param(const char *p, struct param *param)
{
    size_t n = 0;

    p = skip_blanks(p);
    if (*p != ';')
        return NULL;
    p = skip_blanks(p + 1);
    while (is_token(p[n]))
        n++;
    if (n == 0 || n >= sizeof param->name || p[n] != '=')
        return NULL;
    memcpy(param->name, p, n);
    param->name[n] = '\0';
    p += n + 1;
    return *p == '"' ? quoted(p, param->value, sizeof param->value)
                     : bare(p, param->value, sizeof param->value);
}

/* What browsers do to a name so that it fits between quotes (HTML, multipart/form-data encoding).
 */
static void undo_escapes(char *s)
{
    char *to = s;

    for (; *s; s++) {
        char c = *s;
        if (strncmp(s, "%22", 3) == 0)
            c = '"';
        else if (strncasecmp(s, "%0d", 3) == 0)
            c = '\r';
        else if (strncasecmp(s, "%0a", 3) == 0)
            c = '\n';
        s += c != *s ? 2 : 0;
        *to++ = c;
    }
    *to = '\0';
}

static int keep(const char *what, char *out, size_t room, struct param *param, struct mt_err *err)
{
    undo_escapes(param->value);
    size_t n = strlen(param->value);

    if (n >= room)
        return mt_fail(err, MT_ERR_LIMIT, "the %s of a part has more than %zu bytes", what,
                       room - 1);
    if (!mt_utf8_valid(param->value, n))
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "the %s of a part is not UTF-8", what);
    memcpy(out, param->value, n + 1);
    return 0;
}

static int disposition(struct mt_part *part, const char *value, struct mt_err *err)
{
    struct param param;
    const char *p = value + strcspn(value, "; \t");

    if (part->name[0])
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "a part has two Content-Disposition headers");
    if (p - value != 9 || strncasecmp(value, "form-data", 9) != 0)
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "a part is no form-data");
    for (; *skip_blanks(p);) {
        p = next_param(p, &param);
        if (!p)
            return mt_fail(err, MT_ERR_BAD_DOCUMENT, "the Content-Disposition of a part is wrong");
        if (strcasecmp(param.name, "name") == 0 && !part->name[0] &&
            keep("name", part->name, sizeof part->name, &param, err) < 0)
            return -1;
        if (strcasecmp(param.name, "filename") == 0 && !part->has_filename) {
            if (keep("file name", part->filename, sizeof part->filename, &param, err) < 0)
                return -1;
            part->has_filename = true;
        }
    }
    return 0;
}

static int content_type(struct mt_part *part, const char *value, struct mt_err *err)
{
    size_t n = strlen(value);

    if (part->type[0])
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "a part has two Content-Type headers");
    if (n >= sizeof part->type)
        return mt_fail(err, MT_ERR_LIMIT, "the Content-Type of a part has more than %zu bytes",
                       sizeof part->type - 1);
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            return mt_fail(err, MT_ERR_BAD_DOCUMENT, "the Content-Type of a part is not ASCII");
    memcpy(part->type, value, n + 1);
    return 0;
}

static int transfer_encoding(const char *value, struct mt_err *err)
{
    if (strcasecmp(value, "binary") == 0 || strcasecmp(value, "8bit") == 0 ||
        strcasecmp(value, "7bit") == 0)
        return 0;
    return mt_fail(err, MT_ERR_BAD_DOCUMENT,
                   "a part is sent as '%.32s', wanted are its bytes as they are", value);
}

int mt_part_header(struct mt_part *part, const char *line, struct mt_err *err)
{
    size_t n = 0;

    while (is_token(line[n]))
        n++;
    if (n == 0 || line[n] != ':')
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "a line before a part is no header");
    const char *value = skip_blanks(line + n + 1);
    if (n == 19 && strncasecmp(line, "Content-Disposition", n) == 0)
        return disposition(part, value, err);
    if (n == 12 && strncasecmp(line, "Content-Type", n) == 0)
        return content_type(part, value, err);
    if (n == 25 && strncasecmp(line, "Content-Transfer-Encoding", n) == 0)
        return transfer_encoding(value, err);
    return 0;
}

/* --- the boundary --- */

static bool is_boundary(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && n <= MT_MULTIPART_BOUNDARY_MAX && s[n - 1] != ' ' &&
           strspn(s,
                  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? ") ==
               n;
}

int mt_multipart_boundary(const char *content_type, char boundary[MT_MULTIPART_BOUNDARY_MAX + 1],
                          struct mt_err *err)
{
    struct param param;
    const char *p = content_type + strcspn(content_type, "; \t");

    boundary[0] = '\0';
    if (p - content_type != 19 || strncasecmp(content_type, "multipart/form-data", 19) != 0) {
        mt_fail(err, MT_ERR_USAGE, "the content is '%.64s', wanted is multipart/form-data",
                content_type);
        return mt_hint(err, "send the file as field 'file' of a form");
    }
    while ((p = next_param(p, &param))) {
        if (strcasecmp(param.name, "boundary") != 0)
            continue;
        if (boundary[0] || !is_boundary(param.value))
            break;
        strcpy(boundary, param.value);
    }
    if (!boundary[0] || p)
        return mt_fail(err, MT_ERR_USAGE, "the Content-Type names no boundary that is allowed");
    return 0;
}

/* --- the file name of a whole message --- */

static int hex_of(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* UTF-8'language'percent-encoded, RFC 8187. */
static bool extended(const char *value, char *out, size_t room)
{
    const char *p = strncasecmp(value, "UTF-8'", 6) == 0 ? strchr(value + 6, '\'') : NULL;
    size_t n = 0;

    if (!p)
        return false;
    for (p++; *p; p++) {
        int high = *p == '%' ? hex_of(p[1]) : -1;
        int low = high < 0 ? -1 : hex_of(p[2]);
        if ((*p == '%' && low < 0) || (high == 0 && low == 0) || n + 1 >= room)
            return false;
        char c = *p;
        if (*p == '%') {
            c = (char)(high << 4 | low);
            p += 2;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return n > 0 && mt_utf8_valid(out, n);
}

bool mt_disposition_filename(const char *value, char name[MT_MULTIPART_FILE_MAX + 1])
{
    struct param param;
    char better[MT_MULTIPART_FILE_MAX + 1];
    const char *p = value + strcspn(value, "; \t");

    name[0] = '\0';
    while ((p = next_param(p, &param))) {
        size_t n = strlen(param.value);
        if (strcasecmp(param.name, "filename") == 0 && n > 0 && n <= MT_MULTIPART_FILE_MAX &&
            mt_utf8_valid(param.value, n))
            memcpy(name, param.value, n + 1);
        if (strcasecmp(param.name, "filename*") == 0 &&
            extended(param.value, better, sizeof better)) {
            strcpy(name, better);
            return true;
        }
    }
    return name[0] != '\0';
}
