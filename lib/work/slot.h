/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slot.h - one lease with the handler that works under it, from claim to end. */
#ifndef MT_WORK_SLOT_H
#define MT_WORK_SLOT_H

#include "base/clock.h"
#include "queue/queue.h"
#include "work/handler.h"
#include "work/scratch.h"

#include <stdint.h>

enum mt_slot_state {
    MT_SLOT_FREE,
    MT_SLOT_RUNNING,
    MT_SLOT_ENDED, /* the end has still to be written */
};

/* Why a handler was asked to stop. */
enum mt_slot_stop {
    MT_STOP_NONE,
    MT_STOP_CANCEL,  /* somebody wants the job cancelled */
    MT_STOP_LOST,    /* the lease is over */
    MT_STOP_TIMEOUT, /* the job's time limit */
    MT_STOP_LEAVE,   /* this supervisor is to end */
};

struct mt_slot {
    enum mt_slot_state state;
    char id[MT_UUID_TEXT];
    char type[MT_QUEUE_TYPE_MAX + 1];
    int64_t token;
    struct mt_handler handler;
    char *scratch;
    enum mt_slot_stop stop;
    /* All of mt_mono_us(); 0: never. */
    int64_t beat_us;     /* the next heartbeat is due */
    int64_t told_us;     /* progress was written last */
    int64_t kill_us;     /* it is killed, having been asked to stop */
    int64_t deadline_us; /* its time is up */
    int64_t started_us;
    /* Once ended. */
    bool release; /* give it back instead of ending it */
    struct mt_queue_end end;
    json_t *error;
    char *words;
    int exit_status;
};

/* What all handlers of a supervisor share. */
struct mt_slot_plan {
    const char *const *argv; /* NULL: the handler of the type in dir */
    const char *dir;
    const char *bin; /* where the programs are: put before PATH */
    const char *const *env;
    const char *db, *store;
    const struct mt_scratch *scratch;
    int64_t beat_us; /* between heartbeats */
    bool foreground, loud;
};

/*
 * Starts the handler of a leased row. If it cannot be started the slot has
 * ended, with that as a temporary error.
 */
void mt_slot_start(struct mt_slot *slot, const json_t *row, const struct mt_slot_plan *plan);

/* Asks it to end; after grace_us it is killed. The first reason counts, except that LOST beats all.
 */
void mt_slot_stop(struct mt_slot *slot, enum mt_slot_stop why, int64_t grace_us);

/* Moves data, keeps the times; RUNNING becomes ENDED when the handler has ended. */
void mt_slot_poll(struct mt_slot *slot, int64_t grace_us);

/* Forgets it all. */
void mt_slot_clear(struct mt_slot *slot);

#endif
