/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connect.c - from a URL to a connection that may be trusted. */
#include "db-sqlite/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "db-sqlite/db_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { DATABASE_MODE = 0640 };

/* --- the URL --- */

static int parse_query(struct mt_sqlite *s, const char *query, struct mt_err *err)
{
    int64_t ms;

    if (!mt_str_starts(query, "timeout_ms=")) {
        mt_fail(err, MT_ERR_CONFIG, "a sqlite URL takes no '%.80s'", query);
        return mt_hint(err, "timeout_ms=30000 is what may follow the question mark");
    }
    if (mt_parse_int("timeout_ms", query + strlen("timeout_ms="), 0, 3600 * 1000, &ms, err) < 0) {
        err->code = MT_ERR_CONFIG;
        return -1;
    }
    s->timeout_us = ms * 1000;
    return 0;
}

int mt_sqlite_parse_url(struct mt_sqlite *s, const char *url, struct mt_err *err)
{
    const char *rest = url + strlen("sqlite:");
    const char *mark = strchr(rest, '?');
    char *plain = mt_strndup(rest, mark ? (size_t)(mark - rest) : strlen(rest));

    s->timeout_us = MT_SQLITE_TIMEOUT_MS * INT64_C(1000);
    if (mt_str_starts(plain, "//")) {
        char *file_url = mt_asprintf("file:%s", plain);
        s->path = mt_path_of_file_url(file_url);
        free(file_url);
    } else if (*plain) {
        s->path = mt_strdup(plain);
    }
    free(plain);
    if (!s->path || mt_str_ends(s->path, "/")) {
        mt_fail(err, MT_ERR_CONFIG, "'%.200s' names no database file", url);
        return mt_hint(err, "three slashes and an absolute path: sqlite:///srv/media/media.db");
    }
    return mark ? parse_query(s, mark + 1, err) : 0;
}

/* --- statements of our own --- */

int mt_sqlite_exec(struct mt_sqlite *s, const char *sql, struct mt_err *err)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : mt_sqlite_fail(s, rc, err);
}

/* The result code of SQLite. */
static int pragma_value(struct mt_sqlite *s, const char *sql, int64_t *number, char text[32])
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && number)
        *number = sqlite3_column_int64(stmt, 0);
    if (rc == SQLITE_ROW && text)
        sqlite3_snprintf(32, text, "%s", sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int mt_sqlite_pragma(struct mt_sqlite *s, const char *sql, int64_t *number, char text[32],
                     struct mt_err *err)
{
    int rc = pragma_value(s, sql, number, text);

    if (rc == SQLITE_READONLY_ROLLBACK && s->mode == MT_DB_READ) {
        if (mt_sqlite_recover(s, err) < 0)
            return -1;
        rc = pragma_value(s, sql, number, text);
    }
    return rc == SQLITE_OK ? 0 : mt_sqlite_fail(s, rc, err);
}

/* --- the file --- */

/* Makes the file, empty, so that it is born with our mode; SQLite takes that as a new database. */
static int create(const char *path, struct mt_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, DATABASE_MODE);

    if (fd < 0 && errno == ENOENT) {
        char *dir = mt_strndup(path, (size_t)(mt_path_base(path) - path));
        int made = *dir ? mt_mkdirs(dir, err) : 0;
        free(dir);
        if (made < 0)
            return mt_fail_in(err, "cannot create database '%s'", path);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, DATABASE_MODE);
    }
    if (fd < 0 && errno != EEXIST)
        return mt_fail_errno(err, "cannot create database '%s'", path);
    mt_fd_close(&fd);
    return 0;
}

static int check_file(const struct mt_sqlite *s, struct mt_err *err)
{
    struct stat st;

    if (s->mode == MT_DB_WRITE && stat(s->path, &st) < 0 && create(s->path, err) < 0) {
        if (err->code == MT_ERR_UNREADABLE)
            err->code = MT_ERR_READ_ONLY;
        return -1;
    }
    if (stat(s->path, &st) < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return mt_fail_errno(err, "cannot open database '%s'", s->path);
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no database '%s'", s->path);
        return mt_hint(err, "media-ingest creates it; --db or MEDIA_DB names another");
    }
    if (!S_ISREG(st.st_mode)) {
        mt_fail(err, MT_ERR_CONFIG, "database '%s' is no regular file", s->path);
        return mt_hint(err, "name the file itself: sqlite:///srv/media/media.db");
    }
    if (access(s->path, R_OK) < 0)
        return mt_fail_errno(err, "cannot open database '%s'", s->path);
    return 0;
}

