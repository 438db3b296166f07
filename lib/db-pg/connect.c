/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connect.c - connections: made, found dead, made again. */
#include "db-pg/internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST_NAP_MS = 50, LONGEST_NAP_MS = 1000, OLDEST = 130000 };

static void on_notice(void *ctx, const PGresult *res)
{
    (void)ctx;
    (void)res; /* libpq would write it to stderr */
}

void mt_pg_disconnect(struct mt_pg *s)
{
    if (s->conn)
        s->pq.PQfinish(s->conn);
    s->conn = NULL;
    free(s->channel);
    s->channel = NULL;
    mt_pg_forget_prepared(s);
}

/* --- one attempt --- */

static int connect_time_s(const struct mt_pg *s)
{
    for (int i = 0; s->keywords[i]; i++)
        if (strcmp(s->keywords[i], "connect_timeout") == 0 && atoi(s->values[i]) > 0)
            return atoi(s->values[i]);
    return MT_PG_CONNECT_S;
}

static int finish_connecting(struct mt_pg *s, struct mt_err *err)
{
    int64_t deadline = mt_mono_us() + connect_time_s(s) * INT64_C(1000000);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    while (state != PGRES_POLLING_OK) {
        int64_t left_ms = (deadline - mt_mono_us()) / 1000;
        struct pollfd wait = {.fd = s->pq.PQsocket(s->conn),
                              .events = state == PGRES_POLLING_WRITING ? POLLOUT : POLLIN};
        if (state == PGRES_POLLING_FAILED)
            return mt_pg_fail_connect(s, err);
        if (left_ms <= 0) {
            mt_fail(err, MT_ERR_BUSY, "database '%s' did not answer within %d s", s->name,
                    connect_time_s(s));
            return mt_hint(err, "is the server running, and is this its address?");
        }
        if (poll(&wait, 1, (int)left_ms) <= 0)
            continue;
        state = s->pq.PQconnectPoll(s->conn);
    }
    return 0;
}

/* All parameters, or without "options" for who refuses it. */
static PGconn *start(struct mt_pg *s)
{
    const char *keywords[80];
    const char *values[80];
    int n = 0;

    for (int i = 0; s->keywords[i] && n < 79; i++) {
        if (s->plain && strcmp(s->keywords[i], "options") == 0)
            continue;
        keywords[n] = s->keywords[i];
        values[n++] = s->values[i];
    }
    keywords[n] = values[n] = NULL;
    return s->pq.PQconnectStartParams(keywords, values, 0);
}

static int connect_once(struct mt_pg *s, struct mt_err *err)
{
    mt_pg_disconnect(s);
    s->conn = start(s);
    if (!s->conn || s->pq.PQstatus(s->conn) == CONNECTION_BAD)
        return mt_pg_fail_connect(s, err);
    s->pq.PQsetNoticeReceiver(s->conn, on_notice, NULL);
    s->pq.PQsetErrorVerbosity(s->conn, PQERRORS_VERBOSE); /* the only way to an SQLSTATE here */
    if (finish_connecting(s, err) < 0)
        return -1;
    s->pq.PQsetErrorVerbosity(s->conn, PQERRORS_DEFAULT);
    return 0;
}

/* --- who answers --- */

/* A pooler makes up the process number that libpq is told. */
static int look_who(struct mt_pg *s, struct mt_err *err)
{
    PGresult *res = NULL;

    if (mt_pg_exec(s, "SELECT pg_backend_pid(), current_setting('server_version_num')", &res, err) <
        0)
        return -1;
    s->pooled = atoi(s->pq.PQgetvalue(res, 0, 0)) != s->pq.PQbackendPID(s->conn);
    int version = atoi(s->pq.PQgetvalue(res, 0, 1));
    s->pq.PQclear(res);
    if (version >= OLDEST)
        return 0;
    mt_fail(err, MT_ERR_CONFIG, "database '%s' is PostgreSQL %d.%d, needed is %d or newer", s->name,
            version / 10000, version % 10000, OLDEST / 10000);
    return mt_hint(err, "upgrade the server");
}

static int try_to_connect(struct mt_pg *s, struct mt_err *err)
{
    int ret = connect_once(s, err);

    if (ret < 0 && !s->plain && strstr(err->msg, "startup parameter")) {
        s->plain = true; /* PgBouncer takes no "options" */
        ret = connect_once(s, err);
    }
    /* "cannot connect now": it is there, starting or stopping. */
    s->starting = ret < 0 && s->conn && strstr(s->pq.PQerrorMessage(s->conn), "57P03");
    if (ret == 0)
        ret = look_who(s, err);
    if (ret < 0)
        mt_pg_disconnect(s);
    return ret;
}

/* Sleeps; false if a signal ended it, for then somebody wants the program to stop. */
static bool nap(int *ms)
{
    struct timespec time = {.tv_sec = *ms / 1000, .tv_nsec = *ms % 1000 * 1000000L};
    int ret = nanosleep(&time, NULL);

    *ms = 2 * *ms < LONGEST_NAP_MS ? 2 * *ms : LONGEST_NAP_MS;
    return ret == 0;
}

int mt_pg_connect(struct mt_pg *s, struct mt_err *err)
{
    int64_t deadline = mt_mono_us() + s->reconnect_ms * 1000;
    int ms = FIRST_NAP_MS;

    while (try_to_connect(s, err) < 0) {
        if (!s->starting || mt_mono_us() >= deadline || !nap(&ms))
            return -1;
    }
    return 0;
}

int mt_pg_reconnect(struct mt_pg *s, struct mt_err *err)
{
    int64_t deadline = mt_mono_us() + s->reconnect_ms * 1000;
    int ms = FIRST_NAP_MS;

    mt_log(MT_LOG_INFO, "database '%s': the connection is lost, connecting again", s->name);
    while (try_to_connect(s, err) < 0) {
        if (err->code != MT_ERR_BUSY || mt_mono_us() >= deadline || !nap(&ms))
            return -1;
    }
    return 0;
}

int mt_pg_ready(struct mt_pg *s, struct mt_err *err)
{
    /* What an idle connection has to say is a notification, or that it ends. */
    if (s->conn && mt_pg_poll(s, false, 0))
        s->pq.PQconsumeInput(s->conn);
    if (s->conn && s->pq.PQstatus(s->conn) == CONNECTION_OK)
        return 0;
    return mt_pg_reconnect(s, err);
}
