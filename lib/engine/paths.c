/* SPDX-License-Identifier: GPL-2.0-or-later */
/* paths.c - see paths.h. */
#include "engine/paths.h"

#include "base/mem.h"

#include <stdlib.h>

enum { PATHS = 32 };

char **mt_engine_readable(const json_t *options)
{
    char **paths = mt_alloc((PATHS + 1) * sizeof *paths);
    const char *name;
    json_t *value;
    int n = 0;

    json_object_foreach((json_t *)(uintptr_t)options, name, value)
    {
        const char *text = json_string_value(value);
        if (text && *text == '/' && text[1] && n < PATHS)
            paths[n++] = mt_strdup(text);
    }
    paths[n] = NULL;
    return paths;
}

void mt_engine_readable_free(char **paths)
{
    for (char **p = paths; p && *p; p++)
        free(*p);
    free(paths);
}
