/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_api.c - the HTTP API: its keys, the directory of uploads, its socket.
 *
 * Only what is configured is looked at: a machine without the API has nothing to say here.
 */
#include "status/doctor.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <unistd.h>

enum { DAY_S = 86400, OLD_DAYS = 365, ANSWER_MS = 3000 };

static const char usual_socket[] = "/run/media-toolkit/api.sock";

/* --- keys --- */

/* Whether the set holds what is secret: a symmetric key, or the private part of a pair. */
static bool holds_secret(const json_t *set)
{
    size_t i;
    json_t *key;

    json_array_foreach(json_object_get(set, "keys"), i, key)
    {
        if (json_object_get(key, "k") || json_object_get(key, "d"))
            return true;
    }
    return false;
}

/* What is wrong with the file's mode; NULL: nothing. */
static const char *open_to(const struct stat *st, bool secret)
{
    if (st->st_mode & S_IWOTH)
        return "everybody may change it";
    return secret && (st->st_mode & S_IROTH) ? "everybody may read it" : NULL;
}

static void judge_keys(struct mt_doctor *d, const char *name, const char *file,
                       const struct stat *st, const json_t *set)
{
    size_t n = json_array_size(json_object_get(set, "keys"));
    bool secret = holds_secret(set);
    const char *open = open_to(st, secret);
    long long days = (long long)((mt_now_us() / 1000000 - st->st_mtim.tv_sec) / DAY_S);

    if (n == 0)
        mt_doctor_say(d, name, MT_VERDICT_PROBLEM, "media-api key makes one",
                      "'%s' holds no keys: {\"keys\": [...]}", file);
    else if (open)
        mt_doctor_say(d, name, MT_VERDICT_PROBLEM,
                      "chmod 640 it, give it to the group of the service, and make new keys",
                      "'%s': %s", file, open);
    else if (days > OLD_DAYS)
        mt_doctor_say(d, name, MT_VERDICT_WARNING,
                      "put a new key in beside the old one (media-api key); take that out later",
                      "'%s': not changed for %lld days", file, days);
    else
        mt_doctor_say(d, name, MT_VERDICT_OK, NULL, "'%s': %zu %s, %s, changed %lld days ago", file,
                      n, n == 1 ? "key" : "keys", secret ? "with what is secret" : "public", days);
}

static void check_keys(struct mt_doctor *d, const char *name, const char *file)
{
    struct stat st;
    struct mt_err err;

    if (!file)
        return;
    if (stat(file, &st) < 0 || access(file, R_OK) < 0) {
        bool denied = errno == EACCES;
        mt_doctor_say(d, name, denied ? MT_VERDICT_UNKNOWN : MT_VERDICT_PROBLEM,
                      denied ? "run doctor as root, or as the user of the service"
                             : "media-api key makes one",
                      "'%s': %s", file, strerror(errno));
        return;
    }
    json_t *set = mt_json_read_secret(file, &err);
    if (set)
        judge_keys(d, name, file, &st, set);
    else
        mt_doctor_say(d, name, MT_VERDICT_PROBLEM, "media-api key makes one", "%s", err.msg);
    json_decref(set);
}

/* --- uploads --- */

/* What is written there survives the machine. */
static bool is_durable(int dirfd)
{
    struct statfs fs;

    return fstatfs(dirfd, &fs) < 0 || (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC);
}

/* Makes a file as an upload would, durable, and removes it. */
static int try_writing(int dirfd, struct mt_err *err)
{
    static const char name[] = ".media-status-doctor";
    int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int ret = fd >= 0 && write(fd, name, 1) == 1 && fdatasync(fd) == 0
                  ? 0
                  : mt_fail_errno(err, "nothing can be written there");

    if (fd >= 0)
        unlinkat(dirfd, name, 0);
    mt_fd_close(&fd);
    return ret;
}

static void check_uploads(struct mt_doctor *d, const char *dir)
{
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    struct mt_err err;

    if (!dir)
        return;
    if (fd < 0)
        mt_doctor_say(d, "api_uploads", errno == ENOENT ? MT_VERDICT_WARNING : MT_VERDICT_PROBLEM,
                      errno == ENOENT
                          ? "media-api makes it with the first upload; or make it, for its user"
                          : "give it to the user of the service",
                      "'%s': %s", dir, strerror(errno));
    else if (try_writing(fd, &err) < 0)
        mt_doctor_say(d, "api_uploads", MT_VERDICT_PROBLEM, "give it to the user of the service",
                      "'%s': %s", dir, err.msg);
    else if (!is_durable(fd))
        mt_doctor_say(
            d, "api_uploads", MT_VERDICT_PROBLEM, "set uploads.directory to a directory on a disk",
            "'%s' is in memory: what was acknowledged is lost when the machine stops", dir);
    else
        mt_doctor_say(d, "api_uploads", MT_VERDICT_OK, NULL, "'%s' takes what is written, durably",
                      dir);
    mt_fd_close(&fd);
    mt_doctor_space(d, "api_uploads_space", dir);
}

