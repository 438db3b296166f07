/* SPDX-License-Identifier: GPL-2.0-or-later */
/* talk.c - questions and answers on clamd's socket; see clamd(8), COMMANDS. */
#include "scan-clamd/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "proc/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int mt_clamd_connect(const char *path, struct mt_err *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof at.sun_path)
        return mt_fail(err, MT_ERR_CONFIG, "the path of a socket cannot be that long: '%s'", path);
    memcpy(at.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return mt_fail_errno(err, "cannot make a socket");
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    mt_fail_errno(err, "cannot reach clamd at '%s'", path);
    err->code = MT_ERR_BUSY;
    mt_hint(err, "start clamav-daemon, or choose another --scanner");
    close(fd);
    return -1;
}

int mt_watch_check(const struct mt_watch *watch, struct mt_err *err)
{
    const struct mt_scan_request *r = watch->request;

    if (r && r->cancelled && r->cancelled(r->ctx))
        return mt_fail(err, MT_ERR_CANCELLED, "scanning '%s': cancelled", r->name);
    if (mt_mono_us() >= watch->until)
        return mt_fail(err, MT_ERR_TIMEOUT, "clamd did not answer in time");
    return 0;
}

static int await(int fd, short events, const struct mt_watch *watch, struct mt_err *err)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        if (mt_watch_check(watch, err) < 0)
            return -1;
        int n = poll(&p, 1, MT_CLAMD_TICK_MS);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return mt_fail_errno(err, "cannot wait for clamd");
    }
}

int mt_clamd_hear(int fd, char reply[MT_CLAMD_REPLY], size_t *n, struct mt_err *err)
{
    if (*n >= MT_CLAMD_REPLY - 1)
        return mt_fail(err, MT_ERR_FAILED, "clamd's answer has no end");
    ssize_t got = read(fd, reply + *n, MT_CLAMD_REPLY - 1 - *n);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got < 0 || (got == 0 && *n == 0)) {
        if (got < 0)
            mt_fail_errno(err, "clamd has gone");
        else
            mt_fail(err, MT_ERR_BUSY, "clamd closed the connection without an answer");
        err->code = MT_ERR_BUSY;
        return -1;
    }
    *n += (size_t)got;
    reply[*n] = '\0';
    return got == 0 || strlen(reply) < *n;
}

/* Small enough for any socket buffer: one call takes all, or the peer is no clamd. */
static int say(int fd, const char *command, int file, struct mt_err *err)
{
    ssize_t n = send(fd, command, strlen(command) + 1, MSG_NOSIGNAL);

    if (n != (ssize_t)strlen(command) + 1)
        return mt_fail_errno(err, "cannot write to clamd");
    /* One that does not know the command may have answered and hung up already. */
    if (file >= 0 && mt_fd_send(fd, file, "", 1, err) < 0 && err->os_errno != EPIPE)
        return -1;
    return 0;
}

int mt_clamd_ask(const char *path, const char *command, int file, const struct mt_watch *watch,
                 char reply[MT_CLAMD_REPLY], struct mt_err *err)
{
    size_t n = 0;
    int ret = -1;
    int fd = mt_clamd_connect(path, err);

    if (fd < 0)
        return -1;
    if (say(fd, command, file, err) == 0)
        do
            ret = await(fd, POLLIN, watch, err) < 0 ? -1 : mt_clamd_hear(fd, reply, &n, err);
        while (ret == 0);
    mt_fd_close(&fd);
    return ret < 0 ? -1 : 0;
}

bool mt_clamd_judge(const char *reply, struct mt_scan_result *result)
{
    const char *text = strstr(reply, ": ");
    size_t n = strcspn(reply, "\r\n");
    char line[MT_CLAMD_REPLY];

    snprintf(line, sizeof line, "%.*s", (int)n, reply);
    text = strstr(line, ": ");
    if (text && strcmp(text, ": OK") == 0)
        return true;
    if (text && mt_str_ends(text, " FOUND")) {
        line[strlen(line) - strlen(" FOUND")] = '\0';
        mt_scan_found(result, text + 2);
    } else {
        mt_scan_incomplete(result, "clamd answered '%s'", line);
    }
    return false;
}
