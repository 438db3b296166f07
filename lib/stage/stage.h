/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stage.h - what every filter does around its own work.
 *
 * A filter takes media documents (from stdin), asset ids or files (operands), does
 * one thing with each, adds what it made, and passes the document on, in input
 * order, one line each. This module finds the source and opens it, records the
 * job, publishes results, survives failures of single inputs, and counts them;
 * the filter brings a work function.
 *
 * Sources. An asset id, as operand or in a document, is looked up in the
 * database, and the row decides where the bytes are. A file operand is
 * ingested first (by media-ingest, its sibling), so that results have an asset to
 * belong to. With -o DIR there is no asset: files are read where they lie, results
 * are files in DIR named after the source, and a journal below
 * DIR/.media-toolkit remembers from what each was made.
 *
 * An asset that is held is refused with MT_ERR_POLICY, as its results would be published
 * before it is; not with -o DIR, which publishes nothing, nor by a filter that says takes_held.
 * One that was rejected is refused always.
 *
 * Publishing. Results are immutable and named by what made them: asset id,
 * name, recipe. What is there already is not made again.
 */
#ifndef MT_STAGE_STAGE_H
#define MT_STAGE_STAGE_H

#include "av/av.h"
#include "cli/cli.h"
#include "cli/limits.h"
#include "db/db.h"
#include "film/film.h"
#include "store/store.h"
#include "worker/worker.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct mt_stage_state; /* the module's own */

/* One input being worked on; lent to the work function. */
struct mt_item {
    json_t *doc;          /* the document; the work function may add members */
    const char *asset_id; /* NULL with -o DIR */
    const char *name;     /* of the source, for messages */
    int fd;               /* the source: a regular file, read-only */
    int64_t duration_us;  /* of the source as probed; 0: unknown */
    const char
        *status;    /* how the stage ended: "completed" unless the work function says otherwise */
    json_t *report; /* members for stages.NAME besides status, error and took_ms */
    bool known;     /* by the stage's knows() */
    double from, share; /* the part of the whole that the present child is: progress runs from ..
                           from + share */
    struct mt_stage_state *state;
};

/* The options that all filters share; a member of their settings. */
struct mt_stage_options {
    const char *output; /* -o DIR, or NULL */
    bool force;
    int64_t memory, timeout_us; /* of one jailed child; 0: no limit of ours */
    int64_t pixels, side, streams, duration_us, frames;
};

#define MT_STAGE_OPTS(T)                                                                           \
    MT_STR(T, stage.output, 'o', "output", "DIR", NULL,                                            \
           "write plain files into DIR, no database"),                                             \
        MT_FLAG(T, stage.force, 0, "force", "make again what is there already"),                   \
        MT_DURATION(T, stage.timeout_us, 0, "timeout", NULL, "longest work on one file"),          \
        MT_LIMIT_OPTS(T, stage.)

/* The values those options have when nobody sets them. */
void mt_stage_defaults(struct mt_stage_options *options);

struct mt_stage {
    const char *name;     /* in the document: "transcode" */
    const char *job_type; /* in processing_jobs: "transcode", "thumbnail", "analyze" */
    json_t *parameters;   /* the job's input_parameters; lent */

    /* Those for a document that asks for something of its own; new, or NULL with *err. NULL: the
     * same for all. */
    json_t *(*parameters_for)(const json_t *doc, void *ctx, struct mt_err *err);
    const struct mt_common *common;
    const struct mt_stage_options *options;
    bool unrecorded; /* it only submits a job: it is none itself */
    bool takes_held; /* what it makes of an asset that is held is seen by nobody but who decides */
    const struct mt_store_driver *const *stores;
    const struct mt_db_driver *const *dbs;

    /*
     * The media libraries: film where the program is linked with them, else how to load them when
     * an input is met that needs them.
     */
    const struct mt_film *film;
    const struct mt_film *(*load_film)(struct mt_err *err);

    /*
     * Does the work on one input. -1 with *err: MT_ERR_NOT_APPLICABLE becomes
     * the stage's status of that name; MT_ERR_CANCELLED ends the run; any other
     * fails the stage for this document, which goes on all the same.
     */
    int (*work)(struct mt_item *item, void *ctx, struct mt_err *err);

