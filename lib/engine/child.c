/* SPDX-License-Identifier: GPL-2.0-or-later */
/* child.c - see child.h. */
#include "engine/child.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "jail/jail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINES_MAX = 64 << 20, READ_BYTES = 64 * 1024, PATHS_MAX = 32 };

/* 126 and 127 as in shells: not executable, not there; 125: never came so far. */
enum { NOT_JAILED = 125, NOT_EXECUTABLE = 126 };

static char *make_scratch(const char *tmp, struct mt_err *err)
{
    char *path = mt_path_join(tmp && *tmp == '/' ? tmp : "/tmp", "mt-engine-XXXXXX");

    if (mkdtemp(path))
        return path;
    mt_fail_errno(err, "cannot make a directory '%s'", path);
    free(path);
    return NULL;
}

/* Removes what is below dir_fd, whatever an engine has built there. Closes it. */
static void empty_dir(int dir_fd, int depth)
{
    DIR *dir = dir_fd < 0 || depth > 64 ? NULL : fdopendir(dir_fd);
    struct dirent *e;

    if (!dir) {
        mt_fd_close(&dir_fd);
        return;
    }
    while ((e = readdir(dir))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), e->d_name, 0) == 0)
            continue;
        if (fchmodat(dirfd(dir), e->d_name, 0700, 0) < 0)
            continue;
        empty_dir(openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                  depth + 1);
        unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
}

static void remove_scratch(char *path)
{
    if (!path)
        return;
    empty_dir(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), 0);
    rmdir(path);
    free(path);
}

/* The engine's own directory, with all symbolic links resolved, or NULL. */
static char *own_dir(const char *path)
{
    char *real = realpath(path, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;

    if (slash)
        slash[slash == real ? 1 : 0] = '\0';
    return real;
}

static int enter_jail(const struct mt_engine_launch *launch, const char *scratch,
                      struct mt_err *err)
{
    const char *readable[PATHS_MAX + 3] = {own_dir(launch->path), launch->path};
    int n = readable[0] ? 2 : 0;

    for (int i = 0; launch->readable && launch->readable[i] && i < PATHS_MAX; i++)
        readable[n++] = launch->readable[i];
    struct mt_jail_program jail = {
        .readable = readable,
        .network = launch->network,
        .limits = {.memory_bytes = launch->memory_bytes,
                   .scratch_fd = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC)}};
    if (jail.limits.scratch_fd < 0 || chdir(scratch) < 0)
        return mt_fail_errno(err, "cannot enter '%s'", scratch);
    return mt_jail_enter_program(&jail, err);
}

/* A descriptor of its own, read-only and at the beginning; that of the parent may be neither. */
static int reopen(int fd)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_RDONLY | O_CLOEXEC);
    if (own < 0 && (own = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0)
        lseek(own, 0, SEEK_SET);
    return own;
}

/* Puts the four descriptors where the protocol wants them and closes all others. */
static int arrange(int in, int out, int words, int material)
{
    int from[4] = {in, out, words, material};

    for (int i = 0; i < 4; i++)
        if (from[i] >= 0 && (from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 16)) < 0)
            return -1;
    for (int i = 0; i < 4; i++)
        if (from[i] >= 0 && dup2(from[i], i) < 0)
            return -1;
    return close_range(material >= 0 ? 4 : 3, ~0U, CLOSE_RANGE_CLOEXEC);
}

static void reset_signals(void)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int sig = 1; sig <= SIGRTMAX; sig++)
        sigaction(sig, &sa, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct mt_engine_launch *launch, const char *scratch,
                             const int ends[3], pid_t parent)
{
    const char *argv[] = {launch->path, launch->argument, NULL};
    char home[4200], tmp[4200];
    const char *environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                 "LANG=C.UTF-8",
                                 "PYTHONDONTWRITEBYTECODE=1",
                                 home,
                                 tmp,
                                 NULL};
    struct mt_err err = {0};
    int material = launch->fd >= 0 ? reopen(launch->fd) : -1;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
        _exit(NOT_JAILED);
    setpgid(0, 0);
    reset_signals();
    snprintf(home, sizeof home, "HOME=%s", scratch);
    snprintf(tmp, sizeof tmp, "TMPDIR=%s", scratch);
    if ((launch->fd >= 0 && material < 0) || arrange(ends[0], ends[1], ends[2], material) < 0)
        _exit(NOT_JAILED);
    if (enter_jail(launch, scratch, &err) < 0) {
        dprintf(STDERR_FILENO, "%s\n", err.msg);
        _exit(NOT_JAILED);
    }
    execve(launch->path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
    dprintf(STDERR_FILENO, "cannot run '%s': %s\n", launch->path, strerror(errno));
    _exit(NOT_EXECUTABLE);
}

/* Pipes: [0] its input, [1] its output, [2] its errors; each as {for reading, for writing}. */
static int make_pipes(int pipes[3][2], struct mt_err *err)
{
    for (int i = 0; i < 3; i++)
        if (pipe2(pipes[i], O_CLOEXEC) < 0)
            return mt_fail_errno(err, "cannot make a channel to an engine");
    return 0;
}

