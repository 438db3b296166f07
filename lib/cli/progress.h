/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.h - how far the work is, on stderr.
 *
 * bar: one line on a terminal, redrawn at most ten times a second: name, percent,
 * rate, time left, and the time left of the whole batch. plain: a line every
 * ten seconds. json: NDJSON events (type progress, summary, error), ten a
 * second at most. auto: a bar on a terminal, else nothing. SIGUSR1 prints the
 * state at once in every mode.
 */
#ifndef MT_CLI_PROGRESS_H
#define MT_CLI_PROGRESS_H

#include "cli/cli.h"

#include <stdint.h>

enum mt_progress_unit {
    MT_UNIT_BYTES, /* shown as MB/s */
    MT_UNIT_MEDIA, /* microseconds of film, shown as a multiple of real time */
    MT_UNIT_COUNT, /* things, shown as things a second */
};

/* Chooses the mode. One progress display exists in a program. */
void mt_progress_setup(const char *program, const struct mt_common *common);

/* n inputs are known to come (0: unknown), for the batch's time left. */
void mt_progress_expect(int64_t n);

/* A new input, called name; its stage ("hash", "transcode") and total in units (0: unknown). */
void mt_progress_begin(const char *name, const char *stage, enum mt_progress_unit unit,
                       int64_t total);

/* done of the total; total may have become known (0: unchanged). Cheap: call it often. */
void mt_progress_update(int64_t done, int64_t total);

/*
 * What goes on within the input side by side: an array of {"name", "state", "percent"}, taken.
 * Events have it as "renditions"; SIGUSR1 prints a line for each. It ends with the input.
 */
void mt_progress_parts(json_t *parts);

/* So much of the total was there before this run: it says nothing about the rate. */
void mt_progress_resumed(int64_t done);

/* The input was begun at this time (mt_mono_us()), before it was shown. */
void mt_progress_since(int64_t start_us);

/* Whether anything is shown at all. */
bool mt_progress_shown(void);

/* Adds a figure to the last event of the run. name lives on. */
void mt_progress_tell(const char *name, int64_t value);

/* A line about the whole run: where progress is shown as text, or with --verbose. */
void mt_progress_report(const char *fmt, ...) MT_PRINTF(1, 2);

/* Answers SIGUSR1; for loops that wait for somebody else. */
void mt_progress_poll(void);

/* The input is finished: "completed", "failed", "skipped". code as in the document, or NULL. */
void mt_progress_end(const char *status, const char *code, const char *message);

/* The last event of the run. */
void mt_progress_summary(const struct mt_outcome *outcome, int exit_status);

#endif
