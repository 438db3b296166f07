/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.h - where media objects are kept, whatever keeps them.
 *
 * An object is bytes under a key. It becomes visible at commit, whole and
 * durable, or never; what a process that died had begun is removed by
 * mt_store_sweep(). When two commit the same key, the last one wins.
 *
 * Keys obey mt_key_is_safe(), and no part of them begins with ".tmp", which is
 * the stores' own; the dispatcher refuses others with MT_ERR_OUTSIDE_STORE
 * before a driver sees them, and passes over what else lies in a store. Let no
 * key be another's directory: not every store can hold both "a" and "a/b".
 *
 * A handle belongs to one thread at a time. But puts are independent of each other:
 * different ones of one handle may be begun, written and ended in different threads at
 * the same time. (Stores in memory and plain directories have no such drivers.)
 */
#ifndef MT_STORE_STORE_H
#define MT_STORE_STORE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mt_store;
struct mt_put; /* an object being written */

/* What list() says of one object. */
struct mt_object {
    const char *key;     /* valid during the call only */
    int64_t size;        /* bytes */
    int64_t modified_us; /* since 1970 */
};

/*
 * One way of keeping objects. A driver is a const table; its state lives in
 * the priv_size zeroed bytes that open() is given, that of a put in
 * put_size zeroed bytes. Slots are required unless marked optional. Codes:
 * MT_ERR_NOT_FOUND for an absent object, NO_SPACE, READ_ONLY (also for want of
 * permission to write), UNREADABLE, BUSY (try later), IO. Messages name the key
 * and the store.
 */
struct mt_store_driver {
    const char *scheme; /* "file" in file:///srv/media */
    const char *help;   /* one line for --help and doctor */
    size_t priv_size;
    size_t put_size;

    /*
     * Makes priv ready. write: objects will be put, so what is missing (the
     * directory, the bucket's prefix) is created; without it nothing is
     * created, a missing store is MT_ERR_NOT_FOUND, and begin(), remove() and
     * sweep() are not called. On failure close() is not called.
     */
    int (*open)(void *priv, const char *url, bool write, struct mt_err *err);

    /*
     * Optional; NULL if open() without write touches nothing outside of this
     * process. Makes priv ready for url(), key_of() and close() alone, from the
     * text of the URL: whether there is such a store is not looked at. On
     * failure, which is MT_ERR_CONFIG, close() is not called.
     */
    int (*name)(void *priv, const char *url, struct mt_err *err);

    /* Releases all that open(), name() and later calls acquired. Never fails. */
    void (*close)(void *priv);

    /*
     * Begins an object. *fd is a new descriptor, readable, writable and
     * seekable, that holds what the object will be: writers that seek (an MP4
     * muxer) use it directly. The driver owns it. On failure neither commit()
     * nor abort() is called.
     */
    int (*begin)(void *priv, void *put, const char *key, int *fd, struct mt_err *err);

    /*
     * Makes what fd holds the object at key: durable, then visible, replacing
     * an older object of that key atomically. sha256: 64 hex digits of the
     * content, or NULL if the caller does not know; a driver whose protocol
     * can check it does. Releases put and closes fd, also on failure, when
     * nothing of it remains; except that a store which cannot tell whether an
     * object that is already in place is durable fails and leaves it there,
     * whole, rather than lose what it replaced as well.
     */
    int (*commit)(void *priv, void *put, const char *sha256, struct mt_err *err);

    /*
     * Optional; NULL: the dispatcher commits one after the other. Commits n puts
     * for less than n commits cost, in order. On failure all are released too,
     * and those that were not in place yet leave nothing.
     */
    int (*commit_all)(void *priv, void *const *puts, const char *const *sha256, int n,
                      struct mt_err *err);

    /*
     * Optional. As commit() of each of n puts, with less waiting for the disk.
     * errs[i].code is MT_OK where it succeeded.
     */
    void (*commit_many)(void *priv, void *const puts[], struct mt_err errs[], int n);

    /* Forgets what was begun and closes fd. Never fails. */
    void (*abort)(void *priv, void *put);

    /* Size in bytes into *size. */
    int (*stat)(void *priv, const char *key, int64_t *size, struct mt_err *err);

    /* *fd is a new read-only seekable descriptor of the whole object; the caller closes it. */
    int (*get)(void *priv, const char *key, int *fd, struct mt_err *err);

    /* Deletes; a missing object is success. */
    int (*remove)(void *priv, const char *key, struct mt_err *err);

    /*
     * Calls each() for every object whose key begins with prefix ("" for all),
     * in no particular order; stops with -1 when each() gives -1. each() does
     * not change the store.
     */
    int (*list)(void *priv, const char *prefix,
                int (*each)(void *ctx, const struct mt_object *object, struct mt_err *err),
                void *ctx, struct mt_err *err);

    /* The URL where programs on this machine, or holding the credentials, find key. free() it. */
    char *(*url)(void *priv, const char *key);

    /*
     * The key that url names in this very store, else NULL. Purely textual; no
     * part of the URL may lead out of the store. free() it.
     */
    char *(*key_of)(void *priv, const char *url);

    /*
     * Removes what dead processes had begun and not finished; what living ones
     * write stays. *removed counts.
     */
    int (*sweep)(void *priv, int64_t *removed, struct mt_err *err);
};

