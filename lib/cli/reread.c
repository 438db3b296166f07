/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reread.c - settings once more, for programs that stay. */
#include "cli/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct mt_reread {
    struct mt_conf conf;
    struct mt_opts opts;
    struct mt_reread *before;
};

static void forget(struct mt_reread *one)
{
    mt_conf_free(&one->conf);
    mt_opts_free(&one->opts);
    free(one);
}

int mt_run_reread(struct mt_run *r, void *settings, struct mt_err *err)
{
    struct mt_reread *fresh = mt_alloc(sizeof *fresh);

    mt_conf_init(&fresh->conf);
    memcpy(fresh->opts.opt, r->opts->opt, sizeof fresh->opts.opt);
    fresh->opts.n = r->opts->n;
    if (mt_cli_resolve(r, &fresh->conf, &fresh->opts, r->given, settings, err) < 0) {
        forget(fresh);
        return -1;
    }
    fresh->before = r->reread;
    r->reread = fresh;
    r->conf = &fresh->conf;
    r->opts = &fresh->opts;
    return 0;
}

void mt_reread_free(struct mt_run *r)
{
    while (r->reread) {
        struct mt_reread *before = r->reread->before;

        forget(r->reread);
        r->reread = before;
    }
}
