/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_server.c - a PostgreSQL server: its version, load, safety, and replicas. */
#include "status/doctor.h"

#include "base/clock.h"
#include "base/text.h"
#include "json/json.h"

#include <string.h>

enum { CROWDED_PERCENT = 80, LAG_WARNING_S = 60, SLOW_US = 100000 };

static json_t *ask(struct mt_doctor *d, struct mt_db *db, const char *name, const char *sql)
{
    struct mt_err err;
    json_t *row = mt_db_row(db, &err, sql, "");

    if (!row)
        mt_doctor_say(d, name, MT_VERDICT_UNKNOWN, mt_err_hint(&err), "%s", err.msg);
    return row;
}

static void describe(struct mt_doctor *d, struct mt_db *db)
{
    int64_t start = mt_mono_us();
    json_t *row = ask(d, db, "database",
                      "SELECT current_setting('server_version') AS version,"
                      " (SELECT max(media_toolkit) FROM schema_version) AS schema,"
                      " pg_database_size(current_database()) AS size,"
                      " current_setting('server_encoding') AS encoding");
    int64_t took_us = mt_mono_us() - start;
    bool utf8 = strcmp(mt_json_str(row, "encoding", "UTF8"), "UTF8") == 0;
    char size[MT_FIGURE];

    if (!row)
        return;
    mt_doctor_say(d, "database",
                  !utf8               ? MT_VERDICT_PROBLEM
                  : took_us > SLOW_US ? MT_VERDICT_WARNING
                                      : MT_VERDICT_OK,
                  !utf8               ? "make a database with createdb -E UTF8 and copy into it"
                  : took_us > SLOW_US ? "look at the load of the server and at the way to it"
                                      : NULL,
                  "'%s': PostgreSQL %s, schema %lld, %s, %s, answers in %.1f ms", mt_db_name(db),
                  mt_json_str(row, "version", "?"), (long long)mt_json_int(row, "schema", 0),
                  mt_json_str(row, "encoding", "?"),
                  mt_show_bytes(mt_json_int(row, "size", 0), size), (double)took_us / 1e3);
    json_decref(row);
}

/* Settings under which a crash loses commits, or more. */
static void check_durability(struct mt_doctor *d, struct mt_db *db)
{
    json_t *row = ask(d, db, "database_durability",
                      "SELECT current_setting('fsync') AS fsync,"
                      " current_setting('full_page_writes') AS pages,"
                      " current_setting('synchronous_commit') AS waits,"
                      " current_setting('autovacuum') AS vacuum");

    if (!row)
        return;
    if (strcmp(mt_json_str(row, "fsync", "on"), "on") != 0 ||
        strcmp(mt_json_str(row, "pages", "on"), "on") != 0)
        mt_doctor_say(d, "database_durability", MT_VERDICT_PROBLEM,
                      "set fsync and full_page_writes to on in postgresql.conf",
                      "fsync is %s, full_page_writes is %s: a power cut destroys the database",
                      mt_json_str(row, "fsync", "?"), mt_json_str(row, "pages", "?"));
    else if (strcmp(mt_json_str(row, "waits", "on"), "off") == 0)
        mt_doctor_say(d, "database_durability", MT_VERDICT_WARNING,
                      "set synchronous_commit to on in postgresql.conf",
                      "synchronous_commit is off: a crash forgets what was done last");
    else if (strcmp(mt_json_str(row, "vacuum", "on"), "on") != 0)
        mt_doctor_say(d, "database_durability", MT_VERDICT_WARNING,
                      "set autovacuum to on in postgresql.conf",
                      "autovacuum is off: the queue becomes slower and slower");
    else
        mt_doctor_say(d, "database_durability", MT_VERDICT_OK, NULL, "commits survive a crash");
    json_decref(row);
}

