/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ingest.c - the loop of media-ingest, and what comes out of it; see ingest.h. */
#include "ingest/ingest.h"

#include "base/log.h"
#include "base/text.h"
#include "catalog/asset.h"
#include "catalog/document.h"
#include "catalog/source.h"
#include "catalog/sweep.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "ingest/crew.h"
#include "ingest/feed.h"
#include "ingest/internal.h"
#include "ingest/policy.h"
#include "ingest/review.h"
#include "ingest/watch.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GROUP = 64, TICK_MS = 100, ANNOUNCE_US = 500000, JOBS_MAX = MT_CREW_MAX };

/* --- documents --- */

/* The asset as the document shows it, from its row. */
static int fill_document(struct mt_entry *e, struct mt_err *err)
{
    const char *id = e->existing[0] ? e->existing : e->id;
    json_t *fresh = mt_document_of_asset(e->in->db, e->in->store, id, err);
    json_t *asset = json_object_get(fresh, "asset");

    if (!fresh)
        return -1;
    json_object_del(fresh, "stages"); /* those of earlier runs */
    if (!e->is_asset)
        json_object_set_new(asset, "duplicate", json_boolean(e->existing[0]));
    /* What only the document knows stays in it. */
    json_object_update_missing(asset, json_object_get(e->doc, "asset"));
    json_object_update_missing(fresh, e->doc);
    json_decref(e->doc);
    e->doc = fresh;
    if (e->existing[0] && !e->decided)
        e->status = "skipped";
    return 0;
}

static void plan_only(struct mt_entry *e)
{
    json_t *asset = json_object_get(e->doc, "asset");
    struct mt_err err;

    if (e->reviewed && fill_document(e, &err) < 0)
        mt_entry_fail(e, &err);
    e->status = "planned";
    if (e->reviewed)
        return;
    json_object_set(asset, "content_type", json_object_get(e->found, "content_type"));
    json_object_set_new(asset, "mime_type", json_string(e->format->mime));
    json_object_set_new(asset, "file_size", json_integer(e->stat.st_size));
    json_object_set(asset, "metadata", e->metadata);
}

static void warn(const struct mt_entry *e)
{
    const char *state = mt_json_str(e->doc, "asset.metadata.damage.state", "ok");
    const json_t *issue = json_array_get(mt_json_at(e->doc, "asset.metadata.damage.issues"), 0);

    if (e->note)
        mt_log(MT_LOG_WARN, "%s", e->note);
    if (e->failed)
        mt_log_err(MT_LOG_ERROR, &e->failure);
    else if (strcmp(state, "ok") != 0)
        mt_log(MT_LOG_WARN, "'%s' is damaged: %s", e->name, mt_json_str(issue, "detail", state));
    if (e->existing[0] && !e->failed && !e->is_asset)
        mt_log(MT_LOG_INFO, "'%s' is in the store already, as asset %s", e->name, e->existing);
}

static void count(struct mt_entry *e)
{
    struct mt_tally *t = &e->in->tally;

    mt_outcome_add(&e->in->run->outcome, e->failed ? e->failure.code : MT_OK);
    if (e->failed &&
        (mt_code_exit_status(e->failure.code) == 6 || mt_code_exit_status(e->failure.code) == 7))
        t->rejected++;
    else if (e->failed)
        t->failed++;
    else if (e->in->spec->common->dry_run)
        t->planned++;
    else if (e->reviewed && e->decided)
        t->reviewed++;
    else if (e->known)
        t->known++;
    else if (e->existing[0])
        t->duplicates++;
    else if (strcmp(e->publish_as, "held") == 0)
        t->held++;
    else
        t->taken++;
    if (e->published)
        t->bytes += e->size;
    if (e->published && strcmp(mt_json_str(e->metadata, "damage.state", "ok"), "ok") != 0)
        t->degraded++;
}

