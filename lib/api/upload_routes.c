/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upload_routes.c - which request is in which protocol. */
#include "api/upload.h"

#include "base/log.h"
#include "base/text.h"
#include "json/json.h"

#include <string.h>

/* Runs a protocol's answer within its surroundings. */
static int with(struct mt_api_call *call, int (*answer)(struct mt_up *u, struct mt_err *err),
                struct mt_err *err)
{
    struct mt_up u;
    int ret = -1;

    if (mt_up_begin(&u, call, err) == 0)
        ret = answer(&u, err);
    mt_up_end(&u);
    return ret;
}

/* The draft's requests say so, all others are of tus; they have to say so too. */
static bool is_draft(const struct mt_api_call *call)
{
    return !mt_http_header(call->x, "Tus-Resumable") &&
           (mt_http_header(call->x, "Upload-Complete") ||
            mt_http_header(call->x, "Upload-Draft-Interop-Version"));
}

static int answer_create(struct mt_up *u, struct mt_err *err)
{
    if (is_draft(u->call))
        return mt_draft_create(u, err);
    return mt_tus_speaks(u, err) ? mt_tus_create(u, err) : 0;
}

static int answer_patch(struct mt_up *u, struct mt_err *err)
{
    if (is_draft(u->call))
        return mt_draft_patch(u, u->call->args[0], err);
    return mt_tus_speaks(u, err) ? mt_tus_patch(u, u->call->args[0], err) : 0;
}

static int answer_head(struct mt_up *u, struct mt_err *err)
{
    if (!mt_http_header(u->call->x, "Tus-Resumable"))
        return mt_draft_head(u, u->call->args[0], err);
    return mt_tus_speaks(u, err) ? mt_tus_head(u, u->call->args[0], err) : 0;
}

/* GET is for people and pages; a client of the draft may use it instead of HEAD. */
static int answer_get(struct mt_up *u, struct mt_err *err)
{
    return is_draft(u->call) ? mt_draft_head(u, u->call->args[0], err)
                             : mt_up_progress(u, u->call->args[0], err);
}

static int answer_progress(struct mt_up *u, struct mt_err *err)
{
    return mt_up_progress(u, u->call->args[0], err);
}

/* What was removed once is gone for good. */
static int answer_remove(struct mt_up *u, struct mt_err *err)
{
    struct mt_upload_info info;
    const char *id = u->call->args[0];
    struct mt_db *db = mt_api_db(u->call, err);

    if (mt_http_header(u->call->x, "Tus-Resumable") && !mt_tus_speaks(u, err))
        return 0;
    if (!db || mt_upload_look(u->area, db, &u->user, id, &info, err) < 0)
        return -1;
    bool gone = strcmp(info.status, "cancelled") == 0 || strcmp(info.status, "expired") == 0;
    mt_upload_info_free(&info);
    if (gone)
        return mt_http_problem(u->call->x, "gone", NULL, err,
                               "the upload has been removed, or expired");
    if (mt_upload_remove(u->area, db, &u->user, id, err) < 0 ||
        mt_up_note(u, "upload.remove", id, err) < 0)
        return -1;
    return mt_http_send(u->call->x, 204, NULL, NULL, 0, err);
}

static int do_form(struct mt_api_call *call, struct mt_err *err)
{
    return with(call, mt_up_form, err);
}

static int do_progress(struct mt_api_call *call, struct mt_err *err)
{
    return with(call, answer_progress, err);
}

static int do_options(struct mt_api_call *call, struct mt_err *err)
{
    return with(call, mt_tus_options, err);
}

static int do_create(struct mt_api_call *call, struct mt_err *err)
{
    return with(call, answer_create, err);
}

static int do_head(struct mt_api_call *call, struct mt_err *err)
{
    return with(call, answer_head, err);
}

static int do_get(struct mt_api_call *call, struct mt_err *err)
{
    return with(call, answer_get, err);
}

static int do_patch(struct mt_api_call *call, struct mt_err *err)
{
    return with(call, answer_patch, err);
}

static int do_remove(struct mt_api_call *call, struct mt_err *err)
{
    return with(call, answer_remove, err);
}

#define ONE MT_UP_BASE "/{upload_id}"
#define MAY_UPLOAD (MT_MAY_READ | MT_MAY_SUBMIT)

const struct mt_api_route mt_api_upload_routes[] = {
    {MT_HTTP_POST,
     MT_API_BASE "/upload",
     MAY_UPLOAD,
     do_form,
     MT_API_ONCE | MT_API_STREAM,
     "uploadFile",
     "Uploads a file as field of a form",
     "upload_id",
     "multipart/form-data:UploadForm",
     {{202, "UploadAccepted"}}},
    {MT_HTTP_GET,
     MT_API_BASE "/upload/{upload_id}/progress",
     MT_MAY_READ,
     do_progress,
     0,
     "getUploadProgress",
     "How far an upload is",
     NULL,
     NULL,
     {{200, "UploadProgress"}}},
    {MT_HTTP_OPTIONS,
     MT_UP_BASE,
     0,
     do_options,
     MT_API_SELF | MT_API_FREE,
     "getUploadOptions",
     "What uploads can do here",
     NULL,
     NULL,
     {{204, NULL}}},
    {MT_HTTP_POST,
     MT_UP_BASE,
     MAY_UPLOAD,
     do_create,
     0,
     "createUpload",
     "Begins a resumable upload (tus 1.0, or the IETF draft)",
     NULL,
     NULL,
     {{201, NULL}, {202, "UploadAccepted"}}},
    {MT_HTTP_HEAD,
     ONE,
     MAY_UPLOAD,
     do_head,
     MT_API_FREE,
     "getUploadOffset",
     "Where a resumable upload goes on",
     NULL,
     NULL,
     {{200, NULL}, {204, NULL}}},
    {MT_HTTP_GET,
     ONE,
     MT_MAY_READ,
     do_get,
     0,
     "getUpload",
     "How far a resumable upload is",
     NULL,
     NULL,
     {{200, "UploadProgress"}, {204, NULL}}},
    {MT_HTTP_PATCH,
     ONE,
     MAY_UPLOAD,
     do_patch,
     MT_API_FREE,
     "appendToUpload",
     "Appends bytes to a resumable upload",
     NULL,
     NULL,
     {{204, NULL}, {202, "UploadAccepted"}}},
    {MT_HTTP_DELETE,
     ONE,
     MAY_UPLOAD,
     do_remove,
     0,
     "removeUpload",
     "Ends a resumable upload and removes its bytes",
     NULL,
     NULL,
     {{204, NULL}}},
    {0},
};

int mt_api_upload_sweep(struct mt_api *api, struct mt_db *db, struct mt_err *err)
{
    struct mt_api_call nobody = {.api = api};
    struct mt_upload_swept swept;
    struct mt_up u;
    int64_t handed_on = 0;
    int ret = -1;

    if (mt_up_begin(&u, &nobody, err) == 0 &&
        mt_upload_sweep_whole(u.area, db, mt_up_may_finish, NULL, &handed_on, err) == 0)
        ret = mt_upload_sweep(u.area, db, &swept, err);
    mt_up_end(&u);
    if (handed_on > 0)
        mt_log(MT_LOG_INFO, "uploads: %lld were whole and are handed on", (long long)handed_on);
    if (ret == 0 && swept.expired + swept.ended + swept.orphans > 0)
        mt_log(MT_LOG_INFO, "uploads: %lld expired, %lld have ended, %lld files of no upload",
               (long long)swept.expired, (long long)swept.ended, (long long)swept.orphans);
    return ret;
}
