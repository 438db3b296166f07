/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upload.c - resumable uploads: their life, their owners, and what is refused. */
#include "queue/queue.h"
#include "upload_help.h"

/* --- hashes --- */

static void test_running(void)
{
    unsigned char state[MT_RUNNING_STATE];
    struct mt_running *a = NULL;
    char want[MT_SHA256_TEXT];
    char got[MT_SHA256_TEXT];
    char data[300];
    bool ok = true;
    size_t cut = 0;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)byte_at((int64_t)i);
    if (mt_sha256_of(data, sizeof data, want, &err) < 0)
        return;
    for (; cut <= sizeof data; cut++) {
        struct mt_running *b = NULL;
        if (mt_running_open(&a, &err) < 0 || mt_running_open(&b, &err) < 0)
            break;
        mt_running_add(a, data, cut);
        mt_running_save(a, state);
        mt_running_close(&a);
        ok = ok && mt_running_restore(b, state, &err) == 0 && mt_running_count(b) == (int64_t)cut;
        mt_running_add(b, data + cut, sizeof data - cut);
        mt_running_hex(b, got);
        ok = ok && strcmp(got, want) == 0;
        mt_running_close(&b);
    }
    OK(ok && cut > sizeof data, "a hash goes on from a kept state, wherever it was kept");
    memset(state, 0xff, sizeof state);
    OK(mt_running_open(&a, &err) == 0, "libcrypto is there");
    FAILS(mt_running_restore(a, state, &err), MT_ERR_BAD_DOCUMENT, "nonsense is no state");
    mt_running_close(&a);
    struct mt_checksum *sum = NULL;
    FAILS(mt_checksum_open(&sum, "md5", &err), MT_ERR_USAGE, "MD5 is not offered");
}

/* --- one upload --- */

static int refuse(void *ctx, struct mt_err *e)
{
    (*(int *)ctx)++;
    return mt_fail(e, MT_ERR_POLICY, "not any more");
}

