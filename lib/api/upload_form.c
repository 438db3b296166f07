/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * upload_form.c - a file as field of a form: POST /api/v1/media/upload.
 *
 * The bytes go to the upload as they come. The parser pushes and the upload
 * pulls: in between is a buffer for what one piece of the body holds of the file. Fields
 * may stand before the file or after it. A form that breaks off leaves nothing: nobody
 * could go on with it.
 */
#include "api/upload.h"

#include "base/buf.h"
#include "base/mem.h"
#include "multipart/multipart.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 128 << 10,             /* of the body at once */
    SPARE = 256,                   /* what the parser may have held back before it */
    FIELDS = 4,                    /* that a form may have besides the file */
    AROUND = 5 * 65536 + 16 * 1024 /* bytes of a form that are not of its file */
};

static const char *const names[FIELDS] = {"filename", "content_type", "metadata",
                                          "processing_options"};

struct form {
    struct mt_up *u;
    struct mt_multipart *parser;
    char *piece;
    struct mt_buf file;           /* bytes of the file not given on yet */
    struct mt_buf values[FIELDS]; /* data NULL: not sent */
    bool sent[FIELDS];
    int field;         /* being read; -1: the file */
    bool began, ended; /* the file */
    bool over;         /* the body */
    char *part_name;   /* of the file */
};

/* --- parts --- */

