/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secret.c - files of keys. */
#include "json/json.h"

#include "base/file.h"

#include <string.h>

enum { SECRET_FILE_MAX = 1 << 20 };

json_t *mt_json_read_secret(const char *file, struct mt_err *err)
{
    struct mt_buf text;
    json_t *json = NULL;

    mt_buf_init(&text, SECRET_FILE_MAX);
    if (mt_buf_add(&text, "", 0, err) == 0 && mt_read_file(file, &text, err) == 0)
        json = mt_json_parse(file, text.data, text.len, err);
    if (text.data)
        explicit_bzero(text.data, text.len);
    mt_buf_free(&text);
    return json;
}
