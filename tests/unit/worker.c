/* SPDX-License-Identifier: GPL-2.0-or-later */
/* worker.c - whatever the child does, the parent learns how it ended and keeps nothing of it. */
#include "worker/worker.h"
#include "../tap.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNUSED (void)arg, (void)worker, (void)err

/* What the parent has seen. */
struct heard {
    int lines, attachments, fail_at, cancel_at;
    size_t bytes;
    int64_t sum, last_us;
    bool wrong;
};

static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct heard *h = ctx;
    const unsigned char *p = data;

    h->lines++;
    h->sum += json_integer_value(json_object_get(line, "n"));
    h->bytes += n;
    h->attachments += data != NULL;
    for (size_t i = 0; i < n; i += 4093)
        h->wrong |= p[i] != (unsigned char)(i * 7);
    h->wrong |= json_object_get(line, "_attached") != NULL;
    pid_t pid = (pid_t)json_integer_value(json_object_get(line, "pid"));
    h->wrong |= pid > 0 && getpgid(pid) != pid;
    if (h->fail_at && h->lines == h->fail_at)
        return mt_fail(err, MT_ERR_NO_SPACE, "the parent is full");
    return 0;
}

static int asked(void *ctx)
{
    struct heard *h = ctx;

    return h->cancel_at && h->lines >= h->cancel_at;
}

static int send_n(struct mt_worker *worker, int64_t n, const void *data, size_t size,
                  struct mt_err *err)
{
    json_t *line = json_pack("{s:I}", "n", (json_int_t)n);
    int ret = mt_worker_send(worker, line, data, size, err);

    json_decref(line);
    return ret;
}

static int c_count(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    int ret = 0;

    for (int i = 1; i <= *(int *)arg && ret == 0; i++)
        ret = send_n(worker, i, NULL, 0, err);
    return ret;
}

static int c_attach(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    size_t n = *(size_t *)arg;
    unsigned char *p = malloc(n);

    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(i * 7);
    json_t *empty = json_object();
    int ret = mt_worker_send(worker, empty, p, n, err);
    json_decref(empty);
    if (ret == 0)
        ret = send_n(worker, 1, p, 1, err);
    if (ret == 0)
        ret = send_n(worker, 2, NULL, 0, err);
    if (ret == 0)
        ret = send_n(worker, 3, p, n / 2 + 1, err);
    free(p);
    return ret;
}

static int c_fail(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    UNUSED;
    mt_fail(err, MT_ERR_ENCRYPTED, "it is \033[31mlocked\nup");
    err->os_errno = EILSEQ;
    return mt_hint(err, "find the \"key\"");
}

static int c_no_memory(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    UNUSED;
    errno = ENOMEM;
    return mt_fail_errno(err, "cannot hold a picture");
}

static int c_reserved(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    json_t *line = json_pack("{s:s}", "_end", "ok");
    int ret = mt_worker_send(worker, line, NULL, 0, err);

    (void)arg;
    json_decref(line);
    return ret;
}

static int c_segv(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    (void)arg;
    dprintf(2, "begin%0*d\nthese are\nmy last \033[1mwords\n", 5000, 0);
    if (send_n(worker, 1, NULL, 0, err) == 0)
        raise(SIGSEGV);
    return 0;
}

static int c_abort(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    UNUSED;
    if (arg)
        dprintf(2, "terminate called after throwing an instance of 'std::bad_alloc'\n");
    abort();
}

static int c_exit(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    UNUSED;
    dprintf(2, "%s", (const char *)arg);
    _exit(3);
}

static int c_hang(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    (void)arg;
    if (send_n(worker, 1, NULL, 0, err) < 0)
        return -1;
    for (;;)
        sleep(1);
}

static int c_talk(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct timespec nap = {.tv_nsec = 20000000};

    (void)arg;
    while (send_n(worker, 1, NULL, 0, err) == 0)
        nanosleep(&nap, NULL);
    return -1;
}

static int c_busy(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    UNUSED;
    for (volatile unsigned n = 0;; n++)
        ;
    return 0;
}

static int c_forbidden(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct sigaction sa;

    (void)arg;
    json_t *line = json_pack("{s:i}", "pid", (int)getpid());
    if (mt_worker_send(worker, line, NULL, 0, err) < 0)
        return -1;
    json_decref(line);
    for (int sig = 1; sig < 32; sig++) /* the parent's handler is not here any more */
        if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL && sig != SIGPIPE &&
            sig != SIGXFSZ)
            return mt_fail(err, MT_ERR_BUG, "signal %d is handled", sig);
    if (open("/etc/passwd", O_RDONLY) >= 0)
        return mt_fail(err, MT_ERR_BUG, "it is not locked in");
    raise(SIGSYS);
    return 0;
}

