/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ledger_scratch.c - the files of a ledger in the store: being written, or brought from there. */
#include "base/file.h"
#include "base/mem.h"
#include "transcode/ledger_rows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 18 };

struct mt_rows_file *mt_rows_file(const struct mt_rows *l, const char *name)
{
    for (int i = 0; i < l->n_files; i++)
        if (strcmp(l->files[i].name, name) == 0)
            return &l->files[i];
    return NULL;
}

static struct mt_rows_file *add_file(struct mt_rows *l, const char *name)
{
    l->files = mt_realloc(l->files, (size_t)l->n_files + 1, sizeof *l->files);
    l->files[l->n_files] = (struct mt_rows_file){.name = mt_strdup(name), .fd = -1};
    return &l->files[l->n_files++];
}

void mt_rows_drop(struct mt_rows *l, const char *name)
{
    struct mt_rows_file *f = mt_rows_file(l, name);

    if (!f)
        return;
    if (f->put)
        mt_put_abort(&f->put);
    else
        mt_fd_close(&f->fd);
    free(f->name);
    *f = l->files[--l->n_files];
}

void mt_rows_drop_all(struct mt_rows *l)
{
    while (l->n_files > 0)
        mt_rows_drop(l, l->files[0].name);
    free(l->files);
    l->files = NULL;
}

void mt_rows_keep(struct mt_rows *l, const char *name, int fd)
{
    add_file(l, name)->fd = fd;
}

/* A scratch file of that name, new and empty if it is not there; -1. */
int mt_rows_scratch(struct mt_rows *l, const char *name, struct mt_err *err)
{
    struct mt_rows_file *f = mt_rows_file(l, name);
    struct mt_put *put = NULL;
    char *key;

    if (f)
        return f->fd;
    key = mt_asprintf("%s%s", l->prefix, name);
    if (mt_store_begin(l->at.store, key, &put, err) == 0) {
        f = add_file(l, name);
        f->put = put;
        f->fd = mt_put_fd(put);
    }
    free(key);
    return f ? f->fd : -1;
}

/* Copies n bytes from offset on to where out stands, and into the hash. */
int mt_rows_copy(int in, int64_t offset, int64_t n, int out, char hex[MT_SHA256_TEXT],
                 struct mt_err *err)
{
    struct mt_sha256 *sha = NULL;
    char *buffer = mt_alloc(COPY_BYTES);
    int ret = mt_sha256_open(&sha, err);

    while (ret == 0 && n > 0) {
        size_t want = n < COPY_BYTES ? (size_t)n : COPY_BYTES;
        ssize_t got = pread(in, buffer, want, offset);

        if (got <= 0)
            ret = got < 0 ? mt_fail_errno(err, "cannot read a segment")
                          : mt_fail(err, MT_ERR_CHECKSUM, "a segment ends too early");
        else if (mt_write_all(out, buffer, (size_t)got) < 0)
            ret = mt_fail_errno(err, "cannot write a segment");
        else
            ret = mt_sha256_add(sha, buffer, (size_t)got, err);
        n -= got;
        offset += got;
    }
    if (ret == 0)
        ret = mt_sha256_end(sha, hex, err);
    mt_sha256_close(&sha);
    free(buffer);
    return ret;
}
