/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query.c - statements: kept prepared, given their parameters, run. */
#include "db-sqlite/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- the cache --- */

static struct mt_sqlite_stmt *slot_for(struct mt_sqlite *s, const char *sql)
{
    struct mt_sqlite_stmt *oldest = NULL;

    for (int i = 0; i < MT_SQLITE_CACHE; i++) {
        struct mt_sqlite_stmt *c = &s->cache[i];
        if (c->busy)
            continue;
        if (c->sql && strcmp(c->sql, sql) == 0)
            return c;
        if (!oldest || c->used < oldest->used)
            oldest = c;
    }
    return oldest;
}

static void forget(struct mt_sqlite_stmt *c)
{
    sqlite3_finalize(c->stmt);
    free(c->sql);
    *c = (struct mt_sqlite_stmt){.stmt = NULL};
}

/* Into *rc a result code when it is SQLite that refuses; 0 with NULL when it is us. */
static struct mt_sqlite_stmt *prepare(struct mt_sqlite *s, const char *sql, int *rc,
                                      struct mt_err *err)
{
    struct mt_sqlite_stmt *c = slot_for(s, sql);
    const char *tail = NULL;

    *rc = SQLITE_OK;
    if (!c) {
        mt_fail(err, MT_ERR_BUG, "more than %d statements within each other", MT_SQLITE_CACHE);
        return NULL;
    }
    if (!c->stmt || strcmp(c->sql, sql) != 0) {
        forget(c);
        *rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &c->stmt, &tail);
        if (*rc != SQLITE_OK)
            return NULL;
        if (!c->stmt || tail[strspn(tail, " \t\n;")]) {
            forget(c);
            mt_fail(err, MT_ERR_BUG, "one statement is wanted, not '%.200s'", sql);
            return NULL;
        }
        c->sql = mt_strdup(sql);
    }
    c->busy = true;
    c->used = ++s->tick;
    return c;
}

static void release(struct mt_sqlite_stmt *c)
{
    sqlite3_reset(c->stmt);
    sqlite3_clear_bindings(c->stmt);
    c->busy = false;
}

/* --- parameters --- */

static int bind_one(sqlite3_stmt *stmt, int at, const struct mt_db_value *v)
{
    switch (v->type) {
    case MT_DB_INT:
        return sqlite3_bind_int64(stmt, at, v->i);
    case MT_DB_REAL:
        return sqlite3_bind_double(stmt, at, v->r);
    case MT_DB_TEXT:
    case MT_DB_JSON:
        return sqlite3_bind_text64(stmt, at, v->text, v->len, SQLITE_STATIC, SQLITE_UTF8);
    default:
        return sqlite3_bind_null(stmt, at);
    }
}

/* To SQLite "$2" is a name like any other: its index says nothing. */
static int bind_all(struct mt_sqlite *s, sqlite3_stmt *stmt, const struct mt_db_value *args, int n,
                    struct mt_err *err)
{
    int count = sqlite3_bind_parameter_count(stmt);

    for (int at = 1; at <= count; at++) {
        const char *name = sqlite3_bind_parameter_name(stmt, at);
        char *end = NULL;
        long number = name && name[0] == '$' ? strtol(name + 1, &end, 10) : 0;
        if (number < 1 || number > n || *end)
            return mt_fail(err, MT_ERR_BUG, "parameter '%s' has no argument in '%.200s'",
                           name ? name : "?", sqlite3_sql(stmt));
        int rc = bind_one(stmt, at, &args[number - 1]);
        if (rc != SQLITE_OK)
            return mt_sqlite_fail(s, rc, err);
    }
    if (count != n)
        return mt_fail(err, MT_ERR_BUG, "%d arguments for %d parameters in '%.200s'", n, count,
                       sqlite3_sql(stmt));
    return 0;
}

/* --- rows --- */

struct rows {
    sqlite3_stmt *stmt;
    int n;
    const char **names;
    bool *json;
    struct mt_db_value *values;
    int (*each)(void *ctx, const struct mt_db_row *row, struct mt_err *err);
    void *ctx;
};

/* Not before the first step, which may prepare the statement anew: names of before are gone then.
 */
static void rows_init(struct rows *r)
{
    size_t n = (size_t)sqlite3_column_count(r->stmt);

    r->n = (int)n;
    r->names = mt_alloc(n * sizeof *r->names);
    r->json = mt_alloc(n * sizeof *r->json);
    r->values = mt_alloc(n * sizeof *r->values);
    for (int i = 0; i < r->n; i++) {
        const char *type = sqlite3_column_decltype(r->stmt, i);
        r->names[i] = sqlite3_column_name(r->stmt, i);
        size_t len = strlen(r->names[i]);
        r->json[i] = (type && strncasecmp(type, "json", 4) == 0) ||
                     (len > 5 && strcmp(r->names[i] + len - 5, "_json") == 0);
    }
}