/* Prints the document and counts it; 1 when the run is to end. */
static int deliver(struct mt_entry *e, struct mt_err *err)
{
    int64_t took_ms = (mt_mono_us() - e->start_us) / 1000;
    const struct mt_err *failure = e->failed ? &e->failure : NULL;

    if (e->passed) {
        mt_outcome_add(&e->in->run->outcome, mt_doc_code(e->doc));
        return mt_print(e->doc, err);
    }
    if (failure)
        mt_doc_fail(e->doc, "ingest", failure);
    warn(e);
    mt_doc_set_stage(e->doc, "ingest", failure ? "failed" : e->status, failure, took_ms);
    mt_progress_begin(e->name, "ingest", MT_UNIT_BYTES, e->total_bytes);
    mt_progress_update(e->done_bytes, e->total_bytes);
    mt_progress_end(failure ? "failed" : e->status, failure ? mt_code_name(failure->code) : NULL,
                    failure ? failure->msg : NULL);
    count(e);
    if (mt_print(e->doc, err) < 0)
        return -1;
    return mt_stop_signal() || (failure && e->in->spec->common->fail_fast);
}

static void fill_documents(struct mt_intake *in, struct mt_entry *const entries[], int n)
{
    struct mt_err err;
    bool begun = n > 1 && mt_db_begin(in->db, false, &err) == 0;

    for (int i = 0; i < n; i++)
        if ((!entries[i]->failed || entries[i]->reviewed) && !entries[i]->passed &&
            fill_document(entries[i], &err) < 0)
            mt_entry_fail(entries[i], &err);
    if (begun)
        mt_db_rollback(in->db);
}

