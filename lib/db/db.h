/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * db.h - a relational database, whatever keeps the tables.
 *
 * The statements are written once, in the SQL that SQLite (3.35 and newer) and
 * PostgreSQL (13 and newer) share: parameters are $1, $2, ...; RETURNING and
 * ON CONFLICT may be used; times are RFC 3339 text in UTC going in and coming
 * out; identifiers are UUID text; JSON goes in as text and comes out parsed.
 * Where the two differ, mt_db_dialect() tells them apart.
 *
 * What this asks of a statement, since PostgreSQL infers the types of s and j
 * from where they stand (i and b are bigint, d is double precision):
 *   - a parameter stands for one type: not for an id in one place and for
 *     text in another (pass it twice);
 *   - "$1 IS NULL OR col = $1" has no type: make two statements, or pass a flag;
 *   - times are compared with times: no '', no year 0000;
 *   - truth values are columns of 0 and 1;
 *   - ORDER BY says NULLS FIRST or LAST where there may be any;
 *   - dates, JSON and patterns are worked on in C, not in SQL.
 * Writing transactions run side by side on PostgreSQL (READ COMMITTED), one
 * after the other on SQLite: what is looked at before it is changed is locked
 * (FOR UPDATE), guarded in the WHERE of the change, or kept by a unique index.
 * Any statement may fail as MT_ERR_LOCKED or MT_ERR_BUSY there; the whole
 * transaction may be tried again.
 *
 * A connection belongs to one thread at a time and does not survive fork().
 */
#ifndef MT_DB_DB_H
#define MT_DB_DB_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mt_db;

enum mt_db_dialect { MT_DB_SQLITE, MT_DB_POSTGRESQL };

/* How a program comes to the database. */
enum mt_db_mode {
    MT_DB_READ,  /* changes nothing and creates no file; never migrates; a missing database is
                    MT_ERR_NOT_FOUND. (Where a writer was killed half-way, its rollback is
                    completed, as nothing could be read otherwise.) */
    MT_DB_WRITE, /* creates and migrates what is missing or older */
};

enum mt_db_type { MT_DB_NULL, MT_DB_INT, MT_DB_REAL, MT_DB_TEXT, MT_DB_JSON };

/* One parameter or one column of a row. */
struct mt_db_value {
    enum mt_db_type type;
    int64_t i;        /* MT_DB_INT; truth values are 0 and 1 */
    double r;         /* MT_DB_REAL */
    const char *text; /* MT_DB_TEXT, MT_DB_JSON; NUL-terminated */
    size_t len;
};

struct mt_db_row {
    int n;
    const char *const *names;
    const struct mt_db_value *values; /* valid during the call only */
};

struct mt_db_migration {
    int version; /* from 1, without gaps */
    const char *sql;
};

/*
 * One kind of database. Codes: MT_ERR_BUSY (unreachable), MT_ERR_LOCKED (held
 * by somebody for longer than the driver waits), MT_ERR_SCHEMA (newer, older,
 * foreign, corrupt), MT_ERR_READ_ONLY, MT_ERR_NO_SPACE, MT_ERR_CONFIG,
 * MT_ERR_UNAVAILABLE (client library missing).
 */
struct mt_db_driver {
    const char *scheme; /* "sqlite" in sqlite:///path */
    const char *help;
    enum mt_db_dialect dialect;
    size_t priv_size;

    /* Connects. In MT_DB_WRITE creates what has to exist first. On failure close() is not called.
     */
    int (*open)(void *priv, const char *url, enum mt_db_mode mode, struct mt_err *err);

    /* Rolls back what is open and disconnects. Never fails. */
    void (*close)(void *priv);

    /* Brings the schema to the last of the driver's own migrations; safe when two start at once. */
    int (*migrate)(void *priv, struct mt_err *err);

    /* The version that the database has, 0 for an empty one, and the one this program knows. */
    int (*version)(void *priv, int *have, int *known, struct mt_err *err);

    /* What messages call it: its path, or its URL without what is secret. Lives as long as priv. */
    const char *(*name)(void *priv);

    /*
     * Begins a transaction. write: waits its turn at the writers' gate first,
     * so that no later statement of it fails as busy.
     */
    int (*begin)(void *priv, bool write, struct mt_err *err);
    int (*commit)(void *priv, struct mt_err *err); /* the transaction is over, also on failure */
    void (*rollback)(void *priv);

    /*
     * Runs one statement; each row goes to each() (NULL: rows are dropped);
     * stops with -1 when each() gives -1 (what the statement changed stays
     * changed). *changes (may be NULL): rows inserted, updated or deleted. A
     * violated constraint is MT_ERR_FAILED with os_errno EEXIST, a statement
     * that the database does not understand MT_ERR_BUG. each() may run
     * further statements.
     */
    int (*query)(void *priv, const char *sql, const struct mt_db_value *args, int n,
                 int (*each)(void *ctx, const struct mt_db_row *row, struct mt_err *err), void *ctx,
                 int64_t *changes, struct mt_err *err);

    /* Optional: see mt_db_stamp(). */
    bool (*stamp)(void *priv, int64_t *stamp);

