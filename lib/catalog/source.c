/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source.c - see source.h. */
#include "catalog/source.h"

#include "catalog/owner.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

enum { SETTLED_NS = 2000000000 };

static int64_t ns(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Host name and machine id: what an owner begins with. */
static void this_machine(char out[MT_OWNER_TEXT])
{
    char *slash;

    mt_owner_self(out);
    slash = strchr(out, '/');
    slash = slash ? strchr(slash + 1, '/') : NULL;
    if (slash)
        *slash = '\0';
}

int mt_source_find(struct mt_db *db, const struct stat *file, const char *uploaded_by,
                   char asset[MT_UUID_TEXT], struct mt_err *err)
{
    char machine[MT_OWNER_TEXT];

    this_machine(machine);
    json_t *row =
        mt_db_row(db, err,
                  "SELECT a.id FROM sources s JOIN media_assets a ON a.id = s.media_asset_id"
                  " WHERE s.machine = $1 AND s.device = $2 AND s.inode = $3 AND s.uploaded_by = $4"
                  " AND s.size = $5 AND s.mtime_ns = $6 AND s.ctime_ns = $7"
                  " AND a.file_size = s.size AND a.upload_status IN ('completed', 'held')",
                  "siisiii", machine, (int64_t)file->st_dev, (int64_t)file->st_ino,
                  uploaded_by ? uploaded_by : "", (int64_t)file->st_size, ns(file->st_mtim),
                  ns(file->st_ctim));
    if (!row)
        return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
    snprintf(asset, MT_UUID_TEXT, "%s", mt_json_str(row, "id", ""));
    json_decref(row);
    return 1;
}

int mt_source_remember(struct mt_db *db, const struct stat *file, int64_t read_us,
                       const char *uploaded_by, const char *asset, struct mt_err *err)
{
    char machine[MT_OWNER_TEXT];
    char now[MT_TIME_TEXT];
    int64_t changed = ns(file->st_ctim) > ns(file->st_mtim) ? ns(file->st_ctim) : ns(file->st_mtim);

    if (read_us * 1000 - changed < SETTLED_NS)
        return 0;
    this_machine(machine);
    return mt_db_exec(
        db, NULL, err,
        "INSERT INTO sources (machine, device, inode, uploaded_by, size, mtime_ns, ctime_ns,"
        " media_asset_id, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (machine, device, inode, uploaded_by) DO UPDATE SET size = excluded.size,"
        " mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns,"
        " media_asset_id = excluded.media_asset_id, seen_at = excluded.seen_at",
        "siisiiiss", machine, (int64_t)file->st_dev, (int64_t)file->st_ino,
        uploaded_by ? uploaded_by : "", (int64_t)file->st_size, ns(file->st_mtim),
        ns(file->st_ctim), asset, mt_time_text(mt_now_us(), now));
}