static int c_nice(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    (void)arg;
    return send_n(worker, getpriority(PRIO_PROCESS, 0), NULL, 0, err);
}

/* Only the kept descriptor, 0-2 and the pipe are open; 0 and 1 are /dev/null. */
static int c_descriptors(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    int kept = *(int *)arg, open_now = 0;
    char c;

    for (int fd = 0; fd < 300; fd++)
        open_now += fcntl(fd, F_GETFD) >= 0;
    if (read(STDIN_FILENO, &c, 1) != 0 || write(STDOUT_FILENO, "not ok - stdout\n", 16) != 16)
        return mt_fail(err, MT_ERR_BUG, "0 and 1 are not /dev/null");
    if (pread(kept, &c, 1, 0) != 1 || c != 'k')
        return mt_fail(err, MT_ERR_BUG, "the kept descriptor is gone");
    return send_n(worker, open_now, NULL, 0, err);
}

/* The pipe's number: the only descriptor above 2 of a child that keeps none. */
static int line_pipe(void)
{
    int fd = 3;

    while (fcntl(fd, F_GETFD) < 0)
        fd++;
    return fd;
}

static int c_close(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    (void)arg;
    close(line_pipe());
    return c_hang(arg, worker, err) < 0 ? c_busy(arg, worker, err) : 0;
}

/* Tells the test who it is by a descriptor it has kept. */
static int c_orphan(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    pid_t self = getpid();

    if (write(*(int *)arg, &self, sizeof self) != (ssize_t)sizeof self)
        return mt_fail_errno(err, "cannot write");
    return c_hang(arg, worker, err);
}

static int c_raw(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    (void)worker;
    if (mt_write_all(line_pipe(), arg, strlen(arg)) < 0)
        return mt_fail_errno(err, "cannot write");
    return 0;
}

static int c_endless_line(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    static char block[1 << 16];

    UNUSED;
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 1000; i++)
        if (mt_write_all(line_pipe(), block, sizeof block) < 0)
            return mt_fail_errno(err, "cannot write");
    return 0;
}

static int c_long_line(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    size_t n = (size_t)33 << 20;
    char *text = malloc(n + 1);

    (void)arg;
    memset(text, 'x', n);
    text[n] = '\0';
    json_t *line = json_pack("{s:o}", "s", json_stringn(text, n));
    int ret = mt_worker_send(worker, line, NULL, 0, err);
    json_decref(line);
    free(text);
    return ret;
}

static void *count_to_1000(void *arg)
{
    struct mt_err err;
    unsigned char data[100];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    for (int i = 1; i <= 1000; i++)
        if (send_n(arg, i, i % 3 ? data : NULL, i % 3 ? sizeof data : 0, &err) < 0)
            return arg;
    return NULL;
}

static int c_threads(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    pthread_t t[4];
    void *failed;

    (void)arg;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&t[i], NULL, count_to_1000, worker) != 0)
            return mt_fail(err, MT_ERR_FAILED, "no thread");
    for (int i = 0; i < 4; i++)
        if (pthread_join(t[i], &failed) != 0 || failed)
            return mt_fail(err, MT_ERR_FAILED, "a thread could not send");
    return 0;
}

static struct mt_worker_spec spec_of(int (*run)(void *, struct mt_worker *, struct mt_err *),
                                     void *arg, struct heard *h)
{
    *h = (struct heard){0};
    return (struct mt_worker_spec){.what = "working",
                                   .profile = MT_JAIL_DECODE,
                                   .wall_us = 60000000,
                                   .run = run,
                                   .arg = arg,
                                   .on_line = hear,
                                   .ctx = h,
                                   .cancelled = asked};
}

