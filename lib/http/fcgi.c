/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fcgi.c - FastCGI 1.0, the responder's side.
 *
 * Source: "FastCGI Specification", Open Market, 29 April 1996. One request at a time on a
 * connection (no multiplexing, as all web servers have it); connections are kept
 * when the server wants that.
 */
#include "http/fcgi.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the transport --- */

/* Straight into the caller's memory, what lies behind it into ours. */
static ssize_t read_through(struct mt_fcgi *c, void *buf, size_t n, int timeout_ms,
                            struct mt_err *err)
{
    size_t want = n < c->content ? n : c->content;
    struct iovec pieces[] = {{buf, want}, {c->in, FCGI_INPUT}};
    ssize_t got = mt_http_recv(c->fd, pieces, want == c->content ? 2 : 1, timeout_ms, err);

    if (got <= 0)
        return got;
    c->at = 0;
    c->end = (size_t)got > want ? (size_t)got - want : 0;
    size_t taken = (size_t)got > want ? want : (size_t)got;
    c->content -= taken;
    return (ssize_t)taken;
}

/* Some bytes of the current record, from the buffer if there are any there. */
static ssize_t read_content(struct mt_fcgi *c, char *buf, size_t n, int timeout_ms,
                            struct mt_err *err)
{
    size_t there = c->end - c->at;

    if (there == 0)
        return read_through(c, buf, n, timeout_ms, err);
    n = n < c->content ? n : c->content;
    n = n < there ? n : there;
    memcpy(buf, c->in + c->at, n);
    c->at += n;
    c->content -= n;
    return (ssize_t)n;
}

/* Makes the current record one of the body with content: 1; 0 at its end. */
static ssize_t find_content(struct mt_fcgi *c, int timeout_ms, struct mt_err *err)
{
    while (c->content == 0) {
        ssize_t got = c->stdin_ended ? 0 : mt_fcgi_next(c, timeout_ms, err);
        if (got == 0 && !c->stdin_ended)
            return mt_fail(err, MT_ERR_TRUNCATED, "the client went away");
        if (got <= 0)
            return got;
        if (c->type == FCGI_STDIN && c->record_id == c->id) {
            c->stdin_ended = c->content == 0;
            continue;
        }
        if (mt_fcgi_other(c, err) < 0)
            return -1;
        if (c->aborted)
            return mt_fail(err, MT_ERR_TRUNCATED, "the client went away");
    }
    return 1;
}

