/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ingest.c - the loop of media-ingest, and one input's way through it; see ingest.h. */
#include "ingest/ingest.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "catalog/asset.h"
#include "catalog/document.h"
#include "catalog/job.h"
#include "catalog/sweep.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "ingest/copy.h"
#include "ingest/internal.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void show_copied(int64_t bytes)
{
    mt_progress_update(bytes, 0);
}

/* Copies and hashes into an object of the asset-to-be. */
static int store_bytes(struct mt_entry *e, struct mt_err *err)
{
    struct mt_copy copy = {.from = e->fd,
                           .max_bytes = e->in->spec->max_size,
                           .name = e->name,
                           .progress = show_copied,
                           .stopped = mt_stop_signal};

    if (mt_store_begin(e->in->store, e->key, &e->put, err) < 0)
        return -1;
    return mt_copy_hashed(&copy, e->put, &e->size, e->sha256, err);
}

/* A file that is being written to is not what was probed. */
static int check_unchanged(const struct mt_entry *e, struct mt_err *err)
{
    struct stat now;

    if (fstat(e->fd, &now) < 0)
        return mt_fail_errno(err, "cannot stat '%s'", e->name);
    if (now.st_size != e->stat.st_size || now.st_mtim.tv_sec != e->stat.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != e->stat.st_mtim.tv_nsec || e->size != e->stat.st_size)
        return mt_fail(err, MT_ERR_CHANGED, "'%s' changed while it was read", e->name);
    return 0;
}

/* The asset as the document shows it, from its row. */
static int fill_document(struct mt_entry *e, const char *id, bool duplicate, struct mt_err *err)
{
    json_t *fresh = mt_document_of_asset(e->in->db, e->in->store, id, err);

    if (!fresh)
        return -1;
    json_object_del(fresh, "stages"); /* those of earlier runs */
    json_object_set_new(json_object_get(fresh, "asset"), "duplicate", json_boolean(duplicate));
    json_decref(e->doc);
    e->doc = fresh;
    return 0;
}

static int use_existing(struct mt_entry *e, const char *id, struct mt_err *err)
{
    if (mt_entry_restore(e, id, err) < 0)
        return -1;
    mt_put_abort(&e->put);
    mt_log(MT_LOG_INFO, "'%s' is in the store already, as asset %s", e->name, id);
    e->status = "skipped";
    return fill_document(e, id, true, err);
}

static int intend(struct mt_entry *e, struct mt_err *err)
{
    struct mt_asset_intent intent = {.id = e->id,
                                     .name = e->base,
                                     .content_type = mt_json_str(e->found, "content_type", "video"),
                                     .mime_type = e->format->mime,
                                     .file_size = e->size,
                                     .key = e->key,
                                     .uploaded_by = e->in->spec->uploaded_by};

    return mt_asset_intend(e->in->db, &intent, err);
}

/* Intent, object in place, visible; or the asset that was there first. */
static int publish(struct mt_entry *e, struct mt_err *err)
{
    char existing[MT_UUID_TEXT] = "";
    bool damaged = strcmp(mt_json_str(e->metadata, "damage.state", "ok"), "ok") != 0;
    struct mt_asset_result result = {.status = e->upload_status,
                                     .outcome = damaged ? "degraded" : "ok",
                                     .checksum = e->sha256,
                                     .file_size = e->size,
                                     .metadata = e->metadata,
                                     .scan = e->scan};
    struct mt_err second;

    if (intend(e, err) < 0)
        return -1;
    if (mt_put_commit(&e->put, e->sha256, err) == 0 &&
        mt_asset_publish(e->in->db, e->in->store, e->id, &result, existing, err) == 0)
        return existing[0] ? use_existing(e, existing, err) : fill_document(e, e->id, false, err);
    if (mt_asset_abandon(e->in->db, e->in->store, e->id, &second) < 0)
        mt_log_err(MT_LOG_WARN, &second); /* the sweep of the next program removes it */
    return -1;
}

static int find_existing(struct mt_entry *e, json_t **row, struct mt_err *err)
{
    *row = mt_asset_find(e->in->db, e->in->spec->uploaded_by, e->sha256, err);
    return *row || err->code == MT_ERR_NOT_FOUND ? 0 : -1;
}

