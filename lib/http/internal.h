/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/http only. */
#ifndef MT_HTTP_INTERNAL_H
#define MT_HTTP_INTERNAL_H

#include "http/http.h"

#include <sys/uio.h>

struct mt_http_pair {
    const char *name, *value;
};

/* How bytes come and go; conn is the transport's own. */
struct mt_http_transport {
    /* As mt_http_read(), without the length that was stated. */
    ssize_t (*read)(void *conn, void *buf, size_t n, int timeout_ms, struct mt_err *err);
    /* All of the n pieces; last: nothing follows. */
    int (*write)(void *conn, const struct iovec *pieces, int n, bool last, struct mt_err *err);
    bool (*gone)(void *conn);
};

struct mt_http {
    struct mt_http_request request;
    const struct mt_http_transport *transport;
    void *conn;
    const struct mt_http_plan *plan;
    const volatile bool *stopping;

    /* The variables: names and values lie in memory of whoever made the exchange. */
    struct mt_http_pair *params;
    int n_params;

    char *target, *path, *query_text;
    struct mt_http_pair query[MT_HTTP_QUERY_MAX];
    int n_query;

    int64_t read; /* of the body */
    bool read_all, read_failed;

    struct mt_buf headers; /* of the answer, "Name: value\r\n" */
    int status;            /* 0: nothing was sent yet */
    int64_t sent;          /* of its body */
    bool ended;
};

/*
 * Fills the exchange from its variables, and checks them. False: the request was refused, and
 * answered.
 */
bool mt_http_open(struct mt_http *x);
void mt_http_close(struct mt_http *x);

/* Answers, if nobody has, and ends the answer. */
void mt_http_end(struct mt_http *x);

/* Whether all of the body was taken from the client. */
bool mt_http_body_ended(const struct mt_http *x);

/* target.c: path and query. NULL, or the name of the problem. */
const char *mt_http_parse_target(struct mt_http *x, const char *target);

/* io.c: with the idle time of the plan; EINTR ends a wait when stopping is set. */
ssize_t mt_http_recv(int fd, const struct iovec *pieces, int n, int timeout_ms, struct mt_err *err);

/* The same for a socket that has SO_RCVTIMEO: waits as long as that says, in one system call. */
ssize_t mt_http_recv_slow(int fd, const struct iovec *piece, struct mt_err *err);
int mt_http_send_all(int fd, struct iovec *pieces, int n, int timeout_ms, struct mt_err *err);

/* fcgi.c: serves the requests of one connection, and closes it. */
void mt_fcgi_connection(const struct mt_http_plan *plan, int fd, const volatile bool *stopping);

#endif
