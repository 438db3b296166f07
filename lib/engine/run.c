/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run.c - engines at work: their lines, and how they end. */
#include "engine/check.h"
#include "engine/child.h"
#include "engine/engine.h"
#include "engine/paths.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define GRACE_US INT64_C(5000000) /* between SIGTERM and SIGKILL */

enum { SLOTS_MAX = 64 };

/* One running task. */
struct slot {
    struct mt_engine_child child;
    int task;
    int64_t line; /* number of the line read last */
    int findings;
    double done;
    bool running, ended; /* ended: it has said so */
};

struct crew {
    const struct mt_engine *engine;
    const struct mt_engine_task *tasks;
    int n, jobs, next, finished;
    const struct mt_engine_run *run;
    char **readable;
    int64_t until_us;
    struct slot slots[SLOTS_MAX];
};

static json_t *first_line(const struct crew *crew, const struct mt_engine_task *task)
{
    json_t *options = json_object_get(crew->run->host->options, crew->engine->name);
    json_t *line =
        json_pack("{s:s, s:i, s:s, s:O}", "type", "start", "protocol", MT_ENGINE_PROTOCOL,
                  "analysis", crew->run->type, "options", options ? options : json_null());

    if (!options)
        json_object_set_new(line, "options", json_object());
    json_object_update(line, (json_t *)(uintptr_t)task->start);
    return line;
}

static int start(struct crew *crew, struct slot *slot, struct mt_err *err)
{
    const struct mt_engine_task *task = &crew->tasks[crew->next];
    json_t *line = first_line(crew, task);
    char *compact = mt_json_compact(line);
    char *text = mt_asprintf("%s\n", compact);
    struct mt_engine_launch launch = {.path = crew->engine->path,
                                      .readable = (const char *const *)crew->readable,
                                      .network = crew->engine->network,
                                      .memory_bytes = crew->engine->memory_bytes,
                                      .tmp = crew->run->host->tmp,
                                      .fd = task->fd,
                                      .input = text};

    *slot = (struct slot){.task = crew->next++};
    int ret = mt_engine_child_start(&slot->child, &launch, err);
    slot->running = ret == 0;
    json_decref(line);
    free(compact);
    free(text);
    return ret;
}

/* It gave up by itself, and said why. */
static int own_error(const json_t *line, struct mt_err *err)
{
    const char *code = mt_json_str(line, "code", "failed");
    char *message = mt_text_printable(mt_json_str(line, "message", "it does not say why"), 400);
    char *hint = mt_text_printable(mt_json_str(line, "hint", ""), 240);

    mt_fail(err,
            strcmp(code, "temporary") == 0     ? MT_ERR_BUSY
            : strcmp(code, "unavailable") == 0 ? MT_ERR_UNAVAILABLE
                                               : MT_ERR_FAILED,
            "%s", message);
    if (*hint)
        mt_hint(err, "%s", hint);
    free(message);
    free(hint);
    return -1;
}

static int tell_progress(struct crew *crew)
{
    double done = crew->finished;

    for (int i = 0; i < crew->jobs; i++)
        done += crew->slots[i].running ? crew->slots[i].done : 0;
    if (crew->run->progress)
        crew->run->progress(crew->run->ctx, done / crew->n);
    return 0;
}

static int take_finding(struct crew *crew, struct slot *slot, json_t *line, struct mt_err *err)
{
    json_object_del(line, "type");
    if (++slot->findings > MT_ENGINE_FINDINGS_MAX)
        return mt_fail(err, MT_ERR_LIMIT, "more than %d findings", MT_ENGINE_FINDINGS_MAX);
    if (mt_engine_check_finding(line, crew->run->duration_s, err) < 0)
        return mt_fail_in(err, "line %lld", (long long)slot->line);
    return crew->run->finding(crew->run->ctx, slot->task, line, err);
}

static int take(struct crew *crew, struct slot *slot, json_t *line, struct mt_err *err)
{
    const char *type = mt_json_str(line, "type", "");

    if (slot->ended)
        return mt_fail(err, MT_ERR_CRASHED, "line %lld comes after the end", (long long)slot->line);
    if (strcmp(type, "finding") == 0)
        return take_finding(crew, slot, line, err);
    if (strcmp(type, "end") == 0) {
        slot->ended = true;
        return 0;
    }
    if (strcmp(type, "error") == 0)
        return own_error(line, err);
    if (strcmp(type, "progress") == 0) {
        double done = mt_json_num(line, "done", -1);
        if (!(done >= 0 && done <= 1))
            return mt_fail(err, MT_ERR_CRASHED, "line %lld: 'done' is not a number from 0 to 1",
                           (long long)slot->line);
        slot->done = done;
        return tell_progress(crew);
    }
    if (*type)
        return 0; /* of a later revision of the protocol */
    return mt_fail(err, MT_ERR_CRASHED, "line %lld has no 'type'", (long long)slot->line);
}

static int take_lines(struct crew *crew, struct slot *slot, struct mt_err *err)
{
    struct mt_buf *buf = &slot->child.lines;
    size_t used = 0;
    char *end;
    int ret = 0;

    while (ret == 0 && used < buf->len && (end = memchr(buf->data + used, '\n', buf->len - used))) {
        size_t n = (size_t)(end - buf->data) - used;
        char what[40];
        snprintf(what, sizeof what, "line %lld", (long long)++slot->line);
        json_t *line = mt_json_parse(what, buf->data + used, n, err);
        if (line && !json_is_object(line))
            ret = mt_fail(err, MT_ERR_CRASHED, "%s is no object", what);
        else if (!line)
            err->code = MT_ERR_CRASHED, ret = -1;
        else
            ret = take(crew, slot, line, err);
        json_decref(line);
        used += n + 1;
    }
    mt_buf_consume(buf, used);
    return ret;
}