static void test_finish(struct mt_db *db)
{
    struct mt_uploads *area = open_area("one", (struct mt_upload_rules){0});
    json_t *metadata = json_pack("{s:s}", "title", "\xd9\x81\xd9\x8a");
    struct mt_upload_spec spec = {.filename = "C:\\films/talk.mov",
                                  .content_type = "video",
                                  .length = 1000000,
                                  .metadata = metadata,
                                  .remember = metadata};
    struct mt_upload_info info;
    struct mt_upload_done done;
    struct mt_upload_done again;
    char id[MT_UUID_TEXT];
    char want[MT_SHA256_TEXT];
    int asked = 0;

    struct mt_upload *up = begin(area, db, &spec, id);
    struct feed f = from_to(0, 1000000);
    f.fail_at = 300000;
    FAILS(append(up, &f, NULL), MT_ERR_TRUNCATED, "a connection breaks");
    OK(mt_upload_offset(up) == 300000, "what came is kept");
    FAILS(mt_upload_finish(up, db, NULL, NULL, &done, &err), MT_ERR_USAGE,
          "what is not whole cannot be finished");
    mt_upload_release(&up);
    DOES(mt_upload_look(area, db, &alice, id, &info, &err), "it can be looked at");
    OK(info.offset == 300000 && info.length == 1000000 && strcmp(info.status, "uploading") == 0 &&
           info.expires_us > mt_now_us(),
       "... and tells how far it is");
    IS_STR(mt_json_str(info.row, "original_filename", ""), "talk.mov", "the last part of the name");
    IS_STR(mt_json_str(info.remember, "title", ""), "\xd9\x81\xd9\x8a", "what was to be kept");
    mt_upload_info_free(&info);
    DOES(mt_upload_take(&up, area, db, &alice, id, NULL, &err), "another process goes on");
    f = from_to(300000, 1000100);
    FAILS(append(up, &f, NULL), MT_ERR_TOO_LARGE, "too much is refused");
    OK(mt_upload_offset(up) == 1000000, "... what fits is kept");
    struct mt_upload_spec more = {.content_type = "audio", .options = metadata, .length = -1};
    DOES(mt_upload_describe(up, db, &more, &err), "more can be said of it");
    FAILS(mt_upload_finish(up, db, refuse, &asked, &done, &err), MT_ERR_POLICY,
          "permission is asked for again at the end");
    DOES(mt_upload_finish(up, db, NULL, NULL, &done, &err), "with it the upload is finished");
    hash_of(1000000, want);
    IS_STR(done.sha256, want, "the SHA-256 goes over both processes");
    DOES(mt_upload_finish(up, db, refuse, &asked, &again, &err), "finishing twice");
    OK(asked == 1 && strcmp(done.job_id, again.job_id) == 0, "... gives the same job");
    mt_upload_release(&up);
    json_t *job = mt_db_row(db, &err,
                            "SELECT job_type, submitted_by, input_parameters, worker_class"
                            " FROM processing_jobs WHERE id = $1",
                            "s", done.job_id);
    char *path = mt_asprintf("%s/one/%s", top, id);
    IS_STR(mt_json_str(job, "job_type", ""), "ingest", "a job of type ingest");
    IS_STR(mt_json_str(job, "submitted_by", ""), ALICE, "... of the user");
    IS_STR(mt_json_str(job, "input_parameters.path", ""), path, "... knows the file");
    IS_STR(mt_json_str(job, "input_parameters.checksum", ""), want, "... its hash");
    IS_STR(mt_json_str(job, "input_parameters.filename", ""), "talk.mov", "... its name");
    IS_STR(mt_json_str(job, "input_parameters.metadata.title", ""), "\xd9\x81\xd9\x8a",
           "... and what the user said of it");
    IS_STR(mt_json_str(job, "input_parameters.processing_options.title", ""), "\xd9\x81\xd9\x8a",
           "... also later on");
    OK(mt_json_int(job, "input_parameters.size", 0) == 1000000 && is_there(area, id, ""),
       "the bytes are there");
    free(path);
    json_decref(job);
    json_decref(metadata);
    mt_uploads_close(&area);
}

static void test_owners(struct mt_db *db)
{
    struct mt_uploads *area = open_area("owners", (struct mt_upload_rules){0});
    struct mt_upload_spec spec = {.length = 10};
    struct mt_upload_info info;
    struct mt_upload *up = NULL;
    char id[MT_UUID_TEXT];

    DOES(mt_upload_create(area, db, &alice, &spec, id, &err), "an upload of alice's");
    FAILS(mt_upload_look(area, db, &bob, id, &info, &err), MT_ERR_NOT_FOUND, "bob sees none");
    FAILS(mt_upload_take(&up, area, db, &bob, id, NULL, &err), MT_ERR_NOT_FOUND, "takes none");
    FAILS(mt_upload_remove(area, db, &bob, id, &err), MT_ERR_NOT_FOUND, "removes none");
    FAILS(mt_upload_look(area, db, &nobody, id, &info, &err), MT_ERR_NOT_FOUND,
          "nor does nobody in particular");
    DOES(mt_upload_look(area, db, &anybody, id, &info, &err), "who may see all does");
    mt_upload_info_free(&info);
    FAILS(mt_upload_look(area, db, &anybody, "../one", &info, &err), MT_ERR_NOT_FOUND,
          "a path is no id");
    char other[MT_UUID_TEXT];
    spec.id = id;
    OK(mt_upload_create(area, db, &bob, &spec, other, &err) < 0 && mt_db_is_conflict(&err),
       "an id that is taken");
    OK(is_there(area, id, ""), "... keeps its bytes");
    DOES(mt_upload_remove(area, db, &alice, id, &err), "alice removes it");
    OK(!is_there(area, id, "") && !is_there(area, id, ".state"), "the files are gone");
    FAILS(mt_upload_remove(area, db, &alice, id, &err), MT_ERR_NOT_FOUND, "once");
    FAILS(mt_upload_take(&up, area, db, &alice, id, NULL, &err), MT_ERR_NOT_FOUND,
          "nobody can go on with it");
    DOES(mt_upload_look(area, db, &alice, id, &info, &err), "that it was there is known");
    IS_STR(info.status, "cancelled", "... and that it was removed");
    mt_upload_info_free(&info);
    mt_uploads_close(&area);
}

