/* SPDX-License-Identifier: GPL-2.0-or-later */
/* db_pg.c - what is particular to PostgreSQL: URLs, types, locks, races, and a server that goes. */
#include "../tap.h"
#include "pg.h"

#include "base/clock.h"
#include "db-pg/db_pg.h"
#include "db/db.h"
#include "json/json.h"

#include <signal.h>
#include <sys/wait.h>

static const struct mt_db_driver *const drivers[] = {&mt_db_pg, &mt_db_postgres, NULL};

static struct mt_db *open_db(const char *url, enum mt_db_mode mode)
{
    struct mt_db *db = NULL;
    struct mt_err err;

    if (mt_db_open(&db, url, drivers, mode, &err) < 0)
        printf("# %s\n", err.msg);
    return db;
}

static bool run(struct mt_db *db, const char *sql)
{
    struct mt_err err;

    if (mt_db_exec(db, NULL, &err, sql, "") == 0)
        return true;
    printf("# %s\n", err.msg);
    return false;
}

static int64_t number(struct mt_db *db, const char *sql)
{
    struct mt_err err;
    json_t *row = mt_db_row(db, &err, sql, "");
    int64_t n = mt_json_int(row, "n", -1);

    if (!row)
        printf("# %s\n", err.msg);
    json_decref(row);
    return n;
}

/* Opening the URL (with more behind it) fails with the code, and says words but never not_this. */
static bool refused(const char *url, const char *more, enum mt_code code, const char *words)
{
    char *whole = mt_asprintf("%s%s", url, more);
    struct mt_db *db = NULL;
    struct mt_err err = {.code = MT_OK};
    int ret = mt_db_open(&db, whole, drivers, MT_DB_READ, &err);
    bool right = ret < 0 && err.code == code && strstr(err.msg, words) && mt_err_hint(&err) &&
                 !strstr(err.msg, "s3cret") && !strstr(mt_err_hint(&err), "s3cret");

    if (!right)
        printf("# %d %s: %s\n", ret, mt_code_name(err.code), err.msg);
    mt_db_close(&db);
    free(whole);
    return right;
}

static void test_urls(const char *url)
{
    OK(refused("postgresql://u:s3cret@localhost/x", "", MT_ERR_CONFIG, "password"),
       "a password in the URL is refused, and not repeated");
    OK(refused("postgresql://u@localhost/x?password=s3cret", "", MT_ERR_CONFIG, "password"),
       "also as a parameter");
    OK(refused("postgresql://u@localhost/x?pass%77ord=s3cret", "", MT_ERR_CONFIG, "password"),
       "also in disguise");
    OK(refused(url, "&tiemout_ms=1", MT_ERR_CONFIG, "tiemout_ms"), "a misspelt parameter");
    OK(refused(url, "&timeout_ms=soon", MT_ERR_CONFIG, "soon"), "a time that is none");
    OK(refused("postgresql://localhost:99999999/x", "", MT_ERR_BUSY, "port") ||
           refused("postgresql://localhost:99999999/x", "", MT_ERR_CONFIG, "port"),
       "a port that is none");
    OK(refused("postgresql:///x?host=/nonexistent", "", MT_ERR_BUSY, "nonexistent"),
       "a server that is not there may be there later");
    char *other = mt_asprintf("postgresql://media@/nosuch?host=%s", getenv("MT_TEST_PG"));
    OK(refused(other, "", MT_ERR_NOT_FOUND, "nosuch"), "to a reader a missing database is missing");
    char *ssl = mt_asprintf("%s&sslmode=nonsense", url);
    OK(refused(ssl, "", MT_ERR_CONFIG, "sslmode"), "a TLS mode that is none");
    free(ssl);
    free(other);
}

