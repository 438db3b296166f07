/* SPDX-License-Identifier: GPL-2.0-or-later */
/* journal.c - see journal.h. */
#include "catalog/journal.h"

#include "base/clock.h"
#include "catalog/owner.h"

int mt_event_add(struct mt_db *db, const char *type, const char *asset, const char *job,
                 const json_t *payload, struct mt_err *err)
{
    char id[MT_UUID_TEXT];
    char now[MT_TIME_TEXT];

    return mt_db_exec(db, NULL, err,
                      "INSERT INTO events (id, type, asset_id, job_id, payload, created_at)"
                      " VALUES ($1, $2, $3, $4, $5, $6)",
                      "ssssjs", mt_uuid(id), type, asset, job, payload,
                      mt_time_text(mt_now_us(), now));
}

int mt_audit_add(struct mt_db *db, const char *actor, const char *action, const char *object_type,
                 const char *object_id, const json_t *details, struct mt_err *err)
{
    char self[MT_OWNER_TEXT];
    char now[MT_TIME_TEXT];

    return mt_db_exec(db, NULL, err,
                      "INSERT INTO audit_log (at, actor, action, object_type, object_id, details)"
                      " VALUES ($1, $2, $3, $4, $5, $6)",
                      "sssssj", mt_time_text(mt_now_us(), now), actor ? actor : mt_owner_self(self),
                      action, object_type, object_id, details);
}
