/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail.h - a process gives up what it does not need before it touches foreign bytes.
 *
 * The caller forks, opens inputs and outputs, closes every other descriptor,
 * loads fonts and models, and then, still single-threaded, enters a profile.
 * From there: no file can be opened, made, renamed or removed, no socket made,
 * no program run, no process made, seen or signalled, no memory made
 * executable; address space, CPU time and the size of files written are
 * bounded. There is no way back.
 *
 * Three layers, each sufficient for most of this: no_new_privs and a seccomp
 * filter that denies by default (libseccomp); Landlock, as much of it as the
 * kernel knows, with an empty list of permitted paths; resource limits.
 *
 * What a refused system call sees. Nothing is killed for asking: encoders ask
 * for a lot and take no for an answer. The answers are chosen so that libraries
 * go on:
 *
 *   EACCES  open, openat, openat2, creat. SVT-AV1 (/proc/cpuinfo) and glibc
 *           (/sys/devices/system/cpu) then use what sched_getaffinity(2) says.
 *   EPERM   what only an attacker needs (execve, ptrace, socket, mount, bpf, ...).
 *   ENOTTY  ioctl, whatever the request: nothing in here is a terminal.
 *   0       sched_setscheduler, which does nothing: SVT-AV1 wants real-time priority
 *           when it runs as root, and writes a warning per thread if it cannot.
 *   ENOSYS  all the rest, clone3 and statx among it: as on an older kernel,
 *           for which glibc and others have a fallback (clone, fstat).
 *
 * System calls of another architecture (i386, x32) kill the process.
 *
 * Lazily loaded things do not load in here: do once before what needs a file
 * (time zone, locale, gconv converters, fonts, magic databases). libgcc_s,
 * which glibc loads at the first pthread_exit() or pthread_cancel(), is loaded
 * by mt_jail_enter(), and libnuma, if it is there, is made to read what x265
 * will ask for. libswscale's SWS_FAST_BILINEAR makes code at run time
 * on x86 and fails; its other scalers do not.
 *
 * MT_JAIL_SCAN is for libclamav, which unpacks archives into files: opening, making and removing
 * pass its filter, and Landlock is what confines them to one directory. It
 * therefore fails with MT_ERR_UNAVAILABLE where the kernel has no Landlock. Names
 * elsewhere can be asked for (stat), not opened.
 *
 * What is left: glibc 2.36, for one, reads the size of a descriptor by
 * newfstatat(fd, "", AT_EMPTY_PATH), and a filter cannot look at the "". Whoever
 * takes over the process can learn so whether a name exists, its size and its
 * times; never its content.
 *
 * With AddressSanitizer or UBSan the filter is the same; only the limit on
 * address space is left out, since the former maps terabytes.
 */
#ifndef MT_JAIL_JAIL_H
#define MT_JAIL_JAIL_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum mt_jail_profile {
    MT_JAIL_PROBE,   /* demux and sniff: single-threaded, reads and writes open descriptors */
    MT_JAIL_DECODE,  /* as probe, and threads */
    MT_JAIL_ENCODE,  /* as decode, and what encoders ask of the machine (NUMA policy, affinity) */
    MT_JAIL_SCAN,    /* as decode, and files below one directory: for unpacking archives */
    MT_JAIL_PROGRAM, /* of mt_jail_enter_program() alone: mt_jail_enter() refuses it */
};

/* What the process may use. 0 means: as the profile says. */
struct mt_jail_limits {
    int64_t memory_bytes; /* address space: 2, 8, 32, 16 GiB; ignored under AddressSanitizer */
    int64_t cpu_s;        /* processor seconds, all threads together: 60, 86400, 604800, 86400 */
    int64_t file_bytes;   /* the largest file that may be written: 1 MiB, 16 GiB, 1 TiB, 2 GiB */

    /*
     * MT_JAIL_SCAN alone, which needs it: a descriptor of the directory below
     * which files and directories may be made, read and removed.
     */
    int scratch_fd;
};

/*
 * The limits that mt_jail_enter() would set, with the profile's own in place of
 * zeros. A limit that the process already has is never raised.
 */
struct mt_jail_limits mt_jail_limits_of(enum mt_jail_profile profile,
                                        const struct mt_jail_limits *limits);

/*
 * Enters the profile; limits may be NULL. MT_ERR_UNAVAILABLE when the kernel has
 * no seccomp; a missing Landlock is only logged (MT_LOG_DEBUG). On any failure
 * the process must not go on to parse foreign bytes.
 *
 * Over the CPU limit the process gets SIGXCPU, which ends it unless handled, and
 * one second later SIGKILL. SIGXFSZ is ignored from here on, so that a write
 * past file_bytes fails with EFBIG. Memory over the limit makes malloc() give NULL. At most
 * 64 descriptors, or a few more than were open, can be in use; none dumps core.
 */
int mt_jail_enter(enum mt_jail_profile profile, const struct mt_jail_limits *limits,
                  struct mt_err *err) MT_MUST_USE;

/*
 * Another program's jail: for executables whose code is trusted (an administrator installed
 * them) and whose input is not. It lets the program start, load libraries, make
 * processes and threads of its own, and read what belongs to the system. It cannot read
 * or list anything else than below the paths named here, cannot write but below scratch_fd, nor
 * make a socket (network: IPv4 and IPv6 only, no Unix socket), nor change or
 * look into other processes, nor make namespaces, mounts, keys, or use what of the kernel
 * only attackers use. Privileges are given up for good.
 *
 * To be called in a forked, single-threaded child just before execve(). Where
 * the kernel has no Landlock only the filter holds, and any file that the user may read can be
 * read: mt_jail_landlock_abi() tells. Signals to other processes of the same user
 * are stopped by Landlock's scopes (ABI 6), on older kernels by refusing kill(2) altogether
 * but for the own process group.
 */
struct mt_jail_program {
    const char *const *readable; /* files and directories; ends with NULL; those missing are passed
                                    over */
    bool network;
    struct mt_jail_limits limits; /* memory 16 GiB, 604800 s, files of 4 GiB unless said; scratch_fd
                                     -1: no file can be written */
};

int mt_jail_enter_program(const struct mt_jail_program *program, struct mt_err *err) MT_MUST_USE;

/* What the kernel offers: Landlock ABI (0: none), whether seccomp filters can be loaded. */
int mt_jail_landlock_abi(void);
int mt_jail_has_seccomp(void);

#endif
