/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why_job.c - the story of one job. */
#include "status/why.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/asset.h"
#include "catalog/document.h"
#include "catalog/job.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- where --- */

/* Which stream that is: "video, h264"; null if nobody knows. New. */
static json_t *stream_of(const json_t *asset, const json_t *error)
{
    int64_t index = mt_json_int(error, "details.stream", -1);
    size_t i;
    json_t *stream;

    json_array_foreach(mt_json_at(asset, "metadata.streams"), i, stream)
    {
        if (mt_json_int(stream, "index", (int64_t)i) == index) {
            char *text =
                mt_asprintf("%lld (%s, %s)", (long long)index, mt_json_str(stream, "type", "?"),
                            mt_json_str(stream, "codec", "?"));
            json_t *value = mt_json_text(text);
            free(text);
            return value;
        }
    }
    if (index < 0)
        return json_null();
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)index);
    return json_string(text);
}

/* The asset's row, if the job has one and it is still there. New or NULL. */
static json_t *asset_of(struct mt_status *s, const json_t *row)
{
    const char *id = mt_json_str(row, "media_asset_id", NULL);
    struct mt_err ignored;

    return id ? mt_asset_get(s->db, id, &ignored) : NULL;
}

/* Stage, step, file, stream and time. New. */
static json_t *where_of(struct mt_status *s, const json_t *row, const json_t *error)
{
    json_t *where = json_object();
    json_t *asset = asset_of(s, row);
    json_t *document = asset ? mt_document_asset(asset, s->store) : NULL;
    const char *path =
        mt_json_str(row, "input_parameters.path", mt_json_str(row, "input_parameters.name", NULL));
    size_t steps = json_array_size(mt_json_at(row, "steps"));
    const json_t *last = steps ? json_array_get(mt_json_at(row, "steps"), steps - 1) : NULL;

    json_object_set_new(
        where, "stage",
        mt_json_text(mt_json_str(error, "stage", mt_json_str(row, "job_type", ""))));
    json_object_set_new(
        where, "step",
        mt_json_text(mt_json_str(row, "current_step", mt_json_str(last, "name", NULL))));
    json_object_set_new(where, "file",
                        mt_json_text(path ? path : mt_json_str(asset, "original_filename", NULL)));
    mt_why_copy(where, "url", document, "url");
    json_object_set_new(where, "stream", stream_of(asset, error));
    mt_why_copy(where, "time_s", error, "details.time_s");
    mt_why_copy(where, "reached_s", error, "details.reached_s");
    mt_why_copy(where, "progress", row, "progress");
    json_decref(document);
    json_decref(asset);
    return where;
}

/* --- how it ended --- */

/* "SIGSEGV"; null if it was no signal. New. */
static json_t *signal_name(int64_t number)
{
    const char *name = number > 0 && number < 65 ? sigabbrev_np((int)number) : NULL;
    char text[32];

    if (number <= 0)
        return json_null();
    if (name)
        snprintf(text, sizeof text, "SIG%s", name);
    else
        snprintf(text, sizeof text, "signal %lld", (long long)number);
    return json_string(text);
}

static json_t *death_of(const json_t *from, const char *prefix)
{
    char path[64];
    json_t *death = json_object();
    static const char *const members[] = {"signal", "exit_status", "last_words"};

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        snprintf(path, sizeof path, "%s%s", prefix, members[i]);
        mt_why_copy(death, members[i], from, path);
    }
    json_object_set_new(death, "signal_name", signal_name(mt_json_int(death, "signal", 0)));
    return death;
}

static json_t *attempt_of(const json_t *row)
{
    static const char *const members[] = {"attempt", "worker", "started_at", "ended_at",
                                          "status",  "stage",  "error"};
    json_t *attempt = death_of(row, "");
    json_t *error = mt_json_at(row, "error");

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        mt_why_copy(attempt, members[i], row, members[i]);
    if (!mt_json_at(attempt, "last_words"))
        mt_why_copy(attempt, "last_words", error, "details.last_words");
    if (!mt_json_at(attempt, "signal") && mt_json_at(error, "details.signal")) {
        mt_why_copy(attempt, "signal", error, "details.signal");
        json_object_set_new(attempt, "signal_name",
                            signal_name(mt_json_int(error, "details.signal", 0)));
    }
    return attempt;
}

