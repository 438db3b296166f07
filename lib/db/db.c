/* SPDX-License-Identifier: GPL-2.0-or-later */
/* db.c - see db.h. */
#include "db/db.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct mt_db {
    const struct mt_db_driver *driver;
    void *priv;
    bool in_transaction;
    int (*fence)(struct mt_db *db, void *ctx, struct mt_err *err);
    void *fence_ctx;
};

/* --- opening --- */

static const struct mt_db_driver *
driver_of(const char *url, const struct mt_db_driver *const drivers[], struct mt_err *err)
{
    size_t n = strcspn(url, ":");

    for (size_t i = 0; url[n] && drivers[i]; i++)
        if (strlen(drivers[i]->scheme) == n && strncmp(drivers[i]->scheme, url, n) == 0)
            return drivers[i];
    if (url[n])
        mt_fail(err, MT_ERR_CONFIG, "no kind of database is called '%.*s:'", (int)(n < 40 ? n : 40),
                url);
    else
        mt_fail(err, MT_ERR_CONFIG, "a database is named by a URL, not '%.80s'", url);
    mt_hint(err, "--db sqlite:///path/to/media.db is always there");
    return NULL;
}

static int check_version(struct mt_db *db, enum mt_db_mode mode, struct mt_err *err)
{
    const char *name = mt_db_name(db);
    int have = 0;
    int known = 0;

    if (db->driver->version(db->priv, &have, &known, err) < 0)
        return -1;
    if (have < known && mode == MT_DB_WRITE) {
        if (db->driver->migrate(db->priv, err) < 0 ||
            db->driver->version(db->priv, &have, &known, err) < 0)
            return -1;
    }
    if (have == known)
        return 0;
    if (have > known) {
        mt_fail(err, MT_ERR_SCHEMA,
                "database '%s' has schema version %d, this program knows up to %d", name, have,
                known);
        return mt_hint(err, "a newer media-toolkit has been here: upgrade this one");
    }
    mt_fail(err, MT_ERR_SCHEMA,
            have ? "database '%s' has schema version %d, this program needs %d"
                 : "database '%s' is empty (version %d, needed: %d)",
            name, have, known);
    return mt_hint(err, "any program that writes brings it up to date: run media-ingest");
}

int mt_db_open(struct mt_db **out, const char *url, const struct mt_db_driver *const drivers[],
               enum mt_db_mode mode, struct mt_err *err)
{
    const struct mt_db_driver *driver = driver_of(url, drivers, err);

    *out = NULL;
    if (!driver)
        return -1;

    struct mt_db *db = mt_alloc(sizeof *db);
    db->driver = driver;
    db->priv = mt_alloc(driver->priv_size);
    if (driver->open(db->priv, url, mode, err) < 0) {
        free(db->priv);
        free(db);
        return -1;
    }
    if (check_version(db, mode, err) < 0) {
        mt_db_close(&db);
        return -1;
    }
    *out = db;
    return 0;
}

void mt_db_close(struct mt_db **db)
{
    if (!*db)
        return;
    mt_db_rollback(*db);
    (*db)->driver->close((*db)->priv);
    free((*db)->priv);
    free(*db);
    *db = NULL;
}

enum mt_db_dialect mt_db_dialect(const struct mt_db *db)
{
    return db->driver->dialect;
}

const char *mt_db_name(const struct mt_db *db)
{
    return db->driver->name(db->priv);
}

/* --- transactions --- */

int mt_db_begin(struct mt_db *db, bool write, struct mt_err *err)
{
    if (db->in_transaction)
        return mt_fail(err, MT_ERR_BUG, "a transaction within a transaction");
    if (db->driver->begin(db->priv, write, err) < 0)
        return -1;
    db->in_transaction = true;
    if (!write || !db->fence || db->fence(db, db->fence_ctx, err) == 0)
        return 0;
    mt_db_rollback(db);
    return -1;
}

void mt_db_set_fence(struct mt_db *db,
                     int (*check)(struct mt_db *db, void *ctx, struct mt_err *err), void *ctx)
{
    db->fence = check;
    db->fence_ctx = ctx;
}

void *mt_db_fence(const struct mt_db *db)
{
    return db->fence_ctx;
}

int mt_db_commit(struct mt_db *db, struct mt_err *err)
{
    if (!db->in_transaction)
        return mt_fail(err, MT_ERR_BUG, "a commit without a transaction");
    db->in_transaction = false;
    return db->driver->commit(db->priv, err);
}

bool mt_db_stamp(struct mt_db *db, int64_t *stamp)
{
    return db->driver->stamp && !db->in_transaction && db->driver->stamp(db->priv, stamp);
}

void mt_db_rollback(struct mt_db *db)
{
    if (db->in_transaction)
        db->driver->rollback(db->priv);
    db->in_transaction = false;
}

/* --- arguments --- */

struct args {
    int n;
    struct mt_db_value values[MT_DB_ARGS_MAX];
    char *owned[MT_DB_ARGS_MAX];
};

static void set_text(struct args *args, const char *s)
{
    struct mt_db_value *v = &args->values[args->n];

    if (!s)
        return;
    v->type = MT_DB_TEXT;
    v->len = strlen(s);
    if (!mt_utf8_valid(s, v->len)) {
        s = args->owned[args->n] = mt_utf8_clean(s, v->len);
        v->len = strlen(s);
    }
    v->text = s;
}

static void set_json(struct args *args, const json_t *json)
{
    struct mt_db_value *v = &args->values[args->n];

    if (!json || json_is_null(json))
        return;
    v->text = args->owned[args->n] = mt_json_compact(json);
    v->len = strlen(v->text);
    v->type = MT_DB_JSON;
}

