/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * library.c - cjose, and with it libcrypto, loaded when a key pair is needed.
 *
 * Both together take longer to load than a CGI may take for all it does.
 */
#include "jwt/internal.h"

#include <dlfcn.h>
#include <string.h>

static int load(void *library, const char *name, void *function, struct mt_err *err)
{
    void *symbol = dlsym(library, name);

    if (!symbol)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "libcjose has no '%s'", name);
    memcpy(function, &symbol, sizeof symbol); /* ISO C converts no object to a function pointer */
    return 0;
}

int mt_cjose_load(struct mt_cjose *cjose, struct mt_err *err)
{
    void *library = dlopen("libcjose.so.0", RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);

    if (!library) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "libcjose, which verifies ES256 and RS256: %.300s",
                dlerror());
        return mt_hint(err, "install the package libcjose0");
    }
#define MT_CJOSE_LOAD(name)                                                                        \
    if (load(library, #name, &cjose->name, err) < 0)                                               \
        return mt_hint(err, "install libcjose0, 0.6 or newer");
    MT_CJOSE_FUNCTIONS(MT_CJOSE_LOAD)
#undef MT_CJOSE_LOAD
    return 0;
}
