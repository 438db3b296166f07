/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screen.c - see screen.h. What a handler needs to give the terminal back is
 * kept in this file: a handler has no other place to look.
 */
#include "cli/screen.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { ROWS = 24, COLUMNS = 80, FRAME_MAX = 4 * 1024 * 1024 };

#define ENTER "\033[?1049h\033[?25l\033[H\033[2J"
#define LEAVE "\033[0m\033[?25h\033[?1049l"

static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT};

static struct {
    volatile sig_atomic_t shown; /* the terminal is ours */
    volatile sig_atomic_t suspend;
    bool keys; /* stdin is a terminal too */
    bool registered;
    struct termios saved;
    struct sigaction old[NSIG];
} screen;

/* --- taking and giving back; only what a handler may call --- */

static void enter(void)
{
    struct termios raw = screen.saved;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (screen.keys)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    screen.shown = 1;
    if (mt_write_all(STDOUT_FILENO, ENTER, strlen(ENTER)) < 0)
        screen.shown = 0;
}

static void leave(void)
{
    int saved_errno = errno;

    if (screen.shown) {
        screen.shown = 0;
        if (mt_write_all(STDOUT_FILENO, LEAVE, strlen(LEAVE)) == 0 && screen.keys)
            tcsetattr(STDIN_FILENO, TCSANOW, &screen.saved);
    }
    errno = saved_errno;
}

/* --- signals --- */

/* The handler from before does the rest: it notes that somebody asked to stop. */
static void on_stop(int sig)
{
    leave();
    sigaction(sig, &screen.old[sig], NULL);
    if (screen.old[sig].sa_handler != SIG_DFL && screen.old[sig].sa_handler != SIG_IGN)
        screen.old[sig].sa_handler(sig);
    else
        raise(sig);
}

/* Blocked until the handler returns, and then what would have happened without us. */
static void on_crash(int sig)
{
    leave();
    sigaction(sig, &screen.old[sig], NULL);
    raise(sig);
}

static void on_suspend(int sig)
{
    (void)sig;
    screen.suspend = 1;
}

static void on_resize(int sig)
{
    (void)sig;
}

static void install(int sig, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigemptyset(&action.sa_mask);
    if (sigaction(sig, NULL, &screen.old[sig]) == 0 && screen.old[sig].sa_handler != SIG_IGN)
        sigaction(sig, &action, NULL);
}

static void install_all(void)
{
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        install(stops[i], on_stop);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        install(crashes[i], on_crash);
    install(SIGTSTP, on_suspend);
    install(SIGWINCH, on_resize);
}

/* Stops as the shell expects it, and takes the terminal again when told to go on. */
static void suspend(void)
{
    screen.suspend = 0;
    leave();
    raise(SIGSTOP);
    if (!mt_stop_signal())
        enter();
}

/* --- for the caller --- */

int mt_screen_check(const char *term, struct mt_err *err)
{
    if (isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0)
        return 0;
    mt_fail(err, MT_ERR_USAGE, "standard output is no terminal that can be redrawn");
    return mt_hint(err, "run it in a terminal, over ssh with -t; queue and jobs print once");
}

void mt_screen_open(void)
{
    screen.keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &screen.saved) == 0;
    if (!screen.registered && atexit(leave) == 0)
        screen.registered = true;
    install_all();
    enter();
}

void mt_screen_close(void)
{
    leave();
}

void mt_screen_size(int *rows, int *columns)
{
    struct winsize size = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        size.ws_row = size.ws_col = 0;
    *rows = size.ws_row ? size.ws_row : ROWS;
    *columns = size.ws_col ? size.ws_col : COLUMNS;
}

/* Each line erases what stood behind it, the last one what stood below: nothing flickers. */
static int compose(struct mt_buf *frame, const char *text, size_t n, struct mt_err *err)
{
    const char *end = text + n;
    int rows;
    int columns;

    mt_screen_size(&rows, &columns);
    if (mt_buf_add(frame, "\033[H", 3, err) < 0)
        return -1;
    for (int row = 0; row < rows && text < end; row++) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((eol ? eol : end) - text);
        if (mt_buf_printf(frame, err, "%s%.*s\033[K", row ? "\r\n" : "", (int)length, text) < 0)
            return -1;
        text += length + (eol ? 1 : 0);
    }
    return mt_buf_add(frame, "\033[0m\033[J", 7, err);
}

int mt_screen_show(const char *text, size_t n, struct mt_err *err)
{
    struct mt_buf frame;
    sigset_t all;
    sigset_t before;

    mt_buf_init(&frame, FRAME_MAX);
    int ret = compose(&frame, text, n, err);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all,
                &before); /* or a signal could come between the question and the write */
    if (ret == 0 && screen.shown && mt_write_all(STDOUT_FILENO, frame.data, frame.len) < 0)
        ret = mt_fail_errno(err, "cannot write to the terminal");
    sigprocmask(SIG_SETMASK, &before, NULL);
    mt_buf_free(&frame);
    return ret;
}

int mt_screen_key(int timeout_ms)
{
    struct pollfd in = {.fd = screen.keys ? STDIN_FILENO : -1, .events = POLLIN};
    char key;

    if (mt_stop_signal())
        return MT_KEY_END;
    int n = poll(&in, 1, timeout_ms);
    if (screen.suspend)
        suspend();
    if (mt_stop_signal())
        return MT_KEY_END;
    if (n <= 0)
        return n < 0 && errno != EINTR ? MT_KEY_END : MT_KEY_NONE;
    ssize_t got = read(STDIN_FILENO, &key, 1);
    if (got < 0 && errno == EINTR)
        return MT_KEY_NONE;
    return got == 1 ? (unsigned char)key : MT_KEY_END;
}
