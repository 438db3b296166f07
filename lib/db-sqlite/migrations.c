/* SPDX-License-Identifier: GPL-2.0-or-later */
/* migrations.c - the schema, from nothing to the newest version. */
#include "db-sqlite/internal.h"
#include "sql-sqlite.h"

#include "base/mem.h"

#include <stdlib.h>

enum { KNOWN = sizeof migrations / sizeof migrations[0] };

int mt_sqlite_schema_version(void *priv, int *have, int *known, struct mt_err *err)
{
    int64_t version = 0;

    if (mt_sqlite_pragma(priv, "PRAGMA user_version", &version, NULL, err) < 0)
        return -1;
    *have = (int)version;
    *known = KNOWN;
    return 0;
}

static int apply(struct mt_sqlite *s, struct mt_err *err)
{
    int have;
    int known;

    if (mt_sqlite_schema_version(s, &have, &known, err) < 0)
        return -1;
    for (int i = have; i < known; i++) {
        char *mark = mt_asprintf("PRAGMA application_id = %d; PRAGMA user_version = %d",
                                 MT_SQLITE_APPLICATION_ID, migrations[i].version);
        int ret = mt_sqlite_exec(s, migrations[i].sql, err);
        if (ret == 0)
            ret = mt_sqlite_exec(s, mark, err);
        free(mark);
        if (ret < 0)
            return mt_fail_in(err, "cannot bring the schema to version %d", migrations[i].version);
    }
    return 0;
}

int mt_sqlite_migrate(void *priv, struct mt_err *err)
{
    struct mt_sqlite *s = priv;

    if (mt_sqlite_gate_enter(s, err) < 0)
        return -1;
    int ret = mt_sqlite_exec(s, "BEGIN IMMEDIATE", err);
    if (ret == 0)
        ret = apply(s, err);
    if (ret == 0)
        ret = mt_sqlite_exec(s, "COMMIT", err);
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    mt_sqlite_gate_leave(s);
    return ret;
}
