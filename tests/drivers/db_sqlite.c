/* SPDX-License-Identifier: GPL-2.0-or-later */
/* db_sqlite.c - SQLite with several processes, some of which die. */
#include "db_sqlite.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

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

/* A child that was forked before must not keep what a dead parent held. */
static void hold_and_die(void)
{
    struct mt_db *db = must_open("killed.db", "", MT_DB_WRITE);
    struct mt_err err;

    if (mt_db_begin(db, true, &err) < 0)
        _exit(1);
    mt_db_rollback(db);
    if (fork() == 0) {
        sleep(3);
        _exit(0);
    }
    if (mt_db_begin(db, true, &err) < 0)
        _exit(1);
    kill(getpid(), SIGKILL);
}

static void test_orphan(void)
{
    struct mt_err err;
    int status = 0;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        hold_and_die();
    OK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "a writer with a child is killed");
    struct mt_db *db = must_open("killed.db", "?timeout_ms=500", MT_DB_WRITE);
    OK(mt_db_begin(db, true, &err) == 0, "the child does not keep its place at the gate");
    mt_db_close(&db);
}

/* --- has anything changed? --- */

static void test_stamp(void)
{
    struct mt_db *db = must_open("stamp.db", "", MT_DB_WRITE);
    struct mt_db *reader = must_open("stamp.db", "", MT_DB_READ);
    struct mt_err err;
    int64_t a = 0;
    int64_t b = 0;
    bool wal = mt_sqlite_wal_is_safe(sqlite3_libversion_number());

    if (wal) {
        OK(!mt_db_stamp(reader, &a), "in WAL mode nothing is told");
        goto out;
    }
    OK(mt_db_stamp(reader, &a), "a stamp");
    OK(number(reader, "SELECT count(*) AS n FROM users") == 0 && mt_db_stamp(reader, &b) && a == b,
       "is the same after reading");
    OK(raw("stamp.db", "INSERT INTO users (id) VALUES ('x')") == SQLITE_OK &&
           mt_db_stamp(reader, &b) && a != b,
       "and another one after a change by somebody else");
    a = b;
    OK(mt_db_begin(db, true, &err) == 0 &&
           mt_db_exec(db, NULL, &err, "INSERT INTO users (id) VALUES ('y')", "") == 0,
       "a change that is not committed");
    OK(!mt_db_stamp(db, &b), "within a transaction nothing is told");
    OK(mt_db_stamp(reader, &b) && a == b, "for others nothing has changed");
    mt_db_rollback(db);
    OK(mt_db_stamp(reader, &b) && a == b, "nor after it was rolled back");
    OK(mt_db_exec(db, NULL, &err, "INSERT INTO users (id) VALUES ('y')", "") == 0 &&
           mt_db_stamp(reader, &b) && a != b,
       "but after it was committed");
out:
    mt_db_close(&reader);
    mt_db_close(&db);
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
    test_orphan();
    test_stamp();
    OK(system(rm) == 0, "cleaned up");
    free(rm);
    return tap_done();
}