static void test_length(struct mt_db *db)
{
    struct mt_uploads *area = open_area("length", (struct mt_upload_rules){.max_bytes = 50000});
    struct mt_upload_spec spec = {.length = -1};
    struct mt_upload_done done;
    char id[MT_UUID_TEXT];
    struct mt_upload *up = begin(area, db, &spec, id);
    struct feed f = from_to(0, 20000);

    DOES(append(up, &f, NULL), "bytes without a length");
    OK(mt_upload_length(up) == -1 && mt_upload_offset(up) == 20000, "it is not known yet");
    FAILS(mt_upload_set_length(up, db, 19999, &err), MT_ERR_USAGE, "less than there is");
    FAILS(mt_upload_set_length(up, db, 50001, &err), MT_ERR_TOO_LARGE, "more than is allowed");
    DOES(mt_upload_set_length(up, db, 30000, &err), "what is possible");
    DOES(mt_upload_set_length(up, db, 30000, &err), "the same again");
    FAILS(mt_upload_set_length(up, db, 30001, &err), MT_ERR_USAGE, "but no other");
    f = from_to(20000, 30000);
    DOES(append(up, &f, NULL), "the rest");
    DOES(mt_upload_finish(up, db, NULL, NULL, &done, &err), "and the end");
    mt_upload_release(&up);
    spec.length = 50001;
    FAILS(mt_upload_create(area, db, &alice, &spec, id, &err), MT_ERR_TOO_LARGE,
          "what is too large is refused at once");
    spec.length = -1;
    up = begin(area, db, &spec, id);
    f = from_to(0, 60000);
    FAILS(append(up, &f, NULL), MT_ERR_TOO_LARGE, "or when it shows");
    mt_upload_release(&up);
    spec.length = 0;
    up = begin(area, db, &spec, id);
    DOES(mt_upload_finish(up, db, NULL, NULL, &done, &err), "no bytes at all are an upload too");
    mt_upload_release(&up);
    mt_uploads_close(&area);
}

static void test_promise(struct mt_db *db)
{
    struct mt_uploads *area = open_area("promise", (struct mt_upload_rules){0});
    char right[MT_SHA256_TEXT];
    struct mt_upload_spec spec = {.length = 1000, .sha256 = right};
    struct mt_upload_done done;
    struct mt_upload_info info;
    char id[MT_UUID_TEXT];

    hash_of(1000, right);
    struct mt_upload *up = begin(area, db, &spec, id);
    struct feed f = from_to(0, 1000);
    OK(append(up, &f, NULL) == 0 && mt_upload_finish(up, db, NULL, NULL, &done, &err) == 0,
       "a promise that is kept");
    mt_upload_release(&up);
    up = begin(area, db, &spec, id);
    f = from_to(1, 1001);
    DOES(append(up, &f, NULL), "other bytes");
    FAILS(mt_upload_finish(up, db, NULL, NULL, &done, &err), MT_ERR_CHECKSUM,
          "a promise that is not");
    mt_upload_release(&up);
    DOES(mt_upload_look(area, db, &alice, id, &info, &err), "it is known");
    IS_STR(info.status, "failed", "to have failed");
    IS_STR(mt_json_str(info.error, "code", ""), "checksum_mismatch", "and why");
    OK(!is_there(area, id, "") && !info.job_id, "nothing was handed on");
    mt_upload_info_free(&info);
    mt_uploads_close(&area);
}

