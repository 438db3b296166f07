/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - what the files of the PostgreSQL driver share. */
#ifndef MT_DB_PG_INTERNAL_H
#define MT_DB_PG_INTERNAL_H

#include "db/db.h"

#include <libpq-fe.h>

enum {
    MT_PG_LOCK_MS = 30000,
    MT_PG_STATEMENT_MS = 300000,
    MT_PG_IDLE_MS = 120000,
    MT_PG_RECONNECT_MS = 10000,
    MT_PG_CONNECT_S = 10,
    MT_PG_GRACE_MS = 5000, /* for the server to keep its own time limit before we give up on it */
};

/* The functions of libpq that are used, by the types that its header gives them. */
#define MT_PQ_FUNCTIONS(F)                                                                         \
    F(PQclear)                                                                                     \
    F(PQcmdStatus)                                                                                 \
    F(PQcmdTuples)                                                                                 \
    F(PQbackendPID)                                                                                \
    F(PQconninfoFree)                                                                              \
    F(PQconninfoParse)                                                                             \
    F(PQconnectPoll)                                                                               \
    F(PQconnectStartParams)                                                                        \
    F(PQconsumeInput)                                                                              \
    F(PQerrorMessage)                                                                              \
    F(PQfinish)                                                                                    \
    F(PQflush)                                                                                     \
    F(PQfname)                                                                                     \
    F(PQfreemem)                                                                                   \
    F(PQftype)                                                                                     \
    F(PQgetisnull)                                                                                 \
    F(PQgetlength)                                                                                 \
    F(PQgetResult)                                                                                 \
    F(PQgetvalue)                                                                                  \
    F(PQisBusy)                                                                                    \
    F(PQnfields)                                                                                   \
    F(PQnotifies)                                                                                  \
    F(PQntuples)                                                                                   \
    F(PQresultErrorField)                                                                          \
    F(PQresultStatus)                                                                              \
    F(PQsendQuery)                                                                                 \
    F(PQsendPrepare)                                                                               \
    F(PQsendQueryParams)                                                                           \
    F(PQsendQueryPrepared)                                                                         \
    F(PQsetErrorVerbosity)                                                                         \
    F(PQsetNoticeReceiver)                                                                         \
    F(PQsetSingleRowMode)                                                                          \
    F(PQsocket)                                                                                    \
    F(PQstatus)                                                                                    \
    F(PQtransactionStatus)

struct mt_pq {
#define MT_PQ_MEMBER(name) __typeof__(name) *name;
    MT_PQ_FUNCTIONS(MT_PQ_MEMBER)
#undef MT_PQ_MEMBER
};

/* A result that is arriving; rows that each() has not seen are kept if another statement comes. */
struct mt_pg_stream {
    PGresult **kept;
    size_t n, at, room;
    bool whole; /* all of it has been kept: nothing more comes over the connection */
    bool lost;  /* except that the connection broke; why says how */
    struct mt_err why;
};

/* A statement that was run before on this connection. */
enum { MT_PG_PREPARED = 16 };
struct mt_pg_known {
    char *sql; /* NULL: none */
    int n;
    Oid types[MT_DB_ARGS_MAX];
    int uses;
    bool prepared;
};

struct mt_pg {
    struct mt_pq pq;
    PGconn *conn;              /* NULL: there is none at the moment */
    char **keywords, **values; /* for PQconnectStartParams(), each ends with NULL */
    char *name;
    enum mt_db_mode mode;
    int64_t lock_ms, statement_ms, idle_ms, reconnect_ms;
    bool pooled;   /* somebody stands between us and the server */
    bool plain;    /* ... who refuses the start-up parameter "options" */
    bool starting; /* the last attempt found a server that is starting or stopping */
    bool in_transaction;
    bool writing;  /* the transaction is a writing one */
    char *channel; /* the connection listens to it; or NULL */
    struct mt_pg_stream *stream;
    struct mt_pg_known known[MT_PG_PREPARED];
};

/* library.c: loads libpq. MT_ERR_UNAVAILABLE. */
int mt_pg_load(struct mt_pq *pq, struct mt_err *err) MT_MUST_USE;

/* url.c: fills in keywords, values, name and time limits. MT_ERR_CONFIG. */
int mt_pg_parse_url(struct mt_pg *s, const char *url, struct mt_err *err) MT_MUST_USE;
void mt_pg_free_url(struct mt_pg *s);

/* connect.c: one connection, tried again for a while if the server is starting. */
int mt_pg_connect(struct mt_pg *s, struct mt_err *err) MT_MUST_USE;
void mt_pg_disconnect(struct mt_pg *s);

/* Outside of a transaction: makes sure that there is a connection, a new one if need be. */
int mt_pg_ready(struct mt_pg *s, struct mt_err *err) MT_MUST_USE;

/* Tries to connect for as long as reconnect_ms allows. */
int mt_pg_reconnect(struct mt_pg *s, struct mt_err *err) MT_MUST_USE;

/* prepared.c: whether the statement is prepared by that name; some uses later it is. */
bool mt_pg_prepared(struct mt_pg *s, const char *sql, const Oid *types, int n, char name[16]);
void mt_pg_forget_prepared(struct mt_pg *s);

/* Here and on the server; false if there was none, or if that failed. */
bool mt_pg_unprepare(struct mt_pg *s);

/* error.c: a result, or a lost or impossible connection, as a failure. Return -1. */
int mt_pg_fail(const struct mt_pg *s, const PGresult *res, struct mt_err *err);
int mt_pg_fail_connect(const struct mt_pg *s, struct mt_err *err);
int mt_pg_fail_lost(const struct mt_pg *s, const char *when, struct mt_err *err);

/* exchange.c: the next result of what was sent, NULL after the last; -1 if the connection broke. */
int mt_pg_receive(struct mt_pg *s, PGresult **res, struct mt_err *err) MT_MUST_USE;

/* Waits until the connection can be read (1), ms are over or a signal came (0). ms -1: no limit. */
int mt_pg_poll(struct mt_pg *s, bool write, int64_t ms);

/*
 * Runs SQL of our own without parameters, several statements as one; the last result, its values
 * as text, into *last if that is not NULL.
 */
int mt_pg_exec(struct mt_pg *s, const char *sql, PGresult **last, struct mt_err *err) MT_MUST_USE;

/* Takes the rest of a result that is arriving off the connection. */
void mt_pg_keep_rest(struct mt_pg *s);

/*
 * value.c: one column of a row in binary form. scratch: MT_PG_SCRATCH bytes for
 * its text; *owned: NULL, or text to be freed with the row.
 */
enum { MT_PG_SCRATCH = 48 };
int mt_pg_value(const struct mt_pg *s, const PGresult *res, int column, struct mt_db_value *v,
                char *scratch, char **owned, struct mt_err *err) MT_MUST_USE;

/* Slots of the driver. */
int mt_pg_begin(void *priv, bool write, struct mt_err *err);
int mt_pg_commit(void *priv, struct mt_err *err);
void mt_pg_rollback(void *priv);
int mt_pg_query(void *priv, const char *sql, const struct mt_db_value *args, int n,
                int (*each)(void *ctx, const struct mt_db_row *row, struct mt_err *err), void *ctx,
                int64_t *changes, struct mt_err *err);
int mt_pg_migrate(void *priv, struct mt_err *err);
int mt_pg_schema_version(void *priv, int *have, int *known, struct mt_err *err);
int mt_pg_notify(void *priv, const char *channel, struct mt_err *err);
int mt_pg_wait(void *priv, const char *channel, int64_t timeout_ms, struct mt_err *err);
int mt_pg_wake_fd(void *priv);

#endif
