/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crew.h - several inputs at once, given back in the order in which they came.
 *
 * Each worker is a thread with a helper process of its own. The main thread adds
 * entries and takes back those that are ready; it alone speaks to the database,
 * the terminal and standard output.
 */
#ifndef MT_INGEST_CREW_H
#define MT_INGEST_CREW_H

#include "ingest/internal.h"

enum {
    MT_CREW_WINDOW = 128, /* entries under way at once */
    MT_CREW_MAX = 64,     /* workers */
};

/* Starts n workers. */
int mt_crew_open(struct mt_crew **out, struct mt_intake *in, int n, struct mt_err *err) MT_MUST_USE;

/* Whether there is a scanner that scans. */
bool mt_crew_scans(const struct mt_crew *crew);

/* Waits for what is being worked on, and frees all. */
void mt_crew_close(struct mt_crew **crew);

/* Ends waits of the workers, so that they see that a signal wants an end. */
void mt_crew_interrupt(struct mt_crew *crew);

/* How many entries it has; at most `window` fit. */
int mt_crew_count(struct mt_crew *crew);

/* Hands an entry over. ready: nothing is to be done but to keep its place. */
void mt_crew_add(struct mt_crew *crew, struct mt_entry *e, bool ready);

/*
 * Takes back the entries at the front that are ready, at most max; waits up to
 * wait_ms for the first of them. Returns their number.
 */
int mt_crew_take(struct mt_crew *crew, struct mt_entry *entries[], int max, int wait_ms);

/* The entry at the front, which a worker may be busy with; NULL if there is none. */
struct mt_entry *mt_crew_front(struct mt_crew *crew);

/* Takes out those that nobody has begun with, the last first; NULL if there is none. */
struct mt_entry *mt_crew_withdraw(struct mt_crew *crew);

#endif
