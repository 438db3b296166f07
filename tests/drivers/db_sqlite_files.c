/* SPDX-License-Identifier: GPL-2.0-or-later */
/* db_sqlite_files.c - files that are no database of ours, modes, journals. */
#include "db_sqlite.h"

/* --- files that are not what is wanted --- */

static void write_text(const char *name, const char *text, size_t n)
{
    char *path = path_of(name);
    struct mt_err err;

    OK(mt_write_file(path, text, n, &err) == 0, "a file is made");
    free(path);
}

static void test_odd_files(void)
{
    char garbage[4096];
    struct stat st;
    char *path = path_of("absent.db");

    OK(refused("absent.db", "", MT_DB_READ, MT_ERR_NOT_FOUND, "no database"),
       "a missing database is not found by readers");
    OK(stat(path, &st) < 0, "who do not create it");
    OK(refused("no/such/dir/x.db", "", MT_DB_READ, MT_ERR_NOT_FOUND, "no database"),
       "nor its directory");
    free(path);

    memset(garbage, 'x', sizeof garbage);
    write_text("garbage.db", garbage, sizeof garbage);
    OK(refused("garbage.db", "", MT_DB_READ, MT_ERR_SCHEMA, "is no database"), "garbage, read");
    OK(refused("garbage.db", "", MT_DB_WRITE, MT_ERR_SCHEMA, "is no database"), "garbage, written");

    OK(raw("foreign.db", "CREATE TABLE theirs (x)") == SQLITE_OK, "somebody else's database");
    OK(refused("foreign.db", "", MT_DB_READ, MT_ERR_SCHEMA, "another program"), "is refused");
    OK(refused("foreign.db", "", MT_DB_WRITE, MT_ERR_SCHEMA, "another program"), "by writers too");
    OK(raw("marked.db", "PRAGMA application_id = 12345") == SQLITE_OK &&
           refused("marked.db", "", MT_DB_WRITE, MT_ERR_SCHEMA, "another program"),
       "so is one that is empty but marked");

    write_text("empty.db", "", 0);
    OK(refused("empty.db", "", MT_DB_READ, MT_ERR_SCHEMA, "is empty"), "an empty file, read");
    struct mt_db *db = must_open("empty.db", "", MT_DB_WRITE);
    OK(db != NULL, "becomes a database when written");
    mt_db_close(&db);

    OK(raw("empty.db", "PRAGMA user_version = 999") == SQLITE_OK &&
           refused("empty.db", "", MT_DB_READ, MT_ERR_SCHEMA, "version 999") &&
           refused("empty.db", "", MT_DB_WRITE, MT_ERR_SCHEMA, "version 999"),
       "a newer schema is refused, read or written");
    path = path_of("sub");
    OK(mkdir(path, 0700) == 0 && refused("sub", "", MT_DB_WRITE, MT_ERR_CONFIG, "no regular file"),
       "a directory is no database");
    free(path);
}

static void test_truncated(void)
{
    char *path = path_of("cut.db");
    struct mt_db *db = must_open("cut.db", "", MT_DB_WRITE);
    struct mt_err err = {.code = MT_OK};

    mt_db_close(&db);
    OK(truncate(path, 4096 * 3) == 0, "a database is cut");
    int ret = open_named(&db, "cut.db", "", MT_DB_WRITE, &err);
    if (ret == 0)
        ret = mt_db_exec(db, NULL, &err, "INSERT INTO users (id) VALUES ('u')", "");
    OK(ret < 0 && err.code == MT_ERR_SCHEMA && strstr(err.msg, "corrupt") && mt_err_hint(&err),
       "which is corrupt, with a remedy");
    mt_db_close(&db);
    free(path);
}

static void test_permissions(void)
{
    char *path = path_of("mine.db");
    char *deep = path_of("mode/of/it.db");
    mode_t old = umask(0022);
    struct mt_db *db = must_open("mode/of/it.db", "", MT_DB_WRITE);
    struct stat st;

    OK(stat(deep, &st) == 0 && (st.st_mode & 0777) == 0640, "directories are made, the file 0640");
    mt_db_close(&db);
    umask(old);
    db = must_open("mine.db", "", MT_DB_WRITE);
    mt_db_close(&db);
    if (geteuid() != 0) {
        OK(chmod(path, 0400) == 0 &&
               refused("mine.db", "", MT_DB_WRITE, MT_ERR_READ_ONLY, "cannot be written"),
           "a write-protected file is read-only");
        db = must_open("mine.db", "", MT_DB_READ);
        OK(db != NULL, "and can be read");
        mt_db_close(&db);
        OK(chmod(path, 0) == 0 && refused("mine.db", "", MT_DB_READ, MT_ERR_UNREADABLE, "cannot"),
           "one without rights cannot");
    }
    free(path);
    free(deep);
}

