/* SPDX-License-Identifier: GPL-2.0-or-later */
/* feed.c - see feed.h. */
#include "ingest/feed.h"

#include "base/mem.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "ingest/walk.h"
#include "ingest/watch.h"
#include "json/json.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct mt_feed {
    const struct mt_ingest *spec;
    struct mt_names names;
    struct mt_walk *walk;   /* the directory that is being gone through, or NULL */
    struct mt_watch *watch; /* what comes after all that was named, or NULL */
    bool documents;         /* no operand: those on standard input */
    struct mt_lines lines;  /* that they come in */
    bool not_documents;     /* what came is something else */
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
    feed->documents = run->n_operands == 0 && !spec->common->files_from && !spec->watch;
    mt_lines_init(&feed->lines, STDIN_FILENO, '\n', MT_JSON_LINE_MAX);
    feed->lines.interrupted = mt_stop_signal;
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
    mt_lines_free(&(*feed)->lines);
    free(*feed);
    *feed = NULL;
}

/* Whether the next line would have to be waited for. */
static bool is_waiting(const struct mt_lines *l)
{
    struct pollfd fd = {.fd = l->fd, .events = POLLIN};

    if (l->eof ||
        (l->buf.len > l->used && memchr(l->buf.data + l->used, '\n', l->buf.len - l->used)))
        return false;
    return poll(&fd, 1, 0) == 0;
}

static int next_document(struct mt_feed *feed, bool wait, struct mt_feed_item *item,
                         struct mt_err *err)
{
    char *line = NULL;
    size_t n = 0;
    int got;

    do {
        if (!wait && is_waiting(&feed->lines))
            return MT_FEED_LATER;
        got = mt_lines_next(&feed->lines, &line, &n, err);
        if (got < 0 && err->code == MT_ERR_CANCELLED)
            return MT_FEED_END;
    } while (got == 1 && n == 0);
    if (got == 0 || feed->not_documents)
        return MT_FEED_END;
    /* Somebody has left out the -: that is one mistake and not one a line. */
    feed->not_documents = got == 1 && feed->lines.number == 1 && line[strspn(line, " \t")] != '{';
    if (got == 1)
        item->doc = mt_json_parse("document", line, n, err);
    if (got < 0 && err->code != MT_ERR_BAD_DOCUMENT)
        return -1;
    item->name = "standard input";
    if (item->doc && mt_doc_check(item->doc, err) == 0)
        return MT_FEED_ITEM;
    mt_fail_in(err, "line %lld of standard input", (long long)feed->lines.number);
    mt_hint(err, "documents come from other programs; for the bytes of a file: media-ingest -");
    item->failure = *err;
    json_decref(item->doc);
    item->doc = NULL;
    return MT_FEED_ITEM;
}

static int next_name(struct mt_feed *feed, bool wait, const char **name, struct mt_err *err)
{
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
        if (feed->documents)
            return next_document(feed, wait, item, err);
        int got = next_name(feed, wait, &item->name, err);
        if (got == MT_FEED_END && feed->watch)
            return mt_watch_next(feed->watch, wait, item, err);
        if (got != MT_FEED_ITEM || !feed->spec->recursive || !is_dir(item->name))
            return got;
        mt_walk_open(&feed->walk, item->name);
    }
}

void mt_feed_again(struct mt_feed *feed, const char *path)
{
    if (feed->watch)
        mt_watch_again(feed->watch, path);
}
