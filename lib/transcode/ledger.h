/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger.h - which segments of a film are finished, so that work goes on where it ended.
 *
 * A ledger belongs to one source and one set of recipes. It keeps the plan, the finished
 * segments of each rendition, and the sound. What is recorded is durable and was verified; what
 * was written and not recorded is cut off when the ledger is opened again.
 *
 * This one is a directory on this machine, locked by who works in it:
 *
 *   plan.json           the plan, and which source it was made for
 *   journal             a JSON object a line for each finished segment, and for the sound
 *   RECIPE-SLOT.seg     the segments of a rendition that one worker made, one after the other
 *   sound-BPS.mp4
 */
#ifndef MT_TRANSCODE_LEDGER_H
#define MT_TRANSCODE_LEDGER_H

#include "av/segment.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct mt_ledger;

/*
 * Opens, or makes, the ledger in the directory for a source (any JSON that tells it from others;
 * lent). What was made of another source is forgotten. MT_ERR_LOCKED when another process works
 * in it.
 */
int mt_ledger_open(struct mt_ledger **out, const char *dir, const json_t *source,
                   struct mt_err *err) MT_MUST_USE;

/* Closes it and keeps what it has. */
void mt_ledger_close(struct mt_ledger **ledger);

/* Removes it from the disk as well, when all is published. */
void mt_ledger_remove(struct mt_ledger **ledger);

/* Removes ledgers beside this one that nobody has touched for a week. */
void mt_ledger_sweep(const struct mt_ledger *ledger);

/* The plan, lent; NULL if there is none yet. Setting one forgets all segments. */
const json_t *mt_ledger_plan(const struct mt_ledger *ledger);
int mt_ledger_set_plan(struct mt_ledger *ledger, const json_t *plan,
                       struct mt_err *err) MT_MUST_USE;

/* The file that a worker in this slot appends segments of a rendition to; the ledger's own. -1. */
int mt_ledger_data(struct mt_ledger *ledger, const char *recipe, int slot,
                   struct mt_err *err) MT_MUST_USE;

/*
 * Records a segment as mt_av_segments' done() reports it; recipes[] names its renditions,
 * which lie in the files of that slot. Durable on return.
 */
int mt_ledger_record(struct mt_ledger *ledger, const json_t *report, const char *const *recipes,
                     int slot, struct mt_err *err) MT_MUST_USE;

/* The finished segment of a rendition: {"offset", "size", "frames", "video_bytes", "score"}, lent,
 * or NULL. */
const json_t *mt_ledger_segment(const struct mt_ledger *ledger, const char *recipe, int segment);

/* Where that segment lies. */
struct mt_av_piece mt_ledger_piece(const struct mt_ledger *ledger, const char *recipe, int segment);

/* What was said of the source while the segment was made: the report without renditions, lent. */
const json_t *mt_ledger_source(const struct mt_ledger *ledger, int segment);

/* A new, empty file for sound of that bit rate, or the finished one. The ledger's own. -1. */
int mt_ledger_sound_data(struct mt_ledger *ledger, int64_t bps, bool fresh,
                         struct mt_err *err) MT_MUST_USE;

/* Records that the sound of these bit rates is finished, with its report. Durable on return. */
int mt_ledger_record_sound(struct mt_ledger *ledger, const json_t *report, const int64_t *bps,
                           int n, struct mt_err *err) MT_MUST_USE;

/* The report, lent, if the sound of that bit rate is finished; else NULL. */
const json_t *mt_ledger_sound(const struct mt_ledger *ledger, int64_t bps);

#endif
