/* SPDX-License-Identifier: GPL-2.0-or-later */
/* distribute.c - see distribute.h. */
#include "transcode/distribute.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/lease.h"
#include "queue/queue.h"
#include "transcode/burn.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3, FORMATS_MAX = 1 << 16 };

bool mt_distribution_leads(const struct mt_distribution *d, const struct mt_item *item)
{
    struct mt_db *db = mt_item_db(item);

    return !d->part && (!d->wanted || (db && mt_lease_is_attached(db)));
}

int mt_distribution_open(struct mt_ledger **out, const struct mt_distribution *d,
                         struct mt_item *item, const char *work, struct mt_err *err)
{
    struct mt_ledger_place place = {.db = mt_item_db(item),
                                    .store = mt_item_store(item),
                                    .asset_id = item->asset_id,
                                    .work = work};

    if (!place.db || !place.asset_id) {
        mt_fail(err, MT_ERR_USAGE, "parts of a film go through the database and the store");
        return mt_hint(err, "leave out -o");
    }
    if (d->part && !mt_lease_is_attached(place.db)) {
        mt_fail(err, MT_ERR_USAGE, "--part is for jobs of the queue, and this is none");
        return mt_hint(err, "--distribute submits such jobs");
    }
    if (mt_ledger_open_rows(out, &place, err) < 0)
        return -1;
    if (!d->part)
        mt_ledger_sweep(*out);
    return 0;
}

/* ---- parts ---- */

static int segments_of(const struct mt_engine *engine)
{
    return (int)json_array_size(json_object_get(mt_ledger_plan(engine->ledger), "segments"));
}

/* How many segments make a part. */
static int group_of(const struct mt_engine *engine, const struct mt_distribution *d)
{
    int n = segments_of(engine);
    int64_t film_us = mt_json_int(mt_ledger_plan(engine->ledger), "duration_us", 0);
    int64_t each_us = n > 0 && film_us > 0 ? film_us / n : 1;
    int64_t group = d->part_us / (each_us > 0 ? each_us : 1);

    if (group < 1)
        group = 1;
    return (int)(n / group > MT_PARTS_MAX ? n / MT_PARTS_MAX + 1 : group);
}

static int read_part(const struct mt_engine *engine, const char *text,
                     struct mt_engine_share *share, struct mt_err *err)
{
    int first = 0, last = 0, n = 0;

    *share = (struct mt_engine_share){.sound = strcmp(text, "sound") == 0};
    if (share->sound)
        return 0;
    if (sscanf(text, "%d-%d%n", &first, &last, &n) < 2 || text[n] || first < 1 || last < first ||
        last > segments_of(engine))
        return mt_fail(err, MT_ERR_USAGE, "--part: no such segments: '%.40s' of %d", text,
                       segments_of(engine));
    share->first = first - 1;
    share->n = last - first + 1;
    return 0;
}

/* That one machine's encoder is another's. */
static int same_tools(const struct mt_engine *engine, struct mt_err *err)
{
    const json_t *theirs = json_object_get(mt_ledger_plan(engine->ledger), "made_with");
    json_t *ours = mt_engine_tools();
    bool same = json_equal(theirs, ours);
    char *text = same ? NULL : mt_json_compact(theirs);

    json_decref(ours);
    if (same)
        return 0;
    mt_fail(err, MT_ERR_BUSY, "the film was planned with other versions: %.300s", text);
    free(text);
    return mt_hint(err, "all workers on a film need the same versions; update this machine");
}

static int make_part(struct mt_engine *engine, const char *part, struct mt_err *err)
{
    struct mt_engine_share share;
    int ret;

    if (!mt_ledger_plan(engine->ledger)) {
        mt_fail(err, MT_ERR_BUSY, "there is no plan for this film and these settings");
        return mt_hint(err, "all workers on a film need the same version and configuration");
    }
    if (same_tools(engine, err) < 0 || read_part(engine, part, &share, err) < 0 ||
        mt_engine_plan(engine, err) < 0)
        return -1;
    engine->share = &share;
    ret = mt_engine_encode(engine, err);
    engine->share = NULL;
    if (ret == 0)
        json_object_set_new(engine->item->report, "part", json_string(part));
    return ret;
}

