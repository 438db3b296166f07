/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * group.c - from stored bytes to visible assets, several with one wait for the disk.
 *
 * Each step is done for all entries in one transaction. If that fails, it is
 * rolled back and done for each entry by itself, so that one of them cannot
 * spoil the others.
 */
#include "ingest/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "catalog/asset.h"
#include "catalog/decision.h"
#include "catalog/source.h"
#include "ingest/review.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 3 };

/* Done within a transaction; undone: that transaction was rolled back. */
struct step {
    int (*run)(struct mt_entry *e, struct mt_err *err);
    void (*undone)(struct mt_entry *e);
};

static bool goes_on(const struct mt_entry *e)
{
    return !e->failed && !e->existing[0] && !e->passed;
}

/* --- transactions --- */

static int try_together(struct mt_db *db, const struct step *step, struct mt_entry *const entries[],
                        int n, struct mt_err *err)
{
    int ret = mt_db_begin(db, true, err);
    int done = 0;

    if (ret < 0)
        return ret;
    while (done < n && ret == 0)
        ret = step->run(entries[done++], err);
    if (ret < 0)
        mt_db_rollback(db);
    else
        ret = mt_db_commit(db, err);
    for (int i = 0; i < done && ret < 0; i++)
        step->undone(entries[i]);
    return ret;
}

/* Where transactions run side by side, a unique index tells of a rival: look again, it is there. */
static int try_again(struct mt_db *db, const struct step *step, struct mt_entry *const entries[],
                     int n, struct mt_err *err)
{
    int ret = try_together(db, step, entries, n, err);

    for (int i = 1; i < ATTEMPTS && n == 1 && ret < 0 && mt_db_is_conflict(err); i++)
        ret = try_together(db, step, entries, n, err);
    return ret;
}

/* An entry whose step fails is a failed entry. */
static void together(struct mt_db *db, const struct step *step, struct mt_entry *const entries[],
                     int n)
{
    struct mt_err err;

    if (n == 0 || try_again(db, step, entries, n, &err) == 0)
        return;
    if (n == 1) {
        mt_entry_fail(entries[0], &err);
        return;
    }
    for (int i = 0; i < n; i++)
        together(db, step, entries + i, 1);
}

/* --- steps --- */

static int start_job(struct mt_entry *e, struct mt_err *err)
{
    if (e->in->spec->common->job || e->passed || e->known || e->job.id[0] ||
        (e->reviewed && !e->rescans))
        return 0;
    json_t *input = mt_entry_input(e);
    struct mt_job_plan plan = {
        .type = "ingest", .step = "ingest", .input = input, .started_us = e->begun_us};
    int ret = mt_job_start(&e->job, e->in->db, &plan, err);
    json_decref(input);
    return ret;
}

static int find_existing(struct mt_entry *e, struct mt_err *err)
{
    const char *user = e->in->spec->uploaded_by;
    json_t *row = mt_asset_find(e->in->db, user, e->sha256, err);

    if (!row && err->code == MT_ERR_NOT_FOUND)
        row = mt_asset_find_rejected(e->in->db, user, e->sha256, err);
    if (!row)
        return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
    mt_review_duplicate(e, row);
    return 0;
}

static int intend(struct mt_entry *e, struct mt_err *err)
{
    if (start_job(e, err) < 0)
        return -1;
    if (goes_on(e) && find_existing(e, err) < 0)
        return -1;
    if (!goes_on(e))
        return 0;
    struct mt_asset_intent intent = {.id = e->id,
                                     .name = e->base,
                                     .content_type = mt_json_str(e->found, "content_type", "video"),
                                     .mime_type = e->format->mime,
                                     .file_size = e->size,
                                     .key = e->key,
                                     .uploaded_by = e->in->spec->uploaded_by};
    e->intended = true;
    return mt_asset_intend_within(e->in->db, &intent, err);
}

static void intent_undone(struct mt_entry *e)
{
    e->intended = false;
    mt_job_drop(&e->job);
}

static const struct step intending = {intend, intent_undone};

static int show_asset(struct mt_entry *e, struct mt_err *err)
{
    bool damaged = strcmp(mt_json_str(e->metadata, "damage.state", "ok"), "ok") != 0;
    struct mt_asset_result result = {.status = e->publish_as,
                                     .outcome = damaged ? "degraded" : "ok",
                                     .checksum = e->sha256,
                                     .file_size = e->size,
                                     .metadata = e->metadata,
                                     .scan = e->scan};

    if (!e->in_place || e->failed)
        return 0;
    int ret = mt_asset_publish_within(e->in->db, e->id, &result, e->existing, err);
    e->published = ret == 0;
    return ret < 0 ? -1 : 0;
}

