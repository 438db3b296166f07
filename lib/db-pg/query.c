/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.c - statements of the toolkit: sent with their arguments, their rows given on.
 *
 * Rows come one by one, so that a result of any size costs the memory of a row;
 * only if each() runs another statement is the rest kept in memory meanwhile.
 */
#include "db-pg/internal.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Types given with arguments; the server infers the others. */
enum { OID_INFERRED = 0, OID_INT8 = 20, OID_FLOAT8 = 701, NUMBER_TEXT = 32 };

struct arguments {
    int n;
    Oid types[MT_DB_ARGS_MAX];
    const char *values[MT_DB_ARGS_MAX];
    char numbers[MT_DB_ARGS_MAX][NUMBER_TEXT];
    char *owned[MT_DB_ARGS_MAX];
};

/* --- what a statement is --- */

/* Past a literal, a quoted name or a comment that begins at p; p if none does. */
static const char *skip_quoted(const char *p)
{
    const char *end = p;

    if (*p == '\'' || *p == '"')
        end = strchr(p + 1, *p);
    else if (p[0] == '-' && p[1] == '-')
        end = strchr(p, '\n');
    else if (p[0] == '/' && p[1] == '*' && (end = strstr(p + 2, "*/")))
        end++;
    else
        return p;
    return end ? end + 1 : p + strlen(p);
}

/* As SQLite's driver does: each parameter has an argument and each argument a parameter. */
static int check_parameters(const char *sql, int n, struct mt_err *err)
{
    bool used[MT_DB_ARGS_MAX + 1] = {false};

    for (const char *p = sql; *p;) {
        const char *past = skip_quoted(p);
        if (past != p) {
            p = past;
        } else if (p[0] == '$' && isdigit((unsigned char)p[1])) {
            char *end;
            long number = strtol(p + 1, &end, 10);
            if (number < 1 || number > n)
                return mt_fail(err, MT_ERR_BUG, "parameter '$%ld' has no argument in '%.200s'",
                               number, sql);
            used[number] = true;
            p = end;
        } else {
            p++;
        }
    }
    for (int i = 1; i <= n; i++)
        if (!used[i])
            return mt_fail(err, MT_ERR_BUG, "argument %d of %d has no parameter in '%.200s'", i, n,
                           sql);
    return 0;
}

static bool starts_with_word(const char *sql, const char *word)
{
    size_t n = strlen(word);

    sql += strspn(sql, " \n\t(");
    return strncasecmp(sql, word, n) == 0 && !isalnum((unsigned char)sql[n]);
}

static bool is_reading(const char *sql)
{
    return (starts_with_word(sql, "SELECT") || starts_with_word(sql, "VALUES") ||
            starts_with_word(sql, "SHOW")) &&
           !strstr(sql, "FOR UPDATE") && !strstr(sql, "pg_notify");
}

static int check_mode(const struct mt_pg *s, const char *sql, struct mt_err *err)
{
    if (s->mode == MT_DB_READ && !s->in_transaction && !is_reading(sql))
        return mt_fail(err, MT_ERR_BUG, "a writing statement on a reading connection: '%.200s'",
                       sql);
    return 0;
}

/* --- arguments --- */

/* jsonb cannot hold U+0000, which JSON writes as \u0000: it becomes U+FFFD. */
static char *without_nul(const char *json)
{
    char *out = NULL;

    if (!strstr(json, "\\u0000"))
        return NULL;
    out = mt_strdup(json);
    for (char *p = out; *p; p++) {
        if (*p != '\\')
            continue;
        if (strncmp(p, "\\u0000", 6) == 0)
            memcpy(p + 2, "fffd", 4);
        p++;
    }
    return out;
}

static void set_argument(struct arguments *a, int i, const struct mt_db_value *v)
{
    a->types[i] = OID_INFERRED;
    a->values[i] = NULL;
    switch (v->type) {
    case MT_DB_INT:
        a->types[i] = OID_INT8;
        snprintf(a->numbers[i], NUMBER_TEXT, "%lld", (long long)v->i);
        a->values[i] = a->numbers[i];
        break;
    case MT_DB_REAL:
        a->types[i] = OID_FLOAT8;
        snprintf(a->numbers[i], NUMBER_TEXT, "%.17g", v->r);
        a->values[i] = a->numbers[i];
        break;
    case MT_DB_JSON:
        a->owned[i] = without_nul(v->text);
        a->values[i] = a->owned[i] ? a->owned[i] : v->text;
        break;
    case MT_DB_TEXT:
        a->values[i] = v->text;
        break;
    default:
        break;
    }
}

