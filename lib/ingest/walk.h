/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk.h - the files below a directory.
 *
 * Names come sorted by their bytes, the files of a directory before its
 * subdirectories. Left out are names that begin with '.', what is no regular
 * file, and files that somebody is still fetching or editing: names that end in
 * ".part", ".partial", ".crdownload", ".download", ".filepart", ".!qB", ".tmp" or "~".
 * Symbolic links are not followed, also where a directory becomes one during the walk. A directory
 * that cannot be read is an item with its failure; the walk goes on.
 */
#ifndef MT_INGEST_WALK_H
#define MT_INGEST_WALK_H

#include "ingest/feed.h"

struct mt_walk;

void mt_walk_open(struct mt_walk **out, const char *dir);
void mt_walk_close(struct mt_walk **walk);

/* 1 and the next file or failure, 0 at the end. */
int mt_walk_next(struct mt_walk *walk, struct mt_feed_item *item);

/* Whether a file of this name is passed over. */
bool mt_walk_leaves_out(const char *name);

/* How many files a walk would give, as far as it can read. */
int64_t mt_walk_count(const char *dir);

#endif