static void test_chunks(struct mt_db *db, const char *algorithm)
{
    struct mt_uploads *area = open_area("chunks", (struct mt_upload_rules){0});
    struct mt_upload_spec spec = {.length = 90000};
    struct mt_upload_checksum want = sum_of(algorithm, 0, 30000);
    struct mt_upload_done done;
    char id[MT_UUID_TEXT];
    char right[MT_SHA256_TEXT];
    struct mt_upload *up = begin(area, db, &spec, id);
    struct feed f = from_to(0, 30000);

    printf("# %s\n", algorithm);
    DOES(append(up, &f, &want), "a chunk that is what it says");
    OK(mt_upload_offset(up) == 30000, "... counts");
    f = from_to(30000, 60000);
    FAILS(append(up, &f, &want), MT_ERR_CHECKSUM, "one that is not");
    OK(mt_upload_offset(up) == 30000, "... does not");
    want = sum_of(algorithm, 30000, 60000);
    f = from_to(30000, 60000);
    f.fail_at = 50000;
    FAILS(append(up, &f, &want), MT_ERR_TRUNCATED, "half a chunk");
    OK(mt_upload_offset(up) == 30000, "... does not count either");
    f = from_to(30000, 60000);
    DOES(append(up, &f, &want), "sent again it does");
    mt_upload_release(&up);
    DOES(mt_upload_take(&up, area, db, &alice, id, NULL, &err), "taken again");
    f = from_to(60000, 90000);
    DOES(append(up, &f, NULL), "without a checksum");
    DOES(mt_upload_finish(up, db, NULL, NULL, &done, &err), "the end");
    hash_of(90000, right);
    IS_STR(done.sha256, right, "what was dropped is in no hash");
    mt_upload_release(&up);
    mt_uploads_close(&area);
}

static void test_quota(struct mt_db *db)
{
    struct mt_uploads *area =
        open_area("quota", (struct mt_upload_rules){.user_bytes = 100000, .user_files = 3});
    struct mt_upload_spec spec = {.length = 60000};
    struct mt_upload *up = NULL;
    char first[MT_UUID_TEXT];
    char id[MT_UUID_TEXT];

    if (mt_db_exec(db, NULL, &err, "DELETE FROM uploads", "") < 0)
        return;
    DOES(mt_upload_create(area, db, &alice, &spec, first, &err), "within the quota");
    FAILS(mt_upload_create(area, db, &alice, &spec, id, &err), MT_ERR_NO_SPACE, "beyond it");
    DOES(mt_upload_create(area, db, &bob, &spec, id, &err), "others have their own");
    DOES(mt_upload_create(area, db, &nobody, &spec, id, &err), "nobody too");
    spec.length = -1;
    up = begin(area, db, &spec, id);
    struct feed f = from_to(0, 50000);
    FAILS(append(up, &f, NULL), MT_ERR_TOO_LARGE, "without a length too");
    OK(up && mt_upload_offset(up) == 40000, "... it ends where the quota does");
    mt_upload_release(&up);
    DOES(mt_upload_remove(area, db, &alice, first, &err), "what is removed is free again");
    spec.length = 60000;
    DOES(mt_upload_create(area, db, &alice, &spec, id, &err), "for another");
    spec.length = 0;
    DOES(mt_upload_create(area, db, &alice, &spec, id, &err), "a third");
    FAILS(mt_upload_create(area, db, &alice, &spec, id, &err), MT_ERR_LIMIT, "not a fourth");
    mt_uploads_close(&area);
}