/* ---- jobs ---- */

/* The content of a file of this machine, as an option. New; NULL with *err. */
static json_t *with_content(const char *name, const char *path, struct mt_err *err)
{
    struct mt_buf buf;
    json_t *out = NULL;

    mt_buf_init(&buf, FORMATS_MAX);
    if (strcmp(path, "-") == 0)
        mt_fail(err, MT_ERR_USAGE, "%s- cannot be read by others; name a file", name);
    else if (mt_read_file(path, &buf, err) == 0 &&
             !(out = json_sprintf("%s%.*s", name, (int)buf.len, buf.data)))
        mt_fail(err, MT_ERR_USAGE, "'%s' is no text in UTF-8", path);
    mt_buf_free(&buf);
    return out;
}

/* A file of this machine is of no use on another: what is in it is. New; NULL with *err. */
static json_t *portable(const struct mt_distribution *d, const char *text, struct mt_err *err)
{
    static const char formats[] = "--output-formats=", burn[] = "--burn-in=";
    const char *path = text + sizeof formats - 1;

    if (mt_str_starts(text, burn) && d->burn_in)
        return json_sprintf("%s" MT_BURN_IN_WORK "%s", burn, d->burn_in);
    if (!mt_str_starts(text, formats) || *path == '[' || *path == '{')
        return json_string(text);
    return with_content(formats, path, err);
}

/* The command without what is the parent's own, with what is added. New; NULL with *err. */
static json_t *arguments(const struct mt_distribution *d, char *added, struct mt_err *err)
{
    static const char *const own[] = {"--distribute", "--part",     "--db",         "--store",
                                      "--config",     "--progress", "--files-from", NULL};
    json_t *all = json_array(), *one;
    bool value_follows = false;
    size_t i;

    json_array_foreach(d->command, i, one)
    {
        const char *text = json_string_value(one);
        bool leave = i == 0 || value_follows;

        value_follows = false;
        for (int k = 0; own[k] && !leave; k++) {
            size_t n = strlen(own[k]);

            if (strncmp(text, own[k], n) == 0 && (text[n] == '=' || text[n] == '\0')) {
                leave = true;
                value_follows = text[n] == '\0' && k > 0;
            }
        }
        if (!leave && json_array_append_new(all, portable(d, text, err)) < 0) {
            json_decref(all);
            all = NULL;
            break;
        }
    }
    if (all)
        json_array_append_new(all, json_string(added));
    free(added);
    return all;
}

/* What children inherit of their parent: {"priority", "class", "submitted_by"}. New. */
static json_t *parent_of(struct mt_db *db, const char *job, struct mt_err *err)
{
    return mt_db_row(db, err,
                     "SELECT priority, worker_class, submitted_by FROM processing_jobs"
                     " WHERE id = $1",
                     "s", job);
}

static json_t *job_of(const struct mt_engine *engine, const struct mt_distribution *d,
                      const json_t *parent, const char *key, const char *part, struct mt_err *err)
{
    const struct mt_lease *lease = mt_db_fence(mt_item_db(engine->item));
    int64_t priority = mt_json_int(parent, "priority", 0) + 1;
    json_t *command = arguments(d, mt_asprintf("--part=%s", part), err);

    if (!command)
        return NULL;
    /* Before other films are begun, those that are under way are finished. */
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:s, s:O*, s:s, s:{s:o, s:s}}", "type", "segment", "asset_id",
        engine->item->asset_id, "parent_id", lease->job, "priority",
        (json_int_t)(priority > MT_QUEUE_PRIORITY_MAX ? MT_QUEUE_PRIORITY_MAX : priority), "class",
        mt_json_str(parent, "worker_class", "cpu"), "submitted_by",
        json_object_get(parent, "submitted_by"), "unique_key", key, "parameters", "arguments",
        command, "part", part);
}

