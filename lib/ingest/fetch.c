/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fetch.c - see fetch.h. */
#include "ingest/fetch.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/signals.h"
#include "ingest/host.h"
#include "net/address.h"
#include "proc/proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { HEADER_MAX = 65536, REDIRECTS_MAX = 5, CONNECT_S = 20, LOOKUP_US = 20 * 1000 * 1000 };

struct mt_fetch {
    struct mt_proc *curl;
    char *name;
    char *header; /* of the last answer */
    int status;
};

static const char *find_curl(void)
{
    static const char *const paths[] = {"/usr/bin/curl", "/usr/local/bin/curl", "/bin/curl"};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

static int start(struct mt_fetch *f, const char *url, const struct mt_url *parts,
                 const char *address, const struct mt_fetch_rules *rules, struct mt_err *err)
{
    const char *curl = find_curl();
    char most[32], wall[32], connect[16];

    if (!curl) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "fetching needs curl, which is not installed");
        return mt_hint(err, "apt install curl");
    }
    snprintf(most, sizeof most, "%lld", (long long)rules->max_bytes);
    snprintf(wall, sizeof wall, "%lld", (long long)(rules->wall_us / 1000000));
    snprintf(connect, sizeof connect, "%d", CONNECT_S);
    char *to = mt_asprintf("::%s:%d", address, parts->port);
    const char *const argv[] = {curl,
                                "--disable",
                                "--silent",
                                "--include",
                                "--globoff",
                                "--http1.1",
                                "--noproxy",
                                "*",
                                "--proto",
                                rules->allow_http ? "=https,http" : "=https",
                                "--connect-to",
                                to,
                                "--connect-timeout",
                                connect,
                                "--max-time",
                                wall,
                                "--max-filesize",
                                most,
                                "--speed-limit",
                                "1",
                                "--speed-time",
                                "60",
                                "--user-agent",
                                "media-ingest",
                                "--url",
                                url,
                                NULL};
    int ret = mt_proc_start(&f->curl, argv, MT_PROC_PIPE, err);
    free(to);
    return ret;
}

/* One header block, byte by byte so that nothing of the body is taken; it has many bytes less. */
static int read_header(struct mt_fetch *f)
{
    size_t n = 0;

    free(f->header);
    f->header = mt_alloc(HEADER_MAX + 1);
    while (n < HEADER_MAX) {
        ssize_t got = read(mt_proc_fd(f->curl), f->header + n, 1);
        if (got < 0 && errno == EINTR && !mt_stop_signal())
            continue;
        if (got <= 0)
            return -1;
        n++;
        if (n >= 4 && memcmp(f->header + n - 4, "\r\n\r\n", 4) == 0)
            return sscanf(f->header, "HTTP/%*s %d", &f->status) == 1 ? 0 : -1;
    }
    return -1;
}

/* The value of a header line, or NULL. free() it. */
static char *header_value(const struct mt_fetch *f, const char *key)
{
    size_t n = strlen(key);

    for (const char *line = strstr(f->header, "\r\n"); line && line[2];
         line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, key, n) == 0 && line[n] == ':') {
            line += n + 1;
            line += strspn(line, " \t");
            return mt_strndup(line, strcspn(line, "\r"));
        }
    }
    return NULL;
}

static int fail_curl(int status, struct mt_err *err)
{
    switch (status) {
    case 28:
        mt_fail(err, MT_ERR_TIMEOUT, "the server took too long");
        return mt_hint(err, "--url-timeout permits longer");
    case 63:
        return mt_fail(err, MT_ERR_TOO_LARGE, "the server has more bytes than are permitted");
    case 35:
    case 51:
    case 60:
        return mt_fail(err, MT_ERR_POLICY, "the server's certificate or TLS is not valid");
    case 18:
    case 56:
        return mt_fail(err, MT_ERR_BUSY, "the connection ended before the last byte");
    case 1:
        return mt_fail(err, MT_ERR_POLICY, "only https is fetched");
    default:
        return mt_fail(err, MT_ERR_BUSY, "cannot fetch: curl ended with status %d", status);
    }
}

static int fail_status(const struct mt_fetch *f, struct mt_err *err)
{
    enum mt_code code = MT_ERR_FAILED;

    if (f->status == 404 || f->status == 410)
        code = MT_ERR_NO_FILE;
    else if (f->status == 401 || f->status == 403)
        code = MT_ERR_UNREADABLE;
    else if (f->status == 429 || f->status >= 500)
        code = MT_ERR_BUSY;
    return mt_fail(err, code, "the server answers with status %d", f->status);
}

