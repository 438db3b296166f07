/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper.c - media-picture --serve, kept running for a batch of pictures. */
#include "thumbs/internal.h"

#include "base/mem.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "proc/proc.h"
#include "worker/inbox.h"
#include "json/json.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 100 };

struct mt_thumbs_helper {
    struct mt_proc *proc;
};

void mt_thumbs_end(struct mt_thumbs *spec)
{
    if (!spec->helper)
        return;
    mt_proc_finish(&spec->helper->proc, NULL);
    free(spec->helper);
    spec->helper = NULL;
}

static int start(struct mt_thumbs *spec, struct mt_err *err)
{
    char *path = mt_sibling(spec->dir, "media-picture");
    struct mt_proc *proc = NULL;

    if (!path) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "media-picture is not beside this program");
        return mt_hint(err, "install all programs of the toolkit in one directory");
    }
    const char *const argv[] = {path, "--serve", "--quiet", "--progress=none", "--config=/dev/null",
                                NULL};
    int ret = mt_proc_start(&proc, argv, MT_PROC_SOCKET, err);
    free(path);
    if (ret < 0)
        return -1;
    spec->helper = mt_alloc(sizeof *spec->helper);
    spec->helper->proc = proc;
    return 0;
}

static int fail_gone(struct mt_err *err)
{
    mt_fail(err, MT_ERR_CRASHED, "media-picture ended without an answer");
    return mt_hint(err, "see whether media-picture -V works, and what ulimit -a allows");
}

/* Waits for bytes; a signal that asks to stop ends it. */
static int await(int fd, struct mt_err *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    while (!mt_stop_signal()) {
        int n = poll(&p, 1, ASK_MS);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return mt_fail_errno(err, "cannot wait for media-picture");
        mt_progress_poll();
    }
    return mt_fail(err, MT_ERR_CANCELLED, "cancelled");
}

typedef int hear_fn(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err);

/* Hands on the lines of one answer. *whole: it has been read to its end. */
static int hear_all(int fd, hear_fn *on_line, void *ctx, bool *whole, struct mt_err *err)
{
    struct mt_inbox inbox;
    struct mt_inbox_line line;
    int got = 0, ret = 0;

    mt_inbox_init(&inbox);
    while (ret == 0 && !inbox.ended) {
        ssize_t n = await(fd, err) < 0 ? -1 : mt_inbox_fill(&inbox, fd, err);
        if (n == 0)
            ret = fail_gone(err);
        else if (n < 0)
            ret = -1;
        while (ret == 0 && (got = mt_inbox_next(&inbox, &line, err)) == 1) {
            ret = on_line(ctx, line.value, line.data, line.n, err);
            mt_inbox_done(&line);
        }
        if (got < 0)
            ret = -1;
    }
    *whole = inbox.ended;
    if (ret == 0)
        ret = mt_inbox_result(&inbox, err);
    mt_inbox_free(&inbox);
    return ret;
}

int mt_helper_picture(struct mt_thumbs *spec, int fd, const json_t *request, hear_fn *on_line,
                      void *ctx, struct mt_err *err)
{
    bool whole = false;
    int ret = spec->helper ? 0 : start(spec, err);

    if (ret < 0)
        return -1;
    int socket = mt_proc_fd(spec->helper->proc);
    char *text = mt_json_compact(request);
    ret = mt_fd_send(socket, fd, text, strlen(text), err);
    free(text);
    if (ret < 0 && (err->os_errno == EPIPE || err->os_errno == ECONNRESET))
        fail_gone(err);
    if (ret == 0)
        ret = hear_all(socket, on_line, ctx, &whole, err);
    if (!whole) {
        mt_proc_kill(spec->helper->proc);
        mt_thumbs_end(spec);
    }
    return ret;
}