/* A job without leases had one attempt: that of the process that recorded it. New. */
static json_t *own_attempt(const json_t *row, const json_t *body, const json_t *error)
{
    json_t *attempt = death_of(error, "details.");

    json_object_set_new(attempt, "attempt", json_integer(1));
    mt_why_copy(attempt, "worker", body, "worker");
    mt_why_copy(attempt, "started_at", row, "started_at");
    mt_why_copy(attempt, "ended_at", row, "completed_at");
    mt_why_copy(attempt, "status", row, "status");
    mt_why_copy(attempt, "stage", error, "stage");
    json_object_set(attempt, "error", error ? (json_t *)(uintptr_t)error : json_null());
    return attempt;
}

/* New; NULL with *err. */
static json_t *attempts_of(struct mt_status *s, const json_t *row, const json_t *body,
                           const json_t *error, struct mt_err *err)
{
    json_t *rows = mt_job_attempts(s->db, mt_json_str(row, "id", ""), err);
    json_t *attempts = rows ? json_array() : NULL;
    size_t i;
    json_t *one;

    json_array_foreach(rows, i, one)
    {
        json_array_append_new(attempts, attempt_of(one));
    }
    if (rows && i == 0 && mt_json_at(row, "started_at"))
        json_array_append_new(attempts, own_attempt(row, body, error));
    json_decref(rows);
    return attempts;
}

/* The story's death is that of the last attempt that knows one, if the error tells of none. New. */
static json_t *last_death(const json_t *error, const json_t *attempts)
{
    json_t *death = death_of(error, "details.");

    for (size_t i = json_array_size(attempts); i > 0; i--) {
        json_t *attempt = json_array_get(attempts, i - 1);
        if (mt_json_at(death, "signal") || mt_json_at(death, "exit_status") ||
            mt_json_at(death, "last_words"))
            break;
        json_decref(death);
        death = death_of(attempt, "");
    }
    return death;
}

/* --- in one sentence --- */

static char *sum_up_waiting(struct mt_status *s, const json_t *row)
{
    const char *type = mt_json_str(row, "job_type", "");
    const char *after = mt_json_str(row, "run_after", "");
    int64_t others = mt_json_int(row, "waiting_on", 0);
    char now[MT_TIME_TEXT];
    struct mt_err ignored;

    mt_time_text(mt_now_us(), now);
    if (others > 0)
        return mt_asprintf("it waits for %lld other job%s to be completed", (long long)others,
                           others == 1 ? "" : "s");
    if (strcmp(after, now) > 0)
        return mt_asprintf("it is not to run before %s", after);
    json_t *paused = mt_db_row(s->db, &ignored,
                               "SELECT job_type FROM queue_limits WHERE paused = 1"
                               " AND (job_type = '' OR job_type = $1) ORDER BY job_type LIMIT 1",
                               "s", type);
    bool all = paused && !*mt_json_str(paused, "job_type", "");
    char *text = paused ? mt_asprintf("it waits: the queue is paused%s%s", all ? "" : " for ",
                                      all ? "" : type)
                        : mt_strdup("it is ready and waits for a worker");
    json_decref(paused);
    return text;
}

