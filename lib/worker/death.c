/* SPDX-License-Identifier: GPL-2.0-or-later */
/* death.c - what it means that a worker died without a last line. */
#include "worker/link.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static bool said(const struct mt_worker_death *death, const char *text)
{
    return strstr(death->words, text) != NULL;
}

/* What our allocator, C++ and FFmpeg say last when memory is short. */
static bool out_of_memory(const struct mt_worker_death *death)
{
    return said(death, "out of memory") || said(death, "bad_alloc") ||
           said(death, "Cannot allocate memory");
}

static int explain_limit(const struct mt_worker_spec *spec, const char *which, int64_t n,
                         const char *unit, struct mt_err *err)
{
    mt_fail(err, MT_ERR_LIMIT, "%s: needs more than %lld %s", spec->what, (long long)n, unit);
    return mt_hint(err, "if you trust the file, raise the %s limit", which);
}

static int explain_crash(const struct mt_worker_spec *spec, const char *how,
                         const struct mt_worker_death *death, struct mt_err *err)
{
    size_t n = strlen(death->words);
    const char *tail = death->words + (n > 300 ? n - 300 : 0);

    while (((unsigned char)*tail & 0xc0) == 0x80)
        tail++;
    return mt_fail(err, MT_ERR_CRASHED, "%s: the worker %s%s%s", spec->what, how, *tail ? ": " : "",
                   tail);
}

static int explain(const struct mt_worker_spec *spec, const struct mt_worker_death *death,
                   struct mt_err *err)
{
    struct mt_jail_limits limits = mt_jail_limits_of(spec->profile, &spec->limits);
    int sig = WIFSIGNALED(death->status) ? WTERMSIG(death->status) : 0;
    char how[80];

    if (sig == SIGXCPU || (sig == SIGKILL && death->cpu_us >= limits.cpu_s * 1000000))
        return explain_limit(spec, "CPU", limits.cpu_s, "s of processor time", err);
    if ((sig == 0 || sig == SIGABRT) && out_of_memory(death))
        return explain_limit(spec, "memory", limits.memory_bytes >> 20, "MiB of memory", err);
    if (sig == SIGSYS)
        return explain_crash(spec, "tried a forbidden system call (SIGSYS)", death, err);
    if (sig == SIGKILL) {
        explain_crash(spec, "was killed (SIGKILL), as when the machine is out of memory", death,
                      err);
        return mt_hint(err, "look with dmesg whether memory ran out; free some, then run it again");
    }
    if (sig != 0 && sigabbrev_np(sig))
        snprintf(how, sizeof how, "crashed (SIG%s)", sigabbrev_np(sig));
    else if (sig != 0)
        snprintf(how, sizeof how, "died of signal %d", sig);
    else
        snprintf(how, sizeof how, "ended without a result (status %d)", WEXITSTATUS(death->status));
    return explain_crash(spec, how, death, err);
}

int mt_worker_explain(const struct mt_worker_spec *spec, const struct mt_worker_death *death,
                      struct mt_err *err)
{
    explain(spec, death, err);
    if (WIFSIGNALED(death->status))
        err->trace.signal = WTERMSIG(death->status);
    else
        err->trace.exit_status = WEXITSTATUS(death->status);
    return -1;
}
