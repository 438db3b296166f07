/* SPDX-License-Identifier: GPL-2.0-or-later */
/* submit.c - jobs come in. */
#include "queue/internal.h"

#include "base/text.h"
#include "queue/schedule.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 500, NEEDS_MAX = 32, DEPENDS_MAX = 1000, TRIES = 4, ATTEMPTS_MAX = 100 };

static const double delay_max_s = 10.0 * 366 * 86400;

bool mt_queue_word_ok(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-");

    return n > 0 && !text[n] && n <= MT_QUEUE_TYPE_MAX && !strchr("._-", text[0]);
}

/* --- checking --- */

static const struct member {
    const char *name;
    json_type type;
} members[] = {
    {"type", JSON_STRING},      {"parameters", JSON_OBJECT},   {"asset_id", JSON_STRING},
    {"parent_id", JSON_STRING}, {"submitted_by", JSON_STRING}, {"priority", JSON_INTEGER},
    {"delay_s", JSON_REAL},     {"run_after", JSON_STRING},    {"schedule", JSON_STRING},
    {"class", JSON_STRING},     {"needs", JSON_ARRAY},         {"unique_key", JSON_STRING},
    {"unless_done", JSON_TRUE}, {"unless_known", JSON_TRUE},   {"depends_on", JSON_ARRAY},
    {"ref", JSON_STRING},       {"timeout_s", JSON_INTEGER},   {"max_attempts", JSON_INTEGER},
};

static bool has_type(const json_t *value, json_type type)
{
    switch (type) {
    case JSON_REAL:
        return json_is_number(value);
    case JSON_TRUE:
        return json_is_boolean(value);
    default:
        return json_typeof(value) == type;
    }
}

static const char *word_of(json_type type)
{
    return type == JSON_STRING    ? "a string"
           : type == JSON_OBJECT  ? "an object"
           : type == JSON_ARRAY   ? "an array"
           : type == JSON_INTEGER ? "a whole number"
           : type == JSON_REAL    ? "a number"
                                  : "true or false";
}

/* Every member is known and of its type: a misspelt one would be lost in silence. */
static int check_members(const json_t *job, struct mt_err *err)
{
    const char *names[sizeof members / sizeof *members + 1] = {NULL};
    const char *key;
    json_t *value;

    if (!json_is_object(job))
        return mt_fail(err, MT_ERR_USAGE, "is no JSON object");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        names[i] = members[i].name;
    json_object_foreach((json_t *)(uintptr_t)job, key, value)
    {
        size_t i = 0;
        while (names[i] && strcmp(names[i], key) != 0)
            i++;
        if (!names[i]) {
            mt_fail(err, MT_ERR_USAGE, "no job has a member '%.40s'", key);
            return mt_hint_nearest(err, key, names, NULL);
        }
        if (!json_is_null(value) && !has_type(value, members[i].type))
            return mt_fail(err, MT_ERR_USAGE, "'%s' is %s", key, word_of(members[i].type));
    }
    return 0;
}

static int check_int(const json_t *job, const char *name, int64_t min, int64_t max,
                     struct mt_err *err)
{
    int64_t n = mt_json_int(job, name, min < 0 ? 0 : min);

    if (n >= min && n <= max)
        return 0;
    return mt_fail(err, MT_ERR_USAGE, "'%s' is %lld to %lld, not %lld", name, (long long)min,
                   (long long)max, (long long)n);
}

static int check_word(const json_t *job, const char *name, struct mt_err *err)
{
    const char *word = mt_json_str(job, name, NULL);

    if (!word || mt_queue_word_ok(word))
        return 0;
    mt_fail(err, MT_ERR_USAGE, "'%s' cannot be '%.60s'", name, word);
    return mt_hint(err, "up to %d lower-case letters, digits, dots and dashes", MT_QUEUE_TYPE_MAX);
}

