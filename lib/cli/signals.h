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

/*
 * at_once: from now on being asked ends the program on the spot, also while it waits for
 * something else than mt_stop_signal(); one that was asked already ends here. For work that
 * leaves nothing behind. Else: back to asking.
 */
void mt_signals_at_once(bool at_once);

/* The signal that asked to stop, or 0. */
int mt_stop_signal(void);

/* Whether SIGUSR1 came since the last call. */
bool mt_status_wanted(void);

#endif
