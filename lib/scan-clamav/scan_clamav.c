/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan_clamav.c - see scan_clamav.h. */
#include "scan-clamav/scan_clamav.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "proc/proc.h"
#include "json/json.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define HELPER "media-scan"
#define DATABASE "/var/lib/clamav"

/* Loading all signatures takes tens of seconds on a slow machine. */
#define GRACE_US (INT64_C(300) * 1000000)

enum { ANSWER_MAX = 1 << 20, NAME_SHOWN = 512, TICK_MS = 100 };

struct clamav {
    char *dir, *database;
    struct mt_proc *proc; /* NULL: not started */
    struct mt_lines lines;
};

static bool has_signatures(const char *database)
{
    static const char *const ends[] = {".cvd", ".cld", ".cud", ".ndb", ".hdb",
                                       ".hsb", ".ldb", ".mdb", ".yar", ".yara"};
    DIR *dir = opendir(database);
    struct dirent *e;
    bool found = false;

    while (dir && !found && (e = readdir(dir)))
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
            found |= mt_str_ends(e->d_name, ends[i]);
    if (dir)
        closedir(dir);
    return found;
}

static bool detect(const struct mt_scan_config *config, char *rest, size_t size)
{
    char *path = mt_sibling(config->dir, HELPER);
    bool there = path && has_signatures(DATABASE);

    free(path);
    if (there)
        snprintf(rest, size, "%s", "");
    return there;
}

static int open_clamav(void *priv, const char *rest, const struct mt_scan_config *config,
                       struct mt_err *err)
{
    struct clamav *c = priv;

    if (*rest && *rest != '/')
        return mt_fail(err, MT_ERR_CONFIG,
                       "clamav: takes the path of a signature database, not '%s'", rest);
    c->dir = mt_strdup(config->dir);
    c->database = mt_strdup(*rest ? rest : DATABASE);
    return 0;
}

static void stop(struct clamav *c)
{
    if (!c->proc)
        return;
    mt_lines_free(&c->lines);
    mt_proc_finish(&c->proc, NULL);
}

static void close_clamav(void *priv)
{
    struct clamav *c = priv;

    stop(c);
    free(c->dir);
    free(c->database);
}

static int start(struct clamav *c, struct mt_err *err)
{
    char *path = mt_sibling(c->dir, HELPER);

    if (!path) {
        mt_fail(err, MT_ERR_UNAVAILABLE, HELPER " is not beside this program");
        return mt_hint(err, "install all programs of the toolkit in one directory");
    }
    const char *const argv[] = {path,      "--serve",         "--database", c->database,
                                "--quiet", "--progress=none", NULL};
    int ret = mt_proc_start(&c->proc, argv, MT_PROC_SOCKET, err);
    free(path);
    if (ret == 0)
        mt_lines_init(&c->lines, mt_proc_fd(c->proc), '\n', ANSWER_MAX);
    return ret;
}

static int ask(struct clamav *c, const struct mt_scan_request *request, struct mt_err *err)
{
    char *shown = mt_text_printable(request->name, NAME_SHOWN);
    json_t *line = json_pack("{s:o, s:I, s:I}", "name", mt_json_text(shown), "size",
                             (json_int_t)request->size, "wall_us", (json_int_t)request->wall_us);
    char *text = mt_json_compact(line);
    char *whole = mt_asprintf("%s\n", text);
    int ret = mt_fd_send(mt_proc_fd(c->proc), request->fd, whole, strlen(whole), err);

    free(whole);
    free(text);
    json_decref(line);
    free(shown);
    return ret;
}

/* Tells the helper to stop, once. It still answers. */
static void call_off(struct clamav *c, bool *called_off)
{
    if (!*called_off && send(mt_proc_fd(c->proc), "\n", 1, MSG_NOSIGNAL) < 0) {
        /* It has gone; its answer will be the end of the connection. */
    }
    *called_off = true;
}

/* Waits for a line, asking meanwhile whether to go on. */
static int await_line(struct clamav *c, const struct mt_scan_request *request, int64_t until,
                      bool *called_off, struct mt_err *err)
{
    const struct mt_buf *buf = &c->lines.buf;
    struct pollfd p = {.fd = mt_proc_fd(c->proc), .events = POLLIN};

    if (buf->len > c->lines.used &&
        memchr(buf->data + c->lines.used, '\n', buf->len - c->lines.used))
        return 0;
    for (;;) {
        int n = poll(&p, 1, TICK_MS);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return mt_fail_errno(err, "cannot wait for " HELPER);
        if (request->cancelled && request->cancelled(request->ctx))
            call_off(c, called_off);
        if (mt_mono_us() > until)
            return mt_fail(err, MT_ERR_TIMEOUT, HELPER " did not answer in time");
    }
}

/* The answer, past the lines of progress. New; NULL when the helper is gone. */
static json_t *hear(struct clamav *c, const struct mt_scan_request *request, struct mt_err *err)
{
    int64_t until = mt_mono_us() + request->wall_us + GRACE_US;
    bool called_off = false;
    char *text;
    size_t n;

    for (;;) {
        if (await_line(c, request, until, &called_off, err) < 0)
            return NULL;
        int got = mt_lines_next(&c->lines, &text, &n, err);
        if (got == 0)
            mt_fail(err, MT_ERR_CRASHED, HELPER " ended without an answer");
        json_t *line = got == 1 ? mt_json_parse(HELPER, text, n, err) : NULL;
        if (!line || !mt_json_at(line, "progress"))
            return line;
        if (request->progress)
            request->progress(request->ctx, mt_json_int(line, "progress", 0));
        json_decref(line);
    }
}

static int scan(void *priv, const struct mt_scan_request *request, struct mt_scan_result *result,
                struct mt_err *err)
{
    struct clamav *c = priv;

    bool asked = c->proc && ask(c, request, err) == 0;
    if (!asked) {
        stop(c); /* it died while it had nothing to do, or was never started */
        asked = start(c, err) == 0 && ask(c, request, err) == 0;
    }
    json_t *answer = asked ? hear(c, request, err) : NULL;
    if (!answer) {
        stop(c);
        return -1;
    }
    bool cancelled = mt_json_bool(answer, "cancelled", false);
    if (!cancelled)
        mt_scan_from_json(mt_json_at(answer, "ok"), result);
    result->bytes_total = request->size;
    json_decref(answer);
    return cancelled ? mt_fail(err, MT_ERR_CANCELLED, "scanning '%s': cancelled", request->name)
                     : 0;
}

const struct mt_scan_driver mt_scan_clamav = {
    .scheme = "clamav",
    .help = "libclamav, jailed: clamav: or clamav:/path/to/database",
    .priv_size = sizeof(struct clamav),
    .detect = detect,
    .open = open_clamav,
    .close = close_clamav,
    .scan = scan,
};
