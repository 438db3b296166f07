/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - files that appear below a directory, each once it is whole.
 *
 * First what is there already, then what comes. A file is whole when nothing has
 * happened to it for settle_us, its size and times have stayed the same over that
 * time, and no process has it open for writing, as far as the kernel tells this
 * user (a lease on it can be had, or /proc shows nobody). Names that mt_walk_leaves_out()
 * are passed over until they are renamed. Subdirectories, new ones too, are
 * watched if recursive. When the kernel's queue of events overflows all is looked
 * through again.
 */
#ifndef MT_INGEST_WATCH_H
#define MT_INGEST_WATCH_H

#include "ingest/feed.h"

struct mt_watch;

int mt_watch_open(struct mt_watch **out, const char *dir, bool recursive, int64_t settle_us,
                  struct mt_err *err) MT_MUST_USE;
void mt_watch_close(struct mt_watch **watch);

/*
 * Gives the file at path once more, if it is still there: after ten times the settling time, and
 * each further time after twice as long as before, up to 640 times. A change of the file ends that.
 */
void mt_watch_again(struct mt_watch *watch, const char *path);

/* As mt_feed_next(); MT_FEED_END when the directory itself is gone. */
int mt_watch_next(struct mt_watch *watch, bool wait, struct mt_feed_item *item,
                  struct mt_err *err) MT_MUST_USE;

/*
 * Moves a file that is done into dir, which is on the same file system, under its
 * own name or, if that is taken, one with a number; never over another file.
 */
int mt_watch_put_away(const char *path, const char *dir, struct mt_err *err) MT_MUST_USE;

#endif
