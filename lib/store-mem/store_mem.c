/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store_mem.c - see store_mem.h. */
#include "store-mem/store_mem.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct object {
    char *key;
    int fd;
    int64_t modified_us;
    struct object *next;
};

struct mem {
    char *base; /* URL of the store, "mem://name" */
    struct object *objects;
};

struct mem_put {
    char *key;
    int fd;
};

static int mem_open(void *priv, const char *url, bool write, struct mt_err *err)
{
    struct mem *m = priv;
    const char *name = url + strlen("mem:");

    (void)write; /* there is nothing to create */
    if (mt_str_starts(name, "//"))
        name += 2;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-._", *c)) {
            mt_fail(err, MT_ERR_CONFIG, "'%.200s' is no name of a store in memory", url);
            return mt_hint(err, "write mem: or mem://name");
        }
    m->base = mt_asprintf("mem://%s", name);
    return 0;
}

static void free_object(struct object *o)
{
    mt_fd_close(&o->fd);
    free(o->key);
    free(o);
}

static void mem_close(void *priv)
{
    struct mem *m = priv;

    while (m->objects) {
        struct object *o = m->objects;
        m->objects = o->next;
        free_object(o);
    }
    free(m->base);
}

static int mem_begin(void *priv, void *put, const char *key, int *fd, struct mt_err *err)
{
    struct mem *m = priv;
    struct mem_put *p = put;

    p->fd = memfd_create("media-toolkit", MFD_CLOEXEC);
    if (p->fd < 0)
        return mt_fail_errno(err, "cannot begin '%.200s' in '%.100s'", key, m->base);
    p->key = mt_strdup(key);
    *fd = p->fd;
    return 0;
}

/* Where the pointer to the object is, or to the end of the list. */
static struct object **find(struct mem *m, const char *key)
{
    struct object **o = &m->objects;

    while (*o && strcmp((*o)->key, key) != 0)
        o = &(*o)->next;
    return o;
}

static int mem_commit(void *priv, void *put, const char *sha256, struct mt_err *err)
{
    struct mem *m = priv;
    struct mem_put *p = put;
    struct object **at = find(m, p->key);

    (void)sha256; /* the bytes stay where the caller wrote them */
    (void)err;
    if (*at) {
        mt_fd_close(&(*at)->fd);
        free(p->key);
    } else {
        *at = mt_alloc(sizeof **at);
        (*at)->key = p->key;
    }
    (*at)->fd = p->fd;
    (*at)->modified_us = mt_now_us();
    return 0;
}

static void mem_abort(void *priv, void *put)
{
    struct mem_put *p = put;

    (void)priv;
    mt_fd_close(&p->fd);
    free(p->key);
}

static struct object *need(struct mem *m, const char *key, struct mt_err *err)
{
    struct object *o = *find(m, key);

    if (!o)
        mt_fail(err, MT_ERR_NOT_FOUND, "no object '%.200s' in '%.100s'", key, m->base);
    return o;
}

static int64_t size_of(const struct object *o)
{
    struct stat st;

    return fstat(o->fd, &st) < 0 ? 0 : st.st_size;
}

static int mem_stat(void *priv, const char *key, int64_t *size, struct mt_err *err)
{
    const struct object *o = need(priv, key, err);

    if (!o)
        return -1;
    *size = size_of(o);
    return 0;
}

static int mem_get(void *priv, const char *key, int *fd, struct mt_err *err)
{
    const struct object *o = need(priv, key, err);
    char path[48];

    if (!o)
        return -1;
    /* Opened anew, so that it has a position of its own and cannot write. */
    snprintf(path, sizeof path, "/proc/self/fd/%d", o->fd);
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd >= 0)
        return 0;
    mt_fail_errno(err, "cannot open '%.200s' in '%.100s'", key, ((struct mem *)priv)->base);
    err->code = MT_ERR_IO;
    return mt_hint(err, "a store in memory needs /proc");
}

static int mem_remove(void *priv, const char *key, struct mt_err *err)
{
    struct object **at = find(priv, key);
    struct object *o = *at;

    (void)err;
    if (o) {
        *at = o->next;
        free_object(o);
    }
    return 0;
}

static int mem_list(void *priv, const char *prefix,
                    int (*each)(void *ctx, const struct mt_object *object, struct mt_err *err),
                    void *ctx, struct mt_err *err)
{
    const struct mem *m = priv;

    for (const struct object *o = m->objects; o; o = o->next) {
        struct mt_object object = {o->key, size_of(o), o->modified_us};
        if (mt_str_starts(o->key, prefix) && each(ctx, &object, err) < 0)
            return -1;
    }
    return 0;
}

/* The encoding of paths is that of file URLs, behind another beginning. */
static char *mem_url(void *priv, const char *key)
{
    const struct mem *m = priv;
    char *path = mt_path_join("/", key);
    char *url = mt_path_to_file_url(path);
    char *out = mt_asprintf("%s%s", m->base, url + strlen("file://"));

    free(url);
    free(path);
    return out;
}

static char *mem_key_of(void *priv, const char *url)
{
    const struct mem *m = priv;
    size_t n = strlen(m->base);

    if (!mt_str_starts(url, m->base) || url[n] != '/' || strpbrk(url, "?#"))
        return NULL;
    char *as_file = mt_asprintf("file://%s", url + n);
    char *path = mt_path_of_file_url(as_file);
    char *key = path ? mt_strdup(path + 1) : NULL;
    free(path);
    free(as_file);
    return key;
}

static int mem_sweep(void *priv, int64_t *removed, struct mt_err *err)
{
    (void)priv; /* what a process began in memory died with it */
    (void)err;
    *removed = 0;
    return 0;
}

const struct mt_store_driver mt_store_mem = {
    .scheme = "mem",
    .help = "mem: in memory, until the program ends",
    .priv_size = sizeof(struct mem),
    .put_size = sizeof(struct mem_put),
    .open = mem_open,
    .close = mem_close,
    .begin = mem_begin,
    .commit = mem_commit,
    .abort = mem_abort,
    .stat = mem_stat,
    .get = mem_get,
    .remove = mem_remove,
    .list = mem_list,
    .url = mem_url,
    .key_of = mem_key_of,
    .sweep = mem_sweep,
};
