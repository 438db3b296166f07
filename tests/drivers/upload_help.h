/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upload_help.h - uploads of bytes that everybody knows, on SQLite and PostgreSQL. */
#ifndef MT_TESTS_UPLOAD_HELP_H
#define MT_TESTS_UPLOAD_HELP_H

#include "upload/upload.h"

#include "../tap.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "db-pg/db_pg.h"
#include "db-sqlite/db_sqlite.h"
#include "digest/running.h"
#include "pg.h"
#include "json/json.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ALICE "11111111-1111-4111-8111-111111111111"
#define BOB "22222222-2222-4222-8222-222222222222"

static const struct mt_db_driver *const drivers[] = {&mt_db_sqlite, &mt_db_pg, NULL};
static const struct mt_upload_user alice = {.id = ALICE}, bob = {.id = BOB}, nobody = {0},
                                   anybody = {.all = true};
static char top[] = "/tmp/mt-upload-XXXXXX";
static char *url;
static struct mt_err err;

#define DOES(call, what)                                                                           \
    do {                                                                                           \
        if (!OK((call) == 0, what))                                                                \
            printf("#   %s: %s\n", mt_code_name(err.code), err.msg);                               \
    } while (0)

#define FAILS(call, wanted, what)                                                                  \
    do {                                                                                           \
        err.code = MT_OK;                                                                          \
        if (!OK((call) < 0 && err.code == (wanted), what))                                         \
            printf("#   %s: %s\n", mt_code_name(err.code), err.msg);                               \
    } while (0)

/* --- places --- */

static inline struct mt_uploads *open_area(const char *name, struct mt_upload_rules rules)
{
    struct mt_uploads *area = NULL;
    char *dir = mt_path_join(top, name);

    rules.dir = dir;
    if (!rules.max_bytes)
        rules.max_bytes = INT64_C(1) << 40;
    if (!rules.max_age_us)
        rules.max_age_us = INT64_C(3600) * 1000000;
    if (mt_uploads_open(&area, &rules, &err) < 0)
        printf("# %s\n", err.msg);
    free(dir);
    return area;
}

static inline struct mt_db *open_db(void)
{
    struct mt_db *db = NULL;

    if (mt_db_open(&db, url, drivers, MT_DB_WRITE, &err) < 0)
        printf("# %s\n", err.msg);
    return db;
}

static inline bool is_there(const struct mt_uploads *area, const char *id, const char *suffix)
{
    char *name = mt_asprintf("%s/%s%s", mt_uploads_rules(area)->dir, id, suffix);
    bool there = access(name, F_OK) == 0;

    free(name);
    return there;
}

/* --- bytes --- */

/* The byte at a position of everybody's file. */
static inline unsigned char byte_at(int64_t at)
{
    uint64_t x = (uint64_t)at * UINT64_C(0x9e3779b97f4a7c15);

    return (unsigned char)(x >> 56);
}

struct feed {
    int64_t at, end;
    size_t piece;      /* bytes at once */
    int64_t fail_at;   /* the connection breaks there; -1: it does not */
    int64_t freeze_at; /* nothing more comes there; -1 */
    long pause_ns;
    int waits;
};

static inline ssize_t feed_read(void *ctx, void *data, size_t n, int wait_ms, struct mt_err *e)
{
    struct feed *f = ctx;
    struct timespec pause = {.tv_nsec = f->pause_ns};
    unsigned char *out = data;
    int64_t left = f->end - f->at;

    if (f->freeze_at >= 0 && f->at >= f->freeze_at) {
        pause.tv_nsec = wait_ms * 1000000L;
        nanosleep(&pause, NULL);
        f->waits++;
        return MT_UPLOAD_LATER;
    }
    if (f->fail_at >= 0 && f->at >= f->fail_at)
        return mt_fail(e, MT_ERR_TRUNCATED, "the connection broke");
    if (f->pause_ns)
        nanosleep(&pause, NULL);
    if (f->piece && n > f->piece)
        n = f->piece;
    if ((int64_t)n > left)
        n = (size_t)left;
    for (size_t i = 0; i < n; i++)
        out[i] = byte_at(f->at++);
    return (ssize_t)n;
}