static ssize_t fcgi_read(void *conn, void *buf, size_t n, int timeout_ms, struct mt_err *err)
{
    struct mt_fcgi *c = conn;
    size_t have = 0;

    while (have < n) {
        int wait = have ? 0 : timeout_ms; /* only the first bytes are waited for */
        ssize_t got = find_content(c, wait, err);
        if (got > 0)
            got = read_content(c, (char *)buf + have, n - have, wait, err);
        else if (got == 0)
            break;
        if (got == 0)
            got = mt_fail(err, MT_ERR_TRUNCATED, "the client went away");
        if (got < 0)
            return have ? (ssize_t)have : got;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

static int write_piece(struct mt_fcgi *c, struct iovec piece, struct mt_err *err)
{
    while (piece.iov_len > 0) {
        unsigned char h[FCGI_HEADER];
        size_t n = piece.iov_len < FCGI_CONTENT_MAX ? piece.iov_len : FCGI_CONTENT_MAX;
        struct iovec record[] = {{h, FCGI_HEADER}, {piece.iov_base, n}};
        mt_fcgi_header(h, FCGI_STDOUT, c->id, n);
        if (mt_fcgi_send(c, record, 2, err) < 0)
            return -1;
        piece.iov_base = (char *)piece.iov_base + n;
        piece.iov_len -= n;
    }
    return 0;
}

/* A small whole answer is one record and one system call. */
static int write_small(struct mt_fcgi *c, const struct iovec *pieces, int n, size_t total,
                       bool last, struct mt_err *err)
{
    unsigned char h[FCGI_HEADER];
    unsigned char trailer[3 * FCGI_HEADER] = {0};
    struct iovec record[4] = {{h, FCGI_HEADER}};
    int k = total > 0;

    mt_fcgi_header(h, FCGI_STDOUT, c->id, total);
    for (int i = 0; i < n; i++)
        if (pieces[i].iov_len > 0)
            record[k++] = pieces[i];
    mt_fcgi_header(trailer, FCGI_STDOUT, c->id, 0);
    mt_fcgi_header(trailer + FCGI_HEADER, FCGI_END, c->id, 8);
    if (last)
        record[k++] = (struct iovec){trailer, sizeof trailer};
    return mt_fcgi_send(c, record, k, err);
}

static int fcgi_write(void *conn, const struct iovec *pieces, int n, bool last, struct mt_err *err)
{
    struct mt_fcgi *c = conn;
    size_t total = 0;

    if (c->broken)
        return mt_fail(err, MT_ERR_TRUNCATED, "the client went away");
    for (int i = 0; i < n; i++)
        total += pieces[i].iov_len;
    if (total <= FCGI_CONTENT_MAX && n <= 2)
        return write_small(c, pieces, n, total, last, err);
    for (int i = 0; i < n; i++)
        if (write_piece(c, pieces[i], err) < 0)
            return -1;
    return last ? write_small(c, NULL, 0, 0, true, err) : 0;
}

static bool fcgi_gone(void *conn)
{
    struct mt_fcgi *c = conn;
    char byte;

    if (c->broken || c->aborted)
        return true;
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    if (poll(&p, 1, 0) <= 0)
        return false;
    return (p.revents & (POLLERR | POLLHUP)) || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static const struct mt_http_transport transport = {fcgi_read, fcgi_write, fcgi_gone};

/* --- connections --- */

static void too_many(struct mt_http *x)
{
    static const struct mt_http_pair nothing[] = {{"REQUEST_METHOD", "GET"}, {"REQUEST_URI", "/"}};
    struct mt_err err;

    x->params = (struct mt_http_pair *)(uintptr_t)nothing;
    x->n_params = 2;
    if (mt_http_open(x) &&
        mt_http_problem(x, "headers-too-large", NULL, &err, "more than %d bytes of header fields",
                        MT_HTTP_PARAMS_MAX) < 0) {
        /* The client has gone. */
    }
}

/*
 * Passes over what is left of the body; true at its end. A web server that has the answer keeps the
 * connection for another request if it has sent all of the body, and closes it if not: if we closed
 * it first, the next request, or the answer itself, would be lost.
 */
static bool drain(struct mt_fcgi *c)
{
    int64_t until = mt_mono_us() + FCGI_LINGER_MS * 1000;
    int64_t left = FCGI_LINGER_MAX;
    char waste[4096];
    struct mt_err err;

    while (!c->stdin_ended && !c->broken && !c->aborted && left > 0 && mt_mono_us() < until) {
        ssize_t got = find_content(c, FCGI_LINGER_MS / 4, &err);
        if (got > 0)
            got = read_content(c, waste, sizeof waste, FCGI_LINGER_MS / 4, &err);
        else if (got == 0)
            break;
        if (got == 0 || got == -1)
            return false;
        left -= got > 0 ? got : 0;
    }
    return c->stdin_ended;
}

/* One request; false: the connection is over. */
static bool serve_one(struct mt_fcgi *c, const volatile bool *stopping)
{
    struct mt_http_pair pairs[FCGI_PAIRS];
    struct mt_buf stream;
    struct mt_err err;
    struct mt_http x = {.transport = &transport, .conn = c, .plan = c->plan, .stopping = stopping};

    if (mt_fcgi_begin(c, &err) == 0)
        return false;
    mt_buf_init(&stream, MT_HTTP_PARAMS_MAX);
    c->stdin_ended = c->aborted = false;
    int fits = mt_fcgi_params(c, &stream, &err);
    if (fits < 0) {
        mt_buf_free(&stream);
        return false;
    }
    /* A name and a value have a NUL each, and a length byte each in the stream. */
    char *text = mt_alloc(stream.len + 1);
    if (fits && mt_fcgi_pairs(&stream, text, pairs, &x.n_params)) {
        mt_buf_free(&stream);
        x.params = pairs;
        if (mt_http_open(&x))
            c->plan->serve(&x, c->plan->ctx);
    } else {
        mt_buf_free(&stream);
        too_many(&x);
    }
    mt_http_end(&x);
    bool clean = drain(c);
    mt_http_close(&x);
    free(text);
    c->id = 0;
    return clean && c->keep && !c->broken && !*stopping;
}

void mt_fcgi_connection(const struct mt_http_plan *plan, int fd, const volatile bool *stopping)
{
    struct mt_fcgi c = {.plan = plan, .fd = fd, .in = mt_alloc(FCGI_INPUT)};

    /* Longer than the web server keeps it: whoever closes first must not lose a request. */
    c.patience_ms = 2 * plan->idle_ms;
    struct timeval patience = {.tv_sec = c.patience_ms / 1000,
                               .tv_usec = c.patience_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    c.stdin_ended = true;
    while (serve_one(&c, stopping))
        ;
    mt_fd_close(&c.fd);
    free(c.in);
}
