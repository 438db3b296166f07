/* SPDX-License-Identifier: GPL-2.0-or-later */
/* commands.c - what all commands share; claim, and what is done under a lease. */
#include "work/internal.h"

#include "base/log.h"
#include "base/text.h"
#include "catalog/job.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- shared --- */

struct mt_queue_times mt_work_times(const struct mt_work *w)
{
    return (struct mt_queue_times){
        .lease_s = (double)w->lease_us / 1e6,
        .heartbeat_s = (double)(w->heartbeat_us ? w->heartbeat_us : w->lease_us / 4) / 1e6,
        .backoff_s = (double)w->backoff_us / 1e6,
        .backoff_max_s = (double)w->backoff_max_us / 1e6,
    };
}

int mt_work_check(const struct mt_work *w, struct mt_err *err)
{
    if (w->lease_us < 1000000 || w->lease_us > INT64_C(86400) * 1000000) {
        mt_fail(err, MT_ERR_USAGE, "--lease is a second to a day");
        return mt_hint(err, "60 seconds is what it is unless given");
    }
    if (w->heartbeat_us && (w->heartbeat_us < 100000 || w->heartbeat_us * 3 > w->lease_us)) {
        mt_fail(err, MT_ERR_USAGE, "--heartbeat is at most a third of the lease");
        return mt_hint(err, "two may get lost before the third one is too late");
    }
    if (w->backoff_us < 1000 || w->backoff_max_us < w->backoff_us)
        return mt_fail(err, MT_ERR_USAGE, "--backoff is above 0 and at most --backoff-max");
    return 0;
}

int mt_work_open(struct mt_work *w, struct mt_err *err)
{
    if (mt_work_check(w, err) < 0 ||
        mt_db_open(&w->db, w->common->db, w->dbs, MT_DB_WRITE, err) < 0)
        return -1;
    return mt_queue_tick(w->db, (double)w->lease_us / 1e6, NULL, err);
}

void mt_work_close(struct mt_work *w)
{
    mt_db_close(&w->db);
}

int mt_work_words(const char *option, const char *text, json_t **words, struct mt_err *err)
{
    char word[MT_QUEUE_TYPE_MAX + 2];

    *words = NULL;
    if (!text)
        return 0;
    *words = json_array();
    for (const char *p = text; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), p);
        if (!mt_queue_word_ok(word)) {
            json_decref(*words);
            *words = NULL;
            mt_fail(err, MT_ERR_USAGE, "%s takes words with commas between, not '%.100s'", option,
                    text);
            return mt_hint(err, "words are lower-case letters, digits, dots and dashes");
        }
        json_array_append_new(*words, json_string(word));
        p += n;
    }
    return 0;
}

const char *mt_work_name(const struct mt_work *w, char out[MT_WORK_NAME])
{
    char host[65] = "";

    if (w->filter.worker) {
        snprintf(out, MT_WORK_NAME, "%s", w->filter.worker);
        return out;
    }
    if (gethostname(host, sizeof host - 1) < 0 || !host[0])
        strcpy(host, "localhost");
    snprintf(out, MT_WORK_NAME, "%s:%d", host, (int)getpid());
    return out;
}

int mt_work_say(struct mt_work *w, const char *id, const char *status, struct mt_err *err)
{
    json_t *answer = json_pack("{s:i, s:s, s:s}", "schema", 1, "job_id", id, "status", status);
    int ret = mt_print(answer, err);

    json_decref(answer);
    mt_outcome_add(&w->run->outcome, MT_OK);
    return ret;
}

int mt_work_refuse(struct mt_work *w, const char *input, const struct mt_err *failure,
                   struct mt_err *err)
{
    json_t *answer = json_pack("{s:i, s:o}", "schema", 1, "input", mt_json_text(input));

    mt_log_err(MT_LOG_ERROR, failure);
    mt_outcome_add(&w->run->outcome, failure->code);
    mt_doc_fail(answer, "queue", failure);
    int ret = mt_print(answer, err);
    json_decref(answer);
    return ret;
}