static void test_types(struct mt_db *db)
{
    struct mt_err err;
    json_t *row = mt_db_row(
        db, &err,
        "SELECT CAST('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' AS UUID) AS id,"
        " TIMESTAMPTZ '2026-01-15 16:30:00.1239+02:30' AS at, 1 = 1 AS yes, 0.95::DECIMAL(3,2) AS "
        "d,"
        " 12345678901234567890 AS big, -40000::NUMERIC AS whole, 0.000125::NUMERIC AS small,"
        " 1.5::REAL AS f, 'x'::CHAR(3) AS c, '{\"a\": 1.50}'::JSONB AS j,"
        " SUM(x) AS sum, TIMESTAMPTZ 'infinity' AS never FROM generate_series(1, 4) AS x",
        "");

    IS_STR(mt_json_str(row, "id", ""), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "uuid");
    IS_STR(mt_json_str(row, "at", ""), "2026-01-15T14:00:00.123Z", "a time, in UTC");
    OK(mt_json_int(row, "yes", 0) == 1, "truth");
    OK(mt_json_num(row, "d", 0) == 0.95, "a decimal fraction, to the last bit");
    OK(mt_json_num(row, "big", 0) == 12345678901234567890.0, "more than 64 bits");
    OK(mt_json_int(row, "whole", 0) == -40000 && mt_json_num(row, "small", 0) == 0.000125,
       "whole and small numbers");
    OK(mt_json_num(row, "f", 0) == 1.5, "a short real");
    IS_STR(mt_json_str(row, "c", ""), "x  ", "padded text");
    OK(mt_json_num(row, "j.a", 0) == 1.5, "jsonb");
    OK(mt_json_int(row, "sum", 0) == 10, "a sum of whole numbers is whole");
    IS_STR(mt_json_str(row, "never", ""), "9999-12-31T23:59:59.999Z", "the end of time");
    json_decref(row);
    OK(!mt_db_row(db, &err, "SELECT '1 day'::INTERVAL AS i", "") && err.code == MT_ERR_BUG,
       "what has no mapping is refused");
    json_t *in = json_pack("{s:s%, s:f}", "nul", "a\0b", (size_t)3, "huge", 1e22);
    row = mt_db_row(db, &err,
                    "INSERT INTO shared_state (name, value) VALUES ('t', $1) RETURNING value", "j",
                    in);
    IS_STR(mt_json_str(row, "value.nul", ""),
           "a\xef\xbf\xbd"
           "b",
           "U+0000 in JSON is replaced");
    OK(mt_json_num(row, "value.huge", 0) == 1e22, "a number beyond 64 bits in JSON stays one");
    json_decref(row);
    json_decref(in);
}

/* A process that was frozen in a transaction, as the server sees it. */
/* What is asked often is prepared, and survives another schema and a lost connection. */
static void test_prepared(struct mt_db *db)
{
    static const char all[] = "SELECT * FROM often WHERE n = $1";
    struct mt_err err;
    bool same =
        run(db, "CREATE TABLE often (n INTEGER)") && run(db, "INSERT INTO often VALUES (7)");
    json_t *row = NULL;

    for (int i = 0; i < 6; i++) {
        row = mt_db_row(db, &err, all, "i", (int64_t)7);
        same = same && mt_json_int(row, "n", 0) == 7;
        json_decref(row);
    }
    OK(same, "the same statement has the same answer");
    OK(number(db, "SELECT count(*) AS n FROM pg_prepared_statements"
                  " WHERE statement LIKE '%FROM often%'") == 1,
       "and is prepared, once");
    row = mt_db_row(db, &err, all, "s", "7");
    OK(mt_json_int(row, "n", 0) == 7, "an argument of another type is another statement");
    json_decref(row);
    OK(run(db, "ALTER TABLE often ADD COLUMN m INTEGER DEFAULT 8"), "a new column");
    row = mt_db_row(db, &err, all, "i", (int64_t)7);
    OK(mt_json_int(row, "m", 0) == 8, "is seen by the statement that was prepared before it");
    json_decref(row);
    json_decref(mt_db_row(db, &err, "SELECT pg_terminate_backend(pg_backend_pid())", ""));
    row = mt_db_row(db, &err, all, "i", (int64_t)7);
    OK(mt_json_int(row, "m", 0) == 8, "a new connection knows nothing, and does it all the same");
    json_decref(row);
    OK(mt_db_begin(db, false, &err) == 0 && number(db, "SELECT n FROM often") == 7 &&
           mt_db_commit(db, &err) == 0 && run(db, "DROP TABLE often"),
       "in a transaction as well");
}

