/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * review.h - assets that are there already, looked at anew.
 *
 * A verdict and a policy are of their time. So an asset that comes by again, as a
 * file that is known, as a duplicate or by its id, is judged by what holds now: one
 * that was skipped or not scanned completely is scanned if there is a scanner, and the policies are
 * asked again. What changes is recorded and undone by nothing but another
 * judgement. Two things stand whatever the policies say: what a person has decided,
 * and that it is infected.
 */
#ifndef MT_INGEST_REVIEW_H
#define MT_INGEST_REVIEW_H

#include "ingest/internal.h"

/*
 * Main thread. Makes e the entry of an asset, whose row is taken (a new reference), and
 * decides what can be decided without reading it. 1 if a worker is to scan it first.
 * scans: whether there is a scanner. Failures are the entry's.
 */
int mt_review_begin(struct mt_entry *e, json_t *row, bool scans);

/* A worker's part: scans the stored object, and judges. */
int mt_review_scan(struct mt_entry *e, const struct mt_hands *hands,
                   struct mt_err *err) MT_MUST_USE;

/*
 * For a file whose bytes an asset has, once it was scanned and judged itself: what that means
 * for the asset, whose row is taken. Fails the entry if the asset was rejected for good.
 */
void mt_review_duplicate(struct mt_entry *e, json_t *row);

/* Within a transaction: records what was decided, if anything was. */
int mt_review_record(struct mt_entry *e, struct mt_err *err) MT_MUST_USE;

#endif
