/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_state.c - the database and the store. */
#include "status/doctor.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "json/json.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHECK_MS = 10000, SLOW_US = 1000000, TOLD_MAX = 400 };

/* --- the database --- */

/* In a child: what SQLite finds, written to fd. */
_Noreturn static void quick_check(struct mt_doctor *d, int fd)
{
    struct mt_err err;
    struct mt_db *db = NULL;
    json_t *rows = NULL;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (mt_db_open(&db, d->s->common->db, d->s->dbs, MT_DB_READ, &err) == 0)
        rows = mt_db_rows(db, &err, "PRAGMA quick_check(3)", "");
    const char *said =
        rows ? mt_json_str(json_array_get(rows, 0), "quick_check", "nothing") : err.msg;
    _exit(mt_write_all(fd, said, strlen(said)) < 0);
}

/* What the child said within the time there is: 0, or -1 if it was not done by then. */
static int check_in_time(struct mt_doctor *d, char told[TOLD_MAX])
{
    int ends[2];
    int ret = -1;

    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        quick_check(d, ends[1]);
    close(ends[1]);
    struct pollfd wait = {.fd = ends[0], .events = POLLIN};
    if (pid > 0 && poll(&wait, 1, CHECK_MS) == 1) {
        ssize_t n = mt_read_full(ends[0], told, TOLD_MAX - 1);
        told[n > 0 ? n : 0] = '\0';
        ret = n > 0 ? 0 : -1;
    }
    close(ends[0]);
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return ret;
}

static void check_integrity(struct mt_doctor *d)
{
    char told[TOLD_MAX] = "";

    if (check_in_time(d, told) < 0)
        mt_doctor_say(d, "database_integrity", MT_VERDICT_UNKNOWN,
                      "run sqlite3 FILE 'PRAGMA quick_check' when there is time",
                      "not checked to the end within %d s", CHECK_MS / 1000);
    else if (strcmp(told, "ok") == 0)
        mt_doctor_say(d, "database_integrity", MT_VERDICT_OK, NULL,
                      "PRAGMA quick_check finds nothing");
    else
        mt_doctor_say(d, "database_integrity", MT_VERDICT_PROBLEM,
                      "stop all programs, keep a copy, restore a backup or use sqlite3 .recover",
                      "%s", told);
}

static char *pragma(struct mt_db *db, const char *sql, const char *name)
{
    struct mt_err ignored;
    json_t *row = mt_db_row(db, &ignored, sql, "");
    json_t *value = json_object_get(row, name);
    char *text = json_is_integer(value)
                     ? mt_asprintf("%lld", (long long)json_integer_value(value))
                     : mt_strdup(json_is_string(value) ? json_string_value(value) : "?");

    json_decref(row);
    return text;
}

/* Where the file is; NULL if it is no SQLite database. free() it. */
static char *path_of(const char *url)
{
    const char *rest = mt_str_starts(url, "sqlite:") ? url + strlen("sqlite:") : NULL;

    if (!rest)
        return NULL;
    char *file_url = mt_asprintf("file:%.*s", (int)strcspn(rest, "?"), rest);
    char *path = mt_str_starts(rest, "//") ? mt_path_of_file_url(file_url)
                                           : mt_strndup(rest, strcspn(rest, "?"));
    free(file_url);
    return path;
}

static void check_library(struct mt_doctor *d, bool wal)
{
    json_t *versions = d->s->run->cli->versions ? d->s->run->cli->versions() : NULL;
    const char *version = mt_json_str(versions, "sqlite", "?");
    struct mt_judgement j = mt_judge_sqlite(version, wal);

    mt_doctor_say(d, "sqlite", j.verdict, j.remedy, "%s %s", version, j.reason);
    json_decref(versions);
}

/* Bytes 18 and 19 of the file say it (sqlite.org/fileformat.html, 1.3.3); asking may change it. */
static bool is_wal(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char version[2] = "";
    bool wal = fd >= 0 && mt_pread_full(fd, version, 2, 18) == 2 && version[0] == 2;

    mt_fd_close(&fd);
    return wal;
}

static void describe(struct mt_doctor *d, struct mt_db *db, bool wal)
{
    char *schema = pragma(db, "PRAGMA user_version", "user_version");
    char *pages = pragma(db, "PRAGMA page_count", "page_count");
    char *page = pragma(db, "PRAGMA page_size", "page_size");
    char size[MT_FIGURE];

    mt_doctor_say(d, "database", MT_VERDICT_OK, NULL, "'%s': schema %s, %s, %s", mt_db_name(db),
                  schema, mt_show_bytes(atoll(pages) * atoll(page), size),
                  wal ? "WAL" : "rollback journal");
    check_library(d, wal);
    free(page);
    free(pages);
    free(schema);
}