static void test_silence(const char *url, struct mt_db *db)
{
    char *brief = mt_asprintf("%s&idle_timeout_ms=200", url);
    struct mt_db *silent = open_db(brief, MT_DB_WRITE);
    struct mt_err err;

    OK(mt_db_begin(silent, true, &err) == 0 && run(silent, "UPDATE k SET n = 7 WHERE id = 1"),
       "another one holds it, and is silent");
    usleep(600000);
    OK(run(db, "UPDATE k SET n = 1 WHERE id = 1"), "it does not keep it for ever");
    OK(mt_db_exec(silent, NULL, &err, "UPDATE k SET n = 8 WHERE id = 1", "") < 0 &&
           err.code == MT_ERR_BUSY,
       "when it wakes up, its transaction is over");
    mt_db_rollback(silent);
    OK(number(silent, "SELECT n FROM k WHERE id = 1") == 1 &&
           run(silent, "UPDATE k SET n = 1 WHERE id = 1"),
       "and nothing of it was done; it may begin again");
    mt_db_close(&silent);
    free(brief);
}

static void test_locks(const char *url, struct mt_db *db)
{
    char *quick = mt_asprintf("%s&timeout_ms=100&statement_timeout_ms=500", url);
    struct mt_db *other = open_db(quick, MT_DB_WRITE);
    struct mt_err err;

    OK(run(db, "DROP TABLE IF EXISTS k") &&
           run(db, "CREATE TABLE k (id INTEGER PRIMARY KEY, n INTEGER)") &&
           run(db, "INSERT INTO k VALUES (1, 0), (2, 0)") && mt_db_begin(db, true, &err) == 0 &&
           run(db, "UPDATE k SET n = 1 WHERE id = 1"),
       "a row is held");
    OK(mt_db_exec(other, NULL, &err, "UPDATE k SET n = 2 WHERE id = 1", "") < 0 &&
           err.code == MT_ERR_LOCKED && mt_code_retryable(err.code),
       "who waits too long for it is locked out");
    OK(number(other, "SELECT n FROM k WHERE id = 1") == 0, "readers are not");
    OK(mt_db_exec(other, NULL, &err, "UPDATE k SET n = 0 WHERE pg_sleep(2) IS NULL", "") < 0 &&
           err.code == MT_ERR_BUSY && mt_err_hint(&err) &&
           strstr(mt_err_hint(&err), "statement_timeout_ms"),
       "a statement may take so long and no longer");
    OK(mt_db_begin(other, true, &err) == 0 && run(other, "UPDATE k SET n = 2 WHERE id = 2") &&
           mt_db_exec(other, NULL, &err, "UPDATE k SET n = 2 WHERE id = 1", "") < 0 &&
           mt_db_exec(other, NULL, &err, "SELECT 1", "") < 0,
       "a failed transaction goes nowhere");
    OK(mt_db_commit(other, &err) < 0 && number(other, "SELECT n FROM k WHERE id = 2") == 0,
       "its commit fails, and it is undone");
    OK(mt_db_commit(db, &err) == 0 && number(other, "SELECT n FROM k WHERE id = 1") == 1,
       "the holder goes on");
    test_silence(url, db);
    mt_db_close(&other);
    free(quick);
}

static void test_reading(const char *url)
{
    struct mt_db *db = open_db(url, MT_DB_READ);
    struct mt_err err;

    OK(mt_db_exec(db, NULL, &err, "DELETE FROM k", "") < 0 && err.code == MT_ERR_BUG,
       "who reads does not write");
    OK(mt_db_exec(db, NULL, &err, "WITH x AS (DELETE FROM k RETURNING 1) SELECT * FROM x", "") < 0,
       "not in disguise either");
    OK(mt_db_begin(db, true, &err) < 0 && err.code == MT_ERR_BUG, "nor in a transaction");
    OK(mt_db_begin(db, false, &err) == 0 && number(db, "SELECT count(*) AS n FROM k") == 2,
       "a snapshot");
    struct mt_db *writer = open_db(url, MT_DB_WRITE);
    OK(run(writer, "INSERT INTO k VALUES (3, 0)") && number(db, "SELECT count(*) AS n FROM k") == 2,
       "does not change meanwhile");
    mt_db_rollback(db);
    OK(number(db, "SELECT count(*) AS n FROM k") == 3, "the next one is newer");
    mt_db_close(&writer);
    mt_db_close(&db);
}

/* --- several processes --- */

static int count_good(int n, int (*child)(const char *url, int i), const char *url)
{
    int good = 0;
    int status;

    fflush(stdout);
    for (int i = 0; i < n; i++)
        if (fork() == 0)
            _exit(child(url, i));
    for (int i = 0; i < n; i++)
        good += wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return good;
}