static int find_field(const char *name)
{
    for (int i = 0; i < FIELDS; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return FIELDS;
}

static int begin_file(struct form *f, const struct mt_part *part, struct mt_err *err)
{
    if (f->began)
        return mt_fail(err, MT_ERR_USAGE, "the form has more than one file");
    f->began = true;
    f->field = -1;
    if (part->has_filename && part->filename[0])
        f->part_name = mt_strdup(part->filename);
    return 0;
}

static int begin_part(void *ctx, const struct mt_part *part, struct mt_err *err)
{
    struct form *f = ctx;

    if (strcmp(part->name, "file") == 0)
        return begin_file(f, part, err);
    f->field = find_field(part->name);
    if (f->field == FIELDS) {
        mt_fail(err, MT_ERR_USAGE, "the form has a field '%.64s'", part->name);
        return mt_hint(err, "it takes file, filename, content_type, metadata and "
                            "processing_options");
    }
    if (f->sent[f->field])
        return mt_fail(err, MT_ERR_USAGE, "the form has the field '%s' twice", part->name);
    f->sent[f->field] = true;
    return 0;
}

static int part_data(void *ctx, const void *data, size_t n, struct mt_err *err)
{
    struct form *f = ctx;

    if (mt_buf_add(f->field < 0 ? &f->file : &f->values[f->field], data, n, err) == 0)
        return 0;
    return f->field < 0 ? -1
                        : mt_fail(err, MT_ERR_TOO_LARGE, "the field '%s' has more than %d bytes",
                                  names[f->field], MT_UPLOAD_DOCUMENT_MAX);
}

static int end_part(void *ctx, struct mt_err *err)
{
    struct form *f = ctx;

    (void)err;
    f->ended = f->ended || f->field < 0;
    return 0;
}

/* --- the body --- */

/* Reads one piece. 1: something came; 0: nothing within wait_ms. */
static int pump(struct form *f, int wait_ms, struct mt_err *err)
{
    ssize_t n = mt_http_read(f->u->call->x, f->piece, PIECE, wait_ms, err);

    if (n == MT_HTTP_WAIT)
        return 0;
    if (n < 0)
        return -1;
    mt_api_once_alive(f->u->call);
    f->over = n == 0;
    if (f->over)
        return mt_multipart_end(f->parser, err) < 0 ? -1 : 1;
    return mt_multipart_add(f->parser, f->piece, (size_t)n, err) < 0 ? -1 : 1;
}

/* The bytes of the file, for mt_upload_append(), which asks for more than a piece at once. */
static ssize_t read_file(void *ctx, void *data, size_t n, int wait_ms, struct mt_err *err)
{
    struct form *f = ctx;

    while (f->file.len == 0 && !f->ended) {
        int got = pump(f, wait_ms, err);
        if (got < 0)
            return -1;
        if (got == 0)
            return MT_UPLOAD_LATER;
    }
    if (n > f->file.len)
        n = f->file.len;
    if (n > 0) {
        memcpy(data, f->file.data, n);
        mt_buf_consume(&f->file, n);
    }
    return (ssize_t)n;
}

static int read_until(struct form *f, const bool *done, struct mt_err *err)
{
    while (!*done && !f->over)
        if (pump(f, -1, err) < 0)
            return -1;
    return 0;
}

/* --- what the fields say --- */

struct said {
    struct mt_upload_spec spec;
    json_t *metadata, *options;
};

static const char *text_of(const struct form *f, int field)
{
    return f->sent[field] && f->values[field].len ? f->values[field].data : NULL;
}

static int object_of(const struct form *f, int field, json_t **out, struct mt_err *err)
{
    const struct mt_buf *b = &f->values[field];

    if (!text_of(f, field))
        return 0;
    *out = mt_up_object(names[field], b->data, b->len, err);
    return *out ? 0 : -1;
}

static int check_kind(const char *kind, struct mt_err *err)
{
    if (!kind || strcmp(kind, "video") == 0 || strcmp(kind, "audio") == 0 ||
        strcmp(kind, "image") == 0)
        return 0;
    return mt_fail(err, MT_ERR_USAGE, "content_type is video, audio or image, not '%.32s'", kind);
}

static int read_fields(struct form *f, struct said *said, struct mt_err *err)
{
    for (int i = 0; i < FIELDS; i++)
        if (f->values[i].len && strlen(f->values[i].data) != f->values[i].len)
            return mt_fail(err, MT_ERR_USAGE, "the field '%s' holds a NUL", names[i]);
    said->spec.filename = text_of(f, 0) ? text_of(f, 0) : f->part_name;
    said->spec.content_type = text_of(f, 1);
    if (check_kind(said->spec.content_type, err) < 0 || object_of(f, 2, &said->metadata, err) < 0 ||
        object_of(f, 3, &said->options, err) < 0)
        return -1;
    said->spec.metadata = said->metadata;
    said->spec.options = said->options;
    return 0;
}

/* --- all together --- */

/* What it is to be called: the client may choose, so that others can follow it while it comes. */
static const char *wanted_id(struct mt_up *u)
{
    return mt_http_query(u->call->x, "upload_id");
}

static int begin_upload(struct form *f, struct mt_upload **up, char id[MT_UUID_TEXT],
                        struct mt_err *err)
{
    struct mt_up *u = f->u;
    struct mt_db *db = mt_api_db(u->call, err);
    json_t *remember = json_pack("{s:s}", "protocol", "form");
    struct mt_upload_spec spec = {
        .id = wanted_id(u), .filename = f->part_name, .length = -1, .remember = remember};
    int ret = -1;

    if (db && mt_upload_create(u->area, db, &u->user, &spec, id, err) == 0)
        ret = mt_upload_take(up, u->area, db, &u->user, id, NULL, err);
    json_decref(remember);
    if (ret == 0)
        ret = mt_up_note(u, "upload.create", id, err);
    mt_api_db_release(u->call);
    return ret;
}

static int finish_upload(struct form *f, struct mt_upload *up, bool *denied, struct mt_err *err)
{
    struct said said = {0};
    struct mt_db *db = NULL;
    int ret = -1;

    if (read_fields(f, &said, err) == 0)
        db = mt_api_db(f->u->call, err);
    if (db && mt_upload_describe(up, db, &said.spec, err) == 0)
        ret = mt_up_finish(f->u, up, denied, err);
    json_decref(said.metadata);
    json_decref(said.options);
    return ret;
}

/* The file and what is behind it. */
static int take_form(struct form *f, struct mt_upload *up, bool *denied, struct mt_err *err)
{
    struct mt_upload_source source = {.read = read_file, .ctx = f};

    if (mt_upload_append(up, &source, NULL, err) < 0 || read_until(f, &f->over, err) < 0)
        return -1;
    if (mt_upload_offset(up) == 0)
        return mt_fail(err, MT_ERR_USAGE, "the file has no bytes");
    return finish_upload(f, up, denied, err);
}

/* Nobody can go on with what has come. */
static void throw_away(struct form *f, struct mt_upload **up, const char *id)
{
    struct mt_err ignored;
    struct mt_db *db = mt_api_db(f->u->call, &ignored);

    mt_upload_release(up);
    if (db && mt_upload_remove(f->u->area, db, &f->u->user, id, &ignored) < 0)
        return; /* it will expire */
}

static int receive(struct form *f, struct mt_err *err)
{
    struct mt_upload *up = NULL;
    char id[MT_UUID_TEXT] = "";
    bool denied = false;
    int ret;

    if (read_until(f, &f->began, err) < 0)
        return -1;
    if (!f->began)
        return mt_fail(err, MT_ERR_USAGE, "the form has no field 'file'");
    ret = begin_upload(f, &up, id, err);
    if (ret < 0 && !up)
        return mt_up_refuse(f->u, false, err);
    if (ret == 0)
        ret = take_form(f, up, &denied, err);
    if (ret == 0)
        ret = mt_up_accepted(f->u, id, mt_upload_offset(up), err);
    else {
        throw_away(f, &up, id);
        ret = mt_up_refuse(f->u, denied, err);
    }
    mt_upload_release(&up);
    return ret;
}

static int check_request(struct mt_up *u, struct mt_err *err)
{
    const char *id = wanted_id(u);
    int64_t most = mt_uploads_rules(u->area)->max_bytes;

    if (id && !mt_uuid_valid(id))
        return mt_fail(err, MT_ERR_USAGE, "upload_id is a UUID, not '%.40s'", id);
    if (u->call->request->content_length > most && u->call->request->content_length - most > AROUND)
        return mt_fail(err, MT_ERR_TOO_LARGE,
                       "the form is larger than the %lld bytes of a file "
                       "that are allowed",
                       (long long)most);
    return 0;
}

int mt_up_form(struct mt_up *u, struct mt_err *err)
{
    char boundary[MT_MULTIPART_BOUNDARY_MAX + 1];
    struct form f = {.u = u, .field = FIELDS};
    struct mt_part_sink sink = {begin_part, part_data, end_part, &f};
    const char *type = u->call->request->content_type;
    int ret;

    if (!mt_http_is_type(u->call->x, "multipart/form-data"))
        return mt_http_problem(u->call->x, "unsupported-media-type", NULL, err,
                               "the Content-Type of an upload is multipart/form-data");
    if (mt_multipart_boundary(type, boundary, err) < 0 || check_request(u, err) < 0)
        return -1;
    f.piece = mt_realloc(NULL, PIECE, 1);
    mt_buf_init(&f.file, PIECE + SPARE);
    for (int i = 0; i < FIELDS; i++)
        mt_buf_init(&f.values[i], MT_UPLOAD_DOCUMENT_MAX);
    mt_multipart_open(&f.parser, boundary, &sink);
    ret = receive(&f, err);
    mt_multipart_close(&f.parser);
    for (int i = 0; i < FIELDS; i++)
        mt_buf_free(&f.values[i]);
    mt_buf_free(&f.file);
    free(f.part_name);
    free(f.piece);
    return ret;
}
