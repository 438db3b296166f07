/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the commands; what to use when adding one. */
#ifndef MT_STATUS_INTERNAL_H
#define MT_STATUS_INTERNAL_H

#include "status/status.h"
#include "status/table.h"

#include <jansson.h>

/* Kinds of rows, as mt_status_near() tells them apart. */
enum mt_status_kind { MT_STATUS_JOB, MT_STATUS_ASSET, MT_STATUS_ANY };

/* What a command does with one operand: fetches it (a new reference) and shows it. */
struct mt_status_answer {
    enum mt_status_kind kind;
    json_t *(*get)(struct mt_status *s, const char *id, struct mt_err *err);
    int (*show)(struct mt_status *s, const json_t *value, struct mt_err *err);
};

/*
 * Opens the database for reading, once the operands are known to be right. A
 * store that cannot even be named costs a warning and the URLs. From then on a signal
 * ends the program at once: who is about to write a file or to take the screen
 * calls mt_signals_at_once(false) first.
 */
int mt_status_open(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/*
 * Answers each operand and each name in --files-from. MT_ERR_USAGE if there are
 * none.
 */
int mt_status_each(struct mt_status *s, const struct mt_status_answer *answer,
                   struct mt_err *err) MT_MUST_USE;

/* One input that failed: said on stderr, counted, and answered in JSON. */
int mt_status_refuse(struct mt_status *s, const char *input, const struct mt_err *failure,
                     struct mt_err *err) MT_MUST_USE;

/* MT_ERR_USAGE if there are operands. */
int mt_status_no_operands(const struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/* Adds to the failure to find an id what may have been meant. */
void mt_status_near(struct mt_db *db, enum mt_status_kind kind, const char *text,
                    struct mt_err *err);

/* Writes one JSON value as this run writes them. */
int mt_status_print(struct mt_status *s, const json_t *value, struct mt_err *err) MT_MUST_USE;

/* Where tables go; and, after them, whether they got there. */
struct mt_table_style mt_status_style(const struct mt_status *s);
int mt_status_check(struct mt_status *s, struct mt_err *err) MT_MUST_USE;

/* A job as share/schema/job.json has it, without its results. New. */
json_t *mt_status_job_body(const json_t *row);

/* Milliseconds between two times of the row, the second NULL for now; null if one is missing. New.
 */
json_t *mt_status_took(const json_t *row, const char *from, const char *to);

/* "3 min ago" of a time; "" if it is none. Returns out, of MT_AGE_TEXT bytes. */
char *mt_status_age(const char *time, char *out);

/* "2026-01-15 14:00:00 UTC, 3 min ago". free() it; NULL if time is none. */
char *mt_status_when(const char *time);

/* Fills out, of MT_FIGURE bytes, with a duration in ms; "" if it is negative. Returns out. */
char *mt_status_ms(int64_t ms, char *out);

#endif