/* What its end means, when it has not said enough by itself. */
static int judge_end(const struct slot *slot, int status, bool rest, struct mt_err *err)
{
    if (WIFSIGNALED(status)) {
        mt_fail(err, MT_ERR_CRASHED, "it died of signal %d (%s)", WTERMSIG(status),
                sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?");
        err->trace.signal = WTERMSIG(status);
    } else if (WEXITSTATUS(status) != 0) {
        mt_fail(err, MT_ERR_CRASHED, "it ended with status %d", WEXITSTATUS(status));
        err->trace.exit_status = WEXITSTATUS(status);
    } else if (rest || !slot->ended) {
        mt_fail(err, MT_ERR_CRASHED, "it ended in the middle of its answer");
    } else {
        return 0;
    }
    return -1;
}

static int finish(struct crew *crew, struct slot *slot, struct mt_err *err)
{
    bool rest = slot->child.lines.len > 0;
    int status = 0;

    slot->running = false;
    mt_engine_child_end(&slot->child, &status);
    if (judge_end(slot, status, rest, err) < 0) {
        char *words = mt_text_printable(slot->child.tail, MT_WORDS - 1);
        mt_fail_words(err, words);
        free(words);
        return -1;
    }
    crew->finished++;
    return tell_progress(crew);
}

static int check_clock(const struct crew *crew, const struct slot *slot, int64_t now,
                       struct mt_err *err)
{
    const struct mt_engine_run *run = crew->run;

    if (crew->until_us && now > crew->until_us)
        return mt_fail(err, MT_ERR_TIMEOUT, "it took more than %.0f s", (double)run->wall_us / 1e6);
    if (run->stall_us && now > slot->child.heard_us + run->stall_us)
        return mt_fail(err, MT_ERR_TIMEOUT, "nothing was heard of it for %.0f s",
                       (double)run->stall_us / 1e6);
    return 0;
}

static int serve(struct crew *crew, struct slot *slot, int64_t now, struct mt_err *err)
{
    int closed = mt_engine_child_pump(&slot->child, err);

    if (closed < 0 || take_lines(crew, slot, err) < 0)
        return -1;
    return closed ? finish(crew, slot, err) : check_clock(crew, slot, now, err);
}

static void wait_for_any(struct crew *crew)
{
    struct pollfd fds[3 * SLOTS_MAX];
    nfds_t n = 0;

    for (int i = 0; i < crew->jobs; i++) {
        const struct mt_engine_child *child = &crew->slots[i].child;
        if (!crew->slots[i].running)
            continue;
        fds[n++] = (struct pollfd){child->in, POLLOUT, 0};
        fds[n++] = (struct pollfd){child->out, POLLIN, 0};
        fds[n++] = (struct pollfd){child->words, POLLIN, 0};
    }
    poll(fds, n, 100);
}

static int turn(struct crew *crew, struct mt_err *err)
{
    int64_t now = mt_mono_us();

    if (crew->run->cancelled && crew->run->cancelled(crew->run->ctx))
        return mt_fail(err, MT_ERR_CANCELLED, "cancelled");
    for (int i = 0; i < crew->jobs; i++) {
        struct slot *slot = &crew->slots[i];
        if (!slot->running && crew->next < crew->n && start(crew, slot, err) < 0)
            return -1;
        if (slot->running && serve(crew, slot, now, err) < 0)
            return -1;
    }
    return 0;
}

/* Ends what is still running, first kindly. */
static void stop_all(struct crew *crew)
{
    int64_t until = mt_mono_us() + GRACE_US;
    struct mt_err ignored;
    int alive = 0;

    for (int i = 0; i < crew->jobs; i++)
        if (crew->slots[i].running)
            mt_engine_child_kill(&crew->slots[i].child, false);
    do {
        alive = 0;
        for (int i = 0; i < crew->jobs; i++) {
            struct slot *slot = &crew->slots[i];
            if (slot->running && mt_engine_child_pump(&slot->child, &ignored) != 0) {
                mt_engine_child_end(&slot->child, NULL);
                slot->running = false;
            }
            mt_buf_clear(&slot->child.lines);
            alive += slot->running;
        }
        if (alive)
            wait_for_any(crew);
    } while (alive && mt_mono_us() < until);
    for (int i = 0; i < crew->jobs; i++)
        if (crew->slots[i].running) {
            mt_engine_child_kill(&crew->slots[i].child, true);
            mt_engine_child_end(&crew->slots[i].child, NULL);
        }
}

int mt_engine_run(const struct mt_engine *engine, const struct mt_engine_task *tasks, int n,
                  int jobs, const struct mt_engine_run *run, struct mt_err *err)
{
    struct crew *crew = mt_alloc(sizeof *crew);
    int ret = 0;

    jobs = jobs < 1 ? 1 : jobs > SLOTS_MAX ? SLOTS_MAX : jobs;
    *crew = (struct crew){.engine = engine,
                          .tasks = tasks,
                          .n = n,
                          .jobs = jobs < n ? jobs : n,
                          .run = run,
                          .until_us = run->wall_us ? mt_mono_us() + run->wall_us : 0};
    crew->readable = mt_engine_readable(json_object_get(run->host->options, engine->name));
    while (ret == 0 && crew->finished < n) {
        ret = turn(crew, err);
        if (ret == 0 && crew->finished < n)
            wait_for_any(crew);
    }
    if (ret < 0) {
        stop_all(crew);
        if (err->code != MT_ERR_CANCELLED)
            mt_fail_in(err, "the engine '%s'", engine->name);
    }
    mt_engine_readable_free(crew->readable);
    free(crew);
    return ret;
}
