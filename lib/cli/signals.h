/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signals.h - being asked to stop, or to say how far one is.
 *
 * The first SIGINT, SIGTERM or SIGHUP asks: long work notices by
 * mt_stop_signal() and ends cleanly. A second one kills. SIGPIPE is ignored,
 * so that a closed pipe is an error of the write that met it.
 */
#ifndef MT_CLI_SIGNALS_H
#define MT_CLI_SIGNALS_H

#include <stdbool.h>

/* Installs the handlers, without SA_RESTART. */
void mt_signals_setup(void);

/* The signal that asked to stop, or 0. */
int mt_stop_signal(void);

/* Whether SIGUSR1 came since the last call. */
bool mt_status_wanted(void);

#endif
