/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list.c - jobs and assets, newest first, page by page. */
#include "status/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "catalog/asset.h"
#include "catalog/document.h"
#include "catalog/job.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "status/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One kind of list. */
struct list {
    const char *what; /* "jobs" */
    const struct mt_column *columns;
    int n;
    json_t *(*page)(struct mt_status *s, const struct mt_page *page, char **next,
                    struct mt_err *err);
    json_t *(*body)(struct mt_status *s, const json_t *row); /* a new reference */
    int (*add)(struct mt_status *s, struct mt_table *table, const json_t *row, struct mt_err *err);
};

/* --- what lists have in common --- */

/* A page as JSON; with last set, its last line says where the list goes on. */
static int print_page(struct mt_status *s, const struct list *list, const json_t *rows, bool last,
                      const char *next, struct mt_err *err)
{
    size_t n = json_array_size(rows);
    int ret = 0;

    for (size_t i = 0; i < n && ret == 0; i++) {
        json_t *body = list->body(s, json_array_get(rows, i));
        if (last && i + 1 == n)
            json_object_set_new(body, "next", mt_json_text(next));
        ret = mt_status_print(s, body, err);
        json_decref(body);
    }
    return ret;
}

static int add_page(struct mt_status *s, const struct list *list, const json_t *rows,
                    struct mt_table *table, struct mt_err *err)
{
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        if (list->add(s, table, row, err) < 0)
            return -1;
    }
    return 0;
}

static int print_table(struct mt_status *s, const struct list *list, const struct mt_table *table,
                       bool more, struct mt_err *err)
{
    struct mt_table_style style = mt_status_style(s);

    mt_table_print(table, &style);
    if (table->rows == 0)
        fprintf(s->out, "no %s\n", list->what);
    if (more)
        fprintf(s->out, "more: --limit %lld\n", (long long)s->filter.limit * 2);
    return mt_status_check(s, err);
}

/* One page of at most what is left; *cursor becomes that of the next, *left shrinks. */
static int take_page(struct mt_status *s, const struct list *list, struct mt_table *table,
                     char **cursor, int64_t *left, struct mt_err *err)
{
    struct mt_page page = {.limit = *left < MT_PAGE_MAX ? (int)*left : MT_PAGE_MAX,
                           .cursor = *cursor};
    char *next = NULL;
    json_t *rows = list->page(s, &page, &next, err);

    if (!rows)
        return -1;
    *left -= page.limit;
    int ret = s->table ? add_page(s, list, rows, table, err)
                       : print_page(s, list, rows, *left == 0 || !next, next, err);
    json_decref(rows);
    free(*cursor);
    *cursor = next;
    return ret;
}

static int show_list(struct mt_status *s, const struct list *list, struct mt_err *err)
{
    struct mt_table table;
    char *cursor = mt_strdup(s->filter.cursor);
    int64_t left = s->filter.limit;
    int ret = 0;

    mt_table_init(&table, list->columns, list->n);
    while (ret == 0 && left > 0 && !mt_stop_signal()) {
        ret = take_page(s, list, &table, &cursor, &left, err);
        if (!cursor)
            break;
    }
    if (ret == 0 && s->table)
        ret = print_table(s, list, &table, cursor != NULL, err);
    mt_table_free(&table);
    free(cursor);
    return ret;
}

/* --- jobs --- */

static const struct mt_column job_columns[] = {
    {.title = "JOB"},
    {.title = "STATUS", .status = true, .rank = 1},
    {.title = "TYPE", .rank = 2},
    {.title = "CREATED", .rank = 4},
    {.title = "TOOK", .right = true, .rank = 6},
    {.title = "NOTE", .least = 12, .rank = 5},
    {.title = "NAME", .least = 10, .rank = 3},
};

static json_t *page_of_jobs(struct mt_status *s, const struct mt_page *page, char **next,
                            struct mt_err *err)
{
    const struct mt_job_filter filter = {
        .status = s->filter.status, .type = s->filter.type, .asset_id = s->filter.asset};

    return mt_job_list(s->db, &filter, page, next, err);
}

static json_t *body_of_job(struct mt_status *s, const json_t *row)
{
    (void)s;
    return mt_status_job_body(row);
}

/* The name of the file that the job is about. free() it; NULL if none is known. */
static char *name_of_job(struct mt_status *s, const json_t *row)
{
    const char *id = mt_json_str(row, "media_asset_id", NULL);
    struct mt_err ignored;

    if (!id)
        return mt_strdup(mt_json_str(row, "input_parameters.name", NULL));
    json_t *asset = mt_db_row(s->db, &ignored,
                              "SELECT original_filename FROM media_assets WHERE id = $1", "s", id);
    char *name = mt_strdup(mt_json_str(asset, "original_filename", NULL));
    json_decref(asset);
    return name;
}

