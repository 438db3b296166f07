/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signals.c - see signals.h. The flags below are what a handler can set. */
#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t stop_signal;
static volatile sig_atomic_t status_wanted;

static void on_stop(int sig)
{
    stop_signal = sig;
    signal(sig, SIG_DFL);
}

static void on_status(int sig)
{
    (void)sig;
    status_wanted = 1;
}

static void set_stops(void (*handler)(int sig))
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = handler};
    struct sigaction old;

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (sigaction(stops[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(stops[i], &action, NULL); /* nohup stays in force */
}

void mt_signals_at_once(bool at_once)
{
    set_stops(at_once ? SIG_DFL : on_stop);
    if (at_once && stop_signal)
        raise(stop_signal);
}

void mt_signals_setup(void)
{
    struct sigaction action = {.sa_handler = on_status};

    set_stops(on_stop);
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL); /* a file that may not grow is an error like any other */
}

int mt_stop_signal(void)
{
    return stop_signal;
}

bool mt_status_wanted(void)
{
    bool wanted = status_wanted;

    status_wanted = 0;
    return wanted;
}
