/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict.h - what becomes of a file that was scanned: the policy, and nothing else. */
#ifndef MT_INGEST_VERDICT_H
#define MT_INGEST_VERDICT_H

#include "base/err.h"
#include "scan/scan.h"

enum mt_then { MT_THEN_PUBLISH, MT_THEN_HOLD, MT_THEN_REJECT, MT_THEN_RETRY };

/* Names of mt_then in its order, ending with NULL: choices of options. The first lacks "retry". */
extern const char *const mt_then_names[];
extern const char *const mt_then_or_retry_names[];

struct mt_verdict_policy {
    enum mt_then on_incomplete, on_skipped;
    enum mt_then on_unreachable; /* the scanner; RETRY: as a failure that may pass */
    int64_t max_age_us;          /* of the signatures; 0: any will do */
    int64_t wall_us;             /* for one file; 0: as mt_scan_request says */
};

/* The mt_then called name, which is one of mt_then_or_retry_names. */
enum mt_then mt_then_of(const char *name);

/*
 * The upload_status for a file with this result, "completed" or "held", which
 * is logged as a warning; or a refusal: MT_ERR_INFECTED with the signature's
 * name, MT_ERR_POLICY; or MT_ERR_BUSY, if it is to be tried again.
 */
int mt_verdict_apply(const struct mt_verdict_policy *policy, const char *name,
                     const struct mt_scan_result *result, const char **status,
                     struct mt_err *err) MT_MUST_USE;

#endif
