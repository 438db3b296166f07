/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why_asset.c - the stories of assets and uploads: what holds, spoils or stopped them. */
#include "status/why.h"

#include "base/clock.h"
#include "base/mem.h"
#include "catalog/job.h"
#include "catalog/owner.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { JOBS_LOOKED_AT = 500 };

/* --- findings --- */

static void find(json_t *findings, const char *what, const char *text, const char *remedy)
{
    json_array_append_new(findings, json_pack("{s:s, s:o, s:s}", "what", what, "text",
                                              mt_json_text(text), "remedy", remedy));
}

static void find_state(const json_t *row, json_t *findings)
{
    const char *status = mt_json_str(row, "upload_status", "");
    const char *owner = mt_json_str(row, "owner", NULL);

    if (strcmp(status, "held") == 0)
        find(findings, "held", "it is stored and not published until somebody decides",
             "look at it and at its scan; then media-ingest --release, --reject or --rescan");
    else if (strcmp(status, "rejected") == 0)
        find(findings, "rejected", "it was refused and is not published",
             "see the findings below; a better copy can be ingested again");
    else if (strcmp(status, "failed") == 0)
        find(findings, "failed", "it could not be taken in", "ingest the file again");
    else if (strcmp(status, "completed") != 0 && owner && mt_owner_state(owner) == MT_OWNER_DEAD)
        find(findings, "unfinished", "the process that took it in is dead",
             "ingest the file again; the next program that writes removes what is left");
    else if (strcmp(status, "completed") != 0)
        find(findings, "unfinished", "it is being taken in", "wait until that has ended");
}

static void find_scan(const json_t *row, json_t *findings)
{
    const char *verdict = mt_json_str(row, "scan.verdict", NULL);
    const char *detail = mt_json_str(row, "scan.signature", mt_json_str(row, "scan.reason", NULL));
    char *text = mt_asprintf("the virus scan says '%s'%s%s", verdict ? verdict : "",
                             detail ? ": " : "", detail ? detail : "");

    if (verdict && strcmp(verdict, "infected") == 0)
        find(findings, "scan", text, "do not open it; ask its sender for another copy");
    else if (verdict && strcmp(verdict, "incomplete") == 0)
        find(findings, "scan", text,
             "parts were not looked at: update signatures or raise the scanner's limits, scan "
             "again");
    else if (verdict && strcmp(verdict, "skipped") == 0)
        find(findings, "scan", "no virus scanner has looked at it",
             "install one (media-status doctor says what is there), then ingest it again");
    free(text);
}

static void find_damage(const json_t *row, json_t *findings)
{
    size_t i;
    json_t *issue;

    if (strcmp(mt_json_str(row, "metadata.damage.state", "ok"), "ok") == 0)
        return;
    json_array_foreach(mt_json_at(row, "metadata.damage.issues"), i, issue)
    {
        long long stream = mt_json_int(issue, "stream", -1);
        char *text =
            stream < 0 ? mt_strdup(mt_json_str(issue, "detail", "?"))
                       : mt_asprintf("stream %lld: %s", stream, mt_json_str(issue, "detail", "?"));
        find(findings, "damage", text,
             "fetch the file again from its source; what still plays was kept");
        free(text);
    }
}

/* Rows of reviews and of retention that stand in the way. */
static int find_rows(struct mt_status *s, const char *id, json_t *findings, struct mt_err *err)
{
    json_t *rows = mt_db_rows(s->db, err,
                              "SELECT reason, note, 'review' AS what FROM reviews"
                              " WHERE media_asset_id = $1 AND status = 'pending'"
                              " UNION ALL SELECT reason, policy, 'retention' FROM retention"
                              " WHERE media_asset_id = $1 AND action = 'hold' AND done_at IS NULL",
                              "s", id);
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        bool review = strcmp(mt_json_str(row, "what", ""), "review") == 0;
        const char *note = mt_json_str(row, "note", NULL);
        char *text = mt_asprintf(
            review ? "a review is open: %s%s%s" : "it may not be erased: %s%s%s",
            mt_json_str(row, "reason", "no reason given"), note ? ", " : "", note ? note : "");
        find(findings, mt_json_str(row, "what", ""), text,
             review ? "decide the review" : "the hold has to be lifted first");
        free(text);
    }
    json_decref(rows);
    return rows ? 0 : -1;
}