void mt_doctor_database(struct mt_doctor *d)
{
    struct mt_err err;
    struct mt_db *db = NULL;
    char *path = path_of(d->s->common->db);

    bool wal = path && is_wal(path);

    if (path)
        mt_doctor_space(d, "database_space", path);
    bool file = path != NULL;
    free(path);
    if (mt_db_open(&db, d->s->common->db, d->s->dbs, MT_DB_READ, &err) < 0) {
        bool none = err.code == MT_ERR_NOT_FOUND;
        mt_doctor_say(d, "database", none ? MT_VERDICT_WARNING : MT_VERDICT_PROBLEM,
                      mt_err_hint(&err), "%s", err.msg);
        if (file)
            check_library(d, wal);
        return;
    }
    if (mt_db_dialect(db) == MT_DB_SQLITE) {
        describe(d, db, wal);
        mt_db_close(&db);
        check_integrity(d);
    } else {
        mt_doctor_server(d, db);
    }
    mt_db_close(&db);
}

/* --- the store --- */

/* Puts a small object, reads it back and removes it: the way of every object, durability and all.
 */
static int try_store(struct mt_store *store, int64_t *took_us, struct mt_err *err)
{
    static const char text[] = "media-status doctor was here\n";
    struct mt_put *put = NULL;
    char id[MT_UUID_TEXT];
    char back[sizeof text] = "";
    int64_t start = mt_mono_us();
    int fd = -1;

    char *key = mt_asprintf("doctor-%s/probe", mt_uuid(id));
    char *below = mt_asprintf("doctor-%s/", id);
    int ret = mt_store_begin(store, key, &put, err);
    if (ret == 0)
        ret = mt_put_write(put, text, sizeof text - 1, err);
    if (ret == 0)
        ret = mt_put_commit(&put, NULL, err);
    *took_us = mt_mono_us() - start;
    if (ret == 0 && ((fd = mt_store_get(store, key, err)) < 0 ||
                     mt_read_full(fd, back, sizeof text - 1) < 0 || strcmp(back, text) != 0))
        ret =
            fd < 0 ? -1 : mt_fail(err, MT_ERR_CHECKSUM, "what was written reads back differently");
    mt_put_abort(&put);
    mt_fd_close(&fd);
    struct mt_err removal;
    if (mt_store_remove_below(store, below, &removal) < 0 && ret == 0) {
        *err = removal;
        ret = -1;
    }
    free(below);
    free(key);
    return ret;
}

static void check_writing(struct mt_doctor *d)
{
    struct mt_store *store = NULL;
    struct mt_err err;
    int64_t took_us = 0;

    if (mt_store_open(&store, d->s->common->store, d->s->stores, true, &err) < 0 ||
        try_store(store, &took_us, &err) < 0)
        mt_doctor_say(d, "store", MT_VERDICT_PROBLEM, mt_err_hint(&err), "%s", err.msg);
    else if (took_us > SLOW_US)
        mt_doctor_say(d, "store", MT_VERDICT_WARNING, "look at the disk with iostat -x",
                      "writable and durable, but one small object took %lld ms",
                      (long long)took_us / 1000);
    else
        mt_doctor_say(d, "store", MT_VERDICT_OK, NULL,
                      "an object was written, made durable, read back and removed in %lld ms",
                      (long long)took_us / 1000);
    mt_store_close(&store);
}

void mt_doctor_store(struct mt_doctor *d)
{
    const char *url = d->s->common->store;
    struct mt_store *store = NULL;
    struct mt_err err;
    char *path = mt_path_of_file_url(url);

    if (path)
        mt_doctor_space(d, "store_space", path);
    free(path);
    if (mt_store_open(&store, url, d->s->stores, false, &err) < 0) {
        bool none = err.code == MT_ERR_NOT_FOUND;
        mt_doctor_say(d, "store", none ? MT_VERDICT_WARNING : MT_VERDICT_PROBLEM,
                      none ? "media-ingest creates it" : mt_err_hint(&err), "%s", err.msg);
        return;
    }
    mt_store_close(&store);
    check_writing(d);
}
