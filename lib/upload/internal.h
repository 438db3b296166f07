/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/upload only. */
#ifndef MT_UPLOAD_INTERNAL_H
#define MT_UPLOAD_INTERNAL_H

#include "digest/running.h"
#include "upload/upload.h"

struct mt_uploads {
    struct mt_upload_rules rules;
    char *dir;
    int dirfd;
};

/* What the state file tells; the newer of two slots that is whole. */
struct mt_upload_mark {
    uint64_t seq;
    int64_t guard;                        /* a checked chunk began here; -1: none is under way */
    unsigned char hash[MT_RUNNING_STATE]; /* of the first bytes */
};

struct mt_upload {
    struct mt_uploads *area;
    char id[MT_UUID_TEXT];
    int fd; /* locked */
    int state_fd;
    json_t *row;
    int64_t offset;  /* size of the file */
    int64_t durable; /* of it, known to be on the disk */
    int64_t length;  /* -1: not told */
    int64_t ceiling; /* no byte from here on; at most the length */
    struct mt_upload_mark mark;
    struct mt_running *hash; /* NULL: not needed so far. Covers durable bytes and those after */
};

/* --- area.c: names in the directory --- */

enum { MT_UPLOAD_STATE_NAME = MT_UUID_TEXT + 8 };

/* "ID.state" */
char *mt_upload_state_name(const char *id, char out[MT_UPLOAD_STATE_NAME]);

/* Removes both files; those that are not there do not matter. */
int mt_upload_unlink(struct mt_uploads *area, const char *id, struct mt_err *err) MT_MUST_USE;

/* mt_upload_create(), of parts (or NULL). */
int mt_upload_begin(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                    const struct mt_upload_spec *spec, const json_t *parts, char id[MT_UUID_TEXT],
                    struct mt_err *err) MT_MUST_USE;

/* --- mark.c --- */

enum { MT_UPLOAD_SLOT = 512 };

/* An empty state file's content, durable. */
int mt_upload_mark_create(int fd, struct mt_err *err) MT_MUST_USE;

/* The last mark; that of an empty upload if none can be read. */
void mt_upload_mark_read(int fd, struct mt_upload_mark *mark);

/* Writes it over the older slot, and counts it up; sync: durable. */
int mt_upload_mark_write(int fd, struct mt_upload_mark *mark, bool sync,
                         struct mt_err *err) MT_MUST_USE;

/* --- hold.c: who writes --- */

/* Locks byte 0, asking whoever has it to let go. MT_ERR_LOCKED after patience_ms. */
int mt_upload_hold(int fd, int patience_ms, struct mt_err *err) MT_MUST_USE;

/* Whether somebody else waits for it. */
bool mt_upload_wanted(int fd);

/* Opens the bytes and locks them; the descriptor, or -1: MT_ERR_NOT_FOUND. */
int mt_upload_open_held(struct mt_uploads *area, const char *id, int patience_ms,
                        struct mt_err *err) MT_MUST_USE;

/* --- rows.c --- */

/* The row with its job; MT_ERR_NOT_FOUND also if it is not for the user. New. */
json_t *mt_upload_row(struct mt_db *db, const struct mt_upload_user *user, const char *id,
                      struct mt_err *err);

/* Its state, with what its job tells of the end. A constant. */
const char *mt_upload_status(const json_t *row);

/* The row of a new upload, unless the user has no room for it. */
int mt_upload_insert(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                     const struct mt_upload_spec *spec, const char *id, const json_t *parts,
                     struct mt_err *err) MT_MUST_USE;

/* The last part of a name, whichever way its directories are cut; NULL if nothing is left. free()
 * it. */
char *mt_upload_last_part(const char *name);

/* MT_ERR_USAGE or MT_ERR_TOO_LARGE for what no upload can have. */
int mt_upload_check_spec(struct mt_uploads *area, const struct mt_upload_spec *spec,
                         struct mt_err *err) MT_MUST_USE;

/*
 * from -> to, with error (or NULL), asset (or NULL). *changed: whether it was in the state
 * from (NULL: that is no matter).
 */
int mt_upload_change(struct mt_db *db, const char *id, const char *from, const char *to,
                     const json_t *error, const char *asset, bool *changed,
                     struct mt_err *err) MT_MUST_USE;

/* What the user may still upload, the upload but (or NULL) apart; INT64_MAX if there is no limit.
 */
int mt_upload_room(struct mt_uploads *area, struct mt_db *db, const char *user, const char *but,
                   int64_t *bytes, int64_t *files, struct mt_err *err) MT_MUST_USE;

/* --- look.c --- */

/* Reads the row again, which we or others may have changed. */
int mt_upload_reread(struct mt_upload *up, struct mt_db *db, struct mt_err *err) MT_MUST_USE;

/* --- append.c --- */

/* Makes the hash cover all bytes. */
int mt_upload_catch_up(struct mt_upload *up, struct mt_err *err) MT_MUST_USE;

#endif
