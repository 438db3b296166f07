/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lookup.h - rows by identifier or page by page; shared by assets and jobs. */
#ifndef MT_CATALOG_LOOKUP_H
#define MT_CATALOG_LOOKUP_H

#include "db/db.h"

enum { MT_PAGE_MAX = 1000, MT_LOOKUP_FILTERS = 4 };

/*
 * The row of table whose id is text, or begins with it: at least four hex
 * digits, dashes and case do not matter. what ("asset") names the kind in
 * messages. MT_ERR_NOT_FOUND also when several begin so; up to three are named.
 * table must be a constant. New.
 */
json_t *mt_lookup(struct mt_db *db, const char *what, const char *table, const char *text,
                  struct mt_err *err);

/* A condition "column = value"; value NULL: none. Columns must be constants. */
struct mt_filter {
    const char *column;
    const char *value;
    const char *or_word; /* another value that will do as well: a constant; or NULL */
};

/* A part of a list. */
struct mt_page {
    int limit;          /* rows, 1 to MT_PAGE_MAX */
    const char *cursor; /* where the page before ended; NULL: from the newest */
};

/*
 * Rows of table that fulfil all filters (at most MT_LOOKUP_FILTERS, ended by one
 * without column), newest first. *next: the cursor of the page that follows, NULL
 * when there is none; free() it. MT_ERR_USAGE for a cursor that is none. New.
 */
json_t *mt_lookup_page(struct mt_db *db, const char *table, const struct mt_filter filters[],
                       const struct mt_page *page, char **next, struct mt_err *err);

#endif