    /* Optional: see mt_db_notify() and mt_db_wait(). */
    int (*notify)(void *priv, const char *channel, struct mt_err *err);
    int (*wait)(void *priv, const char *channel, int64_t timeout_ms, struct mt_err *err);
    int (*wake_fd)(void *priv); /* optional: see mt_db_wake_fd() */
};

/*
 * Opens what url names with the first of drivers (ends with NULL) of that
 * scheme, and checks the schema's version: in MT_DB_WRITE an older or empty
 * database is migrated; otherwise, and for a newer one, MT_ERR_SCHEMA.
 */
int mt_db_open(struct mt_db **out, const char *url, const struct mt_db_driver *const drivers[],
               enum mt_db_mode mode, struct mt_err *err) MT_MUST_USE;

/* Rolls back, disconnects, frees, sets *db to NULL; nothing if it is NULL already. */
void mt_db_close(struct mt_db **db);

enum mt_db_dialect mt_db_dialect(const struct mt_db *db);

/* What messages call the database; never holds a secret. Lives as long as db. */
const char *mt_db_name(const struct mt_db *db);

/*
 * Transactions do not nest. A statement outside of one is a transaction of
 * its own; a writing one passes the writers' gate by itself. In a transaction
 * begun without write nothing may be written. After a failed statement the
 * only thing to do with a transaction is to roll it back (PostgreSQL insists);
 * after a failed commit it has been rolled back already.
 */
int mt_db_begin(struct mt_db *db, bool write, struct mt_err *err) MT_MUST_USE;
int mt_db_commit(struct mt_db *db, struct mt_err *err) MT_MUST_USE;
void mt_db_rollback(struct mt_db *db);

/*
 * A fence: check() is called at the beginning of every writing transaction, within
 * it, and when it gives -1 the transaction has not begun. A statement of
 * mt_db_exec() outside of a transaction becomes one of its own for that. ctx is lent as long as db
 * is open. mt_db_fence() gives it back, NULL if there is no fence.
 */
void mt_db_set_fence(struct mt_db *db,
                     int (*check)(struct mt_db *db, void *ctx, struct mt_err *err), void *ctx);
void *mt_db_fence(const struct mt_db *db);

/*
 * Arguments follow types, a letter each: s const char * (NULL is null),
 * i int64_t, d double, b bool (int), j json_t * (lent; NULL and JSON's null are null); at most
 * MT_DB_ARGS_MAX of them, $1 being the first, each used by the statement at
 * least once. Bytes of s that are not UTF-8 become U+FFFD. Statements must not
 * be built from foreign text.
 */
enum { MT_DB_ARGS_MAX = 40 };

/* Runs a statement for its effect. *changes may be NULL. */
int mt_db_exec(struct mt_db *db, int64_t *changes, struct mt_err *err, const char *sql,
               const char *types, ...) MT_MUST_USE;

/*
 * All rows as an array of objects, column name to value; a new reference.
 * MT_DB_JSON columns come parsed, or as a string if they hold no JSON. In
 * SQLite those are the columns declared JSON and every column of a result
 * whose name ends in "_json".
 */
json_t *mt_db_rows(struct mt_db *db, struct mt_err *err, const char *sql, const char *types, ...);

/* The first row as an object; MT_ERR_NOT_FOUND (message "no row") if there is none. New. */
json_t *mt_db_row(struct mt_db *db, struct mt_err *err, const char *sql, const char *types, ...);

/* Each row as it comes, for results of any length. */
int mt_db_each(struct mt_db *db,
               int (*each)(void *ctx, const struct mt_db_row *row, struct mt_err *err), void *ctx,
               struct mt_err *err, const char *sql, const char *types, ...) MT_MUST_USE;

/*
 * A number that each committed change of the database changes, whoever made it. If it is the
 * same before and after something was read, and again later, that has not changed since. False:
 * that cannot be told here for less than a statement costs, or there is a transaction open.
 */
bool mt_db_stamp(struct mt_db *db, int64_t *stamp);

/*
 * Wakes those who wait on the channel (lower-case letters and '_'): within a
 * transaction when it commits, otherwise at once. Databases that cannot do
 * nothing; whoever waits there looks again by the clock.
 */
int mt_db_notify(struct mt_db *db, const char *channel, struct mt_err *err) MT_MUST_USE;

/*
 * Waits, outside of transactions, until there may be something new: 1 means look
 * now, 0 that timeout_ms are over or a signal has come, -1 a failure. The first
 * wait on a channel only begins to listen and gives 1 at once, so that what was
 * written before is not missed: look, and wait when nothing was found. Where the
 * database cannot wake anybody (SQLite, PostgreSQL behind PgBouncer) this sleeps
 * for MT_DB_POLL_MS at most and gives 1. A connection listens to one channel.
 */
enum { MT_DB_POLL_MS = 500 };
int mt_db_wait(struct mt_db *db, const char *channel, int64_t timeout_ms,
               struct mt_err *err) MT_MUST_USE;

/*
 * For who waits for other things too: the descriptor that can be read when
 * mt_db_wait(db, channel, 0) would give 1, or when the connection has ended; -1
 * if nothing wakes. It is lent, changes with each reconnection (ask for it in
 * every round, after that wait) and is for poll() only.
 */
int mt_db_wake_fd(const struct mt_db *db);

/* Whether the failure is a violated UNIQUE or other constraint. */
bool mt_db_is_conflict(const struct mt_err *err);

#endif
