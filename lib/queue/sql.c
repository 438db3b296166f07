/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sql.c - where the two kinds of SQL part; see internal.h. */
#include "queue/internal.h"

#include "base/clock.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

#define SQLITE_TIME "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 'now'"

#define ENDS_SQLITE                                                                                \
    "json_extract(value, '$.id') AS id, json_extract(value, '$.token') AS token, "                 \
    "json_extract(value, '$.status') AS status, json_extract(value, '$.wait_s') AS wait_s, "       \
    "json_extract(value, '$.outcome') AS outcome, json_extract(value, '$.results') AS results, "   \
    "json_extract(value, '$.job_error') AS job_error, json_extract(value, '$.message') AS "        \
    "message, "                                                                                    \
    "json_extract(value, '$.attempt') AS attempt, json_extract(value, '$.stage') AS stage, "       \
    "json_extract(value, '$.exit_status') AS exit_status, json_extract(value, '$.signal') AS "     \
    "signal, "                                                                                     \
    "json_extract(value, '$.error') AS error, json_extract(value, '$.words') AS words, "           \
    "json_extract(value, '$.event') AS event, json_extract(value, '$.asset') AS asset, "           \
    "json_extract(value, '$.payload') AS payload"

/* Each is a format that takes the number of the parameter, if it has one. */
static const struct token {
    const char *name;
    const char *sqlite, *postgresql;
} tokens[] = {
    {"{now}", SQLITE_TIME ")", "statement_timestamp()"},
    {"{now+$", SQLITE_TIME ", $%d || ' seconds')",
     "(statement_timestamp() + $%d * interval '1 second')"},
    {"{now+e.wait_s}", SQLITE_TIME ", e.wait_s || ' seconds')",
     "(statement_timestamp() + e.wait_s * interval '1 second')"},
    {"{uuid}",
     "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' ||"
     " substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) ||"
     " substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))",
     "gen_random_uuid()"},
    {"{ids $", "(SELECT value FROM json_each($%d))",
     "(SELECT value::uuid FROM jsonb_array_elements_text($%d::jsonb) AS value)"},
    {"{words $", "(SELECT value FROM json_each($%d))",
     "(SELECT value FROM jsonb_array_elements_text($%d::jsonb) AS value)"},
    {"{ends $", "(SELECT " ENDS_SQLITE " FROM json_each($%d)) AS e",
     "jsonb_to_recordset($%d::jsonb) AS e(id uuid, token bigint, status text,"
     " wait_s double precision, outcome text, results jsonb, job_error jsonb, message text,"
     " attempt text, stage text, exit_status integer, signal integer, error jsonb, words text,"
     " event text, asset uuid, payload jsonb)"},
    {"{needs $",
     "(needs IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(needs) AS n"
     " WHERE n.value NOT IN (SELECT h.value FROM json_each($%d) AS h)))",
     "(needs IS NULL OR needs::jsonb <@ $%d::jsonb)"},
    {"{lane}", "INDEXED BY idx_processing_jobs_lane", ""},
    {"{children}", "INDEXED BY idx_processing_jobs_parent", ""},
    /* As an array it is selected once; as a set PostgreSQL may do so for each row, and lock more.
     */
    {"{in (}", "IN (", "= ANY (ARRAY("},
    {"{)}", ")", "))"},
    {"{skip}", "", "FOR UPDATE SKIP LOCKED"},
    {"{update}", "", "FOR UPDATE"},
    {"{share}", "", "FOR SHARE"},
};

static size_t add(char *out, size_t at, const char *text, size_t n)
{
    if (at + n >= MT_QUEUE_SQL)
        n = MT_QUEUE_SQL - 1 - at; /* the database will say that it is no statement */
    memcpy(out + at, text, n);
    out[at + n] = '\0';
    return at + n;
}

/* Adds what the token stands for; how long the token itself is, 0 if p is none. */
static size_t expand(enum mt_db_dialect dialect, char *out, size_t *at, const char *p)
{
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        const struct token *t = &tokens[i];
        size_t n = strlen(t->name);
        char text[1024];
        int number = 0;
        if (strncmp(p, t->name, n) != 0)
            continue;
        if (t->name[n - 1] == '$') {
            sscanf(p + n, "%d", &number);
            n += strcspn(p + n, "}") + 1;
        }
        snprintf(text, sizeof text, dialect == MT_DB_SQLITE ? t->sqlite : t->postgresql, number);
        *at = add(out, *at, text, strlen(text));
        return n;
    }
    return 0;
}

const char *mt_queue_sql(const struct mt_db *db, char out[MT_QUEUE_SQL], const char *text)
{
    enum mt_db_dialect dialect = mt_db_dialect(db);
    size_t at = 0;

    out[0] = '\0';
    while (*text) {
        size_t plain = strcspn(text, "{");
        at = add(out, at, text, plain);
        text += plain;
        if (!*text)
            break;
        size_t n = expand(dialect, out, &at, text);
        if (n == 0)
            at = add(out, at, text, n = 1);
        text += n;
    }
    return out;
}

int64_t mt_queue_time(const json_t *row, const char *name)
{
    const char *text = mt_json_str(row, name, NULL);
    struct mt_err ignored;
    int64_t us = 0;

    return text && mt_time_parse(text, &us, &ignored) == 0 ? us : 0;
}

int mt_queue_now(struct mt_db *db, int64_t *now_us, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    json_t *row = mt_db_row(db, err, mt_queue_sql(db, sql, "SELECT {now} AS now"), "");

    if (!row)
        return -1;
    *now_us = mt_queue_time(row, "now");
    json_decref(row);
    return *now_us ? 0 : mt_fail(err, MT_ERR_BUG, "the database does not say what time it is");
}

#define CHANNEL "media_jobs"

int mt_queue_wake(struct mt_db *db, struct mt_err *err)
{
    return mt_db_notify(db, CHANNEL, err);
}

int mt_queue_stirs(struct mt_db *db, bool *stirs, struct mt_err *err)
{
    *stirs = false;
    if (mt_db_dialect(db) == MT_DB_SQLITE)
        return 0;
    int ret = mt_db_wait(db, CHANNEL, 0, err);
    /* Behind a pooler nothing wakes, and it would say so each time. */
    *stirs = ret == 1 && mt_db_wake_fd(db) >= 0;
    return ret < 0 ? -1 : 0;
}
