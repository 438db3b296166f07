/* SPDX-License-Identifier: GPL-2.0-or-later */
/* error.c - SQLite's result codes as the toolkit's failures. */
#include "db-sqlite/internal.h"

#include <errno.h>
#include <string.h>

static int fail_io(const struct mt_sqlite *s, int rc, struct mt_err *err)
{
    int e = sqlite3_system_errno(s->db);

    if (e == 0)
        return mt_fail(err, MT_ERR_IO, "database '%s': %s", s->path, sqlite3_errstr(rc));
    errno = e;
    mt_fail_errno(err, "database '%s': %s", s->path, sqlite3_errstr(rc));
    if (err->code == MT_ERR_NO_FILE)
        err->code = MT_ERR_IO;
    if (err->code == MT_ERR_UNREADABLE && s->mode == MT_DB_WRITE)
        err->code = MT_ERR_READ_ONLY;
    return -1;
}

static int fail_locked(const struct mt_sqlite *s, struct mt_err *err)
{
    mt_fail(err, MT_ERR_LOCKED, "database '%s' is locked by another program (waited for %lld ms)",
            s->path, (long long)(s->timeout_us / 1000));
    return mt_hint(err,
                   "fuser -v '%.150s' names it; a sqlite3 shell with an open transaction "
                   "does this",
                   s->path);
}

static int fail_read_only(const struct mt_sqlite *s, int rc, struct mt_err *err)
{
    mt_fail(err, MT_ERR_READ_ONLY, "database '%s' cannot be written%s", s->path,
            rc == SQLITE_READONLY_ROLLBACK || rc == SQLITE_READONLY_RECOVERY
                ? ", and a writer was killed half-way"
                : "");
    if (rc == SQLITE_READONLY_ROLLBACK || rc == SQLITE_READONLY_RECOVERY)
        mt_hint(err, "open it once as a user who may write it");
    return -1;
}

static int fail_content(const struct mt_sqlite *s, int rc, struct mt_err *err)
{
    if (rc == SQLITE_NOTADB) {
        mt_fail(err, MT_ERR_SCHEMA, "'%s' is no database", s->path);
        return mt_hint(err, "name another file with --db, or move this one away");
    }
    mt_fail(err, MT_ERR_SCHEMA, "database '%s' is corrupt: %s", s->path, sqlite3_errmsg(s->db));
    return mt_hint(err, "restore a backup, or save what is left: sqlite3 '%.120s' .recover",
                   s->path);
}

int mt_sqlite_fail(const struct mt_sqlite *s, int rc, struct mt_err *err)
{
    const char *text = sqlite3_errmsg(s->db);

    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return fail_locked(s, err);
    case SQLITE_READONLY:
        return fail_read_only(s, rc, err);
    case SQLITE_FULL:
        return mt_fail(err, MT_ERR_NO_SPACE, "database '%s': no space left on its disk", s->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return fail_content(s, rc, err);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return fail_io(s, rc, err);
    case SQLITE_TOOBIG:
        return mt_fail(err, MT_ERR_LIMIT, "database '%s': %s", s->path, text);
    case SQLITE_NOMEM:
        return mt_fail(err, MT_ERR_FAILED, "database '%s': no memory", s->path);
    case SQLITE_CONSTRAINT:
        mt_fail(err, MT_ERR_FAILED, "database '%s': %s", s->path, text);
        err->os_errno = EEXIST;
        return -1;
    default:
        return mt_fail(err, MT_ERR_BUG, "database '%s': %s", s->path, text);
    }
}
