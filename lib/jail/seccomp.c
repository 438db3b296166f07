/* SPDX-License-Identifier: GPL-2.0-or-later */
/* seccomp.c - the jail's system call filter: what is allowed, and how the rest is refused. */
#include "jail/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Names that an architecture does not have (open on arm64) are skipped by libseccomp. */

/* Everywhere: they reach only open descriptors, own memory, own threads and clocks. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(preadv2),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),
    SCMP_SYS(pwritev2),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(fadvise64),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),

    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(membarrier),

    SCMP_SYS(futex),
    SCMP_SYS(futex_waitv),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(getpriority),
    SCMP_SYS(getcpu),

    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(getrandom),
    SCMP_SYS(restart_syscall),

    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(pause),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),

    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
};

/* Encoders place their memory (libnuma in x265); it is their own. */
static const int allowed_encode[] = {
    SCMP_SYS(get_mempolicy),
    SCMP_SYS(set_mempolicy),
    SCMP_SYS(mbind),
};

/* Files: with Landlock, only those of the scratch directory. */
static const int allowed_scan[] = {
    SCMP_SYS(creat),     SCMP_SYS(unlink), SCMP_SYS(unlinkat),   SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),   SCMP_SYS(rmdir),  SCMP_SYS(getdents64), SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(stat),   SCMP_SYS(lstat),
};

static const int opens[] = {
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(openat2),
    SCMP_SYS(creat),
};

/* Only an attacker needs these. Named for a clear answer: what is not here is refused as well. */
static const int hostile[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(kcmp),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(setpgid),
    SCMP_SYS(setsid),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),

    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(setsockopt),

    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(truncate),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(chown),
    SCMP_SYS(fchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(lchown),
    SCMP_SYS(utimensat),
    SCMP_SYS(setxattr),
    SCMP_SYS(fsetxattr),
    SCMP_SYS(chdir),
    SCMP_SYS(fchdir),
    SCMP_SYS(chroot),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(getdents64),
    SCMP_SYS(memfd_create),
    SCMP_SYS(memfd_secret),
    SCMP_SYS(inotify_init1),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),

    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(open_tree),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(capset),
    SCMP_SYS(personality),
    SCMP_SYS(setrlimit),
    SCMP_SYS(setpriority),

    SCMP_SYS(sched_setattr),
    SCMP_SYS(seccomp),

    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(io_setup),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(bpf),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(shmget),
    SCMP_SYS(shmat),
    SCMP_SYS(msgget),
    SCMP_SYS(semget),
    SCMP_SYS(mq_open),
    SCMP_SYS(vmsplice),
    SCMP_SYS(remap_file_pages),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(syslog),
    SCMP_SYS(quotactl),
    SCMP_SYS(acct),
    SCMP_SYS(lookup_dcookie),
};

/* What clone() must and must not be told to make a thread and nothing else. */
#define CLONE_WANT (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define CLONE_CARE                                                                                 \
    (CLONE_WANT | CLONE_VFORK | CLONE_PTRACE | CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWCGROUP |       \
     CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_IO)

int mt_jail_has_seccomp(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static bool is_among(int call, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (calls[i] == call)
            return true;
    return false;
}

/* As add_all() below, less what the scan profile allows. */
static int refuse_all(scmp_filter_ctx filter, enum mt_jail_profile profile, uint32_t action,
                      const int *calls, size_t n)
{
    int ret = 0;

    for (size_t i = 0; i < n && ret == 0; i++) {
        bool wanted = is_among(calls[i], allowed_scan, COUNT(allowed_scan)) ||
                      calls[i] == SCMP_SYS(open) || calls[i] == SCMP_SYS(openat);
        if (profile != MT_JAIL_SCAN || !wanted)
            ret = seccomp_rule_add(filter, action, calls[i], 0);
    }
    return ret;
}

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t n)
{
    int ret = 0;

    for (size_t i = 0; i < n && ret == 0; i++)
        ret = seccomp_rule_add(filter, action, calls[i], 0);
    return ret;
}

/* That argument number n compares so; all 64 bits, so that no junk above an int slips through. */
static struct scmp_arg_cmp when(unsigned n, enum scmp_compare op, uint64_t a, uint64_t b)
{
    return (struct scmp_arg_cmp){.arg = n, .op = op, .datum_a = a, .datum_b = b};
}

static int allow_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp cond)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &cond);
}

static int allow_if_both(scmp_filter_ctx filter, int call, struct scmp_arg_cmp one,
                         struct scmp_arg_cmp two)
{
    struct scmp_arg_cmp conds[] = {one, two};

    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 2, conds);
}

