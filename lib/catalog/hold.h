/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hold.h - the list of what somebody has to decide about: assets that are held. */
#ifndef MT_CATALOG_HOLD_H
#define MT_CATALOG_HOLD_H

#include "db/db.h"

#include <jansson.h>

/*
 * Within the transaction that gives the asset its status: an asset that becomes held has an open
 * row in reviews, with the reason "policy" if policy (its metadata.policy, lent, or NULL) says so,
 * else "scan", and a note in words; any other status closes it, as approved or rejected. reviewer:
 * UUID of the user who decides, or NULL. Reviews for other reasons are left alone.
 */
int mt_hold_record(struct mt_db *db, const char *asset_id, const char *status, const json_t *scan,
                   const json_t *policy, const char *reviewer, struct mt_err *err) MT_MUST_USE;

#endif