static int migrate_child(const char *url, int i)
{
    struct mt_db *db = open_db(url, MT_DB_WRITE);
    bool there = db && number(db, "SELECT count(*) AS n FROM media_assets") == 0;

    (void)i;
    mt_db_close(&db);
    return there ? 0 : 1;
}

/* Each counts the same two totals up, in different order, without waiting for the others. */
static int totals_child(const char *url, int child)
{
    struct mt_db *db = open_db(url, MT_DB_WRITE);
    struct mt_err err;
    int bad = 0;

    for (int i = 0; db && i < 40; i++) {
        bad += mt_db_begin(db, true, &err) < 0;
        for (int k = 0; k < 2; k++)
            bad += mt_db_exec(db, NULL, &err,
                              "INSERT INTO processing_jobs (job_type, status, started_at,"
                              " completed_at) VALUES ('race', $1, now(), now())",
                              "s", (k + child) % 2 ? "completed" : "failed") < 0;
        bad += mt_db_commit(db, &err) < 0;
    }
    if (bad)
        printf("# %s\n", err.msg);
    mt_db_close(&db);
    return bad != 0 || !db ? bad != 0 : 0;
}

static void test_races(void)
{
    char *url = pg_new();

    OK(url && count_good(8, migrate_child, url) == 8, "eight programs make the schema at once");
    OK(count_good(8, totals_child, url) == 8,
       "eight programs end jobs at once: none waits for a lock that another waits for");
    struct mt_db *db = open_db(url, MT_DB_WRITE);
    OK(number(db, "SELECT count(*) AS n FROM schema_version") ==
           number(db, "SELECT max(media_toolkit) AS n FROM schema_version"),
       "each migration was applied once");
    OK(number(db, "SELECT SUM(n) AS n FROM job_totals WHERE status = 'completed'") == 320 &&
           number(db, "SELECT SUM(n) AS n FROM job_totals WHERE status = 'failed'") == 320,
       "and every end was counted");
    OK(number(db, "SELECT count(*) AS n FROM job_totals") <= 64, "in few rows");
    mt_db_close(&db);
    free(url);
}

/* --- waking --- */

static int notify_child(const char *url, int i)
{
    struct mt_db *db = open_db(url, MT_DB_WRITE);
    struct mt_err err;

    (void)i;
    usleep(200000);
    int ret = mt_db_begin(db, true, &err) == 0 && mt_db_notify(db, "test_jobs", &err) == 0 &&
                      mt_db_commit(db, &err) == 0
                  ? 0
                  : 1;
    mt_db_close(&db);
    return ret;
}

static void test_waking(const char *url, struct mt_db *db)
{
    struct mt_err err;

    OK(mt_db_wake_fd(db) == -1 && mt_db_wait(db, "test_jobs", 0, &err) == 1 &&
           mt_db_wake_fd(db) >= 0,
       "the first wait begins to listen");
    OK(mt_db_wait(db, "test_jobs", 20, &err) == 0, "nothing happens");
    fflush(stdout);
    if (fork() == 0)
        _exit(notify_child(url, 0));
    int64_t start = mt_mono_us();
    OK(mt_db_wait(db, "test_jobs", 20000, &err) == 1 && mt_mono_us() - start < 10000000,
       "another process wakes us when it commits");
    OK(wait(NULL) > 0, "it has ended");
    OK(mt_db_begin(db, true, &err) == 0 && mt_db_notify(db, "test_jobs", &err) == 0, "notified");
    mt_db_rollback(db);
    OK(mt_db_wait(db, "test_jobs", 50, &err) == 0, "what is rolled back wakes nobody");
    OK(mt_db_wait(db, "bad channel; DROP", 0, &err) < 0 && err.code == MT_ERR_BUG,
       "a channel is a word");
}

/* --- a server that goes --- */

static bool server(const char *action, const char *more)
{
    char *arguments = mt_asprintf("%s '%s' %s && echo done", action, pg_own, more);
    char *line = pg_line(arguments);
    bool done = strcmp(line, "done") == 0;

    free(line);
    free(arguments);
    return done;
}

