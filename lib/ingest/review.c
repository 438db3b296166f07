/* SPDX-License-Identifier: GPL-2.0-or-later */
/* review.c - see review.h. */
#include "ingest/review.h"

#include "base/clock.h"
#include "base/mem.h"
#include "catalog/decision.h"
#include "ingest/judge.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

static const char *status_of(const struct mt_entry *e)
{
    return mt_json_str(e->row, "upload_status", "");
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool is_infected(const json_t *row)
{
    return is(mt_json_str(row, "scan.verdict", ""), "infected");
}

/* Whether a person has said what becomes of it. */
static bool is_settled(const json_t *row)
{
    const char *action = mt_json_str(row, "metadata.policy.action", "");

    return is(action, "released") || is(action, "rejected");
}

static void decide(struct mt_entry *e, const char *status)
{
    e->decided = true;
    e->publish_as = status;
}

static int fail_infected(const struct mt_entry *e, struct mt_err *err)
{
    return mt_fail(err, MT_ERR_INFECTED, "'%s' is infected: %s", e->name,
                   mt_json_str(e->scan, "signature", "?"));
}

/* --- what a person decides --- */

static int settle(struct mt_entry *e, struct mt_err *err)
{
    const struct mt_ingest *spec = e->in->spec;
    bool release = spec->errand == MT_ERRAND_RELEASE;
    const char *before = status_of(e);
    const char *after = release ? "completed" : "rejected";
    char now[MT_TIME_TEXT];

    if (is(before, after)) {
        e->known = true;
        return 0;
    }
    if (release && is_infected(e->row) && !spec->force) {
        e->publish_as = before;
        fail_infected(e, err);
        return mt_hint(err, "--force releases it all the same");
    }
    json_object_set_new(e->metadata, "policy",
                        json_pack("{s:s, s:o, s:s, s:s}", "action",
                                  release ? "released" : "rejected", "reason",
                                  mt_json_text(spec->reason), "before", before, "at",
                                  mt_time_text(mt_now_us(), now)));
    decide(e, after);
    return 0;
}

/* --- what the policies decide --- */

static bool same_policy(const struct mt_entry *e)
{
    const json_t *had = mt_json_at(e->row, "metadata.policy");
    const json_t *has = json_object_get(e->metadata, "policy");

    return had && has ? json_equal(had, has) : !had && !has;
}

/* By the verdict in e->scan, as it is now. A refusal is a decision and a failure. */
static int judge(struct mt_entry *e, struct mt_err *err)
{
    const char *before = status_of(e);
    struct mt_scan_result result;
    int ret;

    mt_scan_from_json(e->scan, &result);
    if (result.verdict != MT_SCAN_INFECTED && is_settled(e->row)) {
        e->publish_as = before;
        json_object_set(e->metadata, "policy", mt_json_at(e->row, "metadata.policy"));
        return is(before, "rejected")
                   ? mt_fail(err, MT_ERR_POLICY, "'%s' was rejected: %s", e->name,
                             mt_json_str(e->metadata, "policy.reason", "?"))
                   : 0;
    }
    e->publish_as = "completed";
    ret = mt_judge_scan(e, &result, err);
    if (ret == 0)
        ret = mt_judge_policy(e, err);
    if (ret < 0 && err->code != MT_ERR_INFECTED && err->code != MT_ERR_POLICY) {
        e->publish_as = before;
        return -1;
    }
    if (ret < 0)
        e->publish_as = "rejected";
    if (!is(e->publish_as, before) || !same_policy(e))
        decide(e, e->publish_as);
    return ret;
}

/* --- entries --- */

/* The facts that policies ask about, from the row. */
static void adopt(struct mt_entry *e, json_t *row)
{
    json_t *metadata = json_object_get(row, "metadata");
    json_t *scan = json_object_get(row, "scan");

    json_decref(e->row);
    e->row = row;
    json_decref(e->metadata);
    e->metadata = json_is_object(metadata) ? json_copy(metadata) : json_object();
    json_object_del(e->metadata, "policy");
    json_decref(e->scan);
    e->scan = json_is_object(scan) ? json_incref(scan) : json_pack("{s:s}", "verdict", "skipped");
    json_decref(e->found);
    e->found = json_pack("{s:O, s:O, s:O}", "content_type", json_object_get(row, "content_type"),
                         "mime_type", json_object_get(row, "mime_type"), "metadata", e->metadata);
    e->format = mt_format_of(e->found);
    e->size = mt_json_int(row, "file_size", 0);
    snprintf(e->existing, sizeof e->existing, "%s", mt_json_str(row, "id", ""));
    snprintf(e->sha256, sizeof e->sha256, "%s", mt_json_str(row, "checksum", ""));
}

static int check_state(const struct mt_entry *e, struct mt_err *err)
{
    const char *status = status_of(e);

    if (is(status, "completed") || is(status, "held") || is(status, "rejected"))
        return 0;
    return mt_fail(err, MT_ERR_POLICY, "asset %s is '%s', not stored yet", e->existing, status);
}

/* Whether its verdict is none, and can be had now. */
static bool wants_scan(const struct mt_entry *e)
{
    const char *verdict = mt_json_str(e->scan, "verdict", "skipped");

    return e->in->spec->errand == MT_ERRAND_RESCAN ||
           (!is(status_of(e), "rejected") && (is(verdict, "skipped") || is(verdict, "incomplete")));
}

int mt_review_begin(struct mt_entry *e, json_t *row, bool scans)
{
    enum mt_errand errand = e->in->spec->errand;
    struct mt_err err;

    adopt(e, row);
    e->reviewed = true;
    if (check_state(e, &err) < 0) {
        mt_entry_fail(e, &err);
        return 0;
    }
    if (e->in->spec->common->dry_run)
        return 0;
    if (errand != MT_ERRAND_RELEASE && errand != MT_ERRAND_REJECT && scans && wants_scan(e)) {
        e->rescans = true;
        return 1;
    }
    bool person = errand == MT_ERRAND_RELEASE || errand == MT_ERRAND_REJECT;
    if ((person ? settle(e, &err) : judge(e, &err)) < 0)
        mt_entry_fail(e, &err);
    e->known = !e->failed && !e->decided;
    return 0;
}

static int open_object(struct mt_entry *e, struct mt_err *err)
{
    e->fd = mt_store_get(e->in->store, mt_json_str(e->row, "s3_key", ""), err);
    if (e->fd < 0 && err->code == MT_ERR_NOT_FOUND)
        return mt_hint(err, "ingest the file again, which puts it back");
    if (e->fd < 0 || fstat(e->fd, &e->stat) < 0)
        return e->fd < 0 ? -1 : mt_fail_errno(err, "cannot read '%s'", e->name);
    if (e->stat.st_size != e->size)
        return mt_fail(err, MT_ERR_CHECKSUM,
                       "the object of asset %s has %lld bytes instead of %lld", e->existing,
                       (long long)e->stat.st_size, (long long)e->size);
    e->total_bytes = e->size;
    return 0;
}

int mt_review_scan(struct mt_entry *e, const struct mt_hands *hands, struct mt_err *err)
{
    struct mt_scan_result result;

    if (open_object(e, err) < 0 ||
        mt_scanning_start(&e->scanning, hands->scanner, e->fd, e->size, e->name,
                          e->in->spec->verdicts.wall_us, err) < 0 ||
        mt_scanning_end(&e->scanning, &result, err) < 0)
        return -1;
    e->done_bytes = e->size;
    if (result.unreachable) { /* and nothing is known that was not before */
        e->known = e->in->spec->verdicts.on_unreachable != MT_THEN_RETRY;
        return e->known ? 0 : mt_judge_scan(e, &result, err);
    }
    json_decref(e->scan);
    e->scan = mt_scan_to_json(&result);
    decide(e, status_of(e));
    return judge(e, err);
}

/* How much a verdict tells. */
static int weight(const json_t *scan)
{
    const char *verdict = mt_json_str(scan, "verdict", "");

    return is(verdict, "clean") || is(verdict, "infected") ? 2 : is(verdict, "incomplete");
}

static int check_rejected(const struct mt_entry *e, struct mt_err *err)
{
    const char *id = mt_json_str(e->row, "id", "");

    if (!is(status_of(e), "rejected") || e->in->spec->force)
        return 0;
    if (is_infected(e->row))
        return mt_fail(err, MT_ERR_INFECTED,
                       "'%s' has the bytes of asset %s, which is infected: %s", e->name, id,
                       mt_json_str(e->row, "scan.signature", "?"));
    if (!is_settled(e->row))
        return 0;
    mt_fail(err, MT_ERR_POLICY, "'%s' has the bytes of asset %s, which was rejected: %s", e->name,
            id, mt_json_str(e->row, "metadata.policy.reason", "no reason was given"));
    return mt_hint(err, "media-ingest --release %s takes that back", id);
}

void mt_review_duplicate(struct mt_entry *e, json_t *row)
{
    struct mt_err err;

    json_decref(e->row);
    e->row = row;
    snprintf(e->existing, sizeof e->existing, "%s", mt_json_str(row, "id", ""));
    if (check_rejected(e, &err) < 0) {
        mt_entry_fail(e, &err);
        return;
    }
    bool rejected = is(status_of(e), "rejected");
    bool same =
        is(e->publish_as, status_of(e)) && weight(e->scan) == weight(json_object_get(row, "scan"));
    bool weaker = weight(e->scan) < weight(json_object_get(row, "scan"));
    e->decided = rejected || (!same && !weaker && !is_settled(row));
}

int mt_review_record(struct mt_entry *e, struct mt_err *err)
{
    enum mt_errand errand = e->in->spec->errand;
    struct mt_decision decision = {
        .status = e->publish_as,
        .action = e->rescans                    ? "asset.rescanned"
                  : errand == MT_ERRAND_RELEASE ? "asset.released"
                  : errand == MT_ERRAND_REJECT  ? "asset.rejected"
                                                : "asset.judged",
        .actor = e->in->spec->uploaded_by,
        .scan = e->scan,
        .policy = json_object_get(e->metadata, "policy"),
    };

    return e->decided ? mt_asset_decide_within(e->in->db, e->row, &decision, err) : 0;
}
