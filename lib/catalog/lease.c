/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease.c - see lease.h. */
#include "catalog/lease.h"

#include "base/text.h"
#include "catalog/owner.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

/* In PostgreSQL the row is locked as well: the lease cannot be given away before we have ended. */
static json_t *find(struct mt_db *db, const struct mt_lease *lease, bool lock, struct mt_err *err)
{
    static const char plain[] = "SELECT worker FROM processing_jobs WHERE id = $1"
                                " AND lease_token = $2 AND status = 'processing'"
                                " AND lease_until IS NOT NULL";
    static const char locking[] = "SELECT worker FROM processing_jobs WHERE id = $1"
                                  " AND lease_token = $2 AND status = 'processing'"
                                  " AND lease_until IS NOT NULL FOR SHARE";

    lock = lock && mt_db_dialect(db) == MT_DB_POSTGRESQL;
    return mt_db_row(db, err, lock ? locking : plain, "si", lease->job, lease->token);
}

/* The fence: at the beginning of each writing transaction. */
static int check(struct mt_db *db, void *ctx, struct mt_err *err)
{
    const struct mt_lease *lease = ctx;
    json_t *row = find(db, lease, true, err);

    if (!row && err->code == MT_ERR_NOT_FOUND)
        mt_fail(err, MT_ERR_LEASE, "the lease on job '%s' (token %lld) is over", lease->job,
                (long long)lease->token);
    json_decref(row);
    return row ? 0 : -1;
}

int mt_lease_attach(struct mt_lease *lease, struct mt_db *db, const char *job, const char *token,
                    struct mt_err *err)
{
    *lease = (struct mt_lease){.token = 0};
    if (!mt_uuid_valid(job)) {
        mt_fail(err, MT_ERR_USAGE, "MEDIA_JOB is no id of a job: '%.60s'", job);
        return mt_hint(err, "media-queue sets it for the handlers of jobs; otherwise unset it");
    }
    if (!token) {
        mt_fail(err, MT_ERR_USAGE, "MEDIA_JOB is set, and MEDIA_LEASE_TOKEN is not");
        return mt_hint(err, "media-queue sets both for the handlers of jobs; otherwise unset them");
    }
    if (mt_parse_int("MEDIA_LEASE_TOKEN", token, 1, INT64_MAX, &lease->token, err) < 0)
        return -1;
    snprintf(lease->job, sizeof lease->job, "%s", job);
    mt_str_lower(lease->job);
    mt_db_set_fence(db, check, lease);
    return check(db, lease, err);
}

bool mt_lease_is_attached(const struct mt_db *db)
{
    return mt_db_fence(db) != NULL;
}

char *mt_lease_owner(const struct mt_db *db, char *out)
{
    const struct mt_lease *lease = mt_db_fence(db);

    mt_owner_self(out);
    if (lease) {
        size_t n = strlen(out);
        snprintf(out + n, MT_OWNER_TEXT - n, "#%s:%lld", lease->job, (long long)lease->token);
    }
    return out;
}

int mt_lease_is_void(struct mt_db *db, const char *owner, bool *is_void, struct mt_err *err)
{
    const char *mark = owner ? strchr(owner, '#') : NULL;
    struct mt_lease lease = {.token = 0};
    long long token = 0;

    *is_void = false;
    if (!mark || sscanf(mark, "#%36[0-9a-f-]:%lld", lease.job, &token) != 2)
        return 0;
    lease.token = token;
    json_t *row = find(db, &lease, false, err);
    if (!row && err->code != MT_ERR_NOT_FOUND)
        return -1;
    *is_void = row == NULL;
    json_decref(row);
    return 0;
}
