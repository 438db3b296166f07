/* SPDX-License-Identifier: GPL-2.0-or-later */
/* db_sqlite.c - SQLite with several processes, odd files, dead writers. */
#include "../tap.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "db-sqlite/db_sqlite.h"
#include "db-sqlite/internal.h"
#include "db/db.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct mt_db_driver *const drivers[] = {&mt_db_sqlite, NULL};
static char dir[] = "/tmp/mt-sqlite-XXXXXX";

static char *path_of(const char *name)
{
    return mt_asprintf("%s/%s", dir, name);
}

static int open_named(struct mt_db **db, const char *name, const char *query, enum mt_db_mode mode,
                      struct mt_err *err)
{
    char *url = mt_asprintf("sqlite://%s/%s%s", dir, name, query);
    int ret = mt_db_open(db, url, drivers, mode, err);

    free(url);
    return ret;
}

/* The handle, or a test that fails and says why. */
static struct mt_db *must_open(const char *name, const char *query, enum mt_db_mode mode)
{
    struct mt_db *db = NULL;
    struct mt_err err = {.code = MT_OK};

    if (open_named(&db, name, query, mode, &err) < 0) {
        OK(0, "a database opens");
        printf("# %s\n", err.msg);
    }
    return db;
}

static bool refused(const char *name, const char *query, enum mt_db_mode mode, enum mt_code code,
                    const char *words)
{
    struct mt_db *db = NULL;
    struct mt_err err = {.code = MT_OK};
    int ret = open_named(&db, name, query, mode, &err);

    if (ret < 0 && err.code == code && strstr(err.msg, words) && strstr(err.msg, name) &&
        mt_err_hint(&err))
        return true;
    printf("# %s: %d '%s' (%s)\n", name, ret, err.msg, mt_code_name(err.code));
    mt_db_close(&db);
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

/* sqlite3's own idea of the file, by a connection that knows nothing of ours. */
static int raw(const char *name, const char *sql)
{
    char *path = path_of(name);
    sqlite3 *db = NULL;
    int rc = sqlite3_open(path, &db);

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    free(path);
    return rc;
}

/* Runs work() in n children; how many of them ended with 0. */
static int in_children(int n, int (*work)(int number))
{
    pid_t pids[16];
    int good = 0;
    int status;

    fflush(stdout);
    for (int i = 0; i < n; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(work(i));
    }
    for (int i = 0; i < n; i++)
        if (pids[i] > 0 && waitpid(pids[i], &status, 0) == pids[i] && status == 0)
            good++;
    return good;
}

/* --- several at once --- */

static int migrate_child(int i)
{
    struct mt_db *db = NULL;
    struct mt_err err;

    (void)i;
    if (open_named(&db, "race.db", "", MT_DB_WRITE, &err) < 0) {
        fprintf(stderr, "# %s\n", err.msg);
        return 1;
    }
    mt_db_close(&db);
    return 0;
}

enum { WRITERS = 8, ROUNDS = 50 };

static int add_one(struct mt_db *db, bool transaction, struct mt_err *err)
{
    static const char sql[] = "UPDATE counter SET n = n + 1";

    if (!transaction)
        return mt_db_exec(db, NULL, err, sql, "");
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    json_t *row = mt_db_row(db, err, "SELECT n FROM counter", "");
    int ret = row ? mt_db_exec(db, NULL, err, "UPDATE counter SET n = $1", "i",
                               mt_json_int(row, "n", 0) + 1)
                  : -1;
    json_decref(row);
    if (ret < 0) {
        mt_db_rollback(db);
        return -1;
    }
    return mt_db_commit(db, err);
}

static int write_child(int number_of_child)
{
    struct mt_db *db = NULL;
    struct mt_err err;
    int64_t worst = 0;

    if (open_named(&db, "race.db", "", MT_DB_WRITE, &err) < 0)
        return 1;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = mt_mono_us();
        if (add_one(db, (i + number_of_child) % 2, &err) < 0) {
            fprintf(stderr, "# %s\n", err.msg);
            return 1;
        }
        if (mt_mono_us() - start > worst)
            worst = mt_mono_us() - start;
    }
    mt_db_close(&db);
    fprintf(stderr, "# writer %d: at worst %lld ms\n", number_of_child, (long long)worst / 1000);
    return 0;
}

/* The even ones write, the odd ones read meanwhile and see the counter only grow. */
static int mixed_child(int i)
{
    struct mt_db *db = NULL;
    struct mt_err err;
    int64_t last = 0;

    if (i % 2 == 0)
        return write_child(i);
    if (open_named(&db, "race.db", "", MT_DB_READ, &err) < 0)
        return 1;
    for (int k = 0; k < 300; k++) {
        int64_t n = number(db, "SELECT n FROM counter");
        if (n < last)
            return 1;
        last = n;
    }
    mt_db_close(&db);
    return 0;
}

