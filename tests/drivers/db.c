/* SPDX-License-Identifier: GPL-2.0-or-later */
/* db.c - every database driver keeps the promises of db/db.h. */
#include "../tap.h"
#include "pg.h"

#include "base/clock.h"
#include "base/mem.h"
#include "db-pg/db_pg.h"
#include "db-sqlite/db_sqlite.h"
#include "db/db.h"
#include "json/json.h"

#include <stdlib.h>
#include <unistd.h>

static const struct mt_db_driver *const drivers[] = {&mt_db_sqlite, &mt_db_mem, &mt_db_pg, NULL};

static struct mt_db *open_db(const char *url, enum mt_db_mode mode)
{
    struct mt_db *db = NULL;
    struct mt_err err;

    if (mt_db_open(&db, url, drivers, mode, &err) < 0)
        printf("# %s\n", err.msg);
    return db;
}

/* Whether the statement works; says why not. */
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

    json_decref(row);
    return n;
}

static bool is_pg(const struct mt_db *db)
{
    return mt_db_dialect(db) == MT_DB_POSTGRESQL;
}

static void test_types(struct mt_db *db)
{
    static const char text[] =
        "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xf0\x9f\x8e\xac 'quoted' \"x\"\n";
    struct mt_err err;
    json_t *in = json_pack("{s:[i,f,n,b],s:s}", "a", 1, 1.0, 1, "t", text);
    json_t *row;

    OK(run(db, is_pg(db) ? "CREATE TABLE t (i BIGINT, d DOUBLE PRECISION, s TEXT, j JSONB, z TEXT)"
                         : "CREATE TABLE t (i INTEGER, d REAL, s TEXT, j JSON TEXT, z TEXT)"),
       "a table");
    OK(mt_db_exec(db, NULL, &err, "INSERT INTO t VALUES ($1, $2, $3, $4, $5)", "idsjs", INT64_MIN,
                  0.1, text, in, (char *)NULL) == 0,
       "a row of every type goes in");
    row = mt_db_row(db, &err, "SELECT * FROM t", "");
    OK(mt_json_int(row, "i", 0) == INT64_MIN, "the least integer");
    OK(mt_json_num(row, "d", 0) == 0.1, "a double, to the last bit");
    IS_STR(mt_json_str(row, "s", ""), text, "Arabic, emoji, quotes and line ends");
    OK(json_equal(json_object_get(row, "j"), in), "JSON comes back parsed and equal");
    OK(json_is_null(json_object_get(row, "z")), "NULL is null");
    json_decref(row);
    json_decref(in);

    row = mt_db_row(db, &err, "UPDATE t SET i = $1, j = NULL, z = $2 RETURNING i, j, z", "is",
                    INT64_MAX, "");
    OK(mt_json_int(row, "i", 0) == INT64_MAX, "the greatest integer, by RETURNING");
    OK(json_is_null(json_object_get(row, "j")), "a JSON column may be NULL");
    OK(json_is_string(json_object_get(row, "z")), "the empty string is no NULL");
    json_decref(row);
    OK(run(db, "DROP TABLE t"), "the table goes");
}

static void test_json_columns(struct mt_db *db)
{
    static const char not_utf8[] = {'a', (char)0xff, 'b', '\0'};
    struct mt_err err;
    json_t *row = mt_db_row(db, &err, "SELECT $1 AS some_json, $2 AS plain", "ss", "{\"a\":1.50}",
                            "{\"a\":1}");

    OK(json_is_object(json_object_get(row, "some_json")), "a column named _json is parsed");
    OK(json_is_string(json_object_get(row, "plain")), "others are not");
    json_decref(row);
    row = mt_db_row(db, &err, "SELECT $1 AS x_json, $2 AS s", "ss", "{broken", not_utf8);
    IS_STR(mt_json_str(row, "x_json", ""), "{broken", "what is no JSON becomes a string");
    IS_STR(mt_json_str(row, "s", ""),
           "a\xef\xbf\xbd"
           "b",
           "what is no UTF-8 is cleaned");
    json_decref(row);
}

