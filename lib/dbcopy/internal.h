/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - the tables and their hashes, for the copy. */
#ifndef MT_DBCOPY_INTERNAL_H
#define MT_DBCOPY_INTERNAL_H

#include "dbcopy/dbcopy.h"

enum { MT_DBCOPY_KEYS = 4, MT_DBCOPY_HASH = 33 };

struct mt_dbcopy_table {
    const char *name;
    const char *keys[MT_DBCOPY_KEYS + 1]; /* its primary key; ends with NULL */
    const char *parent; /* a column that refers to the table itself, set when all rows are there */
    const char *sequence; /* the column that numbers rows by itself */
};

/* In the order of their references; ends with a NULL name. */
extern const struct mt_dbcopy_table mt_dbcopy_tables[];

/* Sums that triggers keep: replaced by those of the source, compared as sums. */
struct mt_dbcopy_totals {
    const char *name;
    const char *by, *sums; /* columns */
    const char *select;    /* one row per key */
};
extern const struct mt_dbcopy_totals mt_dbcopy_totals[];

/* Where the copy keeps how far it has come: a row of shared_state, which is no part of the data. */
#define MT_DBCOPY_MARK "migrate-db"

/* MT_ERR_BUG if the database has a table of ours that neither list names. */
int mt_dbcopy_check_tables(struct mt_db *db, struct mt_err *err) MT_MUST_USE;

/*
 * Rows and hash of what the statement gives. The hash does not depend on the
 * order of rows, columns or JSON members, nor on how a kind of database writes
 * a number, a time or an id. It finds accidents, not forgeries.
 */
int mt_dbcopy_hash(struct mt_db *db, const char *sql, int64_t *rows, char hash[MT_DBCOPY_HASH],
                   struct mt_err *err) MT_MUST_USE;

/* Scores have two decimals in PostgreSQL: the same everywhere. */
bool mt_dbcopy_is_score(const char *column);

#endif
