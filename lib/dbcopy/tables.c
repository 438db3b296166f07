/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tables.c - what there is to copy. */
#include "dbcopy/internal.h"

#include "json/json.h"

#include <string.h>

const struct mt_dbcopy_table mt_dbcopy_tables[] = {
    {"users", {"id"}, NULL, NULL},
    {"media_assets", {"id"}, NULL, NULL},
    {"media_variants", {"id"}, NULL, NULL},
    {"processing_jobs", {"id"}, "parent_id", NULL},
    {"job_attempts", {"job_id", "lease_token"}, NULL, NULL},
    {"job_dependencies", {"job_id", "depends_on"}, NULL, NULL},
    {"queue_limits", {"job_type"}, NULL, NULL},
    {"workers", {"id"}, NULL, NULL},
    {"shared_state", {"name"}, NULL, NULL},
    {"segments", {"id"}, NULL, NULL},
    {"content_analysis", {"id"}, NULL, NULL},
    {"uploads", {"id"}, NULL, NULL},
    {"idempotency_keys", {"user_key", "key"}, NULL, NULL},
    {"events", {"seq"}, NULL, "seq"},
    {"event_deliveries", {"sink", "seq"}, NULL, NULL},
    {"audit_log", {"seq"}, NULL, "seq"},
    {"reviews", {"id"}, NULL, NULL},
    {"consents", {"id"}, NULL, NULL},
    {"retention", {"id"}, NULL, NULL},
    {"sources", {"machine", "device", "inode", "uploaded_by"}, NULL, NULL},
    {NULL, {NULL}, NULL, NULL},
};

const struct mt_dbcopy_totals mt_dbcopy_totals[] = {
    {"job_totals", "job_type, status, outcome, code, le_s", "n, took_ms, media_ms",
     "SELECT job_type, status, outcome, code, le_s, SUM(n) AS n, SUM(took_ms) AS took_ms,"
     " SUM(media_ms) AS media_ms FROM job_totals GROUP BY job_type, status, outcome, code, le_s"},
    {"stored_totals", "kind, type, status, class", "n, bytes",
     "SELECT kind, type, status, class, SUM(n) AS n, SUM(bytes) AS bytes FROM stored_totals"
     " GROUP BY kind, type, status, class HAVING SUM(n) <> 0 OR SUM(bytes) <> 0"},
    {NULL, NULL, NULL, NULL},
};

static bool is_known(const char *name)
{
    for (int i = 0; mt_dbcopy_tables[i].name; i++)
        if (strcmp(mt_dbcopy_tables[i].name, name) == 0)
            return true;
    for (int i = 0; mt_dbcopy_totals[i].name; i++)
        if (strcmp(mt_dbcopy_totals[i].name, name) == 0)
            return true;
    return strcmp(name, "schema_version") == 0 || strncmp(name, "sqlite_", 7) == 0;
}

int mt_dbcopy_check_tables(struct mt_db *db, struct mt_err *err)
{
    json_t *rows =
        mt_db_rows(db, err,
                   mt_db_dialect(db) == MT_DB_SQLITE
                       ? "SELECT name FROM sqlite_schema WHERE type = 'table'"
                       : "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p')"
                         " AND relnamespace = (SELECT relnamespace FROM pg_class"
                         " WHERE oid = to_regclass('media_assets'))",
                   "");
    int ret = rows ? 0 : -1;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        const char *name = mt_json_str(row, "name", "");
        if (ret == 0 && !is_known(name))
            ret = mt_fail(err, MT_ERR_BUG, "table '%s' of '%s' would not be copied", name,
                          mt_db_name(db));
    }
    json_decref(rows);
    return ret;
}
