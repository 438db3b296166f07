/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sweep.h - what is left of work on films that nobody goes on with.
 *
 * Work in progress is below {asset}/.work/{work}/ in the store, and if it is that of many machines
 * in rows of the table segments (transcode/ledger.h). It goes when its renditions are published.
 * What was given up stays: for who tries again, but not for ever. And a process that dies
 * between putting a segment in place and committing its row leaves an object of which no row tells.
 *
 * Each program that works on an asset removes old work on the same. This looks at the whole store,
 * which takes as long as listing it: it is for a timer.
 */
#ifndef MT_TRANSCODE_SWEEP_H
#define MT_TRANSCODE_SWEEP_H

#include "db/db.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct mt_transcode_swept {
    int64_t works;   /* that were removed */
    int64_t objects; /* in them */
};

/*
 * Removes work of which no object and no row is younger than a week, and whose asset has no
 * unfinished job that transcodes. What a process of this machine has locked stays too. If somebody
 * begins the same work again at that very moment, what is lost of it is made again
 * (mt_ledger_gather()). dry_run: only counts. What cannot be removed is a warning.
 */
int mt_transcode_sweep(struct mt_db *db, struct mt_store *store, bool dry_run,
                       struct mt_transcode_swept *swept, struct mt_err *err) MT_MUST_USE;

#endif
