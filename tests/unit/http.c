/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http.c - FastCGI as it comes off a socket, in pieces of any size, and what is refused. */
#include "http/http.h"
#include "base/mem.h"
#include "http/internal.h"
#include "json/json.h"

#include "../tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY = 70000, STREAM = 256 * 1024 };

/* What the handler saw of the last request. */
static struct {
    int calls;
    char method[16], path[256], query[256], header[256];
    long long length;
    size_t body;
    bool same, waited;
    enum mt_code code;
    const char *mode;
} seen;

static char pattern(size_t at)
{
    return (char)('a' + at % 23);
}

static void read_body(struct mt_http *x, size_t piece)
{
    char *buf = mt_alloc(piece);
    struct mt_err err = {.code = MT_OK};
    ssize_t n;

    seen.same = true;
    do {
        n = mt_http_read(x, buf, piece, 50, &err);
        seen.waited = seen.waited || n == MT_HTTP_WAIT;
        for (ssize_t i = 0; i < n; i++)
            seen.same = seen.same && buf[i] == pattern(seen.body + (size_t)i);
        seen.body += n > 0 ? (size_t)n : 0;
    } while (n > 0 || n == MT_HTTP_WAIT);
    seen.code = n < 0 ? err.code : MT_OK;
    free(buf);
}

static void serve(struct mt_http *x, void *ctx)
{
    const struct mt_http_request *r = mt_http_request(x);
    const char *q = mt_http_query(x, "q");
    const char *h = mt_http_header(x, "X-Some");
    struct mt_err err;

    (void)ctx;
    seen.calls++;
    snprintf(seen.method, sizeof seen.method, "%s", mt_http_method_name(r->method));
    snprintf(seen.path, sizeof seen.path, "%s", r->path);
    snprintf(seen.query, sizeof seen.query, "%s", q ? q : "-");
    snprintf(seen.header, sizeof seen.header, "%s", h ? h : "-");
    seen.length = r->content_length;
    if (strcmp(seen.mode, "early") != 0)
        read_body(x, strcmp(seen.mode, "small") == 0 ? 7 : 48 * 1024);
    mt_http_add(x, "X-Answer", "%s", "a\r\nX-Injected: b");
    if (mt_http_json(x, 200, json_pack("{s:i}", "n", (int)seen.body), &err) < 0)
        seen.code = MT_ERR_TRUNCATED;
}

static const struct mt_http_plan plan = {.serve = serve, .idle_ms = 2000, .threads = 1};
static const volatile bool never;

struct stream {
    unsigned char *data;
    size_t n;
};

static void record(struct stream *s, int type, const void *content, size_t n, size_t padding)
{
    unsigned char h[8] = {1,
                          (unsigned char)type,
                          0,
                          1,
                          (unsigned char)(n >> 8),
                          (unsigned char)n,
                          (unsigned char)padding,
                          0};

    memcpy(s->data + s->n, h, 8);
    if (n)
        memcpy(s->data + s->n + 8, content, n);
    memset(s->data + s->n + 8 + n, 0, padding);
    s->n += 8 + n + padding;
}

static void begin(struct stream *s)
{
    record(s, 1, "\0\1\0\0\0\0\0\0", 8, 0);
}

static size_t pair(unsigned char *to, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value), at = 0;

    to[at++] = (unsigned char)n;
    if (v < 128) {
        to[at++] = (unsigned char)v;
    } else {
        to[at++] = (unsigned char)(0x80 | v >> 24);
        to[at++] = (unsigned char)(v >> 16);
        to[at++] = (unsigned char)(v >> 8);
        to[at++] = (unsigned char)v;
    }
    memcpy(to + at, name, n);
    memcpy(to + at + n, value, v);
    return at + n + v;
}

/* A request with these variables (ended by NULL), names and values in turn. */
static void params(struct stream *s, const char *const *list)
{
    unsigned char *block = mt_alloc(60000);
    size_t n = 0;

    for (; *list; list += 2)
        n += pair(block + n, list[0], list[1]);
    record(s, 4, block, n, 3);
    record(s, 4, NULL, 0, 0);
    free(block);
}

static void body(struct stream *s, size_t total, size_t piece, bool ended)
{
    char *text = mt_alloc(piece);

    for (size_t at = 0; at < total; at += piece) {
        size_t n = total - at < piece ? total - at : piece;
        for (size_t i = 0; i < n; i++)
            text[i] = pattern(at + i);
        record(s, 5, text, n, at % 8);
    }
    if (ended)
        record(s, 5, NULL, 0, 0);
    free(text);
}

struct sender {
    int fd;
    const struct stream *s;
    size_t piece;
    int pause_us;
};

