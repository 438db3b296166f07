/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail.c - nothing gets out of the jail. */
#include "jail/jail.h"
#include "../tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char dir[] = "/tmp/mt-jail-XXXXXX";
static int dir_fd = -1, file_fd = -1, sock_fd = -1, code_fd = -1, scratch_fd = -1;
static pid_t parent;
static char secret[] = "secret";
static char *no_args[] = {NULL};
static const char *const names[] = {"probe", "decode", "encode", "scan"};

static long as_long(const void *p)
{
    return (long)(intptr_t)p;
}

/* Escapes that one system call does not describe: -1 with errno when refused. */

static long map_exec(int fd)
{
    int flags = MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0);

    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, fd, 0) == MAP_FAILED ? -1 : 0;
}

static long protect_exec(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? 0 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long send_descriptor(void)
{
    union {
        struct cmsghdr h;
        char space[CMSG_SPACE(sizeof(int))];
    } u = {.h = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec v = {secret, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u};

    memcpy(CMSG_DATA(&u.h), &file_fd, sizeof file_fd);
    return sendmsg(sock_fd, &m, 0);
}

static long receive_descriptor(void)
{
    struct iovec v = {secret, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

    return recvmsg(sock_fd, &m, MSG_DONTWAIT);
}

static long touch_parent(int call)
{
    char b[8] = "x";
    struct iovec l = {b, 1}, r = {secret, 1};

    return syscall(call, parent, &l, 1L, &r, 1L, 0L);
}

static long other_affinity(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return sched_setaffinity(parent, sizeof set, &set);
}

static long raise_limit(pid_t pid)
{
    struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};

    return syscall(SYS_prlimit64, (long)pid, (long)RLIMIT_CPU, &r, NULL);
}

static long structured(int call, long first, const uint64_t *args, long size)
{
    return syscall(call, first, args, size, 0L, 0L);
}

/* Each tries its escape number n: the name, or NULL after the last. *got as the call returned. */
#define TRY(name, call)                                                                            \
    if (n == i++) {                                                                                \
        errno = 0;                                                                                 \
        *got = (long)(call);                                                                       \
        return name;                                                                               \
    }
#define AT(path) (long)dir_fd, as_long(path)

static const char *try_files(int n, long *got)
{
    static const uint64_t zero[32];
    static const uint32_t handle[34] = {8, 1};
    struct stat st;
    char b[512];
    int i = 0;

    TRY("read /etc/passwd", open("/etc/passwd", O_RDONLY))
    TRY("write a new file", open("/tmp/mt-jail-new", O_WRONLY | O_CREAT, 0600))
    TRY("openat below a descriptor", openat(dir_fd, "file", O_RDONLY))
    TRY("openat2", structured(SYS_openat2, dir_fd, zero, 24))
    TRY("O_TMPFILE", open(dir, O_TMPFILE | O_RDWR, 0600))
    TRY("O_PATH", open("/", O_PATH))
    TRY("creat", creat("/tmp/mt-jail-new", 0600))
    TRY("/proc/self/mem", open("/proc/self/mem", O_RDWR))
    TRY("unlink", syscall(SYS_unlinkat, AT("file"), 0L))
    TRY("rename", syscall(SYS_renameat2, AT("file"), AT("other"), 0L))
    TRY("link", syscall(SYS_linkat, AT("file"), AT("other"), 0L))
    TRY("mkdir", syscall(SYS_mkdirat, AT("sub"), 0700L))
    TRY("symlink", syscall(SYS_symlinkat, "/etc", AT("link")))
    TRY("mknod", syscall(SYS_mknodat, AT("fifo"), S_IFIFO | 0600L, 0L))
    TRY("chmod", syscall(SYS_fchmodat, AT("file"), 0777L))
    TRY("fchmod", fchmod(file_fd, 04777))
    TRY("chown", fchown(file_fd, 1, 1))
    TRY("truncate by name", truncate("/etc/hostname-not", 0))
    TRY("readlink", readlink("/proc/self/exe", b, sizeof b))
    TRY("list a directory", syscall(SYS_getdents64, (long)dir_fd, b, sizeof b))
    TRY("stat by name", syscall(SYS_newfstatat, (long)AT_FDCWD, "/etc/passwd", &st, 0L))
    TRY("access", syscall(SYS_faccessat, (long)AT_FDCWD, "/etc/passwd", 0L))
    TRY("open_by_handle_at", syscall(SYS_open_by_handle_at, (long)dir_fd, handle, 0L))
    TRY("memfd", syscall(SYS_memfd_create, "code", 0L))
    return NULL;
}

static const char *try_processes(int n, long *got)
{
    static const uint64_t fork_args[11] = {0, 0, 0, 0, SIGCHLD};
    int i = 0;

    /* sockets */
    TRY("inet socket", socket(AF_INET, SOCK_STREAM, 0))
    TRY("unix socket", socket(AF_UNIX, SOCK_STREAM, 0))
    TRY("netlink socket", socket(AF_NETLINK, SOCK_RAW, 0))
    TRY("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}))
    TRY("connect", connect(sock_fd, &(struct sockaddr){.sa_family = AF_UNIX}, 16))
    TRY("send a descriptor", send_descriptor())
    TRY("receive a descriptor", receive_descriptor())
    /* programs and processes */
    TRY("execve", execve("/bin/true", no_args, no_args))
    TRY("fexecve", syscall(SYS_execveat, (long)code_fd, "", no_args, no_args, (long)AT_EMPTY_PATH))
    TRY("fork", fork())
    TRY("clone with memory", syscall(SYS_clone, (long)(CLONE_VM | SIGCHLD), 0L, 0L, 0L, 0L))
    TRY("clone a namespace", syscall(SYS_clone, (long)(CLONE_NEWUSER | SIGCHLD), 0L, 0L, 0L, 0L))
    TRY("clone3", syscall(SYS_clone3, fork_args, sizeof fork_args))
    TRY("ptrace me", ptrace(PTRACE_TRACEME, 0, NULL, NULL))
    TRY("ptrace the parent", ptrace(PTRACE_SEIZE, parent, NULL, NULL))
    TRY("kill the parent", kill(parent, SIGUSR1))
    TRY("kill everybody", kill(-1, 0))
    TRY("tgkill the parent", syscall(SYS_tgkill, (long)parent, (long)parent, (long)SIGUSR1))
    TRY("sigqueue", sigqueue(parent, SIGUSR1, (union sigval){0}))
    TRY("pidfd_open", syscall(SYS_pidfd_open, (long)parent, 0L))
    TRY("pidfd_getfd", syscall(SYS_pidfd_getfd, (long)file_fd, 0L, 0L))
    TRY("read the parent's memory", touch_parent(SYS_process_vm_readv))
    TRY("write the parent's memory", touch_parent(SYS_process_vm_writev))
    TRY("place the parent", other_affinity())
    TRY("slow the parent", setpriority(PRIO_PROCESS, (id_t)parent, 10))
    return NULL;
}

static const char *try_kernel(int n, long *got)
{
    static const uint64_t zero[32], map_attr[16] = {2 | 4ULL << 32, 4 | 1ULL << 32};
    static const uint32_t caps[2] = {0x20080522, 0};
    char b[512];
    int i = 0;

    /* privileges and limits */
    TRY("setuid", syscall(SYS_setresuid, 0L, 0L, 0L))
    TRY("setgroups", syscall(SYS_setgroups, 0L, NULL))
    TRY("capset", syscall(SYS_capset, caps, zero))
    TRY("mount", syscall(SYS_mount, "none", dir, "tmpfs", 0L, NULL))
    TRY("unshare", unshare(CLONE_NEWUSER))
    TRY("setns", setns(file_fd, 0))
    TRY("chroot", chroot(dir))
    TRY("chdir", chdir("/"))
    TRY("personality", syscall(SYS_personality, 0x0040000L))
    TRY("raise a limit", raise_limit(0))
    TRY("limit the parent", raise_limit(parent))
    TRY("PR_SET_SECCOMP", prctl(PR_SET_SECCOMP, 2, 0, 0, 0))
    TRY("PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
    TRY("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0))
    TRY("TIOCSTI", syscall(SYS_ioctl, 0L, (long)TIOCSTI, "x"))
    TRY("F_SETOWN", fcntl(sock_fd, F_SETOWN, parent))
    /* the kernel's wider doors */
    TRY("io_uring", syscall(SYS_io_uring_setup, 4L, b))
    TRY("userfaultfd", syscall(SYS_userfaultfd, 0L))
    TRY("bpf", structured(SYS_bpf, 0, map_attr, sizeof map_attr))
    TRY("perf", syscall(SYS_perf_event_open, zero, 0L, -1L, -1L, 0L))
    TRY("keyctl", syscall(SYS_keyctl, 0L, -3L, 1L))
    TRY("shared memory", syscall(SYS_shmget, 0L, 4096L, 01600L))
    TRY("a call of the future", syscall(9999L))
    TRY("executable memory", map_exec(-1))
    TRY("executable file", map_exec(code_fd))
    TRY("data made executable", protect_exec())
    return NULL;
}

static const char *(*const escapes[])(int n, long *got) = {try_files, try_processes, try_kernel};

/* A scanner unpacks files, and may therefore ask for names. */
static bool is_scanners(const char *what)
{
    return strcmp(what, "list a directory") == 0 || strcmp(what, "stat by name") == 0 ||
           strcmp(what, "access") == 0;
}

static void enter(int profile, const struct mt_jail_limits *limits)
{
    struct mt_jail_limits l = limits ? *limits : (struct mt_jail_limits){0};
    struct mt_err err;

    l.scratch_fd = scratch_fd;
    limits = &l;
    if (mt_jail_enter((enum mt_jail_profile)profile, limits, &err) < 0) {
        fprintf(stderr, "# %s\n", err.msg);
        _exit(99);
    }
}

/* One child tries them all and reports what it saw through a pipe it has kept. */
static void test_escapes(int profile)
{
    struct answer {
        char name[60];
        long got;
        int error;
    } a;
    int ends[2], status = 0, n = 0;
    char name[120];

    OK(pipe(ends) == 0, "a pipe");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        enter(profile, NULL);
        for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++, n = 0) {
            const char *what;
            while ((what = escapes[i](n++, &a.got))) {
                a.error = errno;
                snprintf(a.name, sizeof a.name, "%s", what);
                if (write(ends[1], &a, sizeof a) != (ssize_t)sizeof a)
                    _exit(1);
            }
        }
        _exit(42);
    }
    close(ends[1]);
    for (; read(ends[0], &a, sizeof a) == (ssize_t)sizeof a; n++) {
        snprintf(name, sizeof name, "%s: %s is refused", names[profile], a.name);
        if (profile == MT_JAIL_SCAN && is_scanners(a.name))
            continue;
        if (!OK(a.got == -1 && (a.error == EPERM || a.error == EACCES || a.error == ENOSYS ||
                                a.error == ENOTTY),
                name))
            printf("#   %ld, errno %d\n", a.got, a.error);
    }
    close(ends[0]);
    waitpid(pid, &status, 0);
    OK(n > 60 && WIFEXITED(status) && WEXITSTATUS(status) == 42, "and the child lives");
}

/* Without the jail some of the same calls succeed, so that the table does test something. */
static void test_outside(void)
{
    struct stat st;
    char b[512];

    OK(open("/etc/passwd", O_RDONLY) >= 0 && stat("/etc/passwd", &st) == 0, "outside: files");
    OK(openat(dir_fd, "file", O_RDONLY) >= 0 && lseek(dir_fd, 0, SEEK_SET) == 0 &&
           syscall(SYS_getdents64, (long)dir_fd, b, 512L) > 0,
       "outside: directories");
    OK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0 && send_descriptor() == 1, "outside: sockets");
    OK(map_exec(-1) == 0 && map_exec(code_fd) == 0 && protect_exec() == 0, "outside: code");
    OK(kill(parent, 0) == 0 && touch_parent(SYS_process_vm_readv) == 1, "outside: processes");
}

/* What the scan profile is for, and no more: 0, or the number of what went wrong. */
static int use_scratch(const char *scratch)
{
    char sub[80], path[96];
    char b[4];

    snprintf(sub, sizeof sub, "%s/sub", scratch);
    snprintf(path, sizeof path, "%s/file", sub);
    if (mkdir(sub, 0700) < 0)
        return 1;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_EXCL, 0600);
    if (fd < 0 || write(fd, "abcd", 4) != 4 || close(fd) < 0)
        return 2;
    fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, b, 4) != 4 || close(fd) < 0)
        return 3;
    if (symlinkat("/etc", scratch_fd, "link") == 0 || rename(path, sub) == 0 ||
        linkat(AT_FDCWD, path, scratch_fd, "hard", 0) == 0)
        return 4;
    if (open("/etc/passwd", O_RDONLY) >= 0 || openat(scratch_fd, "../file", O_RDONLY) >= 0 ||
        open("/dev/null", O_WRONLY) >= 0 || open("/etc/passwd", O_PATH) >= 0)
        return 5;
    if (mkdirat(scratch_fd, "../sub", 0700) == 0 || unlinkat(scratch_fd, "../file", 0) == 0)
        return 6;
    return unlink(path) == 0 && rmdir(sub) == 0 ? 0 : 7;
}