static void test_join(struct mt_db *db)
{
    struct mt_uploads *area = open_area("join", (struct mt_upload_rules){0});
    struct mt_upload_spec part = {.length = 40000, .partial = true};
    struct mt_upload_spec final = {.filename = "whole.mov", .length = -1};
    struct mt_upload_done done;
    struct mt_upload_info info;
    struct mt_upload *up = NULL;
    char ids[2][MT_UUID_TEXT];
    char id[MT_UUID_TEXT];
    char right[MT_SHA256_TEXT];
    const char *parts[] = {ids[0], ids[1]};

    for (int i = 0; i < 2; i++) {
        up = begin(area, db, &part, ids[i]);
        struct feed f = from_to(i * 40000, i * 40000 + (i ? 39999 : 40000));
        DOES(append(up, &f, NULL), "a part");
        if (i)
            break;
        FAILS(mt_upload_finish(up, db, NULL, NULL, &done, &err), MT_ERR_USAGE,
              "a part is not handed on by itself");
        mt_upload_release(&up);
    }
    struct mt_upload *final_up = NULL;
    FAILS(mt_upload_join(&final_up, area, db, &alice, &final, parts, 2, id, &err), MT_ERR_USAGE,
          "a part that is not complete cannot be joined");
    struct feed f = from_to(79999, 80000);
    DOES(append(up, &f, NULL), "the last byte");
    mt_upload_release(&up);
    FAILS(mt_upload_join(&up, area, db, &bob, &final, parts, 2, id, &err), MT_ERR_NOT_FOUND,
          "nor can parts of others");
    DOES(mt_upload_join(&up, area, db, &alice, &final, parts, 2, id, &err), "joined");
    DOES(mt_upload_finish(up, db, NULL, NULL, &done, &err), "and handed on");
    hash_of(80000, right);
    IS_STR(done.sha256, right, "in their order");
    mt_upload_release(&up);
    DOES(mt_upload_look(area, db, &alice, ids[0], &info, &err), "a part afterwards");
    IS_STR(info.status, "joined", "... is known to be joined");
    mt_upload_info_free(&info);
    DOES(mt_upload_look(area, db, &alice, id, &info, &err), "the whole");
    OK(info.final && info.offset == 80000 && info.length == 80000, "... is whole");
    mt_upload_info_free(&info);
    const char *twice[] = {ids[1], ids[0], ids[1]};
    DOES(mt_upload_join(&up, area, db, &alice, &final, twice, 3, id, &err),
         "parts can be used again, and twice");
    OK(up && mt_upload_offset(up) == 120000, "... all of them");
    mt_upload_release(&up);
    mt_uploads_close(&area);
}

/* --- sweeping --- */

static void test_sweep(struct mt_db *db)
{
    struct mt_uploads *area = open_area("sweep", (struct mt_upload_rules){0});
    struct mt_upload_spec spec = {.length = 10};
    struct mt_upload_swept swept = {0};
    struct mt_upload_info info;
    struct mt_upload *up = NULL;
    char old[MT_UUID_TEXT];
    char used[MT_UUID_TEXT];
    char young[MT_UUID_TEXT];
    char orphan[MT_UUID_TEXT];

    if (mt_db_exec(db, NULL, &err, "DELETE FROM uploads", "") < 0 ||
        mt_upload_create(area, db, &alice, &spec, old, &err) < 0 ||
        mt_upload_create(area, db, &alice, &spec, young, &err) < 0 ||
        mt_upload_create(area, db, &alice, &spec, orphan, &err) < 0 ||
        mt_db_exec(db, NULL, &err, "DELETE FROM uploads WHERE id = $1", "s", orphan) < 0)
        return;
    set_old(db, "sweep", old);
    up = begin(area, db, &spec, used);
    set_old(db, "sweep", used);
    struct feed f = from_to(0, 5);
    DOES(append(up, &f, NULL), "bytes come late");
    mt_upload_release(&up);
    DOES(mt_upload_sweep(area, db, &swept, &err), "a sweep");
    OK(swept.expired == 1 && swept.orphans == 0, "takes what nobody goes on with");
    OK(!is_there(area, old, "") && is_there(area, young, "") && is_there(area, used, "") &&
           is_there(area, orphan, ""),
       "and nothing else");
    DOES(mt_upload_look(area, db, &alice, old, &info, &err), "it is known");
    IS_STR(info.status, "expired", "to have expired");
    mt_upload_info_free(&info);
    set_old(db, "sweep", orphan);
    DOES(mt_upload_sweep(area, db, &swept, &err), "another");
    OK(swept.orphans == 1 && !is_there(area, orphan, "") && !is_there(area, orphan, ".state"),
       "takes files without a row, when they are old");
    mt_uploads_close(&area);
}

