/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal.h - what happened, for those who are told and those who ask later.
 *
 * Both are rows of the transaction that changes the state they speak of: call
 * them between mt_db_begin() and mt_db_commit().
 */
#ifndef MT_CATALOG_JOURNAL_H
#define MT_CATALOG_JOURNAL_H

#include "db/db.h"

/*
 * An event into the outbox, for media-notify to deliver. type: "asset.completed",
 * "job.failed" ...; asset, job and payload (lent) may be NULL.
 */
int mt_event_add(struct mt_db *db, const char *type, const char *asset, const char *job,
                 const json_t *payload, struct mt_err *err) MT_MUST_USE;

/*
 * A line into the audit log: actor (a user's id; NULL is this process) did
 * action to the object. details (lent) may be NULL.
 */
int mt_audit_add(struct mt_db *db, const char *actor, const char *action, const char *object_type,
                 const char *object_id, const json_t *details, struct mt_err *err) MT_MUST_USE;

#endif