/* What is worth knowing of a job besides its status. free() it. */
static char *note_of_job(const json_t *body)
{
    const char *status = mt_json_str(body, "status", "");
    const char *outcome = mt_json_str(body, "outcome", "");
    const char *message = mt_json_str(body, "error.message", NULL);
    bool dead = json_is_false(json_object_get(body, "alive"));

    if (strcmp(status, "processing") == 0)
        return mt_asprintf("%lld %% %s%s", (long long)mt_json_int(body, "progress", 0),
                           dead ? "worker is dead: " : "", mt_json_str(body, "current_step", ""));
    if (message)
        return mt_strdup(message);
    return mt_strdup(strcmp(outcome, "ok") == 0 ? "" : outcome);
}

static int add_job(struct mt_status *s, struct mt_table *table, const json_t *row,
                   struct mt_err *err)
{
    json_t *body = mt_status_job_body(row);
    char *name = name_of_job(s, row);
    char *note = note_of_job(body);
    char id[9];
    char age[MT_AGE_TEXT];
    char took[MT_FIGURE];

    (void)err;
    snprintf(id, sizeof id, "%s", mt_json_str(body, "job_id", ""));
    const char *cells[] = {id,
                           mt_json_str(body, "status", ""),
                           mt_json_str(body, "type", ""),
                           mt_status_age(mt_json_str(body, "created_at", NULL), age),
                           mt_status_ms(mt_json_int(body, "took_ms", -1), took),
                           note,
                           name};
    mt_table_add(table, cells);
    free(note);
    free(name);
    json_decref(body);
    return 0;
}

/* Makes the whole id of the asset that --asset names by its beginning. */
static int resolve_asset(struct mt_status *s, char id[MT_UUID_TEXT], struct mt_err *err)
{
    if (!s->filter.asset)
        return 0;
    json_t *row = mt_asset_get(s->db, s->filter.asset, err);
    if (!row) {
        if (err->code == MT_ERR_NOT_FOUND)
            mt_status_near(s->db, MT_STATUS_ASSET, s->filter.asset, err);
        return mt_fail_in(err, "--asset");
    }
    snprintf(id, MT_UUID_TEXT, "%s", mt_json_str(row, "id", ""));
    s->filter.asset = id;
    json_decref(row);
    return 0;
}

int mt_status_jobs(struct mt_status *s, struct mt_err *err)
{
    static const struct list list = {
        "jobs",       job_columns, sizeof job_columns / sizeof *job_columns,
        page_of_jobs, body_of_job, add_job};
    const char *asked = s->filter.asset;
    char id[MT_UUID_TEXT];
    int ret = -1;

    if (mt_status_no_operands(s, err) == 0 && mt_status_open(s, err) == 0 &&
        resolve_asset(s, id, err) == 0)
        ret = show_list(s, &list, err);
    s->filter.asset = asked;
    return ret;
}

/* --- assets --- */

static const struct mt_column asset_columns[] = {
    {.title = "ASSET"},
    {.title = "STATUS", .status = true, .rank = 2},
    {.title = "TYPE", .rank = 4},
    {.title = "SIZE", .right = true, .rank = 3},
    {.title = "LENGTH", .right = true, .rank = 6},
    {.title = "CREATED", .rank = 5},
    {.title = "NAME", .least = 10, .rank = 1},
};

static json_t *page_of_assets(struct mt_status *s, const struct mt_page *page, char **next,
                              struct mt_err *err)
{
    const struct mt_asset_filter filter = {.status = s->filter.status,
                                           .content_type = s->filter.type};

    return mt_asset_list(s->db, &filter, page, next, err);
}

/* A media document of the asset alone. */
static json_t *body_of_asset(struct mt_status *s, const json_t *row)
{
    json_t *body = json_object();

    json_object_set_new(body, "schema", json_integer(MT_DOC_SCHEMA));
    json_object_set_new(body, "asset", mt_document_asset(row, s->store));
    return body;
}

static int add_asset(struct mt_status *s, struct mt_table *table, const json_t *row,
                     struct mt_err *err)
{
    double seconds = mt_json_num(row, "metadata.duration", -1);
    char id[9];
    char age[MT_AGE_TEXT];
    char size[MT_FIGURE];
    char length[MT_FIGURE];

    (void)s;
    (void)err;
    snprintf(id, sizeof id, "%s", mt_json_str(row, "id", ""));
    const char *cells[] = {
        id,
        mt_json_str(row, "upload_status", ""),
        mt_json_str(row, "content_type", ""),
        mt_show_bytes(mt_json_int(row, "file_size", 0), size),
        mt_status_ms(seconds >= 0 && seconds < 1e9 ? (int64_t)(seconds * 1000) : -1, length),
        mt_status_age(mt_json_str(row, "created_at", NULL), age),
        mt_json_str(row, "original_filename", "")};
    mt_table_add(table, cells);
    return 0;
}

int mt_status_assets(struct mt_status *s, struct mt_err *err)
{
    static const struct list list = {
        "assets",       asset_columns, sizeof asset_columns / sizeof *asset_columns,
        page_of_assets, body_of_asset, add_asset};

    if (mt_status_no_operands(s, err) < 0 || mt_status_open(s, err) < 0)
        return -1;
    return show_list(s, &list, err);
}
