/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail.c - see jail.h. */
#include "jail/jail.h"

#include "jail/layers.h"

#include <dlfcn.h>
#include <sys/prctl.h>

/* The handle is kept on purpose: the library has to stay. */
static void load_unwinder(void)
{
    if (!dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_GLOBAL)) {
        /* Then pthread_exit() will end the process, which is no escape. */
    }
}

/*
 * libnuma reads /sys/devices/system/node at its first use and remembers; without
 * it x265 makes no thread pool. Only if an encoder has loaded it.
 */
static void prime_numa(void)
{
    void *lib = dlopen("libnuma.so.1", RTLD_NOW | RTLD_NOLOAD);
    int (*available)(void);
    int (*max_node)(void);
    int (*node_to_cpus)(int, void *);
    void *(*allocate)(void);
    void (*release)(void *);

    if (!lib)
        return;
    *(void **)&available = dlsym(lib, "numa_available");
    *(void **)&max_node = dlsym(lib, "numa_max_node");
    *(void **)&node_to_cpus = dlsym(lib, "numa_node_to_cpus");
    *(void **)&allocate = dlsym(lib, "numa_allocate_cpumask");
    *(void **)&release = dlsym(lib, "numa_bitmask_free");
    if (!available || !max_node || !node_to_cpus || !allocate || !release || available() < 0)
        return;
    void *mask = allocate();
    for (int node = 0; mask && node <= max_node(); node++)
        node_to_cpus(node, mask);
    if (mask)
        release(mask);
}

static int give_up_privileges(struct mt_err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return mt_fail_errno(err, "cannot give up new privileges");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return mt_fail_errno(err, "cannot hide from debuggers");
    return 0;
}

int mt_jail_enter(enum mt_jail_profile profile, const struct mt_jail_limits *limits,
                  struct mt_err *err)
{
    struct mt_jail_limits l = mt_jail_limits_of(profile, limits);

    if (profile == MT_JAIL_PROGRAM)
        return mt_fail(err, MT_ERR_BUG, "the jail of programs is entered in another way");
    if (!mt_jail_has_seccomp())
        return mt_fail(err, MT_ERR_UNAVAILABLE,
                       "the kernel has no seccomp filters, without which "
                       "foreign files are not opened");
    if (profile == MT_JAIL_SCAN && l.scratch_fd < 0)
        return mt_fail(err, MT_ERR_BUG, "a scanner needs a directory for temporary files");
    if (profile != MT_JAIL_PROBE)
        load_unwinder();
    if (profile == MT_JAIL_ENCODE)
        prime_numa();
    if (mt_jail_set_limits(profile, &l, err) < 0)
        return -1;
    if (give_up_privileges(err) < 0)
        return -1;
    if (mt_jail_landlock(profile == MT_JAIL_SCAN ? l.scratch_fd : -1, err) < 0)
        return -1;
    return mt_jail_seccomp(profile, err);
}

int mt_jail_enter_program(const struct mt_jail_program *program, struct mt_err *err)
{
    struct mt_jail_limits l = mt_jail_limits_of(MT_JAIL_PROGRAM, &program->limits);

    if (!mt_jail_has_seccomp())
        return mt_fail(err, MT_ERR_UNAVAILABLE,
                       "the kernel has no seccomp filters, without which no engine is run");
    if (mt_jail_set_program_limits(&l, err) < 0 || give_up_privileges(err) < 0 ||
        mt_jail_landlock_program(program, err) < 0)
        return -1;
    return mt_jail_seccomp_program(program->network, err);
}