/* Whether it may be prepared: a session of our own, and nothing that a failure would spoil. */
static bool may_prepare(const struct mt_pg *s, const char *sql)
{
    return !s->pooled && !s->in_transaction && is_reading(sql);
}

static int send_statement(struct mt_pg *s, const char *sql, const struct arguments *a,
                          struct mt_err *err)
{
    char name[16];
    int sent =
        may_prepare(s, sql) && mt_pg_prepared(s, sql, a->types, a->n, name)
            ? s->pq.PQsendQueryPrepared(s->conn, name, a->n, a->values, NULL, NULL, 1)
            : s->pq.PQsendQueryParams(s->conn, sql, a->n, a->types, a->values, NULL, NULL, 1);

    if (!sent || !s->pq.PQsetSingleRowMode(s->conn))
        return mt_pg_fail_lost(s, "while a statement was sent", err);
    return 0;
}

/* --- rows --- */

struct rows {
    int n;
    const char **names;
    struct mt_db_value *values;
    char (*scratch)[MT_PG_SCRATCH];
    char **owned; /* texts of the row */
    int (*each)(void *ctx, const struct mt_db_row *row, struct mt_err *err);
    void *ctx;
    int64_t given;
    bool stopped; /* by each() */
};

static void forget_row(struct rows *r)
{
    for (int i = 0; i < r->n; i++) {
        free(r->owned[i]);
        r->owned[i] = NULL;
    }
}

static void rows_free(struct rows *r)
{
    forget_row(r);
    free(r->owned);
    free(r->names);
    free(r->values);
    free(r->scratch);
}

static int give_row(struct mt_pg *s, struct rows *r, const PGresult *res, struct mt_err *err)
{
    if (!r->names) {
        r->n = s->pq.PQnfields(res);
        r->names = mt_alloc((size_t)(r->n + 1) * sizeof *r->names);
        r->values = mt_alloc((size_t)(r->n + 1) * sizeof *r->values);
        r->scratch = mt_alloc((size_t)(r->n + 1) * sizeof *r->scratch);
        r->owned = mt_alloc((size_t)(r->n + 1) * sizeof *r->owned);
    }
    forget_row(r);
    for (int i = 0; i < r->n; i++) {
        r->names[i] = s->pq.PQfname(res, i);
        if (mt_pg_value(s, res, i, &r->values[i], r->scratch[i], &r->owned[i], err) < 0)
            return -1;
    }
    r->given++;
    const struct mt_db_row row = {.n = r->n, .names = r->names, .values = r->values};
    int ret = r->each(r->ctx, &row, err);
    r->stopped = ret < 0;
    return ret;
}

/* What was kept, then what arrives. */
static int next_result(struct mt_pg *s, struct mt_pg_stream *st, PGresult **res, struct mt_err *err)
{
    *res = NULL;
    if (st->at < st->n) {
        *res = st->kept[st->at++];
        return 0;
    }
    if (st->lost) {
        *err = st->why;
        return -1;
    }
    return st->whole ? 0 : mt_pg_receive(s, res, err);
}

static int64_t changes_of(const struct mt_pg *s, PGresult *res)
{
    return starts_with_word(s->pq.PQcmdStatus(res), "SELECT") ? 0 : atoll(s->pq.PQcmdTuples(res));
}

/* One result of the statement: a row, or how it ended. */
static int take_result(struct mt_pg *s, struct rows *r, PGresult *res, int64_t *changes,
                       struct mt_err *err)
{
    switch (s->pq.PQresultStatus(res)) {
    case PGRES_SINGLE_TUPLE:
        return r->each ? give_row(s, r, res, err) : 0;
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        if (changes)
            *changes = changes_of(s, res);
        return 0;
    case PGRES_EMPTY_QUERY:
        return mt_fail(err, MT_ERR_BUG, "one statement is wanted, not none");
    default:
        return mt_pg_fail(s, res, err);
    }
}

