/* SPDX-License-Identifier: GPL-2.0-or-later */
/* catalog_life.c - jobs, documents, and what dead processes leave. */
#include "catalog.h"

#include "base/text.h"
#include "catalog/analysis.h"
#include "catalog/document.h"
#include "catalog/job.h"
#include "catalog/owner.h"
#include "catalog/sweep.h"
#include "catalog/variant.h"

#include <signal.h>
#include <sys/wait.h>

/* --- jobs --- */

static void test_jobs(struct place *p, const char *asset)
{
    json_t *input = json_pack("{s:s}", "quality", "720p");
    struct mt_job_plan plan = {
        .type = "transcode", .asset_id = asset, .step = "decode", .input = input};
    struct mt_job_filter filter = {.type = "transcode"};
    struct mt_page page = {.limit = 2};
    struct mt_err err = {.code = MT_OK};
    struct mt_err crash;
    struct mt_job job;
    char *next = NULL;
    char id[MT_UUID_TEXT];
    json_t *row;

    OK(mt_job_start(&job, p->db, &plan, &err) == 0, "a job begins");
    strcpy(id, job.id);
    OK(mt_job_progress(&job, 10, "encode", &err) == 0, "and goes on");
    row = mt_job_get(p->db, id, &err);
    OK(mt_json_int(row, "progress", -1) == 0, "which is not written every time");
    json_decref(row);
    job.written_us -= 2000000;
    OK(mt_job_progress(&job, 40, "encode", &err) == 0, "after a while it is");
    row = mt_job_get(p->db, id, &err);
    OK(mt_json_int(row, "progress", -1) == 40 &&
           json_array_size(json_object_get(row, "steps")) == 2,
       "with percentage and steps");
    json_decref(row);
    OK(mt_db_exec(p->db, NULL, &err,
                  "UPDATE processing_jobs SET cancel_requested = 1 WHERE id = $1", "s", id) == 0,
       "somebody cancels it");
    job.written_us -= 2000000;
    OK(mt_job_progress(&job, 50, NULL, &err) < 0 && err.code == MT_ERR_CANCELLED, "it is told");

    mt_fail(&crash, MT_ERR_DAMAGED, "it broke");
    struct mt_job_end end = {.status = "failed", .error = &crash, .stage = "encode"};
    OK(mt_job_finish(&job, &end, &err) == 0 && !job.id[0], "it fails");
    row = mt_job_get(p->db, id, &err);
    IS_STR(mt_json_str(row, "error_message", ""), "it broke", "with its message");
    IS_STR(mt_json_str(row, "error.code", ""), "damaged", "and its code");
    IS_STR(mt_json_str(row, "error.stage", ""), "encode", "and its stage");
    OK(strcmp(mt_json_str(row, "status", ""), "failed") == 0 &&
           strlen(mt_json_str(row, "completed_at", "")) == 24,
       "and when");
    json_decref(row);
    OK(mt_job_finish(&job, &end, &err) == 0, "ending it again does nothing");

    for (int i = 0; i < 4; i++) {
        end = (struct mt_job_end){.status = "completed", .outcome = "ok"};
        OK(mt_job_start(&job, p->db, &plan, &err) == 0 && mt_job_finish(&job, &end, &err) == 0,
           "another job");
    }
    size_t seen = 0;
    for (int pages = 0; pages < 9; pages++) {
        row = mt_job_list(p->db, &filter, &page, &next, &err);
        seen += json_array_size(row);
        json_decref(row);
        free((char *)(uintptr_t)page.cursor);
        page.cursor = next;
        if (!next)
            break;
    }
    OK(seen == 5, "pages of two give all five");
    page.cursor = "nonsense";
    OK(!mt_job_list(p->db, &filter, &page, &next, &err) && err.code == MT_ERR_USAGE,
       "a cursor that is none is refused");
    row = mt_job_counts(p->db, &err);
    OK(json_array_size(row) == 2, "counts by status and type");
    json_decref(row);
    json_decref(input);
}

/* --- the document --- */