static int check_id(const json_t *job, const char *name, struct mt_err *err)
{
    const char *id = mt_json_str(job, name, NULL);

    return !id || mt_uuid_valid(id)
               ? 0
               : mt_fail(err, MT_ERR_USAGE, "'%s' is no id: '%.60s'", name, id);
}

static int check_needs(const json_t *job, struct mt_err *err)
{
    const json_t *needs = json_object_get(job, "needs");
    size_t i;
    json_t *word;

    if (json_array_size(needs) > NEEDS_MAX)
        return mt_fail(err, MT_ERR_USAGE, "needs more than %d capabilities", NEEDS_MAX);
    json_array_foreach(needs, i, word)
    {
        if (!json_is_string(word) || !mt_queue_word_ok(json_string_value(word)))
            return mt_fail(err, MT_ERR_USAGE, "'needs' is an array of words like \"av1\"");
    }
    return 0;
}

static int check_times(const json_t *job, struct mt_err *err)
{
    const char *after = mt_json_str(job, "run_after", NULL);
    const char *schedule = mt_json_str(job, "schedule", NULL);
    double delay = mt_json_num(job, "delay_s", 0);
    struct mt_schedule parsed;
    int64_t us;

    if (delay < 0 || delay > delay_max_s)
        return mt_fail(err, MT_ERR_USAGE, "'delay_s' is 0 to ten years in seconds");
    if (after && json_object_get(job, "delay_s"))
        return mt_fail(err, MT_ERR_USAGE, "'delay_s' and 'run_after' are one too many");
    if (after && mt_time_parse(after, &us, err) < 0)
        return -1;
    return schedule ? mt_schedule_parse(schedule, &parsed, err) : 0;
}

static int check(const json_t *job, struct mt_err *err)
{
    const char *key = mt_json_str(job, "unique_key", NULL);

    if (check_members(job, err) < 0)
        return -1;
    if (!mt_json_str(job, "type", NULL))
        return mt_fail(err, MT_ERR_USAGE, "has no 'type'");
    if (key && (!*key || strlen(key) > KEY_MAX))
        return mt_fail(err, MT_ERR_USAGE, "'unique_key' is 1 to %d bytes long", KEY_MAX);
    if (json_array_size(json_object_get(job, "depends_on")) > DEPENDS_MAX)
        return mt_fail(err, MT_ERR_USAGE, "depends on more than %d jobs", DEPENDS_MAX);
    if (check_word(job, "type", err) < 0 || check_word(job, "class", err) < 0 ||
        check_id(job, "asset_id", err) < 0 || check_id(job, "parent_id", err) < 0 ||
        check_id(job, "submitted_by", err) < 0 || check_needs(job, err) < 0 ||
        check_times(job, err) < 0)
        return -1;
    if (check_int(job, "priority", -MT_QUEUE_PRIORITY_MAX, MT_QUEUE_PRIORITY_MAX, err) < 0 ||
        check_int(job, "timeout_s", 1, INT32_MAX, err) < 0)
        return -1;
    return check_int(job, "max_attempts", 1, ATTEMPTS_MAX, err);
}

/* --- writing --- */

/* An empty array of needs is none, so that the column is looked into less often. */
static const json_t *needs_of(const json_t *job)
{
    const json_t *needs = json_object_get(job, "needs");

    return json_array_size(needs) ? needs : NULL;
}