static char *sum_up_end(const json_t *row, const json_t *error, const json_t *root)
{
    const char *status = mt_json_str(row, "status", "");
    const char *type = mt_json_str(row, "job_type", "job");
    int64_t attempts = mt_json_int(row, "attempts", 1);
    const char *message = mt_json_str(error, "message", NULL);

    if (strcmp(status, "completed") == 0)
        return mt_asprintf("%s was completed (%s): nothing failed", type,
                           mt_json_str(row, "outcome", "ok"));
    if (root)
        return mt_asprintf(
            "%s was cancelled, because %s '%s', on which it depends, %s: %s", type,
            mt_json_str(root, "job_type", "job"), mt_json_str(root, "id", ""),
            strcmp(mt_json_str(root, "status", ""), "cancelled") == 0 ? "was cancelled" : "failed",
            mt_json_str(root, "error.message", "no reason was recorded"));
    if (strcmp(status, "cancelled") == 0)
        return mt_asprintf("%s was cancelled: %s", type, message ? message : "on request");
    if (strcmp(status, "dead") == 0)
        return mt_asprintf("%s failed %lld times and is not tried again: %s", type,
                           (long long)attempts, message ? message : "no reason was recorded");
    return mt_asprintf("%s failed: %s", type, message ? message : "no reason was recorded");
}

static char *sum_up(struct mt_status *s, const json_t *row, const json_t *body, const json_t *error,
                    const json_t *root)
{
    const char *status = mt_json_str(row, "status", "");
    const json_t *alive = json_object_get(body, "alive");

    if (strcmp(status, "pending") == 0)
        return sum_up_waiting(s, row);
    if (strcmp(status, "processing") != 0)
        return sum_up_end(row, error, root);
    if (json_is_false(alive))
        return mt_strdup("the process that worked on it is dead; the next program that writes "
                         "to the database makes it a failed job, or it is claimed again");
    return mt_asprintf("it runs, %lld %% are done", (long long)mt_json_int(row, "progress", 0));
}

/* What a job that says "processing" and is not means, in the words of the table of errors. New. */
static json_t *error_of(const json_t *body)
{
    json_t *error = mt_json_at(body, "error");
    struct mt_err crash;

    if (error || !json_is_false(json_object_get(body, "alive")))
        return error ? json_incref(error) : NULL;
    mt_fail(&crash, MT_ERR_CRASHED, "the process ended without finishing the job");
    mt_hint(&crash, "run the same command again; it goes on where it can");
    error = mt_err_to_json(&crash);
    json_object_set(error, "stage", json_object_get(body, "type"));
    return error;
}

/* Where the job's own row tells no error, that of its last attempt. New or NULL. */
static json_t *error_of_attempts(const json_t *row, const json_t *attempts)
{
    const char *status = mt_json_str(row, "status", "");
    size_t n = json_array_size(attempts);

    if (n == 0 || (strcmp(status, "failed") != 0 && strcmp(status, "dead") != 0))
        return NULL;
    return json_incref(mt_json_at(json_array_get(attempts, n - 1), "error"));
}

json_t *mt_why_job(struct mt_status *s, const json_t *row, struct mt_err *err)
{
    static const char *const members[] = {
        "status",       "type",       "outcome",    "asset_id",     "attempts",
        "max_attempts", "created_at", "started_at", "completed_at", "took_ms"};
    json_t *body = mt_status_job_body(row);
    json_t *error = error_of(body);
    json_t *attempts = attempts_of(s, row, body, error, err);
    json_t *depends = attempts ? mt_why_depends(s, mt_json_str(row, "id", ""), err) : NULL;
    if (!error)
        error = error_of_attempts(row, attempts);
    json_t *root = mt_why_root(s, error);
    json_t *story = NULL;

    if (depends) {
        char *summary = sum_up(s, row, body, error, root);
        story = json_pack("{s:i, s:s, s:O, s:o}", "schema", 1, "kind", "job", "id",
                          json_object_get(body, "job_id"), "summary", mt_json_text(summary));
        free(summary);
        mt_why_cause(story, error);
        if (root)
            mt_why_blame(story, root);
        json_object_set(story, "error", error ? error : json_null());
        json_object_set_new(story, "where", where_of(s, row, error));
        json_object_set_new(story, "death", last_death(error, attempts));
        mt_why_again(s, row, story);
        json_object_set(story, "history", attempts);
        json_object_set(story, "depends_on", depends);
        mt_why_copy(story, "parameters", row, "input_parameters");
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
            mt_why_copy(story, members[i], body, members[i]);
    }
    json_decref(root);
    json_decref(depends);
    json_decref(attempts);
    json_decref(error);
    json_decref(body);
    return story;
}