bool mt_work_is_of_job(const struct mt_err *err)
{
    return err->code == MT_ERR_NOT_FOUND || err->code == MT_ERR_LEASE ||
           err->code == MT_ERR_USAGE || err->code == MT_ERR_LOCKED;
}

static int try_one(struct mt_work *w, const char *text,
                   int (*fn)(struct mt_work *w, const char *id, struct mt_err *err),
                   struct mt_err *err)
{
    struct mt_err failure = {.code = MT_OK};
    json_t *row = mt_job_get(w->db, text, &failure);
    int ret = row ? fn(w, mt_json_str(row, "id", ""), &failure) : -1;

    json_decref(row);
    if (ret == 0)
        return 0;
    if (mt_work_is_of_job(&failure))
        return mt_work_refuse(w, text, &failure, err);
    *err = failure;
    return -1;
}

int mt_work_each(struct mt_work *w,
                 int (*fn)(struct mt_work *w, const char *id, struct mt_err *err),
                 struct mt_err *err)
{
    struct mt_names names;
    const char *name;
    int ret;

    if (w->run->n_operands == 0 && !w->common->files_from) {
        mt_fail(err, MT_ERR_USAGE, "'%s' wants the id of a job", w->run->command->name);
        return mt_hint(err, "media-status jobs lists them");
    }
    if (mt_work_open(w, err) < 0)
        return -1;
    mt_names_init(&names, w->run, w->common);
    while ((ret = mt_names_next(&names, &name, err)) == 1) {
        ret = try_one(w, name, fn, err);
        if (ret < 0 || mt_stop_signal() || (w->common->fail_fast && w->run->outcome.failed))
            break;
    }
    mt_names_free(&names);
    return ret < 0 ? -1 : 0;
}

/* --- claim --- */

static json_t *or_null(const json_t *row, const char *name)
{
    json_t *value = json_object_get(row, name);

    return value ? json_incref(value) : json_null();
}

json_t *mt_work_job_json(const json_t *row)
{
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o}}",
                     "schema", 1, "job_id", or_null(row, "id"), "type", or_null(row, "job_type"),
                     "status", or_null(row, "status"), "asset_id", or_null(row, "media_asset_id"),
                     "parent_id", or_null(row, "parent_id"), "parameters",
                     or_null(row, "input_parameters"), "priority", or_null(row, "priority"),
                     "class", or_null(row, "worker_class"), "attempt", or_null(row, "attempts"),
                     "max_attempts", or_null(row, "max_attempts"), "timeout_s",
                     or_null(row, "timeout_s"), "lease", "token", or_null(row, "lease_token"),
                     "until", or_null(row, "lease_until"));
}

static int print_claimed(struct mt_work *w, const json_t *rows, struct mt_err *err)
{
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        json_t *job = mt_work_job_json(row);
        int ret = mt_print(job, err);
        json_decref(job);
        if (ret < 0)
            return -1;
        mt_outcome_add(&w->run->outcome, MT_OK);
    }
    if (json_array_size(rows) == 0) {
        mt_log(MT_LOG_INFO, "no job is ready for this worker");
        mt_outcome_add(&w->run->outcome, MT_ERR_NOT_FOUND);
    }
    return 0;
}

int mt_work_claim(struct mt_work *w, struct mt_err *err)
{
    char name[MT_WORK_NAME];
    json_t *types = NULL;
    json_t *classes = NULL;
    json_t *has = NULL;
    json_t *rows = NULL;
    int ret = -1;

    if (w->run->n_operands) {
        mt_fail(err, MT_ERR_USAGE, "'claim' takes no operands");
        return mt_hint(err, "--types chooses what is claimed");
    }
    if (mt_work_words("--types", w->filter.types, &types, err) < 0 ||
        mt_work_words("--class", w->filter.classes, &classes, err) < 0 ||
        mt_work_words("--has", w->filter.has, &has, err) < 0 || mt_work_open(w, err) < 0)
        goto out;
    struct mt_queue_claim claim = {.types = types,
                                   .classes = classes,
                                   .has = has,
                                   .limit = (int)w->count,
                                   .worker = mt_work_name(w, name),
                                   .lease_s = (double)w->lease_us / 1e6};
    rows = mt_queue_claim(w->db, &claim, err);
    if (rows)
        ret = print_claimed(w, rows, err);
out:
    json_decref(types);
    json_decref(classes);
    json_decref(has);
    json_decref(rows);
    return ret;
}

