/* SPDX-License-Identifier: GPL-2.0-or-later */
/* whole.c - uploads whose bytes are all there, and which nobody has handed on. */
#include "upload/internal.h"

#include "base/file.h"
#include "base/log.h"
#include "json/json.h"

#include <sys/stat.h>

enum { BATCH = 500 };

static const struct mt_upload_user anybody = {.all = true};

/* Whether all is there since a while, and nobody writes; *ended_us: since when. */
static bool is_lonely(struct mt_uploads *area, const char *id, int64_t length, int64_t *ended_us)
{
    struct mt_err ignored;
    struct stat st;
    int fd = mt_upload_open_held(area, id, 0, &ignored);
    bool whole = fd >= 0 && fstat(fd, &st) == 0 && st.st_size == length;

    mt_fd_close(&fd);
    if (!whole)
        return false;
    *ended_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
    return *ended_us + MT_UPLOAD_LONELY_S * INT64_C(1000000) < mt_now_us();
}

static int hand_on(struct mt_uploads *area, struct mt_db *db, const char *id, struct mt_err *err)
{
    struct mt_upload *up = NULL;
    struct mt_upload_done done;

    if (mt_upload_take(&up, area, db, &anybody, id, NULL, err) < 0)
        return -1;
    int ret = mt_upload_finish(up, db, NULL, NULL, &done, err);
    mt_upload_release(&up);
    return ret;
}

int mt_upload_sweep_whole(struct mt_uploads *area, struct mt_db *db,
                          bool (*may)(void *ctx, const json_t *remember, int64_t ended_us),
                          void *ctx, int64_t *handed_on, struct mt_err *err)
{
    json_t *rows = mt_db_rows(db, err,
                              "SELECT id, upload_length, storage FROM uploads"
                              " WHERE status = 'uploading' AND upload_length IS NOT NULL"
                              " AND COALESCE(concat, '') <> 'partial' ORDER BY updated_at LIMIT $1",
                              "i", (int64_t)BATCH);
    size_t i;
    json_t *row;

    *handed_on = 0;
    json_array_foreach(rows, i, row)
    {
        const char *id = mt_json_str(row, "id", "");
        int64_t ended_us;
        struct mt_err failure;
        if (!is_lonely(area, id, mt_json_int(row, "upload_length", -1), &ended_us) ||
            !may(ctx, mt_json_at(row, "storage"), ended_us))
            continue;
        if (hand_on(area, db, id, &failure) == 0)
            ++*handed_on;
        else
            mt_log(MT_LOG_WARN, "the upload '%s' is not handed on: %s", id, failure.msg);
    }
    json_decref(rows);
    return rows ? 0 : -1;
}
