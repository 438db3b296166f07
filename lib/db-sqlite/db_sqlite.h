/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * db_sqlite.h - a database in one file, without a server.
 *
 * sqlite:///path/to/media.db?timeout_ms=30000 is that file (%XX decoded;
 * "sqlite:path" may name it relative to the current directory). Beside it lie
 * its journal and "media.db.gate", the lock file at which writers queue: taken
 * with flock(2), so that a script may hold writers up with flock(1). It holds
 * the process id of its holder. timeout_ms is how long anything waits, at the
 * gate and again for programs that do not know the gate.
 *
 * "mem:" is a private database in memory, gone when closed.
 *
 * Libraries from 3.7.0 to 3.51.2 (not 3.44.6 and later of 3.44, 3.50.7 and
 * later of 3.50) can corrupt a write-ahead log that several connections share
 * (sqlite.org/wal.html, "WAL-reset bug"). With those a rollback journal is
 * used, and a database that another program has put into WAL mode is brought
 * back; with others WAL is used. Either way a commit survives a power cut.
 */
#ifndef MT_DB_SQLITE_DB_SQLITE_H
#define MT_DB_SQLITE_DB_SQLITE_H

#include "db/db.h"

extern const struct mt_db_driver mt_db_sqlite;
extern const struct mt_db_driver mt_db_mem;

/* Whether several processes may share a write-ahead log with this version (3040001 is 3.40.1). */
bool mt_sqlite_wal_is_safe(int version);

/* The number and the text of the version in use, "3.40.1". */
int mt_sqlite_version(const char **text);

#endif
