/* SPDX-License-Identifier: GPL-2.0-or-later */
/* feed.c - see feed.h. */
#include "ingest/feed.h"

#include "base/mem.h"
#include "cli/progress.h"
#include "ingest/walk.h"
#include "ingest/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct mt_feed {
    const struct mt_ingest *spec;
    struct mt_names names;
    struct mt_walk *walk;   /* the directory that is being gone through, or NULL */
    struct mt_watch *watch; /* what comes after all that was named, or NULL */
    bool only_stdin;        /* no operand: the bytes on standard input */
};

static bool is_dir(const char *name)
{
    struct stat st;

    return strcmp(name, "-") != 0 && stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

/* How many inputs are to come, where somebody wants to know. */
static int64_t expect(const struct mt_feed *feed, const struct mt_run *run)
{
    int64_t n = 0;

    if (feed->spec->common->files_from || feed->spec->watch)
        return 0;
    for (int i = 0; i < run->n_operands; i++)
        n +=
            feed->spec->recursive && is_dir(run->operands[i]) ? mt_walk_count(run->operands[i]) : 1;
    return n;
}

int mt_feed_open(struct mt_feed **out, const struct mt_ingest *spec, struct mt_run *run,
                 struct mt_err *err)
{
    struct mt_feed *feed = mt_alloc(sizeof *feed);

    *out = feed;
    feed->spec = spec;
    feed->only_stdin = run->n_operands == 0 && !spec->common->files_from && !spec->watch;
    mt_names_init(&feed->names, run, spec->common);
    if (!spec->recursive || mt_progress_shown())
        mt_progress_expect(expect(feed, run));
    if (!spec->watch)
        return 0;
    return mt_watch_open(&feed->watch, spec->watch, spec->recursive, spec->settle_us, err);
}

void mt_feed_close(struct mt_feed **feed)
{
    if (!*feed)
        return;
    mt_walk_close(&(*feed)->walk);
    mt_watch_close(&(*feed)->watch);
    mt_names_free(&(*feed)->names);
    free(*feed);
    *feed = NULL;
}

static int next_name(struct mt_feed *feed, bool wait, const char **name, struct mt_err *err)
{
    if (feed->only_stdin) {
        feed->only_stdin = false;
        *name = "-";
        return MT_FEED_ITEM;
    }
    if (!wait && mt_names_waiting(&feed->names))
        return MT_FEED_LATER;
    return mt_names_next(&feed->names, name, err);
}

int mt_feed_next(struct mt_feed *feed, bool wait, struct mt_feed_item *item, struct mt_err *err)
{
    for (;;) {
        if (feed->walk && mt_walk_next(feed->walk, item) == 1)
            return MT_FEED_ITEM;
        mt_walk_close(&feed->walk);
        *item = (struct mt_feed_item){.name = NULL};
        int got = next_name(feed, wait, &item->name, err);
        if (got == MT_FEED_END && feed->watch)
            return mt_watch_next(feed->watch, wait, item, err);
        if (got != MT_FEED_ITEM || !feed->spec->recursive || !is_dir(item->name))
            return got;
        mt_walk_open(&feed->walk, item->name);
    }
}
