/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan_fake.h - a clamd that does what it is told, in a process of its own. */
#ifndef MT_TESTS_SCAN_FAKE_H
#define MT_TESTS_SCAN_FAKE_H

#include "base/file.h"
#include "proc/proc.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEEDLE "needle-in-a-stack-of-hay"
#define FAKE_SILENT "" /* no answer, and the connection stays */

enum { FAKE_STREAM_MAX = 25 << 20 };

/* NULL: it closes the connection instead of an answer. */
struct fake {
    const char *version, *fildes, *instream;
    bool tells;         /* AlertExceedsMax */
    bool no_fildes;     /* does not know the command */
    int64_t gone_after; /* bytes of a stream; 0: never */
    int64_t limit;      /* of a stream; 0: FAKE_STREAM_MAX */
};

static inline void fake_say(int c, const char *text)
{
    if (text && *text && write(c, text, strlen(text) + 1) < 0)
        _exit(1);
    while (text && !*text)
        pause();
}

/* Takes a stream in and looks for the needle; false: says no more. */
static inline bool fake_stream(const struct fake *f, int c)
{
    int64_t total = 0, limit = f->limit ? f->limit : FAKE_STREAM_MAX;
    char *bytes = malloc((size_t)limit);
    uint32_t n = 0;

    while (mt_read_full(c, &n, sizeof n) == sizeof n && n != 0) {
        n = ntohl(n);
        if (total + n > limit) {
            fake_say(c, "INSTREAM size limit exceeded. ERROR");
            return false;
        }
        if (mt_read_full(c, bytes + total, n) != (ssize_t)n)
            return false;
        total += n;
        if (f->gone_after && total > f->gone_after)
            return false;
    }
    bool found = memmem(bytes, (size_t)total, NEEDLE, strlen(NEEDLE)) != NULL;
    free(bytes);
    fake_say(c, found ? "stream: Needle FOUND" : f->instream);
    return !found;
}

static inline void fake_converse(const struct fake *f, int c)
{
    char command[32] = "";
    char one;
    int fd = -1;
    struct mt_err err;

    for (size_t i = 0; i < sizeof command - 1; i++)
        if (read(c, command + i, 1) != 1 || command[i] == '\0')
            break;
    if (strcmp(command, "zVERSION") == 0) {
        fake_say(c, f->version);
    } else if (strcmp(command, "zINSTREAM") == 0) {
        fake_stream(f, c);
    } else if (f->no_fildes) {
        fake_say(c, "UNKNOWN COMMAND");
    } else if (mt_fd_receive(c, &fd, &one, 1, &err) == 1) {
        struct stat st = {0};
        if (fstat(fd, &st) == 0 && st.st_size > INT32_MAX - 2)
            fake_say(c, f->tells ? "fd[9]: Heuristics.Limits.Exceeded.MaxFileSize FOUND"
                                 : "fd[9]: OK");
        else
            fake_say(c, f->fildes);
    }
}

static inline pid_t fake_start(const struct fake *f, const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(at.sun_path, path, sizeof at.sun_path - 1);
    unlink(path);
    if (s < 0 || bind(s, (struct sockaddr *)&at, sizeof at) < 0 || listen(s, 16) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGCHLD, SIG_IGN);
        signal(SIGPIPE, SIG_IGN);
        for (;;) {
            int c = accept(s, NULL, NULL);
            if (fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                fake_converse(f, c);
                _exit(0);
            }
            close(c);
        }
    }
    setpgid(pid, pid);
    close(s);
    return pid;
}

static inline void fake_stop(pid_t pid)
{
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

#endif
