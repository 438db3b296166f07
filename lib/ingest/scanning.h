/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scanning.h - the scan of one file, beside everything else that is done with it.
 *
 * It runs in a thread of its own from the moment the file is open; whoever
 * wants to publish waits for it.
 */
#ifndef MT_INGEST_SCANNING_H
#define MT_INGEST_SCANNING_H

#include "scan/scan.h"

struct mt_scanning;

/* All is lent until the end or the abort, and the scanner is taken up as long. */
int mt_scanning_start(struct mt_scanning **out, struct mt_scanner *scanner, int fd, int64_t size,
                      const char *name, int64_t wall_us, struct mt_err *err) MT_MUST_USE;

/* Whether it ends within the time. Asks every 100 ms whether a signal wants an end; then no. */
bool mt_scanning_await(struct mt_scanning *scanning, int64_t wait_us);

/* Waits and fills in result; *scanning becomes NULL. MT_ERR_CANCELLED after a signal. */
int mt_scanning_end(struct mt_scanning **scanning, struct mt_scan_result *result,
                    struct mt_err *err) MT_MUST_USE;

/* Cancels it and waits; *scanning becomes NULL. Nothing if it is NULL already. */
void mt_scanning_abort(struct mt_scanning **scanning);

#endif
