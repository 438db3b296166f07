/* SPDX-License-Identifier: GPL-2.0-or-later */
/* asset.c - assets as their media documents. */
#include "status/internal.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/document.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *get_asset(struct mt_status *s, const char *id, struct mt_err *err)
{
    return mt_document_of_asset(s->db, s->store, id, err);
}

/* --- for people --- */

static int describe_stream(struct mt_buf *text, const json_t *stream, struct mt_err *err)
{
    const char *codec = mt_json_str(stream, "codec", mt_json_str(stream, "type", "?"));
    const char *language = mt_json_str(stream, "language", NULL);
    long long width = mt_json_int(stream, "display_width", 0);
    long long rate = mt_json_int(stream, "sample_rate_hz", 0);

    if (mt_buf_printf(text, err, "%s%s", text->len ? "; " : "", codec) < 0)
        return -1;
    if (width && mt_buf_printf(text, err, " %lldx%lld", width,
                               (long long)mt_json_int(stream, "display_height", 0)) < 0)
        return -1;
    if (rate && mt_buf_printf(text, err, " %lld Hz %s", rate,
                              mt_json_str(stream, "channel_layout", "")) < 0)
        return -1;
    return language && strcmp(language, "und") != 0 ? mt_buf_printf(text, err, " (%s)", language)
                                                    : 0;
}

/* "h264 1280x720; aac 48000 Hz stereo (ar)", as much of it as fits a few lines. */
static void show_streams(const struct mt_table_style *style, const json_t *doc)
{
    struct mt_err ignored;
    struct mt_buf text;
    size_t i;
    json_t *stream;

    mt_buf_init(&text, 512);
    json_array_foreach(mt_json_at(doc, "asset.metadata.streams"), i, stream)
    {
        if (describe_stream(&text, stream, &ignored) < 0)
            break;
    }
    mt_table_field(style, "Streams", text.data);
    mt_buf_free(&text);
}

static void show_variants(const struct mt_table_style *style, const json_t *doc)
{
    static const struct mt_column columns[] = {{.title = "RENDITION", .least = 8},
                                               {.title = "FORMAT", .rank = 2},
                                               {.title = "PICTURE", .rank = 3},
                                               {.title = "BITRATE", .right = true, .rank = 4},
                                               {.title = "SIZE", .right = true, .rank = 1}};
    struct mt_table table;
    size_t i;
    json_t *v;

    mt_table_init(&table, columns, 5);
    json_array_foreach(json_object_get(doc, "variants"), i, v)
    {
        char size[MT_FIGURE];
        const char *quality = mt_json_str(v, "quality", mt_json_str(v, "variant_type", ""));
        const char *cells[] = {quality, mt_json_str(v, "format", ""),
                               mt_json_str(v, "resolution", ""), mt_json_str(v, "bitrate", ""),
                               mt_show_bytes(mt_json_int(v, "file_size", 0), size)};
        mt_table_add(&table, cells);
    }
    if (table.rows > 0)
        mt_table_heading(style, "Renditions");
    mt_table_print(&table, style);
    mt_table_free(&table);
}

static void show_stages(const struct mt_table_style *style, const json_t *doc)
{
    static const struct mt_column columns[] = {{.title = "STAGE"},
                                               {.title = "STATUS", .status = true, .rank = 1},
                                               {.title = "TOOK", .right = true, .rank = 3},
                                               {.title = "NOTE", .least = 12, .rank = 2}};
    struct mt_table table;
    const char *name;
    json_t *stage;

    mt_table_init(&table, columns, 4);
    json_object_foreach(json_object_get(doc, "stages"), name, stage)
    {
        char took[MT_FIGURE];
        const char *cells[] = {name, mt_json_str(stage, "status", ""),
                               mt_status_ms(mt_json_int(stage, "took_ms", -1), took),
                               mt_json_str(stage, "error.message", NULL)};
        mt_table_add(&table, cells);
    }
    if (table.rows > 0)
        mt_table_heading(style, "Stages");
    mt_table_print(&table, style);
    mt_table_free(&table);
}

static void show_analysis(const struct mt_table_style *style, const json_t *doc)
{
    struct mt_err ignored;
    struct mt_buf text;
    const char *name;
    json_t *result;

    mt_buf_init(&text, 512);
    json_object_foreach(json_object_get(doc, "analysis"), name, result)
    {
        if (mt_buf_printf(&text, &ignored, "%s%s", text.len ? ", " : "", name) < 0)
            break;
    }
    mt_table_field(style, "Analysed", text.data);
    mt_buf_free(&text);
}

static void show_urls(const struct mt_table_style *style, const json_t *doc)
{
    size_t i;
    json_t *v;

    if (!mt_json_at(doc, "asset.url"))
        return;
    mt_table_heading(style, "Where");
    mt_table_url(style, "original", mt_json_str(doc, "asset.url", NULL));
    json_array_foreach(json_object_get(doc, "variants"), i, v)
    {
        mt_table_url(style, mt_json_str(v, "quality", mt_json_str(v, "variant_type", "")),
                     mt_json_str(v, "url", NULL));
    }
    json_array_foreach(json_object_get(doc, "thumbnails"), i, v)
    {
        char at[MT_FIGURE];
        double seconds = mt_json_num(v, "timestamp", 0);
        mt_table_url(
            style, mt_status_ms(seconds >= 0 && seconds < 1e9 ? (int64_t)(seconds * 1000) : 0, at),
            mt_json_str(v, "url", NULL));
    }
}

