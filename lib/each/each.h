/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * each.h - programs that look at files without making anything of them.
 *
 * Inputs are files named as operands or in --files-from, or, without any, media documents on
 * standard input, whose files are opened only where the store has them. Each gives a document, also
 * one that failed; a document with an error passes through. The program brings the look.
 */
#ifndef MT_EACH_EACH_H
#define MT_EACH_EACH_H

#include "cli/cli.h"
#include "cli/progress.h"
#include "store/store.h"

#include <jansson.h>

struct mt_each {
    const char *stage; /* in errors and progress: "probe" */
    const struct mt_common *common;
    const struct mt_store_driver *const *stores;
    enum mt_progress_unit unit;
    int64_t stdin_most; /* '-' is the bytes of standard input, this many at most; 0: it is a name */

    /* Looks at the regular file behind fd and adds to the document's asset. name is for messages.
     */
    int (*look)(void *ctx, json_t *doc, int fd, const char *name, struct mt_err *err);
    void (*before_print)(void *ctx, json_t *doc); /* of each document; or NULL */
    void *ctx;
};

/*
 * Works through all inputs, until a signal wants an end. Failures of single inputs are counted in
 * r->outcome; -1 is for what ends the run: the output cannot be written, MT_ERR_USAGE when there is
 * no input and standard input is a terminal.
 */
int mt_each_run(const struct mt_each *each, struct mt_run *r, struct mt_err *err) MT_MUST_USE;

#endif
