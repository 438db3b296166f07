/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judge.h - what the policies say to an entry; both may set its publish_as to "held". */
#ifndef MT_INGEST_JUDGE_H
#define MT_INGEST_JUDGE_H

#include "ingest/internal.h"

/* By the verdict of its scan: MT_ERR_INFECTED, MT_ERR_POLICY, MT_ERR_BUSY when it is refused. */
int mt_judge_scan(struct mt_entry *e, const struct mt_scan_result *result,
                  struct mt_err *err) MT_MUST_USE;

/*
 * By the user's rules, if there are any: MT_ERR_POLICY. Asks found, format, metadata, size and
 * scan; why it is held goes to metadata.policy.
 */
int mt_judge_policy(struct mt_entry *e, struct mt_err *err) MT_MUST_USE;

#endif
