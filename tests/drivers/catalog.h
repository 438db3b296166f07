/* SPDX-License-Identifier: GPL-2.0-or-later */
/* catalog.h - a database and a store for the tests of the catalog. */
#ifndef MT_TESTS_CATALOG_H
#define MT_TESTS_CATALOG_H

#include "../tap.h"
#include "pg.h"

#include "base/clock.h"
#include "base/mem.h"
#include "catalog/asset.h"
#include "db-pg/db_pg.h"
#include "db-sqlite/db_sqlite.h"
#include "store-fs/store_fs.h"
#include "json/json.h"

#include <stdlib.h>
#include <unistd.h>

#define SUM_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SUM_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SUM_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define USER "11111111-2222-4333-8444-555555555555"

static const struct mt_db_driver *const dbs[] = {&mt_db_sqlite, &mt_db_pg, NULL};
static const struct mt_store_driver *const stores[] = {&mt_store_fs, NULL};
static char dir[] = "/tmp/mt-catalog-XXXXXX";
static char *database; /* URL */

/* What each process opens for itself. */
struct place {
    struct mt_db *db;
    struct mt_store *store;
};

static inline bool open_place(struct place *p)
{
    char *store = mt_asprintf("file://%s/store", dir);
    struct mt_err err = {.code = MT_OK};
    bool ok = mt_db_open(&p->db, database, dbs, MT_DB_WRITE, &err) == 0 &&
              mt_store_open(&p->store, store, stores, true, &err) == 0;

    if (!ok)
        printf("# %s\n", err.msg);
    free(store);
    return ok;
}

static void close_place(struct place *p)
{
    mt_store_close(&p->store);
    mt_db_close(&p->db);
}

static inline bool put(struct place *p, const char *key)
{
    struct mt_put *put = NULL;
    struct mt_err err;

    return mt_store_begin(p->store, key, &put, &err) == 0 &&
           mt_put_write(put, "bytes", 5, &err) == 0 && mt_put_commit(&put, NULL, &err) == 0;
}

static inline bool has(struct place *p, const char *key)
{
    struct mt_err err;
    int64_t size;

    return mt_store_stat(p->store, key, &size, &err) == 0;
}

static inline int64_t number(struct place *p, const char *sql)
{
    struct mt_err err;
    json_t *row = mt_db_row(p->db, &err, sql, "");
    int64_t n = mt_json_int(row, "n", -1);

    json_decref(row);
    return n;
}

/* An intent with its object; *key is to be freed. */
static inline bool intend(struct place *p, const char *name, const char *user,
                          char id[MT_UUID_TEXT], char **key)
{
    struct mt_err err = {.code = MT_OK};

    mt_uuid(id);
    *key = mt_asprintf("%s/original.mov", id);
    struct mt_asset_intent in = {.id = id,
                                 .name = name,
                                 .content_type = "video",
                                 .mime_type = "video/quicktime",
                                 .key = *key,
                                 .uploaded_by = user};
    if (mt_asset_intend(p->db, &in, &err) == 0 && put(p, *key))
        return true;
    printf("# %s\n", err.msg);
    return false;
}

/* Publishes an intent of ours as visible; "" or the duplicate into other. */
static inline int publish(struct place *p, const char *id, const char *checksum,
                          char other[MT_UUID_TEXT])
{
    json_t *metadata = json_pack("{s:f}", "duration", 12.5);
    struct mt_asset_result result = {.status = "completed",
                                     .outcome = "ok",
                                     .checksum = checksum,
                                     .file_size = 5,
                                     .metadata = metadata};
    struct mt_err err = {.code = MT_OK};
    int ret = mt_asset_publish(p->db, p->store, id, &result, other, &err);

    if (ret < 0)
        printf("# %s\n", err.msg);
    json_decref(metadata);
    return ret;
}

/* The whole test once with each kind of database, in a directory of its own. */
static inline int with_each_database(void (*test)(void))
{
    for (int pg = 0; pg < 2; pg++) {
        memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
        if (!mkdtemp(dir))
            return 1;
        char *rm = mt_asprintf("rm -rf '%s'", dir);
        database = pg ? pg_new() : mt_asprintf("sqlite://%s/media.db", dir);
        printf("# --- %s\n", database ? database : "no server");
        if (OK(database != NULL, "there is a database"))
            test();
        OK(system(rm) == 0, "cleaned up");
        free(database);
        free(rm);
    }
    pg_end();
    return tap_done();
}

#endif