static void *send_pieces(void *arg)
{
    const struct sender *k = arg;

    for (size_t at = 0; at < k->s->n; at += k->piece) {
        size_t n = k->s->n - at < k->piece ? k->s->n - at : k->piece;
        if (send(k->fd, k->s->data + at, n, MSG_NOSIGNAL) != (ssize_t)n)
            break;
        if (k->pause_us)
            usleep((unsigned)k->pause_us);
    }
    shutdown(k->fd, SHUT_WR);
    return NULL;
}

/* The answer to the stream sent in pieces of that size; its records' headers stay in it. */
static char *talk(const struct stream *s, size_t piece, int pause_us, const char *mode)
{
    int fds[2];
    pthread_t thread;
    char *answer = mt_alloc(STREAM);
    size_t n = 0;
    ssize_t got;

    memset(&seen, 0, sizeof seen);
    seen.mode = mode;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
        return answer;
    struct sender k = {fds[1], s, piece, pause_us};
    pthread_create(&thread, NULL, send_pieces, &k);
    mt_fcgi_connection(&plan, fds[0], &never);
    pthread_join(thread, NULL);
    while (n < STREAM - 1 && (got = read(fds[1], answer + n, STREAM - 1 - n)) > 0)
        n += (size_t)got;
    close(fds[1]);
    for (size_t i = 0; i < n; i++)
        if (!answer[i])
            answer[i] = ' ';
    return answer;
}

static struct stream fresh(void)
{
    return (struct stream){.data = mt_alloc(STREAM)};
}

static const char *const post[] = {"REQUEST_METHOD", "POST",   "REQUEST_URI", "/a/b%20c?q=1%2B2",
                                   "CONTENT_LENGTH", "1000",   "HTTP_X_SOME", "value",
                                   "CONTENT_TYPE",   "text/x", NULL};

/* A thousand bytes, cut at every place there is: the same request each time. */
static void test_any_split(void)
{
    struct stream s = fresh();
    int wrong = 0;

    begin(&s);
    params(&s, post);
    body(&s, 1000, 333, true);
    for (size_t piece = 1; piece < 200; piece += piece < 24 ? 1 : 17) {
        char *answer = talk(&s, piece, 0, piece % 2 ? "small" : "large");
        if (seen.calls != 1 || seen.body != 1000 || !seen.same || seen.code != MT_OK ||
            strcmp(seen.path, "/a/b c") != 0 || strcmp(seen.query, "1+2") != 0 ||
            strcmp(seen.header, "value") != 0 || !strstr(answer, "{\"n\":1000}"))
            wrong++;
        free(answer);
    }
    OK(wrong == 0, "a request is the same however it is cut");
    free(s.data);
}

static void test_large(void)
{
    static const char *const list[] = {"REQUEST_METHOD", "PUT",   "REQUEST_URI", "/x",
                                       "CONTENT_LENGTH", "70000", NULL};
    struct stream s = fresh();

    begin(&s);
    params(&s, list);
    body(&s, BODY, 65535, true);
    char *answer = talk(&s, 9000, 0, "large");
    OK(seen.body == BODY && seen.same && seen.length == BODY, "a body of several records");
    OK(strstr(answer, "X-Answer: a??X-Injected: b") != NULL, "no header field is injected");
    OK(strstr(answer, "X-Request-Id: ") != NULL, "the answer has a request id");
    free(answer);
    s.n = 0;
    begin(&s);
    params(&s, list);
    body(&s, BODY, 8192, true);
    answer = talk(&s, 40000, 150000, "large");
    OK(seen.waited && seen.body == BODY && seen.same, "a slow body is waited for again and again");
    free(answer);
    free(s.data);
}

static void test_cut(void)
{
    struct stream s = fresh();

    begin(&s);
    params(&s, post);
    body(&s, 500, 250, false);
    char *answer = talk(&s, 4096, 0, "large");
    OK(seen.code == MT_ERR_TRUNCATED && seen.body == 500, "a connection that broke is no end");
    free(answer);
    s.n = 0;
    begin(&s);
    params(&s, post);
    body(&s, 500, 250, true);
    answer = talk(&s, 4096, 0, "large");
    OK(seen.code == MT_ERR_TRUNCATED, "nor is a stream that ends before Content-Length");
    free(answer);
    s.n = 0;
    begin(&s);
    params(&s, post);
    body(&s, 1500, 250, true);
    answer = talk(&s, 4096, 0, "large");
    OK(seen.code == MT_OK && seen.body == 1000, "what is beyond Content-Length is not read");
    free(answer);
    free(s.data);
}

static void test_early(void)
{
    struct stream s = fresh();

    begin(&s);
    params(&s, post);
    body(&s, 1000, 250, true);
    char *answer = talk(&s, 100, 1000, "early");
    OK(strstr(answer, "{\"n\":0}") != NULL, "an answer that does not wait for the body arrives");
    free(answer);
    free(s.data);
}

