/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger.h - which segments of a film are finished, so that work goes on where it ended.
 *
 * A ledger belongs to one source and one set of recipes. It keeps the plan, the finished
 * segments of each rendition, and the sound. What is recorded is durable and was verified; what
 * was written and not recorded is cut off when the ledger is opened again.
 *
 * There are two kinds. A directory of this machine, locked by who works in it:
 *
 *   plan.json           the plan, and which source it was made for
 *   journal             a JSON object a line for each finished segment, and for the sound
 *   RECIPE-SLOT.seg     the segments of a rendition that one worker made, one after the other
 *   sound-VOICE.mp4
 *
 * And rows of the table segments with objects of the store, for any number of machines that share
 * only those two. Below {asset}/.work/{work}/ (work stands for the ladder and all settings)
 *
 *   RECIPE-NUMBER.seg   a segment of a rendition
 *   sound-VOICE.mp4
 *
 * and the rows, in which recipe is the work and rendition one of
 *
 *   plan                number 0; details: the plan
 *   RECIPE              number is that of the segment; details: what the encoder reports of it
 *   source              likewise; details: what was met in the source there
 *   sound-VOICE         number 0; details: the report on the sound
 *
 * A row is there when its object is, durably, and names the job, the lease and the process that
 * made it. Under a lease both are written in a transaction that begins with a look at its token
 * (catalog/lease.h): who has lost it can neither record nor replace anything. The plan is written
 * by who plans, rows of segments by who encodes them, and who publishes removes all.
 */
#ifndef MT_TRANSCODE_LEDGER_H
#define MT_TRANSCODE_LEDGER_H

#include "av/segment.h"
#include "base/err.h"
#include "db/db.h"
#include "store/store.h"

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

/* Where rows and objects are; all of it lent, as long as the ledger is open. */
struct mt_ledger_place {
    struct mt_db *db; /* for writing */
    struct mt_store *store;
    const char *asset_id;
    const char *work; /* eight hex digits for all that decides what is made */
};

/* Opens the ledger of rows and objects. There may be many users at a time, each with its share. */
int mt_ledger_open_rows(struct mt_ledger **out, const struct mt_ledger_place *place,
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

/*
 * Before they are joined: brings all n segments of a rendition to where they can be read.
 * MT_ERR_CHECKSUM when some are not what was recorded, or gone: these count as not made from then
 * on, and the message names the first.
 */
int mt_ledger_gather(struct mt_ledger *ledger, const char *recipe, int n,
                     struct mt_err *err) MT_MUST_USE;

/* Where that segment lies, once it was gathered. */
struct mt_av_piece mt_ledger_piece(const struct mt_ledger *ledger, const char *recipe, int segment);

/* What was said of the source while the segment was made: the report without renditions, lent. */
const json_t *mt_ledger_source(const struct mt_ledger *ledger, int segment);

/*
 * A new, empty file for a voice (sound of a track in a codec at a rate, see mt_engine_voice()), or
 * the finished one; MT_ERR_CHECKSUM as above. The ledger's own. -1.
 */
int mt_ledger_sound_data(struct mt_ledger *ledger, int64_t voice, bool fresh,
                         struct mt_err *err) MT_MUST_USE;

/* Records that these voices are finished, with the report on them. Durable on return. */
int mt_ledger_record_sound(struct mt_ledger *ledger, const json_t *report, const int64_t *voices,
                           int n, struct mt_err *err) MT_MUST_USE;

/* The report, lent, if that voice is finished; else NULL. */
const json_t *mt_ledger_sound(const struct mt_ledger *ledger, int64_t voice);

#endif