/* Memory is never made executable. */
static int add_memory(scmp_filter_ctx filter)
{
    struct scmp_arg_cmp no_exec = when(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    int ret = allow_if(filter, SCMP_SYS(mmap), no_exec);

    return ret ? ret : allow_if(filter, SCMP_SYS(mprotect), no_exec);
}

/* Calls that are harmless for some arguments only. */
static int add_conditional(scmp_filter_ctx filter, enum mt_jail_profile profile)
{
    static const int fcntls[] = {F_GETFD, F_SETFD, F_GETFL, F_DUPFD, F_DUPFD_CLOEXEC};
    int ret = 0;

    for (size_t i = 0; i < COUNT(fcntls) && ret == 0; i++)
        ret = allow_if(filter, SCMP_SYS(fcntl), when(1, SCMP_CMP_EQ, (uint64_t)fcntls[i], 0));
    if (ret == 0)
        ret = allow_if(filter, SCMP_SYS(tgkill), when(0, SCMP_CMP_EQ, (uint64_t)getpid(), 0));
    if (ret == 0)
        ret = allow_if(filter, SCMP_SYS(prctl), when(0, SCMP_CMP_EQ, PR_SET_NAME, 0));
    if (ret == 0)
        ret = allow_if_both(filter, SCMP_SYS(prlimit64), when(0, SCMP_CMP_EQ, 0, 0),
                            when(2, SCMP_CMP_EQ, 0, 0));
    if (ret == 0 && profile == MT_JAIL_SCAN)
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 0);
    if (ret == 0)
        ret = allow_if_both(filter, SCMP_SYS(newfstatat), when(0, SCMP_CMP_LE, INT32_MAX, 0),
                            when(3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
    return ret;
}

static int add_threads(scmp_filter_ctx filter, enum mt_jail_profile profile)
{
    if (profile == MT_JAIL_PROBE)
        return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 0);
    return allow_if(filter, SCMP_SYS(clone), when(0, SCMP_CMP_MASKED_EQ, CLONE_CARE, CLONE_WANT));
}

static int add_encode(scmp_filter_ctx filter)
{
    int ret = add_all(filter, SCMP_ACT_ALLOW, allowed_encode, COUNT(allowed_encode));

    return ret ? ret : allow_if(filter, SCMP_SYS(sched_setaffinity), when(0, SCMP_CMP_EQ, 0, 0));
}

/* Landlock does not look at O_PATH. */
static int add_scan(scmp_filter_ctx filter)
{
    int ret = add_all(filter, SCMP_ACT_ALLOW, allowed_scan, COUNT(allowed_scan));

    if (ret == 0)
        ret = allow_if(filter, SCMP_SYS(open), when(1, SCMP_CMP_MASKED_EQ, O_PATH, 0));
    return ret ? ret : allow_if(filter, SCMP_SYS(openat), when(2, SCMP_CMP_MASKED_EQ, O_PATH, 0));
}

static int fill(scmp_filter_ctx filter, enum mt_jail_profile profile)
{
    int ret = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

    if (ret == 0)
        ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (ret == 0)
        ret = add_all(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
    if (ret == 0)
        ret = add_memory(filter);
    if (ret == 0)
        ret = add_conditional(filter, profile);
    if (ret == 0)
        ret = add_threads(filter, profile);
    if (ret == 0 && profile == MT_JAIL_ENCODE)
        ret = add_encode(filter);
    if (ret == 0 && profile == MT_JAIL_SCAN)
        ret = add_scan(filter);
    if (ret == 0)
        ret = refuse_all(filter, profile, SCMP_ACT_ERRNO(EACCES), opens, COUNT(opens));
    if (ret == 0)
        ret = refuse_all(filter, profile, SCMP_ACT_ERRNO(EPERM), hostile, COUNT(hostile));
    if (ret == 0)
        ret = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
    if (ret == 0)
        ret = seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(sched_setscheduler), 0);
    return ret;
}

int mt_jail_seccomp(enum mt_jail_profile profile, struct mt_err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

    if (!filter)
        return mt_fail(err, MT_ERR_FAILED, "cannot make a system call filter");
    int ret = fill(filter, profile);
    if (ret == 0)
        ret = seccomp_load(filter);
    seccomp_release(filter);
    if (ret == 0)
        return 0;
    errno = -ret;
    return mt_fail_errno(err, "cannot load the system call filter");
}
