/* SPDX-License-Identifier: GPL-2.0-or-later */
/* handler.c - see handler.h. */
#include "work/handler.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "work/tree.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 65536, CHUNKS = 16, EXIT_NOEXEC = 127, SHOWN = 500 };

/* --- starting --- */

/* The pipes of a child: ours first, the child's second; -1 where it has ours. */
struct ends {
    int in[2], out[2], err[2], ready[2];
};

static void close_both(int ends[2])
{
    mt_fd_close(&ends[0]);
    mt_fd_close(&ends[1]);
}

static void close_all(struct ends *e)
{
    close_both(e->in);
    close_both(e->out);
    close_both(e->err);
    close_both(e->ready);
}

static int make_pipe(int ends[2], bool child_reads, struct mt_err *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return mt_fail_errno(err, "cannot make a pipe to a handler");
    ends[0] = fds[child_reads ? 1 : 0];
    ends[1] = fds[child_reads ? 0 : 1];
    return 0;
}

static int make_ends(const struct mt_handler_spec *spec, struct ends *e, struct mt_err *err)
{
    *e = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if ((spec->input && make_pipe(e->in, true, err) < 0) ||
        (!spec->foreground && make_pipe(e->out, false, err) < 0) ||
        make_pipe(e->err, false, err) < 0 || make_pipe(e->ready, false, err) < 0) {
        close_all(e);
        return -1;
    }
    return 0;
}

static bool is_set(const char *entry, const char *const *set)
{
    size_t n = strcspn(entry, "=");

    for (int i = 0; set[i]; i++)
        if (strncmp(set[i], entry, n + 1) == 0)
            return true;
    return false;
}

/* What only the supervisor is to be told. */
static bool is_ours(const char *entry)
{
    return mt_str_starts(entry, "NOTIFY_SOCKET=") || mt_str_starts(entry, "WATCHDOG_") ||
           mt_str_starts(entry, "LISTEN_") || mt_str_starts(entry, "MEDIA_JOB") ||
           mt_str_starts(entry, "MEDIA_LEASE");
}

/* The child's environment: free() the array alone. */
static const char **make_env(const struct mt_handler_spec *spec)
{
    size_t n = 0;
    size_t at = 0;

    for (int i = 0; spec->env[i]; i++)
        n++;
    for (int i = 0; spec->set[i]; i++)
        n++;
    const char **env = mt_alloc((n + 1) * sizeof *env);
    for (int i = 0; spec->set[i]; i++)
        env[at++] = spec->set[i];
    for (int i = 0; spec->env[i]; i++)
        if (!is_set(spec->env[i], spec->set) && !is_ours(spec->env[i]))
            env[at++] = spec->env[i];
    return env;
}

/* In the child, between fork and exec: nothing but system calls. */
static void become(const struct mt_handler_spec *spec, const struct ends *e, const char **env,
                   pid_t parent)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_NOEXEC);
    if (!spec->foreground)
        setpgid(0, 0);
    if (e->in[1] >= 0)
        dup2(e->in[1], STDIN_FILENO);
    if (e->out[1] >= 0)
        dup2(e->out[1], STDOUT_FILENO);
    dup2(e->err[1], STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvpe(spec->argv[0], (char *const *)(uintptr_t)spec->argv, (char *const *)(uintptr_t)env);
    int saved = errno;
    ssize_t written = write(e->ready[1], &saved, sizeof saved);
    (void)written;
    _exit(EXIT_NOEXEC);
}

/* 0 when exec has succeeded, else its errno. */
static int await_exec(int fd)
{
    int problem = 0;

    return mt_read_full(fd, &problem, sizeof problem) == sizeof problem ? problem : 0;
}

