/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp_program.c - the filter of programs that others wrote.
 *
 * What an interpreter or an inference library asks of the kernel is not known beforehand, so
 * this list says what is refused. Files are Landlock's business; here stand the ways out that
 * Landlock does not see.
 */
#include "jail/layers.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const int refused[] = {
    /* other processes */
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(pidfd_send_signal),

    /* leaving the group by which all of it is ended */
    SCMP_SYS(setpgid),
    SCMP_SYS(setsid),

    /* another view of the system */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(open_tree),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(fanotify_init),

    /* privileges */
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(capset),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),

    /* what mostly attackers use of the kernel */
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(vmsplice),
    SCMP_SYS(remap_file_pages),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(memfd_secret),

    /* what other processes of the user share */
    SCMP_SYS(shmget),
    SCMP_SYS(shmat),
    SCMP_SYS(shmctl),
    SCMP_SYS(msgget),
    SCMP_SYS(msgsnd),
    SCMP_SYS(msgrcv),
    SCMP_SYS(msgctl),
    SCMP_SYS(semget),
    SCMP_SYS(semop),
    SCMP_SYS(semtimedop),
    SCMP_SYS(semctl),
    SCMP_SYS(mq_open),
    SCMP_SYS(mq_unlink),

    /* the machine */
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(syslog),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(acct),
    SCMP_SYS(vhangup),
};

/* For these there is an older way, which libraries then take and a filter can look into. */
static const int unknown[] = {
    SCMP_SYS(clone3),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
};

/* Namespaces, by clone(). */
static const uint64_t spaces[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                  CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

static int refuse_if(scmp_filter_ctx filter, int call, unsigned arg, enum scmp_compare op,
                     uint64_t a, uint64_t b)
{
    struct scmp_arg_cmp cond = {.arg = arg, .op = op, .datum_a = a, .datum_b = b};

    return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call, 1, &cond);
}

static int refuse_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t n)
{
    int ret = 0;

    for (size_t i = 0; i < n && ret == 0; i++)
        ret = seccomp_rule_add(filter, action, calls[i], 0);
    return ret;
}

/* No sockets at all, or those of the Internet and what name resolution asks of the kernel. */
static int refuse_sockets(scmp_filter_ctx filter, bool network)
{
    int ret = 0;

    if (!network)
        return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 0);
    for (unsigned family = 0; family <= AF_MAX && ret == 0; family++)
        if (family != AF_INET && family != AF_INET6 && family != AF_NETLINK)
            ret = refuse_if(filter, SCMP_SYS(socket), 0, SCMP_CMP_MASKED_EQ, UINT32_MAX, family);
    if (ret == 0)
        ret = refuse_if(filter, SCMP_SYS(socket), 0, SCMP_CMP_GT, AF_MAX, 0);
    return ret;
}

/* Landlock of ABI 6 knows whose process it is; before, only the own group can be told apart. */
static int refuse_signals(scmp_filter_ctx filter)
{
    if (mt_jail_landlock_abi() >= 6)
        return 0;
    int ret = refuse_if(filter, SCMP_SYS(kill), 0, SCMP_CMP_NE, 0, 0);
    if (ret == 0)
        ret = refuse_if(filter, SCMP_SYS(tgkill), 0, SCMP_CMP_NE, (uint64_t)getpid(), 0);
    return ret ? ret : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tkill), 0);
}

static int fill(scmp_filter_ctx filter, bool network)
{
    int ret = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

    if (ret == 0)
        ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (ret == 0)
        ret = refuse_all(filter, SCMP_ACT_ERRNO(EPERM), refused, COUNT(refused));
    if (ret == 0)
        ret = refuse_all(filter, SCMP_ACT_ERRNO(ENOSYS), unknown, COUNT(unknown));
    for (size_t i = 0; i < COUNT(spaces) && ret == 0; i++)
        ret = refuse_if(filter, SCMP_SYS(clone), 0, SCMP_CMP_MASKED_EQ, spaces[i], spaces[i]);
    if (ret == 0)
        ret = refuse_sockets(filter, network);
    if (ret == 0)
        ret = refuse_signals(filter);
    if (ret == 0) /* typing into the terminal of whoever started us; in any form of the number */
        ret = refuse_if(filter, SCMP_SYS(ioctl), 1, SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCSTI);
    return ret;
}

int mt_jail_seccomp_program(bool network, struct mt_err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (!filter)
        return mt_fail(err, MT_ERR_FAILED, "cannot make a system call filter");
    int ret = fill(filter, network);
    if (ret == 0)
        ret = seccomp_load(filter);
    seccomp_release(filter);
    if (ret == 0)
        return 0;
    errno = -ret;
    return mt_fail_errno(err, "cannot load the system call filter");
}