/* --- failed jobs --- */

static bool seen(json_t *types, const char *type)
{
    bool is = json_object_get(types, type) != NULL;

    json_object_set_new(types, type, json_true());
    return is;
}

/* The newest failed job of each type; "superseded" if a later one of the type was completed. */
static int add_job(struct mt_status *s, const json_t *row, json_t *done, json_t *failed,
                   json_t *jobs, struct mt_err *err)
{
    const char *status = mt_json_str(row, "status", "");
    const char *type = mt_json_str(row, "job_type", "");

    if (strcmp(status, "completed") == 0) {
        json_object_set_new(done, type, json_true());
        return 0;
    }
    json_t *body = mt_status_job_body(row);
    bool lost = json_is_false(json_object_get(body, "alive"));
    json_decref(body);
    if ((strcmp(status, "failed") != 0 && strcmp(status, "dead") != 0 && !lost) ||
        seen(failed, type))
        return 0;
    json_t *story = mt_why_job(s, row, err);
    if (!story)
        return -1;
    json_object_set_new(story, "superseded", json_boolean(json_object_get(done, type) != NULL));
    json_array_append_new(jobs, story);
    return 0;
}

static int add_jobs(struct mt_status *s, const char *id, json_t *jobs, struct mt_err *err)
{
    const struct mt_job_filter filter = {.asset_id = id};
    const struct mt_page page = {.limit = JOBS_LOOKED_AT};
    char *next = NULL;
    json_t *rows = mt_job_list(s->db, &filter, &page, &next, err);
    json_t *done = json_object();
    json_t *failed = json_object();
    int ret = rows ? 0 : -1;

    for (size_t i = 0; ret == 0 && i < json_array_size(rows); i++)
        ret = add_job(s, json_array_get(rows, i), done, failed, jobs, err);
    json_decref(failed);
    json_decref(done);
    json_decref(rows);
    free(next);
    return ret;
}

/* --- in one sentence --- */

/* The job that spoils it still; NULL if there is none. Lent. */
static json_t *open_failure(const json_t *jobs)
{
    size_t i;
    json_t *job;

    json_array_foreach(jobs, i, job)
    {
        if (!mt_json_bool(job, "superseded", false))
            return job;
    }
    return NULL;
}

/* "skipped" alone is a warning of the scan, not what spoils an asset that is published. */
static json_t *main_finding(const json_t *row, const json_t *findings)
{
    bool published = strcmp(mt_json_str(row, "upload_status", ""), "completed") == 0;
    size_t i;
    json_t *finding;

    json_array_foreach(findings, i, finding)
    {
        if (!published || strcmp(mt_json_str(finding, "what", ""), "scan") != 0 ||
            strcmp(mt_json_str(row, "scan.verdict", ""), "skipped") != 0)
            return finding;
    }
    return NULL;
}

/* What is said of a state is followed by what led to it, if anything else was found. Lent. */
static json_t *reason_of(const json_t *finding, const json_t *findings)
{
    const char *what = mt_json_str(finding, "what", "");

    if (strcmp(what, "held") != 0 && strcmp(what, "rejected") != 0 && strcmp(what, "failed") != 0)
        return NULL;
    return json_array_get(findings, 1);
}

static void sum_up(json_t *story, const json_t *row, const json_t *findings, const json_t *jobs)
{
    const json_t *finding = main_finding(row, findings);
    const json_t *reason = reason_of(finding, findings);
    const json_t *job = open_failure(jobs);
    const char *status = mt_json_str(row, "upload_status", "?");
    char *text;

    if (finding)
        text = mt_asprintf("the asset is '%s': %s%s%s", status, mt_json_str(finding, "text", ""),
                           reason ? "; " : "", mt_json_str(reason, "text", ""));
    else if (job)
        text = mt_strdup(mt_json_str(job, "summary", ""));
    else
        text = mt_asprintf("the asset is '%s', and nothing is wrong with it", status);
    json_object_set_new(story, "summary", mt_json_text(text));
    free(text);
    mt_why_copy(story, "cause", job && !finding ? job : finding,
                job && !finding ? "cause" : "text");
    mt_why_copy(story, "remedy", job && !finding ? job : finding, "remedy");
    mt_why_copy(story, "retryable", finding ? NULL : job, "retryable");
    mt_why_copy(story, "command", finding ? NULL : job, "command");
}

