/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prepared.c - statements that a connection is asked for often, prepared by name.
 *
 * To parse and plan a short query takes the server longer than to run it. Only what reads, outside
 * of transactions, is prepared, and nothing behind a pooler, where the next statement may meet
 * another session. When the schema changes under a prepared statement it is forgotten.
 */
#include "db-pg/internal.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OFTEN = 3 };

void mt_pg_forget_prepared(struct mt_pg *s)
{
    for (int i = 0; i < MT_PG_PREPARED; i++)
        free(s->known[i].sql);
    memset(s->known, 0, sizeof s->known);
}

/* The one of this text and these types, or the one that was used least. */
static struct mt_pg_known *find(struct mt_pg *s, const char *sql, const Oid *types, int n)
{
    struct mt_pg_known *least = NULL;

    for (int i = 0; i < MT_PG_PREPARED; i++) {
        struct mt_pg_known *k = &s->known[i];
        if (k->sql && k->n == n && strcmp(k->sql, sql) == 0 &&
            memcmp(k->types, types, (size_t)n * sizeof *types) == 0)
            return k;
        if (!k->prepared && (!least || k->uses < least->uses))
            least = k;
    }
    return least;
}

/* Answers of PREPARE; what the server refuses it will refuse again when it is run as text. */
static bool take_answer(struct mt_pg *s)
{
    bool good = true;
    PGresult *res = NULL;
    struct mt_err ignored;

    for (;;) {
        if (mt_pg_receive(s, &res, &ignored) < 0)
            return false;
        if (!res)
            return good;
        good = good && s->pq.PQresultStatus(res) == PGRES_COMMAND_OK;
        s->pq.PQclear(res);
    }
}

bool mt_pg_prepared(struct mt_pg *s, const char *sql, const Oid *types, int n, char name[16])
{
    struct mt_pg_known *k = find(s, sql, types, n);

    if (!k)
        return false;
    snprintf(name, 16, "mt_%d", (int)(k - s->known));
    if (k->prepared)
        return true;
    if (!k->sql || k->n != n || strcmp(k->sql, sql) != 0 ||
        memcmp(k->types, types, (size_t)n * sizeof *types) != 0) {
        free(k->sql);
        *k = (struct mt_pg_known){.sql = mt_strdup(sql), .n = n};
        memcpy(k->types, types, (size_t)n * sizeof *types);
    }
    if (++k->uses < OFTEN)
        return false;
    k->prepared = s->pq.PQsendPrepare(s->conn, name, sql, n, types) && take_answer(s);
    return k->prepared;
}

bool mt_pg_unprepare(struct mt_pg *s)
{
    struct mt_err ignored;
    bool any = false;

    for (int i = 0; i < MT_PG_PREPARED; i++)
        any = any || s->known[i].prepared;
    mt_pg_forget_prepared(s);
    return any && mt_pg_exec(s, "DEALLOCATE ALL", NULL, &ignored) == 0;
}
