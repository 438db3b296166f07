/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * upload_tus.c - tus 1.0 (https://tus.io/protocols/resumable-upload) with creation,
 * creation-with-upload, creation-defer-length, checksum, expiration, termination and
 * concatenation.
 */
#include "api/upload.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OCTETS "application/offset+octet-stream"

/* --- the version --- */

bool mt_tus_speaks(struct mt_up *u, struct mt_err *err)
{
    struct mt_http *x = u->call->x;
    const char *version = mt_http_header(x, "Tus-Resumable");

    mt_http_replace(x, "Tus-Resumable", "1.0.0");
    if (version && strcmp(version, "1.0.0") == 0)
        return true;
    mt_http_add(x, "Tus-Version", "1.0.0");
    if (mt_http_problem(x, "precondition-failed", NULL, err,
                        "Tus-Resumable is '%.32s', wanted is 1.0.0", version ? version : "") < 0)
        return false; /* nobody is there to be told */
    return false;
}

int mt_tus_options(struct mt_up *u, struct mt_err *err)
{
    struct mt_http *x = u->call->x;

    mt_http_replace(x, "Tus-Resumable", "1.0.0");
    mt_http_add(x, "Tus-Version", "1.0.0");
    mt_http_add(x, "Tus-Extension",
                "creation,creation-with-upload,creation-defer-length,checksum,expiration,"
                "termination,concatenation");
    mt_http_add(x, "Tus-Checksum-Algorithm", "sha1,sha256");
    mt_http_add(x, "Tus-Max-Size", "%lld", (long long)mt_uploads_rules(u->area)->max_bytes);
    mt_draft_limits(u, NULL);
    return mt_http_send(x, 204, NULL, NULL, 0, err);
}

/* --- what every answer about an upload tells --- */

static void tell(struct mt_up *u, const struct mt_upload_info *info, int64_t offset)
{
    struct mt_http *x = u->call->x;
    char date[40];

    mt_http_replace(x, "Upload-Offset", "%lld", (long long)offset);
    if (info->expires_us)
        mt_http_replace(x, "Upload-Expires", "%s",
                        mt_up_date(mt_now_us() + mt_uploads_rules(u->area)->max_age_us, date));
}

int mt_tus_head(struct mt_up *u, const char *id, struct mt_err *err)
{
    struct mt_http *x = u->call->x;
    struct mt_upload_info info = {0};
    struct mt_upload *up = NULL;
    bool denied = false;
    bool gone;
    int ret = mt_up_open(u, id, &up, &info, &gone, err);

    if (ret < 0 || gone)
        goto out;
    /* The answer to the last bytes, or the process before it, may have been lost. */
    if (up && !info.partial && info.offset == info.length) {
        ret = mt_up_finish(u, up, &denied, err);
        if (ret < 0) {
            ret = mt_up_refuse(u, denied, err);
            goto out;
        }
    }
    tell(u, &info, info.offset);
    if (info.length >= 0)
        mt_http_replace(x, "Upload-Length", "%lld", (long long)info.length);
    else
        mt_http_replace(x, "Upload-Defer-Length", "1");
    if (mt_json_str(info.remember, "metadata", NULL))
        mt_http_replace(x, "Upload-Metadata", "%s", mt_json_str(info.remember, "metadata", ""));
    if (mt_json_str(info.remember, "concat", NULL))
        mt_http_replace(x, "Upload-Concat", "%s", mt_json_str(info.remember, "concat", ""));
    mt_http_replace(x, "Cache-Control", "no-store");
    ret = mt_http_send(x, 200, NULL, NULL, 0, err);
out:
    mt_upload_release(&up);
    mt_upload_info_free(&info);
    return ret;
}

/* --- bytes --- */

/* The checksum of the chunk, if there is one: *has. */
static int wanted_sum(struct mt_up *u, struct mt_upload_checksum *sum, bool *has,
                      struct mt_err *err)
{
    const char *text = mt_http_header(u->call->x, "Upload-Checksum");

    *has = text != NULL;
    return text ? mt_up_checksum(text, sum, err) : 0;
}

/*
 * The body goes to the end of the upload, which is handed on if it is whole. *answered: a
 * failure was told already.
 */
static int take_body(struct mt_up *u, struct mt_upload *up, bool partial, bool *answered,
                     struct mt_err *err)
{
    struct mt_upload_checksum sum;
    bool denied = false;
    bool has;
    int ret = -1;

    *answered = false;
    if (wanted_sum(u, &sum, &has, err) < 0)
        return -1;
    ret = mt_up_append(u, up, has ? &sum : NULL, err);
    if (ret == 0 && !partial && mt_upload_offset(up) == mt_upload_length(up))
        ret = mt_up_finish(u, up, &denied, err);
    if (ret == 0)
        return 0;
    mt_http_replace(u->call->x, "Upload-Offset", "%lld", (long long)mt_upload_offset(up));
    ret = mt_up_refuse(u, denied, err);
    *answered = ret == 0;
    return ret;
}

/* The length, if it comes now. */
static int late_length(struct mt_up *u, struct mt_upload *up, struct mt_err *err)
{
    const char *text = mt_http_header(u->call->x, "Upload-Length");
    struct mt_db *db;
    int64_t length;

    if (!text)
        return 0;
    if (!mt_up_number(text, &length))
        return mt_fail(err, MT_ERR_USAGE, "Upload-Length is no length: '%.32s'", text);
    db = mt_api_db(u->call, err);
    return db ? mt_upload_set_length(up, db, length, err) : -1;
}

/* Refused before a byte of it is read; what comes without a length is stopped where it is too much.
 */
static int check_room(struct mt_up *u, const struct mt_upload *up, struct mt_err *err)
{
    int64_t most =
        mt_upload_length(up) >= 0 ? mt_upload_length(up) : mt_uploads_rules(u->area)->max_bytes;
    int64_t comes = u->call->request->content_length;

    if (comes <= most - mt_upload_offset(up))
        return 0;
    return mt_fail(err, MT_ERR_TOO_LARGE, "%lld bytes at %lld are more than the upload's %lld",
                   (long long)comes, (long long)mt_upload_offset(up), (long long)most);
}

/* Whether the request can be applied; if not it has been answered. */
static bool fits(struct mt_up *u, const struct mt_upload_info *info, const struct mt_upload *up,
                 int64_t offset, int *ret, struct mt_err *err)
{
    struct mt_http *x = u->call->x;

    if (info->final) {
        *ret = mt_http_problem(x, "forbidden", NULL, err, "a final upload takes no bytes");
        return false;
    }
    if (offset == info->offset && up)
        return true;
    mt_http_replace(x, "Upload-Offset", "%lld", (long long)info->offset);
    if (offset == info->offset && u->call->request->content_length == 0) {
        *ret = mt_http_send(x, 204, NULL, NULL, 0, err);
        return false;
    }
    *ret =
        up ? mt_http_problem(x, "conflict",
                             json_pack("{s:I, s:I}", "expected-offset", (json_int_t)info->offset,
                                       "provided-offset", (json_int_t)offset),
                             err, "the upload has %lld bytes, not %lld", (long long)info->offset,
                             (long long)offset)
           : mt_http_problem(x, "conflict", NULL, err, "the upload is complete: %s", info->status);
    return false;
}

static int patch(struct mt_up *u, const char *id, int64_t offset, struct mt_err *err)
{
    struct mt_upload_info info = {0};
    struct mt_upload *up = NULL;
    bool answered = false;
    bool gone;
    int ret = mt_up_open(u, id, &up, &info, &gone, err);

    if (ret < 0 || gone || !fits(u, &info, up, offset, &ret, err))
        goto out;
    ret = late_length(u, up, err);
    if (ret == 0)
        ret = check_room(u, up, err);
    if (ret == 0)
        ret = take_body(u, up, info.partial, &answered, err);
    if (ret < 0 || answered)
        goto out;
    tell(u, &info, mt_upload_offset(up));
    ret = mt_http_send(u->call->x, 204, NULL, NULL, 0, err);
out:
    mt_upload_release(&up);
    mt_upload_info_free(&info);
    return ret;
}

int mt_tus_patch(struct mt_up *u, const char *id, struct mt_err *err)
{
    struct mt_http *x = u->call->x;
    struct mt_upload_checksum sum;
    int64_t offset;
    bool has;

    if (!mt_http_is_type(x, OCTETS))
        return mt_http_problem(x, "unsupported-media-type", NULL, err,
                               "the Content-Type of a chunk is " OCTETS);
    if (!mt_up_number(mt_http_header(x, "Upload-Offset"), &offset))
        return mt_fail(err, MT_ERR_USAGE, "Upload-Offset is missing or no offset");
    if (wanted_sum(u, &sum, &has, err) < 0)
        return -1;
    return patch(u, id, offset, err);
}

/* --- creating --- */

/* What a new upload is told. */
struct order {
    struct mt_upload_spec spec;
    struct mt_up_words words;
    json_t *remember;
    const char *concat;
    bool final;
    char *list; /* of its parts; owns what parts point into */
    const char **parts;
    int n;
};

static void order_free(struct order *o)
{
    mt_up_words_free(&o->words);
    json_decref(o->remember);
    free(o->list);
    free(o->parts);
}

/* The id in a URL or path of an upload; NULL if it is none. */
static const char *id_of_url(const char *url)
{
    const char *at = strstr(url, MT_UP_BASE "/");
    const char *id = at ? at + strlen(MT_UP_BASE "/") : NULL;

    return id && mt_uuid_valid(id) ? id : NULL;
}

static int read_parts(struct order *o, const char *urls, struct mt_err *err)
{
    char *save = NULL;

    o->list = mt_strdup(urls);
    o->parts = mt_realloc(NULL, MT_UPLOAD_PARTS_MAX, sizeof *o->parts);
    for (char *p = strtok_r(o->list, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        const char *id = id_of_url(p);
        if (!id)
            return mt_fail(err, MT_ERR_USAGE, "Upload-Concat: '%.100s' is no upload of this server",
                           p);
        if (o->n == MT_UPLOAD_PARTS_MAX)
            return mt_fail(err, MT_ERR_LIMIT, "Upload-Concat names more than %d parts",
                           MT_UPLOAD_PARTS_MAX);
        o->parts[o->n++] = id;
    }
    return o->n ? 0 : mt_fail(err, MT_ERR_USAGE, "Upload-Concat names no parts");
}

static int read_concat(struct mt_up *u, struct order *o, struct mt_err *err)
{
    o->concat = mt_http_header(u->call->x, "Upload-Concat");
    if (!o->concat)
        return 0;
    if (strcmp(o->concat, "partial") == 0) {
        o->spec.partial = true;
        return 0;
    }
    if (!mt_str_starts(o->concat, "final;"))
        return mt_fail(err, MT_ERR_USAGE, "Upload-Concat is 'partial' or 'final;' and URLs");
    o->final = true;
    return read_parts(o, o->concat + strlen("final;"), err);
}

static int read_length(struct mt_up *u, struct order *o, struct mt_err *err)
{
    const char *length = mt_http_header(u->call->x, "Upload-Length");
    const char *defer = mt_http_header(u->call->x, "Upload-Defer-Length");

    o->spec.length = -1;
    if (o->final)
        return length || defer
                   ? mt_fail(err, MT_ERR_USAGE, "the length of a final upload is that of its parts")
                   : 0;
    if (defer && !length)
        return strcmp(defer, "1") == 0
                   ? 0
                   : mt_fail(err, MT_ERR_USAGE, "Upload-Defer-Length is '%.32s', wanted is 1",
                             defer);
    if (defer || !mt_up_number(length, &o->spec.length))
        return mt_fail(err, MT_ERR_USAGE,
                       "either Upload-Length or Upload-Defer-Length: 1 is wanted");
    return 0;
}

static int read_order(struct mt_up *u, struct order *o, struct mt_err *err)
{
    const char *metadata = mt_http_header(u->call->x, "Upload-Metadata");

    if (read_concat(u, o, err) < 0 || read_length(u, o, err) < 0 ||
        (metadata && *metadata && mt_up_metadata(metadata, &o->words, err) < 0))
        return -1;
    o->remember = mt_up_remember(u, "tus");
    if (metadata && *metadata)
        json_object_set_new(o->remember, "metadata", mt_json_text(metadata));
    if (o->concat)
        json_object_set_new(o->remember, "concat", mt_json_text(o->concat));
    o->spec.filename = o->words.filename;
    o->spec.content_type = o->words.content_type;
    o->spec.metadata = o->words.metadata;
    o->spec.options = o->words.options;
    o->spec.remember = o->remember;
    return 0;
}

/* The new upload, taken. *id is set as soon as there is one. */
static int begin(struct mt_up *u, const struct order *o, char id[MT_UUID_TEXT],
                 struct mt_upload **up, struct mt_err *err)
{
    struct mt_db *db = mt_api_db(u->call, err);

    if (!db)
        return -1;
    if (o->final)
        return mt_upload_join(up, u->area, db, &u->user, &o->spec, o->parts, o->n, id, err);
    if (mt_upload_create(u->area, db, &u->user, &o->spec, id, err) < 0)
        return -1;
    return mt_upload_take(up, u->area, db, &u->user, id, NULL, err);
}

/* Whether there is a body, read so far as to know it; for requests that are to have none. */
static int has_body(struct mt_up *u, bool *has, struct mt_err *err)
{
    char byte;
    ssize_t n = 1;

    if (u->call->request->content_length < 0)
        n = mt_http_read(u->call->x, &byte, 1, -1, err);
    *has = n > 0 && u->call->request->content_length != 0;
    return n < 0 ? -1 : 0;
}

/* Whether the request brings bytes; they have to say what they are. */
static int brings_bytes(struct mt_up *u, const struct order *o, bool *brings, struct mt_err *err)
{
    bool has = false;

    *brings = !o->final && mt_http_is_type(u->call->x, OCTETS);
    if (*brings)
        return 0;
    if (has_body(u, &has, err) < 0)
        return -1;
    if (has)
        return mt_fail(err, MT_ERR_UNSUPPORTED_TYPE, "a request that creates %s",
                       o->final ? "a final upload brings no bytes"
                                : "an upload brings bytes as " OCTETS " only");
    return 0;
}

/* Bytes, if any, and the end, if that was all. */
static int fill(struct mt_up *u, const struct order *o, struct mt_upload *up, bool brings,
                bool *answered, struct mt_err *err)
{
    bool denied = false;
    int ret;

    *answered = false;
    if (brings)
        return check_room(u, up, err) < 0 ? -1 : take_body(u, up, o->spec.partial, answered, err);
    if (o->spec.partial || mt_upload_offset(up) != mt_upload_length(up))
        return 0;
    ret = mt_up_finish(u, up, &denied, err);
    if (ret < 0) {
        ret = mt_up_refuse(u, denied, err);
        *answered = ret == 0;
    }
    return ret;
}

static int create(struct mt_up *u, const struct order *o, struct mt_err *err)
{
    struct mt_http *x = u->call->x;
    struct mt_upload_info info = {0};
    struct mt_upload *up = NULL;
    struct mt_db *db;
    char id[MT_UUID_TEXT] = "";
    bool answered = false;
    bool brings;
    int ret = -1;

    if (brings_bytes(u, o, &brings, err) < 0)
        return -1;
    if (begin(u, o, id, &up, err) < 0)
        return mt_up_refuse(u, false, err);
    mt_http_replace(x, "Location", MT_UP_BASE "/%s", id);
    if (mt_up_note(u, "upload.create", id, err) < 0 || fill(u, o, up, brings, &answered, err) < 0)
        goto out;
    ret = 0;
    if (answered)
        goto out;
    ret = -1;
    db = mt_api_db(u->call, err);
    if (!db || mt_upload_look(u->area, db, &u->user, id, &info, err) < 0)
        goto out;
    tell(u, &info, mt_upload_offset(up));
    ret = mt_http_send(x, 201, NULL, NULL, 0, err);
out:
    mt_upload_release(&up);
    mt_upload_info_free(&info);
    return ret;
}

int mt_tus_create(struct mt_up *u, struct mt_err *err)
{
    struct order o = {0};
    struct mt_upload_checksum sum;
    bool has;
    int ret = -1;

    if (read_order(u, &o, err) == 0 && wanted_sum(u, &sum, &has, err) == 0)
        ret = create(u, &o, err);
    order_free(&o);
    return ret;
}
