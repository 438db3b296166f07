/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migrations.c - the schema, from nothing to the newest version.
 *
 * All in one transaction, under a lock that ends with it: two programs that
 * start at once come one after the other, and the second finds nothing to do.
 */
#include "db-pg/internal.h"
#include "sql-postgresql.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { KNOWN = sizeof migrations / sizeof migrations[0] };

/* "MTK1", as in the SQLite file's header: who else takes locks in this database takes others. */
#define LOCK "SELECT pg_advisory_xact_lock(1297370929)"

static int number(struct mt_pg *s, const char *sql, int *n, struct mt_err *err)
{
    PGresult *res = NULL;

    if (mt_pg_exec(s, sql, &res, err) < 0)
        return -1;
    *n = s->pq.PQntuples(res) == 1 ? atoi(s->pq.PQgetvalue(res, 0, 0)) : 0;
    s->pq.PQclear(res);
    return 0;
}

static int fail_foreign(const struct mt_pg *s, struct mt_err *err)
{
    mt_fail(err, MT_ERR_SCHEMA, "database '%s' has tables of another program", s->name);
    return mt_hint(err, "give media-toolkit a database of its own; this one was not touched");
}

/* 0: there is nothing of ours, -1 with MT_ERR_SCHEMA: somebody else's table has that name. */
int mt_pg_schema_version(void *priv, int *have, int *known, struct mt_err *err)
{
    struct mt_pg *s = priv;
    int there = 0;
    int ours = 0;

    *have = 0;
    *known = KNOWN;
    if (mt_pg_ready(s, err) < 0 ||
        number(s,
               "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('schema_version')"
               " AND attnum > 0 AND NOT attisdropped",
               &there, err) < 0)
        return -1;
    if (there == 0)
        return 0;
    if (number(s,
               "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('schema_version')"
               " AND attname = 'media_toolkit'",
               &ours, err) < 0)
        return -1;
    if (!ours)
        return fail_foreign(s, err);
    return number(s, "SELECT COALESCE(max(media_toolkit), 0) FROM schema_version", have, err);
}

static int apply_one(struct mt_pg *s, const struct mt_db_migration *m, struct mt_err *err)
{
    char *mark = mt_asprintf("INSERT INTO schema_version (media_toolkit) VALUES (%d)", m->version);
    int ret = mt_pg_exec(s, m->sql, NULL, err);

    if (ret == 0)
        ret = mt_pg_exec(s, mark, NULL, err);
    free(mark);
    if (ret < 0 && strstr(err->msg, "already exists"))
        return fail_foreign(s, err);
    if (ret < 0)
        return mt_fail_in(err, "cannot bring the schema to version %d", m->version);
    return 0;
}

static int apply(struct mt_pg *s, struct mt_err *err)
{
    int have;
    int known;

    if (mt_pg_exec(s, LOCK, NULL, err) < 0 ||
        mt_pg_exec(s,
                   "CREATE TABLE IF NOT EXISTS schema_version (media_toolkit INTEGER PRIMARY KEY,"
                   " applied_at TIMESTAMPTZ(3) NOT NULL DEFAULT now())",
                   NULL, err) < 0 ||
        mt_pg_schema_version(s, &have, &known, err) < 0)
        return -1;
    for (int i = have; i < known; i++)
        if (apply_one(s, &migrations[i], err) < 0)
            return -1;
    return 0;
}

int mt_pg_migrate(void *priv, struct mt_err *err)
{
    struct mt_pg *s = priv;
    struct mt_err ignored;

    if (mt_pg_ready(s, err) < 0 ||
        mt_pg_exec(s, "BEGIN; SET LOCAL statement_timeout = 0", NULL, err) < 0)
        return -1;
    int ret = apply(s, err);
    if (ret == 0)
        ret = mt_pg_exec(s, "COMMIT", NULL, err);
    if (ret < 0 && s->conn && mt_pg_exec(s, "ROLLBACK", NULL, &ignored) < 0)
        mt_pg_disconnect(s);
    return ret;
}
