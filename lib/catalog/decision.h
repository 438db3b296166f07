/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decision.h - what becomes of an asset that was stored before: published, held back, rejected.
 *
 * Its object and all that was made of it stay where they are: a decision can be
 * taken back. An asset that is rejected is opened by no program and hides no copy
 * of the same bytes.
 */
#ifndef MT_CATALOG_DECISION_H
#define MT_CATALOG_DECISION_H

#include "db/db.h"

struct mt_decision {
    const char *status;   /* completed, held, rejected */
    const char *action;   /* for the audit log: "asset.released", "asset.rescanned" */
    const char *actor;    /* UUID of the user who decides; NULL: this process */
    const json_t *scan;   /* lent; what the row is to keep as its verdict; NULL: what it has */
    const json_t *policy; /* lent; the new metadata.policy; NULL: none */
};

/*
 * Within a writing transaction of the caller's: makes the asset, whose row (as it was read)
 * is given, what the decision says; with a line in the audit log, and its event
 * "asset.<status>" if that is another one than before. MT_ERR_CHANGED when somebody
 * else has decided about it since the row was read, and otherwise; MT_ERR_POLICY when it is to
 * become visible while another asset of the user with the same bytes is.
 */
int mt_asset_decide_within(struct mt_db *db, const json_t *row, const struct mt_decision *decision,
                           struct mt_err *err) MT_MUST_USE;

/* The rejected asset of the user (NULL: nobody) with this checksum; MT_ERR_NOT_FOUND. New. */
json_t *mt_asset_find_rejected(struct mt_db *db, const char *uploaded_by, const char *checksum,
                               struct mt_err *err);

#endif
