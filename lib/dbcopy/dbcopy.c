/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dbcopy.c - see dbcopy.h. */
#include "dbcopy/internal.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 200, SQL_MAX = 16384 };

/* A copy that is going on. */
struct run {
    const struct mt_dbcopy *spec;
    json_t *mark; /* {"from", "started_at", "tables": {NAME: {"after": [], "rows", "done"}}} */
    bool resumed;
};

/* --- how far it has come --- */

static int write_mark(struct run *r, struct mt_err *err)
{
    char now[MT_TIME_TEXT];

    return mt_db_exec(r->spec->to, NULL, err,
                      "INSERT INTO shared_state (name, value, updated_at) VALUES ('" MT_DBCOPY_MARK
                      "', $1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value,"
                      " updated_at = excluded.updated_at",
                      "js", r->mark, mt_time_text(mt_now_us(), now));
}

static json_t *table_state(struct run *r, const char *name)
{
    json_t *tables = json_object_get(r->mark, "tables");

    if (!json_object_get(tables, name))
        json_object_set_new(tables, name, json_pack("{s:i}", "rows", 0));
    return json_object_get(tables, name);
}

static int64_t count(struct mt_db *db, const char *sql, struct mt_err *err)
{
    json_t *row = mt_db_row(db, err, sql, "");
    int64_t n = row ? mt_json_int(row, "n", 0) : -1;

    json_decref(row);
    return n;
}

static int fail_taken(const struct run *r, const char *what, struct mt_err *err)
{
    mt_fail(err, MT_ERR_CONFIG, "database '%s' %s", mt_db_name(r->spec->to), what);
    return mt_hint(err, "give an empty database: createdb NAME");
}

static int begin_anew(struct run *r, struct mt_err *err)
{
    char now[MT_TIME_TEXT];
    int64_t n = count(r->spec->to,
                      "SELECT (SELECT count(*) FROM media_assets) +"
                      " (SELECT count(*) FROM processing_jobs) +"
                      " (SELECT count(*) FROM events) + (SELECT count(*) FROM users) AS n",
                      err);

    if (n < 0)
        return -1;
    if (n > 0)
        return fail_taken(r, "is not empty", err);
    r->mark = json_pack("{s:s, s:s, s:{}}", "from", mt_db_name(r->spec->from), "started_at",
                        mt_time_text(mt_now_us(), now), "tables");
    return write_mark(r, err);
}

static int find_mark(struct run *r, struct mt_err *err)
{
    json_t *row = mt_db_row(r->spec->to, err,
                            "SELECT value FROM shared_state WHERE name = '" MT_DBCOPY_MARK "'", "");

    if (!row)
        return err->code == MT_ERR_NOT_FOUND ? begin_anew(r, err) : -1;
    r->mark = json_incref(json_object_get(row, "value"));
    r->resumed = true;
    json_decref(row);
    if (strcmp(mt_json_str(r->mark, "from", ""), mt_db_name(r->spec->from)) == 0)
        return 0;
    return fail_taken(r, "holds a copy of another database", err);
}

/* --- whether it may begin --- */

static int check_ends(const struct mt_dbcopy *spec, struct mt_err *err)
{
    if (mt_db_dialect(spec->to) != MT_DB_POSTGRESQL) {
        mt_fail(err, MT_ERR_CONFIG, "'%s' is no PostgreSQL database", mt_db_name(spec->to));
        return mt_hint(err, "copies go to a server: postgresql://host/database");
    }
    if (mt_dbcopy_check_tables(spec->from, err) < 0 || mt_dbcopy_check_tables(spec->to, err) < 0)
        return -1;
    int64_t n = count(spec->from,
                      "SELECT count(*) AS n FROM processing_jobs WHERE status = 'processing'", err);
    if (n < 0)
        return -1;
    if (n == 0 || spec->force)
        return 0;
    mt_fail(err, MT_ERR_LOCKED, "%lld job%s running in '%s'", (long long)n,
            n == 1 ? " is" : "s are", mt_db_name(spec->from));
    return mt_hint(err, "wait until they have ended (media-queue drain), or use --force");
}

