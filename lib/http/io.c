/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io.c - descriptors that are waited for, with an end to the waiting. */
#include "http/internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* 1: ready; 0: the time is over or a signal came; -1: failed. */
static int wait_for(int fd, short events, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n = poll(&p, 1, timeout_ms);

    return n < 0 && errno == EINTR ? 0 : n;
}

/* Bytes, 0 at the end of the stream, MT_HTTP_WAIT, or -1. Pipes (CGI) are not sockets. */
ssize_t mt_http_recv(int fd, const struct iovec *pieces, int n, int timeout_ms, struct mt_err *err)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = (size_t)n};
    ssize_t got = recvmsg(fd, &msg, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == ENOTSOCK)) {
        int ready = wait_for(fd, POLLIN, timeout_ms);
        if (ready == 0)
            return MT_HTTP_WAIT;
        if (ready > 0)
            got = readv(fd, pieces, n);
    }
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return MT_HTTP_WAIT;
    if (got < 0)
        return mt_fail(err, MT_ERR_TRUNCATED, "the client went away");
    return got;
}

ssize_t mt_http_recv_slow(int fd, const struct iovec *piece, struct mt_err *err)
{
    ssize_t got = recv(fd, piece->iov_base, piece->iov_len, 0);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return MT_HTTP_WAIT;
    return got < 0 ? mt_fail(err, MT_ERR_TRUNCATED, "the client went away") : got;
}

/* Skips what was written; returns how many pieces are done with. */
static int advance(struct iovec *pieces, int n, size_t done)
{
    int i = 0;

    while (i < n && done >= pieces[i].iov_len)
        done -= pieces[i++].iov_len;
    if (i < n) {
        pieces[i].iov_base = (char *)pieces[i].iov_base + done;
        pieces[i].iov_len -= done;
    }
    return i;
}

int mt_http_send_all(int fd, struct iovec *pieces, int n, int timeout_ms, struct mt_err *err)
{
    while (n > 0) {
        struct msghdr msg = {.msg_iov = pieces, .msg_iovlen = (size_t)n};
        ssize_t put = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0 && errno == ENOTSOCK)
            put = writev(fd, pieces, n);
        if (put >= 0) {
            int done = advance(pieces, n, (size_t)put);
            pieces += done;
            n -= done;
        } else if (errno == EAGAIN) {
            if (wait_for(fd, POLLOUT, timeout_ms) == 0)
                return mt_fail(err, MT_ERR_TIMEOUT, "the client takes nothing any more");
        } else if (errno != EINTR) {
            return mt_fail(err, MT_ERR_TRUNCATED, "the client went away");
        }
    }
    return 0;
}
