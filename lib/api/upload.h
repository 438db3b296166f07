/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upload.h - what the files upload_*.c of this module share. */
#ifndef MT_API_UPLOAD_H
#define MT_API_UPLOAD_H

#include "api/api.h"
#include "upload/upload.h"

#define MT_UP_BASE MT_API_BASE "/uploads"

/* A request that is about uploads. */
struct mt_up {
    struct mt_api_call *call;
    struct mt_uploads *area;
    struct mt_upload_user user;
};

/* --- upload_common.c --- */

int mt_up_begin(struct mt_up *u, struct mt_api_call *call, struct mt_err *err) MT_MUST_USE;
void mt_up_end(struct mt_up *u);

/* What is kept with a new upload: its protocol, and until when who began it may hand it on. New. */
json_t *mt_up_remember(const struct mt_up *u, const char *protocol);

/* For mt_upload_sweep_whole(): whether it was whole while that held. */
bool mt_up_may_finish(void *ctx, const json_t *remember, int64_t ended_us);

/* The body of the request, for mt_upload_append(). */
struct mt_upload_source mt_up_body(struct mt_up *u);

/*
 * The upload as it is: taken over if bytes can still come, so that the offset is true and safe;
 * else *up is NULL. What was removed, or has lost its bytes, is answered by 410: *gone.
 */
int mt_up_open(struct mt_up *u, const char *id, struct mt_upload **up, struct mt_upload_info *info,
               bool *gone, struct mt_err *err) MT_MUST_USE;

/*
 * Appends the body. Meanwhile the connection to the database is for others. A failure is
 * what mt_upload_append() tells.
 */
int mt_up_append(struct mt_up *u, struct mt_upload *up, const struct mt_upload_checksum *want,
                 struct mt_err *err) MT_MUST_USE;

/* Hands the upload on. *denied: because the token does not hold any more. */
int mt_up_finish(struct mt_up *u, struct mt_upload *up, bool *denied,
                 struct mt_err *err) MT_MUST_USE;

/* Records a new upload in the audit log. */
int mt_up_note(struct mt_up *u, const char *action, const char *id, struct mt_err *err) MT_MUST_USE;

/*
 * Answers a failure of this module as an API should: quotas, conflicts, full disks,
 * tokens that ended. 0 if it was answered, -1 if *err is still to be told.
 */
int mt_up_refuse(struct mt_up *u, bool denied, struct mt_err *err) MT_MUST_USE;

/* The specification's answer to an upload: 202. Location and such are the caller's. */
int mt_up_accepted(struct mt_up *u, const char *id, int64_t bytes, struct mt_err *err) MT_MUST_USE;

/* --- upload_headers.c --- */

/* A whole number of at most 15 digits; false for anything else, NULL too. */
bool mt_up_number(const char *text, int64_t *out);

/* A Boolean of RFC 9651, "?1"; -1 for anything else. */
int mt_up_flag(const char *text);

/* The n bytes of base 64; their number, -1 for what is none or is longer than max. */
int mt_up_unbase64(const char *text, size_t n, void *out, size_t max);

/* "sha1 BASE64" as in Upload-Checksum; MT_ERR_USAGE for another algorithm or form. */
int mt_up_checksum(const char *text, struct mt_upload_checksum *sum,
                   struct mt_err *err) MT_MUST_USE;

/* The sha-256 of Content-Digest or Repr-Digest (RFC 9530); false if it has none. */
bool mt_up_digest(const char *text, struct mt_upload_checksum *sum);

/* What Upload-Metadata says. */
struct mt_up_words {
    char *filename, *content_type;
    json_t *metadata, *options; /* or NULL */
};

/* MT_ERR_USAGE for what is no such list. Free *words in any case. */
int mt_up_metadata(const char *text, struct mt_up_words *words, struct mt_err *err) MT_MUST_USE;
void mt_up_words_free(struct mt_up_words *words);

/* The file name in Content-Disposition, or NULL; free() it. */
char *mt_up_filename(const char *disposition);

/* A JSON object of at most MT_UPLOAD_DOCUMENT_MAX bytes; what is named in messages. New. */
json_t *mt_up_object(const char *what, const char *text, size_t n, struct mt_err *err);

/* The time as HTTP writes it. */
char *mt_up_date(int64_t us, char out[40]);

/* --- the protocols; handlers of routes --- */

int mt_tus_create(struct mt_up *u, struct mt_err *err) MT_MUST_USE;
int mt_tus_head(struct mt_up *u, const char *id, struct mt_err *err) MT_MUST_USE;
int mt_tus_patch(struct mt_up *u, const char *id, struct mt_err *err) MT_MUST_USE;
int mt_tus_options(struct mt_up *u, struct mt_err *err) MT_MUST_USE;

/* Answers 412 unless the request is of a version that is spoken here. */
bool mt_tus_speaks(struct mt_up *u, struct mt_err *err);

int mt_draft_create(struct mt_up *u, struct mt_err *err) MT_MUST_USE;
int mt_draft_head(struct mt_up *u, const char *id, struct mt_err *err) MT_MUST_USE;
int mt_draft_patch(struct mt_up *u, const char *id, struct mt_err *err) MT_MUST_USE;

/* "max-size=..., max-age=..." */
void mt_draft_limits(struct mt_up *u, const struct mt_upload_info *info);

int mt_up_form(struct mt_up *u, struct mt_err *err) MT_MUST_USE;
int mt_up_progress(struct mt_up *u, const char *id, struct mt_err *err) MT_MUST_USE;

#endif
