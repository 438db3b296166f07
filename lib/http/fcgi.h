/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fcgi.h - records and requests of FastCGI; shared by the files of lib/http only. */
#ifndef MT_HTTP_FCGI_H
#define MT_HTTP_FCGI_H

#include "http/internal.h"

enum {
    FCGI_BEGIN = 1,
    FCGI_ABORT = 2,
    FCGI_END = 3,
    FCGI_PARAMS = 4,
    FCGI_STDIN = 5,
    FCGI_STDOUT = 6,
    FCGI_GET_VALUES = 9,
    FCGI_GET_VALUES_RESULT = 10,
    FCGI_UNKNOWN = 11,
    FCGI_VERSION = 1,
    FCGI_RESPONDER = 1,
    FCGI_KEEP = 1,
    FCGI_CANNOT_MULTIPLEX = 1,
    FCGI_UNKNOWN_ROLE = 3,
    FCGI_HEADER = 8,
    FCGI_CONTENT_MAX = 65528, /* of one record, so that no padding is needed */
    FCGI_INPUT = 32 * 1024,
    FCGI_PAIRS = 256,
    FCGI_LINGER_MS = 2000,
    FCGI_LINGER_MAX = 64 << 20,
};

/* One connection of a web server. */
struct mt_fcgi {
    const struct mt_http_plan *plan;
    int fd;
    int id;          /* of the request; 0: none is open */
    int patience_ms; /* between requests; the socket's SO_RCVTIMEO */
    bool keep, broken;
    bool stdin_ended, aborted;
    int type;       /* of the record under way */
    int record_id;  /* its request */
    size_t content; /* bytes of it still to come */
    size_t padding;
    size_t at, end;
    unsigned char *in; /* FCGI_INPUT bytes, of which [at, end) are unread */
    char *params;      /* the names and values of the request, each with a NUL behind */
    size_t n_params;   /* bytes */
};

/* fcgi_record.c: 1 for the next record's header, 0 at the end, MT_HTTP_WAIT, -1. */
ssize_t mt_fcgi_next(struct mt_fcgi *c, int timeout_ms, struct mt_err *err);

/* Reads more behind what is there: 1, 0 at the end, MT_HTTP_WAIT, -1. */
ssize_t mt_fcgi_fill(struct mt_fcgi *c, int timeout_ms, struct mt_err *err);

/* Waits for all of the record's content, at most max bytes. NULL on failure. */
const unsigned char *mt_fcgi_whole(struct mt_fcgi *c, size_t max, struct mt_err *err);

/* A record that is none of the open request's stream: 0, or -1 to give up the connection. */
int mt_fcgi_other(struct mt_fcgi *c, struct mt_err *err);

void mt_fcgi_header(unsigned char h[FCGI_HEADER], int type, int id, size_t n);
int mt_fcgi_send(struct mt_fcgi *c, struct iovec *pieces, int n, struct mt_err *err);
int mt_fcgi_send_end(struct mt_fcgi *c, int id, int protocol_status, struct mt_err *err);

/* fcgi_params.c: 1 when a request has begun, 0 when the connection is over. */
int mt_fcgi_begin(struct mt_fcgi *c, struct mt_err *err);

/* The stream of variables. 1: all there; 0: too many, and passed over; -1: the connection is over.
 */
int mt_fcgi_params(struct mt_fcgi *c, struct mt_buf *stream, struct mt_err *err);

/*
 * Its pairs, copied to memory of stream->len + 1 bytes so that each is a string. False: malformed,
 * more than FCGI_PAIRS, or a NUL in one.
 */
bool mt_fcgi_pairs(const struct mt_buf *stream, char *to, struct mt_http_pair *pairs, int *n);

#endif
