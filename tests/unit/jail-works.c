/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail-works.c - what work needs is there in the jail, up to its limits. */
#include "../tap.h"
#include "base/clock.h"
#include "jail/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#endif

static int file_fd = -1;
static const char *const names[] = {"probe", "decode", "encode"};

static void enter(int profile, const struct mt_jail_limits *limits)
{
    struct mt_err err;

    if (mt_jail_enter((enum mt_jail_profile)profile, limits, &err) < 0) {
        fprintf(stderr, "# %s\n", err.msg);
        _exit(99);
    }
}

/* What must work: each returns 0. */

static int use_memory(void)
{
    size_t n = (size_t)300 << 20;
    volatile char *p = malloc(n);

    if (!p)
        return 1;
    p[0] = p[n - 1] = 1;
    free((void *)(uintptr_t)p);
    return 0;
}

static int use_files(void)
{
    struct stat st;
    char b[4] = "";

    return pwrite(file_fd, "abc", 3, 0) != 3 || pread(file_fd, b, 3, 0) != 3 ||
           strcmp(b, "abc") != 0 || fstat(file_fd, &st) != 0 || st.st_size < 3 ||
           ftruncate(file_fd, 3) != 0 || fsync(file_fd) != 0 || lseek(file_fd, 0, SEEK_END) != 3;
}

static int use_descriptors(void)
{
    int fd = dup(file_fd);
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return fd < 0 || fcntl(fd, F_GETFD) < 0 || poll(&p, 1, 0) != 1 || close(fd) != 0;
}

static int use_clocks(void)
{
    struct timespec t = {.tv_nsec = 1000};
    int64_t before = mt_mono_us();
    char uuid[MT_UUID_TEXT];

    return nanosleep(&t, NULL) != 0 || mt_now_us() < 1 || mt_mono_us() < before ||
           !mt_uuid_valid(mt_uuid(uuid));
}

static int use_stdio(void)
{
    FILE *f = fdopen(dup(file_fd), "w");

    return !f || fputs("text\n", f) < 0 || fclose(f) != 0;
}

static int use_limits(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_CORE, &r) != 0 || r.rlim_max != 0)
        return 1;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_max > 1100)
        return 2;
    return getrlimit(RLIMIT_CPU, &r) != 0 || r.rlim_cur == RLIM_INFINITY ||
           sysconf(_SC_NPROCESSORS_ONLN) < 1;
}

static void *add_one(void *arg)
{
    prctl(PR_SET_NAME, "adder", 0, 0, 0);
    if (__atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST) % 2)
        pthread_exit(NULL);
    return NULL;
}

static int use_threads(void)
{
    enum { N = 8 };
    pthread_t t[N];
    int sum = 0;

    for (int i = 0; i < N; i++)
        if (pthread_create(&t[i], NULL, add_one, &sum) != 0)
            return 1;
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
    return sum != N;
}

static void *wait_forever(void *arg)
{
    for (;;)
        sleep(1);
    return arg;
}

static int cancel_thread(void)
{
    pthread_t t;
    void *result = NULL;

    return pthread_create(&t, NULL, wait_forever, NULL) != 0 || pthread_cancel(t) != 0 ||
           pthread_join(t, &result) != 0 || result != PTHREAD_CANCELED;
}

static int use_affinity(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) != 0 ||
           sched_setaffinity(0, sizeof set, &set) != 0;
}

/* Runs f in a jailed child; the status of wait(2). */
static int jailed(int profile, const struct mt_jail_limits *limits, int (*f)(void))
{
    int status = -1;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        enter(profile, limits);
        _exit(f());
    }
    waitpid(pid, &status, 0);
    return status;
}

static void test_works(void)
{
    static const struct {
        const char *name;
        int (*f)(void);
        int from; /* first profile that has it */
    } works[] = {
        {"300 MiB of memory", use_memory, 0},
        {"open files", use_files, 0},
        {"dup, fcntl, poll", use_descriptors, 0},
        {"clocks and random numbers", use_clocks, 0},
        {"stdio", use_stdio, 0},
        {"the limits set", use_limits, 0},
        {"threads", use_threads, 1},
        {"cancelling a thread", cancel_thread, 1},
        {"own affinity", use_affinity, 2},
    };
    char name[80];

    for (int p = 0; p < 3; p++)
        for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
            snprintf(name, sizeof name, "%s: %s: fine", names[p], works[i].name);
            if (p >= works[i].from)
                OK(jailed(p, NULL, works[i].f) == 0, name);
        }
}

/* The thread is not made inside ASan's interceptor, which gives up when it cannot. */
static int make_thread(void)
{
    long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

    return syscall(SYS_clone, flags, 0L, 0L, 0L, 0L) != -1;
}

static int call_abort(void)
{
    abort();
}

static int stay_busy(void)
{
    for (volatile unsigned n = 0;; n++)
        ;
    return 0;
}

static int fill_file(void)
{
    static const char block[4096];
    int written = 0;

    while (write(file_fd, block, sizeof block) == (ssize_t)sizeof block)
        written++;
    return errno != EFBIG || written > 16;
}

static void test_limits(void)
{
    struct mt_jail_limits limits = {.file_bytes = 65536};

    OK(jailed(MT_JAIL_PROBE, NULL, make_thread) == 0, "probe: no threads");
    int status = jailed(MT_JAIL_DECODE, NULL, call_abort);
    OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && !WCOREDUMP(status), "abort() aborts");
    OK(ftruncate(file_fd, 0) == 0 && lseek(file_fd, 0, SEEK_SET) == 0 &&
           jailed(MT_JAIL_DECODE, &limits, fill_file) == 0,
       "a file over the limit fails with EFBIG");
    limits = (struct mt_jail_limits){.cpu_s = 1};
    int64_t before = mt_mono_us();
    status = jailed(MT_JAIL_DECODE, &limits, stay_busy);
    OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU, "a busy loop ends by SIGXCPU");
    OK(mt_mono_us() - before < 20000000, "after a second of processor time");
#ifndef HAVE_ASAN
    limits = (struct mt_jail_limits){.memory_bytes = 256 << 20};
    status = jailed(MT_JAIL_DECODE, &limits, use_memory);
    OK(WIFEXITED(status) && WEXITSTATUS(status) == 1, "memory over the limit gives NULL");
#endif
}

static int do_nothing(void)
{
    return 0;
}

static void test_defaults(void)
{
    struct mt_jail_limits some = {.cpu_s = 7};
    struct mt_jail_limits l = mt_jail_limits_of(MT_JAIL_PROBE, &some);

    OK(l.cpu_s == 7 && l.memory_bytes > 0 && l.file_bytes > 0, "zeros become the profile's limits");
    OK(mt_jail_has_seccomp(), "the kernel has seccomp");
    int64_t before = mt_mono_us();
    for (int i = 0; i < 20; i++)
        OK(jailed(MT_JAIL_DECODE, NULL, do_nothing) == 0, "in and out");
    printf("# Landlock ABI %d; %.2f ms for fork, jail and exit\n", mt_jail_landlock_abi(),
           (double)(mt_mono_us() - before) / 20000.0);
}

int main(void)
{
    FILE *f = tmpfile();

    if (!f)
        return 1;
    file_fd = fileno(f);
    test_defaults();
    test_works();
    test_limits();
    fclose(f);
    return tap_done();
}
