/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hold.c - see hold.h. */
#include "catalog/hold.h"

#include "base/clock.h"
#include "base/text.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

/* The row of before is the row of now, if it is still open. */
static int open_review(struct mt_db *db, const char *asset, const char *reason, const char *note,
                       struct mt_err *err)
{
    char id[MT_UUID_TEXT], now[MT_TIME_TEXT];
    int64_t changed = 0;

    if (mt_db_exec(db, &changed, err,
                   "UPDATE reviews SET reason = $2, note = $3 WHERE media_asset_id = $1"
                   " AND status = 'pending' AND reason IN ('scan', 'policy')",
                   "sss", asset, reason, note) < 0)
        return -1;
    if (changed > 0)
        return 0;
    return mt_db_exec(db, NULL, err,
                      "INSERT INTO reviews (id, media_asset_id, reason, note, created_at)"
                      " VALUES ($1, $2, $3, $4, $5)",
                      "sssss", mt_uuid(id), asset, reason, note, mt_time_text(mt_now_us(), now));
}

int mt_hold_record(struct mt_db *db, const char *asset, const char *status, const json_t *scan,
                   const json_t *policy, const char *reviewer, struct mt_err *err)
{
    const char *verdict = mt_json_str(scan, "verdict", "skipped");
    char note[300], now[MT_TIME_TEXT];

    if (strcmp(status, "held") != 0)
        return mt_db_exec(db, NULL, err,
                          "UPDATE reviews SET status = $2, decided_at = $3,"
                          " reviewer = (SELECT id FROM users WHERE id = $4)"
                          " WHERE media_asset_id = $1 AND status = 'pending'"
                          " AND reason IN ('scan', 'policy')",
                          "ssss", asset, strcmp(status, "rejected") == 0 ? "rejected" : "approved",
                          mt_time_text(mt_now_us(), now), reviewer);
    if (policy)
        return open_review(db, asset, "policy", mt_json_str(policy, "reason", NULL), err);
    snprintf(note, sizeof note, "%s: %.250s", verdict,
             mt_json_str(scan, "reason", "there was no scanner"));
    return open_review(db, asset, "scan", note, err);
}
