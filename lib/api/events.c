/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.c - what happens to a job, as it happens (HTML standard, "Server-sent events").
 *
 * Events of the journal have its number as their id, so that a client that comes
 * back with Last-Event-ID is told what it has missed. Progress has none: the next one says it all.
 * The stream ends with "done" when the job has ended, or after a while; clients
 * come back by themselves.
 */
#include "api/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    POLL_US = 500000,
    HEARTBEAT_US = 15 * 1000000,
    LONGEST_US = 600 * 1000000,
    LONGEST_CGI_US = 20 * 1000000,
    EVENTS_MAX = 500,
};

struct stream {
    struct mt_api_call *call;
    int64_t seq; /* of the last event that was sent */
    char *last;  /* progress that was sent last */
    int64_t said_us;
    bool done;
};

static int say(struct stream *s, const char *event, int64_t id, const json_t *data,
               struct mt_err *err)
{
    char *text = mt_json_compact(data);
    char number[40] = "";

    if (id > 0)
        snprintf(number, sizeof number, "id: %lld\n", (long long)id);
    char *whole = mt_asprintf("%sevent: %s\ndata: %s\n\n", number, event, text);
    int ret = mt_http_write(s->call->x, whole, strlen(whole), err);
    s->said_us = mt_mono_us();
    free(whole);
    free(text);
    return ret;
}

static int say_events(struct stream *s, struct mt_db *db, struct mt_err *err)
{
    json_t *rows = mt_db_rows(db, err,
                              "SELECT seq, type, payload, created_at FROM events"
                              " WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                              "sii", s->call->args[0], s->seq, (int64_t)EVENTS_MAX);
    int ret = rows ? 0 : -1;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        json_t *data =
            json_pack("{s:s, s:O, s:O}", "job_id", s->call->args[0], "type",
                      json_object_get(row, "type"), "at", json_object_get(row, "created_at"));
        s->seq = mt_json_int(row, "seq", 0);
        if (ret == 0)
            ret = say(s, mt_json_str(row, "type", "event"), s->seq, data, err);
        json_decref(data);
    }
    json_decref(rows);
    return ret;
}

static int say_progress(struct stream *s, struct mt_err *err)
{
    json_t *row = mt_api_job_row(s->call, s->call->args[0], err);
    json_t *body = row ? mt_api_job_body(s->call, row, false, err) : NULL;
    char *text = body ? mt_json_compact(body) : NULL;
    int ret = body ? 0 : -1;

    if (text && (!s->last || strcmp(s->last, text) != 0)) {
        free(s->last);
        s->last = text;
        text = NULL;
        ret = say(s, "progress", 0, body, err);
    }
    if (body) {
        const char *status = mt_json_str(body, "status", "");
        s->done = strcmp(status, "pending") != 0 && strcmp(status, "processing") != 0;
    }
    free(text);
    json_decref(body);
    json_decref(row);
    return ret;
}

static int say_done(struct stream *s, struct mt_err *err)
{
    json_t *data = json_pack("{s:s}", "job_id", s->call->args[0]);
    int ret = say(s, "done", 0, data, err);

    json_decref(data);
    return ret;
}

/* One look. The events come after the row was read: so none of its end is missing before "done". */
static int look(struct stream *s, struct mt_err *err)
{
    struct mt_db *db = mt_api_db(s->call, err);

    if (!db || say_progress(s, err) < 0 || say_events(s, db, err) < 0)
        return -1;
    mt_api_db_release(s->call);
    if (s->done)
        return say_done(s, err);
    if (mt_mono_us() - s->said_us > HEARTBEAT_US) {
        s->said_us = mt_mono_us();
        return mt_http_write(s->call->x, ":\n\n", 3, err);
    }
    return 0;
}

/* Whether another stream may be opened: they keep their threads. */
static bool enter(struct mt_api *api)
{
    pthread_mutex_lock(&api->streams_lock);
    bool ok = api->streams < api->set.streams;
    api->streams += ok;
    pthread_mutex_unlock(&api->streams_lock);
    return ok;
}

static void leave(struct mt_api *api)
{
    pthread_mutex_lock(&api->streams_lock);
    api->streams--;
    pthread_mutex_unlock(&api->streams_lock);
}

static int run(struct stream *s, struct mt_err *err)
{
    struct mt_http *x = s->call->x;
    int64_t end = mt_mono_us() + (s->call->api->set.cgi ? LONGEST_CGI_US : LONGEST_US);

    mt_http_add(x, "Cache-Control", "no-store");
    mt_http_add(x, "X-Accel-Buffering", "no");
    if (mt_http_begin(x, 200, "text/event-stream", err) < 0 ||
        mt_http_write(x, "retry: 2000\n\n", 13, err) < 0)
        return -1;
    s->said_us = mt_mono_us();
    while (!s->done && !mt_http_stopping(x) && !mt_http_gone(x) && mt_mono_us() < end) {
        if (look(s, err) < 0 || mt_api_recheck(s->call, err) < 0)
            return -1;
        if (!s->done)
            usleep(POLL_US);
    }
    return 0;
}

int mt_api_job_events(struct mt_api_call *call, struct mt_err *err)
{
    const char *last = mt_http_header(call->x, "Last-Event-ID");
    struct stream s = {.call = call};
    json_t *row;

    if (last && mt_parse_int("Last-Event-ID", last, 0, INT64_MAX, &s.seq, err) < 0)
        return -1;
    row = mt_api_job_row(call, call->args[0], err);
    if (!row)
        return -1;
    json_decref(row);
    if (call->request->method == MT_HTTP_HEAD)
        return mt_http_send(call->x, 200, "text/event-stream", NULL, 0, err);
    if (!enter(call->api)) {
        mt_http_add(call->x, "Retry-After", "10");
        return mt_http_problem(call->x, "too-many-requests", NULL, err,
                               "more event streams than are permitted are open");
    }
    int ret = run(&s, err);
    leave(call->api);
    free(s.last);
    return ret;
}
