/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict.c - see verdict.h. */
#include "ingest/verdict.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

const char *const mt_then_names[] = {"publish", "hold", "reject", NULL};
const char *const mt_then_or_retry_names[] = {"publish", "hold", "reject", "retry", NULL};

enum mt_then mt_then_of(const char *name)
{
    int i = MT_THEN_RETRY;

    while (i > 0 && strcmp(mt_then_or_retry_names[i], name) != 0)
        i--;
    return (enum mt_then)i;
}

static int follow(enum mt_then then, const char *name, const char *what, const char **status,
                  struct mt_err *err)
{
    if (then == MT_THEN_RETRY) {
        mt_fail(err, MT_ERR_BUSY, "'%s' %s", name, what);
        return mt_hint(err, "start the scanner and run the same again, or see --on-unreachable");
    }
    if (then == MT_THEN_REJECT)
        return mt_fail(err, MT_ERR_POLICY, "'%s' %s", name, what);
    if (then == MT_THEN_HOLD)
        mt_log(MT_LOG_WARN, "'%s' is held, stored but not published: it %s", name, what);
    *status = then == MT_THEN_HOLD ? "held" : "completed";
    return 0;
}

int mt_verdict_apply(const struct mt_verdict_policy *policy, const char *name,
                     const struct mt_scan_result *result, const char **status, struct mt_err *err)
{
    char what[sizeof result->reason + 64];
    enum mt_then then = result->unreachable ? policy->on_unreachable : policy->on_incomplete;

    *status = "completed";
    switch (result->verdict) {
    case MT_SCAN_CLEAN:
        return 0;
    case MT_SCAN_INFECTED:
        return mt_fail(err, MT_ERR_INFECTED, "'%s' is infected: %s", name, result->signature);
    case MT_SCAN_SKIPPED:
        return follow(policy->on_skipped, name, "was not scanned", status, err);
    case MT_SCAN_INCOMPLETE:
        break;
    }
    snprintf(what, sizeof what, "was not scanned completely: %s", result->reason);
    if (then == MT_THEN_PUBLISH)
        mt_log(MT_LOG_WARN, "'%s' %s", name, what);
    return follow(then, name, what, status, err);
}
