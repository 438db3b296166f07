/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stage.c - the loop of a filter; see stage.h. */
#include "stage/stage.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/job.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "stage/internal.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void mt_stage_defaults(struct mt_stage_options *o)
{
    *o = (struct mt_stage_options){.memory = 4LL << 30, MT_LIMIT_DEFAULTS};
}

struct mt_av_limits mt_stage_limits(const struct mt_stage_options *o)
{
    return (struct mt_av_limits){o->pixels, o->side, o->streams, o->duration_us, o->frames};
}

/* What will be done with the item's document. New; NULL with *err. */
static json_t *parameters_for(const struct mt_item *item, struct mt_err *err)
{
    const struct mt_stage *stage = item->state->stage;

    return stage->parameters_for ? stage->parameters_for(item->doc, stage->ctx, err)
                                 : json_copy(stage->parameters);
}

static void use_film(struct mt_stage_state *st, const struct mt_film *film)
{
    st->film = film;
    if (film)
        film->log_capture();
}

const struct mt_film *mt_item_film(struct mt_item *item, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;

    if (!st->film)
        use_film(st, st->stage->load_film(err));
    return st->film;
}

/* Our own row in processing_jobs, unless a supervisor keeps one for us. */
static int start_job(struct mt_item *item, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;

    st->job_id[0] = '\0';
    if (!item->asset_id || st->stage->common->job || st->stage->common->dry_run ||
        st->stage->unrecorded)
        return 0;
    json_t *input = parameters_for(item, err);
    if (!input)
        return -1;
    json_object_set_new(input, "command", mt_run_command(st->run));
    struct mt_job_plan plan = {.type = st->stage->job_type,
                               .asset_id = item->asset_id,
                               .step = st->stage->name,
                               .input = input};
    int ret = mt_job_start(&st->job, st->db, &plan, err);
    json_decref(input);
    if (ret < 0)
        return -1;
    memcpy(st->job_id, st->job.id, sizeof st->job_id);
    return 0;
}

/* What the job row keeps of the result. New. */
static json_t *results_of(const struct mt_item *item)
{
    json_t *results = json_object();

    json_object_update(results, item->report);
    json_object_set_new(results, "status", json_string(item->status));
    return results;
}

static int finish_job(struct mt_item *item, const struct mt_err *failure, struct mt_err *err)
{
    bool none = failure && failure->code == MT_ERR_NOT_APPLICABLE;
    bool cancelled = failure && failure->code == MT_ERR_CANCELLED;
    bool degraded = strcmp(item->status, "degraded") == 0;
    json_t *results = results_of(item);
    struct mt_job_end end = {.status = cancelled          ? "cancelled"
                                       : failure && !none ? "failed"
                                                          : "completed",
                             .outcome = none       ? "not_applicable"
                                        : failure  ? NULL
                                        : degraded ? "degraded"
                                                   : "ok",
                             .stage = item->state->stage->name,
                             .error = none ? NULL : failure,
                             .results = results};
    int ret = mt_job_finish(&item->state->job, &end, err);

    json_decref(results);
    return ret;
}

/* Writes how the stage ended into the document. */
static void record_stage(struct mt_item *item, const struct mt_err *failure)
{
    const struct mt_stage_state *st = item->state;
    const char *name = st->stage->name;
    bool none = failure && failure->code == MT_ERR_NOT_APPLICABLE;
    const char *status = none ? "not_applicable" : failure ? "failed" : item->status;

    mt_doc_set_stage(item->doc, name, status, failure, (mt_mono_us() - st->start_us) / 1000);
    json_t *row = json_object_get(json_object_get(item->doc, "stages"), name);
    json_object_update(row, item->report);
    if (st->job_id[0])
        json_object_set_new(row, "job_id", json_string(st->job_id));
}

static void report_failure(const struct mt_err *failure)
{
    mt_log_err(failure->code == MT_ERR_NOT_APPLICABLE ? MT_LOG_INFO : MT_LOG_ERROR, failure);
}

