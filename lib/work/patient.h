/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * patient.h - a connection to the database for a process that outlives its outages.
 *
 * While the database is away nothing is lost but time: who works goes on
 * working, and what is to be written waits.
 */
#ifndef MT_WORK_PATIENT_H
#define MT_WORK_PATIENT_H

#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

struct mt_patient {
    struct mt_db *db; /* NULL while it is away */
    const char *url;
    const struct mt_db_driver *const *drivers;
    int64_t pause_us; /* between two attempts to connect, about */
    int64_t retry_us; /* mt_mono_us() */
    int64_t down_us;  /* since when it is away; 0: it is not */
};

/* The first connection: its failure is the caller's. */
int mt_patient_open(struct mt_patient *p, const char *url,
                    const struct mt_db_driver *const *drivers, int64_t pause_us,
                    struct mt_err *err) MT_MUST_USE;
void mt_patient_close(struct mt_patient *p);

/* Whether it is there; tries to connect again now and then. It is never created anew. */
bool mt_patient_ready(struct mt_patient *p);

/*
 * After a failed call: true if it is the database that has failed, and not the
 * one job; then the connection is given up for a while, and said so once.
 */
bool mt_patient_lost(struct mt_patient *p, const struct mt_err *err);

#endif
