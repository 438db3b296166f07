/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fcgi_params.c - how a request begins: its role and its variables. */
#include "http/fcgi.h"

#include <string.h>

/* 1: a request has begun; 0: the connection is over. */
int mt_fcgi_begin(struct mt_fcgi *c, struct mt_err *err)
{
    for (;;) {
        ssize_t got = mt_fcgi_next(c, c->patience_ms, err);
        if (got <= 0)
            return 0;
        if (c->type != FCGI_BEGIN || c->record_id == 0) {
            if (mt_fcgi_other(c, err) < 0)
                return 0;
            continue;
        }
        const unsigned char *body = c->content >= 8 ? mt_fcgi_whole(c, FCGI_INPUT / 2, err) : NULL;
        if (!body)
            return 0;
        c->id = c->record_id;
        c->keep = body[2] & FCGI_KEEP;
        if ((body[0] << 8 | body[1]) == FCGI_RESPONDER)
            return 1;
        if (mt_fcgi_send_end(c, c->id, FCGI_UNKNOWN_ROLE, err) < 0)
            return 0;
        c->id = 0;
    }
}

/*
 * Collects the stream of variables. 1: all there; 0: too many, the rest was
 * passed over; -1: the connection is over.
 */
int mt_fcgi_params(struct mt_fcgi *c, struct mt_buf *stream, struct mt_err *err)
{
    int fits = 1;

    for (;;) {
        ssize_t got = mt_fcgi_next(c, c->plan->idle_ms, err);
        if (got <= 0)
            return -1;
        if (c->type != FCGI_PARAMS || c->record_id != c->id) {
            if (mt_fcgi_other(c, err) < 0 || c->aborted)
                return -1;
            continue;
        }
        if (c->content == 0)
            return fits;
        while (c->content > 0) {
            size_t n = c->end - c->at < c->content ? c->end - c->at : c->content;
            fits = fits && mt_buf_add(stream, c->in + c->at, n, err) == 0;
            c->at += n;
            c->content -= n;
            if (c->content > 0 && mt_fcgi_fill(c, c->plan->idle_ms, err) <= 0)
                return -1;
        }
    }
}

static bool length_of(const unsigned char **p, const unsigned char *end, size_t *n)
{
    if (end - *p >= 1 && !(**p & 0x80)) {
        *n = *(*p)++;
        return true;
    }
    if (end - *p < 4)
        return false;
    *n = (size_t)((*p)[0] & 0x7f) << 24 | (size_t)(*p)[1] << 16 | (size_t)(*p)[2] << 8 | (*p)[3];
    *p += 4;
    return true;
}

/* The pairs of the stream, copied so that each is a string. False: malformed, too many, or a NUL.
 */
bool mt_fcgi_pairs(const struct mt_buf *stream, char *to, struct mt_http_pair *pairs, int *n)
{
    const unsigned char *p = (const unsigned char *)stream->data;
    const unsigned char *end = p + stream->len;

    for (*n = 0; p < end; (*n)++) {
        size_t lengths[2];
        const char *texts[2];
        if (*n == FCGI_PAIRS || !length_of(&p, end, &lengths[0]) ||
            !length_of(&p, end, &lengths[1]) || lengths[0] > (size_t)(end - p) ||
            lengths[1] > (size_t)(end - p) - lengths[0])
            return false;
        for (int i = 0; i < 2; i++) {
            if (memchr(p, '\0', lengths[i]))
                return false;
            memcpy(to, p, lengths[i]);
            to[lengths[i]] = '\0';
            texts[i] = to;
            to += lengths[i] + 1;
            p += lengths[i];
        }
        pairs[*n] = (struct mt_http_pair){texts[0], texts[1]};
    }
    return true;
}