static void take_ends(struct mt_engine_child *child, int pipes[3][2])
{
    child->in = pipes[0][1];
    child->out = pipes[1][0];
    child->words = pipes[2][0];
    pipes[0][1] = pipes[1][0] = pipes[2][0] = -1;
    fcntl(child->in, F_SETFL, O_NONBLOCK);
    fcntl(child->out, F_SETFL, O_NONBLOCK);
    fcntl(child->words, F_SETFL, O_NONBLOCK);
}

int mt_engine_child_start(struct mt_engine_child *child, const struct mt_engine_launch *launch,
                          struct mt_err *err)
{
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    pid_t parent = getpid();
    int ret = -1;

    *child = (struct mt_engine_child){.pid = -1, .in = -1, .out = -1, .words = -1};
    mt_buf_init(&child->lines, LINES_MAX);
    mt_buf_init(&child->input, LINES_MAX);
    if (mt_buf_add(&child->input, launch->input, strlen(launch->input), err) < 0 ||
        !(child->scratch = make_scratch(launch->tmp, err)) || make_pipes(pipes, err) < 0)
        goto out;
    child->pid = fork();
    if (child->pid < 0) {
        mt_fail_errno(err, "cannot start '%s'", launch->path);
        goto out;
    }
    if (child->pid == 0)
        become(launch, child->scratch, (int[]){pipes[0][0], pipes[1][1], pipes[2][1]}, parent);
    setpgid(child->pid, child->pid);
    take_ends(child, pipes);
    child->started_us = child->heard_us = mt_mono_us();
    ret = 0;
out:
    for (int i = 0; i < 3; i++) {
        mt_fd_close(&pipes[i][0]);
        mt_fd_close(&pipes[i][1]);
    }
    if (ret < 0)
        mt_engine_child_end(child, NULL);
    return ret;
}

static void feed(struct mt_engine_child *child)
{
    if (child->in < 0)
        return;
    ssize_t n = child->input.len ? write(child->in, child->input.data, child->input.len) : 0;
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        mt_buf_clear(&child->input); /* it does not want to know */
    else if (n > 0)
        mt_buf_consume(&child->input, (size_t)n);
    if (!child->input.len)
        mt_fd_close(&child->in);
}

/* Keeps the end of what it says. */
static void overhear(struct mt_engine_child *child)
{
    char text[4096];
    ssize_t n;

    while (child->words >= 0 && (n = read(child->words, text, sizeof text)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;
        size_t keep = sizeof child->tail - 1;
        size_t add = (size_t)n < keep ? (size_t)n : keep;
        size_t have = strlen(child->tail);
        size_t drop = have + add > keep ? have + add - keep : 0;
        memmove(child->tail, child->tail + drop, have - drop);
        memcpy(child->tail + have - drop, text + (size_t)n - add, add);
        child->tail[have - drop + add] = '\0';
        for (char *c = child->tail; c < child->tail + have - drop + add; c++)
            *c = *c ? *c : ' ';
    }
    mt_fd_close(&child->words);
}

int mt_engine_child_pump(struct mt_engine_child *child, struct mt_err *err)
{
    feed(child);
    overhear(child);
    for (int rounds = 0; child->out >= 0 && rounds < 16; rounds++) {
        if (mt_buf_reserve(&child->lines, READ_BYTES, err) < 0)
            return mt_fail(err, MT_ERR_CRASHED, "a line of more than %d bytes", LINES_MAX);
        ssize_t n = read(child->out, child->lines.data + child->lines.len, READ_BYTES);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0
                                                     : mt_fail_errno(err, "cannot read its output");
        if (n == 0) {
            mt_fd_close(&child->out);
            return 1;
        }
        child->lines.len += (size_t)n;
        child->heard_us = mt_mono_us();
    }
    return child->out < 0;
}

void mt_engine_child_kill(struct mt_engine_child *child, bool hard)
{
    if (child->pid > 0)
        kill(-child->pid, hard ? SIGKILL : SIGTERM);
    child->killed = true;
}

void mt_engine_child_end(struct mt_engine_child *child, int *status)
{
    int raw = 0;

    mt_fd_close(&child->in);
    mt_fd_close(&child->out);
    if (child->pid > 0) {
        /* Whoever has closed its output has a second to end by itself. */
        for (int i = 0; i < 100 && !child->killed; i++) {
            siginfo_t info = {0};
            if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                info.si_pid)
                break;
            overhear(child);
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        kill(-child->pid, SIGKILL);
        while (waitpid(child->pid, &raw, 0) < 0 && errno == EINTR)
            continue;
    }
    overhear(child);
    mt_fd_close(&child->words);
    mt_buf_free(&child->lines);
    mt_buf_free(&child->input);
    remove_scratch(child->scratch);
    child->scratch = NULL;
    child->pid = -1;
    if (status)
        *status = raw;
}
