/* SPDX-License-Identifier: GPL-2.0-or-later */
/* layers.h - the layers of the jail, in the order in which jail.c puts them on. */
#ifndef MT_JAIL_LAYERS_H
#define MT_JAIL_LAYERS_H

#include "jail/jail.h"

/* Resource limits, and SIGXFSZ ignored. Reads /proc/self/fd: before the others. */
int mt_jail_set_limits(enum mt_jail_profile profile, const struct mt_jail_limits *limits,
                       struct mt_err *err) MT_MUST_USE;

/* The same for another program: nothing of what it inherits counts, it opens files by the hundred.
 */
int mt_jail_set_program_limits(const struct mt_jail_limits *limits, struct mt_err *err) MT_MUST_USE;

/*
 * Landlock with no permitted path, port or peer, as far as the kernel goes. Wants
 * no_new_privs. scratch: the one directory to be used, which makes Landlock
 * indispensable; -1 for none.
 */
int mt_jail_landlock(int scratch, struct mt_err *err) MT_MUST_USE;

/* Landlock for another program: the system and readable can be read and executed. */
int mt_jail_landlock_program(const struct mt_jail_program *program, struct mt_err *err) MT_MUST_USE;

/* Its filter, which refuses what programs do not need and lets the rest pass. */
int mt_jail_seccomp_program(bool network, struct mt_err *err) MT_MUST_USE;

/* The filter of the profile. Nothing that it refuses works afterwards: the last layer. */
int mt_jail_seccomp(enum mt_jail_profile profile, struct mt_err *err) MT_MUST_USE;

#endif
