/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why.h - shared by the files of media-status why. */
#ifndef MT_STATUS_WHY_H
#define MT_STATUS_WHY_H

#include "status/internal.h"

/* A job's story as share/schema/why.json has it. New; NULL with *err. */
json_t *mt_why_job(struct mt_status *s, const json_t *row, struct mt_err *err);

/* The same for an asset: what holds or spoils it, and its failed jobs. New; NULL with *err. */
json_t *mt_why_asset(struct mt_status *s, const json_t *row, struct mt_err *err);

/* The same for an upload, with the story of its job. New; NULL with *err. */
json_t *mt_why_upload(struct mt_status *s, const json_t *row, struct mt_err *err);

/*
 * Adds "command" (as a shell takes it, or null) and "command_note" (or null)
 * to the story of a job: what to run to try it again.
 */
void mt_why_again(const struct mt_status *s, const json_t *row, json_t *story);

/* Adds cause and remedy, in plain words, of an error object; null members if it is null. */
void mt_why_cause(json_t *story, const json_t *error);

/* to[name] = what lies at the path in from, or null. */
void mt_why_copy(json_t *to, const char *name, const json_t *from, const char *path);

/* The text as one word of a shell (bash, zsh, ksh); NULL if it needs no quotes. free() it. */
char *mt_why_quote(const char *text);

/* Shows a story of any kind to people. */
int mt_why_show(struct mt_status *s, const json_t *story, struct mt_err *err) MT_MUST_USE;

/* What the job depends on: [{job_id, type, status, on_failure, error}], the oldest first. New. */
json_t *mt_why_depends(struct mt_status *s, const char *id, struct mt_err *err);

/* The job whose failure was handed down to the one with this error; NULL if none was. New. */
json_t *mt_why_root(struct mt_status *s, const json_t *error);

/* Cause and remedy of the story become those of root, which failed first. */
void mt_why_blame(json_t *story, const json_t *root);

#endif