/* To the end also after a failure: the connection is to be free for the next statement. */
static int take_results(struct mt_pg *s, struct rows *r, int64_t *changes, struct mt_err *err)
{
    struct mt_pg_stream st = {.n = 0};
    PGresult *res = NULL;
    struct mt_err why;
    int ret = 0;

    for (;;) {
        s->stream = &st;
        if (next_result(s, &st, &res, &why) < 0) {
            if (ret == 0)
                *err = why;
            ret = -1;
            break;
        }
        if (!res)
            break;
        if (ret == 0)
            ret = take_result(s, r, res, changes, err);
        s->pq.PQclear(res);
    }
    s->stream = NULL;
    free(st.kept);
    return ret;
}

/* --- the whole --- */

static int send_and_take(struct mt_pg *s, const char *sql, const struct arguments *a,
                         struct rows *r, int64_t *changes, struct mt_err *err)
{
    if (changes)
        *changes = 0;
    if (send_statement(s, sql, a, err) < 0)
        return -1;
    return take_results(s, r, changes, err);
}

/* Behind a pooler the time limits of a statement that may wait need a transaction to stand in. */
static int within_limits(struct mt_pg *s, const char *sql, const struct arguments *a,
                         struct rows *r, int64_t *changes, struct mt_err *err)
{
    if (mt_pg_begin(s, true, err) < 0)
        return -1;
    int ret = send_and_take(s, sql, a, r, changes, err);
    if (ret < 0 && !r->stopped) {
        mt_pg_rollback(s);
        return -1;
    }
    /* What a stopped statement changed stays changed. */
    struct mt_err why;
    if (mt_pg_commit(s, &why) == 0)
        return ret;
    *err = why;
    return -1;
}

static int attempt(struct mt_pg *s, const char *sql, const struct arguments *a, struct rows *r,
                   int64_t *changes, struct mt_err *err)
{
    if (s->in_transaction && (!s->conn || s->pq.PQstatus(s->conn) != CONNECTION_OK))
        return mt_pg_fail_lost(s, "within a transaction", err);
    if (!s->in_transaction && mt_pg_ready(s, err) < 0)
        return -1;
    if (s->pooled && !s->in_transaction && !is_reading(sql))
        return within_limits(s, sql, a, r, changes, err);
    return send_and_take(s, sql, a, r, changes, err);
}

static bool is_lost(const struct mt_pg *s)
{
    return !s->conn || s->pq.PQstatus(s->conn) != CONNECTION_OK;
}

static int run(struct mt_pg *s, const char *sql, const struct arguments *a, struct rows *r,
               int64_t *changes, struct mt_err *err)
{
    int ret = attempt(s, sql, a, r, changes, err);

    /* "cached plan must not change result type": the schema is another one now. */
    if (ret < 0 && err->code == MT_ERR_BUG && r->given == 0 && may_prepare(s, sql) &&
        s->pq.PQstatus(s->conn) == CONNECTION_OK && mt_pg_unprepare(s))
        ret = attempt(s, sql, a, r, changes, err);
    if (ret == 0 || s->in_transaction || !is_lost(s) || err->code != MT_ERR_BUSY)
        return ret;
    if (is_reading(sql))
        return r->given == 0 ? attempt(s, sql, a, r, changes, err) : ret;
    return mt_hint(err, "it may have been done or not: run the same command again");
}

int mt_pg_query(void *priv, const char *sql, const struct mt_db_value *args, int n,
                int (*each)(void *ctx, const struct mt_db_row *row, struct mt_err *err), void *ctx,
                int64_t *changes, struct mt_err *err)
{
    struct mt_pg *s = priv;
    struct rows r = {.each = each, .ctx = ctx};
    struct arguments a = {.n = n};

    if (check_parameters(sql, n, err) < 0 || check_mode(s, sql, err) < 0)
        return -1;
    struct mt_pg_stream *outer = s->stream;
    mt_pg_keep_rest(s);
    for (int i = 0; i < n; i++)
        set_argument(&a, i, &args[i]);
    int ret = run(s, sql, &a, &r, changes, err);
    for (int i = 0; i < n; i++)
        free(a.owned[i]);
    rows_free(&r);
    s->stream = outer;
    return ret;
}