static void test_parameters(struct mt_db *db)
{
    struct mt_err err;
    json_t *row = mt_db_row(db, &err, "SELECT $2 AS b, $1 AS a, $2 AS b2, $3 AS c", "iib",
                            INT64_C(1), INT64_C(2), 7);

    OK(mt_json_int(row, "a", 0) == 1 && mt_json_int(row, "b", 0) == 2 &&
           mt_json_int(row, "b2", 0) == 2,
       "parameters go by number, in any order and repeatedly");
    OK(mt_json_int(row, "c", 0) == 1, "a truth value is 0 or 1");
    json_decref(row);
    OK(!mt_db_row(db, &err, "SELECT $1 AS a, $3 AS c", "ii", INT64_C(1), INT64_C(2)) &&
           err.code == MT_ERR_BUG,
       "a parameter without argument is refused");
    OK(!mt_db_row(db, &err, "SELECT $1 AS a", "ii", INT64_C(1), INT64_C(2)) &&
           err.code == MT_ERR_BUG,
       "an argument without parameter is refused");
    OK(mt_db_exec(db, NULL, &err, "SELECT 1; SELECT 2", "") < 0 && err.code == MT_ERR_BUG,
       "two statements in one are refused");
    OK(mt_db_exec(db, NULL, &err, "SELEKT 1", "") < 0 && err.code == MT_ERR_BUG && err.msg[0],
       "nonsense is a bug");
    OK(mt_db_exec(db, NULL, &err, "SELECT 1 FROM nowhere", "") < 0 && err.code == MT_ERR_BUG,
       "so is an unknown table");
}

static int stop_at_three(void *ctx, const struct mt_db_row *row, struct mt_err *err)
{
    int *seen = ctx;

    (void)row;
    return ++*seen == 3 ? mt_fail(err, MT_ERR_CANCELLED, "enough") : 0;
}

struct nested {
    struct mt_db *db;
    int rows;
};

static int write_within(void *ctx, const struct mt_db_row *row, struct mt_err *err)
{
    struct nested *n = ctx;

    n->rows++;
    return mt_db_exec(n->db, NULL, err, "INSERT INTO log VALUES ($1)", "i", row->values[0].i);
}

/* With a partial index a value decides whether it can be used: the plan is made anew for it. */
static void test_plan(struct mt_db *db)
{
    struct mt_err err;

    OK(run(db, "CREATE TABLE p (id TEXT PRIMARY KEY NOT NULL, state TEXT, due TEXT)") &&
           run(db, "CREATE INDEX p_due ON p(due) WHERE state = 'open'") &&
           run(db, "INSERT INTO p VALUES ('one', 'open', '1'), ('two', 'shut', '2')"),
       "a table with a partial index");
    static const char *const states[][2] = {{"open", "one"}, {"shut", "two"}, {"open", "one"}};
    for (int i = 0; i < 3; i++) {
        json_t *row =
            mt_db_row(db, &err, "SELECT * FROM p WHERE state = $1 ORDER BY due", "s", states[i][0]);
        IS_STR(mt_json_str(row, "id", ""), states[i][1], "columns keep their names");
        OK(json_object_size(row) == 3, "and are all there");
        json_decref(row);
    }
    OK(run(db, "DROP TABLE p"), "the table goes");
}

