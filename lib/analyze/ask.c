/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ask.c - see ask.h. */
#include "analyze/ask.h"

#include "analyze/findings.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TASKS_MAX = 16 };

/* The name that --engine gives for the type: "TYPE=NAME,...". free() it; NULL: none. */
static char *wanted_for(const char *wanted, const char *type)
{
    size_t n = strlen(type);

    for (const char *p = wanted; p && *p; p += strcspn(p, ","), p += *p == ',')
        if (strncmp(p, type, n) == 0 && p[n] == '=')
            return mt_strndup(p + n + 1, strcspn(p + n + 1, ","));
    return NULL;
}

static void recipe_of(struct mt_question *q, const struct mt_analyze *spec)
{
    json_t *options = json_object_get(spec->host->options, q->engine->name);
    json_t *settings = json_pack(
        "{s:s, s:s, s:s, s:s, s:O}", "type", mt_analysis_types[q->type].name, "engine",
        q->engine->name, "version", q->engine->version, "languages",
        spec->languages ? spec->languages : "", "options", options ? options : json_null());

    mt_stage_recipe(settings, q->recipe);
    json_decref(settings);
}

void mt_ask_prepare(struct mt_question *q, int type, const struct mt_analyze *spec)
{
    const char *name = mt_analysis_types[type].name;
    char *wanted = wanted_for(spec->wanted, name);

    *q = (struct mt_question){.type = type};
    q->engine = mt_engine_choose(spec->engines, name, wanted, spec->languages, &q->err);
    q->failed = !q->engine;
    if (q->failed && !wanted && !*q->err.hint)
        mt_hint(&q->err, "install %s", mt_analysis_types[type].remedy);
    if (q->engine)
        recipe_of(q, spec);
    free(wanted);
}

/* What the run's callbacks need. */
struct hearing {
    struct mt_item *item;
    json_t *findings;
    struct mt_err stop; /* why the item is to be given up */
    bool stopped;
};

static int add_finding(void *ctx, int i, const json_t *finding, struct mt_err *err)
{
    struct hearing *h = ctx;

    (void)i;
    (void)err;
    json_array_append(h->findings, (json_t *)(uintptr_t)finding);
    return 0;
}

static void show_progress(void *ctx, double done)
{
    struct hearing *h = ctx;
    int64_t total = h->item->duration_us > 0 ? h->item->duration_us : 1000000;

    if (mt_item_progress(h->item, (int64_t)(done * (double)total), total, &h->stop) < 0)
        h->stopped = true;
}

static int is_cancelled(void *ctx)
{
    struct hearing *h = ctx;

    mt_progress_poll();
    return h->stopped || mt_stop_signal();
}

static json_t *languages_of(const char *list)
{
    json_t *array = json_array();

    for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',') {
        char *word = mt_strndup(p, strcspn(p, ","));
        if (*word)
            json_array_append_new(array, mt_json_text(word));
        free(word);
    }
    return array;
}

static double duration_of(const struct mt_item *item, const struct mt_material *m)
{
    return mt_json_num(m->report, "duration", (double)item->duration_us / 1e6);
}

/* Parts the spans among so many tasks, each a stretch of its own, of about equal length. */
static int part(const json_t *start, int jobs, json_t *starts[TASKS_MAX])
{
    const json_t *spans = json_object_get(start, "spans");
    double total = 0, sum = 0;
    int n = 0;
    json_t *span;
    size_t i;

    json_array_foreach(spans, i, span)
    {
        total += mt_json_num(span, "end_s", 0) - mt_json_num(span, "start_s", 0);
    }
    json_t *mine = NULL;
    json_array_foreach(spans, i, span)
    {
        if (!mine) {
            starts[n] = json_copy((json_t *)(uintptr_t)start);
            mine = json_array();
            json_object_set_new(starts[n++], "spans", mine);
        }
        json_array_append(mine, span);
        sum += mt_json_num(span, "end_s", 0) - mt_json_num(span, "start_s", 0);
        if (n < jobs && sum >= total * n / jobs)
            mine = NULL;
    }
    return n;
}

static int run_tasks(struct mt_question *q, const struct mt_analyze *spec, struct hearing *h,
                     const json_t *start, int fd, double duration_s)
{
    int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
    int jobs = (int)(spec->engine_jobs > 0 ? spec->engine_jobs : cores > 0 ? cores : 1);
    json_t *starts[TASKS_MAX] = {0};
    struct mt_engine_task tasks[TASKS_MAX];
    int n = 0;

    jobs = jobs > TASKS_MAX ? TASKS_MAX : jobs;
    if (q->engine->parallel && jobs > 1 && json_object_get(start, "spans"))
        n = part(start, jobs, starts);
    if (n == 0)
        starts[n++] = json_deep_copy(start);
    for (int i = 0; i < n; i++)
        tasks[i] = (struct mt_engine_task){starts[i], fd};
    struct mt_engine_run run = {.type = mt_analysis_types[q->type].name,
                                .host = spec->host,
                                .wall_us = spec->options->timeout_us,
                                .stall_us = spec->engine_stall_us,
                                .duration_s = duration_s,
                                .finding = add_finding,
                                .progress = show_progress,
                                .cancelled = is_cancelled,
                                .ctx = h};
    int ret = mt_engine_run(q->engine, tasks, n, jobs, &run, &q->err);
    for (int i = 0; i < n; i++)
        json_decref(starts[i]);
    if (ret < 0 && h->stopped)
        q->err = h->stop;
    return ret;
}

