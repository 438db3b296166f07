/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upload_progress.c - how far an upload is, for whoever may know it. */
#include "api/upload.h"

#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

static json_t *number(int64_t n)
{
    return n >= 0 ? json_integer(n) : json_null();
}

/* Of 100, when it can be known. */
static json_t *percent(const struct mt_upload_info *info)
{
    if (info->length < 0)
        return json_null();
    return json_integer(info->length == 0
                            ? 100
                            : (json_int_t)((double)info->offset * 100.0 / (double)info->length));
}

static json_t *describe(const struct mt_upload_info *info)
{
    char *status_url =
        info->job_id ? mt_asprintf(MT_API_BASE "/job/%s/status", info->job_id) : NULL;
    char until[MT_TIME_TEXT];
    /* A part that was joined is complete for all that its uploader knows. */
    const char *status = strcmp(info->status, "joined") == 0 ? "completed" : info->status;
    json_t *body = json_pack("{s:s, s:s, s:o, s:o, s:o}", "upload_id", info->id, "status", status,
                             "progress", percent(info), "bytes_received", number(info->offset),
                             "bytes_total", number(info->length));

    json_object_set_new(body, "filename",
                        mt_json_text(mt_json_str(info->row, "original_filename", NULL)));
    json_object_set_new(body, "job_id", mt_json_text(info->job_id));
    json_object_set_new(body, "status_url", mt_json_text(status_url));
    json_object_set_new(body, "asset_id", mt_json_text(info->asset_id));
    json_object_set(body, "created_at", json_object_get(info->row, "created_at"));
    json_object_set_new(
        body, "expires_at",
        mt_json_text(info->expires_us ? mt_time_text(info->expires_us, until) : NULL));
    json_object_set_new(body, "error",
                        info->error ? json_incref((json_t *)info->error) : json_null());
    free(status_url);
    return body;
}

int mt_up_progress(struct mt_up *u, const char *id, struct mt_err *err)
{
    struct mt_http *x = u->call->x;
    struct mt_upload_info info = {0};
    struct mt_db *db = mt_api_db(u->call, err);
    int ret;

    if (!db || mt_upload_look(u->area, db, &u->user, id, &info, err) < 0)
        return -1;
    if (strcmp(info.status, "cancelled") == 0 || strcmp(info.status, "expired") == 0)
        ret = mt_http_problem(x, "gone", NULL, err, "the upload has been removed, or expired");
    else {
        mt_http_replace(x, "Cache-Control", "no-store");
        ret = mt_http_json(x, 200, describe(&info), err);
    }
    mt_upload_info_free(&info);
    return ret;
}