/* A part that is said to be made again and again and is not there would go on for ever. */
static int still_sane(struct mt_db *db, const char *job, const char *key, const char *part,
                      struct mt_err *err)
{
    json_t *row = mt_db_row(db, err,
                            "SELECT count(*) AS n FROM processing_jobs WHERE parent_id = $1"
                            " AND unique_key = $2 AND status = 'completed'",
                            "ss", job, key);
    int64_t n = mt_json_int(row, "n", 0);

    json_decref(row);
    if (!row)
        return -1;
    if (n < ROUNDS)
        return 0;
    return mt_fail(err, MT_ERR_VERIFY, "part %s was made %lld times, and is not in the store", part,
                   (long long)n);
}

static int add_part(const struct mt_engine *engine, const struct mt_distribution *d,
                    const json_t *parent, const char *work, const char *part, json_t *jobs,
                    struct mt_err *err)
{
    struct mt_db *db = mt_item_db(engine->item);
    const struct mt_lease *lease = mt_db_fence(db);
    char *key = mt_asprintf("segment %s %s %s", engine->item->asset_id, work, part);
    int ret = still_sane(db, lease->job, key, part, err);

    if (ret == 0)
        ret = json_array_append_new(jobs, job_of(engine, d, parent, key, part, err));
    free(key);
    return ret;
}

/* Jobs for what is missing; the sound, which takes longest, first. New. */
static json_t *jobs_for(const struct mt_engine *engine, const struct mt_distribution *d,
                        const char *work, struct mt_err *err)
{
    const struct mt_lease *lease = mt_db_fence(mt_item_db(engine->item));
    json_t *jobs = json_array(), *parent = parent_of(mt_item_db(engine->item), lease->job, err);
    struct mt_engine_share share = {.sound = true};
    int n = segments_of(engine), group = group_of(engine, d);
    int ret = parent ? 0 : -1;

    if (ret == 0 && mt_engine_lacks(engine, &share))
        ret = add_part(engine, d, parent, work, "sound", jobs, err);
    share.sound = false;
    for (int i = 0; i < n && ret == 0; i += group) {
        char part[32];

        share.first = i;
        share.n = i + group < n ? group : n - i;
        snprintf(part, sizeof part, "%d-%d", i + 1, i + share.n);
        if (mt_engine_lacks(engine, &share))
            ret = add_part(engine, d, parent, work, part, jobs, err);
    }
    json_decref(parent);
    if (ret == 0)
        return jobs;
    json_decref(jobs);
    return NULL;
}

static int submit(struct mt_engine *engine, const json_t *jobs, json_t **ids, struct mt_err *err)
{
    json_t *answers = mt_queue_submit(mt_item_db(engine->item), jobs, err), *one;
    size_t i;

    if (!answers)
        return -1;
    *ids = json_array();
    json_array_foreach(answers, i, one) json_array_append(*ids, json_object_get(one, "job_id"));
    json_decref(answers);
    return 0;
}

/* ---- failures ---- */

static void take_failure(const json_t *job, struct mt_err *err)
{
    const json_t *error = json_object_get(job, "error");

    if (json_is_object(error))
        mt_err_from_json(error, err);
    else
        mt_fail(err, MT_ERR_FAILED, "%s", mt_json_str(job, "error_message", "it has failed"));
    if (mt_code_retryable(err->code) || err->code == MT_ERR_NO_SPACE)
        err->code = MT_ERR_FAILED; /* its own attempts are used up */
    mt_fail_in(err, "part %s (job %.8s)", mt_json_str(job, "input_parameters.part", "?"),
               mt_json_str(job, "id", "?"));
    mt_hint(err, "media-queue retry goes on from the segments that are finished");
}

