/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tree.c - see tree.h. */
#include "work/tree.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 256, DEPTH = 32, TEXT = 8192, ENVIRONMENT = 1 << 17 };

int mt_tree_children(pid_t pid, pid_t *children, int max)
{
    char path[64];
    char text[TEXT];
    int n = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? mt_read_full(fd, text, sizeof text - 1) : -1;
    mt_fd_close(&fd);
    text[len > 0 ? len : 0] = '\0';
    for (char *p = text; n < max;) {
        char *end;
        long child = strtol(p, &end, 10);
        if (end == p || child <= 0)
            break;
        children[n++] = (pid_t)child;
        p = end;
    }
    return n;
}

/* Children first: who is killed last can start no more. */
static void signal_below(pid_t pid, int sig, int depth)
{
    pid_t children[CHILDREN];
    int n = depth > 0 ? mt_tree_children(pid, children, CHILDREN) : 0;

    for (int i = 0; i < n; i++) {
        signal_below(children[i], sig, depth - 1);
        kill(children[i], sig);
    }
}

/* Whether the environment that the process was started with has the entry. */
static bool has_tag(pid_t pid, const char *tag)
{
    char path[64];
    char *text = malloc(ENVIRONMENT);
    bool found = false;

    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int fd = text ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? mt_read_full(fd, text, ENVIRONMENT - 1) : 0;
    mt_fd_close(&fd);
    if (text)
        text[n > 0 ? n : 0] = '\0';
    for (ssize_t at = 0; at < n && !found; at += (ssize_t)strlen(text + at) + 1)
        found = strcmp(text + at, tag) == 0;
    free(text);
    return found;
}

int mt_tree_kill_tagged(const char *tag)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    int n = 0;

    while (dir && (entry = readdir(dir))) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (pid > 1 && pid != getpid() && has_tag(pid, tag))
            n += kill(pid, SIGKILL) == 0;
    }
    if (dir)
        closedir(dir);
    return n;
}

/* Orphans of the tree, which are children of ours by now. */
static void signal_orphans(pid_t but, const char *tag, int sig)
{
    pid_t children[CHILDREN];
    int n = mt_tree_children(getpid(), children, CHILDREN);

    for (int i = 0; i < n; i++) {
        if (children[i] == but || !has_tag(children[i], tag))
            continue;
        signal_below(children[i], sig, DEPTH);
        kill(children[i], sig);
        if (sig == SIGKILL)
            waitpid(children[i], NULL, 0);
    }
}

void mt_tree_signal(pid_t pid, const char *tag, int sig)
{
    signal_below(pid, sig, DEPTH);
    kill(-pid, sig);
    kill(pid, sig);
    if (tag)
        signal_orphans(pid, tag, sig);
}

void mt_tree_reap(const pid_t *but, int n)
{
    pid_t children[CHILDREN];
    int count = mt_tree_children(getpid(), children, CHILDREN);

    for (int i = 0; i < count; i++) {
        bool known = false;
        for (int k = 0; k < n; k++)
            known |= but[k] == children[i];
        if (!known)
            (void)waitpid(children[i], NULL, WNOHANG);
    }
}