/* --- rows --- */

static bool is_column(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* "a, b, c" of the keys, or of the columns of a row. */
static int put_keys(struct mt_buf *sql, const struct mt_dbcopy_table *t, struct mt_err *err)
{
    for (int i = 0; t->keys[i]; i++)
        if (mt_buf_printf(sql, err, "%s%s", i ? ", " : "", t->keys[i]) < 0)
            return -1;
    return 0;
}

static int put_columns(struct mt_buf *sql, const json_t *row, const char *form, struct mt_err *err)
{
    const char *name;
    json_t *value;
    int n = 0;

    json_object_foreach((json_t *)(uintptr_t)row, name, value)
    {
        if (!is_column(name))
            return mt_fail(err, MT_ERR_SCHEMA, "a column is called '%.60s'", name);
        if (mt_buf_printf(sql, err, "%s", n++ ? ", " : "") < 0 ||
            mt_buf_printf(sql, err, form, name, name) < 0)
            return -1;
    }
    return 0;
}

static int put_select(struct mt_buf *sql, const struct mt_dbcopy_table *t, size_t after, int limit,
                      struct mt_err *err)
{
    bool shared = strcmp(t->name, "shared_state") == 0;

    if (mt_buf_printf(sql, err, "SELECT * FROM %s WHERE %s", t->name,
                      shared ? "name <> '" MT_DBCOPY_MARK "'" : "1 = 1") < 0)
        return -1;
    if (after) {
        if (mt_buf_printf(sql, err, " AND (") < 0 || put_keys(sql, t, err) < 0 ||
            mt_buf_printf(sql, err, ") > (") < 0)
            return -1;
        for (size_t i = 1; i <= after; i++)
            if (mt_buf_printf(sql, err, "%s$%zu", i > 1 ? ", " : "", i) < 0)
                return -1;
        if (mt_buf_printf(sql, err, ")") < 0)
            return -1;
    }
    if (mt_buf_printf(sql, err, " ORDER BY ") < 0 || put_keys(sql, t, err) < 0)
        return -1;
    return mt_buf_printf(sql, err, " LIMIT %d", limit);
}

/* The next rows behind the keys; they are texts, whatever the columns are. */
static json_t *read_rows(struct run *r, const struct mt_dbcopy_table *t, const json_t *after,
                         struct mt_err *err)
{
    const char *k[MT_DBCOPY_KEYS] = {NULL};
    size_t n = json_array_size(after);
    struct mt_buf sql;
    json_t *rows = NULL;

    for (size_t i = 0; i < n && i < MT_DBCOPY_KEYS; i++)
        k[i] = json_string_value(json_array_get(after, i));
    mt_buf_init(&sql, SQL_MAX);
    if (put_select(&sql, t, n, r->spec->batch ? r->spec->batch : BATCH, err) == 0)
        rows = mt_db_rows(r->spec->from, err, sql.data, &"ssss"[MT_DBCOPY_KEYS - n], k[0], k[1],
                          k[2], k[3]);
    mt_buf_free(&sql);
    return rows;
}

static json_t *keys_of(const json_t *row, const struct mt_dbcopy_table *t)
{
    json_t *keys = json_array();

    for (int i = 0; t->keys[i]; i++) {
        const json_t *value = json_object_get(row, t->keys[i]);
        char *text = json_is_string(value)
                         ? mt_strdup(json_string_value(value))
                         : mt_asprintf("%lld", (long long)json_integer_value(value));
        json_array_append_new(keys, json_string(text));
        free(text);
    }
    return keys;
}

/* What PostgreSQL is to be given: scores with two decimals, references to itself later. */
static void prepare(json_t *rows, const struct mt_dbcopy_table *t)
{
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        json_t *score = json_object_get(row, "confidence_score");
        if (json_is_number(score))
            json_object_set_new(row, "confidence_score", mt_json_real(json_number_value(score), 2));
        if (t->parent)
            json_object_set_new(row, t->parent, json_null());
    }
}