/* Fails if a part of ours has since we wait for it. (A retry of the job forgets for what.) */
static int parts_failed(struct mt_db *db, const char *job, struct mt_err *err)
{
    json_t *rows = mt_db_rows(db, err,
                              "SELECT p.id, p.status, p.error, p.error_message, p.input_parameters"
                              " FROM job_dependencies AS d JOIN processing_jobs AS p"
                              " ON p.id = d.depends_on WHERE d.job_id = $1 AND p.parent_id = $2"
                              " AND d.on_failure = 'wake'"
                              " AND p.status IN ('failed', 'dead', 'cancelled')"
                              " ORDER BY p.completed_at, p.id",
                              "ss", job, job);
    int ret = rows ? 0 : -1;

    if (ret == 0 && json_array_size(rows) > 0) {
        take_failure(json_array_get(rows, 0), err);
        ret = -1;
    }
    json_decref(rows);
    return ret;
}

/* ---- the steps ---- */

/* Without a lease there is no job yet to which parts could belong. */
static int enqueue(struct mt_engine *engine, const struct mt_distribution *d, const char *work,
                   struct mt_err *err)
{
    char *key = mt_asprintf("transcode %s %s", engine->item->asset_id, work);
    json_t *command = arguments(d, mt_strdup("--distribute"), err), *jobs = NULL, *ids = NULL;
    int ret = -1;

    if (command) {
        jobs = json_pack("[{s:s, s:s, s:s, s:{s:o}}]", "type", "film", "asset_id",
                         engine->item->asset_id, "unique_key", key, "parameters", "arguments",
                         command);
        ret = submit(engine, jobs, &ids, err);
    }
    if (ret == 0)
        json_object_set(engine->item->report, "queued_job_id", json_array_get(ids, 0));
    json_decref(ids);
    json_decref(jobs);
    free(key);
    return ret;
}

/* Submits what is missing and notes for what the job waits; *n: how many jobs. */
static int give_away(struct mt_engine *engine, const struct mt_distribution *d, const char *work,
                     size_t *n, struct mt_err *err)
{
    json_t *jobs = jobs_for(engine, d, work, err), *ids = NULL;
    int ret = jobs ? 0 : -1;

    *n = json_array_size(jobs);
    if (*n > 0)
        ret = submit(engine, jobs, &ids, err);
    if (ret == 0 && *n > 0) {
        mt_log(MT_LOG_INFO, "'%s': %zu parts are for the queue", engine->item->name, *n);
        json_object_set_new(engine->item->report, "parts", json_integer((json_int_t)*n));
        json_object_set(engine->item->doc, "waits_for", ids);
    }
    json_decref(ids);
    json_decref(jobs);
    return ret;
}

static int lead(struct mt_engine *engine, const struct mt_distribution *d, const char *work,
                enum mt_distributed *done, struct mt_err *err)
{
    struct mt_db *db = mt_item_db(engine->item);
    const struct mt_lease *lease = mt_db_fence(db);
    size_t n = 0;

    if (parts_failed(db, lease->job, err) < 0 || mt_engine_plan(engine, err) < 0)
        return -1;
    if (group_of(engine, d) >= segments_of(engine))
        return 0; /* it would be one part: made here */
    if (give_away(engine, d, work, &n, err) < 0)
        return -1;
    if (n == 0 && mt_engine_gather(engine, err) < 0 &&
        (err->code != MT_ERR_CHECKSUM || give_away(engine, d, work, &n, err) < 0))
        return -1;
    if (n > 0)
        *done = MT_DISTRIBUTED_WAITING;
    return 0;
}

int mt_distribute(struct mt_engine *engine, const struct mt_distribution *d, const char *work,
                  enum mt_distributed *done, struct mt_err *err)
{
    *done = MT_DISTRIBUTED_ALL;
    if (d->part) {
        *done = MT_DISTRIBUTED_PART;
        engine->item->status = "encoded";
        return make_part(engine, d->part, err);
    }
    if (!mt_lease_is_attached(mt_item_db(engine->item))) {
        *done = MT_DISTRIBUTED_QUEUED;
        engine->item->status = "queued";
        return enqueue(engine, d, work, err);
    }
    if (lead(engine, d, work, done, err) < 0)
        return -1;
    if (*done == MT_DISTRIBUTED_WAITING)
        engine->item->status = "waiting";
    return 0;
}
