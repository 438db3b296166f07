/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listen.c - where requests come from. */
#include "http/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, SYSTEMD_FD = 3 };

static const char *env_of(const char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

static bool listens(int fd)
{
    int on = 0;
    socklen_t n = sizeof on;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on;
}

enum mt_http_role mt_http_role(const char *const *env, int *fd)
{
    const char *pid = env_of(env, "LISTEN_PID");
    const char *n = env_of(env, "LISTEN_FDS");

    *fd = STDIN_FILENO;
    if (env_of(env, "GATEWAY_INTERFACE") && env_of(env, "REQUEST_METHOD"))
        return MT_HTTP_CGI;
    if (pid && n && atoi(pid) == getpid() && atoi(n) >= 1 && listens(SYSTEMD_FD)) {
        *fd = SYSTEMD_FD;
        return MT_HTTP_SOCKET;
    }
    return listens(STDIN_FILENO) ? MT_HTTP_SOCKET : MT_HTTP_ALONE;
}

/* A socket that nobody listens at is what a dead server has left. */
static bool is_stale(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 &&
                 errno == ECONNREFUSED;

    mt_fd_close(&fd);
    return stale;
}

static int listen_unix(const char *path, int *fd, struct mt_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!*path || strlen(path) >= sizeof address.sun_path)
        return mt_fail(err, MT_ERR_USAGE, "a socket's path is 1 to %zu bytes, not '%.200s'",
                       sizeof address.sun_path - 1, path);
    strcpy(address.sun_path, path);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return mt_fail_errno(err, "cannot make a socket");
    if (is_stale(&address))
        unlink(path);
    if (bind(*fd, (struct sockaddr *)&address, sizeof address) < 0) {
        if (errno == EADDRINUSE)
            return mt_fail(err, MT_ERR_LOCKED, "somebody listens at '%s' already", path);
        return mt_fail_errno(err, "cannot listen at '%s'", path);
    }
    if (listen(*fd, BACKLOG) < 0)
        return mt_fail_errno(err, "cannot listen at '%s'", path);
    return 0;
}

static int listen_at(const struct addrinfo *a, int *fd)
{
    int on = 1;

    *fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (*fd < 0)
        return -1;
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return bind(*fd, a->ai_addr, a->ai_addrlen) < 0 || listen(*fd, BACKLOG) < 0 ? -1 : 0;
}

static int listen_tcp(const char *where, int *fd, struct mt_err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    char *host = mt_strdup(where);
    char *port = strrchr(host, ':');
    char *name = host;
    int ret = -1;

    if (!port || !port[1]) {
        mt_fail(err, MT_ERR_USAGE, "'%s' is no place to listen at", where);
        mt_hint(err, "unix:/path, or host:port");
        goto out;
    }
    *port++ = '\0';
    if (*name == '[' && mt_str_ends(name, "]")) {
        name[strlen(name) - 1] = '\0';
        name++;
    }
    int code = getaddrinfo(*name ? name : NULL, port, &hints, &list);
    if (code != 0)
        mt_fail(err, MT_ERR_CONFIG, "cannot listen at '%s': %s", where, gai_strerror(code));
    else if (listen_at(list, fd) < 0)
        mt_fail_errno(err, "cannot listen at '%s'", where);
    else
        ret = 0;
out:
    if (list)
        freeaddrinfo(list);
    free(host);
    return ret;
}

int mt_http_listen(const char *where, int *fd, struct mt_err *err)
{
    *fd = -1;
    int ret = mt_str_starts(where, "unix:") ? listen_unix(where + 5, fd, err)
                                            : listen_tcp(where, fd, err);
    if (ret < 0)
        mt_fd_close(fd);
    return ret;
}