static void test_document(struct place *p, const char *asset)
{
    char *key = mt_asprintf("%s/thumbs/30s-abc.webp", asset);
    json_t *details = json_pack("{s:i,s:i,s:i}", "timestamp", 30, "width", 320, "height", 180);
    json_t *text = json_pack("{s:s,s:f,s:s,s:[]}", "language", "ar", "confidence", 0.95, "text",
                             "\xd9\x85", "timestamps");
    struct mt_variant_intent in = {
        .asset_id = asset, .type = "thumbnail", .format = "webp", .recipe = "abc", .key = key};
    struct mt_variant_result made = {
        .duration_s = -1, .file_size = 5, .checksum = SUM_C, .details = details};
    char *film = mt_asprintf("%s/720p-abc.mp4", asset);
    json_t *exact = json_pack("{s:f}", "duration", 12.48);
    struct mt_variant_intent in_film = {
        .asset_id = asset, .type = "high_res", .format = "mp4", .quality = "720p", .key = film};
    struct mt_variant_result film_made = {
        .duration_s = 12, .file_size = 5, .checksum = SUM_B, .verified = true, .details = exact};
    struct mt_analysis found = {.asset_id = asset,
                                .type = "transcription",
                                .language = "ar",
                                .status = "completed",
                                .confidence = 0.95,
                                .results = text,
                                .recipe = "r1"};
    char id[MT_UUID_TEXT];
    enum mt_variant_claim claim;
    struct mt_err err;

    OK(mt_variant_intend(p->db, &in, id, &claim, &err) == 0 && put(p, key) &&
           mt_variant_publish(p->db, id, &made, &err) == 0,
       "a thumbnail");
    OK(mt_variant_intend(p->db, &in_film, id, &claim, &err) == 0 && put(p, film) &&
           mt_variant_publish(p->db, id, &film_made, &err) == 0,
       "a rendition");
    OK(mt_analysis_put(p->db, &found, id, &err) == 0, "a transcription");
    json_t *row = mt_analysis_find(p->db, asset, "transcription", "ar", "r1", &err);
    OK(row && !mt_analysis_find(p->db, asset, "transcription", "en", NULL, &err) &&
           err.code == MT_ERR_NOT_FOUND,
       "is found by language and recipe");
    json_decref(row);

    json_t *doc = mt_document_of_asset(p->db, p->store, asset, &err);
    OK(mt_json_int(doc, "schema", 0) == 1 && !json_object_get(doc, "error"), "a document");
    IS_STR(mt_json_str(doc, "asset.original_filename", ""), "talk.mov", "of the asset");
    OK(mt_str_starts(mt_json_str(doc, "asset.url", ""), "file://"), "with its URL");
    OK(mt_json_num(doc, "asset.metadata.duration", 0) == 12.5, "and its metadata");
    OK(json_array_size(json_object_get(doc, "variants")) == 1 &&
           json_is_true(
               json_object_get(json_array_get(json_object_get(doc, "variants"), 0), "verified")),
       "its rendition, verified");
    json_t *thumb = json_array_get(json_object_get(doc, "thumbnails"), 0);
    OK(mt_json_int(thumb, "timestamp", 0) == 30 && mt_json_int(thumb, "width", 0) == 320 &&
           mt_str_ends(mt_json_str(thumb, "url", ""), ".webp"),
       "its thumbnail");
    OK(mt_json_num(doc, "analysis.transcription.confidence", 0) == 0.95, "what it says");
    IS_STR(mt_json_str(doc, "stages.transcode.status", ""), "completed", "how its stages ended");
    json_decref(doc);
    json_decref(details);
    json_decref(text);
    json_decref(exact);
    free(film);
    free(key);
}

/* --- dead processes --- */

struct left {
    char asset[MT_UUID_TEXT];
    char job[MT_UUID_TEXT];
    char variant[MT_UUID_TEXT];
};

/* Begins everything, says so through the pipe, and lives until it is killed. */
static void work_for_ever(const char *parent, int fd)
{
    struct place p = {NULL, NULL};
    struct left left;
    struct mt_job job;
    struct mt_job_plan plan = {.type = "transcode"};
    struct mt_err err;
    enum mt_variant_claim claim;
    char *key;
    char *variant = mt_asprintf("%s/1080p-dead.mp4", parent);
    struct mt_variant_intent in = {
        .asset_id = parent, .type = "high_res", .format = "mp4", .key = variant};

    if (open_place(&p) && intend(&p, "dead.mov", NULL, left.asset, &key) &&
        mt_job_start(&job, p.db, &plan, &err) == 0 &&
        mt_variant_intend(p.db, &in, left.variant, &claim, &err) == 0 && put(&p, variant)) {
        strcpy(left.job, job.id);
        if (write(fd, &left, sizeof left) == (ssize_t)sizeof left)
            for (;;)
                pause();
    }
    _exit(1);
}

static int sweep_child(void)
{
    struct place p = {NULL, NULL};
    struct mt_swept swept;
    struct mt_err err;

    if (!open_place(&p) || mt_sweep(p.db, p.store, &swept, &err) < 0)
        return 100;
    close_place(&p);
    return (int)(swept.assets + swept.variants + swept.jobs);
}

