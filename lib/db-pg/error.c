/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * error.c - what PostgreSQL, PgBouncer and libpq say, as the toolkit's failures.
 *
 * The five characters of an SQLSTATE decide (PostgreSQL, appendix A); text may
 * be in any language. Values of rows (DETAIL) are not repeated.
 */
#include "db-pg/internal.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct meaning {
    const char *state; /* an SQLSTATE or the beginning of one; the first that fits holds */
    enum mt_code code;
    const char *hint; /* NULL: the code's own */
};

static const struct meaning meanings[] = {
    {"08P01", MT_ERR_BUG, NULL},
    {"08", MT_ERR_BUSY, NULL},
    {"22001", MT_ERR_LIMIT, NULL},
    {"22003", MT_ERR_LIMIT, NULL},
    {"22", MT_ERR_FAILED, NULL},
    {"23", MT_ERR_FAILED, NULL},
    {"25P03", MT_ERR_BUSY, "it was silent in a transaction: was this process stopped for a while?"},
    {"25006", MT_ERR_READ_ONLY, "it is a replica or was made read-only: write to the primary"},
    {"28", MT_ERR_CONFIG, "look at the user, ~/.pgpass (mode 0600) and the server's pg_hba.conf"},
    {"3D000", MT_ERR_CONFIG, "make it: createdb -h HOST -O USER DATABASE"},
    {"3F000", MT_ERR_CONFIG, "make the schema, or take search_path out of the URL's options"},
    {"40", MT_ERR_LOCKED, "others changed the same rows: the same command may work now"},
    {"42501", MT_ERR_CONFIG, "the role lacks a right: see docs/postgresql.md, Roles"},
    {"53100", MT_ERR_NO_SPACE, NULL},
    {"53300", MT_ERR_BUSY, "too many connections: raise max_connections or use PgBouncer"},
    {"53", MT_ERR_BUSY, NULL},
    {"54", MT_ERR_LIMIT, NULL},
    {"55P03", MT_ERR_LOCKED, "pg_stat_activity tells who holds the lock"},
    {"55", MT_ERR_LOCKED, NULL},
    {"57014", MT_ERR_BUSY, "statement_timeout_ms in the URL allows it more time"},
    {"57", MT_ERR_BUSY, NULL},
    {"58030", MT_ERR_IO, NULL},
    {"58", MT_ERR_IO, NULL},
    {"XX001", MT_ERR_SCHEMA, "restore a backup; pg_amcheck tells what is damaged"},
    {"XX002", MT_ERR_SCHEMA, "rebuild the index: REINDEX DATABASE"},
    {"XX000", MT_ERR_FAILED, NULL},
    {"", MT_ERR_BUG, NULL},
};

static const struct meaning *meaning_of(const char *state)
{
    const struct meaning *m = meanings;

    while (strncmp(state, m->state, strlen(m->state)) != 0)
        m++;
    return m;
}

/* Each has a digit; FATAL has none. */
static bool is_state(const char *text)
{
    int digits = 0;

    for (int i = 0; i < 5; i++) {
        if (!isupper((unsigned char)text[i]) && !isdigit((unsigned char)text[i]))
            return false;
        digits += isdigit((unsigned char)text[i]) != 0;
    }
    return digits > 0 && text[5] == ':';
}

int mt_pg_fail(const struct mt_pg *s, const PGresult *res, struct mt_err *err)
{
    const char *state = s->pq.PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = s->pq.PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (!state || !text)
        return mt_pg_fail_lost(s, "while a statement ran", err);
    const struct meaning *m = meaning_of(state);
    bool ours = strcmp(state, "25006") == 0 &&
                (s->mode == MT_DB_READ || (s->in_transaction && !s->writing));
    mt_fail(err, ours ? MT_ERR_BUG : m->code, "database '%s': %.300s", s->name, text);
    if (m->hint && !ours)
        mt_hint(err, "%s", m->hint);
    if (strncmp(state, "23", 2) == 0)
        err->os_errno = EEXIST;
    return -1;
}

int mt_pg_fail_lost(const struct mt_pg *s, const char *when, struct mt_err *err)
{
    const char *said = s->conn ? s->pq.PQerrorMessage(s->conn) : "";

    mt_fail(err, MT_ERR_BUSY, "database '%s': the connection broke %s%s%.*s", s->name, when,
            *said ? ": " : "", (int)strcspn(said, "\n"), said);
    return mt_hint(err, "is the server being restarted? the same command may work in a moment");
}

/* "connection to server at ... failed: FATAL:  28P01: password ..." without the state. */
static char *without_state(const char *said, char state[6])
{
    size_t n = strcspn(said, "\n");

    state[0] = '\0';
    for (const char *at = said; at + 6 < said + n; at++)
        if (at[0] == ' ' && is_state(at + 1)) {
            memcpy(state, at + 1, 5);
            state[5] = '\0';
            return mt_asprintf("%.*s%.*s", (int)(at - said), said,
                               (int)(n - (size_t)(at - said)) - 7, at + 7);
        }
    return mt_strndup(said, n);
}

/* What libpq finds wrong by itself has no SQLSTATE; its programs do not translate it. */
static bool is_about_settings(const char *said)
{
    return strncmp(said, "invalid ", 8) == 0 || strstr(said, "certificate") ||
           strstr(said, "root.crt") || strstr(said, "does not support SSL") ||
           strstr(said, "no password supplied") || strstr(said, "service file") ||
           strstr(said, "definition of service");
}

int mt_pg_fail_connect(const struct mt_pg *s, struct mt_err *err)
{
    const char *said = s->conn ? s->pq.PQerrorMessage(s->conn) : "no memory";
    char state[6];
    char *text = without_state(said, state);
    const struct meaning *m = state[0] ? meaning_of(state) : NULL;
    enum mt_code code = m && m->code != MT_ERR_BUG ? m->code : MT_ERR_BUSY;

    /* To a reader a database that is not there is like a file that is not there. */
    if (strcmp(state, "3D000") == 0 && s->mode == MT_DB_READ)
        code = MT_ERR_NOT_FOUND;
    if (!m && is_about_settings(said))
        code = MT_ERR_CONFIG;
    mt_fail(err, code, "cannot connect to database '%s': %.300s", s->name, text);
    if (m && m->hint)
        mt_hint(err, "%s", m->hint);
    else if (code == MT_ERR_BUSY)
        mt_hint(err, "is the server running, and is this its address?");
    free(text);
    return -1;
}
