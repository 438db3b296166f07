/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * upload_draft.c - resumable uploads as the IETF drafts them: draft-ietf-httpbis-resumable-upload,
 * interop version 8.
 *
 * Interim responses (104) cannot be sent: neither CGI nor FastCGI has a way to say
 * them, and nginx passes none on. Clients that want to know the upload's place
 * before its bytes are sent create it without any ("careful upload creation").
 */
#include "api/upload.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTIAL "application/partial-upload"
#define PROBLEMS "https://iana.org/assignments/http-problem-types#"

/* --- what answers tell --- */

void mt_draft_limits(struct mt_up *u, const struct mt_upload_info *info)
{
    const struct mt_upload_rules *rules = mt_uploads_rules(u->area);

    if (info && info->expires_us)
        mt_http_replace(u->call->x, "Upload-Limit", "max-size=%lld, max-age=%lld",
                        (long long)rules->max_bytes, (long long)(rules->max_age_us / 1000000));
    else
        mt_http_replace(u->call->x, "Upload-Limit", "max-size=%lld", (long long)rules->max_bytes);
}

static void tell(struct mt_up *u, bool complete, int64_t offset, const struct mt_upload_info *info)
{
    struct mt_http *x = u->call->x;

    mt_http_replace(x, "Upload-Draft-Interop-Version", "8");
    mt_http_replace(x, "Upload-Complete", complete ? "?1" : "?0");
    mt_http_replace(x, "Upload-Offset", "%lld", (long long)offset);
    mt_draft_limits(u, info);
}

static bool is_complete(const struct mt_upload_info *info)
{
    return strcmp(info->status, "uploading") != 0;
}

int mt_draft_head(struct mt_up *u, const char *id, struct mt_err *err)
{
    struct mt_http *x = u->call->x;
    struct mt_upload_info info = {0};
    struct mt_upload *up = NULL;
    bool gone;
    int ret = mt_up_open(u, id, &up, &info, &gone, err);

    if (ret == 0 && !gone) {
        tell(u, is_complete(&info), info.offset, &info);
        if (info.length >= 0)
            mt_http_replace(x, "Upload-Length", "%lld", (long long)info.length);
        mt_http_replace(x, "Cache-Control", "no-store");
        ret = mt_http_send(x, 204, NULL, NULL, 0, err);
    }
    mt_upload_release(&up);
    mt_upload_info_free(&info);
    return ret;
}

/* --- what requests ask --- */

struct ask {
    bool complete;
    int64_t length; /* of the whole, as far as the request tells; -1 */
    struct mt_upload_checksum sum;
    bool has_sum;
};

static int inconsistent(struct mt_up *u, struct mt_err *err)
{
    mt_http_replace(u->call->x, "Upload-Draft-Interop-Version", "8");
    mt_http_replace(u->call->x, "Upload-Complete", "?0");
    return mt_http_problem_as(u->call->x, 400, PROBLEMS "inconsistent-upload-length",
                              "inconsistent length values for upload", NULL, err,
                              "the lengths that were told for the upload differ");
}

/*
 * Reads the fields, at an offset. *answered: they contradict each other, which has been
 * told. Values that are none are ignored, as the draft wants it.
 */
static int read_ask(struct mt_up *u, int64_t offset, struct ask *ask, bool *answered,
                    struct mt_err *err)
{
    struct mt_http *x = u->call->x;
    int64_t comes = u->call->request->content_length;
    int flag = mt_up_flag(mt_http_header(x, "Upload-Complete"));
    int64_t length;

    *answered = false;
    *ask = (struct ask){.length = -1};
    if (flag < 0)
        return mt_fail(err, MT_ERR_USAGE, "Upload-Complete is ?0 or ?1");
    ask->complete = flag == 1;
    if (mt_up_number(mt_http_header(x, "Upload-Length"), &length))
        ask->length = length;
    if (ask->complete && comes >= 0) {
        if (ask->length >= 0 && ask->length != offset + comes) {
            *answered = true;
            return inconsistent(u, err);
        }
        ask->length = offset + comes;
    }
    ask->has_sum = mt_up_digest(mt_http_header(x, "Content-Digest"), &ask->sum);
    return 0;
}