/* --- the journal --- */

static void test_journal(void)
{
    static const struct {
        int version;
        bool safe;
    } versions[] = {{3006023, true},  {3007000, false}, {3040001, false}, {3044005, false},
                    {3044006, true},  {3045000, false}, {3050006, false}, {3050007, true},
                    {3051000, false}, {3051002, false}, {3051003, true},  {3052000, true}};
    const char *text;
    char *journal = path_of("race.db-journal");
    char *wal = path_of("race.db-wal");
    struct stat st;
    struct mt_err err;
    bool right = true;

    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        right = right && mt_sqlite_wal_is_safe(versions[i].version) == versions[i].safe;
    OK(right, "the versions with the WAL-reset bug are known");

    bool safe = mt_sqlite_wal_is_safe(mt_sqlite_version(&text));
    struct mt_db *db = must_open("race.db", "", MT_DB_WRITE);
    OK(mt_db_exec(db, NULL, &err, "CREATE TABLE counter AS SELECT 0 AS n", "") == 0 &&
           (stat(safe ? wal : journal, &st) == 0) && stat(safe ? journal : wal, &st) < 0,
       "the journal is what this version can be trusted with");
    mt_db_close(&db);
    if (!safe) {
        OK(raw("race.db", "PRAGMA journal_mode=WAL; UPDATE counter SET n = 7") == SQLITE_OK,
           "somebody puts it into WAL mode");
        db = must_open("race.db", "", MT_DB_WRITE);
        OK(number(db, "SELECT n FROM counter") == 7 &&
               mt_db_exec(db, NULL, &err, "UPDATE counter SET n = 8", "") == 0 &&
               stat(journal, &st) == 0 && stat(wal, &st) < 0,
           "which is undone");
        mt_db_close(&db);
    }
    free(journal);
    free(wal);
}

/* What the driver does where the version is a good one. */
static void test_wal(void)
{
    struct mt_sqlite s = {.gate_fd = -1, .mode = MT_DB_WRITE};
    struct mt_err err = {.code = MT_OK};
    char *url = mt_asprintf("sqlite://%s/wal.db", dir);
    char mode[32] = "";

    OK(mt_sqlite_parse_url(&s, url, &err) == 0 && mt_sqlite_connect(&s, &err) == 0 &&
           mt_sqlite_set_journal(&s, true, &err) == 0 && mt_sqlite_migrate(&s, &err) == 0 &&
           mt_sqlite_pragma(&s, "PRAGMA journal_mode", NULL, mode, &err) == 0,
       "a database in WAL mode");
    IS_STR(mode, "wal", "is in WAL mode");
    struct mt_db *reader = must_open("wal.db", "", MT_DB_READ);
    OK(number(reader, "SELECT count(*) AS n FROM users") == 0, "is read");
    OK(mt_sqlite_exec(&s, "INSERT INTO users (id) VALUES ('u')", &err) == 0 &&
           number(reader, "SELECT count(*) AS n FROM users") == 1,
       "while it is written");
    mt_db_close(&reader);
    mt_sqlite_disconnect(&s);
    free(url);
}

static void test_speed(void)
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < 20; i++) {
        int64_t start = mt_mono_us();
        struct mt_db *db = must_open("race.db", "", MT_DB_READ);
        number(db, "SELECT count(*) AS n FROM processing_jobs");
        mt_db_close(&db);
        if (mt_mono_us() - start < best)
            best = mt_mono_us() - start;
    }
    printf("# opening, one query, closing: %lld us\n", (long long)best);
    OK(best < 20000, "opening is quick");
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    char *rm = mt_asprintf("rm -rf '%s'", dir);
    test_odd_files();
    test_truncated();
    test_permissions();
    test_journal();
    test_wal();
    test_speed();
    OK(system(rm) == 0, "cleaned up");
    free(rm);
    return tap_done();
}