/* What is said in the document so far, a line each, in a nameless file; -1 with *n 0: nothing. */
static int text_of(const struct mt_item *item, const char *tmp, int64_t *n, struct mt_err *err)
{
    const json_t *cues = mt_json_at(item->doc, "analysis.transcription.timestamps");
    bool read = mt_json_at(item->doc, "analysis.transcription.source");
    const json_t *cue;
    size_t i;
    int fd = open(tmp, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    *n = 0;
    if (fd < 0)
        return mt_fail_errno(err, "cannot make a temporary file in '%s'", tmp);
    json_array_foreach(cues, i, cue)
    {
        json_t *line =
            json_pack("{s:O, s:O, s:O, s:s}", "start_s", json_object_get(cue, "start"), "end_s",
                      json_object_get(cue, "end"), "text", json_object_get(cue, "text"), "source",
                      read ? "subtitle" : "speech");
        char *compact = line ? mt_json_compact(line) : NULL;
        char *text = mt_asprintf("%s\n", compact ? compact : "{}");
        int ret = compact ? mt_write_all(fd, text, strlen(text)) : 0;
        *n += compact != NULL;
        free(text);
        free(compact);
        json_decref(line);
        if (ret < 0) {
            mt_fail_errno(err, "cannot keep the text for an engine");
            close(fd);
            return -1;
        }
    }
    return fd;
}

/* The material of the question: members of the first line, new, and its file. */
static json_t *material_of(struct mt_question *q, const struct mt_item *item,
                           const struct mt_material *m, int *fd, bool *own, int64_t *examined)
{
    json_t *start = NULL;

    *own = false;
    *examined = 1;
    if (q->engine->input == MT_ENGINE_TEXT) {
        *fd = text_of(item, m->tmp, examined, &q->err);
        *own = *fd >= 0;
        q->failed = *fd < 0;
        return *examined == 0 ? NULL
                              : json_pack("{s:{s:s, s:I, s:s}}", "input", "kind", "text", "bytes",
                                          (json_int_t)lseek(*fd, 0, SEEK_END), "format", "cues");
    }
    if (q->engine->input == MT_ENGINE_FILE) {
        *fd = item->fd;
        return json_pack("{s:{s:s, s:I, s:s}}", "input", "kind", "file", "bytes",
                         (json_int_t)lseek(item->fd, 0, SEEK_END), "mime_type",
                         mt_json_str(item->doc, "asset.mime_type", "application/octet-stream"));
    }
    start = mt_material_of(m, q->engine, fd);
    if (json_object_get(start, "frames"))
        *examined = (int64_t)json_array_size(json_object_get(start, "frames"));
    return start;
}

static const char *what_is_absent(const struct mt_engine *engine)
{
    switch (engine->input) {
    case MT_ENGINE_AUDIO:
        return "no audio stream";
    case MT_ENGINE_FRAMES:
        return "no video stream";
    default:
        return "no text: ask for transcription too";
    }
}

json_t *mt_ask(struct mt_question *q, struct mt_item *item, const struct mt_analyze *spec,
               const struct mt_material *m, const char **absent)
{
    struct hearing h = {.item = item, .findings = json_array()};
    const json_t *spans = NULL;
    json_t *result = NULL;
    int64_t examined = 0;
    bool own = false;
    int fd = -1;
    json_t *start = material_of(q, item, m, &fd, &own, &examined);

    *absent = NULL;
    if (q->failed)
        goto out;
    if (!start) {
        *absent = what_is_absent(q->engine);
        goto out;
    }
    spans = json_object_get(start, "spans");
    json_object_set_new(start, "languages", languages_of(spec->languages));
    json_object_set_new(start, "duration_s", mt_json_real(duration_of(item, m), 3));
    /* Where nobody speaks no recogniser is asked: it would invent something. */
    if ((!spans || json_array_size(spans) > 0) &&
        run_tasks(q, spec, &h, start, fd, duration_of(item, m)) < 0) {
        q->failed = true;
        goto out;
    }
    result = mt_findings_result(mt_analysis_types[q->type].name, h.findings, spans,
                                spans ? json_object_get(m->report, "voice") : NULL, examined);
out:
    if (own)
        mt_fd_close(&fd);
    json_decref(start);
    json_decref(h.findings);
    return result;
}
