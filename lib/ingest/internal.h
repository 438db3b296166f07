/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/ingest only. */
#ifndef MT_INGEST_INTERNAL_H
#define MT_INGEST_INTERNAL_H

#include "base/clock.h"
#include "catalog/job.h"
#include "digest/digest.h"
#include "ingest/ingest.h"
#include "ingest/scanning.h"

#include <sys/stat.h>

/* What one run of media-ingest holds. */
struct mt_intake {
    const struct mt_ingest *spec;
    struct mt_run *run;
    struct mt_db *db; /* NULL in a dry run, as is the store */
    struct mt_store *store;
    struct mt_helper *helper;
    struct mt_scanner *scanner;
};

/* One input on its way. */
struct mt_entry {
    struct mt_intake *in;
    const char *name; /* as the user gave it, for messages */
    const char *base; /* the file name that is recorded */
    bool is_stdin;
    int fd;
    struct stat stat; /* of fd when it was opened */
    json_t *doc;
    const char *status; /* completed, skipped, planned */

    json_t *found;                /* the helper's answer */
    json_t *metadata;             /* what the asset's row will keep */
    struct mt_scanning *scanning; /* while it runs */
    json_t *scan;                 /* the verdict */
    const char *upload_status;    /* that the policy gives it: completed, held */
    const struct mt_format *format;

    char id[MT_UUID_TEXT];
    char *key; /* "{id}/original.{ext}" */
    struct mt_put *put;
    int64_t size;
    char sha256[MT_SHA256_TEXT];
    struct mt_job job; /* our row in processing_jobs */
    int64_t start_us;
};

void mt_entry_init(struct mt_entry *e, struct mt_intake *in, const char *name);
void mt_entry_free(struct mt_entry *e);

/*
 * Opens the input and checks what needs no look inside. The bytes of stdin go
 * straight into the store (or, in a dry run, nowhere but a nameless file) and
 * are hashed on the way; e->fd is then what was kept.
 */
int mt_entry_open(struct mt_entry *e, struct mt_err *err) MT_MUST_USE;

/* Starts the scan of what mt_entry_open() opened. */
int mt_entry_scan(struct mt_entry *e, struct mt_err *err) MT_MUST_USE;

/*
 * Waits for the verdict and judges by it: fills scan and upload_status. scan is
 * also in the document then, for a refusal. MT_ERR_INFECTED, MT_ERR_POLICY.
 */
int mt_entry_judge(struct mt_entry *e, struct mt_err *err) MT_MUST_USE;

/*
 * The file is refused for another reason, *err: if the scan finds soon that it
 * is infected, that is the reason to give.
 */
void mt_entry_judge_refused(struct mt_entry *e, struct mt_err *err);

/* Finds out what it is and whether that is accepted; fills found, format, metadata, key. */
int mt_entry_identify(struct mt_entry *e, struct mt_err *err) MT_MUST_USE;

/*
 * For bytes that asset id has already: makes sure that the store has them still, and puts them
 * back from the entry's file if not. Needs fd and sha256.
 */
int mt_entry_restore(struct mt_entry *e, const char *id, struct mt_err *err) MT_MUST_USE;

#endif