/* filename="..." of Content-Disposition, its base name; NULL if it has none. free() it. */
static char *offered_name(const struct mt_fetch *f)
{
    char *value = header_value(f, "Content-Disposition");
    char *at = value ? strcasestr(value, "filename=") : NULL;
    char *name = NULL;

    if (at) {
        at += strlen("filename=");
        bool quoted = *at == '"';
        at += quoted;
        at[strcspn(at, quoted ? "\"" : "; ")] = '\0';
        const char *base = mt_path_base(at);
        if (*base && strcmp(base, ".") != 0 && strcmp(base, "..") != 0)
            name = mt_strdup(base);
    }
    free(value);
    return name;
}

static void stop(struct mt_fetch *f)
{
    /* Closing our end would end it at its next byte, which a silent server never sends. */
    if (f->curl)
        mt_proc_kill(f->curl);
    mt_proc_finish(&f->curl, NULL);
}

/* Asks one URL: 0 with a body to read, 1 with *next to go to, -1. */
static int ask(struct mt_fetch *f, const char *url, const struct mt_fetch_rules *rules, char **next,
               struct mt_err *err)
{
    struct mt_url parts;
    char address[64];
    int status = 0;
    int ret = -1;

    if (mt_url_parse(&parts, url, err) < 0)
        goto out;
    if (!parts.secure && !rules->allow_http) {
        mt_fail(err, MT_ERR_POLICY, "only https is fetched");
        goto out;
    }
    if (!f->name)
        f->name = mt_url_name(&parts);
    int64_t wall = rules->wall_us < LOOKUP_US ? rules->wall_us : LOOKUP_US;
    if (mt_address_of(&parts, rules->allow_private, wall, address, err) < 0 ||
        start(f, url, &parts, address, rules, err) < 0)
        goto out;
    do
        ret = read_header(f);
    while (ret == 0 && f->status < 200);
    if (ret < 0 && mt_stop_signal()) {
        stop(f);
        mt_fail(err, MT_ERR_CANCELLED, "stopped while the server was waited for");
        goto out;
    }
    if (ret < 0) {
        mt_proc_finish(&f->curl, &status);
        fail_curl(status, err);
        goto out;
    }
    char *location = f->status >= 300 && f->status < 400 ? header_value(f, "Location") : NULL;
    if (location) {
        *next = mt_url_join(&parts, location);
        ret = 1;
    } else if (f->status != 200) {
        ret = fail_status(f, err);
    }
    free(location);
out:
    mt_url_free(&parts);
    return ret;
}

int mt_fetch_open(struct mt_fetch **out, const char *url, const struct mt_fetch_rules *rules,
                  struct mt_err *err)
{
    struct mt_fetch *f = mt_alloc(sizeof *f);
    char *at = mt_strdup(url);
    char *next = NULL;
    int ret = 1;

    for (int i = 0; ret == 1 && i <= REDIRECTS_MAX; i++) {
        ret = ask(f, at, rules, &next, err);
        if (ret == 1) {
            stop(f);
            free(at);
            at = next;
        }
    }
    if (ret == 1)
        ret = mt_fail(err, MT_ERR_FAILED, "more than %d redirects", REDIRECTS_MAX);
    if (ret == 0) {
        char *name = offered_name(f);
        if (name) {
            free(f->name);
            f->name = name;
        }
    }
    free(at);
    if (ret < 0) {
        mt_fetch_close(&f);
        char *shown = mt_text_printable(url, 200);
        mt_fail_in(err, "'%s'", shown);
        free(shown);
    }
    *out = f;
    return ret;
}

const char *mt_fetch_name(const struct mt_fetch *fetch)
{
    return fetch->name;
}

int mt_fetch_fd(const struct mt_fetch *fetch)
{
    return mt_proc_fd(fetch->curl);
}

int mt_fetch_end(struct mt_fetch **fetch, struct mt_err *err)
{
    int status = 0;

    mt_proc_finish(&(*fetch)->curl, &status);
    mt_fetch_close(fetch);
    return status == 0 ? 0 : fail_curl(status, err);
}

void mt_fetch_close(struct mt_fetch **fetch)
{
    if (!*fetch)
        return;
    stop(*fetch);
    free((*fetch)->name);
    free((*fetch)->header);
    free(*fetch);
    *fetch = NULL;
}