static int put_insert(struct mt_buf *sql, const struct mt_dbcopy_table *t, const json_t *row,
                      struct mt_err *err)
{
    if (mt_buf_printf(sql, err, "INSERT INTO %s (", t->name) < 0 ||
        put_columns(sql, row, "%s", err) < 0 || mt_buf_printf(sql, err, ") SELECT ") < 0 ||
        put_columns(sql, row, "%s", err) < 0 ||
        mt_buf_printf(sql, err,
                      " FROM jsonb_populate_recordset(CAST(NULL AS %s), CAST($1 AS JSONB))"
                      " ON CONFLICT (",
                      t->name) < 0 ||
        put_keys(sql, t, err) < 0 || mt_buf_printf(sql, err, ") DO UPDATE SET ") < 0)
        return -1;
    return put_columns(sql, row, "%s = excluded.%s", err);
}

static int insert_rows(struct run *r, const struct mt_dbcopy_table *t, json_t *rows,
                       struct mt_err *err)
{
    struct mt_buf sql;

    mt_buf_init(&sql, SQL_MAX);
    int ret = put_insert(&sql, t, json_array_get(rows, 0), err);
    if (ret == 0)
        ret = mt_db_exec(r->spec->to, NULL, err, sql.data, "j", rows);
    mt_buf_free(&sql);
    return ret;
}

/* One batch and how far it brings us, in one transaction. */
static int write_rows(struct run *r, const struct mt_dbcopy_table *t, json_t *rows,
                      struct mt_err *err)
{
    json_t *state = table_state(r, t->name);
    size_t n = json_array_size(rows);

    json_object_set_new(state, "after", keys_of(json_array_get(rows, n - 1), t));
    json_object_set_new(state, "rows", json_integer(mt_json_int(state, "rows", 0) + (int64_t)n));
    prepare(rows, t);
    if (mt_db_begin(r->spec->to, true, err) < 0)
        return -1;
    if (insert_rows(r, t, rows, err) < 0 || write_mark(r, err) < 0) {
        mt_db_rollback(r->spec->to);
        return mt_fail_in(err, "table '%s'", t->name);
    }
    return mt_db_commit(r->spec->to, err);
}

/* --- tables --- */

static int tell(const struct run *r, const char *table, int64_t done, int64_t total,
                struct mt_err *err)
{
    if (r->spec->progress && r->spec->progress(r->spec->ctx, table, done, total) != 0) {
        mt_fail(err, MT_ERR_CANCELLED, "the copy was stopped");
        return mt_hint(err, "the same command goes on with it");
    }
    return 0;
}

static int64_t rows_of(struct mt_db *db, const char *table, struct mt_err *err)
{
    char *sql = mt_asprintf("SELECT count(*) AS n FROM %s", table);
    int64_t n = count(db, sql, err);

    free(sql);
    return n;
}

static int copy_table(struct run *r, const struct mt_dbcopy_table *t, struct mt_err *err)
{
    json_t *state = table_state(r, t->name);
    int64_t total = rows_of(r->spec->from, t->name, err);

    if (total < 0)
        return -1;
    while (!mt_json_bool(state, "done", false)) {
        json_t *rows = read_rows(r, t, json_object_get(state, "after"), err);
        size_t n = json_array_size(rows);
        int ret = rows ? 0 : -1;
        if (n > 0)
            ret = write_rows(r, t, rows, err);
        json_decref(rows);
        if (ret < 0 || tell(r, t->name, mt_json_int(state, "rows", 0), total, err) < 0)
            return -1;
        if (n == 0)
            json_object_set_new(state, "done", json_true());
    }
    return 0;
}