/* From an open, accepted file to a visible asset. */
static int take_in(struct mt_entry *e, struct mt_err *err)
{
    json_t *row = NULL;
    int ret = -1;

    if (!e->put && store_bytes(e, err) < 0)
        return -1;
    if (!e->is_stdin && check_unchanged(e, err) < 0)
        return -1;
    if (find_existing(e, &row, err) < 0)
        return -1;
    if (row)
        ret = use_existing(e, mt_json_str(row, "id", ""), err);
    else if (mt_entry_judge(e, err) == 0)
        ret = publish(e, err);
    json_decref(row);
    return ret;
}

static int plan_only(struct mt_entry *e, struct mt_err *err)
{
    json_t *asset = json_object_get(e->doc, "asset");

    if (mt_entry_judge(e, err) < 0)
        return -1;
    e->status = "planned";
    json_object_set(asset, "content_type", json_object_get(e->found, "content_type"));
    json_object_set_new(asset, "mime_type", json_string(e->format->mime));
    json_object_set_new(asset, "file_size", json_integer(e->stat.st_size));
    json_object_set(asset, "metadata", e->metadata);
    return 0;
}

static int do_work(struct mt_entry *e, struct mt_err *err)
{
    if (mt_entry_open(e, err) < 0 || mt_entry_scan(e, err) < 0)
        return -1;
    if (mt_entry_identify(e, err) < 0) {
        mt_entry_judge_refused(e, err);
        return -1;
    }
    return e->in->spec->common->dry_run ? plan_only(e, err) : take_in(e, err);
}

static int start_job(struct mt_entry *e, struct mt_err *err)
{
    if (e->in->spec->common->dry_run || e->in->spec->common->job)
        return 0;
    json_t *input = json_pack("{s:o}", "name", mt_json_text(e->name));
    struct mt_job_plan plan = {.type = "ingest", .step = "ingest", .input = input};
    int ret = mt_job_start(&e->job, e->in->db, &plan, err);
    json_decref(input);
    return ret;
}

static int finish_job(struct mt_entry *e, const struct mt_err *failure, struct mt_err *err)
{
    const char *asset_id = failure ? NULL : mt_json_str(e->doc, "asset.id", NULL);
    bool cancelled = failure && failure->code == MT_ERR_CANCELLED;
    bool degraded = strcmp(mt_json_str(e->doc, "asset.metadata.damage.state", "ok"), "ok") != 0;

    if (!e->job.id[0])
        return 0;
    json_t *results = json_pack("{s:s}", "status", failure ? "failed" : e->status);
    struct mt_job_end end = {.status = cancelled ? "cancelled"
                                       : failure ? "failed"
                                                 : "completed",
                             .outcome = failure    ? NULL
                                        : degraded ? "degraded"
                                                   : "ok",
                             .stage = "ingest",
                             .error = failure,
                             .results = results};
    int ret = asset_id ? mt_job_set_asset(&e->job, asset_id, err) : 0;
    if (ret == 0)
        ret = mt_job_finish(&e->job, &end, err);
    json_decref(results);
    return ret;
}

static void warn_damage(const struct mt_entry *e)
{
    const char *state = mt_json_str(e->doc, "asset.metadata.damage.state", "ok");
    const json_t *issue = json_array_get(mt_json_at(e->doc, "asset.metadata.damage.issues"), 0);

    if (strcmp(state, "ok") != 0)
        mt_log(MT_LOG_WARN, "'%s' is damaged: %s", e->name, mt_json_str(issue, "detail", state));
}

/* Prints the document and counts it; 1 when the run is to end. */
static int deliver(struct mt_entry *e, const struct mt_err *failure, struct mt_err *err)
{
    int64_t took_ms = (mt_mono_us() - e->start_us) / 1000;

    if (failure) {
        mt_doc_fail(e->doc, "ingest", failure);
        mt_log_err(MT_LOG_ERROR, failure);
    } else {
        warn_damage(e);
    }
    mt_doc_set_stage(e->doc, "ingest", failure ? "failed" : e->status, failure, took_ms);
    mt_progress_end(failure ? "failed" : e->status, failure ? mt_code_name(failure->code) : NULL,
                    failure ? failure->msg : NULL);
    mt_outcome_add(&e->in->run->outcome, failure ? failure->code : MT_OK);
    if (mt_print(e->doc, err) < 0)
        return -1;
    return mt_stop_signal() || (failure && e->in->spec->common->fail_fast);
}

