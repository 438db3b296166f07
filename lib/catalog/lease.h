/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lease.h - what a program may write that works for a job of the queue.
 *
 * Its supervisor has a lease on the job, and gave it the job's id and the token.
 * Every writing transaction first makes sure that the lease is still in force,
 * and keeps it so until it ends: a process that was frozen and wakes up after
 * somebody else has been given the job can write nothing any more. Objects of
 * the store go in place within such a transaction, so that it cannot replace
 * theirs either. Rows that announce work name the lease behind their owner
 * ("...#JOB:TOKEN"), so that others see at once when it is over.
 */
#ifndef MT_CATALOG_LEASE_H
#define MT_CATALOG_LEASE_H

#include "base/clock.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

struct mt_lease {
    char job[MT_UUID_TEXT];
    int64_t token;
};

/*
 * Puts all further writing of the connection under the lease. job and token as in
 * the environment; lease has to outlive db. MT_ERR_USAGE if they are none; MT_ERR_LEASE if it is
 * over already.
 */
int mt_lease_attach(struct mt_lease *lease, struct mt_db *db, const char *job, const char *token,
                    struct mt_err *err) MT_MUST_USE;

/* Whether the connection writes under a lease. */
bool mt_lease_is_attached(const struct mt_db *db);

/* This process (mt_owner_self()), with its lease if there is one. Returns out. */
char *mt_lease_owner(const struct mt_db *db, char *out);

/* Whether the owner named a lease that is over; without a lease in it: no. */
int mt_lease_is_void(struct mt_db *db, const char *owner, bool *is_void,
                     struct mt_err *err) MT_MUST_USE;

#endif