json_t *mt_why_asset(struct mt_status *s, const json_t *row, struct mt_err *err)
{
    const char *id = mt_json_str(row, "id", "");
    json_t *findings = json_array();
    json_t *jobs = json_array();
    json_t *story = NULL;

    find_state(row, findings);
    find_damage(row, findings);
    find_scan(row, findings);
    if (find_rows(s, id, findings, err) == 0 && add_jobs(s, id, jobs, err) == 0) {
        story = json_pack("{s:i, s:s, s:s}", "schema", 1, "kind", "asset", "id", id);
        sum_up(story, row, findings, jobs);
        mt_why_copy(story, "name", row, "original_filename");
        mt_why_copy(story, "status", row, "upload_status");
        mt_why_copy(story, "outcome", row, "outcome");
        json_object_set(story, "findings", findings);
        json_object_set(story, "jobs", jobs);
        mt_why_copy(story, "created_at", row, "created_at");
    }
    json_decref(jobs);
    json_decref(findings);
    return story;
}

/* --- uploads --- */

static bool is_over(const char *until)
{
    char now[MT_TIME_TEXT];

    return until && strcmp(until, mt_time_text(mt_now_us(), now)) < 0;
}

/* What is to be done about an upload of which no error is known; NULL: nothing. */
static const char *upload_remedy(const json_t *row)
{
    if (strcmp(mt_json_str(row, "status", ""), "uploading") != 0)
        return NULL;
    return is_over(mt_json_str(row, "expires_at", NULL)) ? "upload the file again"
                                                         : "let the client go on where it stopped";
}

static char *sum_up_upload(const json_t *row, const json_t *error)
{
    const char *status = mt_json_str(row, "status", "?");
    const char *message = mt_json_str(error, "message", NULL);
    const char *until = mt_json_str(row, "expires_at", NULL);

    if (message)
        return mt_asprintf("the upload is '%s': %s", status, message);
    if (strcmp(status, "uploading") == 0)
        return mt_asprintf(is_over(until) ? "the upload was not finished; it was kept until %s"
                                          : "the upload is not finished; it is kept until %s",
                           until ? until : "it is removed");
    return mt_asprintf("the upload is '%s'", status);
}

json_t *mt_why_upload(struct mt_status *s, const json_t *row, struct mt_err *err)
{
    static const char *const members[] = {"status", "expires_at", "created_at", "updated_at"};
    const json_t *error = mt_json_at(row, "error");
    const char *job_id = mt_json_str(row, "job_id", NULL);
    json_t *job = job_id ? mt_job_get(s->db, job_id, err) : NULL;
    json_t *jobs = json_array();
    json_t *told = job ? mt_why_job(s, job, err) : NULL;

    json_decref(job);
    if (job_id && !told) {
        json_decref(jobs);
        return NULL;
    }
    if (told)
        json_array_append_new(jobs, told);
    char *text = sum_up_upload(row, error);
    json_t *story = json_pack("{s:i, s:s, s:O, s:o}", "schema", 1, "kind", "upload", "id",
                              json_object_get(row, "id"), "summary", mt_json_text(text));
    free(text);
    mt_why_cause(story, error ? error : mt_json_at(told, "error"));
    if (!mt_json_at(story, "remedy"))
        json_object_set_new(story, "remedy", mt_json_text(upload_remedy(row)));
    json_object_set(story, "error", error ? (json_t *)(uintptr_t)error : json_null());
    mt_why_copy(story, "command", told, "command");
    mt_why_copy(story, "name", row, "original_filename");
    mt_why_copy(story, "asset_id", row, "media_asset_id");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        mt_why_copy(story, members[i], row, members[i]);
    json_object_set_new(story, "jobs", jobs);
    return story;
}
