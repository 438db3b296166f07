/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/work only. */
#ifndef MT_WORK_INTERNAL_H
#define MT_WORK_INTERNAL_H

#include "work/commands.h"

enum { MT_WORK_NAME = 160 };

/* Opens the database for writing, notes that it is up, and checks the times that options gave. */
int mt_work_open(struct mt_work *w, struct mt_err *err) MT_MUST_USE;

/* MT_ERR_USAGE when the times of the options do not fit each other. */
int mt_work_check(const struct mt_work *w, struct mt_err *err) MT_MUST_USE;

/* The times of the options, as the queue takes them. */
struct mt_queue_times mt_work_times(const struct mt_work *w);

/* "a,b,c" as an array of words; NULL for NULL. *words is new. */
int mt_work_words(const char *option, const char *text, json_t **words,
                  struct mt_err *err) MT_MUST_USE;

/* What this worker is called. Returns out. */
const char *mt_work_name(const struct mt_work *w, char out[MT_WORK_NAME]);

/* A leased row as handlers and scripts see it: share/schema/queue-job.json. New. */
json_t *mt_work_job_json(const json_t *row);

/* The job that the options describe, as mt_queue_submit() takes it. New; NULL on failure. */
json_t *mt_work_job_spec(const struct mt_work *w, const char *type, struct mt_err *err);

/* Prints {"schema", "job_id", "status"} and counts a success. */
int mt_work_say(struct mt_work *w, const char *id, const char *status,
                struct mt_err *err) MT_MUST_USE;

/* Prints the failure of one input and counts it. */
int mt_work_refuse(struct mt_work *w, const char *input, const struct mt_err *failure,
                   struct mt_err *err) MT_MUST_USE;

/* Whether a failure is about one job rather than the database. */
bool mt_work_is_of_job(const struct mt_err *err);

/* Calls fn for each operand, an id or the beginning of one; those that fail are refused. */
int mt_work_each(struct mt_work *w,
                 int (*fn)(struct mt_work *w, const char *id, struct mt_err *err),
                 struct mt_err *err) MT_MUST_USE;

#endif
