/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store.c - finds the driver and does what every driver would repeat. */
#include "store/store.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mt_store {
    const struct mt_store_driver *driver;
    char *url; /* as it was given, for messages */
    bool write;
    bool named; /* by mt_store_name(): nothing can be looked at */
    _Alignas(max_align_t) unsigned char priv[];
};

struct mt_put {
    struct mt_store *store;
    char *key;
    int fd;
    bool uncached;        /* fd has O_DIRECT */
    struct mt_err failed; /* of the first write that failed; MT_OK before */
    _Alignas(max_align_t) unsigned char priv[];
};

static int check_driver(const struct mt_store_driver *d, struct mt_err *err)
{
    if (d->scheme && d->help && d->open && d->close && d->begin && d->commit && d->abort &&
        d->stat && d->get && d->remove && d->list && d->url && d->key_of && d->sweep)
        return 0;
    return mt_fail(err, MT_ERR_BUG, "the store driver '%s' is not complete",
                   d->scheme ? d->scheme : "?");
}

static int unknown_scheme(const char *url, const struct mt_store_driver *const drivers[],
                          struct mt_err *err)
{
    char known[128] = "";

    for (size_t i = 0; drivers[i]; i++) {
        size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, "%s%s:", i ? ", " : "", drivers[i]->scheme);
    }
    mt_fail(err, MT_ERR_CONFIG, "no store driver for '%.200s'", url);
    if (url[0] == '/')
        return mt_hint(err, "a store is named by a URL: file://%.200s", url);
    return mt_hint(err, "known are %s", known);
}

static const struct mt_store_driver *find_driver(const char *url,
                                                 const struct mt_store_driver *const drivers[])
{
    size_t n = strcspn(url, ":");

    for (size_t i = 0; drivers[i]; i++)
        if (url[n] == ':' && strlen(drivers[i]->scheme) == n &&
            strncmp(drivers[i]->scheme, url, n) == 0)
            return drivers[i];
    return NULL;
}

static int open_any(struct mt_store **out, const char *url,
                    const struct mt_store_driver *const drivers[], bool write, bool named,
                    struct mt_err *err)
{
    *out = NULL;
    for (size_t i = 0; drivers[i]; i++)
        if (check_driver(drivers[i], err) < 0)
            return -1;
    const struct mt_store_driver *driver = find_driver(url, drivers);
    if (!driver)
        return unknown_scheme(url, drivers, err);

    struct mt_store *store = mt_alloc(sizeof *store + driver->priv_size);
    int ret = named && driver->name ? driver->name(store->priv, url, err)
                                    : driver->open(store->priv, url, write, err);
    if (ret < 0) {
        free(store);
        return -1;
    }
    store->driver = driver;
    store->url = mt_strdup(url);
    store->write = write;
    store->named = named;
    *out = store;
    return 0;
}

int mt_store_open(struct mt_store **out, const char *url,
                  const struct mt_store_driver *const drivers[], bool write, struct mt_err *err)
{
    return open_any(out, url, drivers, write, false, err);
}

int mt_store_name(struct mt_store **out, const char *url,
                  const struct mt_store_driver *const drivers[], struct mt_err *err)
{
    return open_any(out, url, drivers, false, true, err);
}

void mt_store_close(struct mt_store **store)
{
    if (!*store)
        return;
    (*store)->driver->close((*store)->priv);
    free((*store)->url);
    free(*store);
    *store = NULL;
}

const char *mt_store_scheme(const struct mt_store *store)
{
    return store->driver->scheme;
}

static bool key_ok(const char *key)
{
    return mt_key_is_safe(key) && !mt_str_starts(key, ".tmp") && !strstr(key, "/.tmp");
}

static int check_key(const struct mt_store *store, const char *key, struct mt_err *err)
{
    if (key_ok(key))
        return 0;
    char *shown = mt_text_printable(key, 200);
    mt_fail(err, MT_ERR_OUTSIDE_STORE, "'%s' cannot be the key of an object in '%.200s'", shown,
            store->url);
    free(shown);
    return -1;
}

/* A prefix is a key, perhaps with a '/' behind it, or "". */
static int check_prefix(const struct mt_store *store, const char *prefix, struct mt_err *err)
{
    size_t n = strlen(prefix);

    if (n == 0)
        return 0;
    char *key = mt_strndup(prefix, prefix[n - 1] == '/' ? n - 1 : n);
    int ret = check_key(store, key, err);
    free(key);
    return ret;
}

static int check_write(const struct mt_store *store, struct mt_err *err)
{
    return store->write ? 0
                        : mt_fail(err, MT_ERR_BUG, "the store '%.200s' was opened for reading only",
                                  store->url);
}

static int check_open(const struct mt_store *store, struct mt_err *err)
{
    return store->named
               ? mt_fail(err, MT_ERR_BUG, "the store '%.200s' was named, not opened", store->url)
               : 0;
}

