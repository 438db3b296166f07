/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dbcopy.c - a database is copied whole, also in pieces, and what differs is found. */
#include "../tap.h"
#include "pg.h"

#include "base/clock.h"
#include "db-pg/db_pg.h"
#include "db-sqlite/db_sqlite.h"
#include "dbcopy/internal.h"
#include "json/json.h"

static const struct mt_db_driver *const drivers[] = {&mt_db_sqlite, &mt_db_pg, NULL};
static char dir[] = "/tmp/mt-dbcopy-XXXXXX";

#define ID(n) "'a0000000-0000-4000-8000-00000000000" n "'"

/* A row or more in each table, among them what two databases may see differently. */
static const char *const rows[] = {
    "INSERT INTO users (id, name) VALUES (" ID("1") ", '\xd8\xb9\xd9\x84\xd9\x8a'), (" ID(
        "2") ", NULL)",
    "INSERT INTO media_assets (id, original_filename, content_type, mime_type, file_size,"
    " s3_bucket, s3_key, upload_status, metadata, uploaded_by, checksum, duration_ms) VALUES"
    " (" ID("3") ", 'a \"b\" \xf0\x9f\x8e\xac.mp4', 'video', 'video/mp4', 5000000000, 'local', 'k',"
                 " 'completed', "
                 "'{\"duration\":12.50,\"tags\":{\"z\":1,\"aa\":[1,2.0,-0.0,1e22,null,true]},"
                 "\"text\":\"tab\\t \\u00e9\"}', " ID("1") ", 'abc', 12500)",
    "INSERT INTO media_variants (id, media_asset_id, variant_type, format, s3_bucket, s3_key,"
    " verified, score, processing_status) VALUES (" ID("4") ", " ID(
        "3") ", 'high_res', 'mp4',"
             " 'local', 'v', 1, '{\"value\":0.973}', 'completed')",
    /* the parent behind the child */
    "INSERT INTO processing_jobs (id, media_asset_id, job_type, status) VALUES"
    " (" ID("9") ", " ID("3") ", 'transcode', 'completed')",
    "INSERT INTO processing_jobs (id, parent_id, job_type, status, started_at, completed_at, error,"
    " lease_token, run_after) VALUES (" ID("5") ", " ID(
        "9") ", 'segment', 'dead',"
             " '2026-01-15T14:00:00.000Z', '2026-01-15T14:00:02.500Z', '{\"code\":\"timeout\"}',"
             " 9007199254740993, '2026-01-15T14:00:00.001Z'), (" ID("6") ", " ID(
                 "9") ", 'segment', 'pending',"
                      " NULL, NULL, NULL, 0, '9999-12-31T23:59:59.999Z')",
    "INSERT INTO job_attempts (job_id, lease_token, attempt, worker, status) VALUES"
    " (" ID("5") ", 1, 1, 'w1', 'lapsed'), (" ID("5") ", 2, 1, 'w2', 'failed')",
    "INSERT INTO job_dependencies (job_id, depends_on) VALUES (" ID("6") ", " ID("5") ")",
    "INSERT INTO queue_limits (job_type, paused, max_running) VALUES ('', 0, 4), ('x', 1, NULL)",
    "INSERT INTO workers (id, owner, classes) VALUES ('worker one', 'h/m/b/1:1:1', '[\"cpu\"]')",
    "INSERT INTO shared_state (name, value) VALUES ('reaper', '\"w1\"'), ('up', '17')",
    "INSERT INTO segments (id, media_asset_id, recipe, rendition, number, start_us) VALUES"
    " (" ID("7") ", " ID("3") ", 'r', '720p', 1, 0)",
    "INSERT INTO content_analysis (id, media_asset_id, analysis_type, confidence_score, results)"
    " VALUES (" ID("8") ", " ID("3") ", 'moderation', 0.987654, '{\"safe\":true}')",
    "INSERT INTO uploads (id, upload_length, parts) VALUES (" ID("1") ", 12345678901, '[1,\"a\"]')",
    "INSERT INTO idempotency_keys (user_key, key, request_hash, expires_at) VALUES"
    " ('', 'k', 'h', '2027-01-01T00:00:00.000Z')",
    "INSERT INTO events (id, type, payload) VALUES (" ID("1") ", 'job.failed', '{}')",
    "INSERT INTO events (id, type) VALUES (" ID("2") ", 'job.failed')",
    "INSERT INTO event_deliveries (seq, sink) SELECT seq, 'https://x' FROM events",
    "INSERT INTO audit_log (actor, action, object_type) VALUES ('nobody', 'look', 'asset')",
    "INSERT INTO reviews (id, media_asset_id, reason) VALUES (" ID("1") ", " ID("3") ", 'scan')",
    "INSERT INTO consents (id, user_id, purpose, granted) VALUES (" ID("1") ", " ID(
        "1") ", 'x', 1)",
    "INSERT INTO retention (id, media_asset_id, action) VALUES (" ID("1") ", " ID("3") ", 'hold')",
    "INSERT INTO sources (machine, device, inode, size, mtime_ns, ctime_ns, media_asset_id) VALUES"
    " ('h/m', 1, 9223372036854775807, 5, 1, 1, " ID("3") "), ('h/m', 1, 7, 5, 1, 1, " ID("3") ")",
    /* counted, then erased: totals hold more than there are rows */
    "INSERT INTO processing_jobs (id, job_type, status) VALUES (" ID("a") ", 'gone', 'failed')",
    "DELETE FROM processing_jobs WHERE job_type = 'gone'",
};

