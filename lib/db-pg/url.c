/* SPDX-License-Identifier: GPL-2.0-or-later */
/* url.c - what a URL asks for, as libpq is to be told. */
#include "db-pg/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { PARAMETERS_MAX = 64, MS_MAX = 24 * 3600 * 1000 };

/* --- our own parameters --- */

static int64_t *own(struct mt_pg *s, const char *name, size_t n)
{
    static const char *const names[] = {"timeout_ms", "statement_timeout_ms", "idle_timeout_ms",
                                        "reconnect_ms"};
    int64_t *const values[] = {&s->lock_ms, &s->statement_ms, &s->idle_ms, &s->reconnect_ms};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == n && strncmp(names[i], name, n) == 0)
            return values[i];
    return NULL;
}

static int take_one(int64_t *value, const char *part, size_t name, size_t n, struct mt_err *err)
{
    char *what = mt_strndup(part, name);
    char *text = mt_strndup(part + name + 1, n - name - 1);
    int ret = mt_parse_int(what, text, 0, MS_MAX, value, err);

    if (ret < 0)
        err->code = MT_ERR_CONFIG;
    free(text);
    free(what);
    return ret;
}

/* The URL without our own parameters; free() it. */
static char *take_own(struct mt_pg *s, const char *url, struct mt_err *err)
{
    const char *query = strchr(url, '?');
    char *rest = mt_strndup(url, query ? (size_t)(query - url) : strlen(url));
    char mark = '?';

    for (const char *at = query ? query + 1 : ""; *at;) {
        size_t n = strcspn(at, "&");
        size_t name = strcspn(at, "=&");
        int64_t *value = name < n ? own(s, at, name) : NULL;
        if (value) {
            if (take_one(value, at, name, n, err) < 0) {
                free(rest);
                return NULL;
            }
        } else if (n) {
            char *longer = mt_asprintf("%s%c%.*s", rest, mark, (int)n, at);
            free(rest);
            rest = longer;
            mark = '&';
        }
        at += n + (at[n] == '&');
    }
    return rest;
}

/* --- secrets --- */

static int fail_secret(struct mt_err *err)
{
    mt_fail(err, MT_ERR_CONFIG, "the database URL holds a password");
    return mt_hint(err, "put it into ~/.pgpass or into a file named by PGPASSFILE or passfile=");
}

/* "user:password@", looked for before anything may repeat the URL in a message. */
static bool has_password(const char *url)
{
    const char *from = strstr(url, "://");
    const char *at = from ? strchr(from + 3, '@') : NULL;

    if (!at || (size_t)(at - from - 3) > strcspn(from + 3, "/?"))
        return false;
    return memchr(from + 3, ':', (size_t)(at - from - 3)) != NULL;
}

/* --- for libpq --- */

static const char *value_of(const struct mt_pg *s, const char *keyword)
{
    for (int i = 0; s->keywords[i]; i++)
        if (strcmp(s->keywords[i], keyword) == 0)
            return s->values[i];
    return NULL;
}

static void set(struct mt_pg *s, const char *keyword, const char *value)
{
    int i = 0;

    while (s->keywords[i] && strcmp(s->keywords[i], keyword) != 0)
        i++;
    if (i == PARAMETERS_MAX)
        return;
    if (!s->keywords[i])
        s->keywords[i] = mt_strdup(keyword);
    free(s->values[i]);
    s->values[i] = mt_strdup(value);
}

static void set_default(struct mt_pg *s, const char *keyword, const char *value)
{
    if (!value_of(s, keyword))
        set(s, keyword, value);
}

/* A server that has gone is noticed within a minute, whatever the network does. */
static void set_defaults(struct mt_pg *s)
{
    const char *given = value_of(s, "options");
    char *options = mt_asprintf("%s%s-c lock_timeout=%lld -c statement_timeout=%lld"
                                " -c idle_in_transaction_session_timeout=%lld",
                                given ? given : "", given ? " " : "", (long long)s->lock_ms,
                                (long long)s->statement_ms,
                                (long long)(s->mode == MT_DB_READ ? 0 : s->idle_ms));

    set(s, "options", options);
    free(options);
    set(s, "client_encoding", "UTF8");
    set_default(s, "fallback_application_name", "media-toolkit");
    set_default(s, "keepalives_idle", "30");
    set_default(s, "keepalives_interval", "10");
    set_default(s, "keepalives_count", "3");
    set_default(s, "tcp_user_timeout", "60000");
}

static void set_name(struct mt_pg *s)
{
    const char *host = value_of(s, "host");
    const char *port = value_of(s, "port");
    const char *database = value_of(s, "dbname");
    const char *service = value_of(s, "service");
    bool socket = host && (host[0] == '/' || host[0] == '@');

    if (service && !host)
        s->name = mt_asprintf("postgresql:///%s?service=%s", database ? database : "", service);
    else if (socket)
        s->name = mt_asprintf("postgresql:///%s?host=%s%s%s", database ? database : "", host,
                              port ? "&port=" : "", port ? port : "");
    else
        s->name = mt_asprintf("postgresql://%s%s%s/%s", host ? host : "", port ? ":" : "",
                              port ? port : "", database ? database : "");
}

static int parse(struct mt_pg *s, const char *url, struct mt_err *err)
{
    char *said = NULL;
    PQconninfoOption *options = s->pq.PQconninfoParse(url, &said);
    int ret = 0;

    if (!options) {
        mt_fail(err, MT_ERR_CONFIG, "the database URL cannot be understood%s%.*s", said ? ": " : "",
                said ? (int)strcspn(said, "\n") : 0, said ? said : "");
        mt_hint(err, "postgresql://user@host:5432/database?sslmode=verify-full, or "
                     "postgresql:///database?host=/run/postgresql");
        ret = -1;
    }
    for (PQconninfoOption *o = options; ret == 0 && o->keyword; o++) {
        if (o->val && strcmp(o->keyword, "password") == 0)
            ret = fail_secret(err);
        else if (o->val && *o->val)
            set(s, o->keyword, o->val);
    }
    if (said)
        s->pq.PQfreemem(said);
    s->pq.PQconninfoFree(options);
    return ret;
}

int mt_pg_parse_url(struct mt_pg *s, const char *url, struct mt_err *err)
{
    s->lock_ms = MT_PG_LOCK_MS;
    s->statement_ms = MT_PG_STATEMENT_MS;
    s->idle_ms = MT_PG_IDLE_MS;
    s->reconnect_ms = MT_PG_RECONNECT_MS;
    s->keywords = mt_alloc((PARAMETERS_MAX + 1) * sizeof *s->keywords);
    s->values = mt_alloc((PARAMETERS_MAX + 1) * sizeof *s->values);
    if (has_password(url) || strstr(url, "password="))
        return fail_secret(err);
    char *rest = take_own(s, url, err);
    if (!rest)
        return -1;
    int ret = parse(s, rest, err);
    free(rest);
    if (ret == 0) {
        set_name(s);
        set_defaults(s);
    }
    return ret;
}

void mt_pg_free_url(struct mt_pg *s)
{
    for (int i = 0; s->keywords && s->keywords[i]; i++) {
        free(s->keywords[i]);
        free(s->values[i]);
    }
    free(s->keywords);
    free(s->values);
    free(s->name);
    s->keywords = s->values = NULL;
    s->name = NULL;
}
