/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * db_pg.h - a PostgreSQL server, 13 or newer, directly or behind PgBouncer.
 *
 * postgresql://[user@]host[:port][,...]/database[?parameter=value&...] is libpq's
 * connection URI: host=/run/postgresql is a Unix socket, sslmode=verify-full
 * and sslrootcert=FILE ask for TLS, service=NAME takes all from a service file,
 * passfile=FILE names a password file. A password in the URL is refused:
 * command lines are seen by every user of the machine.
 *
 * Four parameters are ours, in milliseconds:
 *   timeout_ms=30000             how long a statement waits for a lock (0: for ever)
 *   statement_timeout_ms=300000  how long a statement may take (0: for ever)
 *   idle_timeout_ms=120000       how long a writing transaction may be silent before the server
 *                                undoes it (0: for ever): a process that was frozen in one, or cut
 *                                off, must not keep its locks from all others
 *   reconnect_ms=10000           how long a lost or starting server is tried again
 *
 * A connection lost between transactions is made again, and statements that
 * only read are sent again; lost within a transaction, or while a statement
 * that writes was on its way, it is MT_ERR_BUSY: the caller repeats the whole.
 * A commit whose answer was lost may have taken effect, and says so.
 *
 * Nothing is kept in the session but LISTEN, and that only on a connection of
 * our own: with PgBouncer in transaction mode (recognised by the number of the
 * process that answers) time limits are set in each transaction, and waiting
 * is done by looking again. Statements are not prepared by name.
 *
 * libpq is loaded when a database is opened; MT_ERR_UNAVAILABLE names the
 * package if it is not there.
 */
#ifndef MT_DB_PG_DB_PG_H
#define MT_DB_PG_DB_PG_H

#include "db/db.h"

extern const struct mt_db_driver mt_db_pg;       /* postgresql: */
extern const struct mt_db_driver mt_db_postgres; /* postgres:, another name for it */

#endif
