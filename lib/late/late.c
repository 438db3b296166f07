/* SPDX-License-Identifier: GPL-2.0-or-later */
/* late.c - see late.h. */
#include "late/late.h"

#include "base/mem.h"
#include "base/path.h"
#include "prefix.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/*
 * Beside the program, or where it was installed. By no other path: neither the working directory
 * nor the environment is asked. ($ORIGIN would be the directory of whoever has dlopen() wrapped,
 * as sanitizers have.)
 */
static void *load(const char **why)
{
    static const char name[] = "/libexec/media-toolkit/parts/film.so";
    char *dir = mt_path_of_program();
    char *places[] = {mt_asprintf("%s..%s", *dir ? dir : "/nonexistent/", name),
                      mt_asprintf("%s%s", MT_PREFIX, name)};
    void *part = NULL;

    *why = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!part)
            part = dlopen(places[i], RTLD_NOW | RTLD_LOCAL);
        if (!part) /* its text lives until the next call */
            *why = dlerror();
        free(places[i]);
    }
    free(dir);
    return part;
}

const struct mt_film *mt_late_film(struct mt_err *err)
{
    const char *why;
    void *part = load(&why);
    const struct mt_film *film = part ? dlsym(part, "mt_film") : NULL;

    if (film && film->size == sizeof *film && strcmp(film->version, MT_VERSION) == 0)
        return film;
    mt_fail(err, MT_ERR_UNAVAILABLE, "the part for films cannot be loaded: %s",
            film          ? "it is of another version"
            : part        ? "it has no table"
            : why && *why ? why
                          : "no reason given");
    mt_hint(err, "install all programs of the toolkit anew, with libexec/media-toolkit");
    return NULL;
}