int mt_store_begin(struct mt_store *store, const char *key, struct mt_put **out, struct mt_err *err)
{
    *out = NULL;
    if (check_write(store, err) < 0 || check_key(store, key, err) < 0)
        return -1;
    struct mt_put *put = mt_alloc(sizeof *put + store->driver->put_size);
    put->fd = -1;
    if (store->driver->begin(store->priv, put->priv, key, &put->fd, err) < 0) {
        free(put);
        return -1;
    }
    put->store = store;
    put->key = mt_strdup(key);
    *out = put;
    return 0;
}

void mt_put_uncached(struct mt_put *put, bool on)
{
    int flags = fcntl(put->fd, F_GETFL);

    if (flags < 0 || on == put->uncached)
        return;
    flags = on ? flags | O_DIRECT : flags & ~O_DIRECT;
    if (fcntl(put->fd, F_SETFL, flags) == 0)
        put->uncached = on;
}

/* How many bytes went past the cache; the rest is for mt_write_all(). -1 with errno. */
static ssize_t write_uncached(struct mt_put *put, const char *data, size_t n)
{
    size_t done = 0;

    if (put->uncached && ((uintptr_t)data % MT_PUT_ALIGN || n % MT_PUT_ALIGN))
        mt_put_uncached(put, false);
    while (put->uncached && done < n) {
        ssize_t one = write(put->fd, data + done, n - done);
        if (one >= 0)
            done += (size_t)one;
        else if (errno == EINVAL) /* it wants other multiples, or does not do it after all */
            mt_put_uncached(put, false);
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)done;
}

int mt_put_write(struct mt_put *put, const void *data, size_t n, struct mt_err *err)
{
    const char *bytes = data;

    if (put->failed.code != MT_OK) {
        *err = put->failed;
        return -1;
    }
    ssize_t done = write_uncached(put, bytes, n);
    if (done >= 0 && mt_write_all(put->fd, bytes + done, n - (size_t)done) == 0)
        return 0;
    mt_fail_errno(err, "cannot write '%.200s' in '%.150s'", put->key, put->store->url);
    if (err->os_errno == EFBIG)
        mt_hint(err, "the limit on file sizes is too low: ulimit -f shows it");
    put->failed = *err;
    return -1;
}

int mt_put_fd(const struct mt_put *put)
{
    return put->fd;
}

static void free_put(struct mt_put **put)
{
    free((*put)->key);
    free(*put);
    *put = NULL;
}