/* SQLite calls this while a lock is held elsewhere: short naps, so that readers follow closely. */
static int on_busy(void *ctx, int count)
{
    struct mt_sqlite *s = ctx;

    if (count == 0)
        s->busy_since_us = mt_mono_us();
    if (mt_mono_us() - s->busy_since_us >= s->timeout_us)
        return 0;
    usleep(count < 10 ? 200 : count < 50 ? 1000 : 5000);
    return 1;
}

static int open_connection(struct mt_sqlite *s, const char *name, int flags, struct mt_err *err)
{
    int rc = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

    if (!s->db)
        return mt_fail(err, MT_ERR_FAILED, "database '%s': no memory", s->path);
    if (rc != SQLITE_OK)
        return mt_sqlite_fail(s, sqlite3_extended_errcode(s->db), err);
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_handler(s->db, on_busy, s);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return 0;
}

/* Whether the disk is mounted read-only and no writer left anything to be merged. */
static bool is_frozen(const struct mt_sqlite *s)
{
    char *wal = mt_asprintf("%s-wal", s->path);
    struct statvfs fs;
    struct stat st;
    bool merged = stat(wal, &st) < 0 || st.st_size == 0;

    free(wal);
    return merged && statvfs(s->path, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/* A WAL database wants files beside it even for reading; on a frozen disk it needs none. */
static int open_reading(struct mt_sqlite *s, struct mt_err *err)
{
    int64_t number;

    if (open_connection(s, s->path, SQLITE_OPEN_READONLY, err) < 0)
        return -1;
    int rc = pragma_value(s, "PRAGMA schema_version", &number, NULL);
    if ((rc & 0xff) != SQLITE_CANTOPEN || !is_frozen(s))
        return 0;
    sqlite3_close(s->db);
    s->db = NULL;
    char *absolute = realpath(s->path, NULL);
    char *file_url = mt_path_to_file_url(absolute ? absolute : s->path);
    char *name = mt_asprintf("%s?immutable=1", file_url);
    int ret = open_connection(s, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    free(name);
    free(file_url);
    free(absolute);
    return ret;
}

int mt_sqlite_recover(struct mt_sqlite *s, struct mt_err *err)
{
    struct mt_sqlite writer = *s;
    int64_t number;

    writer.db = NULL;
    int ret = open_connection(&writer, s->path, SQLITE_OPEN_READWRITE, err);
    if (ret == 0) {
        int rc = pragma_value(&writer, "PRAGMA schema_version", &number, NULL);
        ret = rc == SQLITE_OK ? 0 : mt_sqlite_fail(&writer, rc, err);
    }
    sqlite3_close(writer.db);
    return ret;
}

/* --- whose it is --- */

static int fail_foreign(const struct mt_sqlite *s, struct mt_err *err)
{
    mt_fail(err, MT_ERR_SCHEMA, "'%s' is a database of another program", s->path);
    return mt_hint(err, "name another file with --db; this one was not touched");
}

/* A file without our mark may be new, or be marked just now: look at all in one snapshot. */
static int check_unmarked(struct mt_sqlite *s, struct mt_err *err)
{
    int64_t id = 0;
    int64_t tables = 0;

    if (mt_sqlite_exec(s, "BEGIN", err) < 0)
        return -1;
    int ret = mt_sqlite_pragma(s, "SELECT count(*) FROM sqlite_schema", &tables, NULL, err);
    if (ret == 0)
        ret = mt_sqlite_pragma(s, "PRAGMA application_id", &id, NULL, err);
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    if (ret < 0)
        return -1;
    return id == MT_SQLITE_APPLICATION_ID || (id == 0 && tables == 0) ? 0 : fail_foreign(s, err);
}

static int check_identity(struct mt_sqlite *s, struct mt_err *err)
{
    int64_t id = 0;

    if (mt_sqlite_pragma(s, "PRAGMA application_id", &id, NULL, err) < 0)
        return -1;
    return id == MT_SQLITE_APPLICATION_ID ? 0 : check_unmarked(s, err);
}

/* --- the journal --- */

bool mt_sqlite_wal_is_safe(int version)
{
    return version < 3007000 || version > 3051002 || (version >= 3044006 && version < 3045000) ||
           (version >= 3050007 && version < 3051000);
}

int mt_sqlite_version(const char **text)
{
    *text = sqlite3_libversion();
    return sqlite3_libversion_number();
}

/* Into or out of WAL the whole file changes, which needs it alone. */
static int switch_journal(struct mt_sqlite *s, const char *sql, const char *wanted,
                          struct mt_err *err)
{
    char now[32] = "";
    struct mt_err why = {.code = MT_OK};

    if (mt_sqlite_gate_enter(s, err) < 0)
        return -1;
    int ret = mt_sqlite_pragma(s, sql, NULL, now, &why);
    mt_sqlite_gate_leave(s);
    if (ret == 0 && strcmp(now, wanted) == 0)
        return 0;
    if (ret < 0 && why.code != MT_ERR_LOCKED) {
        *err = why;
        return -1;
    }
    mt_log(MT_LOG_WARN, "database '%s' is in use and stays in journal mode '%s' instead of '%s'",
           s->path, now[0] ? now : "wal", wanted);
    return 0;
}

/*
 * Without WAL: of an empty journal every reader sees at once that there is nothing to roll back,
 * one that is kept (PERSIST) it has to open. Reading is 1.5 times as fast, writing about as fast.
 */
int mt_sqlite_set_journal(struct mt_sqlite *s, bool wal, struct mt_err *err)
{
    char now[32] = "";

    if (mt_sqlite_pragma(s, "PRAGMA journal_mode", NULL, now, err) < 0)
        return -1;
    bool is_wal = strcmp(now, "wal") == 0;
    if (is_wal != wal) {
        int ret = wal ? switch_journal(s, "PRAGMA journal_mode=WAL", "wal", err)
                      : switch_journal(s, "PRAGMA journal_mode=TRUNCATE", "truncate", err);
        if (ret < 0)
            return -1;
    } else if (!wal && mt_sqlite_exec(s, "PRAGMA journal_mode=TRUNCATE", err) < 0) {
        return -1;
    }
    return mt_sqlite_exec(s, "PRAGMA synchronous=FULL; PRAGMA journal_size_limit=4194304", err);
}

/* --- all together --- */

static int open_writing(struct mt_sqlite *s, struct mt_err *err)
{
    if (open_connection(s, s->path, SQLITE_OPEN_READWRITE, err) < 0)
        return -1;
    if (sqlite3_db_readonly(s->db, "main") == 1)
        return mt_sqlite_fail(s, SQLITE_READONLY, err);
    s->gate_path = mt_asprintf("%s.gate", sqlite3_db_filename(s->db, "main"));
    return 0;
}

int mt_sqlite_connect(struct mt_sqlite *s, struct mt_err *err)
{
    if (s->memory)
        return open_connection(s, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (check_file(s, err) < 0)
        return -1;
    if ((s->mode == MT_DB_WRITE ? open_writing(s, err) : open_reading(s, err)) < 0 ||
        check_identity(s, err) < 0)
        return -1;
    if (s->mode == MT_DB_READ)
        return 0;
    return mt_sqlite_set_journal(s, mt_sqlite_wal_is_safe(sqlite3_libversion_number()), err);
}

void mt_sqlite_disconnect(struct mt_sqlite *s)
{
    for (int i = 0; i < MT_SQLITE_CACHE; i++) {
        sqlite3_finalize(s->cache[i].stmt);
        free(s->cache[i].sql);
    }
    sqlite3_close(s->db);
    mt_fd_close(&s->gate_fd);
    free(s->gate_path);
    free(s->path);
}