static void test_sweep(struct place *p, const char *asset)
{
    struct left left = {"", "", ""};
    struct mt_swept swept;
    struct mt_err err;
    int ends[2];
    int status = 0;

    OK(pipe(ends) == 0, "a pipe");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        work_for_ever(asset, ends[1]);
    close(ends[1]);
    OK(read(ends[0], &left, sizeof left) == (ssize_t)sizeof left, "another process works");
    close(ends[0]);
    char *original = mt_asprintf("%s/original.mov", left.asset);
    char *variant = mt_asprintf("%s/1080p-dead.mp4", asset);
    struct mt_variant_intent in = {
        .asset_id = asset, .type = "high_res", .format = "mp4", .key = variant};
    char id[MT_UUID_TEXT];
    enum mt_variant_claim claim;

    OK(mt_sweep(p->db, p->store, &swept, &err) == 0 && swept.assets == 0 && swept.variants == 0 &&
           swept.jobs == 0 && has(p, original) && has(p, variant),
       "a sweep leaves a living process alone");
    OK(mt_variant_intend(p->db, &in, id, &claim, &err) < 0 && err.code == MT_ERR_LOCKED,
       "nobody takes over what it makes");
    kill(pid, SIGKILL);
    OK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "it is killed");
    json_t *lapsed = mt_job_lapsed(p->db, 10, &err);
    OK(json_array_size(lapsed) == 1, "its job has lapsed");
    json_decref(lapsed);

    fflush(stdout);
    for (int i = 0; i < 4; i++)
        if (fork() == 0)
            _exit(sweep_child());
    int total = 0;
    for (int i = 0; i < 4; i++)
        total += wait(&status) > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 100;
    OK(total == 3, "four sweeps at once remove an asset, a variant and a job once each");
    OK(!has(p, original) && !has(p, variant) && !mt_asset_get(p->db, left.asset, &err),
       "objects and rows are gone");
    json_t *row = mt_job_get(p->db, left.job, &err);
    IS_STR(mt_json_str(row, "status", ""), "failed", "the job has failed");
    IS_STR(mt_json_str(row, "error.code", ""), "worker_crashed", "because its process died");
    json_decref(row);
    OK(mt_variant_intend(p->db, &in, id, &claim, &err) == 0 && claim == MT_VARIANT_MINE &&
           mt_variant_abandon(p->db, p->store, id, &err) == 0,
       "then anybody may make the variant");
    free(original);
    free(variant);
}

/* Owners elsewhere are believed for a day. */
static void test_silent(struct place *p)
{
    struct mt_swept swept;
    struct mt_err err;
    char id[MT_UUID_TEXT];
    char *key;

    OK(intend(p, "far.mov", NULL, id, &key) &&
           mt_db_exec(p->db, NULL, &err,
                      "UPDATE media_assets SET owner = 'far/m/b/1:1:1' WHERE id = $1", "s",
                      id) == 0,
       "an intent of another machine");
    OK(mt_sweep(p->db, p->store, &swept, &err) == 0 && swept.assets == 0 && has(p, key),
       "stays while it is young");
    OK(mt_db_exec(p->db, NULL, &err,
                  "UPDATE media_assets SET updated_at = '2020-01-01T00:00:00.000Z' WHERE id = $1",
                  "s", id) == 0 &&
           mt_sweep(p->db, p->store, &swept, &err) == 0 && swept.assets == 1 && !has(p, key),
       "and goes when it is old");
    free(key);
}

static void test_owners(void)
{
    char self[MT_OWNER_TEXT];

    mt_owner_self(self);
    OK(mt_owner_state(self) == MT_OWNER_ALIVE && mt_owner_pid(self) == getpid(), "we live");
    OK(mt_owner_state("nonsense") == MT_OWNER_ELSEWHERE, "of nonsense nobody can tell");
    OK(mt_owner_state_for("h/m/b/4026531836:1:1", "h/m/c/4026531836:2:2") == MT_OWNER_DEAD,
       "before the machine was restarted: dead");
    OK(mt_owner_state_for("h/m/b/77:1:1", "h/m/c/77:2:2") == MT_OWNER_ELSEWHERE,
       "in a container of the same name: who knows");
    OK(mt_owner_state_for("g/m/b/4026531836:1:1", "h/m/b/4026531836:2:2") == MT_OWNER_ELSEWHERE,
       "on another host: who knows");
    char *start = strrchr(self, ':');
    strcpy(start, ":1");
    OK(mt_owner_state(self) == MT_OWNER_DEAD, "the same number, another process: dead");
}

static void test_all(void)
{
    struct place p = {NULL, NULL};
    char id[MT_UUID_TEXT];
    char other[MT_UUID_TEXT];
    char *key;

    if (!OK(open_place(&p), "a database and a store"))
        return;
    OK(intend(&p, "talk.mov", NULL, id, &key) && publish(&p, id, SUM_A, other) == 0, "an asset");
    test_jobs(&p, id);
    test_document(&p, id);
    test_sweep(&p, id);
    test_silent(&p);
    free(key);
    close_place(&p);
}

int main(void)
{
    test_owners();
    return with_each_database(test_all);
}
