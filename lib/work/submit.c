/* SPDX-License-Identifier: GPL-2.0-or-later */
/* submit.c - media-queue submit: one job from options, or many from lines. */
#include "work/internal.h"

#include "base/log.h"
#include "cli/signals.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GROUP = 500, ATOMIC_MAX = 100000 };

/* --- from options --- */

static void set_text(json_t *spec, const char *name, const char *text)
{
    if (text)
        json_object_set_new(spec, name, mt_json_text(text));
}

static int set_parameters(json_t *spec, const char *text, struct mt_err *err)
{
    json_t *value = text ? mt_json_parse("--parameters", text, strlen(text), err) : NULL;

    if (!text)
        return 0;
    if (!json_is_object(value)) {
        if (value)
            mt_fail(err, MT_ERR_USAGE, "--parameters takes a JSON object, not '%.100s'", text);
        err->code = MT_ERR_USAGE;
        json_decref(value);
        return mt_hint(err, "--parameters '{\"qualities\": [\"720p\"]}'");
    }
    json_object_set_new(spec, "parameters", value);
    return 0;
}

/* "ID,ID" as depends_on. */
static void set_after(json_t *spec, const char *text, bool any)
{
    json_t *list = json_array();

    for (const char *p = text; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        json_array_append_new(list, json_pack("{s:o, s:s}", "job_id", mt_json_bytes(p, n),
                                              "on_failure", any ? "ignore" : "cancel"));
        p += n;
    }
    json_object_set_new(spec, "depends_on", list);
}

json_t *mt_work_job_spec(const struct mt_work *w, const char *type, struct mt_err *err)
{
    const struct mt_work_job *j = &w->job;
    json_t *spec = json_object();
    json_t *needs = NULL;

    set_text(spec, "type", type);
    set_text(spec, "asset_id", j->asset);
    set_text(spec, "parent_id", j->parent);
    set_text(spec, "schedule", j->schedule);
    set_text(spec, "class", j->class);
    set_text(spec, "unique_key", j->unique);
    json_object_set_new(spec, "priority", json_integer(j->priority));
    if (j->attempts)
        json_object_set_new(spec, "max_attempts", json_integer(j->attempts));
    if (j->delay_us)
        json_object_set_new(spec, "delay_s", json_real((double)j->delay_us / 1e6));
    if (j->timeout_us)
        json_object_set_new(spec, "timeout_s", json_integer((j->timeout_us + 999999) / 1000000));
    if (j->unless_done)
        json_object_set_new(spec, "unless_done", json_true());
    if (j->unless_known)
        json_object_set_new(spec, "unless_known", json_true());
    if (j->after)
        set_after(spec, j->after, j->after_any);
    if (mt_work_words("--needs", j->needs, &needs, err) < 0 ||
        set_parameters(spec, j->parameters, err) < 0) {
        json_decref(needs);
        json_decref(spec);
        return NULL;
    }
    if (needs)
        json_object_set_new(spec, "needs", needs);
    return spec;
}

/* --- into the queue --- */

static int print_all(struct mt_work *w, const json_t *answers, struct mt_err *err)
{
    size_t i;
    json_t *answer;

    json_array_foreach(answers, i, answer)
    {
        if (mt_print(answer, err) < 0)
            return -1;
        mt_outcome_add(&w->run->outcome, MT_OK);
    }
    return 0;
}

static bool is_of_input(const struct mt_err *err)
{
    return err->code == MT_ERR_USAGE || err->code == MT_ERR_NOT_FOUND ||
           err->code == MT_ERR_FAILED || err->code == MT_ERR_BAD_DOCUMENT;
}

/* One by one, so that what is wrong with one does not keep the others out. */
static int submit_each(struct mt_work *w, const json_t *jobs, struct mt_err *err)
{
    size_t i;
    json_t *job;

    json_array_foreach(jobs, i, job)
    {
        struct mt_err failure = {.code = MT_OK};
        json_t *one = json_pack("[O]", job);
        json_t *answers = mt_queue_submit(w->db, one, &failure);
        char *text = answers ? NULL : mt_json_compact(job);
        int ret = 0;
        if (answers)
            ret = print_all(w, answers, err);
        else if (is_of_input(&failure))
            ret = mt_work_refuse(w, text, &failure, err);
        else
            ret = (*err = failure, -1);
        free(text);
        json_decref(one);
        json_decref(answers);
        if (ret < 0 || (w->common->fail_fast && w->run->outcome.failed))
            return ret;
    }
    return 0;
}