static int end_job(struct mt_entry *e, struct mt_err *err)
{
    const char *asset = e->row           ? e->existing
                        : e->failed      ? NULL
                        : e->existing[0] ? e->existing
                                         : e->id;
    bool cancelled = e->failed && e->failure.code == MT_ERR_CANCELLED;
    bool degraded = strcmp(mt_json_str(e->metadata, "damage.state", "ok"), "ok") != 0;
    const char *status = e->failed                       ? "failed"
                         : e->existing[0] && !e->rescans ? "skipped"
                                                         : e->status;

    if (!e->job.id[0])
        return 0;
    json_t *results = json_pack("{s:s}", "status", status);
    struct mt_job_end end = {.status = cancelled   ? "cancelled"
                                       : e->failed ? "failed"
                                                   : "completed",
                             .outcome = e->failed  ? NULL
                                        : degraded ? "degraded"
                                                   : "ok",
                             .stage = "ingest",
                             .error = e->failed ? &e->failure : NULL,
                             .results = results};
    int ret = asset ? mt_job_set_asset(&e->job, asset, err) : 0;
    if (ret == 0)
        ret = mt_job_end_within(&e->job, &end, err);
    json_decref(results);
    return ret;
}

static int remember(struct mt_entry *e, struct mt_err *err)
{
    if (e->failed || e->is_stream || e->known || e->reviewed || e->passed)
        return 0;
    return mt_source_remember(e->in->db, &e->stat, e->begun_us, e->in->spec->uploaded_by,
                              e->existing[0] ? e->existing : e->id, err);
}

static int publish(struct mt_entry *e, struct mt_err *err)
{
    if (show_asset(e, err) < 0 || mt_review_record(e, err) < 0 || end_job(e, err) < 0)
        return -1;
    return remember(e, err);
}

static void publishing_undone(struct mt_entry *e)
{
    if (e->intended)
        e->existing[0] = '\0';
    e->published = false;
}

static const struct step publishing = {publish, publishing_undone};

static int start_only(struct mt_entry *e, struct mt_err *err)
{
    return start_job(e, err);
}

static const struct step announcing = {start_only, intent_undone};

/* --- objects --- */

static void put_in_place(struct mt_entry *const entries[], int n)
{
    struct mt_put **puts = mt_alloc((size_t)n * sizeof(*puts));
    const char **sums = mt_alloc((size_t)n * sizeof(*sums));
    struct mt_err *errs = mt_alloc((size_t)n * sizeof(*errs));
    struct mt_entry **which = mt_alloc((size_t)n * sizeof(*which));
    int k = 0;

    for (int i = 0; i < n; i++)
        if (goes_on(entries[i]) && entries[i]->intended) {
            which[k] = entries[i];
            sums[k] = entries[i]->sha256;
            puts[k++] = entries[i]->put;
            entries[i]->put = NULL;
        }
    if (k > 0 && mt_puts_commit_each(puts, sums, errs, k) < 0)
        mt_log(MT_LOG_DEBUG, "not all objects of %d could be put in place", k);
    for (int i = 0; i < k; i++) {
        which[i]->in_place = errs[i].code == MT_OK;
        if (!which[i]->in_place)
            mt_entry_fail(which[i], &errs[i]);
    }
    free(which);
    free(errs);
    free(sums);
    free(puts);
}

/* The intent of what did not become visible goes, with its object. */
static void clean_up(struct mt_entry *e)
{
    struct mt_err err;

    if (e->existing[0] && !e->failed && !e->known && !e->reviewed &&
        mt_entry_restore(e, e->existing, &err) < 0)
        mt_entry_fail(e, &err);
    mt_put_abort(&e->put);
    if (e->intended && !e->published && mt_asset_abandon(e->in->db, e->in->store, e->id, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err); /* the sweep of the next program removes it */
    mt_job_drop(&e->job);
}

/* Failures of the last step have to be written down as well; that may fail too. */
static void record_failure(struct mt_entry *e)
{
    struct mt_err err;

    if (e->failed && e->job.id[0] &&
        try_together(e->in->db, &publishing, &(struct mt_entry *){e}, 1, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err);
}

void mt_group_announce(struct mt_entry *e)
{
    struct mt_err err;

    if (!e->in->db || e->job.id[0])
        return;
    if (try_together(e->in->db, &announcing, &e, 1, &err) < 0)
        mt_log_err(MT_LOG_DEBUG, &err);
}

void mt_group_publish(struct mt_intake *in, struct mt_entry *const entries[], int n)
{
    together(in->db, &intending, entries, n);
    put_in_place(entries, n);
    bool *failed_before = mt_alloc((size_t)n * sizeof *failed_before);
    for (int i = 0; i < n; i++)
        failed_before[i] = entries[i]->failed;
    together(in->db, &publishing, entries, n);
    for (int i = 0; i < n; i++) {
        if (entries[i]->failed && !failed_before[i])
            record_failure(entries[i]);
        clean_up(entries[i]);
    }
    free(failed_before);
}