static void test_rows(struct mt_db *db)
{
    struct mt_err err;
    int64_t changes = -1;
    int seen = 0;

    OK(run(db, "CREATE TABLE n (i INTEGER PRIMARY KEY)") && run(db, "CREATE TABLE log (i INTEGER)"),
       "tables for rows");
    OK(mt_db_exec(db, &changes, &err, "INSERT INTO n VALUES (1), (2), (3), (4), (5)", "") == 0 &&
           changes == 5,
       "five rows inserted, five changes");
    json_t *rows = mt_db_rows(db, &err, "SELECT i FROM n ORDER BY i DESC", "");
    OK(json_array_size(rows) == 5 && mt_json_int(json_array_get(rows, 0), "i", 0) == 5,
       "rows come in order");
    json_decref(rows);
    rows = mt_db_rows(db, &err, "SELECT i FROM n WHERE i > 9", "");
    OK(json_is_array(rows) && json_array_size(rows) == 0, "no rows are an empty array");
    json_decref(rows);
    OK(!mt_db_row(db, &err, "SELECT i FROM n WHERE i > 9", "") && err.code == MT_ERR_NOT_FOUND,
       "no row is not found");
    OK(mt_db_each(db, stop_at_three, &seen, &err, "SELECT i FROM n", "") < 0 && seen == 3 &&
           err.code == MT_ERR_CANCELLED,
       "each() stops when told, with its own failure");
    OK(mt_db_exec(db, &changes, &err, "DELETE FROM n WHERE i > $1", "i", INT64_C(9)) == 0 &&
           changes == 0,
       "nothing deleted, no changes");
    OK(mt_db_exec(db, &changes, &err, "SELECT i FROM n", "") == 0 && changes == 0,
       "reading changes nothing");
    seen = 0;
    OK(mt_db_each(db, stop_at_three, &seen, &err, "UPDATE n SET i = i + 10 RETURNING i", "") < 0 &&
           number(db, "SELECT count(*) AS n FROM n WHERE i > 10") == 5,
       "what a stopped statement changed stays changed");

    struct nested nested = {.db = db};
    OK(mt_db_each(db, write_within, &nested, &err, "SELECT i FROM n", "") == 0 &&
           nested.rows == 5 && number(db, "SELECT count(*) AS n FROM log") == 5,
       "each() may write");
}

static void test_transactions(struct mt_db *db)
{
    struct mt_err err;

    OK(run(db, "CREATE TABLE x (id INTEGER PRIMARY KEY, p INTEGER REFERENCES x(id))"), "a table");
    OK(mt_db_begin(db, true, &err) == 0 && run(db, "INSERT INTO x VALUES (1, NULL)") &&
           mt_db_begin(db, true, &err) < 0 && err.code == MT_ERR_BUG,
       "transactions do not nest");
    mt_db_rollback(db);
    OK(number(db, "SELECT count(*) AS n FROM x") == 0, "a rollback undoes");
    OK(mt_db_begin(db, true, &err) == 0 && run(db, "INSERT INTO x VALUES (1, NULL)") &&
           mt_db_commit(db, &err) == 0 && number(db, "SELECT count(*) AS n FROM x") == 1,
       "a commit keeps");
    OK(mt_db_commit(db, &err) < 0 && err.code == MT_ERR_BUG, "no commit without begin");
    OK(mt_db_exec(db, NULL, &err, "INSERT INTO x VALUES (1, NULL)", "") < 0 &&
           mt_db_is_conflict(&err),
       "a double key is a conflict");
    OK(mt_db_exec(db, NULL, &err, "INSERT INTO x VALUES (2, 99)", "") < 0 &&
           mt_db_is_conflict(&err),
       "a dangling reference is a conflict");
    OK(mt_db_begin(db, false, &err) == 0 && number(db, "SELECT count(*) AS n FROM x") == 1 &&
           mt_db_exec(db, NULL, &err, "DELETE FROM x", "") < 0 && err.code == MT_ERR_BUG &&
           !mt_db_is_conflict(&err),
       "a reading transaction does not write");
    mt_db_rollback(db);
    OK(mt_db_begin(db, false, &err) == 0 && mt_db_commit(db, &err) == 0,
       "a reading transaction may be committed");
}

static void test_cache(struct mt_db *db)
{
    bool right = true;
    char sql[64];

    for (int i = 0; i < 300; i++) {
        snprintf(sql, sizeof sql, "SELECT %d AS n", i % 70);
        right = right && number(db, sql) == i % 70;
    }
    OK(right, "more statements than are kept prepared");
}

static void test_waiting(struct mt_db *db)
{
    struct mt_err err;
    int64_t start = mt_mono_us();

    OK(mt_db_wait(db, "test_channel", 0, &err) >= 0 &&
           mt_db_wait(db, "test_channel", 30, &err) >= 0,
       "one can wait");
    OK(mt_mono_us() - start < 5000000, "with an end");
    OK(mt_db_notify(db, "test_channel", &err) == 0 &&
           mt_db_wait(db, "test_channel", 10000, &err) == 1,
       "what was notified, or may have been, is looked at");
    OK(mt_db_begin(db, true, &err) == 0 && mt_db_notify(db, "test_channel", &err) == 0 &&
           mt_db_wait(db, "test_channel", 10, &err) < 0 && err.code == MT_ERR_BUG,
       "nobody waits within a transaction");
    mt_db_rollback(db);
}