static int submit_group(struct mt_work *w, const json_t *jobs, struct mt_err *err)
{
    json_t *answers = json_array_size(jobs) ? mt_queue_submit(w->db, jobs, err) : json_array();

    if (!answers && (w->atomic || !is_of_input(err)))
        return -1;
    int ret = answers ? print_all(w, answers, err) : submit_each(w, jobs, err);
    json_decref(answers);
    return ret;
}

/* --- lines --- */

/* Whether another whole line has been read already, so that taking it does not wait. */
static bool line_waits(const struct mt_lines *lines)
{
    return lines->used < lines->buf.len &&
           memchr(lines->buf.data + lines->used, '\n', lines->buf.len - lines->used);
}

static int take_line(struct mt_work *w, json_t *jobs, const char *line, size_t n, int64_t number,
                     struct mt_err *err)
{
    struct mt_err failure;
    json_t *job = mt_json_parse("standard input", line, n, &failure);

    if (job) {
        json_array_append_new(jobs, job);
        return 0;
    }
    mt_fail_in(&failure, "line %lld", (long long)number);
    if (w->atomic) {
        *err = failure;
        return -1;
    }
    /* What came before it is answered before it. */
    if (submit_group(w, jobs, err) < 0 || json_array_clear(jobs) < 0)
        return -1;
    return mt_work_refuse(w, line, &failure, err);
}

static int each_line(struct mt_work *w, struct mt_err *err)
{
    struct mt_lines lines;
    json_t *jobs = json_array();
    char *line;
    size_t n;
    int ret;

    mt_lines_init(&lines, STDIN_FILENO, '\n', MT_JSON_LINE_MAX);
    lines.interrupted = mt_stop_signal;
    while ((ret = mt_lines_next(&lines, &line, &n, err)) == 1) {
        if (n > 0)
            ret = take_line(w, jobs, line, n, lines.number, err);
        if (ret < 0)
            break;
        if (w->atomic && json_array_size(jobs) > ATOMIC_MAX) {
            ret = mt_fail(err, MT_ERR_LIMIT, "more than %d jobs at once", ATOMIC_MAX);
            break;
        }
        if (w->atomic || (json_array_size(jobs) < GROUP && line_waits(&lines)))
            continue;
        if ((ret = submit_group(w, jobs, err)) < 0 || json_array_clear(jobs) < 0)
            break;
    }
    if (ret == 0)
        ret = submit_group(w, jobs, err);
    mt_lines_free(&lines);
    json_decref(jobs);
    return ret < 0 ? -1 : 0;
}

static int one_of_options(struct mt_work *w, struct mt_err *err)
{
    json_t *spec = mt_work_job_spec(w, w->run->operands[0], err);
    json_t *jobs = spec ? json_pack("[o]", spec) : NULL;
    json_t *answers = jobs ? mt_queue_submit(w->db, jobs, err) : NULL;
    int ret = answers ? print_all(w, answers, err) : -1;

    json_decref(jobs);
    json_decref(answers);
    return ret;
}

int mt_work_submit(struct mt_work *w, struct mt_err *err)
{
    if (w->run->n_operands > 1) {
        mt_fail(err, MT_ERR_USAGE, "'submit' takes one type, and here is '%.100s' too",
                w->run->operands[1]);
        return mt_hint(err, "many jobs come as JSON lines on standard input");
    }
    if (w->run->n_operands == 0 && isatty(STDIN_FILENO)) {
        mt_fail(err, MT_ERR_USAGE, "nothing to submit");
        return mt_hint(err, "name a type of job, or pipe JSON lines in");
    }
    if (mt_work_open(w, err) < 0)
        return -1;
    return w->run->n_operands ? one_of_options(w, err) : each_line(w, err);
}