/* 1 when the row is there now, 0 when identical work is there already. */
static int insert(struct mt_db *db, const json_t *job, const char *id, struct mt_err *err)
{
    char sql[MT_QUEUE_SQL];
    const char *after = mt_json_str(job, "run_after", NULL);
    int64_t timeout = mt_json_int(job, "timeout_s", 0);
    int64_t changes = 0;
    char normal[MT_TIME_TEXT];
    int64_t us = 0;

    if (after && mt_time_parse(after, &us, err) < 0)
        return -1;
    int ret = mt_db_exec(
        db, &changes, err,
        mt_queue_sql(db, sql,
                     "INSERT INTO processing_jobs (id, job_type, media_asset_id, parent_id,"
                     " submitted_by, status, input_parameters, priority, run_after, schedule,"
                     " worker_class, needs, unique_key, timeout_s, max_attempts, created_at,"
                     " updated_at) VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7,"
                     " COALESCE($8, {now+$9}), $10, $11, $12, $13, NULLIF($14, 0), $15, {now},"
                     " {now}) ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL"
                     " AND status IN ('pending', 'processing') DO NOTHING"),
        "sssssjisdssjsii", id, mt_json_str(job, "type", ""), mt_json_str(job, "asset_id", NULL),
        mt_json_str(job, "parent_id", NULL), mt_json_str(job, "submitted_by", NULL),
        json_object_get(job, "parameters"), mt_json_int(job, "priority", 0),
        after ? mt_time_text(us, normal) : NULL, mt_json_num(job, "delay_s", 0),
        mt_json_str(job, "schedule", NULL), mt_json_str(job, "class", "cpu"), needs_of(job),
        mt_json_str(job, "unique_key", NULL), timeout,
        mt_json_int(job, "max_attempts", MT_QUEUE_ATTEMPTS));
    if (ret < 0 && mt_db_is_conflict(err)) {
        mt_fail(err, MT_ERR_NOT_FOUND, "names an asset, a parent or a user that there is not");
        return -1;
    }
    return ret < 0 ? -1 : changes > 0;
}

/* The job that does the same already; NULL with MT_ERR_NOT_FOUND. */
static json_t *find_same(struct mt_db *db, const char *key, struct mt_err *err)
{
    return mt_db_row(db, err,
                     "SELECT id, job_type, status FROM processing_jobs"
                     " WHERE unique_key = $1 AND status IN ('pending', 'processing')",
                     "s", key);
}

/* The one that did it before; with any_end, or else one that could not. */
static json_t *find_ended(struct mt_db *db, const char *key, bool any_end, struct mt_err *err)
{
    json_t *done = mt_db_row(db, err,
                             "SELECT id, status FROM processing_jobs WHERE unique_key = $1"
                             " AND status = 'completed' ORDER BY completed_at DESC LIMIT 1",
                             "s", key);

    if (done || !any_end || err->code != MT_ERR_NOT_FOUND)
        return done;
    return mt_db_row(db, err,
                     "SELECT id, status FROM processing_jobs WHERE unique_key = $1"
                     " AND status IN ('failed', 'dead', 'cancelled')"
                     " ORDER BY completed_at DESC LIMIT 1",
                     "s", key);
}

static json_t *answer(const char *id, const json_t *job, const char *status, bool duplicate)
{
    return json_pack("{s:i, s:s, s:O, s:s, s:b, s:O*}", "schema", 1, "job_id", id, "type",
                     json_object_get(job, "type"), "status", status, "duplicate", (int)duplicate,
                     "ref", json_object_get(job, "ref"));
}

/* Whether it ended before, if that matters: 1, with the answer. */
static int has_ended(struct mt_db *db, const json_t *job, json_t **out, struct mt_err *err)
{
    const char *key = mt_json_str(job, "unique_key", NULL);
    bool known = mt_json_bool(job, "unless_known", false);

    if (!key || !(known || mt_json_bool(job, "unless_done", false)))
        return 0;
    json_t *same = find_ended(db, key, known, err);
    if (!same)
        return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
    *out = answer(mt_json_str(same, "id", ""), job, mt_json_str(same, "status", ""), true);
    json_decref(same);
    return 1;
}

/* Ended before after all: the new row goes again. 1 when that was so. */
static int was_done(struct mt_db *db, const json_t *job, const char *id, json_t **out,
                    struct mt_err *err)
{
    int ended = has_ended(db, job, out, err);

    if (ended < 1)
        return ended;
    return mt_db_exec(db, NULL, err, "DELETE FROM processing_jobs WHERE id = $1", "s", id) < 0 ? -1
                                                                                               : 1;
}