/* --- bytes --- */

/* More came than the length that was told: the draft wants the upload to end there. */
static int invalidate(struct mt_up *u, struct mt_upload *up, struct mt_err *err)
{
    struct mt_err why = *err;
    struct mt_db *db = mt_api_db(u->call, err);

    if (!db || mt_upload_fail(up, db, &why, err) < 0)
        return -1;
    return inconsistent(u, err);
}

/* *answered: a failure was told. */
static int take_body(struct mt_up *u, struct mt_upload *up, const struct ask *ask, bool *answered,
                     struct mt_err *err)
{
    bool denied = false;
    int ret = mt_up_append(u, up, ask->has_sum ? &ask->sum : NULL, err);

    *answered = ret < 0;
    if (ret < 0 && err->code == MT_ERR_TOO_LARGE && mt_upload_length(up) >= 0)
        return invalidate(u, up, err);
    if (ret == 0 && ask->complete)
        ret = mt_up_finish(u, up, &denied, err);
    if (ret == 0)
        return 0;
    mt_http_replace(u->call->x, "Upload-Draft-Interop-Version", "8");
    mt_http_replace(u->call->x, "Upload-Offset", "%lld", (long long)mt_upload_offset(up));
    mt_http_replace(u->call->x, "Upload-Complete", "?0");
    ret = mt_up_refuse(u, denied, err);
    *answered = ret == 0;
    return ret;
}

static int set_length(struct mt_up *u, struct mt_upload *up, int64_t length, bool *answered,
                      struct mt_err *err)
{
    struct mt_db *db = mt_api_db(u->call, err);

    *answered = false;
    if (length < 0)
        return 0;
    if (!db)
        return -1;
    if (mt_upload_set_length(up, db, length, err) == 0)
        return 0;
    if (err->code != MT_ERR_USAGE)
        return -1;
    *answered = true;
    return inconsistent(u, err);
}

static int wrong_offset(struct mt_up *u, const struct mt_upload_info *info, int64_t offset,
                        struct mt_err *err)
{
    tell(u, false, info->offset, info);
    return mt_http_problem_as(u->call->x, 409, PROBLEMS "mismatching-upload-offset",
                              "offset from request does not match offset of resource",
                              json_pack("{s:I, s:I}", "expected-offset", (json_int_t)info->offset,
                                        "provided-offset", (json_int_t)offset),
                              err, "the upload has %lld bytes, not %lld", (long long)info->offset,
                              (long long)offset);
}

/* A complete upload: the answer that was lost is given again, to who asks for nothing else. */
static int repeat(struct mt_up *u, const struct mt_upload_info *info, const struct ask *ask,
                  struct mt_err *err)
{
    if (ask->complete && u->call->request->content_length == 0) {
        tell(u, true, info->offset, info);
        return mt_up_accepted(u, info->id, info->offset, err);
    }
    tell(u, false, info->offset, info);
    return mt_http_problem(u->call->x, "conflict", NULL, err, "the upload is complete: %s",
                           info->status);
}

static int append(struct mt_up *u, struct mt_upload *up, const struct mt_upload_info *info,
                  const struct ask *ask, struct mt_err *err)
{
    bool answered = false;

    if (set_length(u, up, ask->length, &answered, err) < 0)
        return -1;
    if (answered)
        return 0;
    if (take_body(u, up, ask, &answered, err) < 0)
        return -1;
    if (answered)
        return 0;
    tell(u, ask->complete, mt_upload_offset(up), info);
    return ask->complete ? mt_up_accepted(u, info->id, mt_upload_offset(up), err)
                         : mt_http_send(u->call->x, 204, NULL, NULL, 0, err);
}

