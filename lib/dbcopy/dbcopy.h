/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dbcopy.h - from one database to a PostgreSQL server, all of it, and proven.
 *
 * All tables are copied in the order of their references, in batches; how far
 * each has come is written in the target with each batch, so that what was
 * killed goes on where it was. In the end both databases are read and compared,
 * table by table, by number of rows and by a hash of their contents.
 *
 * The source is read in one transaction and not changed. Programs that want to
 * write to an SQLite file have to wait meanwhile (and give up after their
 * timeout): that is wanted, for what they wrote would stay behind.
 */
#ifndef MT_DBCOPY_DBCOPY_H
#define MT_DBCOPY_DBCOPY_H

#include "db/db.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct mt_dbcopy {
    struct mt_db *from; /* opened with MT_DB_READ */
    struct mt_db *to;   /* opened with MT_DB_WRITE, so it has the same schema; PostgreSQL */
    bool force;         /* though jobs are running in the source; they stay as they are */
    int batch;          /* rows of one transaction; 0: a good number */

    /* Called after each batch with the rows of the table done and to do; not 0: stop, and
     * mt_dbcopy_run() fails as MT_ERR_CANCELLED. May be NULL. */
    int (*progress)(void *ctx, const char *table, int64_t done, int64_t total);
    void *ctx;
};

/*
 * Copies, or goes on copying, and verifies. The report, a new reference:
 * {"schema", "from", "to", "resumed", "completed_at", "rows", "tables": [{"name",
 * "rows", "hash"}]}. Done before, the report of then. Codes: MT_ERR_LOCKED (jobs
 * are running), MT_ERR_CONFIG (the target is no PostgreSQL, or holds something
 * else), MT_ERR_VERIFY (they differ; the tables that do are copied again by the
 * next call), those of the databases.
 */
json_t *mt_dbcopy_run(const struct mt_dbcopy *copy, struct mt_err *err);

#endif