static bool run(struct mt_db *db, const char *sql)
{
    struct mt_err err;

    if (mt_db_exec(db, NULL, &err, sql, "") == 0)
        return true;
    printf("# %s: %s\n", sql, err.msg);
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

static struct mt_db *open_db(const char *url, enum mt_db_mode mode)
{
    struct mt_db *db = NULL;
    struct mt_err err;

    if (mt_db_open(&db, url, drivers, mode, &err) < 0)
        printf("# %s\n", err.msg);
    return db;
}

static void fill(const char *url)
{
    struct mt_db *db = open_db(url, MT_DB_WRITE);
    bool good = db != NULL;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        good = run(db, rows[i]) && good;
    for (int i = 0; i < 50; i++) {
        char *sql = mt_asprintf("INSERT INTO events (id, type) VALUES"
                                " ('b0000000-0000-4000-8000-%012d', 'many')",
                                i);
        good = run(db, sql) && good;
        free(sql);
    }
    OK(good, "a source with rows in every table");
    mt_db_close(&db);
}

/* Stops when this many batches were done. */
static int stop_after(void *ctx, const char *table, int64_t done, int64_t total)
{
    int *left = ctx;

    (void)table;
    return done < 0 || total < 0 || --*left == 0;
}

static json_t *copy(struct mt_db *from, struct mt_db *to, bool force, int *stop, struct mt_err *err)
{
    struct mt_dbcopy spec = {.from = from,
                             .to = to,
                             .force = force,
                             .batch = 3,
                             .progress = stop ? stop_after : NULL,
                             .ctx = stop};

    return mt_dbcopy_run(&spec, err);
}

/* Stopped after every batch and begun again, it comes to its end, and to the same. */
static void test_pieces(struct mt_db *from, const char *to_url)
{
    struct mt_err err;
    json_t *report = NULL;
    int runs = 0;

    while (!report && runs < 200) {
        struct mt_db *to = open_db(to_url, MT_DB_WRITE);
        int stop = 1 + runs++;
        report = copy(from, to, false, &stop, &err);
        mt_db_close(&to);
        if (!report && err.code != MT_ERR_CANCELLED)
            break;
    }
    if (!report)
        printf("# %s\n", err.msg);
    OK(report && runs > 3, "a copy that is stopped again and again comes to its end");
    OK(mt_json_bool(report, "resumed", false) &&
           json_array_size(json_object_get(report, "tables")) == 22,
       "with a report of all tables");
    OK(mt_json_int(report, "rows", 0) > 70, "and rows");
    json_decref(report);
}

static void test_copied(struct mt_db *to)
{
    struct mt_err err;
    json_t *row =
        mt_db_row(to, &err, "SELECT metadata, file_size FROM media_assets WHERE id = " ID("3"), "");

    OK(mt_json_int(row, "file_size", 0) == 5000000000 &&
           mt_json_num(row, "metadata.duration", 0) == 12.5,
       "what was copied can be read");
    json_decref(row);
    OK(number(to, "SELECT count(*) AS n FROM processing_jobs WHERE parent_id = " ID("9")) == 2,
       "children have their parents");
    OK(number(to, "SELECT SUM(n) AS n FROM job_totals WHERE job_type = 'gone'") == 1,
       "counters count what was erased");
    OK(run(to, "INSERT INTO events (id, type) VALUES (" ID("f") ", 'new')") &&
           number(to, "SELECT seq AS n FROM events WHERE type = 'new'") >
               number(to, "SELECT max(seq) AS n FROM events WHERE type <> 'new'"),
       "new rows are numbered behind the old ones");
}

static void test_again(struct mt_db *from, struct mt_db *to)
{
    struct mt_err err;
    json_t *report = copy(from, to, false, NULL, &err);

    OK(report && mt_json_str(report, "completed_at", NULL), "done is done: the report of then");
    json_decref(report);
    struct mt_db *other = NULL;
    char *url = mt_asprintf("sqlite://%s/other.db", dir);
    other = open_db(url, MT_DB_WRITE);
    OK(!copy(other, to, false, NULL, &err) && err.code == MT_ERR_CONFIG,
       "the copy of one database is not overwritten by another");
    OK(!copy(to, other, false, NULL, &err) && err.code == MT_ERR_CONFIG,
       "a copy goes to PostgreSQL");
    mt_db_close(&other);
    free(url);
}

/* One of each kind of difference in a copy is found, and made good by the next run. */
static void test_differences(struct mt_db *from)
{
    static const char *const damage[] = {
        "UPDATE media_assets SET metadata = jsonb_set(metadata, '{tags,z}', '2')",
        "UPDATE processing_jobs SET lease_token = lease_token + 1 WHERE id = " ID("5"),
        "DELETE FROM job_attempts WHERE lease_token = 2",
        "UPDATE users SET name = name || ' '",
        "UPDATE job_totals SET n = n + 1",
    };
    struct mt_err err;

    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        char *url = pg_new();
        struct mt_db *to = open_db(url, MT_DB_WRITE);
        int stop = 0;
        json_t *report = copy(from, to, false, &stop, &err);
        /* As if it had been killed just before it was compared. */
        OK(report && run(to, damage[i]) &&
               run(to,
                   "UPDATE shared_state SET value = value - 'report' WHERE name = 'migrate-db'"),
           "a copy is damaged");
        json_decref(report);
        bool totals = strstr(damage[i], "job_totals") != NULL;
        report = copy(from, to, false, NULL, &err);
        OK(totals ? report != NULL : !report && err.code == MT_ERR_VERIFY, damage[i]);
        json_decref(report);
        report = copy(from, to, false, NULL, &err);
        OK(report != NULL, "the next run makes it good");
        json_decref(report);
        mt_db_close(&to);
        free(url);
    }
}