/* The status with which a request of these variables is answered; 0 if the handler saw it. */
static int refused(const char *const *list)
{
    struct stream s = fresh();

    begin(&s);
    params(&s, list);
    record(&s, 5, NULL, 0, 0);
    char *answer = talk(&s, 4096, 0, "large");
    const char *status = strstr(answer, "Status: ");
    int code = seen.calls || !status ? 0 : atoi(status + 8);
    free(answer);
    free(s.data);
    return code;
}

static void test_refused(void)
{
#define REQUEST(...)                                                                               \
    (const char *const[])                                                                          \
    {                                                                                              \
        "REQUEST_METHOD", "GET", __VA_ARGS__, NULL                                                 \
    }
    static const char *const bad[] = {"/a/../b", "/a//b",    "/a%2fb",     "/a%00b",  "/a%zz",
                                      "/a%2",    "/a%c3%28", "/a%0d%0a",   "a",       "/%2e%2e/etc",
                                      "/./a",    "/a?x=%zz", "/a?x=1&x=2", "/a?x=%00"};
    char *many = mt_alloc(9001);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        OK(refused(REQUEST("REQUEST_URI", bad[i])) == 400, bad[i]);
    OK(refused(REQUEST("REQUEST_URI", "/a", "CONTENT_LENGTH", "-1")) == 400, "a negative length");
    OK(refused(REQUEST("REQUEST_URI", "/a", "CONTENT_LENGTH", "1e9")) == 400, "no number");
    OK(refused(REQUEST("REQUEST_URI", "/a", "CONTENT_LENGTH", "99999999999999999999")) == 400,
       "a length beyond all numbers");
    OK(refused(REQUEST("REQUEST_URI", "/a", "CONTENT_LENGTH", "1", "CONTENT_LENGTH", "2")) == 400,
       "two lengths");
    OK(refused(REQUEST("REQUEST_URI", "/a", "HTTP_TRANSFER_ENCODING", "chunked",
                       "HTTP_CONTENT_LENGTH", "5", "CONTENT_LENGTH", "5")) == 400,
       "a length and chunks");
    OK(refused(REQUEST("REQUEST_URI", "/a", "HTTP_TRANSFER_ENCODING", "gzip")) == 400,
       "a coding that nobody undoes");
    OK(refused(REQUEST("REQUEST_URI", "/a", "HTTP_X_A", "1\r\nX: y")) == 400, "a line end");
    OK(refused(REQUEST("REQUEST_URI", "/a", "HTTP_IF_MATCH", "a", "HTTP_IF_MATCH", "b")) == 400,
       "a header field twice");
    memset(many, 'a', 9000);
    many[0] = '/';
    OK(refused(REQUEST("REQUEST_URI", many)) == 414, "a path of 9 KB");
    OK(refused(REQUEST("REQUEST_URI", "/a", "HTTP_X_A", "ok")) == 0, "and what is well is served");
    free(many);
}

static void test_many_headers(void)
{
    const char *list[2 * 140 + 5] = {"REQUEST_METHOD", "GET", "REQUEST_URI", "/"};
    char names[140][24];

    for (int i = 0; i < 140; i++) {
        snprintf(names[i], sizeof names[i], "HTTP_X_%d", i);
        list[4 + 2 * i] = names[i];
        list[5 + 2 * i] = "v";
    }
    OK(refused(list) == 431, "140 header fields");
    struct stream s = {.data = mt_alloc(8 << 20)};
    begin(&s);
    unsigned char *block = mt_alloc(60000);
    for (int k = 0; k < 100; k++) {
        size_t n = 0;
        for (int i = 0; i < 1000; i++)
            n += pair(block + n, "HTTP_X_YYYYYYYYYYYYYYYYYYYYYYYY", "vvvvvvvvvvvvvvvvvvvv");
        record(&s, 4, block, n, 0);
    }
    record(&s, 4, NULL, 0, 0);
    record(&s, 5, NULL, 0, 0);
    char *answer = talk(&s, 65536, 0, "large");
    OK(seen.calls == 0 && strstr(answer, "Status: 431"), "100,000 header fields");
    free(answer);
    free(block);
    free(s.data);
}

/* Records that make no sense: no crash, no answer, no hang. */
static void test_noise(void)
{
    struct stream s = fresh();
    unsigned seed = 1;

    for (int round = 0; round < 300; round++) {
        s.n = 0;
        begin(&s);
        params(&s, post);
        body(&s, 1000, 100, true);
        for (int k = 0; k < 8; k++) {
            seed = seed * 1103515245 + 12345;
            s.data[(seed >> 8) % s.n] = (unsigned char)(seed >> 24);
        }
        free(talk(&s, 512, 0, "large"));
    }
    OK(true, "300 streams with wrong bytes in them");
    free(s.data);
}

int main(void)
{
    test_any_split();
    test_large();
    test_cut();
    test_early();
    test_refused();
    test_many_headers();
    test_noise();
    return tap_done();
}
