/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owner.h - which process works on a row, and whether it still lives.
 *
 * An owner is "host/machine/boot/namespace:pid:start": host name, machine id
 * (machine-id(5)), boot id, number of the PID namespace, process id and the
 * start time of the process in clock ticks (proc(5), stat, field 22), which
 * tells it from a later process of the same id. What works under a lease adds
 * "#JOB:TOKEN" (catalog/lease.h), which does not matter here.
 */
#ifndef MT_CATALOG_OWNER_H
#define MT_CATALOG_OWNER_H

enum { MT_OWNER_TEXT = 320 };

enum mt_owner_state {
    MT_OWNER_ALIVE,
    MT_OWNER_DEAD,
    MT_OWNER_ELSEWHERE, /* another machine or container: nobody here can tell */
};

/* This process. Returns out. */
char *mt_owner_self(char out[MT_OWNER_TEXT]);

/*
 * Whether the process lives. Dead is also what ran before this machine was
 * restarted (outside of containers, whose host names prove nothing). A process
 * that has exited and waits for its parent is dead.
 */
enum mt_owner_state mt_owner_state(const char *owner);

/* The same, as seen by the process self. */
enum mt_owner_state mt_owner_state_for(const char *owner, const char *self);

/* The process id in it, 0 if there is none. */
int mt_owner_pid(const char *owner);

#endif
