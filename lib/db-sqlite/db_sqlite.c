/* SPDX-License-Identifier: GPL-2.0-or-later */
/* db_sqlite.c - the driver's tables and its transactions; see db_sqlite.h. */
#include "db-sqlite/db_sqlite.h"

#include "base/mem.h"
#include "db-sqlite/internal.h"

static int start(struct mt_sqlite *s, struct mt_err *err)
{
    if (mt_sqlite_connect(s, err) == 0)
        return 0;
    mt_sqlite_disconnect(s);
    return -1;
}

static int open_file(void *priv, const char *url, enum mt_db_mode mode, struct mt_err *err)
{
    struct mt_sqlite *s = priv;

    s->gate_fd = -1;
    s->mode = mode;
    if (mt_sqlite_parse_url(s, url, err) < 0) {
        mt_sqlite_disconnect(s);
        return -1;
    }
    return start(s, err);
}

static int open_memory(void *priv, const char *url, enum mt_db_mode mode, struct mt_err *err)
{
    struct mt_sqlite *s = priv;

    (void)url;
    s->gate_fd = -1;
    s->mode = mode;
    s->memory = true;
    s->path = mt_strdup(":memory:");
    return start(s, err);
}

static void close_any(void *priv)
{
    mt_sqlite_disconnect(priv);
}

static const char *name_of(void *priv)
{
    return ((struct mt_sqlite *)priv)->path;
}

static void over(struct mt_sqlite *s)
{
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    if (s->writing)
        mt_sqlite_gate_leave(s);
    s->in_transaction = s->writing = false;
}

static int begin(void *priv, bool write, struct mt_err *err)
{
    struct mt_sqlite *s = priv;

    if (write && s->mode == MT_DB_READ)
        return mt_fail(err, MT_ERR_BUG, "a writing transaction on a reading connection");
    if (write && mt_sqlite_gate_enter(s, err) < 0)
        return -1;
    s->writing = write;
    if (mt_sqlite_exec(s, write ? "BEGIN IMMEDIATE" : "BEGIN", err) < 0) {
        over(s);
        return -1;
    }
    s->in_transaction = true;
    return 0;
}

static int commit(void *priv, struct mt_err *err)
{
    struct mt_sqlite *s = priv;
    int ret = mt_sqlite_exec(s, "COMMIT", err);

    over(s);
    return ret;
}

static void rollback(void *priv)
{
    over(priv);
}

const struct mt_db_driver mt_db_sqlite = {
    .scheme = "sqlite",
    .help = "sqlite:///path/to/media.db: a file, no server",
    .dialect = MT_DB_SQLITE,
    .priv_size = sizeof(struct mt_sqlite),
    .open = open_file,
    .close = close_any,
    .migrate = mt_sqlite_migrate,
    .version = mt_sqlite_schema_version,
    .name = name_of,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .query = mt_sqlite_query,
    .stamp = mt_sqlite_stamp,
};

const struct mt_db_driver mt_db_mem = {
    .scheme = "mem",
    .help = "mem: a private database in memory",
    .dialect = MT_DB_SQLITE,
    .priv_size = sizeof(struct mt_sqlite),
    .open = open_memory,
    .close = close_any,
    .migrate = mt_sqlite_migrate,
    .version = mt_sqlite_schema_version,
    .name = name_of,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .query = mt_sqlite_query,
};
