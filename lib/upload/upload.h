/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * upload.h - files that come in pieces, over connections that break.
 *
 * An upload is a row of the table uploads, which says whose it is and what is
 * to become of it, and two files of one directory, which may be shared by
 * several hosts: ID holds the bytes, ID.state what is known about them. How far
 * an upload has come is the size of its file, and stands nowhere else, so that
 * a chunk costs no write to the database and no crash makes the two differ.
 *
 * What was acknowledged is on the disk: mt_upload_append() gives a new offset
 * only after fdatasync(2), mt_upload_take() only after it has done that for
 * whatever an earlier process left. When the disk is full, the connection
 * breaks or the process is killed, the bytes so far stay.
 *
 * One writer at a time, and the newest wins: who takes an upload while another
 * writes asks that one to stop, which it does within MT_UPLOAD_NOTICE_MS and one
 * write; nobody has to wait until a dead connection has timed out. Both are
 * told by locks of the bytes' file (fcntl(2), F_OFD_SETLK): byte 0 is locked by who writes, byte
 * 1 by who wants to. So it works between threads, processes and hosts alike, and
 * what a killed process wanted or held is forgotten by the kernel. On NFS locks
 * need version 4, or lockd.
 *
 * SHA-256 is computed while bytes come in. Its state is kept every
 * MT_UPLOAD_MARK bytes and when a writer leaves; the next one goes on from there, and
 * reads again what came after the last state. A state that cannot be trusted is
 * dropped, and the file is read from its beginning.
 *
 * A chunk that comes with a checksum counts when it is whole and right: where
 * it began is kept first, and whoever comes after a crash cuts the file there.
 *
 * The life of an upload, as column status has it:
 *
 *   uploading ---finish---> processing ---the job ends, sweep---> completed, failed
 *       |---remove---> cancelled    `---remove---> cancelled
 *       |---expire---> expired
 *       |---fail-----> failed       (a wrong promise: checksum or length)
 *       `---join-----> joined       (a part that is in a final upload now)
 *
 * Finishing submits one job of type "ingest" (see below), whose key is
 * the upload's id, so that it does not matter where a crash falls. The bytes stay
 * until that job is completed, and for max_age_us after it has failed.
 *
 * Codes, besides those of the system and the database: MT_ERR_NOT_FOUND for no such
 * upload, or one of somebody else; MT_ERR_LOCKED when another writer does not
 * let go; others where they are told.
 */
#ifndef MT_UPLOAD_UPLOAD_H
#define MT_UPLOAD_UPLOAD_H

#include "base/clock.h"
#include "base/err.h"
#include "db/db.h"
#include "digest/digest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    MT_UPLOAD_NOTICE_MS = 100,    /* a writer looks so often whether it is wanted elsewhere */
    MT_UPLOAD_PATIENCE_MS = 5000, /* how long a newcomer waits for it */
    MT_UPLOAD_MARK = 64 << 20,    /* bytes between two kept states of the hash */
    MT_UPLOAD_LONELY_S = 60,
    MT_UPLOAD_PARTS_MAX = 1000,    /* of one final upload */
    MT_UPLOAD_NAME_MAX = 1024,     /* bytes of a file name */
    MT_UPLOAD_DOCUMENT_MAX = 65536 /* bytes of metadata or options as JSON */
};

struct mt_upload_rules {
    const char *dir;     /* absolute; made if it is missing */
    int64_t max_bytes;   /* of one upload */
    int64_t max_age_us;  /* without a new byte, before an unfinished upload is removed */
    int64_t user_bytes;  /* of all unfinished uploads of a user; 0: no limit */
    int64_t user_files;  /* how many of them; 0: no limit */
    int64_t spare_bytes; /* of the disk, which no new upload is to take */
};

/* Opened once; used by any number of threads, each with a database connection of its own. */
struct mt_uploads;

int mt_uploads_open(struct mt_uploads **out, const struct mt_upload_rules *rules,
                    struct mt_err *err) MT_MUST_USE;
