/* SPDX-License-Identifier: GPL-2.0-or-later */
/* serve.c - scans for a program that does not load libclamav itself; see clam.h. */
#include "clam/clam.h"

#include "base/file.h"
#include "base/mem.h"
#include "proc/proc.h"
#include "json/json.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192 };

struct serving {
    struct mt_clam *clam;
    int socket;
    FILE *out;
};

static bool is_called_off(void *ctx)
{
    const struct serving *s = ctx;
    struct pollfd p = {.fd = s->socket, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

static void show(void *ctx, int64_t bytes)
{
    const struct serving *s = ctx;
    json_t *line = json_pack("{s:I}", "progress", (json_int_t)bytes);
    struct mt_err err;

    if (mt_json_write(s->out, line, false, &err) < 0) {
        /* The peer has gone, which is_called_off() sees as well. */
    }
    json_decref(line);
}

/* The scan's answer, never NULL. */
static json_t *answer(struct serving *s, const json_t *ask, int fd)
{
    struct mt_scan_request request = {.fd = fd,
                                      .size = mt_json_int(ask, "size", 0),
                                      .name = mt_json_str(ask, "name", "?"),
                                      .wall_us = mt_json_int(ask, "wall_us", 0),
                                      .cancelled = is_called_off,
                                      .progress = show,
                                      .ctx = s};
    struct mt_scan_result result = {
        .verdict = MT_SCAN_INCOMPLETE, .database_age_s = -1, .bytes_total = request.size};
    struct mt_err err;

    if (mt_clam_scan(s->clam, &request, &result, &err) < 0) {
        if (err.code == MT_ERR_CANCELLED)
            return json_pack("{s:b}", "cancelled", 1);
        mt_scan_incomplete(&result, "%s", err.msg);
    }
    return json_pack("{s:o}", "ok", mt_scan_to_json(&result));
}

/* The last line of what arrived: one that cancelled an earlier scan may stand before it. */
static json_t *last_line(char *text, size_t n, struct mt_err *err)
{
    while (n > 0 && text[n - 1] == '\n')
        n--;
    char *before = n ? memrchr(text, '\n', n) : NULL;
    size_t from = before ? (size_t)(before + 1 - text) : 0;

    return mt_json_parse("request", text + from, n - from, err);
}

int mt_clam_serve(struct mt_clam *clam, int socket, struct mt_err *err)
{
    struct serving s = {.clam = clam, .socket = socket, .out = fdopen(dup(socket), "w")};
    char text[REQUEST_MAX];
    int ret = 0;

    if (!s.out)
        return mt_fail_errno(err, "cannot answer on the socket");
    while (ret == 0) {
        int fd;
        ssize_t n = mt_fd_receive(socket, &fd, text, sizeof text, err);
        if (n <= 0) {
            ret = (int)n;
            break;
        }
        if (fd < 0)
            continue;
        json_t *ask = last_line(text, (size_t)n, err);
        json_t *reply = ask ? answer(&s, ask, fd) : NULL;
        ret = reply ? mt_json_write(s.out, reply, false, err) : -1;
        json_decref(reply);
        json_decref(ask);
        mt_fd_close(&fd);
    }
    fclose(s.out);
    return ret;
}