static int depend(struct mt_db *db, const json_t *job, const char *id, const json_t *refs,
                  struct mt_err *err)
{
    int64_t waiting_on = 0;

    if (mt_queue_depend(db, id, json_object_get(job, "depends_on"), refs, &waiting_on, err) < 0)
        return -1;
    if (waiting_on == 0)
        return 0;
    return mt_db_exec(db, NULL, err, "UPDATE processing_jobs SET waiting_on = $2 WHERE id = $1",
                      "si", id, waiting_on);
}

static json_t *submit_new(struct mt_db *db, const json_t *job, const char *id, const json_t *refs,
                          struct mt_err *err)
{
    json_t *out = NULL;
    json_t *row = json_pack("{s:s, s:O, s:O*}", "id", id, "job_type", json_object_get(job, "type"),
                            "media_asset_id", json_object_get(job, "asset_id"));
    int done = was_done(db, job, id, &out, err);

    if (done == 0 && depend(db, job, id, refs, err) == 0 &&
        mt_queue_event(db, "queued", row, "pending", NULL, err) == 0)
        out = answer(id, job, "pending", false);
    json_decref(row);
    if (done < 0) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

/* What is there may end while we look for it: then ours can be made after all. */
static json_t *submit_one(struct mt_db *db, const json_t *job, const json_t *refs,
                          struct mt_err *err)
{
    char id[MT_UUID_TEXT];
    json_t *ended = NULL;

    /* It is looked for again behind the insert: until then it may end. To delete is dear. */
    int known = has_ended(db, job, &ended, err);
    if (known)
        return known < 0 ? NULL : ended;
    for (int i = 0; i < TRIES; i++) {
        int made = insert(db, job, mt_uuid(id), err);
        if (made < 0)
            return NULL;
        if (made)
            return submit_new(db, job, id, refs, err);
        json_t *same = find_same(db, mt_json_str(job, "unique_key", ""), err);
        if (!same && err->code != MT_ERR_NOT_FOUND)
            return NULL;
        if (same) {
            json_t *out =
                answer(mt_json_str(same, "id", ""), job, mt_json_str(same, "status", ""), true);
            json_decref(same);
            return out;
        }
    }
    mt_fail(err, MT_ERR_BUSY, "identical jobs come and go too fast");
    return NULL;
}

static int remember(json_t *refs, const json_t *job, const json_t *made, struct mt_err *err)
{
    const char *ref = mt_json_str(job, "ref", NULL);

    if (!ref)
        return 0;
    if (json_object_get(refs, ref))
        return mt_fail(err, MT_ERR_USAGE, "a second job with the ref '%.60s'", ref);
    return json_object_set(refs, ref, json_object_get(made, "job_id"));
}

static int submit_all(struct mt_db *db, const json_t *jobs, json_t *answers, struct mt_err *err)
{
    json_t *refs = json_object();
    int ret = 0;
    size_t i;
    json_t *job;

    json_array_foreach(jobs, i, job)
    {
        json_t *made = check(job, err) < 0 ? NULL : submit_one(db, job, refs, err);
        ret = made ? remember(refs, job, made, err) : -1;
        if (made)
            json_array_append_new(answers, made);
        if (ret < 0) {
            if (json_array_size(jobs) > 1)
                mt_fail_in(err, "job %zu", i + 1);
            break;
        }
    }
    json_decref(refs);
    return ret;
}

json_t *mt_queue_submit(struct mt_db *db, const json_t *jobs, struct mt_err *err)
{
    json_t *answers = json_array();
    int ret = mt_db_begin(db, true, err);

    if (ret == 0) {
        ret = submit_all(db, jobs, answers, err);
        if (ret == 0)
            ret = mt_queue_wake(db, err);
        if (ret == 0)
            ret = mt_db_commit(db, err);
        else
            mt_db_rollback(db);
    }
    if (ret == 0)
        return answers;
    json_decref(answers);
    return NULL;
}
