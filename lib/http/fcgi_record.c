/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fcgi_record.c - FastCGI's records, as they come and go. */
#include "http/fcgi.h"

#include <string.h>

/* Reads more into the empty buffer. 1, 0 at the end, MT_HTTP_WAIT, -1. */
ssize_t mt_fcgi_fill(struct mt_fcgi *c, int timeout_ms, struct mt_err *err)
{
    if (c->at > 0) {
        memmove(c->in, c->in + c->at, c->end - c->at);
        c->end -= c->at;
        c->at = 0;
    }
    struct iovec piece = {c->in + c->end, FCGI_INPUT - c->end};
    ssize_t got = timeout_ms == c->patience_ms ? mt_http_recv_slow(c->fd, &piece, err)
                                               : mt_http_recv(c->fd, &piece, 1, timeout_ms, err);
    if (got > 0)
        c->end += (size_t)got;
    return got > 0 ? 1 : got;
}

/* Skips padding and takes the next header. 1, 0 at the end of the connection, MT_HTTP_WAIT, -1. */
ssize_t mt_fcgi_next(struct mt_fcgi *c, int timeout_ms, struct mt_err *err)
{
    while (c->end - c->at < c->padding + FCGI_HEADER) {
        ssize_t got = mt_fcgi_fill(c, timeout_ms, err);
        if (got <= 0)
            return got;
    }
    const unsigned char *h = c->in + c->at + c->padding;
    if (h[0] != FCGI_VERSION)
        return mt_fail(err, MT_ERR_TRUNCATED, "the web server speaks no FastCGI 1");
    c->type = h[1];
    c->record_id = h[2] << 8 | h[3];
    c->content = (size_t)(h[4] << 8 | h[5]);
    c->at += c->padding + FCGI_HEADER;
    c->padding = h[6];
    return 1;
}

/* Waits for all of the record's content, at most max bytes. NULL on failure. */
const unsigned char *mt_fcgi_whole(struct mt_fcgi *c, size_t max, struct mt_err *err)
{
    if (c->content > max) {
        mt_fail(err, MT_ERR_LIMIT, "a record of %zu bytes", c->content);
        return NULL;
    }
    while (c->end - c->at < c->content) {
        ssize_t got = mt_fcgi_fill(c, c->plan->idle_ms, err);
        if (got == 0 || got == MT_HTTP_WAIT)
            mt_fail(err, MT_ERR_TRUNCATED, "the web server went away");
        if (got <= 0)
            return NULL;
    }
    const unsigned char *content = c->in + c->at;
    c->at += c->content;
    c->content = 0;
    return content;
}

void mt_fcgi_header(unsigned char h[FCGI_HEADER], int type, int id, size_t n)
{
    const unsigned char bytes[FCGI_HEADER] = {
        FCGI_VERSION,      (unsigned char)type,     (unsigned char)(id >> 8),
        (unsigned char)id, (unsigned char)(n >> 8), (unsigned char)n};

    memcpy(h, bytes, FCGI_HEADER);
}

int mt_fcgi_send(struct mt_fcgi *c, struct iovec *pieces, int n, struct mt_err *err)
{
    int ret = mt_http_send_all(c->fd, pieces, n, c->plan->idle_ms, err);

    c->broken = c->broken || ret < 0;
    return ret;
}

int mt_fcgi_send_end(struct mt_fcgi *c, int id, int protocol_status, struct mt_err *err)
{
    unsigned char end[2 * FCGI_HEADER] = {0};

    mt_fcgi_header(end, FCGI_END, id, 8);
    end[FCGI_HEADER + 4] = (unsigned char)protocol_status;
    return mt_fcgi_send(c, &(struct iovec){end, sizeof end}, 1, err);
}

/* "What do you support?": one connection carries one request. */
static int answer_values(struct mt_fcgi *c, struct mt_err *err)
{
    static const char pair[] = "\x0f\x01"
                               "FCGI_MPXS_CONNS"
                               "0";
    unsigned char h[FCGI_HEADER];

    if (!mt_fcgi_whole(c, FCGI_INPUT / 2, err))
        return -1;
    mt_fcgi_header(h, FCGI_GET_VALUES_RESULT, 0, sizeof pair - 1);
    struct iovec pieces[] = {{h, FCGI_HEADER}, {(void *)(uintptr_t)pair, sizeof pair - 1}};
    return mt_fcgi_send(c, pieces, 2, err);
}

static int answer_unknown(struct mt_fcgi *c, struct mt_err *err)
{
    unsigned char answer[2 * FCGI_HEADER] = {0};

    mt_fcgi_header(answer, FCGI_UNKNOWN, 0, 8);
    answer[FCGI_HEADER] = (unsigned char)c->type;
    return mt_fcgi_whole(c, FCGI_INPUT / 2, err)
               ? mt_fcgi_send(c, &(struct iovec){answer, sizeof answer}, 1, err)
               : -1;
}

/* A record that is none of the open request's stream: 0, or -1 to give up the connection. */
int mt_fcgi_other(struct mt_fcgi *c, struct mt_err *err)
{
    bool begins = c->type == FCGI_BEGIN;

    if (c->record_id == 0)
        return c->type == FCGI_GET_VALUES ? answer_values(c, err) : answer_unknown(c, err);
    if (c->type == FCGI_ABORT && c->record_id == c->id)
        c->aborted = true;
    if (!mt_fcgi_whole(c, FCGI_INPUT / 2, err))
        return -1;
    if (begins && c->id && c->record_id != c->id)
        return mt_fcgi_send_end(c, c->record_id, FCGI_CANNOT_MULTIPLEX, err);
    return 0;
}
