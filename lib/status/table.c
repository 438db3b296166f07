/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table.c - see table.h. */
#include "status/table.h"

#include "base/mem.h"
#include "base/text.h"
#include "status/text.h"

#include <stdlib.h>
#include <string.h>

enum { NARROW = 40, LABEL = 12 };

/* --- colours --- */

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

static const char *color_of(const char *status)
{
    static const struct {
        const char *status, *color;
    } colors[] = {
        {"completed", "\033[32m"}, {"ok", "\033[32m"},         {"alive", "\033[32m"},
        {"failed", "\033[31m"},    {"dead", "\033[31m"},       {"rejected", "\033[31m"},
        {"pending", "\033[33m"},   {"held", "\033[33m"},       {"degraded", "\033[33m"},
        {"uploading", "\033[36m"}, {"processing", "\033[36m"}, {"cancelled", "\033[2m"},
    };

    for (size_t i = 0; i < sizeof colors / sizeof *colors; i++)
        if (strcmp(colors[i].status, status) == 0)
            return colors[i].color;
    return "";
}

static void put_colored(const struct mt_table_style *style, const char *color, const char *text)
{
    if (style->color && *color)
        fprintf(style->out, "%s%s" PLAIN, color, text);
    else
        fputs(text, style->out);
}

/* --- content --- */

void mt_table_init(struct mt_table *table, const struct mt_column *columns, int n)
{
    *table = (struct mt_table){.columns = columns, .n = n};
}

void mt_table_free(struct mt_table *table)
{
    for (int i = 0; i < table->rows * table->n; i++)
        free(table->cells[i]);
    free(table->cells);
    table->cells = NULL;
    table->rows = 0;
}

void mt_table_add(struct mt_table *table, const char *const cells[])
{
    size_t at = (size_t)table->rows * (size_t)table->n;

    /* Whenever the number of rows is a power of two, the room is doubled. */
    if ((table->rows & (table->rows - 1)) == 0)
        table->cells = mt_realloc(table->cells, (at + (size_t)table->n) * 2, sizeof *table->cells);
    for (int i = 0; i < table->n; i++)
        table->cells[at + (size_t)i] = mt_text_printable(cells[i] ? cells[i] : "", 1024);
    table->rows++;
}

/* --- layout --- */

/* What is to be done with each column; a width of 0 leaves it out. */
struct layout {
    int width[MT_TABLE_COLUMNS];
    int gap;
};

static int least_of(const struct mt_table *t, const struct layout *l, int i)
{
    int least = t->columns[i].least;

    return least && least < l->width[i] ? least : l->width[i];
}

static int total(const struct mt_table *t, const struct layout *l, bool least)
{
    int sum = -l->gap;

    for (int i = 0; i < t->n; i++)
        if (l->width[i])
            sum += (least ? least_of(t, l, i) : l->width[i]) + l->gap;
    return sum;
}

static void measure(const struct mt_table *t, struct layout *l)
{
    for (int i = 0; i < t->n; i++) {
        int most = 0;
        for (int row = 0; row < t->rows; row++) {
            int columns = mt_text_columns(t->cells[row * t->n + i]);
            most = columns > most ? columns : most;
        }
        int title = mt_text_columns(t->columns[i].title);
        l->width[i] = most == 0 ? 0 : most > title ? most : title;
    }
}

/* Leaves out the shown column of the highest rank; false if only one is shown. */
static bool leave_out(const struct mt_table *t, struct layout *l)
{
    int worst = -1;
    int shown = 0;

    for (int i = 0; i < t->n; i++) {
        if (!l->width[i])
            continue;
        shown++;
        if (worst < 0 || t->columns[i].rank >= t->columns[worst].rank)
            worst = i;
    }
    if (shown < 2)
        return false;
    l->width[worst] = 0;
    return true;
}

/* Takes from the columns that may be cut, always the one that has most to give. */
static void narrow(const struct mt_table *t, struct layout *l, int limit)
{
    for (int excess = total(t, l, false) - limit; excess > 0;) {
        int best = -1;
        int most = 0;
        for (int i = 0; i < t->n; i++) {
            int spare = l->width[i] - least_of(t, l, i);
            if (spare > most) {
                most = spare;
                best = i;
            }
        }
        if (best < 0)
            return;
        int take = excess < most ? excess : most;
        l->width[best] -= take;
        excess -= take;
    }
}