int mt_draft_patch(struct mt_up *u, const char *id, struct mt_err *err)
{
    struct mt_http *x = u->call->x;
    struct mt_upload_info info = {0};
    struct mt_upload *up = NULL;
    struct ask ask;
    int64_t offset;
    bool answered;
    int ret;

    if (!mt_http_is_type(x, PARTIAL))
        return mt_http_problem(x, "unsupported-media-type", NULL, err,
                               "the Content-Type of bytes to append is " PARTIAL);
    if (!mt_up_number(mt_http_header(x, "Upload-Offset"), &offset))
        return mt_fail(err, MT_ERR_USAGE, "Upload-Offset is missing or no offset");
    if (read_ask(u, offset, &ask, &answered, err) < 0 || answered)
        return answered ? 0 : -1;
    ret = mt_up_open(u, id, &up, &info, &answered, err);
    if (ret == 0 && !answered) {
        if (offset != info.offset)
            ret = wrong_offset(u, &info, offset, err);
        else
            ret = up ? append(u, up, &info, &ask, err) : repeat(u, &info, &ask, err);
    }
    mt_upload_release(&up);
    mt_upload_info_free(&info);
    return ret;
}

/* --- creating --- */

/* "video" of "video/mp4"; the type is judged by the bytes later on. */
static char *kind_of(const char *type)
{
    static const char *const kinds[] = {"video", "audio", "image", NULL};

    for (int i = 0; type && kinds[i]; i++)
        if (strncmp(type, kinds[i], strlen(kinds[i])) == 0 && type[strlen(kinds[i])] == '/')
            return mt_strdup(kinds[i]);
    return NULL;
}

static void hex_of(const struct mt_upload_checksum *sum, char hex[MT_SHA256_TEXT])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum->raw[i]);
}

static int begin(struct mt_up *u, const struct ask *ask, char id[MT_UUID_TEXT],
                 struct mt_upload **up, struct mt_upload_info *info, struct mt_err *err)
{
    struct mt_http *x = u->call->x;
    struct mt_upload_checksum whole;
    char promise[MT_SHA256_TEXT];
    char *name = mt_up_filename(mt_http_header(x, "Content-Disposition"));
    char *kind = kind_of(u->call->request->content_type);
    json_t *remember = json_pack("{s:s}", "protocol", "draft");
    struct mt_upload_spec spec = {
        .filename = name, .content_type = kind, .length = ask->length, .remember = remember};
    struct mt_db *db = mt_api_db(u->call, err);
    int ret = -1;

    if (mt_up_digest(mt_http_header(x, "Repr-Digest"), &whole)) {
        hex_of(&whole, promise);
        spec.sha256 = promise;
    }
    if (db && mt_upload_create(u->area, db, &u->user, &spec, id, err) == 0)
        ret = mt_upload_take(up, u->area, db, &u->user, id, info, err);
    json_decref(remember);
    free(kind);
    free(name);
    return ret;
}

/* The body, and the answer to it. */
static int fill(struct mt_up *u, const struct ask *ask, struct mt_upload *up,
                const struct mt_upload_info *info, struct mt_err *err)
{
    bool answered = false;

    mt_http_replace(u->call->x, "Location", MT_UP_BASE "/%s", info->id);
    if (mt_up_note(u, "upload.create", info->id, err) < 0 ||
        take_body(u, up, ask, &answered, err) < 0)
        return -1;
    if (answered)
        return 0;
    tell(u, ask->complete, mt_upload_offset(up), info);
    return ask->complete ? mt_up_accepted(u, info->id, mt_upload_offset(up), err)
                         : mt_http_send(u->call->x, 201, NULL, NULL, 0, err);
}

int mt_draft_create(struct mt_up *u, struct mt_err *err)
{
    struct mt_upload_info info = {0};
    struct mt_upload *up = NULL;
    struct ask ask;
    char id[MT_UUID_TEXT];
    bool answered;
    int ret;

    if (mt_http_header(u->call->x, "Content-Encoding"))
        return mt_http_problem(u->call->x, "unsupported-media-type", NULL, err,
                               "the bytes of a file are wanted without Content-Encoding");
    if (read_ask(u, 0, &ask, &answered, err) < 0)
        return -1;
    if (answered)
        return 0;
    if (begin(u, &ask, id, &up, &info, err) < 0) {
        mt_draft_limits(u, NULL);
        return mt_up_refuse(u, false, err);
    }
    ret = fill(u, &ask, up, &info, err);
    mt_upload_release(&up);
    mt_upload_info_free(&info);
    return ret;
}