static void test_lines(void)
{
    struct heard h;
    struct mt_err err = {0};
    int n = 3;
    size_t size = 1 << 20;

    struct mt_worker_spec s = spec_of(c_count, &n, &h);
    OK(mt_worker_run(&s, &err) == 0 && h.lines == 3 && h.sum == 6 && h.bytes == 0, "three lines");
    n = 0;
    s = spec_of(c_count, &n, &h);
    OK(mt_worker_run(&s, &err) == 0 && h.lines == 0, "no lines");
    n = 100000;
    s = spec_of(c_count, &n, &h);
    OK(mt_worker_run(&s, &err) == 0 && h.lines == n && h.sum == 5000050000, "a flood of lines");
    s.on_line = NULL;
    OK(mt_worker_run(&s, &err) == 0, "lines nobody wants");
    s = spec_of(c_attach, &size, &h);
    OK(mt_worker_run(&s, &err) == 0 && h.lines == 4 && h.attachments == 3 && !h.wrong &&
           h.bytes == size + 1 + size / 2 + 1,
       "attachments");
    s = spec_of(c_threads, NULL, &h);
    OK(mt_worker_run(&s, &err) == 0 && h.lines == 4000 && h.sum == 4 * 500500 && !h.wrong,
       "four threads send");
    s = spec_of(c_nice, NULL, &h);
    s.nice = 5;
    OK(mt_worker_run(&s, &err) == 0 && h.sum == getpriority(PRIO_PROCESS, 0) + 5, "nice");
}

/* The run fails with the code, and the message has both texts in it; last is the failure. */
static struct mt_err last;
static void fails(struct mt_worker_spec s, enum mt_code code, const char *one, const char *two,
                  const char *name)
{
    if (!OK(mt_worker_run(&s, &last) < 0 && last.code == code && strstr(last.msg, one) &&
                strstr(last.msg, two),
            name))
        printf("#   %s: %s\n", mt_code_name(last.code), last.msg);
}

static void test_errors(void)
{
    struct heard h;
    struct mt_err err = {0};
    char oom[] = "media-toolkit: out of memory\n", other[] = "bad luck";

    struct mt_worker_spec s = spec_of(c_fail, NULL, &h);
    OK(mt_worker_run(&s, &err) < 0 && err.code == MT_ERR_ENCRYPTED && err.os_errno == EILSEQ,
       "an error keeps its code and errno");
    IS_STR(err.msg, "it is \\x1b[31mlocked\\x0aup", "its message, cleaned");
    IS_STR(err.hint, "find the \"key\"", "and its hint");
    fails(spec_of(c_no_memory, NULL, &h), MT_ERR_LIMIT, "picture", "", "ENOMEM is a limit");
    fails(spec_of(c_reserved, NULL, &h), MT_ERR_BUG, "reserved", "", "reserved members");
    fails(spec_of(c_long_line, NULL, &h), MT_ERR_LIMIT, "too long", "", "a line too long to send");
    fails(spec_of(c_exit, oom, &h), MT_ERR_LIMIT, "memory", "MiB", "out of memory");
    fails(spec_of(c_abort, oom, &h), MT_ERR_LIMIT, "memory", "MiB", "out of memory in C++");
    fails(spec_of(c_exit, other, &h), MT_ERR_CRASHED, "status 3", "bad luck", "a silent exit");
    OK(last.trace.exit_status == 3, "its status is known");
    s = spec_of(c_busy, NULL, &h);
    s.limits.cpu_s = 1;
    fails(s, MT_ERR_LIMIT, "processor time", "1 s", "the CPU limit");
}

static void test_crashes(void)
{
    struct heard h;
    char garbage[] = "\x89PNG\r\n", array[] = "[1]\n", no_end[] = "{\"n\":1}\n{\"n\":";
    char huge[] = "{\"_attached\":99999999999}\n", negative[] = "{\"_attached\":-1}\n";
    char text[] = "{\"_attached\":\"1\"}\n", twice[] = "{\"n\":1,\"n\":2}\n";
    char code[] = "{\"_end\":\"nonsense\",\"message\":7}\n";

    fails(spec_of(c_segv, NULL, &h), MT_ERR_CRASHED, "working: the worker crashed (SIGSEGV)",
          "these are my last \\x1b[1mwords", "a crash, and its last words");
    OK(h.lines == 1 && last.trace.signal == SIGSEGV,
       "what it sent before arrived, its signal is known");
    fails(spec_of(c_abort, NULL, &h), MT_ERR_CRASHED, "SIGABRT", "", "an abort");
    fails(spec_of(c_forbidden, NULL, &h), MT_ERR_CRASHED, "SIGSYS", "forbidden", "SIGSYS");
    OK(h.lines == 1 && !h.wrong, "in a process group of its own");
    fails(spec_of(c_raw, garbage, &h), MT_ERR_CRASHED, "not JSON", "", "garbage");
    fails(spec_of(c_raw, array, &h), MT_ERR_CRASHED, "not JSON", "", "an array");
    fails(spec_of(c_raw, twice, &h), MT_ERR_CRASHED, "not JSON", "", "a member twice");
    fails(spec_of(c_raw, no_end, &h), MT_ERR_CRASHED, "not JSON", "", "half a line");
    fails(spec_of(c_raw, huge, &h), MT_ERR_CRASHED, "attachment", "", "a huge attachment");
    fails(spec_of(c_raw, negative, &h), MT_ERR_CRASHED, "attachment", "", "a negative one");
    fails(spec_of(c_raw, text, &h), MT_ERR_CRASHED, "attachment", "", "one that is no number");
    fails(spec_of(c_raw, code, &h), MT_ERR_FAILED, "", "", "a code nobody knows");
    fails(spec_of(c_close, NULL, &h), MT_ERR_CRASHED, "lived on", "", "a closed pipe");
    fails(spec_of(c_endless_line, NULL, &h), MT_ERR_CRASHED, "a line of more", "", "endless line");
}

