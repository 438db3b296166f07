/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ingest.h - a file becomes an asset, or is refused and says why.
 *
 * An input that is an asset already, by its id, its document or as a known file, is
 * judged anew; see review.h.
 *
 * For each other input: is it a regular file of a permitted size; what do the bytes
 * say it is (the jailed helper); is that accepted; then one pass copies it into
 * the store and hashes it; the same bytes of the same user are an asset
 * already; else, when the virus scan that ran beside all that has a verdict,
 * intent, object, and one transaction that makes it visible. A
 * crash at any instant leaves an intent, which the next program sweeps.
 */
#ifndef MT_INGEST_INGEST_H
#define MT_INGEST_INGEST_H

#include "cli/cli.h"
#include "db/db.h"
#include "ingest/formats.h"
#include "ingest/helper.h"
#include "ingest/verdict.h"
#include "scan/scan.h"
#include "store/store.h"

/* What is to be done with assets that are named by their ids or documents. */
enum mt_errand {
    MT_ERRAND_NONE,   /* judged anew, and scanned if they have no verdict */
    MT_ERRAND_RESCAN, /* scanned anyhow */
    MT_ERRAND_RELEASE,
    MT_ERRAND_REJECT,
};

struct mt_ingest {
    const struct mt_common *common;
    const struct mt_store_driver *const *stores;
    const struct mt_db_driver *const *dbs;
    struct mt_format_policy formats;
    struct mt_helper_limits limits;
    const struct mt_scan_driver *const *scanners;
    const char *scanner; /* URL, or NULL: the first of scanners that is there */
    struct mt_verdict_policy verdicts;
    int64_t max_size;               /* bytes */
    int64_t jobs;                   /* inputs at once; 0: as many as there are processors */
    bool recursive;                 /* operands may be directories */
    const char *watch;              /* a directory to take files from as they come, or NULL */
    int64_t settle_us;              /* how long they must have been quiet */
    const char *done_dir;           /* where watched files go that are assets now, or NULL */
    const char *policy;             /* file of rules, or NULL */
    const char *quarantine;         /* directory for copies of what is refused, or NULL */
    bool allow_url;                 /* https URLs are fetched */
    bool allow_private, allow_http; /* also from private networks, without TLS */
    int64_t url_timeout_us;
    enum mt_errand errand;
    const char *reason;      /* of a release or rejection, or NULL */
    bool force;              /* read files again that are known to be assets */
    const char *uploaded_by; /* UUID of the user, or NULL */
    const char *name;        /* file name for standard input, or NULL */
    json_t *metadata;        /* the user's own members for asset.metadata.user; lent, or NULL */
    json_t *options;         /* processing options to keep with the asset; lent, or NULL */
};

/* Ingests all inputs of the run; failures of single inputs are counted in r->outcome. */
int mt_ingest_run(const struct mt_ingest *spec, struct mt_run *r, struct mt_err *err) MT_MUST_USE;

#endif
