/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.h - one exchange of a CGI or FastCGI program: what was asked, and the answer.
 *
 * The web server speaks HTTP; it hands the request over as variables and a
 * stream of bytes, by CGI (RFC 3875) to a process of its own for each request, or
 * by FastCGI 1.0 over a socket to one that stays. Both look alike from here.
 *
 * FastCGI is spoken by this module itself: uploads want a reader that gives up
 * waiting and can be asked again, that takes as much as there is at once, and that
 * tells a body that was cut short from one that has ended. libfcgi's does neither.
 *
 * What a client has sent is checked before a handler sees it: a request that
 * is ambiguous or malformed is answered by 400, 413, 414 or 431 and goes no further.
 * What a handler answers cannot break out of its header line.
 *
 * An exchange belongs to one thread. Text that is lent lives as long as it.
 */
#ifndef MT_HTTP_HTTP_H
#define MT_HTTP_HTTP_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum mt_http_method {
    MT_HTTP_OTHER = 0,
    MT_HTTP_GET = 1 << 0,
    MT_HTTP_HEAD = 1 << 1,
    MT_HTTP_POST = 1 << 2,
    MT_HTTP_PUT = 1 << 3,
    MT_HTTP_PATCH = 1 << 4,
    MT_HTTP_DELETE = 1 << 5,
    MT_HTTP_OPTIONS = 1 << 6,
};

enum {
    MT_HTTP_PARAMS_MAX = 64 * 1024, /* bytes of all variables of a request */
    MT_HTTP_HEADERS_MAX = 100,      /* header fields of a request */
    MT_HTTP_TARGET_MAX = 8000,      /* bytes of path and query as the client wrote them */
    MT_HTTP_QUERY_MAX = 32,         /* parameters in a query */
    MT_HTTP_ID = 65,                /* bytes of a request id with its NUL */
    MT_HTTP_TRACE = 56,             /* bytes of a traceparent with its NUL */
    MT_HTTP_WAIT = -2,              /* see mt_http_read() */
};

struct mt_http; /* one exchange */

struct mt_http_request {
    enum mt_http_method method; /* X-HTTP-Method-Override of a POST counts: PATCH, DELETE, PUT */
    const char *method_name;    /* as the client wrote it */
    const char *target;         /* path and query as the client wrote them */
    /*
     * The path with %XX decoded: begins with '/', valid UTF-8 without control
     * characters, no part is empty (but the last), "." or "..". An encoded '/' is refused.
     */
    const char *path;
    const char *content_type;  /* NULL: none */
    int64_t content_length;    /* bytes; 0: no body; -1: not stated, it ends when it ends */
    const char *address;       /* of the client, as the web server saw it; "" if it does not say */
    bool secure;               /* it came by TLS */
    char id[MT_HTTP_ID];       /* X-Request-Id if that was fit, or a new UUID */
    char trace[MT_HTTP_TRACE]; /* a valid traceparent (W3C Trace Context, level 1), or "" */
};

const struct mt_http_request *mt_http_request(const struct mt_http *x);

/* "get", "patch" ... in upper case; "" for MT_HTTP_OTHER. */
const char *mt_http_method_name(enum mt_http_method method);

/* The value of a header field, "If-None-Match"; NULL if it was not sent. Case does not matter. */
const char *mt_http_header(const struct mt_http *x, const char *name);

/* A variable of the web server, "REMOTE_USER"; NULL if it is not set. */
const char *mt_http_param(const struct mt_http *x, const char *name);

/* A parameter of the query, decoded; NULL if it is not there. None is there twice. */
const char *mt_http_query(const struct mt_http *x, const char *name);

/* The n-th name, from 0; NULL behind the last: for who refuses what it does not know. */
const char *mt_http_query_name(const struct mt_http *x, int n);

/* --- the body --- */

/*
 * Reads up to n bytes: waits at most timeout_ms for the first of them (-1: for as long as the
 * server allows), and takes what else is there without waiting. Gives how many; 0 when the
 * whole body was read; MT_HTTP_WAIT when nothing came in time (ask again); -1 with MT_ERR_TRUNCATED
 * when the client went away before the end, MT_ERR_CANCELLED when the server
 * is stopping, MT_ERR_TIMEOUT when nothing came for as long as the server allows.
 */
ssize_t mt_http_read(struct mt_http *x, void *buf, size_t n, int timeout_ms,
                     struct mt_err *err) MT_MUST_USE;

/* How many bytes of the body were read so far. */
int64_t mt_http_read_so_far(const struct mt_http *x);

/*
 * The whole body as JSON. MT_ERR_UNSUPPORTED_TYPE unless it is said to be application/json in
 * UTF-8, MT_ERR_TOO_LARGE over max bytes, MT_ERR_BAD_DOCUMENT for what is no JSON, has a member
 * twice or is nested too deeply (json/json.h). New.
 */
json_t *mt_http_read_json(struct mt_http *x, size_t max, struct mt_err *err);

/* Whether Content-Type is this type, with whatever parameters: "application/json". */
bool mt_http_is_type(const struct mt_http *x, const char *type);

