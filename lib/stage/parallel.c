/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parallel.c - several pictures at once.
 *
 * A picture keeps one processor busy, and not all of the time. Each of n processes takes every
 * n-th operand, as if it had been named alone; this one prints what they print, in the order of
 * the operands. Only for plain files of different names: two that lead to the same results would
 * be in each other's way.
 */
#include "stage/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "json/json.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LANES_MAX = 16, LOOKED_AT = 64, PIPE_BYTES = 1 << 20 };

struct lane {
    pid_t pid;
    int fd;
    struct mt_lines lines;
};

static bool is_known(const struct mt_stage *stage, const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    json_t *asset = json_object();
    bool known = fd >= 0 && stage->knows(fd, asset, stage->ctx);

    json_decref(asset);
    mt_fd_close(&fd);
    return known;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whether no two operands give results of the same name. */
static bool all_differ(char *const *operands, int n)
{
    char **stems = mt_realloc(NULL, (size_t)n, sizeof *stems);
    bool differ = true;

    for (int i = 0; i < n; i++)
        stems[i] = mt_path_stem(operands[i]);
    qsort(stems, (size_t)n, sizeof *stems, compare);
    for (int i = 1; i < n; i++)
        differ = differ && strcmp(stems[i - 1], stems[i]) != 0;
    for (int i = 0; i < n; i++)
        free(stems[i]);
    free(stems);
    return differ;
}

int mt_stage_lanes(const struct mt_stage *stage, const struct mt_run *r)
{
    int known = 0, lanes = (int)stage->jobs;
    cpu_set_t cpus;

    if (lanes == 1 || !stage->knows || !stage->options->output || stage->common->files_from)
        return 1;
    if (lanes == 0)
        lanes = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    for (int i = 0; i < r->n_operands; i++) {
        if (strcmp(r->operands[i], "-") == 0)
            return 1;
        known += i < LOOKED_AT && is_known(stage, r->operands[i]);
    }
    lanes = lanes < known ? lanes : known;
    lanes = lanes < LANES_MAX ? lanes : LANES_MAX;
    return lanes > 1 && all_differ(r->operands, r->n_operands) ? lanes : 1;
}

/* A process of its own, to its end. */
static _Noreturn void run_lane(const struct mt_stage *stage, struct mt_run *r, int first, int step,
                               int out, pid_t parent)
{
    struct mt_stage_state st = {.stage = stage, .run = r, .film = stage->film};
    struct mt_common quiet = *stage->common;
    struct mt_err err;
    int ret = -1;

    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (getppid() != parent || dup2(out, STDOUT_FILENO) < 0)
        _exit(1);
    quiet.progress = "none";
    mt_progress_setup(r->cli->name, &quiet);
    st.group = mt_group_new();
    if (mt_stage_open(&st, &err) == 0)
        ret = 0;
    for (int i = first; i < r->n_operands && ret == 0; i += step)
        ret = mt_stage_take(&st, r->operands[i], &err);
    if (ret == 0)
        ret = mt_group_flush(st.group, stage->name, &err);
    mt_stage_close(&st);
    _exit(ret < 0);
}

static int start(struct lane *lane, const struct mt_stage *stage, struct mt_run *r, int first,
                 int step, struct mt_err *err)
{
    int ends[2];
    pid_t self = getpid();

    if (pipe2(ends, O_CLOEXEC) < 0)
        return mt_fail_errno(err, "cannot make a pipe");
    fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
    lane->pid = fork();
    if (lane->pid == 0)
        run_lane(stage, r, first, step, ends[1], self);
    close(ends[1]);
    lane->fd = ends[0];
    mt_lines_init(&lane->lines, lane->fd, '\n', MT_JSON_LINE_MAX);
    lane->lines.name = r->cli->name;
    lane->lines.interrupted = mt_stop_signal;
    return lane->pid < 0 ? mt_fail_errno(err, "cannot start a process") : 0;
}

/* The document of an operand whose process has died. New. */
static json_t *lost(const struct mt_stage *stage, const char *operand)
{
    json_t *doc = mt_doc_new(operand);
    struct mt_err failure;

    mt_fail(&failure, MT_ERR_CRASHED, "'%s': the process that was to do it has died", operand);
    mt_doc_fail(doc, stage->name, &failure);
    return doc;
}

/* Prints an operand's document. 1 when the run is to end. */
static int pass_on(struct lane *lane, const struct mt_stage *stage, struct mt_run *r,
                   const char *operand, struct mt_err *err)
{
    char *line;
    size_t n;
    json_t *doc = NULL;
    int got = mt_lines_next(&lane->lines, &line, &n, err);

    if (mt_stop_signal())
        return 1;
    mt_progress_begin(operand, stage->name, MT_UNIT_COUNT, 0);
    if (got == 1)
        doc = mt_json_parse(r->cli->name, line, n, err);
    if (!doc)
        doc = lost(stage, operand);
    enum mt_code code = mt_doc_code(doc);
    mt_progress_end(code == MT_OK ? "completed" : "failed",
                    code == MT_OK ? NULL : mt_code_name(code), NULL);
    mt_outcome_add(&r->outcome, code);
    int ret = mt_print(doc, err);
    json_decref(doc);
    return ret < 0 ? -1 : code != MT_OK && stage->common->fail_fast;
}

static void finish(struct lane *lane, bool early)
{
    if (lane->pid <= 0)
        return;
    if (early)
        kill(lane->pid, SIGTERM);
    mt_lines_free(&lane->lines);
    mt_fd_close(&lane->fd);
    while (waitpid(lane->pid, NULL, 0) < 0 && !mt_stop_signal())
        ;
}

int mt_stage_parallel(const struct mt_stage *stage, struct mt_run *r, int n, struct mt_err *err)
{
    struct lane lanes[LANES_MAX] = {0};
    int ret = 0;

    mt_progress_expect(r->n_operands);
    for (int i = 0; i < n && ret == 0; i++)
        ret = start(&lanes[i], stage, r, i, n, err);
    for (int i = 0; i < r->n_operands && ret == 0; i++)
        ret = pass_on(&lanes[i % n], stage, r, r->operands[i], err);
    for (int i = 0; i < n; i++)
        finish(&lanes[i], ret != 0);
    return ret < 0 ? -1 : 0;
}
