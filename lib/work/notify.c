/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify.c - see notify.h. */
#include "work/notify.h"

#include "base/file.h"
#include "cli/cli.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int64_t watchdog(const char *const *env)
{
    const char *text = mt_env_get(env, "WATCHDOG_USEC");
    const char *pid = mt_env_get(env, "WATCHDOG_PID");
    long long us = text ? atoll(text) : 0;

    return us <= 0 || (pid && atoll(pid) != (long long)getpid()) ? 0 : us / 2;
}

void mt_notify_open(struct mt_notify *n, const char *const *env)
{
    const char *path = mt_env_get(env, "NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    *n = (struct mt_notify){.fd = -1};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* the abstract namespace */
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (n->fd >= 0 &&
        connect(n->fd, (struct sockaddr *)&to,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
        mt_fd_close(&n->fd);
    n->watchdog_us = n->fd >= 0 ? watchdog(env) : 0;
}

void mt_notify_close(struct mt_notify *n)
{
    mt_fd_close(&n->fd);
}

void mt_notify_send(const struct mt_notify *n, const char *text)
{
    if (n->fd >= 0)
        (void)!send(n->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}