/*
 * Opens the store that url names, with the first of drivers (ends with NULL)
 * whose scheme matches: the program, not this module, decides which drivers
 * are linked into it. *out is the caller's, to give to mt_store_close(); NULL
 * on failure. MT_ERR_CONFIG if no driver knows the scheme. A store opened
 * without write refuses to be changed with MT_ERR_BUG.
 */
int mt_store_open(struct mt_store **out, const char *url,
                  const struct mt_store_driver *const drivers[], bool write,
                  struct mt_err *err) MT_MUST_USE;

/*
 * The same for who only wants to know what objects are called: the store need
 * not exist, and only mt_store_url(), mt_store_key_of(), mt_store_scheme() and
 * mt_store_close() may be used; what would look into it fails with MT_ERR_BUG.
 */
int mt_store_name(struct mt_store **out, const char *url,
                  const struct mt_store_driver *const drivers[], struct mt_err *err) MT_MUST_USE;

/* Frees *store and sets it to NULL. Does nothing if it is NULL already. */
void mt_store_close(struct mt_store **store);

/* The scheme of the driver: "file", "s3", "mem". */
const char *mt_store_scheme(const struct mt_store *store);

/*
 * Begins an object; *out goes to mt_put_commit() or mt_put_abort() before the
 * store is closed. See the driver's slots.
 */
int mt_store_begin(struct mt_store *store, const char *key, struct mt_put **out,
                   struct mt_err *err) MT_MUST_USE;

/*
 * Writes n bytes where the descriptor stands: one after the other unless the
 * caller moves it. After a failure commit fails too, with the same error.
 */
int mt_put_write(struct mt_put *put, const void *data, size_t n, struct mt_err *err) MT_MUST_USE;

/*
 * For large content, written once from its beginning to its end: while on, what
 * mt_put_write() is given goes past the page cache, so that neither this machine's
 * memory nor its processors are busy with bytes that nobody is about to read. It is
 * a hint: where the file system cannot, or a piece is no multiple of MT_PUT_ALIGN in
 * address and length, writing goes on as before. Switch it off before others use the
 * descriptor.
 */
#define MT_PUT_ALIGN 4096
void mt_put_uncached(struct mt_put *put, bool on);

/* The seekable descriptor behind put, for writers that need one. Stays the store's. */
int mt_put_fd(const struct mt_put *put);

/* Makes the object visible, durably; *put becomes NULL, also on failure. sha256 may be NULL. */
int mt_put_commit(struct mt_put **put, const char *sha256, struct mt_err *err) MT_MUST_USE;

/*
 * Commits n (at least 1) of one store, each as mt_put_commit(), for less than that costs n times.
 * Every one becomes NULL. On failure some may be visible already, as if the process had died: who
 * announced them takes them back. sha256[i] may be NULL.
 */
int mt_puts_commit(struct mt_put **puts, const char *const *sha256, int n,
                   struct mt_err *err) MT_MUST_USE;

/*
 * As mt_put_commit() of each of n puts of one store, but quicker where the
 * store can make many objects durable at once. sha256[i] may be NULL. All
 * puts[i] become NULL; errs[i].code is MT_OK for each that is in place. -1 if
 * one or more failed.
 */
int mt_puts_commit_each(struct mt_put *puts[], const char *const sha256[], struct mt_err errs[],
                        int n) MT_MUST_USE;

/* Forgets it; *put becomes NULL. Does nothing if it is NULL already. */
void mt_put_abort(struct mt_put **put);

/* The object's size in bytes into *size (NULL: only whether it is there). */
int mt_store_stat(struct mt_store *store, const char *key, int64_t *size,
                  struct mt_err *err) MT_MUST_USE;

/* A new read-only, seekable descriptor, the caller's to close; or -1. */
int mt_store_get(struct mt_store *store, const char *key, struct mt_err *err) MT_MUST_USE;

/* Deletes, durably; a missing object is success. */
int mt_store_remove(struct mt_store *store, const char *key, struct mt_err *err) MT_MUST_USE;

/*
 * Removes every object whose key begins with prefix, which must end with '/'
 * (else MT_ERR_BUG), and with the last of them the directories that held them.
 */
int mt_store_remove_below(struct mt_store *store, const char *prefix,
                          struct mt_err *err) MT_MUST_USE;

/*
 * Calls each() for every object whose key begins with prefix, "" for all, in no
 * particular order. -1 when listing fails or each() gives -1; *err is then the
 * one's or the other's. each() does not change the store.
 */
int mt_store_list(struct mt_store *store, const char *prefix,
                  int (*each)(void *ctx, const struct mt_object *object, struct mt_err *err),
                  void *ctx, struct mt_err *err) MT_MUST_USE;

/* Where programs find key, see the slot; NULL for a key that is not safe. free() it. */
char *mt_store_url(struct mt_store *store, const char *key);

/* The key that url names in this store, safe, else NULL. free() it. */
char *mt_store_key_of(struct mt_store *store, const char *url);

/* The same, but a URL outside of the store is an error: MT_ERR_OUTSIDE_STORE, naming both. */
char *mt_store_key_within(struct mt_store *store, const char *url, struct mt_err *err);

/* Removes what dead processes left unfinished; *removed (may be NULL) counts. */
int mt_store_sweep(struct mt_store *store, int64_t *removed, struct mt_err *err) MT_MUST_USE;

#endif
