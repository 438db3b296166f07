/* SPDX-License-Identifier: GPL-2.0-or-later */
/* db_pg.c - the driver's tables and its transactions; see db_pg.h. */
#include "db-pg/db_pg.h"

#include "base/mem.h"
#include "db-pg/internal.h"

#include <stdlib.h>
#include <string.h>

static void close_any(void *priv)
{
    struct mt_pg *s = priv;

    mt_pg_disconnect(s);
    mt_pg_free_url(s);
}

static int open_url(void *priv, const char *url, enum mt_db_mode mode, struct mt_err *err)
{
    struct mt_pg *s = priv;

    s->mode = mode;
    if (mt_pg_load(&s->pq, err) == 0 && mt_pg_parse_url(s, url, err) == 0 &&
        mt_pg_connect(s, err) == 0)
        return 0;
    close_any(s);
    return -1;
}

static const char *name_of(void *priv)
{
    return ((struct mt_pg *)priv)->name;
}

/* Behind a pooler the session is not ours: time limits go with each transaction. */
static char *begin_sql(const struct mt_pg *s, bool write)
{
    const char *how = write ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
                            : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

    if (!s->pooled)
        return mt_strdup(how);
    return mt_asprintf("%s; SET LOCAL lock_timeout = %lld; SET LOCAL statement_timeout = %lld;"
                       " SET LOCAL idle_in_transaction_session_timeout = %lld",
                       how, (long long)s->lock_ms, (long long)s->statement_ms,
                       (long long)(write ? s->idle_ms : 0));
}

static void over(struct mt_pg *s)
{
    struct mt_err ignored;

    s->in_transaction = s->writing = false;
    if (s->conn && s->pq.PQtransactionStatus(s->conn) != PQTRANS_IDLE &&
        mt_pg_exec(s, "ROLLBACK", NULL, &ignored) < 0)
        mt_pg_disconnect(s);
}

int mt_pg_begin(void *priv, bool write, struct mt_err *err)
{
    struct mt_pg *s = priv;

    if (write && s->mode == MT_DB_READ)
        return mt_fail(err, MT_ERR_BUG, "a writing transaction on a reading connection");
    mt_pg_keep_rest(s);
    if (mt_pg_ready(s, err) < 0)
        return -1;
    char *sql = begin_sql(s, write);
    int ret = mt_pg_exec(s, sql, NULL, err);
    /* Nothing has been done yet, so a server that went just now does no harm. */
    if (ret < 0 && err->code == MT_ERR_BUSY && mt_pg_reconnect(s, err) == 0)
        ret = mt_pg_exec(s, sql, NULL, err);
    free(sql);
    if (ret < 0 && write && err->code == MT_ERR_BUG) { /* a replica cannot even begin */
        err->code = MT_ERR_READ_ONLY;
        mt_hint(err, "it is a replica: write to the primary");
    }
    if (ret < 0) {
        over(s);
        return -1;
    }
    s->in_transaction = true;
    s->writing = write;
    return 0;
}

static int check_committed(const struct mt_pg *s, PGresult *res, struct mt_err *err)
{
    if (strcmp(s->pq.PQcmdStatus(res), "COMMIT") == 0)
        return 0;
    return mt_fail(err, MT_ERR_FAILED,
                   "database '%s': the transaction was rolled back, a statement of it had failed",
                   s->name);
}

int mt_pg_commit(void *priv, struct mt_err *err)
{
    struct mt_pg *s = priv;
    PGresult *res = NULL;
    bool writing = s->writing;
    int ret = mt_pg_exec(s, "COMMIT", &res, err);

    if (ret == 0)
        ret = check_committed(s, res, err);
    else if (err->code == MT_ERR_BUSY && writing)
        mt_hint(err, "it may have been done or not: run the same command again");
    s->pq.PQclear(res);
    over(s);
    return ret;
}

void mt_pg_rollback(void *priv)
{
    mt_pg_keep_rest(priv);
    over(priv);
}

/* Two names for one thing. */
#define DRIVER(called)                                                                             \
    {                                                                                              \
        .scheme = called, .help = "postgresql://host/database: a server",                          \
        .dialect = MT_DB_POSTGRESQL, .priv_size = sizeof(struct mt_pg), .open = open_url,          \
        .close = close_any, .migrate = mt_pg_migrate, .version = mt_pg_schema_version,             \
        .name = name_of, .begin = mt_pg_begin, .commit = mt_pg_commit, .rollback = mt_pg_rollback, \
        .query = mt_pg_query, .notify = mt_pg_notify, .wait = mt_pg_wait,                          \
        .wake_fd = mt_pg_wake_fd,                                                                  \
    }

const struct mt_db_driver mt_db_pg = DRIVER("postgresql");
const struct mt_db_driver mt_db_postgres = DRIVER("postgres");