static void test_scratch(const char *scratch)
{
    struct mt_jail_limits none = {.scratch_fd = -1};
    struct mt_err err;
    int status = 0;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        enter(MT_JAIL_SCAN, NULL);
        _exit(use_scratch(scratch));
    }
    waitpid(pid, &status, 0);
    if (!OK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "scan: one directory, and no other"))
        printf("#   status %x\n", (unsigned)status);
    pid = fork();
    if (pid == 0)
        _exit(mt_jail_enter(MT_JAIL_SCAN, &none, &err) == -1 ? 42 : 0);
    waitpid(pid, &status, 0);
    OK(WIFEXITED(status) && WEXITSTATUS(status) == 42, "scan: not without a directory");
}

int main(void)
{
    char path[64], scratch[64];
    int pair[2];

    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/file", dir);
    parent = getpid();
    signal(SIGUSR1, SIG_IGN);
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
    file_fd = open(path, O_RDWR | O_CREAT, 0700);
    code_fd = open("/bin/true", O_RDONLY);
    if (dir_fd < 0 || file_fd < 0 || code_fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return 1;
    sock_fd = pair[0];
    if (write(pair[1], "x", 1) != 1)
        return 1;

    OK(mt_jail_has_seccomp(), "the kernel has seccomp");
    snprintf(scratch, sizeof scratch, "%s/scratch", dir);
    OK(mkdir(scratch, 0700) == 0 && (scratch_fd = open(scratch, O_RDONLY | O_DIRECTORY)) >= 0,
       "a directory for a scanner");
    for (int p = 0; p < 4; p++)
        test_escapes(p);
    test_scratch(scratch);
    test_outside();
    OK(rmdir(scratch) == 0, "nothing was left in the scanner's directory");
    OK(unlink(path) == 0 && rmdir(dir) == 0, "nothing was made in the directory");
    return tap_done();
}
