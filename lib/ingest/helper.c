/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper.c - see helper.h. */
#include "ingest/helper.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/signals.h"
#include "proc/proc.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 16 << 20, NAME_SHOWN = 512 };

struct mt_helper {
    char *dir;
    json_t *limits;
    struct mt_proc *proc;
    struct mt_lines lines;
    bool asked; /* an answer is on its way */
};

void mt_helper_open(struct mt_helper **out, const char *dir, const struct mt_helper_limits *l)
{
    *out = mt_alloc(sizeof **out);
    (*out)->dir = mt_strdup(dir);
    (*out)->limits = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "pixels", (json_int_t)l->pixels, "side",
        (json_int_t)l->side_px, "streams", (json_int_t)l->streams, "duration_us",
        (json_int_t)l->duration_us, "frames", (json_int_t)l->frames, "memory",
        (json_int_t)l->memory_bytes, "wall_us", (json_int_t)l->wall_us, "thorough", l->thorough);
}

static void stop(struct mt_helper *helper)
{
    if (!helper->proc)
        return;
    helper->asked = false;
    mt_lines_free(&helper->lines);
    mt_proc_finish(&helper->proc, NULL);
}

void mt_helper_close(struct mt_helper **helper)
{
    if (!*helper)
        return;
    stop(*helper);
    json_decref((*helper)->limits);
    free((*helper)->dir);
    free(*helper);
    *helper = NULL;
}

static int start(struct mt_helper *helper, struct mt_err *err)
{
    char *path = mt_sibling(helper->dir, "media-probe");

    if (!path) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "media-probe is not beside this program");
        return mt_hint(err, "install all programs of the toolkit in one directory");
    }
    const char *const argv[] = {path, "--serve", "--quiet", "--progress=none", "--config=/dev/null",
                                NULL};
    int ret = mt_proc_start(&helper->proc, argv, MT_PROC_SOCKET, err);
    free(path);
    if (ret == 0)
        mt_lines_init(&helper->lines, mt_proc_fd(helper->proc), '\n', ANSWER_MAX);
    helper->lines.name = "media-probe";
    helper->lines.interrupted = mt_stop_signal;
    return ret;
}

static void fail_gone(struct mt_err *err)
{
    mt_fail(err, MT_ERR_CRASHED, "media-probe ended without an answer");
    mt_hint(err, "see whether media-probe works on the file alone, and what ulimit -a allows");
}

static int send_request(struct mt_helper *helper, int fd, const char *name, struct mt_err *err)
{
    char *shown = mt_text_printable(name, NAME_SHOWN);
    json_t *request =
        json_pack("{s:o, s:O}", "name", mt_json_text(shown), "limits", helper->limits);
    char *text = mt_json_compact(request);

    int ret = mt_fd_send(mt_proc_fd(helper->proc), fd, text, strlen(text), err);
    if (ret < 0 && (err->os_errno == EPIPE || err->os_errno == ECONNRESET))
        fail_gone(err);
    free(text);
    json_decref(request);
    free(shown);
    return ret;
}

/* The answer as JSON; NULL when the helper is gone. */
static json_t *read_answer(struct mt_helper *helper, struct mt_err *err)
{
    char *line;
    size_t n;
    int got = mt_lines_next(&helper->lines, &line, &n, err);

    if (got == 1)
        return mt_json_parse("media-probe", line, n, err);
    if (got == 0 || err->os_errno == ECONNRESET)
        fail_gone(err);
    return NULL;
}

void mt_helper_begin(struct mt_helper *helper, int fd, const char *name)
{
    struct mt_err err; /* mt_helper_ask() will meet it again */

    if (helper->proc || start(helper, &err) == 0)
        helper->asked = send_request(helper, fd, name, &err) == 0;
    if (helper->proc && !helper->asked)
        stop(helper);
}

json_t *mt_helper_ask(struct mt_helper *helper, int fd, const char *name, json_t **seen,
                      struct mt_err *err)
{
    json_t *answer = NULL;

    *seen = NULL;
    for (int attempt = 0; attempt < 2 && !answer && !mt_stop_signal(); attempt++) {
        if (!helper->proc && start(helper, err) < 0)
            return NULL;
        if (helper->asked || send_request(helper, fd, name, err) == 0)
            answer = read_answer(helper, err);
        helper->asked = false;
        if (!answer)
            stop(helper);
    }
    json_t *ok = json_incref(mt_json_at(answer, "ok"));
    if (answer && !ok) {
        mt_err_from_json(mt_json_at(answer, "error"), err);
        *seen = json_incref(mt_json_at(answer, "seen"));
    }
    json_decref(answer);
    return ok;
}
