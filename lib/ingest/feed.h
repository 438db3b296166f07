/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - where inputs come from: operands, lists, directories; without any of them,
 * media documents on standard input.
 */
#ifndef MT_INGEST_FEED_H
#define MT_INGEST_FEED_H

#include "ingest/ingest.h"

struct mt_feed;

struct mt_feed_item {
    const char *name;      /* valid until the next call */
    json_t *doc;           /* a document from standard input instead of a name; the caller's */
    size_t given;          /* bytes of name that the user gave; the rest was found below. 0: all */
    bool watched;          /* it appeared in the watched directory */
    struct mt_err failure; /* why it cannot be read; code MT_OK if it can */
};

enum { MT_FEED_END, MT_FEED_ITEM, MT_FEED_LATER };

int mt_feed_open(struct mt_feed **out, const struct mt_ingest *spec, struct mt_run *run,
                 struct mt_err *err) MT_MUST_USE;
void mt_feed_close(struct mt_feed **feed);

/*
 * The next input; MT_FEED_LATER if there is none yet (with wait that takes a
 * while, without it is said at once); MT_FEED_END; -1 when the list cannot be
 * read further.
 */
int mt_feed_next(struct mt_feed *feed, bool wait, struct mt_feed_item *item,
                 struct mt_err *err) MT_MUST_USE;

/* A watched file failed for a cause that passes: it will be given again after a while. */
void mt_feed_again(struct mt_feed *feed, const char *path);

#endif
