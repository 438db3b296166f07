/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screen.h - a whole terminal for a while, and given back as it was.
 *
 * Plain ANSI sequences that every terminal of the last decades knows, so that
 * it works over ssh and needs no terminal library: the alternate screen, a
 * hidden cursor, cursor home, erase. One screen exists in a program.
 */
#ifndef MT_CLI_SCREEN_H
#define MT_CLI_SCREEN_H

#include "base/err.h"

#include <stddef.h>

/* MT_ERR_USAGE if stdout is no terminal or a dumb one; term is $TERM, or NULL. */
int mt_screen_check(const char *term, struct mt_err *err) MT_MUST_USE;

/*
 * Takes the terminal on stdout; keys are read from stdin if that is one too.
 * Call it after mt_signals_setup(). The terminal is given back by
 * mt_screen_close(), by exit(), by the signals that ask to stop or suspend, and
 * by those of a crash.
 */
void mt_screen_open(void);
void mt_screen_close(void);

/* The size in characters, at least 1 each; 24 x 80 where the terminal does not say. */
void mt_screen_size(int *rows, int *columns);

/*
 * Replaces what is shown by the lines of text, those that fit; no line may be wider
 * than the screen. Nothing is shown after a signal that asks to stop.
 */
int mt_screen_show(const char *text, size_t n, struct mt_err *err) MT_MUST_USE;

enum { MT_KEY_NONE = 0, MT_KEY_END = -1 };

/*
 * Waits for a key so long: the key; MT_KEY_NONE when there was none, or the size
 * changed or the program went on after being suspended; MT_KEY_END when the
 * terminal is gone or a signal asked to stop.
 */
int mt_screen_key(int timeout_ms);

#endif
