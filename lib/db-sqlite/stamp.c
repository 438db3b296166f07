/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stamp.c - whether anything has changed, for one system call.
 *
 * Source: sqlite.org/fileformat.html, section 1.3.7: in a rollback journal mode the change counter
 * in the file's header is incremented by every commit. It is read without a lock: a writer
 * changes it before its commit is over. So an old counter is of a state that still holds, and a
 * new one may be of a state that does not hold yet: whoever sees it reads again, which waits.
 * In WAL mode the counter stands still, and nothing is told.
 */
#include "db-sqlite/internal.h"

enum { FROM = 18, COUNTER = 24 - FROM, BYTES = 28 - FROM, ROLLBACK = 1 };

bool mt_sqlite_stamp(void *priv, int64_t *stamp)
{
    struct mt_sqlite *s = priv;
    sqlite3_file *file = NULL;
    unsigned char head[BYTES];

    if (s->in_transaction ||
        sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        !file || !file->pMethods || file->pMethods->xRead(file, head, BYTES, FROM) != SQLITE_OK ||
        head[0] != ROLLBACK || head[1] != ROLLBACK)
        return false;
    *stamp = (int64_t)head[COUNTER] << 24 | head[COUNTER + 1] << 16 | head[COUNTER + 2] << 8 |
             head[COUNTER + 3];
    return true;
}
