/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * group.h - results of several inputs that are made durable together.
 *
 * To wait for the disk costs as much for one small file as for sixty. So a lane of parallel.c
 * keeps its documents back, and the results that they speak of without a name, until there are
 * enough of them or the first has waited long enough; then all become durable, get their names,
 * which become durable too, and only then are the documents printed, in their order.
 */
#ifndef MT_STAGE_GROUP_H
#define MT_STAGE_GROUP_H

#include "base/err.h"
#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>

struct mt_group;

struct mt_group *mt_group_new(void);

/* Forgets what was not flushed; its results never get a name. *group becomes NULL. */
void mt_group_free(struct mt_group **group);

/*
 * Takes over a result of the input whose document comes next, and the note on it, which has its
 * name before the result has. *put and *note become NULL. sha256 as of mt_put_commit(), copied.
 */
void mt_group_put(struct mt_group *group, struct mt_put **put, const char *sha256,
                  struct mt_put **note);

/*
 * The document of an input (a new reference is made), and what it was before the work, taken: that
 * is printed with a failed stage if its results cannot be put in place.
 */
void mt_group_doc(struct mt_group *group, json_t *doc, json_t *before);

/* Whether it is time to flush. */
bool mt_group_is_due(const struct mt_group *group);

/* -1 if the documents cannot be printed; results that fail are told of in theirs. */
int mt_group_flush(struct mt_group *group, const char *stage, struct mt_err *err) MT_MUST_USE;

#endif