static void arrange(const struct mt_table *t, struct layout *l, int limit)
{
    l->gap = limit < NARROW ? 1 : 2;
    measure(t, l);
    while (total(t, l, true) > limit && leave_out(t, l))
        continue;
    narrow(t, l, limit);
    for (int i = 0; i < t->n; i++)
        if (l->width[i] > limit)
            l->width[i] = limit;
}

/* --- output --- */

static void pad(FILE *out, int n)
{
    for (; n > 0; n--)
        fputc(' ', out);
}

/* One line; the last column shown is not filled up behind its text. */
static void put_line(const struct mt_table *t, const struct layout *l,
                     const struct mt_table_style *style, char *const *cells)
{
    int owed = 0; /* spaces before the next text */

    for (int i = 0; i < t->n; i++) {
        if (!l->width[i])
            continue;
        char *text = mt_text_cut(cells ? cells[i] : t->columns[i].title, l->width[i]);
        int rest = l->width[i] - mt_text_columns(text);
        if (*text) {
            pad(style->out, owed + (t->columns[i].right ? rest : 0));
            put_colored(style, !cells ? BOLD : t->columns[i].status ? color_of(text) : "", text);
            owed = (t->columns[i].right ? 0 : rest) + l->gap;
        } else {
            owed += rest + l->gap;
        }
        free(text);
    }
    fputc('\n', style->out);
}

void mt_table_print(const struct mt_table *table, const struct mt_table_style *style)
{
    struct layout l = {.gap = 2};

    if (table->rows == 0)
        return;
    arrange(table, &l, style->columns);
    put_line(table, &l, style, NULL);
    for (int row = 0; row < table->rows; row++)
        put_line(table, &l, style, table->cells + row * table->n);
}

/* --- fields --- */

/* Length in bytes of the first line of text, ended between words where that can be. */
static size_t line_of(const char *text, int columns)
{
    size_t n = mt_text_fit(text, columns);

    if (!text[n])
        return n;
    for (size_t i = n; i > 0; i--)
        if (text[i] == ' ')
            return i;
    return n ? n : strlen(text);
}

/* The label; returns at which column the text begins. */
static int put_label(const struct mt_table_style *style, const char *label)
{
    put_colored(style, BOLD, label);
    if (style->columns < NARROW) {
        fputs("\n  ", style->out);
        return 2;
    }
    int rest = LABEL - mt_text_columns(label);
    pad(style->out, rest > 0 ? rest : 1);
    return LABEL;
}

void mt_table_field(const struct mt_table_style *style, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    char *shown = mt_text_printable(text, MT_STATUS_TEXT_MAX);
    int from = put_label(style, label);
    for (const char *p = shown; *p;) {
        size_t n = line_of(p, style->columns > from ? style->columns - from : 1);
        fprintf(style->out, "%.*s\n", (int)n, p);
        p += n + strspn(p + n, " ");
        if (*p)
            pad(style->out, from);
    }
    free(shown);
}

void mt_table_status(const struct mt_table_style *style, const char *label, const char *status,
                     const char *rest)
{
    char *shown = mt_text_printable(status, 64);

    put_label(style, label);
    put_colored(style, color_of(shown), shown);
    if (rest && *rest) {
        char *more = mt_text_printable(rest, 64);
        fputs(style->columns < NARROW ? "\n  " : " ", style->out);
        put_colored(style, color_of(more), more);
        free(more);
    }
    fputc('\n', style->out);
    free(shown);
}

void mt_table_url(const struct mt_table_style *style, const char *label, const char *url)
{
    if (!url || !*url)
        return;
    char *shown = mt_text_printable(url, MT_STATUS_TEXT_MAX);
    put_label(style, label);
    fprintf(style->out, "%s\n", shown);
    free(shown);
}

void mt_table_heading(const struct mt_table_style *style, const char *text)
{
    fputc('\n', style->out);
    put_colored(style, BOLD, text);
    fputc('\n', style->out);
}
