/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limits.c - the jail's resource limits. */
#include "jail/layers.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#endif

#define GIB (INT64_C(1) << 30)

enum {
    MIN_FDS = 64,
    SPARE_FDS = 8,
    SCAN_FDS = 512, /* archives within archives */
    PROGRAM_FDS = 1024
};

static const struct mt_jail_limits defaults[] = {
    [MT_JAIL_PROBE] = {2 * GIB, 60, INT64_C(1) << 20, 0},
    [MT_JAIL_DECODE] = {8 * GIB, 86400, 16 * GIB, 0},
    [MT_JAIL_ENCODE] = {32 * GIB, 7 * 86400, 1024 * GIB, 0},
    [MT_JAIL_SCAN] = {16 * GIB, 86400, 2 * GIB, 0},
    [MT_JAIL_PROGRAM] = {16 * GIB, 7 * 86400, 4 * GIB, 0},
};

struct mt_jail_limits mt_jail_limits_of(enum mt_jail_profile profile,
                                        const struct mt_jail_limits *limits)
{
    struct mt_jail_limits l = defaults[profile];

    if (limits && limits->memory_bytes > 0)
        l.memory_bytes = limits->memory_bytes;
    if (limits && limits->cpu_s > 0)
        l.cpu_s = limits->cpu_s;
    if (limits && limits->file_bytes > 0)
        l.file_bytes = limits->file_bytes;
    if (limits)
        l.scratch_fd = limits->scratch_fd;
    return l;
}

/* Lowers soft to n and hard to n + slack; a lower limit stays. */
static int lower(int resource, const char *name, int64_t n, int64_t slack, struct mt_err *err)
{
    struct rlimit r;

    if (getrlimit((__rlimit_resource_t)resource, &r) < 0)
        return mt_fail_errno(err, "cannot read the limit of %s", name);
    if (r.rlim_max > (rlim_t)(n + slack))
        r.rlim_max = (rlim_t)(n + slack);
    if (r.rlim_cur > (rlim_t)n)
        r.rlim_cur = (rlim_t)n;
    if (setrlimit((__rlimit_resource_t)resource, &r) < 0)
        return mt_fail_errno(err, "cannot limit %s", name);
    return 0;
}

/* One more than the highest descriptor in use; 1024 where /proc is not mounted. */
static int open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *e;
    int top = 0;

    if (!dir)
        return 1024;
    while ((e = readdir(dir))) {
        int fd = atoi(e->d_name);
        if (fd >= top && fd != dirfd(dir))
            top = fd + 1;
    }
    closedir(dir);
    return top;
}

static int set_limits(const struct mt_jail_limits *limits, int fds, struct mt_err *err)
{
#ifndef HAVE_ASAN
    if (lower(RLIMIT_AS, "memory", limits->memory_bytes, 0, err) < 0)
        return -1;
#endif
    if (lower(RLIMIT_CPU, "processor time", limits->cpu_s, 1, err) < 0 ||
        lower(RLIMIT_FSIZE, "file sizes", limits->file_bytes, 0, err) < 0 ||
        lower(RLIMIT_NOFILE, "descriptors", fds, 0, err) < 0 ||
        lower(RLIMIT_MEMLOCK, "locked memory", 0, 0, err) < 0)
        return -1;
    return lower(RLIMIT_CORE, "core dumps", 0, 0, err);
}

int mt_jail_set_limits(enum mt_jail_profile profile, const struct mt_jail_limits *limits,
                       struct mt_err *err)
{
    int fds = open_fds() + (profile == MT_JAIL_SCAN ? SCAN_FDS : SPARE_FDS);
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGXFSZ, &ignore, NULL);
    return set_limits(limits, fds > MIN_FDS ? fds : MIN_FDS, err);
}

int mt_jail_set_program_limits(const struct mt_jail_limits *limits, struct mt_err *err)
{
    return set_limits(limits, PROGRAM_FDS, err);
}