static void put_away(struct mt_entry *e)
{
    const char *to = e->in->spec->done_dir;
    struct mt_err err;

    if (e->watched && e->failed && mt_code_retryable(e->failure.code))
        mt_feed_again(e->in->feed, e->name);
    if (to && e->watched && !e->failed && !e->in->spec->common->dry_run &&
        mt_watch_put_away(e->name, to, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err);
}

static int finish_group(struct mt_intake *in, struct mt_entry *entries[], int n, struct mt_err *err)
{
    int ret = 0;

    if (in->spec->common->dry_run) {
        for (int i = 0; i < n; i++)
            if (!entries[i]->failed && !entries[i]->passed)
                plan_only(entries[i]);
    } else {
        mt_group_publish(in, entries, n);
        fill_documents(in, entries, n);
    }
    for (int i = 0; i < n; i++) {
        int one = deliver(entries[i], err);
        ret = ret < 0 || one == 0 ? ret : one;
        put_away(entries[i]);
        mt_entry_free(&entries[i]);
    }
    return ret;
}

/* --- the loop --- */

/* The row of the asset that the file is already, as far as its inode tells; or NULL. */
static json_t *known_asset(struct mt_entry *e)
{
    struct mt_err err;
    struct stat st;
    int64_t size = -1;
    json_t *row = NULL;

    if (e->in->spec->force || e->in->spec->common->dry_run || e->is_stream ||
        (e->given ? lstat(e->name, &st) : stat(e->name, &st)) < 0 || !S_ISREG(st.st_mode) ||
        mt_source_find(e->in->db, &st, e->in->spec->uploaded_by, e->existing, &err) != 1)
        return NULL;
    row = mt_asset_get(e->in->db, e->existing, &err);
    e->existing[0] = '\0';
    if (mt_store_stat(e->in->store, mt_json_str(row, "s3_key", ""), &size, &err) == 0 &&
        size == st.st_size) {
        e->done_bytes = e->total_bytes = st.st_size;
        return row;
    }
    json_decref(row);
    return NULL;
}

static json_t *named_asset(struct mt_entry *e, struct mt_err *err)
{
    const char *id = e->is_asset ? mt_json_str(e->doc, "asset.id", NULL) : NULL;

    if (!e->is_asset) {
        mt_fail(err, MT_ERR_USAGE, "'%s' is no asset, but a file", e->name);
        mt_hint(err, "--release and --reject take the ids of assets: media-status asset");
    } else if (!e->in->db) {
        mt_fail(err, MT_ERR_USAGE, "'%s': a dry run does not look into the database", e->name);
    } else if (!id || !mt_uuid_valid(id)) {
        mt_fail(err, MT_ERR_BAD_DOCUMENT, "the document names no asset by its id");
    } else {
        return mt_asset_get(e->in->db, id, err);
    }
    return NULL;
}

/* Whether nothing is left for a worker to do. */
static bool is_ready(struct mt_entry *e)
{
    enum mt_errand errand = e->in->spec->errand;
    bool person = errand == MT_ERRAND_RELEASE || errand == MT_ERRAND_REJECT;
    struct mt_err err;
    json_t *row = NULL;

    if (e->failed || e->passed)
        return true;
    if (!e->is_asset && !person && !(row = known_asset(e)))
        return false;
    if ((e->is_asset || person) && !(row = named_asset(e, &err))) {
        mt_entry_fail(e, &err);
        return true;
    }
    return mt_review_begin(e, row, mt_crew_scans(e->in->crew)) == 0;
}

static struct mt_entry *new_entry(struct mt_intake *in, const struct mt_feed_item *item)
{
    const char *id = mt_json_str(item->doc, "asset.id", NULL);
    struct mt_entry *e = mt_entry_new(in, id ? id : item->name);

    e->watched = item->watched;
    e->given = item->given;
    e->is_asset = item->doc || (!e->is_stream && mt_uuid_valid(item->name));
    if (item->doc) {
        e->passed = mt_doc_failed(item->doc);
        json_decref(e->doc);
        e->doc = item->doc;
    } else if (e->is_asset) {
        json_object_set_new(json_object_get(e->doc, "asset"), "id", json_string(item->name));
    }
    if (item->failure.code != MT_OK)
        mt_entry_fail(e, &item->failure);
    return e;
}

/* Adds inputs while there is room and they are at hand: 0 when there are no more, else 1. */
static int admit(struct mt_intake *in, struct mt_feed *feed, struct mt_err *err)
{
    int room = in->spec->common->fail_fast ? 1 : MT_CREW_WINDOW;
    struct mt_feed_item item;

    while (mt_crew_count(in->crew) < room) {
        if (mt_stop_signal())
            return 0;
        int got = mt_feed_next(feed, mt_crew_count(in->crew) == 0, &item, err);
        if (got <= 0)
            return got;
        if (got == MT_FEED_LATER)
            break;
        struct mt_entry *e = new_entry(in, &item);
        mt_crew_add(in->crew, e, is_ready(e));
    }
    return 1;
}

static void show_front(struct mt_intake *in)
{
    struct mt_entry *e = mt_crew_front(in->crew);

    mt_progress_poll();
    if (!e)
        return;
    if (mt_now_us() - e->begun_us > ANNOUNCE_US)
        mt_group_announce(e);
    mt_progress_begin(e->name, "ingest", MT_UNIT_BYTES, e->total_bytes);
    mt_progress_since(e->start_us);
    mt_progress_update(e->done_bytes, e->total_bytes);
}

/* What nobody has begun with when the run is to end is as if it had not been named. */
static void withdraw(struct mt_intake *in)
{
    struct mt_entry *e;

    while ((e = mt_crew_withdraw(in->crew)))
        mt_entry_free(&e);
}

static int each_input(struct mt_intake *in, struct mt_feed *feed, struct mt_err *err)
{
    struct mt_entry *group[GROUP];
    int more = 1;
    int ret = 0;
    struct mt_err feed_err;

    in->feed = feed;
    while (ret >= 0 && (more > 0 || mt_crew_count(in->crew) > 0)) {
        if (more > 0 && ret == 0)
            more = admit(in, feed, &feed_err);
        if (mt_stop_signal() || ret > 0) {
            more = more < 0 ? more : 0;
            withdraw(in);
            if (mt_stop_signal())
                mt_crew_interrupt(in->crew);
        }
        int n = mt_crew_take(in->crew, group, GROUP, TICK_MS);
        if (n == 0)
            show_front(in);
        else
            ret = finish_group(in, group, n, err);
    }
    if (ret >= 0 && more < 0) {
        *err = feed_err;
        ret = -1;
    }
    return ret < 0 ? -1 : 0;
}

/* --- the run --- */

static void report(const struct mt_intake *in)
{
    const struct mt_tally *t = &in->tally;
    const struct {
        const char *name, *text;
        int64_t n;
    } counts[] = {
        {"taken", "taken in", t->taken},
        {"degraded", "of them damaged", t->degraded},
        {"held", "held", t->held},
        {"duplicates", "duplicates", t->duplicates},
        {"known", "known from before", t->known},
        {"reviewed", "judged anew", t->reviewed},
        {"planned", "planned", t->planned},
        {"rejected", "refused", t->rejected},
        {NULL, "failed", t->failed}, /* the summary counts these and the refused by itself */
    };
    char bytes[MT_FIGURE];
    char line[512];
    size_t n = 0;
    int64_t all = -t->degraded;

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i].name)
            mt_progress_tell(counts[i].name, counts[i].n);
        all += counts[i].n;
        if (counts[i].n > 0 || i == 0)
            n += (size_t)snprintf(line + n, sizeof line - n, "%s%lld %s", n ? ", " : "",
                                  (long long)counts[i].n, counts[i].text);
        if (i == 0)
            n += (size_t)snprintf(line + n, sizeof line - n, " (%s)",
                                  mt_show_bytes(t->bytes, bytes));
    }
    mt_progress_tell("bytes", t->bytes);
    if (all > 1)
        mt_progress_report("%s", line);
}