static void set_nonblocking(int fd)
{
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static void open_stream(struct mt_handler_stream *s, int *fd)
{
    *s = (struct mt_handler_stream){.fd = *fd};
    *fd = -1;
    mt_buf_init(&s->line, MT_HANDLER_LINE_MAX + CHUNK);
    set_nonblocking(s->fd);
}

static int spawn(struct mt_handler *h, const struct mt_handler_spec *spec, struct ends *e,
                 struct mt_err *err)
{
    const char **env = make_env(spec);
    pid_t parent = getpid();

    h->pid = fork();
    if (h->pid == 0)
        become(spec, e, env, parent);
    int saved = errno;
    free((void *)env);
    mt_fd_close(&e->ready[1]);
    if (h->pid < 0) {
        h->pid = 0;
        errno = saved;
        return mt_fail_errno(err, "cannot start '%s'", spec->argv[0]);
    }
    int problem = await_exec(e->ready[0]);
    if (problem == 0)
        return 0;
    waitpid(h->pid, NULL, 0);
    h->pid = 0;
    mt_fail(err, MT_ERR_UNAVAILABLE, "cannot run '%s': %s", spec->argv[0], strerror(problem));
    return mt_hint(err,
                   "a handler is an executable file; scripts begin with #! and an interpreter");
}

int mt_handler_start(struct mt_handler *h, const struct mt_handler_spec *spec, struct mt_err *err)
{
    struct ends e;

    *h = (struct mt_handler){.in = -1, .percent = -1, .loud = spec->loud, .raw = spec->foreground};
    h->out.fd = h->err.fd = -1;
    if (make_ends(spec, &e, err) < 0)
        return -1;
    if (spawn(h, spec, &e, err) < 0) {
        close_all(&e);
        return -1;
    }
    h->in = e.in[0];
    e.in[0] = -1;
    set_nonblocking(h->in);
    h->tag = mt_strdup(spec->tag);
    h->input = spec->input ? mt_asprintf("%s\n", spec->input) : NULL;
    open_stream(&h->out, &e.out[0]);
    open_stream(&h->err, &e.err[0]);
    close_all(&e);
    mt_handler_pump(h);
    return 0;
}

/* --- listening --- */

/* The end of what it says; a line at a time, so that words are not torn. */
static void remember(struct mt_handler *h, const char *text, size_t n)
{
    size_t have = strlen(h->words);

    if (n > MT_HANDLER_WORDS - 1) {
        text += n - (MT_HANDLER_WORDS - 1);
        n = MT_HANDLER_WORDS - 1;
    }
    if (have + n + 1 > MT_HANDLER_WORDS) {
        size_t drop = have + n + 1 - MT_HANDLER_WORDS;
        memmove(h->words, h->words + drop, have - drop + 1);
        have -= drop;
    }
    for (size_t i = 0; i < n; i++)
        h->words[have + i] = text[i] ? text[i] : ' ';
    h->words[have + n] = '\n';
    h->words[have + n + 1] = '\0';
}

/* A command of the user's speaks as it likes; what a handler says may come from anywhere. */
static void pass_on(const struct mt_handler *h, const char *text, size_t n)
{
    char *line = mt_strndup(text, n);
    char *shown = h->raw ? NULL : mt_text_printable(line, SHOWN);
    const char *say = shown ? shown : line;

    if (mt_write_all(STDERR_FILENO, say, shown ? strlen(shown) : n) < 0 ||
        mt_write_all(STDERR_FILENO, "\n", 1) < 0) {
        /* Nobody listens; the last words are kept all the same. */
    }
    free(shown);
    free(line);
}

static void take_progress(struct mt_handler *h, const json_t *line)
{
    double percent = mt_json_num(line, "percent", -1);
    const char *step = mt_json_str(line, "stage", mt_json_str(line, "step", NULL));

    if (percent >= 0)
        h->percent = percent > 100 ? 100 : (int)percent;
    if (step) {
        char *shown = mt_text_printable(step, MT_HANDLER_STEP - 1);
        strcpy(h->step, shown);
        free(shown);
    }
    h->news = true;
}

static void take_error(struct mt_handler *h, json_t *error)
{
    if (!json_is_object(error) || !mt_json_str(error, "code", NULL) ||
        !mt_json_str(error, "message", NULL))
        return;
    json_decref(h->error);
    h->error = json_deep_copy(error);
}

/* The error in a media document: its own, or that of a stage. */
static void take_document(struct mt_handler *h, json_t *document)
{
    const char *name;
    json_t *stage;

    take_error(h, json_object_get(document, "error"));
    json_object_foreach(json_object_get(document, "stages"), name, stage)
    {
        json_t *error = json_object_get(stage, "error");
        if (!json_is_object(error))
            continue;
        take_error(h, error);
        if (h->error)
            json_object_set_new(h->error, "stage", json_string(name));
    }
    json_decref(h->result);
    h->result = json_incref(document);
}

static void take_line(struct mt_handler *h, bool out, const char *text, size_t n)
{
    struct mt_err ignored;
    json_t *line = n && text[0] == '{' ? mt_json_parse("", text, n, &ignored) : NULL;
    const char *type = mt_json_str(line, "type", "");

    if (json_is_object(line) && strcmp(type, "progress") == 0)
        take_progress(h, line);
    else if (json_is_object(line) && out)
        take_document(h, line);
    else if (json_is_object(line) && strcmp(type, "error") == 0)
        take_error(h, line);
    else if (!out && !(json_is_object(line) && strcmp(type, "summary") == 0)) {
        remember(h, text, n);
        if (h->loud)
            pass_on(h, text, n);
    }
    json_decref(line);
}

/* Takes the whole lines out of the buffer; one that is too long is passed over. */
static void take_lines(struct mt_handler *h, struct mt_handler_stream *s)
{
    char *end;

    while (s->line.len && (end = memchr(s->line.data, '\n', s->line.len))) {
        size_t n = (size_t)(end - s->line.data);
        if (!s->overlong)
            take_line(h, s == &h->out, s->line.data, n);
        s->overlong = false;
        mt_buf_consume(&s->line, n + 1);
    }
    if (s->line.len > MT_HANDLER_LINE_MAX) {
        if (!s->overlong)
            remember(h, "(a line of more than a megabyte)", 32);
        s->overlong = true;
        mt_buf_clear(&s->line);
    }
}

/* At most some chunks in one go, so that a babbler does not keep the others waiting. */
static void read_stream(struct mt_handler *h, struct mt_handler_stream *s)
{
    struct mt_err err;

    for (int i = 0; i < CHUNKS && s->fd >= 0; i++) {
        if (mt_buf_reserve(&s->line, CHUNK, &err) < 0)
            mt_buf_clear(&s->line);
        ssize_t n = read(s->fd, s->line.data + s->line.len, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            mt_fd_close(&s->fd);
            if (s->line.len && !s->overlong)
                take_line(h, s == &h->out, s->line.data, s->line.len);
            mt_buf_clear(&s->line);
            return;
        }
        s->line.len += (size_t)n;
        s->line.data[s->line.len] = '\0';
        take_lines(h, s);
    }
}

static void write_input(struct mt_handler *h)
{
    size_t left = h->input ? strlen(h->input) - h->input_at : 0;

    while (h->in >= 0 && left > 0) {
        ssize_t n = write(h->in, h->input + h->input_at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            break; /* it does not want to know */
        h->input_at += (size_t)n;
        left -= (size_t)n;
    }
    mt_fd_close(&h->in);
}

void mt_handler_pump(struct mt_handler *h)
{
    write_input(h);
    read_stream(h, &h->out);
    read_stream(h, &h->err);
}

/* --- the end --- */

bool mt_handler_done(struct mt_handler *h)
{
    siginfo_t info = {.si_pid = 0};

    if (h->exited)
        return true;
    if (waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
        return false;
    /*
     * What it left behind may hold the pipes open: away with it while the dead process still
     * keeps its number, then read what is there.
     */
    mt_handler_signal(h, SIGKILL);
    waitpid(h->pid, &h->status, 0);
    h->exited = true;
    for (int i = 0; i < CHUNKS * CHUNKS && (h->out.fd >= 0 || h->err.fd >= 0); i++) {
        struct pollfd fds[2] = {{.fd = h->out.fd, .events = POLLIN},
                                {.fd = h->err.fd, .events = POLLIN}};
        if (poll(fds, 2, 20) <= 0)
            break;
        mt_handler_pump(h);
    }
    return true;
}

void mt_handler_signal(const struct mt_handler *h, int sig)
{
    if (h->pid > 0 && !h->exited)
        mt_tree_signal(h->pid, h->tag, sig);
}

void mt_handler_free(struct mt_handler *h)
{
    if (h->pid > 0 && !h->exited) {
        mt_handler_signal(h, SIGKILL);
        while (waitpid(h->pid, &h->status, 0) < 0 && errno == EINTR)
            continue;
    }
    mt_fd_close(&h->in);
    mt_fd_close(&h->out.fd);
    mt_fd_close(&h->err.fd);
    mt_buf_free(&h->out.line);
    mt_buf_free(&h->err.line);
    json_decref(h->result);
    json_decref(h->error);
    free(h->input);
    free(h->tag);
    *h = (struct mt_handler){.in = -1};
    h->out.fd = h->err.fd = -1;
}
