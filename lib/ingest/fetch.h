/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch.h - bytes from the network, by curl(1).
 *
 * The host is looked up here, once, and curl is told to connect to that very
 * address, whatever the name means a moment later. curl follows no redirects and
 * reads no configuration, proxies or credentials; each redirect is looked at here like the
 * first URL. Its standard output is the header and then the body.
 */
#ifndef MT_INGEST_FETCH_H
#define MT_INGEST_FETCH_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct mt_fetch;

struct mt_fetch_rules {
    bool allow_private; /* addresses of private networks too */
    bool allow_http;    /* without TLS too */
    int64_t max_bytes;
    int64_t wall_us;
};

/*
 * Opens the URL up to the first byte of the body. MT_ERR_POLICY for what may not be
 * fetched, MT_ERR_NO_FILE (404, 410), MT_ERR_UNREADABLE (401, 403), MT_ERR_BUSY
 * (429, 5xx, no connection), MT_ERR_TOO_LARGE, MT_ERR_UNAVAILABLE without curl.
 */
int mt_fetch_open(struct mt_fetch **out, const char *url, const struct mt_fetch_rules *rules,
                  struct mt_err *err) MT_MUST_USE;

/* The name of the file, from Content-Disposition or else the first URL's path. */
const char *mt_fetch_name(const struct mt_fetch *fetch);

/* The body; nothing of it has been read. Stays fetch's. */
int mt_fetch_fd(const struct mt_fetch *fetch);

/* After the last byte: whether it was the last. Frees *fetch. */
int mt_fetch_end(struct mt_fetch **fetch, struct mt_err *err) MT_MUST_USE;

/* Ends it at any point. Nothing if it is NULL. */
void mt_fetch_close(struct mt_fetch **fetch);

#endif