static void show_head(const struct mt_table_style *style, const json_t *doc)
{
    const json_t *asset = json_object_get(doc, "asset");
    const char *outcome = mt_json_str(asset, "outcome", "");
    double seconds = mt_json_num(asset, "metadata.duration", -1);
    char *type = mt_asprintf("%s, %s", mt_json_str(asset, "content_type", "?"),
                             mt_json_str(asset, "mime_type", "?"));
    char *when = mt_status_when(mt_json_str(asset, "created_at", NULL));
    char figure[MT_FIGURE];

    mt_table_field(style, "Asset", mt_json_str(asset, "id", NULL));
    mt_table_field(style, "Name", mt_json_str(asset, "original_filename", NULL));
    mt_table_status(style, "Status", mt_json_str(asset, "upload_status", ""),
                    strcmp(outcome, "ok") == 0 ? NULL : outcome);
    mt_table_field(style, "Type", type);
    mt_table_field(style, "Size", mt_show_bytes(mt_json_int(asset, "file_size", 0), figure));
    if (seconds >= 0 && seconds < 1e9)
        mt_table_field(style, "Length", mt_show_duration((int64_t)(seconds * 1e6), figure));
    show_streams(style, doc);
    mt_table_field(style, "Created", when);
    mt_table_field(style, "SHA-256", mt_json_str(asset, "checksum", NULL));
    mt_table_field(style, "Scan", mt_json_str(asset, "scan.verdict", NULL));
    free(when);
    free(type);
}

static int show_asset(struct mt_status *s, const json_t *doc, struct mt_err *err)
{
    struct mt_table_style style = mt_status_style(s);

    show_head(&style, doc);
    show_analysis(&style, doc);
    mt_table_field(&style, "Error", mt_json_str(doc, "error.message", NULL));
    mt_table_field(&style, "Hint", mt_json_str(doc, "error.hint", NULL));
    show_stages(&style, doc);
    show_variants(&style, doc);
    show_urls(&style, doc);
    return mt_status_check(s, err);
}

/* --- documents on standard input --- */

static int deliver(struct mt_status *s, const json_t *doc, struct mt_err *err)
{
    mt_outcome_add(&s->run->outcome, mt_doc_code(doc));
    return s->table ? show_asset(s, doc, err) : mt_status_print(s, doc, err);
}

/* The document as the database knows it; as it came where the database cannot know. */
static int answer_document(struct mt_status *s, const json_t *doc, struct mt_err *err)
{
    const char *id = mt_json_str(doc, "asset.id", NULL);
    struct mt_err failure = {.code = MT_OK};

    if (!id || mt_doc_failed(doc))
        return deliver(s, doc, err);
    if (mt_db_begin(s->db, false, err) < 0)
        return -1;
    json_t *known = get_asset(s, id, &failure);
    mt_db_rollback(s->db);
    if (!known && failure.code == MT_ERR_NOT_FOUND)
        return mt_status_refuse(s, id, &failure, err);
    if (!known) {
        *err = failure;
        return -1;
    }
    int ret = deliver(s, known, err);
    json_decref(known);
    return ret;
}

static int answer_line(struct mt_status *s, const char *line, size_t n, int64_t number,
                       struct mt_err *err)
{
    struct mt_err failure = {.code = MT_OK};
    char what[64];

    snprintf(what, sizeof what, "line %lld of standard input", (long long)number);
    json_t *doc = mt_json_parse(what, line, n, &failure);
    if (doc && mt_doc_check(doc, &failure) < 0) {
        mt_fail_in(&failure, "%s", what);
        json_decref(doc);
        doc = NULL;
    }
    int ret = doc ? answer_document(s, doc, err) : mt_status_refuse(s, what, &failure, err);
    json_decref(doc);
    return ret;
}

static int each_line(struct mt_status *s, struct mt_err *err)
{
    struct mt_lines lines;
    char *line;
    size_t n;
    int ret = 0;

    mt_lines_init(&lines, STDIN_FILENO, '\n', MT_JSON_LINE_MAX);
    lines.interrupted = mt_stop_signal;
    while (ret == 0 && !mt_stop_signal() && !(s->common->fail_fast && s->run->outcome.failed)) {
        struct mt_err failure = {.code = MT_OK};
        int got = mt_lines_next(&lines, &line, &n, &failure);
        if (got == 0)
            break;
        if (got > 0)
            ret = n ? answer_line(s, line, n, lines.number, err) : 0;
        else if (failure.code == MT_ERR_BAD_DOCUMENT)
            ret = mt_status_refuse(s, "standard input", &failure, err);
        else
            ret = mt_fail(err, failure.code, "%s", failure.msg);
    }
    mt_lines_free(&lines);
    return ret;
}

int mt_status_asset(struct mt_status *s, struct mt_err *err)
{
    static const struct mt_status_answer answer = {MT_STATUS_ASSET, get_asset, show_asset};

    if (s->run->n_operands == 0 && !s->common->files_from && !isatty(STDIN_FILENO))
        return mt_status_open(s, err) < 0 ? -1 : each_line(s, err);
    return mt_status_each(s, &answer, err);
}
