/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finish.c - media-queue finish: one attempt from options, or many from lines. */
#include "work/internal.h"

#include "base/text.h"
#include "cli/signals.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GROUP = 500 };

static const char *const statuses[] = {"completed", "failed", "cancelled", NULL};

static const char *known_status(const char *text)
{
    for (int i = 0; statuses[i]; i++)
        if (strcmp(statuses[i], text) == 0)
            return statuses[i];
    return NULL;
}

/* What an exit status says, where nobody says more. New. */
static json_t *error_of(const char *message, int exit_status)
{
    struct mt_err why;

    if (message)
        mt_fail(&why, MT_ERR_FAILED, "%.400s", message);
    else
        mt_fail(&why, MT_ERR_FAILED, "ended with status %d", exit_status);
    json_t *error = mt_err_to_json(&why);
    json_object_set_new(error, "retryable",
                        json_boolean(mt_queue_status_is_temporary(exit_status)));
    json_object_set_new(error, "stage", json_string("job"));
    return error;
}

/* Fills end from a line (or from what options became); *error is a new reference it holds. */
static int end_of(const json_t *line, struct mt_queue_end *end, json_t **error, struct mt_err *err)
{
    int64_t exit_status = mt_json_int(line, "exit_status", -1);
    const char *fallback = exit_status > 0 ? "failed" : "completed";
    const char *status = known_status(mt_json_str(line, "status", fallback));
    const json_t *given = json_object_get(line, "error");

    if (!status)
        return mt_fail(err, MT_ERR_USAGE, "an attempt ends completed, failed or cancelled");
    if (!mt_uuid_valid(mt_json_str(line, "job_id", "")) || mt_json_int(line, "token", 0) < 1) {
        mt_fail(err, MT_ERR_USAGE, "an end wants job_id and token");
        return mt_hint(err, "as claim has printed them: .job_id and .lease.token");
    }
    *end = (struct mt_queue_end){.job_id = mt_json_str(line, "job_id", ""),
                                 .token = mt_json_int(line, "token", 0),
                                 .status = status,
                                 .outcome = mt_json_str(line, "outcome", NULL),
                                 .results = json_object_get(line, "results"),
                                 .waits_for = json_object_get(line, "waits_for"),
                                 .exit_status = (int)exit_status,
                                 .words = mt_json_str(line, "last_words", NULL)};
    if (strcmp(status, "failed") != 0)
        return 0;
    *error = json_is_object(given) ? json_deep_copy(given)
                                   : error_of(mt_json_str(line, "error", NULL), (int)exit_status);
    end->error = *error;
    end->temporary = mt_json_bool(*error, "retryable", false);
    return 0;
}

static int print_end(struct mt_work *w, const struct mt_queue_end *end,
                     const struct mt_queue_ended *ended, struct mt_err *err)
{
    struct mt_err failure;

    if (ended->status && ended->retry_s > 0) {
        json_t *answer =
            json_pack("{s:i, s:s, s:s, s:o}", "schema", 1, "job_id", end->job_id, "status",
                      ended->status, "retry_s", mt_json_real(ended->retry_s, 3));
        int ret = mt_print(answer, err);
        json_decref(answer);
        mt_outcome_add(&w->run->outcome, MT_OK);
        return ret;
    }
    if (ended->status)
        return mt_work_say(w, end->job_id, ended->status, err);
    mt_fail(&failure, ended->code, "token %lld of job '%s' is void", (long long)end->token,
            end->job_id);
    return mt_work_refuse(w, end->job_id, &failure, err);
}

/* --- many --- */

struct group {
    int n;
    json_t *lines[GROUP]; /* what the ends borrow from */
    json_t *errors[GROUP];
    struct mt_queue_end ends[GROUP];
    struct mt_queue_ended ended[GROUP];
};

static int flush(struct mt_work *w, struct group *g, struct mt_err *err)
{
    struct mt_queue_times times = mt_work_times(w);
    int ret = g->n ? mt_queue_finish_many(w->db, g->ends, g->n, &times, g->ended, err) : 0;

    for (int i = 0; i < g->n; i++) {
        if (ret == 0)
            ret = print_end(w, &g->ends[i], &g->ended[i], err);
        json_decref(g->lines[i]);
        json_decref(g->errors[i]);
        g->lines[i] = g->errors[i] = NULL;
    }
    g->n = 0;
    return ret;
}

static int take_line(struct mt_work *w, struct group *g, const char *text, size_t n,
                     struct mt_err *err)
{
    struct mt_err failure;
    json_t *line = mt_json_parse("standard input", text, n, &failure);