static void check_connections(struct mt_doctor *d, struct mt_db *db)
{
    json_t *row = ask(d, db, "database_connections",
                      "SELECT (SELECT count(*) FROM pg_stat_activity"
                      "   WHERE backend_type = 'client backend') AS used,"
                      " CAST(current_setting('max_connections') AS INTEGER) AS most");
    int64_t used = mt_json_int(row, "used", 0);
    int64_t most = mt_json_int(row, "most", 0);

    if (!row)
        return;
    bool crowded = used * 100 > most * CROWDED_PERCENT;
    mt_doctor_say(d, "database_connections", crowded ? MT_VERDICT_WARNING : MT_VERDICT_OK,
                  crowded ? "raise max_connections, or put PgBouncer before the server" : NULL,
                  "%lld of %lld are in use", (long long)used, (long long)most);
    json_decref(row);
}

static void check_way(struct mt_doctor *d, struct mt_db *db)
{
    json_t *row = ask(d, db, "database_tls",
                      "SELECT ssl, version, inet_client_addr() IS NULL"
                      "   OR inet_client_addr() <<= inet '127.0.0.0/8'"
                      "   OR inet_client_addr() = inet '::1' AS near"
                      " FROM pg_stat_ssl WHERE pid = pg_backend_pid()");

    if (!row)
        return;
    if (mt_json_int(row, "ssl", 0))
        mt_doctor_say(d, "database_tls", MT_VERDICT_OK, NULL, "%s",
                      mt_json_str(row, "version", "TLS"));
    else if (mt_json_int(row, "near", 0))
        mt_doctor_say(d, "database_tls", MT_VERDICT_OK, NULL, "not needed on one machine");
    else
        mt_doctor_say(d, "database_tls", MT_VERDICT_WARNING,
                      "add sslmode=verify-full and sslrootcert=FILE to the URL",
                      "the connection crosses a network without TLS");
    json_decref(row);
}

/* How far behind a replica is; nothing is said of a primary that has none. */
static void check_lag(struct mt_doctor *d, struct mt_db *db, bool wanted)
{
    json_t *row = ask(d, db, "database_replica",
                      "SELECT pg_is_in_recovery() AS replica,"
                      " CASE WHEN NOT pg_is_in_recovery() OR"
                      "   pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0"
                      "   ELSE EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp()) END"
                      "   AS lag_s");
    double lag_s = mt_json_num(row, "lag_s", -1);
    bool replica = mt_json_int(row, "replica", 0) != 0;

    if (replica && !wanted)
        mt_doctor_say(d, "database_replica", MT_VERDICT_PROBLEM,
                      "name the primary with --db, and the replica with --db-read",
                      "'%s' is a replica: nothing can be written to it", mt_db_name(db));
    else if (replica && lag_s < 0)
        mt_doctor_say(d, "database_replica", MT_VERDICT_UNKNOWN, NULL,
                      "'%s' has not replayed anything yet", mt_db_name(db));
    else if (replica)
        mt_doctor_say(d, "database_replica",
                      lag_s > LAG_WARNING_S ? MT_VERDICT_WARNING : MT_VERDICT_OK,
                      lag_s > LAG_WARNING_S ? "look at pg_stat_replication on the primary" : NULL,
                      "'%s' is %.1f s behind", mt_db_name(db), lag_s);
    else if (row && wanted)
        mt_doctor_say(d, "database_replica", MT_VERDICT_OK, NULL, "'%s' is no replica",
                      mt_db_name(db));
    json_decref(row);
}

void mt_doctor_server(struct mt_doctor *d, struct mt_db *db)
{
    describe(d, db);
    check_durability(d, db);
    check_connections(d, db);
    check_way(d, db);
    if (!d->s->db_read)
        check_lag(d, db, false);
}

void mt_doctor_replica(struct mt_doctor *d)
{
    struct mt_db *db = NULL;
    struct mt_err err;

    if (!d->s->db_read)
        return;
    if (mt_db_open(&db, d->s->db_read, d->s->dbs, MT_DB_READ, &err) < 0)
        mt_doctor_say(d, "database_replica", MT_VERDICT_PROBLEM, mt_err_hint(&err), "%s", err.msg);
    else if (mt_db_dialect(db) == MT_DB_POSTGRESQL)
        check_lag(d, db, true);
    else
        mt_doctor_say(d, "database_replica", MT_VERDICT_OK, NULL, "'%s' answers", mt_db_name(db));
    mt_db_close(&db);
}