static int open_all(struct mt_intake *in, struct mt_err *err)
{
    const struct mt_ingest *spec = in->spec;
    struct mt_swept counts;
    struct mt_err swept;

    if (mt_formats_check(&spec->formats, err) < 0)
        return -1;
    if (spec->policy && mt_policy_load(&in->policy, spec->policy, err) < 0)
        return -1;
    if (spec->common->dry_run && spec->errand != MT_ERRAND_NONE)
        return mt_db_open(&in->db, spec->common->db, spec->dbs, MT_DB_READ, err) < 0
                   ? -1
                   : mt_store_open(&in->store, spec->common->store, spec->stores, false, err);
    if (spec->common->dry_run)
        return 0;
    if (mt_db_open(&in->db, spec->common->db, spec->dbs, MT_DB_WRITE, err) < 0 ||
        (spec->common->job &&
         mt_lease_attach(&in->lease, in->db, spec->common->job, spec->common->token, err) < 0) ||
        mt_store_open(&in->store, spec->common->store, spec->stores, true, err) < 0)
        return -1;
    if (mt_store_sweep(in->store, NULL, &swept) < 0 ||
        mt_sweep(in->db, in->store, &counts, &swept) < 0)
        mt_log_err(MT_LOG_WARN, &swept);
    return 0;
}

/* One worker for each processor, and no more than there are inputs. */
static int how_many(const struct mt_intake *in)
{
    const struct mt_ingest *spec = in->spec;
    long n = spec->jobs ? (long)spec->jobs : sysconf(_SC_NPROCESSORS_ONLN);

    if (spec->common->fail_fast)
        n = 1;
    if (!spec->common->files_from && !spec->recursive && !spec->watch && n > in->run->n_operands)
        n = in->run->n_operands;
    return n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (int)n;
}

int mt_ingest_run(const struct mt_ingest *spec, struct mt_run *r, struct mt_err *err)
{
    struct mt_intake in = {.spec = spec, .run = r};
    struct mt_feed *feed = NULL;
    int ret = -1;

    if (r->n_operands == 0 && !spec->common->files_from && !spec->watch && isatty(STDIN_FILENO)) {
        mt_fail(err, MT_ERR_USAGE, "no file named");
        return mt_hint(err, "media-ingest FILE ...; - is the bytes on standard input");
    }
    if (open_all(&in, err) == 0 && mt_feed_open(&feed, spec, r, err) == 0 &&
        mt_crew_open(&in.crew, &in, how_many(&in), err) == 0) {
        ret = each_input(&in, feed, err);
        report(&in);
    }
    mt_crew_close(&in.crew);
    mt_feed_close(&feed);
    mt_policy_free(&in.policy);
    mt_store_close(&in.store);
    mt_db_close(&in.db);
    return ret;
}
