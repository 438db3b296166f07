/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - columns of text that fit a terminal, however narrow.
 *
 * What does not fit is first cut (columns with a least width), then left out
 * (the highest rank first), until one column is left, which is cut too.
 */
#ifndef MT_STATUS_TABLE_H
#define MT_STATUS_TABLE_H

#include <stdbool.h>
#include <stdio.h>

enum { MT_TABLE_COLUMNS = 12 };

struct mt_column {
    const char *title;
    int least;   /* may be cut down to so many; 0: is never cut */
    int rank;    /* columns of a high rank go first; that of rank 0 stays */
    bool right;  /* figures */
    bool status; /* a status, coloured by what it says */
};

struct mt_table {
    const struct mt_column *columns;
    int n; /* columns */
    char **cells;
    int rows;
};

/* How tables are shown. */
struct mt_table_style {
    FILE *out;
    int columns; /* of the terminal */
    bool color;
};

/* An empty table; columns must stay valid, there are n (at most MT_TABLE_COLUMNS). */
void mt_table_init(struct mt_table *table, const struct mt_column *columns, int n);
void mt_table_free(struct mt_table *table);

/* Adds a row of n texts; NULL is an empty cell. Control characters are escaped. */
void mt_table_add(struct mt_table *table, const char *const cells[]);

/* Writes it with its titles; nothing if it has no rows. Columns without content are left out. */
void mt_table_print(const struct mt_table *table, const struct mt_table_style *style);

/*
 * Writes "Label  text", the text wrapped behind its label; on a narrow
 * terminal below it. text NULL or "": nothing. Control characters are escaped.
 */
void mt_table_field(const struct mt_table_style *style, const char *label, const char *text);

/* The same for a status, in its colour. */
void mt_table_status(const struct mt_table_style *style, const char *label, const char *status,
                     const char *rest);

/* The same for a URL, which is never cut or wrapped, so that it can be copied. */
void mt_table_url(const struct mt_table_style *style, const char *label, const char *url);

/* An empty line and a heading. */
void mt_table_heading(const struct mt_table_style *style, const char *text);

#endif