static void test_processes(void)
{
    struct mt_db *db;
    struct mt_err err;

    OK(in_children(8, migrate_child) == 8, "eight processes create the database at once");
    db = must_open("race.db", "", MT_DB_WRITE);
    OK(mt_db_exec(db, NULL, &err, "CREATE TABLE counter (n INTEGER)", "") == 0 &&
           mt_db_exec(db, NULL, &err, "INSERT INTO counter VALUES (0)", "") == 0,
       "a counter");
    mt_db_close(&db);
    OK(in_children(WRITERS, write_child) == WRITERS, "eight writers, no surfaced error");
    OK(in_children(WRITERS, mixed_child) == WRITERS, "four writers and four readers likewise");
    db = must_open("race.db", "", MT_DB_READ);
    OK(number(db, "SELECT n FROM counter") == WRITERS * ROUNDS * 3 / 2, "no update is lost");
    mt_db_close(&db);
}

/* --- the gate and other locks --- */

static void test_locks(void)
{
    struct mt_db *db = must_open("lock.db", "?timeout_ms=150", MT_DB_WRITE);
    struct mt_err err;
    char *path = path_of("lock.db");
    char *gate = path_of("lock.db.gate");
    char pid[32];
    sqlite3 *other = NULL;

    snprintf(pid, sizeof pid, "process %d ", (int)getpid());
    struct mt_db *second = must_open("lock.db", "?timeout_ms=150", MT_DB_WRITE);
    OK(mt_db_begin(db, true, &err) == 0, "one writer is inside");
    int64_t start = mt_mono_us();
    OK(mt_db_begin(second, true, &err) < 0 && err.code == MT_ERR_LOCKED, "the other is told");
    int64_t took = mt_mono_us() - start;
    OK(took > 140000 && took < 2000000, "after the time it was given");
    OK(strstr(err.msg, gate) && strstr(err.msg, pid), "which file and which process");
    OK(mt_db_exec(second, NULL, &err, "DELETE FROM events", "") < 0 && err.code == MT_ERR_LOCKED,
       "a lone statement queues too");
    OK(number(second, "SELECT count(*) AS n FROM users") == 0, "reading needs no gate");
    mt_db_rollback(db);
    OK(mt_db_begin(second, true, &err) == 0, "then it is its turn");
    mt_db_rollback(second);
    mt_db_close(&second);

    OK(sqlite3_open(path, &other) == SQLITE_OK &&
           sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK,
       "a program that knows no gate locks it");
    OK(mt_db_begin(db, true, &err) < 0 && err.code == MT_ERR_LOCKED && strstr(err.msg, path),
       "writing says so");
    OK(mt_db_exec(db, NULL, &err, "SELECT * FROM users", "") < 0 && err.code == MT_ERR_LOCKED,
       "reading too");
    sqlite3_close(other);
    OK(mt_db_begin(db, true, &err) == 0, "and goes on afterwards");
    mt_db_close(&db);

    int fd = open(gate, O_RDWR);
    OK(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0, "the gate is free again after closing");
    mt_fd_close(&fd);
    free(path);
    free(gate);
}

/* --- a writer that is killed --- */

static void die_writing(bool spill)
{
    struct mt_db *db = must_open("killed.db", "", MT_DB_WRITE);
    struct mt_err err;

    if (mt_db_begin(db, true, &err) < 0 ||
        (spill && mt_db_exec(db, NULL, &err, "PRAGMA cache_size = 5", "") < 0))
        _exit(1);
    for (int i = 0; i < 500; i++)
        if (mt_db_exec(db, NULL, &err,
                       "INSERT INTO audit_log (actor, action, object_type, details)"
                       " VALUES ('x', 'y', 'z', $1)",
                       "s", "\"some text so that the pages are many and leave the cache\"") < 0)
            _exit(1);
    kill(getpid(), SIGKILL);
}

static void test_killed(bool spill)
{
    struct mt_db *db = must_open("killed.db", "", MT_DB_WRITE);
    struct mt_err err;
    int status = 0;

    mt_db_close(&db);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        die_writing(spill);
    OK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "a writer is killed half-way");
    db = must_open("killed.db", "", MT_DB_READ);
    OK(db && number(db, "SELECT count(*) AS n FROM audit_log") == 0, "a reader sees none of it");
    mt_db_close(&db);
    db = must_open("killed.db", "?timeout_ms=500", MT_DB_WRITE);
    OK(db && mt_db_exec(db, NULL, &err, "INSERT INTO users (id) VALUES ('u')", "") == 0 &&
           mt_db_exec(db, NULL, &err, "DELETE FROM users", "") == 0,
       "and the next writer is not held up");
    mt_db_close(&db);
    OK(raw("killed.db", "PRAGMA integrity_check") == SQLITE_OK, "the file is sound");
}

/* A reader that is connected already meets the dead writer's journal. */
static void test_killed_meanwhile(void)
{
    struct mt_db *reader = must_open("killed.db", "", MT_DB_READ);
    int status = 0;

    OK(number(reader, "SELECT count(*) AS n FROM audit_log") == 0, "a reader is there before");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        die_writing(true);
    OK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "and when a writer is killed");
    OK(number(reader, "SELECT count(*) AS n FROM audit_log") == 0, "it reads on");
    mt_db_close(&reader);
}

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
    OK(mt_db_exec(db, NULL, &err, "UPDATE counter SET n = 0", "") == 0 &&
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
    test_processes();
    test_locks();
    test_killed(false);
    test_killed(true);
    test_killed_meanwhile();
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
