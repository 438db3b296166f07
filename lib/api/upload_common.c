/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upload_common.c - what all ways to upload have in common. */
#include "api/upload.h"

#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What ingest looks at in a second, for the estimate; and what it takes besides. */
enum { BYTES_A_SECOND = 20000000, SECONDS_BESIDES = 5 };

static const int64_t spare_bytes = INT64_C(64) << 20;

_Static_assert((int)MT_UPLOAD_LATER == (int)MT_HTTP_WAIT, "a source and a body wait alike");

int mt_up_begin(struct mt_up *u, struct mt_api_call *call, struct mt_err *err)
{
    const struct mt_api_settings *set = mt_api_settings(call->api);
    struct mt_upload_rules rules = {
        .dir = set->uploads,
        .max_bytes = set->max_file_size,
        .max_age_us = set->upload_max_age_us,
        .user_bytes = set->upload_user_bytes,
        .user_files = set->upload_user_files,
        .spare_bytes = spare_bytes,
    };

    memset(u, 0, sizeof *u);
    u->call = call;
    u->user.id = call->user;
    u->user.all = (call->may & MT_MAY_ALL_ASSETS) != 0;
    return mt_uploads_open(&u->area, &rules, err);
}

void mt_up_end(struct mt_up *u)
{
    mt_uploads_close(&u->area);
}

json_t *mt_up_remember(const struct mt_up *u, const char *protocol)
{
    bool open = mt_api_settings(u->call->api)->open;

    return json_pack("{s:s, s:I}", "protocol", protocol, "until_us",
                     (json_int_t)(open ? INT64_MAX : u->call->claims.expires_us));
}

/* Of tus alone a whole upload is one that is to be handed on. */
bool mt_up_may_finish(void *ctx, const json_t *remember, int64_t ended_us)
{
    (void)ctx;
    return strcmp(mt_json_str(remember, "protocol", ""), "tus") == 0 &&
           ended_us < mt_json_int(remember, "until_us", 0);
}

static ssize_t read_body(void *ctx, void *data, size_t n, int wait_ms, struct mt_err *err)
{
    return mt_http_read(ctx, data, n, wait_ms, err);
}

struct mt_upload_source mt_up_body(struct mt_up *u)
{
    return (struct mt_upload_source){.read = read_body, .ctx = u->call->x};
}

static bool is_gone(const struct mt_upload_info *info)
{
    return strcmp(info->status, "cancelled") == 0 || strcmp(info->status, "expired") == 0 ||
           info->offset < 0;
}

static bool is_open(const struct mt_upload_info *info)
{
    return strcmp(info->status, "uploading") == 0 && info->offset >= 0;
}

int mt_up_open(struct mt_up *u, const char *id, struct mt_upload **up, struct mt_upload_info *info,
               bool *gone, struct mt_err *err)
{
    struct mt_db *db = mt_api_db(u->call, err);

    *up = NULL;
    *gone = false;
    if (!db || mt_upload_look(u->area, db, &u->user, id, info, err) < 0)
        return -1;
    if (is_open(info)) {
        mt_upload_info_free(info);
        if (mt_upload_take(up, u->area, db, &u->user, id, info, err) < 0 &&
            (err->code != MT_ERR_NOT_FOUND ||
             mt_upload_look(u->area, db, &u->user, id, info, err) < 0))
            return -1; /* or it has ended meanwhile */
    }
    if (*up && !is_open(info))
        mt_upload_release(up);
    if (!is_gone(info))
        return 0;
    *gone = true;
    mt_upload_release(up);
    return mt_http_problem(u->call->x, "gone", NULL, err,
                           "the upload has been removed, or expired");
}

int mt_up_append(struct mt_up *u, struct mt_upload *up, const struct mt_upload_checksum *want,
                 struct mt_err *err)
{
    struct mt_upload_source source = mt_up_body(u);

    mt_api_db_release(u->call);
    return mt_upload_append(up, &source, want, err);
}

static int still_allowed(void *ctx, struct mt_err *err)
{
    return mt_api_recheck(ctx, err);
}

int mt_up_note(struct mt_up *u, const char *action, const char *id, struct mt_err *err)
{
    struct mt_db *db = mt_api_db(u->call, err);

    return db ? mt_api_audit(u->call, db, action, "upload", id, NULL, err) : -1;
}

int mt_up_finish(struct mt_up *u, struct mt_upload *up, bool *denied, struct mt_err *err)
{
    struct mt_upload_done done;
    struct mt_db *db = mt_api_db(u->call, err);

    *denied = false;
    if (!db)
        return -1;
    if (mt_upload_finish(up, db, still_allowed, u->call, &done, err) < 0) {
        *denied = err->code == MT_ERR_POLICY;
        return -1;
    }
    return 0;
}

int mt_up_refuse(struct mt_up *u, bool denied, struct mt_err *err)
{
    struct mt_http *x = u->call->x;
    struct mt_err said = *err;
    json_t *more = said.hint[0] ? json_pack("{s:s}", "hint", said.hint) : NULL;

    if (denied)
        return mt_http_problem(x, "unauthorized", more, err, "%s", said.msg);
    if (said.code == MT_ERR_LIMIT)
        return mt_http_problem(x, "too-many-requests", more, err, "%s", said.msg);
    if (said.code == MT_ERR_NO_SPACE)
        return mt_http_problem(x, "no-space", more, err, "%s", said.msg);
    if (said.code == MT_ERR_LOCKED) { /* pushed aside by a newer request, or unable to do that */
        mt_http_replace(x, "Retry-After", "1");
        return mt_http_problem(x, "unavailable", more, err, "%s", said.msg);
    }
    if (mt_db_is_conflict(&said))
        return mt_http_problem(x, "conflict", more, err, "an upload of that id is there already");
    json_decref(more);
    return -1;
}

int mt_up_accepted(struct mt_up *u, const char *id, int64_t bytes, struct mt_err *err)
{
    char when[MT_TIME_TEXT];
    char *progress = mt_asprintf(MT_API_BASE "/upload/%s/progress", id);
    int64_t seconds = SECONDS_BESIDES + bytes / BYTES_A_SECOND;

    mt_time_text(mt_now_us() + seconds * 1000000, when);
    strcpy(when + strlen("2024-01-15T14:30:00"), "Z");
    json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "upload_id", id, "status", "uploading",
                             "progress_url", progress, "estimated_completion", when);
    free(progress);
    return mt_api_answer(u->call, 202, body, err);
}
