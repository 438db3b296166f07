/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail.h - a process gives up what it does not need before it touches foreign bytes.
 *
 * The caller forks, opens inputs and outputs, closes every other descriptor,
 * loads fonts and models, and then, still single-threaded, enters a profile.
 * From there: no new file can be opened (but see below), no socket made, no
 * program run, no other process seen or signalled; memory, CPU time and the
 * size of files written are bounded. There is no way back.
 *
 * Three layers, each sufficient for most of this: no_new_privs and a seccomp
 * filter that denies by default (libseccomp); Landlock, as much of it as the
 * kernel knows, with an empty list of permitted paths; resource limits.
 */
#ifndef MT_JAIL_JAIL_H
#define MT_JAIL_JAIL_H

#include "base/err.h"

#include <stdint.h>

enum mt_jail_profile {
    MT_JAIL_PROBE,  /* demux and sniff: single-threaded, reads and writes open descriptors */
    MT_JAIL_DECODE, /* as probe, and threads */
    MT_JAIL_ENCODE, /* as decode, and what encoders ask of the machine (NUMA policy, CPU list) */
};

/* What the process may use. 0 means: as the profile says. */
struct mt_jail_limits {
    int64_t memory_bytes; /* address space; ignored under AddressSanitizer, which maps terabytes */
    int64_t cpu_s;        /* processor seconds, all threads together */
    int64_t file_bytes;   /* the largest file that may be written */
};

/*
 * Enters the profile. MT_ERR_UNAVAILABLE when the kernel has no seccomp, a
 * missing Landlock is only logged (MT_LOG_DEBUG). On any failure the process
 * must not go on to parse foreign bytes.
 */
int mt_jail_enter(enum mt_jail_profile profile, const struct mt_jail_limits *limits,
                  struct mt_err *err) MT_MUST_USE;

/* What the kernel offers: Landlock ABI (0: none), whether seccomp filters can be loaded. */
int mt_jail_landlock_abi(void);
int mt_jail_has_seccomp(void);

#endif
