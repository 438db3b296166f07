/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * distribute.h - one film, many machines.
 *
 * A job of the queue that transcodes a film in parts is run several times, by whatever worker has
 * it then:
 *
 *   1. It plans, puts the plan into a ledger of rows and objects (transcode/ledger.h), and submits
 *      a job for each part of the film and one for the sound, which belong to it (parent_id).
 *      Then it waits for them (waits_for in queue/queue.h): it holds no worker meanwhile.
 *   2. The jobs of parts run the same command with --part. Each encodes its segments into the
 *      ledger, under its own lease, by the engine of one machine. One that is lost is tried again,
 *      and goes on behind the last segment that was recorded.
 *   3. When all of them have ended, the job runs again, finds that nothing is missing, joins,
 *      verifies and publishes, again as on one machine. So the result is the same to the byte.
 *
 * If parts are missing after all (lost objects, wrong checksums) they are submitted again. If one
 * has failed for good, so has the job, with the message of that part, which names the segment; its
 * other parts are cancelled, and what is finished stays for a retry. How a film is cut and with
 * how many threads is in the plan, so it does not matter on which machine a part is made; but all
 * of them must have the same version of this program and of its libraries, and the same settings.
 */
#ifndef MT_TRANSCODE_DISTRIBUTE_H
#define MT_TRANSCODE_DISTRIBUTE_H

#include "transcode/distribution.h"
#include "transcode/engine.h"

enum { MT_PARTS_MAX = 900 }; /* jobs for one film: longer films have longer parts */

/* What was done of it here. */
enum mt_distributed {
    MT_DISTRIBUTED_ALL,     /* all of it is in the ledger, or is to be made here: go on */
    MT_DISTRIBUTED_PART,    /* the part that was asked for is */
    MT_DISTRIBUTED_WAITING, /* parts were submitted, and the document says for what it waits */
    MT_DISTRIBUTED_QUEUED,  /* without a lease: a job was submitted that will do all of it */
};

/* Whether this process may make and publish renditions itself, not only a part or a job. */
bool mt_distribution_leads(const struct mt_distribution *d, const struct mt_item *item);

/*
 * Opens the ledger for it; work: eight hex digits for all settings. MT_ERR_USAGE with -o DIR, where
 * there is no database, and for a part without a lease.
 */
int mt_distribution_open(struct mt_ledger **out, const struct mt_distribution *d,
                         struct mt_item *item, const char *work, struct mt_err *err) MT_MUST_USE;

/*
 * The next step. MT_ERR_BUSY: this machine cannot take part, another may (other versions).
 * The failure of a part as it has failed; what was temporary there is not any more.
 */
int mt_distribute(struct mt_engine *engine, const struct mt_distribution *d, const char *work,
                  enum mt_distributed *done, struct mt_err *err) MT_MUST_USE;

#endif
