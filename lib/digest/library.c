/* SPDX-License-Identifier: GPL-2.0-or-later */
/* library.c - libcrypto, loaded when something long is to be hashed. */
#include "digest/internal.h"

#include <dlfcn.h>
#include <string.h>

#ifdef OPENSSL_SHLIB_VERSION
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define LIBRARY "libcrypto.so." TEXT(OPENSSL_SHLIB_VERSION)
#else
#define LIBRARY "libcrypto.so." SHLIB_VERSION_NUMBER
#endif

static int load(void *library, const char *name, void *function, struct mt_err *err)
{
    void *symbol = dlsym(library, name);

    if (!symbol)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "%s has no '%s'", LIBRARY, name);
    memcpy(function, &symbol, sizeof symbol); /* ISO C converts no object to a function pointer */
    return 0;
}

int mt_crypto_load(struct mt_crypto *crypto, struct mt_err *err)
{
    void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);

    if (!library) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "libcrypto cannot be loaded: %.300s", dlerror());
        return mt_hint(err, "install the OpenSSL that this program was built with (%s)", LIBRARY);
    }
#define MT_CRYPTO_LOAD(name)                                                                       \
    if (load(library, #name, &crypto->name, err) < 0)                                              \
        return -1;
    MT_CRYPTO_FUNCTIONS(MT_CRYPTO_LOAD)
#undef MT_CRYPTO_LOAD
    return 0;
}
