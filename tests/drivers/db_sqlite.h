/* SPDX-License-Identifier: GPL-2.0-or-later */
/* db_sqlite.h - databases in a directory of their own, for the tests of SQLite. */
#ifndef MT_TESTS_DB_SQLITE_H
#define MT_TESTS_DB_SQLITE_H

#include "../tap.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "db-sqlite/db_sqlite.h"
#include "db-sqlite/internal.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct mt_db_driver *const drivers[] = {&mt_db_sqlite, NULL};
static char dir[] = "/tmp/mt-sqlite-XXXXXX";

static inline char *path_of(const char *name)
{
    return mt_asprintf("%s/%s", dir, name);
}

static inline int open_named(struct mt_db **db, const char *name, const char *query,
                             enum mt_db_mode mode, struct mt_err *err)
{
    char *url = mt_asprintf("sqlite://%s/%s%s", dir, name, query);
    int ret = mt_db_open(db, url, drivers, mode, err);

    free(url);
    return ret;
}

/* The handle, or a test that fails and says why. */
static inline struct mt_db *must_open(const char *name, const char *query, enum mt_db_mode mode)
{
    struct mt_db *db = NULL;
    struct mt_err err = {.code = MT_OK};

    if (open_named(&db, name, query, mode, &err) < 0) {
        OK(0, "a database opens");
        printf("# %s\n", err.msg);
    }
    return db;
}

static inline bool refused(const char *name, const char *query, enum mt_db_mode mode,
                           enum mt_code code, const char *words)
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

static inline int64_t number(struct mt_db *db, const char *sql)
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
static inline int raw(const char *name, const char *sql)
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

#endif