static inline struct feed from_to(int64_t from, int64_t to)
{
    return (struct feed){.at = from, .end = to, .fail_at = -1, .freeze_at = -1, .piece = 10000};
}

static inline int append(struct mt_upload *up, struct feed *f,
                         const struct mt_upload_checksum *want)
{
    struct mt_upload_source source = {feed_read, f};

    return mt_upload_append(up, &source, want, &err);
}

static inline void hash_of(int64_t length, char hex[MT_SHA256_TEXT])
{
    struct mt_running *run = NULL;

    hex[0] = '\0';
    if (mt_running_open(&run, &err) < 0)
        return;
    for (int64_t i = 0; i < length; i++) {
        unsigned char c = byte_at(i);
        mt_running_add(run, &c, 1);
    }
    mt_running_hex(run, hex);
    mt_running_close(&run);
}

static inline struct mt_upload_checksum sum_of(const char *algorithm, int64_t from, int64_t to)
{
    struct mt_upload_checksum want = {.algorithm = algorithm};
    struct mt_checksum *sum = NULL;

    if (mt_checksum_open(&sum, algorithm, &err) < 0)
        return want;
    for (int64_t i = from; i < to; i++) {
        unsigned char c = byte_at(i);
        if (mt_checksum_add(sum, &c, 1, &err) < 0)
            break;
    }
    if (mt_checksum_end(sum, want.raw, &want.size, &err) < 0)
        want.size = 0;
    mt_checksum_close(&sum);
    return want;
}

/* A new upload of alice's, taken. */
static inline struct mt_upload *begin(struct mt_uploads *area, struct mt_db *db,
                                      const struct mt_upload_spec *spec, char id[MT_UUID_TEXT])
{
    struct mt_upload *up = NULL;

    if (mt_upload_create(area, db, &alice, spec, id, &err) < 0 ||
        mt_upload_take(&up, area, db, &alice, id, NULL, &err) < 0)
        printf("# %s\n", err.msg);
    return up;
}

static inline void on_one(const char *what, void (*test)(struct mt_db *db))
{
    struct mt_db *db = open_db();

    printf("# %s\n", what);
    if (OK(db != NULL, "the database opens"))
        test(db);
    mt_db_close(&db);
}

static inline int rm(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

/* test() with a database of each kind, below the empty directory top. */
static inline int on_all(void (*test)(struct mt_db *db))
{
    if (!mkdtemp(top))
        return 1;
    url = mt_asprintf("sqlite://%s/media.db", top);
    on_one("sqlite", test);
    free(url);
    url = pg_new();
    if (url) {
        nftw(top, rm, 16, FTW_DEPTH | FTW_PHYS);
        mkdir(top, 0755);
        on_one("postgresql", test);
        free(url);
    } else {
        printf("ok %d # SKIP there is no PostgreSQL\n", ++tap_count);
    }
    pg_end();
    nftw(top, rm, 16, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}

/* As if nobody had touched it since 1970. */
static inline void set_old(struct mt_db *db, const char *area, const char *id)
{
    const struct timespec then[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    char *name = mt_asprintf("%s/%s/%s", top, area, id);
    char *state = mt_asprintf("%s.state", name);

    if (utimensat(AT_FDCWD, name, then, 0) < 0 || utimensat(AT_FDCWD, state, then, 0) < 0 ||
        mt_db_exec(db, NULL, &err, "UPDATE uploads SET expires_at = $2 WHERE id = $1", "ss", id,
                   "2020-01-01T00:00:00.000Z") < 0)
        printf("# %s\n", err.msg);
    free(state);
    free(name);
}

#endif
