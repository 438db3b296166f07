/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * library.c - libpq, loaded when a URL asks for it.
 *
 * A program that is linked with it starts 4 to 6 ms later, which would be most
 * of the time that media-status takes with SQLite. Its functions are declared
 * by its own header, so the compiler checks each call. The library is never
 * unloaded: OpenSSL, which it brings, does not bear that.
 */
#include "db-pg/internal.h"

#include <dlfcn.h>
#include <string.h>

static int load(void *library, const char *name, void *function, struct mt_err *err)
{
    void *symbol = dlsym(library, name);

    if (!symbol)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "the PostgreSQL client library has no '%s'", name);
    memcpy(function, &symbol, sizeof symbol); /* ISO C converts no object to a function pointer */
    return 0;
}

int mt_pg_load(struct mt_pq *pq, struct mt_err *err)
{
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "the PostgreSQL client library cannot be loaded: %.300s",
                dlerror());
        return mt_hint(err, "install the package libpq5");
    }
#define MT_PQ_LOAD(name)                                                                           \
    if (load(library, #name, &pq->name, err) < 0)                                                  \
        return mt_hint(err, "install libpq5 of PostgreSQL 13 or newer");
    MT_PQ_FUNCTIONS(MT_PQ_LOAD)
#undef MT_PQ_LOAD
    return 0;
}
