/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/stage only. */
#ifndef MT_STAGE_INTERNAL_H
#define MT_STAGE_INTERNAL_H

#include "catalog/job.h"
#include "catalog/lease.h"
#include "catalog/variant.h"
#include "stage/group.h"
#include "stage/stage.h"

struct mt_stage_state {
    const struct mt_stage *stage;
    struct mt_run *run;
    struct mt_lease lease;      /* what db writes under, if a supervisor runs us */
    struct mt_db *db;           /* NULL with -o DIR, unless an id was named */
    struct mt_store *store;     /* where sources are; NULL until needed with -o DIR */
    struct mt_store *out;       /* where results go: store, or the directory of -o */
    struct mt_prober *prober;   /* for plain files, once one is met */
    const struct mt_film *film; /* NULL until it is needed */
    struct mt_group *group;     /* of a lane, else NULL */

    /* Of the input being worked on. */
    int64_t line;              /* of standard input, from 1; 0: an operand */
    json_t *source;            /* with -o: what the notes compare */
    char *stem;                /* with -o: how results begin */
    struct mt_job job;         /* the row of our own, while there is one */
    char job_id[MT_UUID_TEXT]; /* its id, also when it is finished */
    int64_t start_us;
    int64_t reached_us; /* how far into the source its children have come */
};

/* Opens what the run needs and sweeps what dead processes left. */
int mt_stage_open(struct mt_stage_state *st, struct mt_err *err) MT_MUST_USE;
void mt_stage_close(struct mt_stage_state *st);

/*
 * The item for an operand (a file or an asset id), or for a document from stdin, whose reference
 * it takes. item->doc is set also on failure, so that there is something to print.
 */
int mt_item_of_operand(struct mt_item *item, const char *operand, struct mt_err *err) MT_MUST_USE;
int mt_item_of_document(struct mt_item *item, json_t *doc, struct mt_err *err) MT_MUST_USE;

/* stage.c: an operand, to its document on stdout. 1 when the run is to end. */
int mt_stage_take(struct mt_stage_state *st, const char *name, struct mt_err *err) MT_MUST_USE;

/* parallel.c: in how many processes, 1 if it is better done in this one; and the run in them. */
int mt_stage_lanes(const struct mt_stage *stage, const struct mt_run *r);
int mt_stage_parallel(const struct mt_stage *stage, struct mt_run *r, int n,
                      struct mt_err *err) MT_MUST_USE;

/* Whether results are files of -o DIR. */
bool mt_item_is_plain(const struct mt_item *item);

/* "{id}/720p-{recipe}.mp4", or "talk-720p.mp4". free() it. */
char *mt_item_key(const struct mt_item *item, const struct mt_output *output);

/* Members of an entry that the row has no column for. New. */
json_t *mt_entry_details(const json_t *entry);

/* What the row keeps of an entry; details, from mt_entry_details(), must outlive it. */
struct mt_variant_result mt_entry_result(const json_t *entry, const json_t *details);

/* Adds to an entry what only the finished object of key tells. */
void mt_entry_complete(const struct mt_item *item, const char *key, int64_t size,
                       const char *sha256, json_t *entry);

/* Forgets it: document, descriptor, names. */
void mt_item_free(struct mt_item *item);

#endif
