/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proc.c - see proc.h. */
#include "proc/proc.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "prefix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct mt_proc {
    pid_t pid;
    int fd;
};

const char *mt_libexec(void)
{
    return MT_PREFIX "/libexec/media-toolkit";
}

char *mt_sibling(const char *dir, const char *name)
{
    const char *const places[] = {dir, mt_libexec(), MT_PREFIX "/bin"};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *path = mt_path_join(*places[i] ? places[i] : ".", name);
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

/* Our end first, the child's second; both close-on-exec. */
static int make_ends(enum mt_proc_io io, int ends[2], struct mt_err *err)
{
    int ret = io == MT_PROC_PIPE ? pipe2(ends, O_CLOEXEC)
                                 : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);

    return ret < 0 ? mt_fail_errno(err, "cannot make a channel to a child") : 0;
}

static int spawn(pid_t *pid, const char *const argv[], enum mt_proc_io io, int end)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t defaults;

    posix_spawn_file_actions_init(&actions);
    if (io == MT_PROC_PIPE)
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO);
    posix_spawnattr_init(&attr);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    int ret = posix_spawn(pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return ret;
}

int mt_proc_start(struct mt_proc **out, const char *const argv[], enum mt_proc_io io,
                  struct mt_err *err)
{
    int ends[2];
    pid_t pid;

    if (make_ends(io, ends, err) < 0)
        return -1;
    int problem = spawn(&pid, argv, io, ends[1]);
    close(ends[1]);
    if (problem) {
        close(ends[0]);
        mt_fail(err, MT_ERR_UNAVAILABLE, "cannot run '%s': %s", argv[0], strerror(problem));
        return mt_hint(err, "install all programs of the toolkit anew, in one directory");
    }
    *out = mt_alloc(sizeof **out);
    **out = (struct mt_proc){.pid = pid, .fd = ends[0]};
    return 0;
}

int mt_proc_fd(const struct mt_proc *proc)
{
    return proc->fd;
}

void mt_proc_kill(struct mt_proc *proc)
{
    kill(proc->pid, SIGKILL);
}

void mt_proc_finish(struct mt_proc **proc, int *status)
{
    int raw = 0;

    if (!*proc)
        return;
    mt_fd_close(&(*proc)->fd);
    while (waitpid((*proc)->pid, &raw, 0) < 0 && errno == EINTR)
        continue;
    if (status)
        *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    free(*proc);
    *proc = NULL;
}

int mt_fd_send(int socket, int fd, const void *data, size_t n, struct mt_err *err)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = n};
    struct msghdr msg = {.msg_iov = &part,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    ssize_t sent;

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    do
        sent = sendmsg(socket, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 || mt_write_all(socket, (const char *)data + sent, n - (size_t)sent) < 0)
        return mt_fail_errno(err, "cannot hand over a file");
    return 0;
}

ssize_t mt_fd_receive(int socket, int *fd, void *data, size_t size, struct mt_err *err)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr msg = {.msg_iov = &part,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    ssize_t n;

    *fd = -1;
    do
        n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return mt_fail_errno(err, "cannot receive");
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
            c->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(fd, CMSG_DATA(c), sizeof(int));
    return n;
}
