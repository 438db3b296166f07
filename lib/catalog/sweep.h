/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sweep.h - what dead processes left behind. */
#ifndef MT_CATALOG_SWEEP_H
#define MT_CATALOG_SWEEP_H

#include "db/db.h"
#include "store/store.h"

struct mt_swept {
    int64_t assets;   /* intents removed with their objects */
    int64_t variants; /* likewise */
    int64_t jobs;     /* made "failed" (worker_crashed) */
};

/*
 * Removes the intents of processes that have died on this machine, and of
 * others that have not been heard of for 24 hours, with their objects; their
 * jobs without lease become failed ones. What a living process works on is
 * never touched, however many sweep at once: each piece is taken over before
 * it is removed. An object that cannot be removed is a warning, and stays for
 * the next sweep. Programs that write call it at their start; it is quick
 * when there is nothing to do.
 */
int mt_sweep(struct mt_db *db, struct mt_store *store, struct mt_swept *swept,
             struct mt_err *err) MT_MUST_USE;

#endif