    /*
     * Whether the work itself finds out what the plain file behind fd is, so that it need not be
     * probed: then this has set content_type and mime_type of asset. NULL: it never does.
     */
    bool (*knows)(int fd, json_t *asset, void *ctx);
    void *ctx;

    /*
     * How many operands are worked on at once, each in a process that takes every n-th, where
     * some are known by the above, results go to -o DIR, and no two of them would have the same
     * names; 0: as many as there are processors.
     */
    int64_t jobs;
};

/* Runs the filter over all of its inputs. Failures of single inputs are counted in r->outcome. */
int mt_stage_run(const struct mt_stage *stage, struct mt_run *r, struct mt_err *err) MT_MUST_USE;

/* The limits of the options, as the media libraries take them. */
struct mt_av_limits mt_stage_limits(const struct mt_stage_options *options);

/*
 * The media libraries, loaded if they are not yet, and ready for use in this process and in its
 * children. To be called before the child that needs them is started. NULL: MT_ERR_UNAVAILABLE.
 */
const struct mt_film *mt_item_film(struct mt_item *item, struct mt_err *err);

/*
 * What an output is called: "720p" or "thumbs/30s", its recipe and its extension; or, where several
 * lie in a directory of their own, "storyboard" and below it "sheet-0":
 * {id}/storyboard-{recipe}/sheet-0.jpg, or DIR/talk-storyboard/sheet-0.jpg with -o DIR.
 */
struct mt_output {
    const char *name;
    const char *below; /* NULL: name is that of the file */
    const char *recipe;
    const char *ext;
    const char *type;    /* as variant_type: "high_res", "thumbnail" */
    const char *quality; /* "720p", or NULL */
};

/*
 * Whether the output was made before, from this source, by this recipe, and is
 * still there: 1 and its entry as the document shows it (a new reference), else 0. Always 0
 * with --force. -1 when that cannot be found out.
 */
int mt_item_made(struct mt_item *item, const struct mt_output *output, json_t **entry,
                 struct mt_err *err) MT_MUST_USE;

/*
 * All that was made before by a recipe below a name ("thumbs/"), in order of name; an array, new.
 * Empty with --force.
 */
json_t *mt_item_made_below(struct mt_item *item, const char *name, const char *recipe,
                           struct mt_err *err);

/* An output that is being made. Zero it before use. */
struct mt_making {
    struct mt_put *put; /* where it is written: mt_put_write(), mt_put_fd() */
    char id[37];        /* of its row, or "" */
};

/*
 * Begins the output, announcing it to other processes: MT_ERR_LOCKED when one of them makes
 * the same at this moment. End it with mt_item_publish() or mt_item_abandon().
 */
int mt_item_begin(struct mt_item *item, const struct mt_output *output, struct mt_making *making,
                  struct mt_err *err) MT_MUST_USE;

/*
 * Makes the output durable and visible and adds what only now is known to entry
 * (id, url, cdn_url, file_size, checksum). entry has variant_type and the document's members for
 * the output; it stays the caller's. On failure nothing remains of it.
 */
int mt_item_publish(struct mt_item *item, const struct mt_output *output, struct mt_making *making,
                    json_t *entry, struct mt_err *err) MT_MUST_USE;

/* Forgets what was begun; nothing if it was published. */
void mt_item_abandon(struct mt_item *item, struct mt_making *making);

/*
 * Many small outputs, begun, made durable and published together: for each the order is that of
 * mt_item_begin() and mt_item_publish(), the cost is that of a few. They become visible 64 at a
 * time at most; what one batch adds between two calls of mt_batch_publish() becomes so at once if
 * it is no more than that. With -o DIR a result that was not made by this program is not replaced,
 * without --force.
 */
struct mt_batch;

/* entries: an array, lent, to which the entry of each output is appended when it is published. */
struct mt_batch *mt_batch_new(struct mt_item *item, json_t *entries);