void mt_uploads_close(struct mt_uploads **area);
const struct mt_upload_rules *mt_uploads_rules(const struct mt_uploads *area);

/* Who asks. */
struct mt_upload_user {
    const char *id; /* UUID; NULL: nobody in particular */
    bool all;       /* may handle what belongs to others */
};

/* --- beginning --- */

struct mt_upload_spec {
    const char *id;           /* UUID wanted; NULL: a random one */
    const char *filename;     /* as the client has it; its last part is kept; or NULL */
    const char *content_type; /* or NULL */
    int64_t length;           /* bytes; -1: told later */
    const char *sha256;       /* what the whole is to have, 64 hex digits; or NULL */
    const json_t *metadata;   /* object; lent; or NULL */
    const json_t *options;    /* processing options, an object; lent; or NULL */
    const json_t *remember;   /* whatever the caller wants back; lent; or NULL */
    bool partial;             /* a part of a final upload: it is never handed on by itself */
};

/*
 * An empty upload; its id. MT_ERR_TOO_LARGE, MT_ERR_NO_SPACE (disk, or the user's
 * bytes), MT_ERR_LIMIT (the user's files); a wanted id that is taken is a
 * conflict (mt_db_is_conflict()).
 */
int mt_upload_create(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                     const struct mt_upload_spec *spec, char id[MT_UUID_TEXT],
                     struct mt_err *err) MT_MUST_USE;

/* --- looking --- */

struct mt_upload_info {
    char id[MT_UUID_TEXT];
    const char *status;     /* a constant: of the states above */
    int64_t offset;         /* bytes received; -1: the file is not there (any more) */
    int64_t length;         /* -1: not told yet */
    int64_t expires_us;     /* an unfinished upload ends then if no byte comes; else 0 */
    bool partial, final;    /* of concatenation */
    const char *job_id;     /* or NULL; points into row */
    const char *asset_id;   /* likewise */
    const json_t *error;    /* why it has failed, as in documents; or NULL; in row */
    const json_t *remember; /* or NULL; in row */
    json_t *row;            /* of uploads, and of its job as job_status, job_progress, job_step */
};

/*
 * What is known, without disturbing anybody; bytes that have just arrived
 * count here before they are safe. Of a job that has ended the status says so at once.
 */
int mt_upload_look(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                   const char *id, struct mt_upload_info *info, struct mt_err *err) MT_MUST_USE;
void mt_upload_info_free(struct mt_upload_info *info);

/* --- writing --- */

struct mt_upload; /* an upload that nobody else writes */

/*
 * Takes the upload over, whoever has it. Afterwards the offset is true and safe.
 * An upload in another state than uploading can be taken too (to be removed, or
 * shown); bytes are only taken by one that is uploading. MT_ERR_NOT_FOUND also when the bytes
 * are gone. With info (may be NULL) what mt_upload_look() gives.
 */
int mt_upload_take(struct mt_upload **out, struct mt_uploads *area, struct mt_db *db,
                   const struct mt_upload_user *user, const char *id, struct mt_upload_info *info,
                   struct mt_err *err) MT_MUST_USE;

/* Keeps the state of the hash and lets go. */
void mt_upload_release(struct mt_upload **up);

int64_t mt_upload_offset(const struct mt_upload *up);
int64_t mt_upload_length(const struct mt_upload *up); /* -1: not told yet */

/* The length, told late. MT_ERR_USAGE if another one was told before, or if there is more already.
 */
int mt_upload_set_length(struct mt_upload *up, struct mt_db *db, int64_t length,
                         struct mt_err *err) MT_MUST_USE;

/* Name, kind, metadata and options, told late; those of spec that are NULL stay as they are. */
int mt_upload_describe(struct mt_upload *up, struct mt_db *db, const struct mt_upload_spec *spec,
                       struct mt_err *err) MT_MUST_USE;

enum { MT_UPLOAD_LATER = -2 };

/* Where bytes come from. */
struct mt_upload_source {
    /*
     * Up to n bytes: their number; 0 at the end of the chunk; MT_UPLOAD_LATER when
     * none came within wait_ms; -1 when it broke off.
     */
    ssize_t (*read)(void *ctx, void *data, size_t n, int wait_ms, struct mt_err *err);
    void *ctx;
};

