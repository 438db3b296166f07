/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lookup.c - see lookup.h. */
#include "catalog/lookup.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_DIGITS = 4, DIGITS = 32 };

/* The identifier that begins with the n digits and goes on with fill only. */
static void pad(const char *digits, size_t n, char fill, char out[MT_UUID_TEXT])
{
    size_t at = 0;

    for (size_t i = 0; i < DIGITS; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[at++] = '-';
        out[at++] = i < n ? digits[i] : fill;
    }
    out[at] = '\0';
}

/* The lower-case hex digits of text; 0 if there is anything else in it but dashes, or too many. */
static size_t digits_of(const char *text, char out[DIGITS])
{
    size_t n = 0;

    for (; *text; text++) {
        if (*text == '-')
            continue;
        if (!isxdigit((unsigned char)*text) || n == DIGITS)
            return 0;
        out[n++] = (char)tolower((unsigned char)*text);
    }
    return n;
}

static void fail_ambiguous(const char *what, const char *text, const json_t *rows,
                           struct mt_err *err)
{
    mt_fail(err, MT_ERR_NOT_FOUND, "%s '%s' is ambiguous: %s, %s%s%s%s", what, text,
            mt_json_str(json_array_get(rows, 0), "id", ""),
            mt_json_str(json_array_get(rows, 1), "id", ""), json_array_size(rows) > 2 ? ", " : "",
            mt_json_str(json_array_get(rows, 2), "id", ""),
            json_array_size(rows) > 3 ? " and more" : "");
    mt_hint(err, "give more digits");
}

json_t *mt_lookup(struct mt_db *db, const char *what, const char *table, const char *text,
                  struct mt_err *err)
{
    char digits[DIGITS];
    char from[MT_UUID_TEXT];
    char to[MT_UUID_TEXT];
    size_t n = digits_of(text, digits);
    json_t *row = NULL;

    if (n < LEAST_DIGITS) {
        char *shown = mt_text_printable(text, 80);
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no %s '%s'", what, shown);
        mt_hint(err, "an id is a UUID, or its first %d or more hex digits", LEAST_DIGITS);
        free(shown);
        return NULL;
    }
    pad(digits, n, '0', from);
    pad(digits, n, 'f', to);
    char *sql =
        mt_asprintf("SELECT * FROM %s WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT 4", table);
    json_t *rows = mt_db_rows(db, err, sql, "ss", from, to);
    if (rows && json_array_size(rows) == 0)
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no %s '%s'", what, text);
    else if (rows && json_array_size(rows) > 1)
        fail_ambiguous(what, text, rows, err);
    else if (rows)
        row = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    free(sql);
    return row;
}

/* A cursor is "TIME_ID" of the last row given. */
static int parse_cursor(const char *cursor, char at[MT_TIME_TEXT], const char **id,
                        struct mt_err *err)
{
    const char *mark = strchr(cursor, '_');
    int64_t us;

    if (mark && mark - cursor < MT_TIME_TEXT && mt_uuid_valid(mark + 1)) {
        memcpy(at, cursor, (size_t)(mark - cursor));
        at[mark - cursor] = '\0';
        *id = mark + 1;
        if (mt_time_parse(at, &us, err) == 0)
            return 0;
    }
    mt_fail(err, MT_ERR_USAGE, "'%.80s' is no cursor", cursor);
    return mt_hint(err, "take the cursor of the page before as it is");
}

static char *cursor_of(const json_t *rows)
{
    const json_t *last = json_array_get(rows, json_array_size(rows) - 1);

    return mt_asprintf("%s_%s", mt_json_str(last, "created_at", ""), mt_json_str(last, "id", ""));
}

static int page_sql(struct mt_buf *sql, const char *table, const struct mt_filter filters[],
                    const struct mt_page *page, const char *values[], char types[],
                    struct mt_err *err)
{
    int n = 0;

    if (mt_buf_printf(sql, err, "SELECT * FROM %s WHERE id IS NOT NULL", table) < 0)
        return -1;
    for (int i = 0; i < MT_LOOKUP_FILTERS && filters[i].column; i++) {
        if (!filters[i].value)
            continue;
        values[n++] = filters[i].value;
        if (filters[i].or_word ? mt_buf_printf(sql, err, " AND %s IN ($%d, '%s')",
                                               filters[i].column, n, filters[i].or_word) < 0
                               : mt_buf_printf(sql, err, " AND %s = $%d", filters[i].column, n) < 0)
            return -1;
    }
    if (page->cursor) {
        n += 2;
        if (mt_buf_printf(sql, err, " AND (created_at, id) < ($%d, $%d)", n - 1, n) < 0)
            return -1;
    }
    memset(types, 's', (size_t)n);
    types[n] = '\0';
    return mt_buf_printf(sql, err, " ORDER BY created_at DESC, id DESC LIMIT %d", page->limit + 1);
}

json_t *mt_lookup_page(struct mt_db *db, const char *table, const struct mt_filter filters[],
                       const struct mt_page *page, char **next, struct mt_err *err)
{
    const char *v[MT_LOOKUP_FILTERS + 2] = {NULL};
    char types[MT_LOOKUP_FILTERS + 3];
    char at[MT_TIME_TEXT];
    const char *id = NULL;
    struct mt_buf sql;
    json_t *rows = NULL;

    *next = NULL;
    if (page->limit < 1 || page->limit > MT_PAGE_MAX) {
        mt_fail(err, MT_ERR_USAGE, "a page has 1 to %d rows, not %d", MT_PAGE_MAX, page->limit);
        return NULL;
    }
    if (page->cursor && parse_cursor(page->cursor, at, &id, err) < 0)
        return NULL;
    mt_buf_init(&sql, 4096);
    if (page_sql(&sql, table, filters, page, v, types, err) == 0) {
        size_t n = strlen(types);
        if (page->cursor) {
            v[n - 2] = at;
            v[n - 1] = id;
        }
        rows = mt_db_rows(db, err, sql.data, types, v[0], v[1], v[2], v[3], v[4], v[5]);
    }
    mt_buf_free(&sql);
    if (rows && json_array_size(rows) > (size_t)page->limit) {
        json_array_remove(rows, (size_t)page->limit);
        *next = cursor_of(rows);
    }
    return rows;
}
