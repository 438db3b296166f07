/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgi.c - one request from the environment (RFC 3875). */
#include "http/internal.h"

#include "base/mem.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct conn {
    const struct mt_http_plan *plan;
    bool broken;
};

static ssize_t cgi_read(void *conn, void *buf, size_t n, int timeout_ms, struct mt_err *err)
{
    struct iovec piece = {buf, n};

    (void)conn;
    return mt_http_recv(STDIN_FILENO, &piece, 1, timeout_ms, err);
}

static int cgi_write(void *conn, const struct iovec *pieces, int n, bool last, struct mt_err *err)
{
    struct conn *c = conn;
    struct iovec copy[2];

    (void)last;
    if (n == 0)
        return 0;
    for (int i = 0; i < n && i < 2; i++)
        copy[i] = pieces[i];
    int ret = mt_http_send_all(STDOUT_FILENO, copy, n, c->plan->idle_ms, err);
    c->broken = c->broken || ret < 0;
    return ret;
}

static bool cgi_gone(void *conn)
{
    struct conn *c = conn;
    struct pollfd p = {.fd = STDOUT_FILENO};

    return c->broken || (poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP)));
}

static const struct mt_http_transport transport = {cgi_read, cgi_write, cgi_gone};

int mt_http_cgi(const struct mt_http_plan *plan, const char *const *env, struct mt_err *err)
{
    static const volatile bool never;
    struct conn c = {.plan = plan};
    struct mt_http x = {.transport = &transport, .conn = &c, .plan = plan, .stopping = &never};
    size_t n = 0;

    while (env[n])
        n++;
    x.params = mt_realloc(NULL, n + 1, sizeof *x.params);
    char **names = mt_realloc(NULL, n + 1, sizeof *names);
    for (size_t i = 0; i < n; i++) {
        const char *mark = strchr(env[i], '=');
        if (!mark)
            continue;
        names[x.n_params] = mt_strndup(env[i], (size_t)(mark - env[i]));
        x.params[x.n_params] = (struct mt_http_pair){names[x.n_params], mark + 1};
        x.n_params++;
    }
    if (mt_http_open(&x))
        plan->serve(&x, plan->ctx);
    mt_http_end(&x);
    for (int i = 0; i < x.n_params; i++)
        free(names[i]);
    free(names);
    free(x.params);
    mt_http_close(&x);
    return c.broken ? mt_fail(err, MT_ERR_TRUNCATED, "the web server went away") : 0;
}
