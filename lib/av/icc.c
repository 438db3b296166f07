/* SPDX-License-Identifier: GPL-2.0-or-later */
/* icc.c - see icc.h. */
#include "av/icc.h"

#include "av/bytes.h"
#include "base/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 128, TAGS_MOST = 200, NAME_MOST = 200 };

static json_t *clean_name(const char *text, size_t n)
{
    n = strnlen(text, n);
    char *clean = mt_utf8_clean(text, n);
    char *shown = mt_text_printable(clean, NAME_MOST);
    json_t *name = *shown ? json_string(shown) : NULL;

    free(clean);
    free(shown);
    return name;
}

/* Version 4: the first of several languages, in UTF-16 (10.15). Names beyond ASCII are rare. */
static json_t *name_of_mluc(const uint8_t *p, size_t n)
{
    char text[NAME_MOST + 1];
    size_t used = 0;

    if (n < 28 || mt_be32(p + 8) == 0)
        return NULL;
    size_t length = mt_be32(p + 20), at = mt_be32(p + 24);
    if (at > n || length > n - at)
        return NULL;
    for (size_t i = 0; i + 1 < length && used < NAME_MOST; i += 2) {
        uint32_t c = mt_be16(p + at + i);
        if (c == 0)
            break;
        text[used++] = c < 0x80 ? (char)c : '?';
    }
    return clean_name(text, used);
}

static json_t *name_of(const uint8_t *p, size_t n)
{
    if (n >= 13 && memcmp(p, "desc", 4) == 0) {
        size_t count = mt_be32(p + 8);
        return clean_name((const char *)p + 12, count < n - 12 ? count : n - 12);
    }
    return n >= 4 && memcmp(p, "mluc", 4) == 0 ? name_of_mluc(p, n) : NULL;
}

static json_t *find_name(const uint8_t *data, size_t n)
{
    size_t tags = n >= HEADER + 4 ? mt_be32(data + HEADER) : 0;

    for (size_t i = 0; i < tags && i < TAGS_MOST && HEADER + 4 + 12 * (i + 1) <= n; i++) {
        const uint8_t *tag = data + HEADER + 4 + 12 * i;
        size_t at = mt_be32(tag + 4), length = mt_be32(tag + 8);
        if (memcmp(tag, "desc", 4) == 0 && at <= n && length <= n - at)
            return name_of(data + at, length);
    }
    return NULL;
}

json_t *mt_icc_describe(const uint8_t *data, size_t n)
{
    char version[16], space[5];

    if (!data || n < HEADER || memcmp(data + 36, "acsp", 4) != 0)
        return NULL;
    snprintf(version, sizeof(version), "%d.%d", data[8], data[9] >> 4);
    memcpy(space, data + 16, 4);
    space[4] = '\0';
    space[strcspn(space, " ")] = '\0';
    json_t *name = find_name(data, n);
    return json_pack("{s:o, s:s, s:o, s:I}", "name", name ? name : json_null(), "version", version,
                     "space", mt_json_text(space), "bytes", (json_int_t)n);
}
