/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - what the files of the SQLite driver share. */
#ifndef MT_DB_SQLITE_INTERNAL_H
#define MT_DB_SQLITE_INTERNAL_H

#include "db/db.h"

#include <sqlite3.h>

enum {
    MT_SQLITE_APPLICATION_ID = 0x4d544b31, /* "MTK1" */
    MT_SQLITE_CACHE = 32,                  /* prepared statements kept */
    MT_SQLITE_TIMEOUT_MS = 30000,
};

struct mt_sqlite_stmt {
    sqlite3_stmt *stmt;
    char *sql;
    uint64_t used; /* tick of the last use */
    bool busy;     /* being stepped through */
};

struct mt_sqlite {
    sqlite3 *db;
    char *path;      /* as the user named it; ":memory:" */
    char *gate_path; /* beside the file itself, whatever link led there */
    int gate_fd;     /* -1 outside of the gate */
    enum mt_db_mode mode;
    bool memory;
    bool in_transaction;
    bool writing; /* the transaction is a writing one and holds the gate */
    int64_t timeout_us;
    int64_t busy_since_us;
    uint64_t tick;
    struct mt_sqlite_stmt cache[MT_SQLITE_CACHE];
};

/* The result code as a failure: its code, the database's name, the remedy. Returns -1. */
int mt_sqlite_fail(const struct mt_sqlite *s, int rc, struct mt_err *err);

/* The writers' gate: enter before a write lock is asked for, leave when it is released. */
int mt_sqlite_gate_enter(struct mt_sqlite *s, struct mt_err *err) MT_MUST_USE;
void mt_sqlite_gate_leave(struct mt_sqlite *s);

/* Path, gate and timeout from the URL. */
int mt_sqlite_parse_url(struct mt_sqlite *s, const char *url, struct mt_err *err) MT_MUST_USE;

/* Runs SQL of our own (one or several statements) without parameters. */
int mt_sqlite_exec(struct mt_sqlite *s, const char *sql, struct mt_err *err) MT_MUST_USE;

/* The one number or (text not NULL) short text that a PRAGMA gives. */
int mt_sqlite_pragma(struct mt_sqlite *s, const char *sql, int64_t *number, char text[32],
                     struct mt_err *err) MT_MUST_USE;

/* Connects to what s->path names; makes sure that it is ours, and chooses the journal. */
int mt_sqlite_connect(struct mt_sqlite *s, struct mt_err *err) MT_MUST_USE;
void mt_sqlite_disconnect(struct mt_sqlite *s);

/* With a reading connection: completes the rollback that a killed writer left behind. */
int mt_sqlite_recover(struct mt_sqlite *s, struct mt_err *err) MT_MUST_USE;

/* Puts the file into WAL mode or back; a warning, no failure, where others prevent it. */
int mt_sqlite_set_journal(struct mt_sqlite *s, bool wal, struct mt_err *err) MT_MUST_USE;

/* Slots of the driver. */
bool mt_sqlite_stamp(void *priv, int64_t *stamp);
int mt_sqlite_query(void *priv, const char *sql, const struct mt_db_value *args, int n,
                    int (*each)(void *ctx, const struct mt_db_row *row, struct mt_err *err),
                    void *ctx, int64_t *changes, struct mt_err *err);
int mt_sqlite_migrate(void *priv, struct mt_err *err);
int mt_sqlite_schema_version(void *priv, int *have, int *known, struct mt_err *err);

#endif
