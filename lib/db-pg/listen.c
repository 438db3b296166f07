/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen.c - being woken instead of looking again and again.
 *
 * A session listens, and behind a pooler there is none of our own: then, and
 * while the connection is lost, the wait is short and the answer "look".
 */
#include "db-pg/internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int mt_pg_notify(void *priv, const char *channel, struct mt_err *err)
{
    const struct mt_db_value name = {.type = MT_DB_TEXT, .text = channel, .len = strlen(channel)};

    return mt_pg_query(priv, "SELECT pg_notify($1, '')", &name, 1, NULL, NULL, NULL, err);
}

static int check_channel(const char *channel, struct mt_err *err)
{
    size_t n = strspn(channel, "abcdefghijklmnopqrstuvwxyz_");

    return n > 0 && n < 60 && !channel[n]
               ? 0
               : mt_fail(err, MT_ERR_BUG, "no channel can be called '%.80s'", channel);
}

/* 1: begun just now, so what was notified before may have been missed. */
static int listen_to(struct mt_pg *s, const char *channel, struct mt_err *err)
{
    if (s->channel && strcmp(s->channel, channel) == 0)
        return 0;
    char *sql = mt_asprintf("UNLISTEN *; LISTEN %s", channel);
    int ret = mt_pg_exec(s, sql, NULL, err);
    free(sql);
    if (ret < 0)
        return -1;
    free(s->channel);
    s->channel = mt_strdup(channel);
    return 1;
}

static int nap(int64_t ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    return nanosleep(&time, NULL) == 0;
}

static bool is_notified(struct mt_pg *s)
{
    PGnotify *notice = NULL;
    bool any = false;

    while ((notice = s->pq.PQnotifies(s->conn))) {
        any = true;
        s->pq.PQfreemem(notice);
    }
    return any;
}

int mt_pg_wait(void *priv, const char *channel, int64_t timeout_ms, struct mt_err *err)
{
    struct mt_pg *s = priv;
    int64_t deadline = mt_mono_us() + timeout_ms * 1000;

    if (check_channel(channel, err) < 0 || mt_pg_ready(s, err) < 0)
        return -1;
    if (s->pooled)
        return nap(timeout_ms < MT_DB_POLL_MS ? timeout_ms : MT_DB_POLL_MS);
    int begun = listen_to(s, channel, err);
    if (begun != 0)
        return begun;
    for (;;) {
        int64_t left_us = deadline - mt_mono_us();
        if (is_notified(s))
            return 1;
        if (!mt_pg_poll(s, false, left_us > 0 ? (left_us + 999) / 1000 : 0))
            return 0;
        if (!s->pq.PQconsumeInput(s->conn))
            return mt_pg_reconnect(s, err) < 0 ? -1 : 1;
    }
}

int mt_pg_wake_fd(void *priv)
{
    struct mt_pg *s = priv;

    return s->conn && s->channel ? s->pq.PQsocket(s->conn) : -1;
}