static void test_refusals(const char *from_url, struct mt_db *from)
{
    char *url = pg_new();
    struct mt_db *to = open_db(url, MT_DB_WRITE);
    struct mt_db *writer = open_db(from_url, MT_DB_WRITE);
    struct mt_err err;

    OK(run(writer, "UPDATE processing_jobs SET status = 'processing' WHERE id = " ID("6")) &&
           !copy(from, to, false, NULL, &err) && err.code == MT_ERR_LOCKED &&
           strstr(err.msg, "1 job is running"),
       "while a job runs nothing is copied");
    json_t *report = copy(from, to, true, NULL, &err);
    OK(report != NULL, "unless it is forced");
    json_decref(report);
    mt_db_close(&to);
    free(url);
    url = pg_new();
    to = open_db(url, MT_DB_WRITE);
    OK(run(to, "INSERT INTO users (id) VALUES (" ID("1") ")") &&
           !copy(from, to, true, NULL, &err) && err.code == MT_ERR_CONFIG &&
           strstr(err.msg, "not empty"),
       "what is not empty is not mixed with another");
    OK(run(to, "CREATE TABLE more (id INTEGER)") && mt_dbcopy_check_tables(to, &err) < 0 &&
           err.code == MT_ERR_BUG && mt_dbcopy_check_tables(from, &err) == 0,
       "a table that nobody thought of would be noticed");
    mt_db_close(&writer);
    mt_db_close(&to);
    free(url);
}

int main(void)
{
    char *to_url = pg_new();

    if (!mkdtemp(dir) || !OK(to_url != NULL, "there is a PostgreSQL server"))
        return tap_done();
    char *from_url = mt_asprintf("sqlite://%s/media.db?timeout_ms=2000", dir);
    char *rm = mt_asprintf("rm -rf '%s'", dir);
    fill(from_url);
    struct mt_db *from = open_db(from_url, MT_DB_READ);
    test_pieces(from, to_url);
    struct mt_db *to = open_db(to_url, MT_DB_WRITE);
    test_copied(to);
    test_again(from, to);
    test_differences(from);
    test_refusals(from_url, from);
    mt_db_close(&from);
    mt_db_close(&to);
    OK(system(rm) == 0, "cleaned up");
    free(rm);
    free(from_url);
    free(to_url);
    pg_end();
    return tap_done();
}
