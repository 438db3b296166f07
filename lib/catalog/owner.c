/* SPDX-License-Identifier: GPL-2.0-or-later */
/* owner.c - see owner.h. */
#include "catalog/owner.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { PART = 40 };

/* The number of the PID namespace that a machine starts with (linux/proc_ns.h). */
#define FIRST_NAMESPACE "4026531836"

/* The first word of a small file; "-" if it cannot be read. */
static void read_word(const char *path, char out[PART])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? mt_read_full(fd, out, PART - 1) : 0;

    mt_fd_close(&fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, " \n\t/:")] = '\0';
    if (!out[0])
        strcpy(out, "-");
}

/* State letter and start time; false if the process cannot be looked at. */
static int read_stat(int pid, char *state, unsigned long long *start)
{
    char path[32];
    char text[1024];

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? mt_read_full(fd, text, sizeof text - 1) : -1;
    mt_fd_close(&fd);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    const char *p = strrchr(text, ')'); /* the name before it may hold anything */
    if (!p || p[1] != ' ' || !p[2])
        return -1;
    *state = p[2];
    for (int field = 2; field < 22 && p; field++)
        p = strchr(p + 1, ' ');
    if (!p)
        return -1;
    *start = strtoull(p + 1, NULL, 10);
    return 0;
}

char *mt_owner_self(char out[MT_OWNER_TEXT])
{
    char host[65] = "";
    char machine[PART];
    char boot[PART];
    char ns[64] = "";
    char state;
    unsigned long long start = 0;

    if (gethostname(host, sizeof host - 1) < 0 || !host[0])
        strcpy(host, "-");
    for (char *c = host; *c; c++)
        if (*c == '/' || *c == ':')
            *c = '-';
    read_word("/etc/machine-id", machine);
    read_word("/proc/sys/kernel/random/boot_id", boot);
    ssize_t n = readlink("/proc/self/ns/pid", ns, sizeof ns - 1);
    const char *number = n > 5 ? ns + strlen("pid:[") : "-";
    ns[n > 5 ? n - 1 : 0] = '\0';
    if (read_stat((int)getpid(), &state, &start) < 0)
        start = 0;
    snprintf(out, MT_OWNER_TEXT, "%s/%s/%s/%s:%d:%llu", host, machine, boot, number, (int)getpid(),
             start);
    return out;
}

struct place {
    char host[65];
    char machine[PART];
    char boot[PART];
    char ns[24];
    int pid;
    unsigned long long start;
};

static int parse(const char *owner, struct place *p)
{
    return sscanf(owner, "%64[^/]/%39[^/]/%39[^/]/%23[^:]:%d:%llu", p->host, p->machine, p->boot,
                  p->ns, &p->pid, &p->start) == 6 &&
                   p->pid > 0
               ? 0
               : -1;
}

static enum mt_owner_state look(const struct place *p)
{
    char state;
    unsigned long long start;

    if (read_stat(p->pid, &state, &start) < 0)
        return kill(p->pid, 0) < 0 && errno == ESRCH ? MT_OWNER_DEAD : MT_OWNER_ALIVE;
    return start == p->start && state != 'Z' && state != 'X' ? MT_OWNER_ALIVE : MT_OWNER_DEAD;
}

enum mt_owner_state mt_owner_state_for(const char *owner, const char *self)
{
    struct place theirs;
    struct place ours;

    if (parse(owner, &theirs) < 0 || parse(self, &ours) < 0 || strcmp(theirs.boot, "-") == 0 ||
        strcmp(theirs.ns, "-") == 0 || theirs.start == 0 || strcmp(theirs.host, ours.host) != 0 ||
        strcmp(theirs.ns, ours.ns) != 0)
        return MT_OWNER_ELSEWHERE;
    if (strcmp(theirs.boot, ours.boot) == 0)
        return look(&theirs);
    if (strcmp(theirs.machine, "-") != 0 && strcmp(theirs.machine, ours.machine) == 0 &&
        strcmp(theirs.ns, FIRST_NAMESPACE) == 0)
        return MT_OWNER_DEAD;
    return MT_OWNER_ELSEWHERE;
}

enum mt_owner_state mt_owner_state(const char *owner)
{
    char self[MT_OWNER_TEXT];

    return mt_owner_state_for(owner, mt_owner_self(self));
}

int mt_owner_pid(const char *owner)
{
    struct place p;

    return owner && parse(owner, &p) == 0 ? p.pid : 0;
}
