/* SPDX-License-Identifier: GPL-2.0-or-later */
/* migrate.c - media-queue migrate-db: from one database to a PostgreSQL server. */
#include "work/internal.h"

#include "cli/progress.h"
#include "cli/signals.h"
#include "dbcopy/dbcopy.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

struct shown {
    char table[64]; /* that is shown at this moment */
};

static int show(void *ctx, const char *table, int64_t done, int64_t total)
{
    struct shown *s = ctx;

    if (strcmp(s->table, table) != 0) {
        if (s->table[0])
            mt_progress_end("completed", NULL, NULL);
        snprintf(s->table, sizeof s->table, "%s", table);
        mt_progress_begin(table, "copy", MT_UNIT_COUNT, total);
    }
    mt_progress_update(done, total);
    return mt_stop_signal() != 0;
}

static int copy(struct mt_work *w, struct mt_db *from, struct mt_db *to, struct mt_err *err)
{
    struct shown shown = {""};
    struct mt_dbcopy spec = {
        .from = from, .to = to, .force = w->force, .progress = show, .ctx = &shown};
    json_t *report = mt_dbcopy_run(&spec, err);

    if (shown.table[0])
        mt_progress_end(report ? "completed" : "failed", NULL, NULL);
    if (!report)
        return -1;
    mt_outcome_add(&w->run->outcome, MT_OK);
    int ret = mt_print(report, err);
    json_decref(report);
    return ret;
}

int mt_work_migrate_db(struct mt_work *w, struct mt_err *err)
{
    struct mt_db *from = NULL;
    struct mt_db *to = NULL;

    if (w->run->n_operands != 2) {
        mt_fail(err, MT_ERR_USAGE, "'migrate-db' wants two URLs, from and to");
        return mt_hint(err, "media-queue migrate-db sqlite:///path/media.db "
                            "postgresql://host/database");
    }
    int ret = mt_db_open(&from, w->run->operands[0], w->dbs, MT_DB_READ, err);
    if (ret == 0)
        ret = mt_db_open(&to, w->run->operands[1], w->dbs, MT_DB_WRITE, err);
    if (ret == 0)
        ret = copy(w, from, to, err);
    mt_db_close(&to);
    mt_db_close(&from);
    return ret;
}