/*
 * Adds an output of n bytes, which are copied, as are the names. entry as for mt_item_publish(); a
 * new reference, taken also on failure. After a failure, which is a failure of the whole
 * batch, only mt_batch_free() is of use. What is no column of a row may be added to entry until it
 * is published.
 */
int mt_batch_add(struct mt_batch *batch, const struct mt_output *output, json_t *entry,
                 const void *data, size_t n, struct mt_err *err) MT_MUST_USE;

/* Publishes what is not yet. On failure nothing remains of that. */
int mt_batch_publish(struct mt_batch *batch, struct mt_err *err) MT_MUST_USE;

/* Records members that were added to the entry of a published output. */
int mt_item_amend(struct mt_item *item, const struct mt_output *output, const json_t *entry,
                  struct mt_err *err) MT_MUST_USE;

/* Forgets what was not published; *batch becomes NULL. */
void mt_batch_free(struct mt_batch **batch);

/*
 * Records a finished analysis of the type (no effect with -o DIR) with the language and confidence
 * that the results tell; of an array the mean confidence of its entries. engine: who found it, or
 * NULL. results is lent.
 */
int mt_item_record(struct mt_item *item, const char *type, const char *recipe, const char *engine,
                   const json_t *results, struct mt_err *err) MT_MUST_USE;

/*
 * The result of the type that the same recipe gave before; NULL with MT_ERR_NOT_FOUND when there is
 * none, with --force and with -o DIR. New.
 */
json_t *mt_item_recorded(struct mt_item *item, const char *type, const char *recipe,
                         struct mt_err *err);

/*
 * Shows how far the work is, and writes it to the job now and then. MT_ERR_CANCELLED when
 * somebody has asked to cancel the job.
 */
int mt_item_progress(struct mt_item *item, int64_t done_us, int64_t total_us,
                     struct mt_err *err) MT_MUST_USE;

/* So much was made by an earlier run: it says nothing about how long the rest takes. */
void mt_item_resumed(struct mt_item *item, int64_t done_us, int64_t total_us);

/*
 * Runs fn in a jailed child with the item's limits; its lines {"progress": [done_us, total_us]}
 * are shown, any other goes to on_line. fds: what the child keeps besides the source.
 */
struct mt_item_work {
    const char *what; /* "transcoding" */
    bool encode;      /* the jail of encoders instead of decoders */
    int (*run)(void *arg, struct mt_worker *worker, struct mt_err *err);
    void *arg;
    int (*on_line)(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err);
    void *ctx;
    const int *fds; /* at most MT_ITEM_FDS */
    int n_fds;
    bool raw; /* on_line gets the lines about progress as well */
    int nice; /* added to the niceness */
};
enum { MT_ITEM_FDS = 512 };

int mt_item_run(struct mt_item *item, const struct mt_item_work *work,
                struct mt_err *err) MT_MUST_USE;

/*
 * The same for several children at once, as mt_worker_start(), mt_worker_wait() and
 * mt_worker_end(). *work must live until the child has ended; its fds are copied.
 */
struct mt_item_child;

int mt_item_start(struct mt_item *item, const struct mt_item_work *work,
                  struct mt_item_child **child, struct mt_err *err) MT_MUST_USE;
int mt_item_wait(struct mt_item_child *const children[], int n) MT_MUST_USE;
int mt_item_end(struct mt_item_child **child, struct mt_err *err);

/* For work that is shared with other machines: the database and the store, lent; NULL with -o DIR.
 */
struct mt_db *mt_item_db(const struct mt_item *item);
struct mt_store *mt_item_store(const struct mt_item *item);

/*
 * A directory of this machine for work in progress on the item, one for each name: beside its
 * results, where listings and sweeps do not look. It need not exist. free() it; NULL with
 * MT_ERR_UNAVAILABLE where results do not lie on this machine.
 */
char *mt_item_workdir(const struct mt_item *item, const char *name, struct mt_err *err);

/* A progress callback that sends such lines from the child; ctx is the worker. */
int mt_stage_tell(void *worker, int64_t done_us, int64_t total_us);

/* The eight hex digits that stand for settings (any JSON) and tool version. */
void mt_stage_recipe(const json_t *settings, char recipe[9]);

#endif
