/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.h - what the database knows, for people and for programs.
 *
 * One function for each command of media-status; none of them changes
 * anything. For programs a command prints JSON, one compact object a line; for
 * people tables, cut to the width of the terminal. What share/schema calls job,
 * queue and media-document is what they print.
 */
#ifndef MT_STATUS_STATUS_H
#define MT_STATUS_STATUS_H

#include "cli/cli.h"
#include "db/db.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Which rows a list shows; NULL: all. */
struct mt_status_filter {
    const char *status;
    const char *type;
    const char *asset;  /* id or the beginning of one; jobs only */
    const char *cursor; /* member "next" of an earlier list; NULL: from the newest */
    int64_t limit;      /* rows at most */
};

/* What a report is about, and its form. */
struct mt_status_report {
    const char *since, *until; /* dates or times; NULL: without end */
    bool csv;
    const char *html; /* where the page goes: a file, or "-"; NULL: no page */
    const char *lang; /* of the page: "en", "ar" */
};

/* Of the HTTP API, what doctor looks at; NULL: it is not configured. */
struct mt_status_api {
    const char *jwks_file, *url_keys; /* files of keys */
    const char *uploads;              /* directory */
    const char *rate_file;
    const char
        *listen; /* "unix:/path" or "host:port"; NULL: the socket of systemd, if it is there */
};

struct mt_status {
    /* Set by the program. */
    struct mt_run *run;
    const struct mt_common *common;
    const struct mt_store_driver *const *stores;
    const struct mt_db_driver *const *dbs;
    const char *db_read; /* URL of a replica to ask instead of common->db, or NULL */
    struct mt_status_filter filter;
    const char *nginx;        /* doctor: a configuration of nginx to look at, or NULL */
    struct mt_status_api api; /* doctor */
    const char *clamd;        /* doctor: the socket of a clamd, or NULL: the usual places */
    const char *signatures;   /* doctor, metrics: the directory of signatures, or NULL: the usual */
    const char *output;       /* metrics: the file to write, or NULL: out */
    struct mt_status_report report;
    int64_t interval_us; /* between two looks of watch: 100 ms to an hour */
    FILE *out;
    bool table;  /* tables for people; else JSON ... */
    bool indent; /* ... on several lines */
    int columns; /* how wide the tables may be */

    /* Opened by the commands, released by mt_status_close(). */
    struct mt_db *db;
    struct mt_store *store; /* only named, so that it need not exist; NULL: no URLs */
};

/* Closes what a command has opened. */
void mt_status_close(struct mt_status *s);

/*
 * The commands. What is found is printed in the order of the operands; an
 * operand that names nothing is counted in run->outcome and, in JSON, answered
 * by {"schema", "input", "error"}. -1 for what ends the run: the
 * database cannot be read, the output cannot be written, wrong usage.
 */

/* Jobs by their ids. */
int mt_status_job(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/*
 * Assets by their ids. Without operands and with standard input not a
 * terminal: the assets of the media documents on it, as the database knows
 * them; documents that it cannot know (with an error, without an id) pass
 * through, and all that leave with an error are counted as failed.
 */
int mt_status_asset(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/*
 * Lists, newest first, as the filter says. In JSON the last line has a member
 * "next": the cursor of what follows, or null.
 */
int mt_status_jobs(struct mt_status *s, struct mt_err *err) MT_MUST_USE;
int mt_status_assets(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/* How many jobs there are in each state, since when one waits, and what runs. */
int mt_status_queue(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/*
 * Why a job, an asset or an upload is as it is: what failed where, how the
 * process ended that did it, the cause in plain words, the remedy, and the
 * command that tries again. Says only what rows say, so that it works years later.
 */
int mt_status_why(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/*
 * Whether this machine can do the work, and safely: each check with a verdict,
 * its reason and what to do. Changes nothing, except that a store which exists
 * is given a small object, which is read back and removed. What is found counts
 * in run->outcome so that the program ends with 0, 3 (warnings) or 10 (problems).
 */
int mt_status_doctor(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/*
 * Figures for Prometheus in its text format: what waits, what was done, how
 * long it took, why it failed, what is stored. To out, or into the file output,
 * which is replaced whole. No figure is labelled with an id.
 */
int mt_status_metrics(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/*
 * Without operands the figures of all that was created in the period, with one
 * what is known of that asset; as JSON, a table, CSV or a page of HTML.
 */
int mt_status_report(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/* What runs, waits and has failed, redrawn until a key or a signal ends it. */
int mt_status_watch(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

#endif