/* --- under a lease --- */

/* The lease that operand and --token name, or the environment. */
struct lease {
    const char *id;
    int64_t token;
};

static int find_lease(const struct mt_work *w, struct lease *lease, struct mt_err *err)
{
    const char *text = mt_env_get(w->run->env, "MEDIA_LEASE_TOKEN");

    lease->id = w->run->n_operands ? w->run->operands[0] : w->common->job;
    lease->token = w->token;
    if (w->run->n_operands > 1)
        return mt_fail(err, MT_ERR_USAGE, "'%s' takes one job", w->run->command->name);
    if (!lease->id) {
        mt_fail(err, MT_ERR_USAGE, "'%s' wants the id of a job", w->run->command->name);
        return mt_hint(err, "or MEDIA_JOB and MEDIA_LEASE_TOKEN in the environment");
    }
    if (!lease->token && text &&
        mt_parse_int("MEDIA_LEASE_TOKEN", text, 1, INT64_MAX, &lease->token, err) < 0)
        return -1;
    if (lease->token)
        return 0;
    mt_fail(err, MT_ERR_USAGE, "'%s' wants --token", w->run->command->name);
    return mt_hint(err, "the token is what claim has printed: .lease.token");
}

/* Does it, and answers; a lease that is over is the failure of this input. */
static int under_lease(struct mt_work *w,
                       int (*fn)(struct mt_work *w, const struct lease *lease, const char **status,
                                 struct mt_err *err),
                       struct mt_err *err)
{
    const char *status = "processing";
    struct lease lease;

    if (find_lease(w, &lease, err) < 0 || mt_work_open(w, err) < 0)
        return -1;
    if (fn(w, &lease, &status, err) == 0)
        return mt_work_say(w, lease.id, status, err);
    if (!mt_work_is_of_job(err))
        return -1;
    struct mt_err failure = *err;
    return mt_work_refuse(w, lease.id, &failure, err);
}

static int heartbeat(struct mt_work *w, const struct lease *l, const char **status,
                     struct mt_err *err)
{
    bool cancel = false;
    int ret = mt_queue_heartbeat(w->db, l->id, l->token, (double)w->lease_us / 1e6, &cancel, err);

    if (cancel)
        *status = "cancelling";
    return ret;
}

int mt_work_heartbeat(struct mt_work *w, struct mt_err *err)
{
    return under_lease(w, heartbeat, err);
}

static int progress(struct mt_work *w, const struct lease *l, const char **status,
                    struct mt_err *err)
{
    struct mt_queue_progress p = {.percent = (int)w->percent, .step = w->step};
    bool cancel = false;
    int ret = mt_queue_progress(w->db, l->id, l->token, &p, &cancel, err);

    if (cancel)
        *status = "cancelling";
    return ret;
}

int mt_work_progress(struct mt_work *w, struct mt_err *err)
{
    if (w->percent < 0 && !w->step)
        return mt_fail(err, MT_ERR_USAGE, "'progress' wants --percent or --step");
    return under_lease(w, progress, err);
}

static int release(struct mt_work *w, const struct lease *l, const char **status,
                   struct mt_err *err)
{
    *status = "pending";
    return mt_queue_release(w->db, l->id, l->token, NULL, err);
}

int mt_work_release(struct mt_work *w, struct mt_err *err)
{
    return under_lease(w, release, err);
}
