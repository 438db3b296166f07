/* SPDX-License-Identifier: GPL-2.0-or-later */
/* near.c - what somebody may have meant by an id that there is not. */
#include "status/internal.h"

#include "base/clock.h"
#include "base/text.h"
#include "catalog/asset.h"
#include "catalog/job.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { RECENT = 1000, ENOUGH = 3, SURE = 8, LEAST = 4, EDITS = 2 };

static json_t *get(struct mt_db *db, enum mt_status_kind kind, const char *id, struct mt_err *err)
{
    return kind == MT_STATUS_JOB ? mt_job_get(db, id, err) : mt_asset_get(db, id, err);
}

/* Whether it is the id of the other kind. */
static bool is_other(struct mt_db *db, enum mt_status_kind kind, const char *text,
                     struct mt_err *err)
{
    enum mt_status_kind other = kind == MT_STATUS_JOB ? MT_STATUS_ASSET : MT_STATUS_JOB;
    const char *name = other == MT_STATUS_JOB ? "job" : "asset";
    struct mt_err ignored;
    json_t *row = get(db, other, text, &ignored);

    if (row)
        mt_hint(err, "that is %s %s: media-status %s %s", other == MT_STATUS_JOB ? "a" : "an", name,
                name, text);
    json_decref(row);
    return row != NULL;
}

/* The first n characters of text made a whole id with the digit; false if they begin none. */
static bool pad(const char *text, int n, char digit, char id[MT_UUID_TEXT])
{
    for (int i = 0; i < MT_UUID_TEXT - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        id[i] = i < n ? text[i] : dash ? '-' : digit;
    }
    id[MT_UUID_TEXT - 1] = '\0';
    return mt_uuid_valid(id);
}

/* The ids that share the longest beginning with text, and at least so many characters. */
static json_t *same_beginning(struct mt_db *db, enum mt_status_kind kind, const char *text,
                              int least)
{
    static const char jobs[] = "SELECT id FROM processing_jobs WHERE id >= $1 AND id <= $2"
                               " ORDER BY id LIMIT 3";
    static const char assets[] = "SELECT id FROM media_assets WHERE id >= $1 AND id <= $2"
                                 " ORDER BY id LIMIT 3";
    struct mt_err ignored;
    json_t *rows = NULL;

    for (int n = (int)strlen(text) - 1; n >= least && json_array_size(rows) == 0; n--) {
        char from[MT_UUID_TEXT];
        char to[MT_UUID_TEXT];
        if (!pad(text, n, '0', from) || !pad(text, n, 'f', to))
            continue;
        json_decref(rows);
        rows = mt_db_rows(db, &ignored, kind == MT_STATUS_JOB ? jobs : assets, "ss", from, to);
    }
    return rows;
}

/* The newest ids, among which typing errors are looked for. */
static json_t *recent(struct mt_db *db, enum mt_status_kind kind)
{
    static const char jobs[] = "SELECT id FROM processing_jobs"
                               " ORDER BY created_at DESC, id DESC LIMIT $1";
    static const char assets[] = "SELECT id FROM media_assets"
                                 " ORDER BY created_at DESC, id DESC LIMIT $1";
    struct mt_err ignored;

    return mt_db_rows(db, &ignored, kind == MT_STATUS_JOB ? jobs : assets, "i", (int64_t)RECENT);
}

static bool is_near(const char *id, const char *text)
{
    char beginning[64];

    snprintf(beginning, sizeof beginning, "%.*s", (int)strlen(text), id);
    return mt_text_distance(beginning, text) <= EDITS;
}

/* Writes the ids of rows (all, or those near text) into list until there are enough; how many. */
static int collect(char list[], size_t size, const json_t *rows, const char *near)
{
    size_t used = 0;
    int n = 0;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        const char *id = mt_json_str(row, "id", "");
        if (n < ENOUGH && (!near || is_near(id, near)))
            used += (size_t)snprintf(list + used, size - used, "%s%.36s", n++ ? ", " : "", id);
    }
    return n;
}

/* The jobs that may be meant, else the assets. */
static void near_any(struct mt_db *db, const char *text, struct mt_err *err)
{
    struct mt_err other = *err;

    mt_status_near(db, MT_STATUS_JOB, text, err);
    mt_status_near(db, MT_STATUS_ASSET, text, &other);
    if (mt_str_starts(other.hint, "there is") && !mt_str_starts(err->hint, "there is"))
        mt_hint(err, "%s", other.hint);
}

void mt_status_near(struct mt_db *db, enum mt_status_kind kind, const char *text,
                    struct mt_err *err)
{
    char wanted[40];
    char list[160] = "";

    /* With a hint it is no id at all, or an ambiguous one. */
    if (err->hint[0])
        return;
    if (kind == MT_STATUS_ANY) {
        near_any(db, text, err);
        return;
    }
    if (is_other(db, kind, text, err))
        return;
    snprintf(wanted, sizeof wanted, "%s", text);
    mt_str_lower(wanted);
    json_t *rows = same_beginning(db, kind, wanted, SURE);
    int n = collect(list, sizeof list, rows, NULL);
    json_decref(rows);
    if (n == 0 && strlen(wanted) > (size_t)2 * EDITS) {
        rows = recent(db, kind);
        n = collect(list, sizeof list, rows, wanted);
        json_decref(rows);
    }
    if (n == 0) {
        rows = same_beginning(db, kind, wanted, LEAST);
        n = collect(list, sizeof list, rows, NULL);
        json_decref(rows);
    }
    if (n > 0)
        mt_hint(err, "there is %s", list);
    else
        mt_hint(err, "media-status %s lists them", kind == MT_STATUS_JOB ? "jobs" : "assets");
}
