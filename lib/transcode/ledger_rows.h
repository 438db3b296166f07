/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ledger_rows.h - shared by the files that make up the ledger of rows and objects. */
#ifndef MT_TRANSCODE_LEDGER_ROWS_H
#define MT_TRANSCODE_LEDGER_ROWS_H

#include "digest/digest.h"
#include "transcode/ledger_parts.h"

/* A file in use: to be written, or brought from the store. */
struct mt_rows_file {
    char *name;
    struct mt_put *put; /* NULL: it is one of the store's objects */
    int fd;
};

struct mt_rows {
    struct mt_ledger base;
    struct mt_ledger_place at;
    char *asset_id, *work; /* which at lends */
    char *prefix;          /* of all objects, with '/' */
    struct mt_rows_file *files;
    int n_files;
};

/* ---- ledger_scratch.c: files ---- */

/* The one of that name, or NULL. */
struct mt_rows_file *mt_rows_file(const struct mt_rows *l, const char *name);

/* Adds the descriptor of an object, which is the ledger's from then on. */
void mt_rows_keep(struct mt_rows *l, const char *name, int fd);

/* The one of that name, or a new and empty one, which can be committed below prefix; -1. */
int mt_rows_scratch(struct mt_rows *l, const char *name, struct mt_err *err) MT_MUST_USE;

/* Forgets one, or all. */
void mt_rows_drop(struct mt_rows *l, const char *name);
void mt_rows_drop_all(struct mt_rows *l);

/*
 * Copies n bytes from offset on to where out stands. hex: their checksum. MT_ERR_CHECKSUM if there
 * are fewer.
 */
int mt_rows_copy(int in, int64_t offset, int64_t n, int out, char hex[MT_SHA256_TEXT],
                 struct mt_err *err) MT_MUST_USE;

/* ---- ledger_table.c: rows ---- */

struct mt_rows_row {
    const char *rendition;
    int64_t number, start_us, end_us; /* end_us -1: not known */
    const char *key, *checksum;       /* NULL: no object */
    int64_t size, frames;
    const json_t *details;
};

/* Writes a row, instead of what was there; by who has the lease. */
int mt_rows_put(struct mt_rows *l, const struct mt_rows_row *row, struct mt_err *err) MT_MUST_USE;

int mt_rows_delete(struct mt_rows *l, const char *rendition, int64_t number,
                   struct mt_err *err) MT_MUST_USE;

/* Deletes all rows of a work. */
int mt_rows_forget(struct mt_rows *l, const char *work, struct mt_err *err) MT_MUST_USE;

/* Reads all of them. What they are not is forgotten. */
int mt_rows_load(struct mt_rows *l, struct mt_err *err) MT_MUST_USE;

#endif
