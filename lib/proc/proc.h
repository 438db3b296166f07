/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proc.h - other programs of the toolkit, and descriptors handed between processes. */
#ifndef MT_PROC_PROC_H
#define MT_PROC_PROC_H

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

struct mt_proc; /* a running child */

enum mt_proc_io {
    MT_PROC_PIPE,   /* its stdout is a pipe to us, its stdin /dev/null */
    MT_PROC_SOCKET, /* its stdin and stdout are one end of a stream socket */
};

/*
 * Where the sibling program lies: in dir (the running program's own), else in
 * libexec of the installation, else NULL. free() it.
 */
char *mt_sibling(const char *dir, const char *name);

/* Where the installation keeps programs that are not for people. */
const char *mt_libexec(void);

/*
 * Starts argv[0] (a path) with the environment of this process; stderr is
 * shared. MT_ERR_UNAVAILABLE if it cannot be executed.
 */
int mt_proc_start(struct mt_proc **out, const char *const argv[], enum mt_proc_io io,
                  struct mt_err *err) MT_MUST_USE;

/* Our end of its pipe or socket; stays the process's. */
int mt_proc_fd(const struct mt_proc *proc);

/* Ends it now, if it has not ended; mt_proc_finish() has still to be called. */
void mt_proc_kill(struct mt_proc *proc);

/*
 * Closes our end, waits for its end and frees *proc. *status: its exit status,
 * 128 + signal if one ended it. May be NULL. Nothing if *proc is NULL.
 */
void mt_proc_finish(struct mt_proc **proc, int *status);

/* Sends n bytes, and fd beside the first of them (SCM_RIGHTS). fd stays the caller's. */
int mt_fd_send(int socket, int fd, const void *data, size_t n, struct mt_err *err) MT_MUST_USE;

/*
 * Receives at most size bytes and the descriptor that came with them: *fd, close-on-exec, the
 * caller's, or -1. Returns the number of bytes, 0 when the peer has closed, -1.
 */
ssize_t mt_fd_receive(int socket, int *fd, void *data, size_t size, struct mt_err *err) MT_MUST_USE;

#endif