static void test_restart(struct mt_db *db, struct mt_db *pooled)
{
    struct mt_err err = {.code = MT_OK};

    OK(server("halt", "fast") && server("again", ""), "the server is restarted");
    OK(number(db, "SELECT count(*) AS n FROM k") == 3, "between statements nobody notices");
    OK(server("halt", "immediate") && server("again", ""), "it crashes, and comes again");
    OK(mt_db_begin(db, true, &err) == 0 && run(db, "INSERT INTO k VALUES (10, 0)") &&
           mt_db_commit(db, &err) == 0,
       "a transaction that begins then works");
    OK(mt_db_begin(db, true, &err) == 0 && run(db, "INSERT INTO k VALUES (11, 0)") &&
           server("halt", "fast") && server("again", ""),
       "restarted within a transaction");
    OK(mt_db_exec(db, NULL, &err, "INSERT INTO k VALUES (12, 0)", "") < 0 &&
           err.code == MT_ERR_BUSY && mt_code_retryable(err.code),
       "the transaction is over, and may be repeated");
    mt_db_rollback(db);
    OK(number(db, "SELECT count(*) AS n FROM k WHERE id > 10") == 0, "nothing of it is there");
    OK(mt_db_begin(db, true, &err) == 0 && run(db, "INSERT INTO k VALUES (11, 0)") &&
           server("halt", "immediate") && server("again", "") && mt_db_commit(db, &err) < 0 &&
           err.code == MT_ERR_BUSY && strstr(mt_err_hint(&err), "may have been done"),
       "a commit without answer says that nobody knows");
    OK(mt_db_wait(db, "test_jobs", 50, &err) == 1, "who waited looks again, and listens again");
    OK(number(pooled, "SELECT count(*) AS n FROM k") >= 4 ||
           number(pooled, "SELECT count(*) AS n FROM k") >= 4,
       "through the pooler too");
}

static void test_absence(const char *url)
{
    char *impatient = mt_asprintf("%s&reconnect_ms=200", url);
    struct mt_db *db = open_db(impatient, MT_DB_WRITE);
    struct mt_err err = {.code = MT_OK};

    OK(server("halt", "fast"), "the server stays away");
    OK(mt_db_exec(db, NULL, &err, "SELECT 1", "") < 0 && err.code == MT_ERR_BUSY &&
           mt_err_hint(&err),
       "that is a failure to be tried again");
    OK(mt_db_begin(db, true, &err) < 0 && err.code == MT_ERR_BUSY, "for transactions too");
    OK(refused(url, "", MT_ERR_BUSY, pg_own), "nobody can connect");
    OK(server("again", ""), "it comes again");
    OK(number(db, "SELECT count(*) AS n FROM k") >= 4, "and the same connection goes on");
    mt_db_close(&db);
    free(impatient);
}

/* A replica reads, and says so when it is to write. */
static void test_read_only(const char *url)
{
    struct mt_err err = {.code = MT_OK};

    OK(server("halt", "fast"), "the server stops");
    char *signal = mt_asprintf("%s/data/standby.signal", pg_own);
    FILE *file = fopen(signal, "w");
    OK(file && fclose(file) == 0 && server("again", "hot_standby=on"), "and comes as a replica");
    struct mt_db *db = open_db(url, MT_DB_READ);
    OK(db && number(db, "SELECT count(*) AS n FROM k") >= 4, "from which one can read");
    mt_db_close(&db);
    db = open_db(url, MT_DB_WRITE);
    OK(db && mt_db_begin(db, true, &err) < 0 && err.code == MT_ERR_READ_ONLY,
       "but not write: in a transaction");
    OK(db && mt_db_exec(db, NULL, &err, "DELETE FROM k", "") < 0 && err.code == MT_ERR_READ_ONLY,
       "nor without");
    mt_db_close(&db);
    free(signal);
}

int main(void)
{
    if (!OK(pg_start_own(), "a PostgreSQL server starts"))
        return tap_done();
    char *url = pg_new();
    char *through = mt_asprintf("%s&port=6432", url);
    struct mt_db *db = open_db(url, MT_DB_WRITE);
    struct mt_db *pooled = open_db(through, MT_DB_WRITE);
    if (OK(db && pooled, "opens, directly and through a pooler")) {
        test_urls(url);
        test_types(db);
        test_prepared(db);
        test_locks(url, db);
        test_locks(through, db);
        test_reading(url);
        test_races();
        test_waking(url, db);
        test_restart(db, pooled);
        test_absence(url);
    }
    mt_db_close(&db);
    mt_db_close(&pooled);
    test_read_only(url);
    free(through);
    free(url);
    pg_end();
    return tap_done();
}