static void test_time(void)
{
    struct heard h;
    int64_t before = mt_mono_us();

    struct mt_worker_spec s = spec_of(c_talk, NULL, &h);
    s.wall_us = 300000;
    s.stall_us = 250000;
    fails(s, MT_ERR_TIMEOUT, "not finished after", "", "a deadline, in spite of talk");
    s = spec_of(c_hang, NULL, &h);
    s.wall_us = 300000;
    s.cancelled = NULL;
    fails(s, MT_ERR_TIMEOUT, "not finished after", "0.30", "a deadline");
    s = spec_of(c_hang, NULL, &h);
    s.stall_us = 200000;
    fails(s, MT_ERR_TIMEOUT, "no sign of life", "", "silence");
    s = spec_of(c_talk, NULL, &h);
    h.cancel_at = 3;
    fails(s, MT_ERR_CANCELLED, "cancelled", "", "cancelled while it talks");
    s = spec_of(c_hang, NULL, &h);
    h.cancel_at = 1;
    fails(s, MT_ERR_CANCELLED, "cancelled", "", "cancelled while it hangs");
    s = spec_of(c_talk, NULL, &h);
    h.fail_at = 2;
    fails(s, MT_ERR_NO_SPACE, "the parent is full", "", "the parent fails");
    OK(mt_mono_us() - before < 20000000, "none of it took long");
}

/* The parent is killed in the middle: the child must not go on. */
static void test_orphan(void)
{
    struct heard h;
    struct mt_err err;
    int ends[2], status = 0;
    pid_t child = -1;

    if (!OK(pipe(ends) == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, "a pipe"))
        return;
    fflush(stdout);
    pid_t middle = fork();
    if (middle == 0) {
        struct mt_worker_spec s = spec_of(c_orphan, &ends[1], &h);
        s.fds = &ends[1];
        s.n_fds = 1;
        _exit(mt_worker_run(&s, &err) < 0);
    }
    OK(read(ends[0], &child, sizeof child) == (ssize_t)sizeof child, "the child works");
    kill(middle, SIGKILL);
    waitpid(middle, NULL, 0);
    OK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
       "and dies with its parent");
    close(ends[0]);
    close(ends[1]);
}

static int count_fds(void)
{
    int n = 0;

    for (int fd = 0; fd < 300; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void on_signal(int sig)
{
    (void)sig;
}

int main(void)
{
    struct heard h;
    struct mt_err err = {0};
    FILE *kept = tmpfile();
    int fd = kept ? fileno(kept) : -1;
    struct sigaction sa = {.sa_handler = on_signal};

    if (fd < 0 || fputs("k", kept) < 0 || fflush(kept) != 0 || dup2(fd, 200) < 0)
        return 1;
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    int fds = count_fds();

    test_lines();
    test_errors();
    test_crashes();
    test_time();
    test_orphan();
    struct mt_worker_spec s = spec_of(c_descriptors, &fd, &h);
    s.fds = &fd;
    s.n_fds = 1;
    OK(mt_worker_run(&s, &err) == 0 && h.sum == 5, "the child keeps what it was promised");
    OK(count_fds() == fds, "the parent leaks no descriptor");
    OK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "nor a zombie");
    fclose(kept);
    return tap_done();
}