struct parents {
    struct run *r;
    const struct mt_dbcopy_table *t;
};

static int set_parent(void *ctx, const struct mt_db_row *row, struct mt_err *err)
{
    const struct parents *p = ctx;
    char *sql =
        mt_asprintf("UPDATE %s SET %s = $2 WHERE %s = $1", p->t->name, p->t->parent, p->t->keys[0]);
    int ret =
        mt_db_exec(p->r->spec->to, NULL, err, sql, "ss", row->values[0].text, row->values[1].text);

    free(sql);
    return ret;
}

static int set_parents(struct run *r, const struct mt_dbcopy_table *t, struct mt_err *err)
{
    struct parents p = {r, t};
    char *sql = mt_asprintf("SELECT %s, %s FROM %s WHERE %s IS NOT NULL", t->keys[0], t->parent,
                            t->name, t->parent);
    int ret = mt_db_begin(r->spec->to, true, err);

    if (ret == 0) {
        ret = mt_db_each(r->spec->from, set_parent, &p, err, sql, "");
        if (ret == 0)
            ret = mt_db_commit(r->spec->to, err);
        else
            mt_db_rollback(r->spec->to);
    }
    free(sql);
    return ret;
}

/* New rows are numbered behind the last one copied. */
static int set_sequence(struct run *r, const struct mt_dbcopy_table *t, struct mt_err *err)
{
    char *sql = mt_asprintf("SELECT setval(pg_get_serial_sequence('%s', '%s'),"
                            " GREATEST((SELECT COALESCE(max(%s), 0) FROM %s) + 1,"
                            " nextval(pg_get_serial_sequence('%s', '%s'))), false)",
                            t->name, t->sequence, t->sequence, t->name, t->name, t->sequence);
    int ret = mt_db_exec(r->spec->to, NULL, err, sql, "");

    free(sql);
    return ret;
}

/* Triggers have counted what was inserted; what was erased before counts as well. */
static int copy_totals(struct run *r, const struct mt_dbcopy_totals *t, struct mt_err *err)
{
    json_t *rows = mt_db_rows(r->spec->from, err, t->select, "");
    char *erase = mt_asprintf("DELETE FROM %s", t->name);
    char *insert = mt_asprintf("INSERT INTO %s (%s, %s) SELECT %s, %s FROM"
                               " jsonb_populate_recordset(CAST(NULL AS %s), CAST($1 AS JSONB))",
                               t->name, t->by, t->sums, t->by, t->sums, t->name);
    int ret = rows ? mt_db_begin(r->spec->to, true, err) : -1;

    if (ret == 0) {
        ret = mt_db_exec(r->spec->to, NULL, err, erase, "");
        if (ret == 0)
            ret = mt_db_exec(r->spec->to, NULL, err, insert, "j", rows);
        if (ret == 0)
            ret = mt_db_commit(r->spec->to, err);
        else
            mt_db_rollback(r->spec->to);
    }
    free(insert);
    free(erase);
    json_decref(rows);
    return ret;
}

static int copy_all(struct run *r, struct mt_err *err)
{
    int ret = 0;

    for (const struct mt_dbcopy_table *t = mt_dbcopy_tables; t->name && ret == 0; t++) {
        ret = copy_table(r, t, err);
        if (ret == 0 && t->parent)
            ret = set_parents(r, t, err);
        if (ret == 0 && t->sequence)
            ret = set_sequence(r, t, err);
    }
    for (const struct mt_dbcopy_totals *t = mt_dbcopy_totals; t->name && ret == 0; t++)
        ret = copy_totals(r, t, err);
    return ret;
}

/* --- proof --- */

