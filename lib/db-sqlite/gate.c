/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gate.c - writers wait in line.
 *
 * SQLite's own waiting is polling: with many writers some wait for long while
 * others come and go. So writers queue at a lock file, where the kernel wakes
 * one after the other. Two locks make it fair: who wants the gate (flock of
 * the file) holds the turnstile (a lock of its second byte) meanwhile, so that
 * a writer who leaves and comes back at once cannot overtake the next in line.
 *
 * A wait in the kernel has no time limit. Therefore a thread of its own waits,
 * and is cancelled when the time is up; it exists only while somebody else has
 * the lock, and no signal is delivered to it.
 *
 * The file is open only while it is locked or waited for: a child that was
 * forked in between has no part in the lock, and cannot keep it if we die.
 */
#include "db-sqlite/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { POLL_US = 2000 };

/* The turnstile: the second byte, locked and unlocked. */
static const struct flock turn = {
    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1};
static const struct flock no_turn = {
    .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1};

/* Each of the two locks is taken by a function: 0, or -1 with errno; wait: as long as it takes. */
static int take_turn(int fd, bool wait)
{
    return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &turn);
}

static void leave_turn(int fd)
{
    fcntl(fd, F_OFD_SETLK, &no_turn);
}

static int take_gate(int fd, bool wait)
{
    return flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
}

struct waiter {
    int fd;
    int (*take)(int fd, bool wait);
    int result; /* 0 once the lock is taken, else an errno */
    sem_t done;
};

/* Where it is cancelled nothing of its own lies on the stack that would want to be undone. */
static void *wait_in_kernel(void *arg)
{
    struct waiter *w = arg;

    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    int rc = w->take(w->fd, true);
    int e = errno;
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    w->result = rc < 0 ? e : 0;
    sem_post(&w->done);
    return NULL;
}

static int start_waiting(pthread_t *thread, struct waiter *w)
{
    pthread_attr_t attr;
    sigset_t all;
    sigset_t old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    int rc = pthread_create(thread, &attr, wait_in_kernel, w);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

/* Where no thread can be had. */
static int poll_for(int fd, int (*take)(int fd, bool wait), int64_t deadline_us)
{
    while (mt_mono_us() < deadline_us) {
        usleep(POLL_US);
        if (take(fd, false) == 0)
            return 0;
    }
    return ETIMEDOUT;
}

/* 0, ETIMEDOUT, or what went wrong. */
static int take_until(int fd, int (*take)(int fd, bool wait), int64_t deadline_us)
{
    struct waiter w = {.fd = fd, .take = take, .result = ETIMEDOUT};
    pthread_t thread;

    if (take(fd, false) == 0)
        return 0;
    if (errno != EWOULDBLOCK && errno != EAGAIN && errno != EACCES)
        return errno;
    sem_init(&w.done, 0, 0);
    if (start_waiting(&thread, &w) != 0) {
        sem_destroy(&w.done);
        return poll_for(fd, take, deadline_us);
    }
    struct timespec until = {.tv_sec = deadline_us / 1000000,
                             .tv_nsec = deadline_us % 1000000 * 1000};
    int rc;
    do
        rc = sem_clockwait(&w.done, CLOCK_MONOTONIC, &until);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        pthread_cancel(thread);
    pthread_join(thread, NULL);
    sem_destroy(&w.done);
    return w.result;
}

/* Made like the database: same mode, and the same owner where root makes it. */
static int open_gate(struct mt_sqlite *s, struct mt_err *err)
{
    struct stat st;

    s->gate_fd = open(s->gate_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->gate_fd < 0) {
        mt_fail_errno(err, "cannot write database '%s': no lock file '%s'", s->path, s->gate_path);
        if (err->code == MT_ERR_UNREADABLE)
            err->code = MT_ERR_READ_ONLY;
        return -1;
    }
    const char *file = sqlite3_db_filename(s->db, "main");
    struct stat own;
    if (file && stat(file, &st) == 0 && fstat(s->gate_fd, &own) == 0 && own.st_size == 0) {
        if (geteuid() == 0 && fchown(s->gate_fd, st.st_uid, st.st_gid) < 0)
            return mt_fail_errno(err, "cannot give '%s' the owner of the database", s->gate_path);
        if (own.st_uid == geteuid() && fchmod(s->gate_fd, st.st_mode & 0666) < 0)
            return mt_fail_errno(err, "cannot set the mode of '%s'", s->gate_path);
    }
    return 0;
}

static int fail_waiting(struct mt_sqlite *s, int e, struct mt_err *err)
{
    char text[16] = "";
    ssize_t n = pread(s->gate_fd, text, sizeof text - 1, 0);
    int pid = n > 0 ? atoi(text) : 0;

    if (e != ETIMEDOUT) {
        errno = e;
        return mt_fail_errno(err, "cannot lock '%s'", s->gate_path);
    }
    mt_fail(err, MT_ERR_LOCKED, "database '%s': process %d keeps '%s' locked (waited for %lld ms)",
            s->path, pid, s->gate_path, (long long)(s->timeout_us / 1000));
    return mt_hint(err, "ps -p %d tells what it is; wait for it, or end it", pid);
}

/* Says who is inside. On a full disk that is missing, and the gate works all the same. */
static void leave_name(int fd)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%-10d\n", (int)getpid());
    ssize_t written = pwrite(fd, text, (size_t)n, 0);

    (void)written;
}

int mt_sqlite_gate_enter(struct mt_sqlite *s, struct mt_err *err)
{
    if (s->memory)
        return 0;
    if (open_gate(s, err) < 0) {
        mt_fd_close(&s->gate_fd);
        return -1;
    }
    int64_t deadline = mt_mono_us() + s->timeout_us;
    int e = take_until(s->gate_fd, take_turn, deadline);
    if (e == 0)
        e = take_until(s->gate_fd, take_gate, deadline);
    if (e != 0) {
        fail_waiting(s, e, err);
        mt_fd_close(&s->gate_fd); /* with a lock that may have come just when the time was up */
        return -1;
    }
    leave_turn(s->gate_fd);
    leave_name(s->gate_fd);
    return 0;
}

void mt_sqlite_gate_leave(struct mt_sqlite *s)
{
    mt_fd_close(&s->gate_fd);
}
