/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inbox.h - takes apart, without trust, what a worker writes. */
#ifndef MT_WORKER_INBOX_H
#define MT_WORKER_INBOX_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct mt_inbox {
    struct mt_buf buf; /* bytes received: [used, len) are not yet taken apart */
    size_t used;
    size_t seen;     /* bytes from used on that hold no newline */
    json_t *waiting; /* a line whose attachment is not complete */
    char *data;      /* its attachment */
    size_t want, have;
    json_t *last; /* the line with "_end" */
    bool ended;
};

struct mt_inbox_line {
    json_t *value;
    char *data; /* NULL: nothing attached */
    size_t n;
};

void mt_inbox_init(struct mt_inbox *inbox);
void mt_inbox_free(struct mt_inbox *inbox);

/* Reads once from fd, which does not wait. Bytes read, 0 at the end, -1; 1 if there were none yet.
 */
ssize_t mt_inbox_fill(struct mt_inbox *inbox, int fd, struct mt_err *err) MT_MUST_USE;

/*
 * 1 and the next complete line, which mt_inbox_done() frees; 0 if there is
 * none yet or the last has come; -1 with MT_ERR_CRASHED for what no worker of ours sends.
 */
int mt_inbox_next(struct mt_inbox *inbox, struct mt_inbox_line *line,
                  struct mt_err *err) MT_MUST_USE;
void mt_inbox_done(struct mt_inbox_line *line);

/* After the last line: 0, or -1 with *err as the worker sent it. */
int mt_inbox_result(const struct mt_inbox *inbox, struct mt_err *err) MT_MUST_USE;

#endif