/* --- the answer --- */

/*
 * Adds a header field to the answer, before it is sent. Control characters in the
 * value become '?'. mt_http_replace() takes away those of the same name first.
 */
void mt_http_add(struct mt_http *x, const char *name, const char *fmt, ...) MT_PRINTF(3, 4);
void mt_http_replace(struct mt_http *x, const char *name, const char *fmt, ...) MT_PRINTF(3, 4);

/*
 * The whole answer, once. Content-Length and X-Request-Id are added; what was
 * asked by HEAD gets no body. type NULL: no body, n is 0. status: 200 to 599, 460 as well. -1
 * when the client has gone.
 */
int mt_http_send(struct mt_http *x, int status, const char *type, const void *data, size_t n,
                 struct mt_err *err) MT_MUST_USE;

/* The same with a JSON body, which is taken. */
int mt_http_json(struct mt_http *x, int status, json_t *body, struct mt_err *err) MT_MUST_USE;

/*
 * An answer of unknown length: begin, write as often as wanted, and nothing at
 * the end. Each write reaches the client at once. -1 when the client has gone.
 */
int mt_http_begin(struct mt_http *x, int status, const char *type, struct mt_err *err) MT_MUST_USE;
int mt_http_write(struct mt_http *x, const void *data, size_t n, struct mt_err *err) MT_MUST_USE;

/* Whether the client has gone, as far as can be known without writing. */
bool mt_http_gone(struct mt_http *x);

/* Whether the server was asked to stop: long answers and long reads come to an end. */
bool mt_http_stopping(const struct mt_http *x);

/* The status that was sent, 0 while none was, and the bytes of the body. */
int mt_http_status(const struct mt_http *x);
int64_t mt_http_sent(const struct mt_http *x);

/* --- problems --- */

/* One kind of problem document (RFC 9457); type is MT_HTTP_PROBLEMS + name. */
struct mt_http_problem_kind {
    const char *name; /* "not-found" */
    int status;
    const char *title;
    const char *meaning; /* a sentence or two for who reads the documentation */
};
#define MT_HTTP_PROBLEMS "/api/v1/media/problems/"
extern const struct mt_http_problem_kind mt_http_problems[]; /* ends with a zeroed one */

/* The one of that name, or NULL. */
const struct mt_http_problem_kind *mt_http_problem_find(const char *name);

/*
 * Answers by a problem document: {"type", "title", "status", "detail", "instance", "request_id"}
 * and the members of more (taken; may be NULL). name: one of mt_http_problems; or a whole URI,
 * whose status and title the caller gives with mt_http_problem_as().
 */
int mt_http_problem(struct mt_http *x, const char *name, json_t *more, struct mt_err *err,
                    const char *fmt, ...) MT_PRINTF(5, 6) MT_MUST_USE;
int mt_http_problem_as(struct mt_http *x, int status, const char *type, const char *title,
                       json_t *more, struct mt_err *err, const char *fmt, ...)
    MT_PRINTF(7, 8) MT_MUST_USE;

/*
 * Answers by what a failure means to a client. Causes that lie with the client
 * are told with message and hint; of others only that there is one, and they are logged with the
 * request id. Does nothing if an answer was begun.
 */
void mt_http_fail(struct mt_http *x, const struct mt_err *failure);

/* --- running --- */

struct mt_http_plan {
    void (*serve)(struct mt_http *x, void *ctx); /* answers one request; called by many threads */
    void (*tick)(void *ctx);                     /* now and then, by a thread of its own; or NULL */
    void (*start)(void *ctx); /* in each process before its first request; or NULL */
    void *ctx;
    int tick_ms;
    int threads;   /* of one process: so many requests at once */
    int processes; /* 1: this one alone */
    int idle_ms;   /* a client that sends or takes nothing for so long is given up */
    int grace_ms;  /* from being asked to stop to ending without those that still work */
};

/* What a process was started as: by whom and how requests come. */
enum mt_http_role {
    MT_HTTP_ALONE,  /* by somebody at a terminal, or a script */
    MT_HTTP_CGI,    /* env holds a request */
    MT_HTTP_SOCKET, /* descriptor 0 listens, or 3 does as systemd says */
};
enum mt_http_role mt_http_role(const char *const *env, int *fd);

/* "unix:/path" (replaced if nobody listens there) or "host:port". A new descriptor in *fd. */
int mt_http_listen(const char *where, int *fd, struct mt_err *err) MT_MUST_USE;

/* One request from env and standard input, answered on standard output. */
int mt_http_cgi(const struct mt_http_plan *plan, const char *const *env,
                struct mt_err *err) MT_MUST_USE;

/*
 * Serves FastCGI on the listening descriptor until SIGTERM or SIGINT: then no more
 * requests are taken, and those under way are ended. SIGHUP ends idle processes' caches through
 * tick. Signals are blocked in all other threads.
 */
int mt_http_serve(const struct mt_http_plan *plan, int fd, struct mt_err *err) MT_MUST_USE;

#endif