static int take_args(struct args *args, const char *types, va_list ap, struct mt_err *err)
{
    for (; *types; types++, args->n++) {
        if (args->n == MT_DB_ARGS_MAX)
            return mt_fail(err, MT_ERR_BUG, "more than %d arguments to a statement", args->n);
        struct mt_db_value *v = &args->values[args->n];
        switch (*types) {
        case 's':
            set_text(args, va_arg(ap, const char *));
            break;
        case 'i':
            v->type = MT_DB_INT;
            v->i = va_arg(ap, int64_t);
            break;
        case 'b':
            v->type = MT_DB_INT;
            v->i = va_arg(ap, int) != 0;
            break;
        case 'd':
            v->type = MT_DB_REAL;
            v->r = va_arg(ap, double);
            break;
        case 'j':
            set_json(args, va_arg(ap, json_t *));
            break;
        default:
            return mt_fail(err, MT_ERR_BUG, "no statement argument has the type '%c'", *types);
        }
    }
    return 0;
}

static int run(struct mt_db *db,
               int (*each)(void *ctx, const struct mt_db_row *row, struct mt_err *err), void *ctx,
               int64_t *changes, struct mt_err *err, const char *sql, const char *types, va_list ap)
{
    struct args args = {.n = 0};
    int ret = take_args(&args, types, ap, err);

    if (ret == 0)
        ret = db->driver->query(db->priv, sql, args.values, args.n, each, ctx, changes, err);
    for (int i = 0; i < MT_DB_ARGS_MAX; i++)
        free(args.owned[i]);
    return ret;
}

/* --- rows --- */

static json_t *value_json(const struct mt_db_value *v)
{
    struct mt_err ignored;
    json_t *json;

    switch (v->type) {
    case MT_DB_INT:
        return json_integer(v->i);
    case MT_DB_REAL:
        return json_real(v->r);
    case MT_DB_TEXT:
        return mt_json_bytes(v->text, v->len);
    case MT_DB_JSON:
        json = mt_json_parse("column", v->text, v->len, &ignored);
        return json ? json : mt_json_bytes(v->text, v->len);
    default:
        return json_null();
    }
}

static json_t *row_json(const struct mt_db_row *row)
{
    json_t *object = json_object();

    for (int i = 0; i < row->n; i++)
        json_object_set_new(object, row->names[i], value_json(&row->values[i]));
    return object;
}

static int add_row(void *ctx, const struct mt_db_row *row, struct mt_err *err)
{
    if (json_array_append_new(ctx, row_json(row)) < 0)
        return mt_fail(err, MT_ERR_FAILED, "no memory for a result");
    return 0;
}

static int keep_first(void *ctx, const struct mt_db_row *row, struct mt_err *err)
{
    json_t **first = ctx;

    (void)err;
    if (!*first)
        *first = row_json(row);
    return 0;
}

int mt_db_exec(struct mt_db *db, int64_t *changes, struct mt_err *err, const char *sql,
               const char *types, ...)
{
    bool fenced = db->fence && !db->in_transaction;
    va_list ap;

    if (fenced && mt_db_begin(db, true, err) < 0)
        return -1;
    va_start(ap, types);
    int ret = run(db, NULL, NULL, changes, err, sql, types, ap);
    va_end(ap);
    if (fenced && ret == 0)
        ret = mt_db_commit(db, err);
    else if (fenced)
        mt_db_rollback(db);
    return ret;
}

json_t *mt_db_rows(struct mt_db *db, struct mt_err *err, const char *sql, const char *types, ...)
{
    json_t *rows = json_array();
    va_list ap;

    va_start(ap, types);
    if (run(db, add_row, rows, NULL, err, sql, types, ap) < 0) {
        json_decref(rows);
        rows = NULL;
    }
    va_end(ap);
    return rows;
}

json_t *mt_db_row(struct mt_db *db, struct mt_err *err, const char *sql, const char *types, ...)
{
    json_t *first = NULL;
    va_list ap;

    va_start(ap, types);
    int ret = run(db, keep_first, &first, NULL, err, sql, types, ap);
    va_end(ap);
    if (ret < 0) {
        json_decref(first);
        return NULL;
    }
    if (!first)
        mt_fail(err, MT_ERR_NOT_FOUND, "no row");
    return first;
}

int mt_db_each(struct mt_db *db,
               int (*each)(void *ctx, const struct mt_db_row *row, struct mt_err *err), void *ctx,
               struct mt_err *err, const char *sql, const char *types, ...)
{
    va_list ap;

    va_start(ap, types);
    int ret = run(db, each, ctx, NULL, err, sql, types, ap);
    va_end(ap);
    return ret;
}

/* --- waking and waiting --- */

int mt_db_notify(struct mt_db *db, const char *channel, struct mt_err *err)
{
    return db->driver->notify ? db->driver->notify(db->priv, channel, err) : 0;
}

int mt_db_wait(struct mt_db *db, const char *channel, int64_t timeout_ms, struct mt_err *err)
{
    int64_t ms = timeout_ms < MT_DB_POLL_MS ? timeout_ms : MT_DB_POLL_MS;
    struct timespec nap = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    if (db->in_transaction)
        return mt_fail(err, MT_ERR_BUG, "a wait within a transaction");
    if (db->driver->wait)
        return db->driver->wait(db->priv, channel, timeout_ms, err);
    return nanosleep(&nap, NULL) == 0;
}

int mt_db_wake_fd(const struct mt_db *db)
{
    return db->driver->wake_fd ? db->driver->wake_fd(db->priv) : -1;
}

bool mt_db_is_conflict(const struct mt_err *err)
{
    return err->code == MT_ERR_FAILED && err->os_errno == EEXIST;
}