static int plan_only(struct mt_item *item, struct mt_err *err)
{
    json_t *parameters = parameters_for(item, err);

    item->status = "planned";
    return parameters ? json_object_set_new(item->report, "parameters", parameters) : -1;
}

/* The work itself; 0, or -1 with *failure. */
static int work(struct mt_item *item, struct mt_err *failure)
{
    const struct mt_stage *stage = item->state->stage;
    struct mt_err err;

    if (stage->common->dry_run)
        return plan_only(item, failure);
    if (start_job(item, failure) < 0)
        return -1;
    item->state->reached_us = 0;
    int ret = stage->work(item, stage->ctx, failure);
    if (ret < 0 && item->state->reached_us > 0)
        failure->trace.reached_us = item->state->reached_us;
    if (finish_job(item, ret < 0 ? failure : NULL, &err) == 0)
        return ret;
    if (ret == 0)
        *failure = err;
    else
        mt_log_err(MT_LOG_ERROR, &err);
    return -1;
}

/* Prints the document and counts it; 1 when the run is to end. */
static int deliver(struct mt_item *item, const struct mt_err *failure, struct mt_err *err)
{
    const struct mt_stage_state *st = item->state;
    enum mt_code code = mt_doc_code(item->doc);

    mt_progress_end(failure && failure->code != MT_ERR_NOT_APPLICABLE ? "failed" : item->status,
                    failure ? mt_code_name(failure->code) : NULL, failure ? failure->msg : NULL);
    mt_outcome_add(&st->run->outcome, code);
    if (mt_print(item->doc, err) < 0)
        return -1;
    return mt_stop_signal() || (code != MT_OK && st->stage->common->fail_fast);
}

/*
 * In a lane: keeps the document until its results are in place. It is counted and shown by the
 * process that reads what this one prints.
 */
static int hold(struct mt_item *item, json_t *before, struct mt_err *err)
{
    const struct mt_stage_state *st = item->state;
    bool failed = mt_doc_code(item->doc) != MT_OK;
    bool end = failed && st->stage->common->fail_fast;

    mt_group_doc(st->group, item->doc, before);
    if (mt_stop_signal())
        return 1;
    if ((end || mt_group_is_due(st->group)) && mt_group_flush(st->group, st->stage->name, err) < 0)
        return -1;
    return end;
}

/* That an asset's bytes cannot be had is a failed job of it as well. */
static void record_absence(struct mt_item *item, const struct mt_err *failure)
{
    struct mt_err err;

    if (item->asset_id && (start_job(item, &err) < 0 || finish_job(item, failure, &err) < 0))
        mt_log_err(MT_LOG_WARN, &err);
}

/* An input whose source was found, or not (found < 0, *failure says why). */
static int process(struct mt_item *item, int found, struct mt_err *failure, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;
    int ret = found;

    if (found < 0) {
        if (!mt_doc_failed(item->doc)) {
            if (st->line)
                mt_fail_in(failure, "line %lld of standard input", (long long)st->line);
            record_absence(item, failure);
            mt_doc_fail(item->doc, st->stage->name, failure);
            report_failure(failure);
        }
        return st->group ? hold(item, NULL, err) : deliver(item, failure, err);
    }
    json_t *before = st->group ? json_deep_copy(item->doc) : NULL;
    st->start_us = mt_mono_us();
    mt_progress_begin(item->name, st->stage->name, MT_UNIT_MEDIA, item->duration_us);
    ret = work(item, failure);
    if (ret < 0)
        report_failure(failure);
    record_stage(item, ret < 0 ? failure : NULL);
    if (st->group)
        return hold(item, before, err);
    return deliver(item, ret < 0 ? failure : NULL, err);
}

static void begin_item(struct mt_item *item, struct mt_stage_state *st)
{
    *item = (struct mt_item){
        .fd = -1, .status = "completed", .share = 1, .report = json_object(), .state = st};
}