/* Adds the table to the report, or its name to those that differ. */
static int compare(struct run *r, const char *table, const char *sql, json_t *report,
                   json_t *differ, struct mt_err *err)
{
    char here[MT_DBCOPY_HASH];
    char there[MT_DBCOPY_HASH];
    int64_t rows_here = 0;
    int64_t rows_there = 0;

    if (mt_dbcopy_hash(r->spec->from, sql, &rows_here, here, err) < 0 ||
        mt_dbcopy_hash(r->spec->to, sql, &rows_there, there, err) < 0)
        return mt_fail_in(err, "comparing table '%s'", table);
    if (rows_here != rows_there || strcmp(here, there) != 0) {
        json_object_del(json_object_get(r->mark, "tables"), table);
        json_array_append_new(differ, json_string(table));
    }
    json_array_append_new(
        json_object_get(report, "tables"),
        json_pack("{s:s, s:I, s:s}", "name", table, "rows", (json_int_t)rows_here, "hash", here));
    json_object_set_new(report, "rows", json_integer(mt_json_int(report, "rows", 0) + rows_here));
    return tell(r, table, rows_there, rows_here, err);
}

static int compare_all(struct run *r, json_t *report, json_t *differ, struct mt_err *err)
{
    int ret = 0;

    for (const struct mt_dbcopy_table *t = mt_dbcopy_tables; t->name && ret == 0; t++) {
        bool shared = strcmp(t->name, "shared_state") == 0;
        char *sql = mt_asprintf("SELECT * FROM %s%s", t->name,
                                shared ? " WHERE name <> '" MT_DBCOPY_MARK "'" : "");
        ret = compare(r, t->name, sql, report, differ, err);
        free(sql);
    }
    for (const struct mt_dbcopy_totals *t = mt_dbcopy_totals; t->name && ret == 0; t++)
        ret = compare(r, t->name, t->select, report, differ, err);
    return ret;
}

static int fail_differing(struct run *r, const json_t *differ, struct mt_err *err)
{
    struct mt_err ignored;

    if (write_mark(r, &ignored) < 0)
        *err = ignored;
    mt_fail(err, MT_ERR_VERIFY, "%zu table%s in '%s' and '%s', the first is '%s'",
            json_array_size(differ), json_array_size(differ) == 1 ? " differs" : "s differ",
            mt_db_name(r->spec->from), mt_db_name(r->spec->to),
            json_string_value(json_array_get(differ, 0)));
    return mt_hint(err, "stop all programs that write to either, and run the command again");
}

static json_t *verify(struct run *r, struct mt_err *err)
{
    char now[MT_TIME_TEXT];
    json_t *differ = json_array();
    json_t *report =
        json_pack("{s:i, s:s, s:s, s:b, s:s, s:i, s:[]}", "schema", 1, "from",
                  mt_db_name(r->spec->from), "to", mt_db_name(r->spec->to), "resumed", r->resumed,
                  "completed_at", mt_time_text(mt_now_us(), now), "rows", 0, "tables");
    int ret = compare_all(r, report, differ, err);

    if (ret == 0 && json_array_size(differ) > 0)
        ret = fail_differing(r, differ, err);
    if (ret == 0) {
        json_object_set(r->mark, "report", report);
        ret = write_mark(r, err);
    }
    json_decref(differ);
    if (ret == 0)
        return report;
    json_decref(report);
    return NULL;
}

/* --- the whole --- */

static json_t *run_within(struct run *r, struct mt_err *err)
{
    if (check_ends(r->spec, err) < 0 || find_mark(r, err) < 0)
        return NULL;
    if (json_object_get(r->mark, "report"))
        return json_incref(json_object_get(r->mark, "report"));
    return copy_all(r, err) < 0 ? NULL : verify(r, err);
}

json_t *mt_dbcopy_run(const struct mt_dbcopy *copy, struct mt_err *err)
{
    struct run r = {.spec = copy};

    if (mt_db_begin(copy->from, false, err) < 0)
        return NULL;
    json_t *report = run_within(&r, err);
    mt_db_rollback(copy->from);
    json_decref(r.mark);
    return report;
}