static void rows_free(struct rows *r)
{
    free(r->names);
    free(r->json);
    free(r->values);
}

static void column(const struct rows *r, int i, struct mt_db_value *v)
{
    int type = sqlite3_column_type(r->stmt, i);

    *v = (struct mt_db_value){.type = MT_DB_NULL};
    if (type == SQLITE_NULL)
        return;
    if (type == SQLITE_INTEGER && !r->json[i]) {
        v->type = MT_DB_INT;
        v->i = sqlite3_column_int64(r->stmt, i);
    } else if (type == SQLITE_FLOAT && !r->json[i]) {
        v->type = MT_DB_REAL;
        v->r = sqlite3_column_double(r->stmt, i);
    } else {
        v->type = r->json[i] ? MT_DB_JSON : MT_DB_TEXT;
        v->text = (const char *)sqlite3_column_text(r->stmt, i);
        v->len = (size_t)sqlite3_column_bytes(r->stmt, i);
        if (!v->text)
            v->text = "";
    }
}

static int give_row(struct rows *r, struct mt_err *err)
{
    if (!r->names)
        rows_init(r);
    for (int i = 0; i < r->n; i++)
        column(r, i, &r->values[i]);
    return r->each(r->ctx, &(struct mt_db_row){.n = r->n, .names = r->names, .values = r->values},
                   err);
}

/* *rc is SQLITE_OK when it is each() that failed. */
static int step_all(struct rows *r, bool drain, int *rc, struct mt_err *err)
{
    int ret = 0;

    while ((*rc = sqlite3_step(r->stmt)) == SQLITE_ROW) {
        if (ret == 0 && r->each)
            ret = give_row(r, err);
        if (ret < 0 && !drain) {
            *rc = SQLITE_OK;
            return ret;
        }
    }
    if (*rc != SQLITE_DONE)
        return -1;
    *rc = SQLITE_OK;
    return ret;
}

/* --- the whole --- */

static int step_counting(struct mt_sqlite *s, struct rows *r, bool write, int64_t *changes, int *rc,
                         struct mt_err *err)
{
    int before = sqlite3_total_changes(s->db);
    int ret = step_all(r, write, rc, err);

    if (changes)
        *changes = sqlite3_total_changes(s->db) == before ? 0 : sqlite3_changes(s->db);
    return ret;
}

static int run(struct mt_sqlite *s, struct rows *r, int64_t *changes, int *rc, struct mt_err *err)
{
    bool write = !sqlite3_stmt_readonly(r->stmt);
    bool alone = write && !s->in_transaction;

    *rc = SQLITE_OK;
    if (write && s->mode == MT_DB_READ)
        return mt_fail(err, MT_ERR_BUG, "a writing statement on a reading connection: '%.200s'",
                       sqlite3_sql(r->stmt));
    if (write && s->in_transaction && !s->writing)
        return mt_fail(err, MT_ERR_BUG, "a writing statement in a reading transaction: '%.200s'",
                       sqlite3_sql(r->stmt));
    if (alone && mt_sqlite_gate_enter(s, err) < 0)
        return -1;
    int ret = step_counting(s, r, write, changes, rc, err);
    if (*rc != SQLITE_OK)
        ret = mt_sqlite_fail(s, *rc, err);
    if (alone) {
        sqlite3_reset(r->stmt); /* the lock goes before the gate opens */
        mt_sqlite_gate_leave(s);
    }
    rows_free(r);
    return ret;
}

static bool is_recoverable(const struct mt_sqlite *s, int rc)
{
    return s->mode == MT_DB_READ && !s->in_transaction && rc == SQLITE_READONLY_ROLLBACK;
}

int mt_sqlite_query(void *priv, const char *sql, const struct mt_db_value *args, int n,
                    int (*each)(void *ctx, const struct mt_db_row *row, struct mt_err *err),
                    void *ctx, int64_t *changes, struct mt_err *err)
{
    struct mt_sqlite *s = priv;
    int ret = -1;
    int rc = SQLITE_OK;

    for (int attempt = 0; attempt < 2; attempt++) {
        struct mt_sqlite_stmt *c = prepare(s, sql, &rc, err);
        if (c) {
            struct rows r = {.stmt = c->stmt, .each = each, .ctx = ctx};
            ret = bind_all(s, c->stmt, args, n, err);
            if (ret == 0)
                ret = run(s, &r, changes, &rc, err);
            release(c);
        } else if (rc != SQLITE_OK) {
            mt_sqlite_fail(s, rc, err);
        }
        if (ret == 0 || !is_recoverable(s, rc))
            break;
        if (mt_sqlite_recover(s, err) < 0)
            break;
    }
    return ret;
}