/* --- rates --- */

static void check_rates(struct mt_doctor *d, const char *file)
{
    struct stat st;

    if (!file)
        return;
    if (stat(file, &st) < 0)
        mt_doctor_say(d, "api_rates", errno == ENOENT ? MT_VERDICT_UNKNOWN : MT_VERDICT_PROBLEM,
                      NULL, "'%s': %s", file, strerror(errno));
    else if (!S_ISREG(st.st_mode) || (st.st_mode & S_IWOTH))
        mt_doctor_say(d, "api_rates", MT_VERDICT_PROBLEM,
                      "remove it, and let media-api make it in a directory of its own", "'%s' %s",
                      file,
                      S_ISREG(st.st_mode) ? "may be changed by everybody" : "is no regular file");
    else
        mt_doctor_say(d, "api_rates", MT_VERDICT_OK, NULL, "'%s' keeps the account of requests",
                      file);
}

/* --- the server --- */

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        mt_fd_close(&fd);
        return -1;
    }
    strcpy(address.sun_path, path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int saved = errno;
        mt_fd_close(&fd);
        errno = saved;
    }
    return fd;
}

/* "host:port", "[::1]:port". */
static int connect_tcp(const char *where)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char *host = mt_strdup(where);
    char *port = strrchr(host, ':');
    char *name = host;
    int fd = -1;

    if (port)
        *port++ = '\0';
    if (*name == '[' && mt_str_ends(name, "]")) {
        name[strlen(name) - 1] = '\0';
        name++;
    }
    errno = EADDRNOTAVAIL;
    if (port && getaddrinfo(*name ? name : "localhost", port, &hints, &list) == 0) {
        fd = socket(list->ai_family, list->ai_socktype | SOCK_CLOEXEC, list->ai_protocol);
        if (fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen) < 0) {
            int saved = errno;
            mt_fd_close(&fd);
            errno = saved;
        }
        freeaddrinfo(list);
    }
    free(host);
    return fd;
}

/* GET /healthz as a web server asks for it by FastCGI 1.0: three records. */
static bool ask(int fd)
{
    static const char pairs[] = "\x0e\x03"
                                "REQUEST_METHODGET"
                                "\x0b\x08"
                                "REQUEST_URI/healthz";
    enum { N = sizeof pairs - 1 };
    char request[16 + 8 + N + 16] = {1, 1, 0, 1, 0, 8, 0, 0, 0, 1}; /* begin: a responder */
    const char params[8] = {1, 4, 0, 1, 0, N};
    const char ends[16] = {1, 4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1};

    memcpy(request + 16, params, sizeof params);
    memcpy(request + 24, pairs, N);
    memcpy(request + 24 + N, ends, sizeof ends);
    return mt_write_all(fd, request, sizeof request) == 0;
}

/* Whether it answers with 200 within the time. */
static bool answers(int fd)
{
    char answer[512];
    size_t n = 0;
    int64_t until = mt_mono_us() + ANSWER_MS * 1000;

    if (!ask(fd))
        return false;
    while (n < sizeof answer - 1 && mt_mono_us() < until) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, ANSWER_MS) <= 0)
            break;
        ssize_t got = read(fd, answer + n, sizeof answer - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        if (memmem(answer, n, "Status: 200 ", 12))
            return true;
    }
    return false;
}

static void check_socket(struct mt_doctor *d, const char *listen)
{
    bool own = listen && mt_str_starts(listen, "unix:");
    const char *where = own ? listen + 5 : listen ? listen : usual_socket;
    bool local = own || !listen;
    int64_t start = mt_mono_us();

    if (!listen && access(usual_socket, F_OK) < 0)
        return;
    int fd = local ? connect_unix(where) : connect_tcp(where);
    if (fd < 0)
        mt_doctor_say(d, "api_socket", errno == EACCES ? MT_VERDICT_UNKNOWN : MT_VERDICT_PROBLEM,
                      errno == EACCES ? "run doctor as root, or in the group of the web server"
                                      : "systemctl start media-api.socket media-api.service",
                      "nobody answers at '%s': %s", where, strerror(errno));
    else if (!answers(fd))
        mt_doctor_say(d, "api_socket", MT_VERDICT_PROBLEM,
                      "look at journalctl -u media-api, and restart it",
                      "'%s' takes connections, but gives no answer to /healthz within %d s", where,
                      ANSWER_MS / 1000);
    else
        mt_doctor_say(d, "api_socket", MT_VERDICT_OK, NULL, "'%s' answers /healthz in %.1f ms",
                      where, (double)(mt_mono_us() - start) / 1e3);
    mt_fd_close(&fd);
}

void mt_doctor_api(struct mt_doctor *d)
{
    const struct mt_status_api *api = &d->s->api;

    check_keys(d, "api_keys", api->jwks_file);
    check_keys(d, "api_url_keys", api->url_keys);
    check_uploads(d, api->uploads);
    check_rates(d, api->rate_file);
    check_socket(d, api->listen);
}