static bool is_sha256(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static int check_put(const struct mt_put *put, const char *sha256, struct mt_err *err)
{
    if (put->failed.code != MT_OK) {
        *err = put->failed;
        return -1;
    }
    if (sha256 && !is_sha256(sha256))
        return mt_fail(err, MT_ERR_BUG, "'%.80s' is no SHA-256 in hexadecimal", sha256);
    return 0;
}

int mt_put_commit(struct mt_put **put, const char *sha256, struct mt_err *err)
{
    struct mt_put *p = *put;
    const struct mt_store_driver *driver = p->store->driver;
    int ret = check_put(p, sha256, err);

    if (ret < 0)
        driver->abort(p->store->priv, p->priv);
    else
        ret = driver->commit(p->store->priv, p->priv, sha256, err);
    free_put(put);
    return ret;
}

/* By a driver that has no better way. */
static int commit_each(struct mt_put **puts, const char *const *sha256, int n, struct mt_err *err)
{
    int ret = 0;

    for (int i = 0; i < n; i++)
        if (ret == 0)
            ret = mt_put_commit(&puts[i], sha256[i], err);
        else
            mt_put_abort(&puts[i]);
    return ret;
}

int mt_puts_commit(struct mt_put **puts, const char *const *sha256, int n, struct mt_err *err)
{
    struct mt_store *store = puts[0]->store;
    void **privs;
    int ret = 0;

    if (!store->driver->commit_all)
        return commit_each(puts, sha256, n, err);
    for (int i = 0; i < n && ret == 0; i++)
        ret = puts[i]->store != store ? mt_fail(err, MT_ERR_BUG, "puts of two stores")
                                      : check_put(puts[i], sha256[i], err);
    if (ret < 0) {
        for (int i = 0; i < n; i++)
            mt_put_abort(&puts[i]);
        return -1;
    }
    privs = mt_realloc(NULL, (size_t)n, sizeof *privs);
    for (int i = 0; i < n; i++)
        privs[i] = puts[i]->priv;
    ret = store->driver->commit_all(store->priv, privs, sha256, n, err);
    for (int i = 0; i < n; i++)
        free_put(&puts[i]);
    free(privs);
    return ret;
}

/* The driver's way to commit many; those that may not be committed are left out. */
static void commit_together(struct mt_put *puts[], const char *const sha256[], struct mt_err errs[],
                            int n)
{
    struct mt_store *store = puts[0]->store;
    void **good = mt_alloc((size_t)n * sizeof *good);
    int *index = mt_alloc((size_t)n * sizeof *index);
    struct mt_err *answers = mt_alloc((size_t)n * sizeof *answers);
    int n_good = 0;

    for (int i = 0; i < n; i++)
        if (check_put(puts[i], sha256[i], &errs[i]) < 0) {
            store->driver->abort(store->priv, puts[i]->priv);
        } else {
            index[n_good] = i;
            good[n_good++] = puts[i]->priv;
        }
    store->driver->commit_many(store->priv, good, answers, n_good);
    for (int i = 0; i < n_good; i++)
        errs[index[i]] = answers[i];
    for (int i = 0; i < n; i++)
        free_put(&puts[i]);
    free(answers);
    free(index);
    free(good);
}

int mt_puts_commit_each(struct mt_put *puts[], const char *const sha256[], struct mt_err errs[],
                        int n)
{
    int ret = 0;

    for (int i = 0; i < n; i++)
        errs[i] = (struct mt_err){.code = MT_OK};
    if (n > 1 && puts[0]->store->driver->commit_many)
        commit_together(puts, sha256, errs, n);
    for (int i = 0; i < n; i++) {
        struct mt_err err;
        if (puts[i] && mt_put_commit(&puts[i], sha256[i], &err) < 0)
            errs[i] = err;
        if (errs[i].code != MT_OK)
            ret = -1;
    }
    return ret;
}

void mt_put_abort(struct mt_put **put)
{
    if (!*put)
        return;
    (*put)->store->driver->abort((*put)->store->priv, (*put)->priv);
    free_put(put);
}

int mt_store_stat(struct mt_store *store, const char *key, int64_t *size, struct mt_err *err)
{
    int64_t unused;

    if (check_open(store, err) < 0 || check_key(store, key, err) < 0)
        return -1;
    return store->driver->stat(store->priv, key, size ? size : &unused, err);
}

int mt_store_get(struct mt_store *store, const char *key, struct mt_err *err)
{
    int fd = -1;

    if (check_open(store, err) < 0 || check_key(store, key, err) < 0 ||
        store->driver->get(store->priv, key, &fd, err) < 0)
        return -1;
    return fd;
}

int mt_store_remove(struct mt_store *store, const char *key, struct mt_err *err)
{
    if (check_write(store, err) < 0 || check_key(store, key, err) < 0)
        return -1;
    return store->driver->remove(store->priv, key, err);
}

struct listing {
    int (*each)(void *ctx, const struct mt_object *object, struct mt_err *err);
    void *ctx;
};

static int pass_safe(void *ctx, const struct mt_object *object, struct mt_err *err)
{
    struct listing *l = ctx;

    return key_ok(object->key) ? l->each(l->ctx, object, err) : 0;
}

int mt_store_list(struct mt_store *store, const char *prefix,
                  int (*each)(void *ctx, const struct mt_object *object, struct mt_err *err),
                  void *ctx, struct mt_err *err)
{
    struct listing l = {each, ctx};

    if (check_open(store, err) < 0 || check_prefix(store, prefix, err) < 0)
        return -1;
    return store->driver->list(store->priv, prefix, pass_safe, &l, err);
}

/* Keys of objects to remove, each with its NUL; listing ends early when there are many. */
struct batch {
    struct mt_buf keys;
    int count;
};

enum { BATCH = 1000, KEY_SIZE = 501 };

static int collect(void *ctx, const struct mt_object *object, struct mt_err *err)
{
    struct batch *b = ctx;

    if (b->count == BATCH)
        return -1;
    b->count++;
    return mt_buf_add(&b->keys, object->key, strlen(object->key) + 1, err);
}

int mt_store_remove_below(struct mt_store *store, const char *prefix, struct mt_err *err)
{
    struct batch b = {.count = BATCH};
    int ret = 0;

    if (check_write(store, err) < 0)
        return -1;
    if (!mt_str_ends(prefix, "/"))
        return mt_fail(err, MT_ERR_BUG, "'%.200s' does not end with '/'", prefix);
    mt_buf_init(&b.keys, (size_t)BATCH * KEY_SIZE);
    while (ret == 0 && b.count == BATCH) {
        b.count = 0;
        mt_buf_clear(&b.keys);
        ret = mt_store_list(store, prefix, collect, &b, err);
        if (b.count == BATCH)
            ret = 0;
        for (size_t at = 0; ret == 0 && at < b.keys.len; at += strlen(b.keys.data + at) + 1)
            ret = mt_store_remove(store, b.keys.data + at, err);
    }
    mt_buf_free(&b.keys);
    return ret;
}

char *mt_store_url(struct mt_store *store, const char *key)
{
    return key_ok(key) ? store->driver->url(store->priv, key) : NULL;
}

char *mt_store_key_of(struct mt_store *store, const char *url)
{
    char *key = store->driver->key_of(store->priv, url);

    if (key && !key_ok(key)) {
        free(key);
        key = NULL;
    }
    return key;
}

char *mt_store_key_within(struct mt_store *store, const char *url, struct mt_err *err)
{
    char *key = mt_store_key_of(store, url);

    if (!key)
        mt_fail(err, MT_ERR_OUTSIDE_STORE, "'%s' is not in the store '%s'", url, store->url);
    return key;
}

int mt_store_sweep(struct mt_store *store, int64_t *removed, struct mt_err *err)
{
    int64_t count = 0;

    if (check_write(store, err) < 0)
        return -1;
    int ret = store->driver->sweep(store->priv, &count, err);
    if (removed)
        *removed = count;
    return ret;
}
