/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervise.h - slots, each with a lease and its handler, and what they need of the database.
 *
 * One thread, one loop: it claims while slots are free, renews leases, relays
 * progress, enforces time limits, stops handlers whose lease is lost or whose
 * job is cancelled, and writes the ends. SIGHUP makes it read its settings anew,
 * which hold for what runs already as well. While the database is away it goes on
 * with what it has; an end that could not be written is kept until it can be.
 */
#ifndef MT_WORK_SUPERVISE_H
#define MT_WORK_SUPERVISE_H

#include "work/internal.h"
#include "work/notify.h"
#include "work/patient.h"
#include "work/slot.h"

struct mt_supervisor {
    struct mt_work *w;
    struct mt_patient db;
    struct mt_queue_times times;
    struct mt_slot_plan plan;
    struct mt_slot *slots;
    int n;    /* slots there are */
    int most; /* how many of them are to work at once: fewer, after it was told so */
    struct mt_notify notify;
    struct mt_scratch scratch;
    struct mt_queue_worker worker;
    char name[MT_WORK_NAME];
    char *dir; /* of the handlers */
    json_t *types, *wanted, *classes, *has;
    int signals;   /* signalfd */
    bool draining; /* claims no more */
    bool leaving;  /* ... and stops what runs */
    bool asked;    /* the one claim of --once was made */
    bool empty;    /* the last claim brought nothing */
    int64_t claim_us, tick_us, reap_us, status_us, leave_us, dog_us; /* when it is due */
    int64_t done, failed, retried;                                   /* attempts so far */
};

/* How long to wait before the database is asked for again. */
int64_t mt_supervisor_pause(const struct mt_work *w);

/* The steps of one round: each does what is due, and leaves the rest for the next one. */
void mt_supervisor_claim(struct mt_supervisor *s);
void mt_supervisor_beat(struct mt_supervisor *s);
void mt_supervisor_relay(struct mt_supervisor *s);
void mt_supervisor_finish(struct mt_supervisor *s);
void mt_supervisor_tick(struct mt_supervisor *s);

int mt_supervisor_busy(const struct mt_supervisor *s);

/*
 * Takes over what the options say: jobs at once, types, classes, what it has, handlers, times.
 * w: the supervisor's own, or fresh ones, of which the rest is not looked at. What runs goes on,
 * with leases of the new length; if it is more than is wanted now, it becomes fewer with each that
 * ends. On failure all is as it was; that there is no handler for what is wanted is one, after
 * which nothing is claimed.
 */
int mt_supervisor_settle(struct mt_supervisor *s, const struct mt_work *w,
                         struct mt_err *err) MT_MUST_USE;
void mt_supervisor_forget(struct mt_supervisor *s);

#endif