static int ingest_one(struct mt_intake *in, const char *name, struct mt_err *err)
{
    struct mt_err failure = {.code = MT_OK};
    struct mt_err second;
    struct mt_entry e;

    mt_entry_init(&e, in, name);
    mt_progress_begin(e.name, "ingest", MT_UNIT_BYTES, 0);
    int ret = start_job(&e, &failure);
    if (ret == 0)
        ret = do_work(&e, &failure);
    mt_put_abort(&e.put);
    if (finish_job(&e, ret < 0 ? &failure : NULL, &second) < 0) {
        if (ret == 0)
            failure = second;
        ret = -1;
    }
    ret = deliver(&e, ret < 0 ? &failure : NULL, err);
    mt_entry_free(&e);
    return ret;
}

static int each_name(struct mt_intake *in, struct mt_err *err)
{
    struct mt_names names;
    const char *name;
    int ret = 0;

    if (in->run->n_operands == 0 && !in->spec->common->files_from)
        return ingest_one(in, "-", err) < 0 ? -1 : 0;
    mt_names_init(&names, in->run, in->spec->common);
    mt_progress_expect(in->run->n_operands);
    while (!mt_stop_signal() && (ret = mt_names_next(&names, &name, err)) == 1)
        if ((ret = ingest_one(in, name, err)) != 0)
            break;
    mt_names_free(&names);
    return ret < 0 ? -1 : 0;
}

static int open_scanner(struct mt_intake *in, struct mt_err *err)
{
    const struct mt_ingest *spec = in->spec;
    struct mt_scan_config config = {.dir = in->run->dir, .max_age_us = spec->verdicts.max_age_us};

    if (mt_scan_open(&in->scanner, spec->scanner, spec->scanners, &config, err) < 0)
        return -1;
    if (!spec->scanner && strcmp(mt_scan_scheme(in->scanner), "none") == 0)
        mt_log(MT_LOG_WARN,
               "no virus scanner: files are taken in unscanned (--scanner=none: says that "
               "this is meant)");
    return 0;
}

static int open_all(struct mt_intake *in, struct mt_err *err)
{
    const struct mt_ingest *spec = in->spec;
    struct mt_swept counts;
    struct mt_err swept;

    if (mt_formats_check(&spec->formats, err) < 0)
        return -1;
    if (open_scanner(in, err) < 0)
        return -1;
    mt_helper_open(&in->helper, in->run->dir, &spec->limits);
    if (spec->common->dry_run)
        return 0;
    if (mt_db_open(&in->db, spec->common->db, spec->dbs, MT_DB_WRITE, err) < 0 ||
        mt_store_open(&in->store, spec->common->store, spec->stores, true, err) < 0)
        return -1;
    if (mt_store_sweep(in->store, NULL, &swept) < 0 ||
        mt_sweep(in->db, in->store, &counts, &swept) < 0)
        mt_log_err(MT_LOG_WARN, &swept);
    return 0;
}

int mt_ingest_run(const struct mt_ingest *spec, struct mt_run *r, struct mt_err *err)
{
    struct mt_intake in = {.spec = spec, .run = r};
    int ret = -1;

    if (r->n_operands == 0 && !spec->common->files_from && isatty(STDIN_FILENO)) {
        mt_fail(err, MT_ERR_USAGE, "no file named");
        return mt_hint(err, "media-ingest FILE ..., or pipe the bytes of one file in with -");
    }
    if (open_all(&in, err) == 0)
        ret = each_name(&in, err);
    mt_helper_close(&in.helper);
    mt_scan_close(&in.scanner);
    mt_store_close(&in.store);
    mt_db_close(&in.db);
    return ret;
}
