/* SPDX-License-Identifier: GPL-2.0-or-later */
/* look.h - the part of a scan that runs in the jailed child. */
#ifndef MT_CLAM_LOOK_H
#define MT_CLAM_LOOK_H

#include "clam/internal.h"
#include "worker/worker.h"

struct mt_look {
    struct cl_engine *engine;
    int fd;
    struct mt_windows windows; /* one of them: the file as a whole */
    int lanes;                 /* threads */
    const char *scratch;       /* directory for unpacked files */
    int scratch_fd;
};

/*
 * For mt_worker_spec.run, with a struct mt_look. Sends a line for each window:
 * {"bytes": that no other window counts, "clean": bool, "names": [...], "trouble": text or null}.
 */
int mt_clam_look(void *arg, struct mt_worker *worker, struct mt_err *err);

#endif
