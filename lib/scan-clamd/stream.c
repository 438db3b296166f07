/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream.c - windows of a file through several connections at once (INSTREAM). */
#include "scan-clamd/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "scan-clamd/scan_clamd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Default limits of time are 120 s; a window that took long may have met one. */
enum { LANES = 4, CHUNK = 256 << 10, SLOW_US = 100 * 1000 * 1000 };

/* One window on its way. */
struct lane {
    int fd;          /* -1: idle */
    int64_t at, end; /* of the file, still to be read */
    int64_t counts;  /* bytes that no earlier window has */
    int64_t began;
    bool sent_all;
    size_t n, done; /* of out */
    char *out;      /* length, bytes */
    char reply[MT_CLAMD_REPLY];
    size_t n_reply;
};

struct stream {
    const char *path;
    const struct mt_scan_request *request;
    struct mt_scan_result *result;
    struct mt_windows windows;
    int next, count, clean;
    struct lane lanes[LANES];
};

static int begin(struct stream *s, struct lane *lane, struct mt_err *err)
{
    static const char command[] = "zINSTREAM";
    int64_t from, len;

    lane->counts = mt_windows_at(&s->windows, s->next++, &from, &len);
    lane->at = from;
    lane->end = from + len;
    lane->began = mt_mono_us();
    lane->sent_all = false;
    lane->n = sizeof command;
    lane->done = lane->n_reply = 0;
    memcpy(lane->out, command, sizeof command);
    lane->fd = mt_clamd_connect(s->path, err);
    return lane->fd < 0 ? -1 : 0;
}

/* The next chunk with its length before it, or the empty one that ends the stream. */
static int load(const struct stream *s, struct lane *lane, struct mt_err *err)
{
    int64_t left = lane->end - lane->at;
    uint32_t n = left > CHUNK ? CHUNK : (uint32_t)left;
    uint32_t length = htonl(n);

    memcpy(lane->out, &length, sizeof length);
    ssize_t got = n ? mt_pread_full(s->request->fd, lane->out + sizeof length, n, lane->at) : 0;
    if (got < 0)
        return mt_fail_errno(err, "cannot read '%s' for the scan", s->request->name);
    if (got < (ssize_t)n)
        return mt_fail(err, MT_ERR_CHANGED, "'%s' became shorter", s->request->name);
    lane->at += n;
    lane->n = sizeof length + n;
    lane->done = 0;
    lane->sent_all = n == 0;
    return 0;
}

/* A daemon that refuses answers before all is sent; what it says is heard next. */
static int push(const struct stream *s, struct lane *lane, struct mt_err *err)
{
    ssize_t n = send(lane->fd, lane->out + lane->done, lane->n - lane->done, MSG_NOSIGNAL);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0) {
        lane->sent_all = true;
        lane->done = lane->n;
        return 0;
    }
    lane->done += (size_t)n;
    return lane->done == lane->n && !lane->sent_all ? load(s, lane, err) : 0;
}

/* A window's answer is there. 1: clean so far; 0: the verdict stands. */
static int conclude(struct stream *s, struct lane *lane)
{
    struct mt_scan_result *r = s->result;

    mt_fd_close(&lane->fd);
    if (!mt_clamd_judge(lane->reply, r))
        return 0;
    if (mt_mono_us() - lane->began > SLOW_US) {
        mt_scan_incomplete(r, "clamd took so long that it may have met its limit of time");
        return 0;
    }
    r->bytes_scanned += lane->counts;
    s->clean++;
    if (s->request->progress)
        s->request->progress(s->request->ctx, r->bytes_scanned);
    return 1;
}

/* What became possible on one connection. 1: go on, 0: the verdict stands. */
static int serve(struct stream *s, struct lane *lane, short ready, struct mt_err *err)
{
    if (ready & (POLLIN | POLLHUP | POLLERR)) {
        int heard = mt_clamd_hear(lane->fd, lane->reply, &lane->n_reply, err);
        if (heard != 0)
            return heard < 0 ? -1 : conclude(s, lane);
    }
    return ready & POLLOUT && push(s, lane, err) < 0 ? -1 : 1;
}

/* Gives idle lanes the next windows. */
static int fill(struct stream *s, struct mt_err *err)
{
    for (int i = 0; i < LANES && s->next < s->count; i++)
        if (s->lanes[i].fd < 0 && begin(s, &s->lanes[i], err) < 0)
            return -1;
    return 0;
}

/* One round over all connections. 1: go on, 0: done, or the verdict stands. */
static int turn(struct stream *s, const struct mt_watch *watch, struct mt_err *err)
{
    struct pollfd p[LANES];
    int go_on = 1;

    if (fill(s, err) < 0 || mt_watch_check(watch, err) < 0)
        return -1;
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &s->lanes[i];
        bool idle = lane->sent_all && lane->done == lane->n;
        p[i] = (struct pollfd){.fd = lane->fd, .events = (short)(POLLIN | (idle ? 0 : POLLOUT))};
    }
    if (poll(p, LANES, MT_CLAMD_TICK_MS) < 0)
        return errno == EINTR ? 1 : mt_fail_errno(err, "cannot wait for clamd");
    for (int i = 0; i < LANES && go_on == 1; i++)
        if (p[i].fd >= 0 && p[i].revents)
            go_on = serve(s, &s->lanes[i], p[i].revents, err);
    return go_on == 1 ? s->clean < s->count : go_on;
}

int mt_clamd_stream(const char *path, const struct mt_scan_request *request,
                    const struct mt_watch *watch, struct mt_scan_result *result, struct mt_err *err)
{
    struct stream s = {.path = path,
                       .request = request,
                       .result = result,
                       .windows = {request->size, MT_CLAMD_WINDOW}};
    int ret;

    s.count = mt_windows_count(&s.windows);
    result->windows = s.count > 1 ? s.count : 0;
    result->missed = s.count > 1 ? MT_MISS_WINDOWS : 0;
    for (int i = 0; i < LANES; i++) {
        s.lanes[i].fd = -1;
        s.lanes[i].out = mt_alloc(CHUNK + sizeof(uint32_t));
    }
    do
        ret = turn(&s, watch, err);
    while (ret == 1);
    if (ret == 0 && s.clean == s.count)
        result->verdict = MT_SCAN_CLEAN;
    for (int i = 0; i < LANES; i++) {
        mt_fd_close(&s.lanes[i].fd);
        free(s.lanes[i].out);
    }
    return ret;
}
