/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link.h - what the two ends of a worker share. */
#ifndef MT_WORKER_LINK_H
#define MT_WORKER_LINK_H

#include "worker/worker.h"

#include <sys/types.h>

#define MT_WORKER_ATTACHED "_attached"
#define MT_WORKER_END "_end"

/* The child's life from fork() to _exit(): out and words are the pipes to the parent. */
_Noreturn void mt_worker_child(const struct mt_worker_spec *spec, int out, int words, pid_t parent);

/* How a child ended, as far as the parent saw. */
struct mt_worker_death {
    int status;        /* of wait4(2) */
    int64_t cpu_us;    /* processor time used */
    const char *words; /* the end of what it wrote to stderr, printable */
};

/* Sets *err to what the death of a child that sent no last line means. Returns -1. */
int mt_worker_explain(const struct mt_worker_spec *spec, const struct mt_worker_death *death,
                      struct mt_err *err);

#endif