/* What a chunk is to have. */
struct mt_upload_checksum {
    const char *algorithm; /* "sha1", "sha256" */
    unsigned char raw[32];
    size_t size; /* bytes of raw */
};

/*
 * Appends a chunk. mt_upload_offset() tells what is safe afterwards, on failure
 * too: MT_ERR_TOO_LARGE (more than the length, or than is allowed; what fits was kept),
 * MT_ERR_NO_SPACE, MT_ERR_LOCKED (somebody else has taken the upload), MT_ERR_CHECKSUM
 * (the chunk was dropped), or what the source said. With a checksum (NULL: none) a chunk that
 * did not come to its end is dropped.
 */
int mt_upload_append(struct mt_upload *up, const struct mt_upload_source *source,
                     const struct mt_upload_checksum *want, struct mt_err *err) MT_MUST_USE;

/* --- ending --- */

struct mt_upload_done {
    char job_id[MT_UUID_TEXT];
    char sha256[MT_SHA256_TEXT];
};

/*
 * All bytes are there: hashes, asks allowed() whether that may still be done (NULL: yes; what
 * it fails with is passed on, and the upload stays as it is), and submits the job "ingest" with
 * the parameters {"upload_id", "path", "filename", "size", "checksum", "uploaded_by", "metadata",
 * "processing_options"}; those that are not known are null. A length that was
 * not told is the offset. Doing it twice gives the same job. MT_ERR_CHECKSUM if the promise was
 * wrong: the upload has failed then. MT_ERR_USAGE if bytes are missing.
 */
int mt_upload_finish(struct mt_upload *up, struct mt_db *db,
                     int (*allowed)(void *ctx, struct mt_err *err), void *ctx,
                     struct mt_upload_done *done, struct mt_err *err) MT_MUST_USE;

/* The upload has failed for the reason; its bytes are removed. */
int mt_upload_fail(struct mt_upload *up, struct mt_db *db, const struct mt_err *why,
                   struct mt_err *err) MT_MUST_USE;

/* Ends it in any state: writers are stopped, bytes removed, the job is cancelled if it waits or
 * runs. */
int mt_upload_remove(struct mt_uploads *area, struct mt_db *db, const struct mt_upload_user *user,
                     const char *id, struct mt_err *err) MT_MUST_USE;

/*
 * One upload out of n complete partial ones of the same user, in that order; an id may
 * stand there twice. The bytes are copied. MT_ERR_USAGE if one is no part or is not
 * complete. The parts can be used again for a quarter of an hour.
 */
int mt_upload_join(struct mt_upload **out, struct mt_uploads *area, struct mt_db *db,
                   const struct mt_upload_user *user, const struct mt_upload_spec *spec,
                   const char *const parts[], int n, char id[MT_UUID_TEXT],
                   struct mt_err *err) MT_MUST_USE;

/*
 * Hands on what has been whole for MT_UPLOAD_LONELY_S without anybody doing so: its process died
 * between the last byte and the job, and the client does not come back. may() is asked of each with
 * what the caller remembers of it and the time of its last byte; parts, and what somebody
 * writes to, are left alone.
 */
int mt_upload_sweep_whole(struct mt_uploads *area, struct mt_db *db,
                          bool (*may)(void *ctx, const json_t *remember, int64_t ended_us),
                          void *ctx, int64_t *handed_on, struct mt_err *err) MT_MUST_USE;

struct mt_upload_swept {
    int64_t expired; /* unfinished ones that were given up */
    int64_t ended;   /* those whose job has ended */
    int64_t orphans; /* files without a row */
};

/*
 * Removes what nobody needs any more; call it every minute or so, on any number of hosts.
 * What a living writer holds is left alone, and what got a byte within max_age_us.
 */
int mt_upload_sweep(struct mt_uploads *area, struct mt_db *db, struct mt_upload_swept *swept,
                    struct mt_err *err) MT_MUST_USE;

#endif