    if (line && end_of(line, &g->ends[g->n], &g->errors[g->n], &failure) == 0) {
        g->lines[g->n++] = line;
        return g->n == GROUP ? flush(w, g, err) : 0;
    }
    json_decref(line);
    return flush(w, g, err) < 0 ? -1 : mt_work_refuse(w, text, &failure, err);
}

static bool line_waits(const struct mt_lines *lines)
{
    return lines->used < lines->buf.len &&
           memchr(lines->buf.data + lines->used, '\n', lines->buf.len - lines->used);
}

static int each_line(struct mt_work *w, struct mt_err *err)
{
    struct group *g = calloc(1, sizeof *g);
    struct mt_lines lines;
    char *line;
    size_t n;
    int ret;

    if (!g)
        return mt_fail(err, MT_ERR_FAILED, "no memory");
    mt_lines_init(&lines, STDIN_FILENO, '\n', MT_JSON_LINE_MAX);
    lines.interrupted = mt_stop_signal;
    while ((ret = mt_lines_next(&lines, &line, &n, err)) == 1) {
        if (n > 0 && (ret = take_line(w, g, line, n, err)) < 0)
            break;
        if (!line_waits(&lines) && (ret = flush(w, g, err)) < 0)
            break;
    }
    if (ret == 0)
        ret = flush(w, g, err);
    for (int i = 0; i < g->n; i++) {
        json_decref(g->lines[i]);
        json_decref(g->errors[i]);
    }
    mt_lines_free(&lines);
    free(g);
    return ret;
}

/* --- one --- */

static void set_text(json_t *line, const char *name, const char *text)
{
    if (text)
        json_object_set_new(line, name, mt_json_text(text));
}

/* What the options say, as a line would. New; NULL on failure. */
static json_t *line_of_options(const struct mt_work *w, const char *id, int64_t token,
                               struct mt_err *err)
{
    json_t *line = json_pack("{s:o, s:I}", "job_id", mt_json_text(id), "token", (json_int_t)token);
    const char *results = w->end.results;

    set_text(line, "status", w->end.status);
    set_text(line, "outcome", w->end.outcome);
    set_text(line, "error", w->end.error);
    if (w->end.exit_status >= 0)
        json_object_set_new(line, "exit_status", json_integer(w->end.exit_status));
    if (w->end.error && !w->end.status)
        json_object_set_new(line, "status", json_string("failed"));
    if (results) {
        json_t *value = mt_json_parse("--results", results, strlen(results), err);
        if (!value) {
            err->code = MT_ERR_USAGE;
            json_decref(line);
            return NULL;
        }
        json_object_set_new(line, "results", value);
    }
    return line;
}

static int finish_one(struct mt_work *w, const json_t *line, struct mt_err *err)
{
    struct mt_queue_times times = mt_work_times(w);
    struct mt_queue_ended ended;
    struct mt_queue_end end;
    json_t *error = NULL;
    int ret = end_of(line, &end, &error, err);

    if (ret == 0)
        ret = mt_queue_finish(w->db, &end, &times, &ended, err);
    if (ret == 0)
        ret = print_end(w, &end, &ended, err);
    else if (mt_work_is_of_job(err) && err->code != MT_ERR_USAGE) {
        struct mt_err failure = *err;
        ret = mt_work_refuse(w, end.job_id, &failure, err);
    }
    json_decref(error);
    return ret;
}

int mt_work_finish(struct mt_work *w, struct mt_err *err)
{
    const char *text = mt_env_get(w->run->env, "MEDIA_LEASE_TOKEN");
    const char *id = w->run->n_operands ? w->run->operands[0] : w->common->job;
    int64_t token = w->token;

    if (w->run->n_operands > 1)
        return mt_fail(err, MT_ERR_USAGE, "'finish' takes one job, or JSON lines on its input");
    if (!id && isatty(STDIN_FILENO)) {
        mt_fail(err, MT_ERR_USAGE, "'finish' wants the id of a job");
        return mt_hint(err, "or MEDIA_JOB and MEDIA_LEASE_TOKEN in the environment");
    }
    if (id && !token && text &&
        mt_parse_int("MEDIA_LEASE_TOKEN", text, 1, INT64_MAX, &token, err) < 0)
        return -1;
    if (mt_work_open(w, err) < 0)
        return -1;
    if (!id)
        return each_line(w, err);
    json_t *line = line_of_options(w, id, token, err);
    int ret = line ? finish_one(w, line, err) : -1;
    json_decref(line);
    return ret;
}