static void conform(const char *url)
{
    struct mt_db *db = open_db(url, MT_DB_WRITE);
    struct mt_err err;

    printf("# --- %s\n", url);
    if (!OK(db != NULL, "opens"))
        return;
    OK(is_pg(db) == (strncmp(url, "postgresql:", 11) == 0) && mt_db_name(db)[0],
       "knows its dialect and name");
    OK(number(db, "SELECT count(*) AS n FROM media_assets") == 0, "has the schema");
    test_types(db);
    test_json_columns(db);
    test_parameters(db);
    test_plan(db);
    test_rows(db);
    test_transactions(db);
    test_cache(db);
    test_waiting(db);
    OK(mt_db_begin(db, true, &err) == 0 && run(db, "INSERT INTO x VALUES (50, NULL)"),
       "a transaction is left open");
    mt_db_close(&db);
    OK(db == NULL, "closing nulls the handle");
}

static void test_schema_defaults(struct mt_db *db)
{
    struct mt_err err;
    int64_t us = 0;
    json_t *row = mt_db_row(db, &err,
                            "INSERT INTO users (id) VALUES ('00000000-0000-4000-8000-000000000001')"
                            " RETURNING created_at, role",
                            "");
    const char *at = mt_json_str(row, "created_at", "");

    OK(mt_time_parse(at, &us, &err) == 0 && llabs(mt_now_us() - us) < 5000000 && strlen(at) == 24,
       "default times are now, in the form of mt_time_text()");
    json_decref(row);
}

static bool refused(const char *url, enum mt_code code)
{
    struct mt_db *db = NULL;
    struct mt_err err;

    if (mt_db_open(&db, url, drivers, MT_DB_READ, &err) < 0 && err.code == code && !db)
        return true;
    printf("# %s: %s\n", url, err.msg);
    mt_db_close(&db);
    return false;
}

/* What one connection left is there for the next, and no more. */
static void test_reopened(const char *url)
{
    struct mt_db *db = open_db(url, MT_DB_WRITE);

    OK(db && number(db, "SELECT count(*) AS n FROM x") == 1,
       "reopened: the committed is there, the rest is not");
    if (db)
        test_schema_defaults(db);
    mt_db_close(&db);
}

static void conform_pg(void)
{
    char *direct = pg_new();
    char *other = pg_new();

    if (!OK(direct && other, "there is a PostgreSQL server"))
        return;
    conform(direct);
    test_reopened(direct);
    OK(refused(other, MT_ERR_SCHEMA), "an empty database cannot be read");
    char *pooled = mt_asprintf("%s&port=6432", other);
    conform(pooled);
    test_reopened(pooled);
    free(pooled);
    free(other);
    free(direct);
}

int main(void)
{
    char dir[] = "/tmp/mt-db-XXXXXX";

    if (!mkdtemp(dir))
        return 1;
    char *url = mt_asprintf("sqlite://%s/a%%20b/media.db", dir);
    char *rm = mt_asprintf("rm -rf '%s'", dir);
    conform("mem:");
    conform(url);
    test_reopened(url);
    conform_pg();
    OK(refused("nosuch:x", MT_ERR_CONFIG), "an unknown scheme is a configuration error");
    OK(refused("/just/a/path", MT_ERR_CONFIG), "so is a path");
    OK(refused("sqlite:///x?tiemout_ms=1", MT_ERR_CONFIG), "so is a misspelt parameter");
    OK(refused("sqlite:///x?timeout_ms=soon", MT_ERR_CONFIG), "so is a time that is none");
    OK(refused("sqlite://elsewhere/x", MT_ERR_CONFIG), "so is another host");
    OK(refused("mem:", MT_ERR_SCHEMA), "an empty database cannot be read");

    OK(system(rm) == 0, "cleaned up");
    free(rm);
    free(url);
    pg_end();
    return tap_done();
}