/* A line of stdin; what already carries an error passes through untouched. */
static int take_line(struct mt_stage_state *st, const char *line, size_t n, struct mt_err *err)
{
    struct mt_err failure = {.code = MT_OK};
    struct mt_item item;
    char what[48];

    snprintf(what, sizeof what, "line %lld of standard input", (long long)st->line);
    json_t *doc = mt_json_parse(what, line, n, &failure);
    begin_item(&item, st);
    if (!doc)
        st->line = 0; /* the message names it */
    if (doc && mt_doc_check(doc, &failure) < 0) {
        json_decref(doc);
        doc = NULL;
    }
    int found = -1;
    if (!doc)
        item.doc = json_pack("{s:i}", "schema", MT_DOC_SCHEMA);
    else if (mt_doc_failed(doc))
        item.doc = doc;
    else
        found = mt_item_of_document(&item, doc, &failure);
    int ret = process(&item, found, &failure, err);
    mt_item_free(&item);
    return ret;
}

/* A line too long to be read has its document too. */
static int refuse_line(struct mt_stage_state *st, struct mt_err *failure, struct mt_err *err)
{
    struct mt_item item;

    st->line = 0; /* the message names it */
    begin_item(&item, st);
    item.doc = json_pack("{s:i}", "schema", MT_DOC_SCHEMA);
    int ret = process(&item, -1, failure, err);
    mt_item_free(&item);
    return ret;
}

/* A signal while we wait for a line: to show the state, or to stop. */
static int interrupted(void)
{
    mt_progress_poll();
    return mt_stop_signal();
}

static int each_line(struct mt_stage_state *st, struct mt_err *err)
{
    struct mt_lines lines;
    char *line;
    size_t n;
    int ret;

    mt_lines_init(&lines, STDIN_FILENO, '\n', MT_JSON_LINE_MAX);
    lines.interrupted = interrupted;
    do {
        struct mt_err failure;
        ret = mt_lines_next(&lines, &line, &n, &failure);
        st->line = lines.number;
        if (ret == 0)
            break;
        if (ret > 0)
            ret = n ? take_line(st, line, n, err) : 0;
        else if (failure.code == MT_ERR_BAD_DOCUMENT)
            ret = refuse_line(st, &failure, err);
        else
            *err = failure;
    } while (ret == 0 && !mt_stop_signal());
    st->line = 0;
    mt_lines_free(&lines);
    return ret;
}

/* A file or an id; "-" stands for the documents on stdin. */
int mt_stage_take(struct mt_stage_state *st, const char *name, struct mt_err *err)
{
    struct mt_err failure = {.code = MT_OK};
    struct mt_item item;

    if (strcmp(name, "-") == 0)
        return each_line(st, err);
    begin_item(&item, st);
    int found = mt_item_of_operand(&item, name, &failure);
    int ret = process(&item, found, &failure, err);
    mt_item_free(&item);
    return ret;
}

static int each_operand(struct mt_stage_state *st, struct mt_err *err)
{
    struct mt_names names;
    const char *name;
    int ret;

    mt_names_init(&names, st->run, st->stage->common);
    mt_progress_expect(st->run->n_operands);
    while ((ret = mt_names_next(&names, &name, err)) == 1)
        if ((ret = mt_stage_take(st, name, err)) != 0)
            break;
    mt_names_free(&names);
    return ret < 0 ? -1 : 0;
}

int mt_stage_run(const struct mt_stage *stage, struct mt_run *r, struct mt_err *err)
{
    struct mt_stage_state st = {.stage = stage, .run = r};
    bool operands = r->n_operands > 0 || stage->common->files_from;
    int ret = -1;

    if (!operands && isatty(STDIN_FILENO)) {
        mt_fail(err, MT_ERR_USAGE, "nothing to work on");
        return mt_hint(err, "name files or asset ids, or pipe the output of media-ingest in");
    }
    use_film(&st, stage->film);
    if (mt_stage_open(&st, err) == 0) {
        int lanes = operands ? mt_stage_lanes(stage, r) : 1;
        if (lanes > 1)
            ret = mt_stage_parallel(stage, r, lanes, err);
        else
            ret = (operands ? each_operand(&st, err) : each_line(&st, err)) < 0 ? -1 : 0;
    }
    mt_stage_close(&st);
    return ret;
}
