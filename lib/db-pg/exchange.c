/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exchange.c - results as they arrive, with an end to the waiting. */
#include "db-pg/internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <poll.h>
#include <stdlib.h>

int mt_pg_poll(struct mt_pg *s, bool write, int64_t ms)
{
    struct pollfd wait = {.fd = s->pq.PQsocket(s->conn),
                          .events = write ? POLLIN | POLLOUT : POLLIN};

    return poll(&wait, 1, ms < 0 ? -1 : (int)(ms > 3600000 ? 3600000 : ms)) > 0;
}

/* Until a whole result is there. The clock starts anew with each byte that comes. */
static int await(struct mt_pg *s, struct mt_err *err)
{
    int64_t limit_us = s->statement_ms ? (s->statement_ms + MT_PG_GRACE_MS) * 1000 : INT64_MAX / 2;
    int64_t deadline = mt_mono_us() + limit_us;

    while (s->pq.PQisBusy(s->conn)) {
        int unsent = s->pq.PQflush(s->conn);
        int64_t left = deadline - mt_mono_us();
        if (unsent < 0)
            return mt_pg_fail_lost(s, "while a statement was sent", err);
        if (left <= 0) {
            mt_fail(err, MT_ERR_BUSY, "database '%s' has not answered for %lld ms", s->name,
                    (long long)(limit_us / 1000));
            mt_pg_disconnect(s);
            return mt_hint(err, "statement_timeout_ms in the URL allows it more time");
        }
        if (!mt_pg_poll(s, unsent > 0, left / 1000 + 1))
            continue;
        if (!s->pq.PQconsumeInput(s->conn))
            return mt_pg_fail_lost(s, "while a statement ran", err);
        deadline = mt_mono_us() + limit_us;
    }
    return 0;
}

int mt_pg_receive(struct mt_pg *s, PGresult **res, struct mt_err *err)
{
    *res = NULL;
    if (!s->conn)
        return mt_pg_fail_lost(s, "while a statement ran", err);
    if (await(s, err) < 0)
        return -1;
    *res = s->pq.PQgetResult(s->conn);
    if (*res && s->pq.PQstatus(s->conn) == CONNECTION_BAD &&
        !s->pq.PQresultErrorField(*res, PG_DIAG_SQLSTATE)) {
        s->pq.PQclear(*res);
        *res = NULL;
        return mt_pg_fail_lost(s, "while a statement ran", err);
    }
    return 0;
}

void mt_pg_keep_rest(struct mt_pg *s)
{
    struct mt_pg_stream *st = s->stream;
    PGresult *res = NULL;

    if (!st)
        return;
    s->stream = NULL;
    while (!st->whole) {
        if (mt_pg_receive(s, &res, &st->why) < 0)
            st->lost = true;
        st->whole = !res;
        if (!res)
            break;
        if (st->n == st->room) {
            st->room = st->room ? 2 * st->room : 64;
            st->kept = mt_realloc(st->kept, st->room, sizeof(PGresult *));
        }
        st->kept[st->n++] = res;
    }
}

static bool is_good(const struct mt_pg *s, const PGresult *res)
{
    ExecStatusType status = s->pq.PQresultStatus(res);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

int mt_pg_exec(struct mt_pg *s, const char *sql, PGresult **last, struct mt_err *err)
{
    PGresult *kept = NULL;
    PGresult *res = NULL;
    int ret = 0;

    if (last)
        *last = NULL;
    mt_pg_keep_rest(s);
    if (!s->conn || !s->pq.PQsendQuery(s->conn, sql))
        return mt_pg_fail_lost(s, "before a statement was sent", err);
    for (;;) {
        struct mt_err why;
        if (mt_pg_receive(s, &res, &why) < 0) {
            if (ret == 0)
                *err = why;
            ret = -1;
            break;
        }
        if (!res)
            break;
        if (ret == 0 && !is_good(s, res))
            ret = mt_pg_fail(s, res, err);
        s->pq.PQclear(kept);
        kept = res;
    }
    if (ret == 0 && last)
        *last = kept;
    else
        s->pq.PQclear(kept);
    return ret;
}