/* How the job of an upload ends, as a worker would say. */
static void end_job(struct mt_db *db, const char *job, const char *status, const char *asset)
{
    json_t *results = asset ? json_pack("{s:{s:s}}", "asset", "id", asset) : NULL;
    struct mt_queue_claim claim = {.job_id = job, .limit = 1, .worker = "test", .lease_s = 60};
    json_t *rows = mt_queue_claim(db, &claim, &err);
    struct mt_queue_end end = {.job_id = job,
                               .status = status,
                               .results = results,
                               .exit_status = -1,
                               .token = mt_json_int(json_array_get(rows, 0), "lease_token", 0)};
    struct mt_queue_ended ended;

    if (mt_queue_finish(db, &end, &mt_queue_times, &ended, &err) < 0)
        printf("# %s\n", err.msg);
    json_decref(rows);
    json_decref(results);
}

static void test_job_ends(struct mt_db *db)
{
    struct mt_uploads *area = open_area("jobs", (struct mt_upload_rules){0});
    struct mt_upload_spec spec = {.length = 10};
    struct mt_upload_swept swept;
    struct mt_upload_info info;
    struct mt_upload_done done[2];
    char ids[2][MT_UUID_TEXT];

    for (int i = 0; i < 2; i++) {
        struct mt_upload *up = begin(area, db, &spec, ids[i]);
        struct feed f = from_to(0, 10);
        OK(append(up, &f, NULL) == 0 && mt_upload_finish(up, db, NULL, NULL, &done[i], &err) == 0,
           "handed on");
        mt_upload_release(&up);
    }
    DOES(mt_upload_sweep(area, db, &swept, &err), "a sweep while the jobs wait");
    OK(is_there(area, ids[0], ""), "... keeps the bytes");
    end_job(db, done[0].job_id, "completed", ALICE);
    end_job(db, done[1].job_id, "failed", NULL);
    DOES(mt_upload_look(area, db, &alice, ids[0], &info, &err), "a look afterwards");
    OK(strcmp(info.status, "completed") == 0 && info.asset_id &&
           strcmp(info.asset_id, ALICE) == 0 && info.offset == 10,
       "tells of the asset before any sweep");
    mt_upload_info_free(&info);
    DOES(mt_upload_look(area, db, &alice, ids[1], &info, &err), "and the other one");
    IS_STR(info.status, "failed", "has failed");
    mt_upload_info_free(&info);
    /* no such asset is in the table: the row must not point to it */
    if (mt_db_exec(db, NULL, &err, "UPDATE processing_jobs SET output_results = NULL WHERE id = $1",
                   "s", done[0].job_id) < 0)
        printf("# %s\n", err.msg);
    DOES(mt_upload_sweep(area, db, &swept, &err), "a sweep");
    OK(swept.ended >= 1 && !is_there(area, ids[0], "") && is_there(area, ids[1], ""),
       "removes what is an asset, and keeps what failed");
    DOES(mt_upload_remove(area, db, &alice, ids[1], &err), "until its owner removes it");
    OK(!is_there(area, ids[1], ""), "then it goes");
    mt_uploads_close(&area);
}

/* --- */

static void test_all(struct mt_db *db)
{
    test_finish(db);
    test_owners(db);
    test_length(db);
    test_promise(db);
    test_chunks(db, "sha1");
    test_chunks(db, "sha256");
    test_quota(db);
    test_join(db);
    test_sweep(db);
    test_job_ends(db);
}

int main(void)
{
    test_running();
    return on_all(test_all);
}
