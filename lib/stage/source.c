/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source.c - from what the user named to an open file with a document. */
#include "stage/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "catalog/asset.h"
#include "catalog/document.h"
#include "catalog/sweep.h"
#include "digest/digest.h"
#include "doc/doc.h"
#include "proc/proc.h"
#include "stage/plain.h"
#include "json/json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_out(struct mt_stage_state *st, struct mt_err *err)
{
    const char *dir = st->stage->options->output;

    if (!*dir) {
        mt_fail(err, MT_ERR_USAGE, "--output takes a directory, not ''");
        return mt_hint(err, "-o . is the present one; is a variable of your script unset?");
    }
    char *cwd = *dir == '/' ? NULL : getcwd(NULL, 0);
    char *path = cwd ? mt_path_join(cwd, dir) : mt_strdup(dir);
    char *file_url = mt_path_to_file_url(path);
    char *url = mt_asprintf("%s?plain", file_url);
    int ret = mt_store_open(&st->out, url, st->stage->stores, true, err);

    free(url);
    free(file_url);
    free(path);
    free(cwd);
    return ret < 0 ? mt_fail_in(err, "-o '%s'", dir) : 0;
}

static void sweep(struct mt_stage_state *st)
{
    struct mt_swept counts;
    struct mt_err err;

    if (mt_store_sweep(st->store, NULL, &err) < 0 || mt_sweep(st->db, st->store, &counts, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err);
}

int mt_stage_open(struct mt_stage_state *st, struct mt_err *err)
{
    const struct mt_stage *s = st->stage;

    if (s->common->dry_run)
        return 0;
    if (s->options->output)
        return open_out(st, err);
    if (mt_db_open(&st->db, s->common->db, s->dbs, MT_DB_WRITE, err) < 0 ||
        (s->common->job &&
         mt_lease_attach(&st->lease, st->db, s->common->job, s->common->token, err) < 0) ||
        mt_store_open(&st->store, s->common->store, s->stores, true, err) < 0)
        return -1;
    st->out = st->store;
    sweep(st);
    return 0;
}

void mt_stage_close(struct mt_stage_state *st)
{
    mt_group_free(&st->group);
    if (st->out != st->store)
        mt_store_close(&st->out);
    mt_store_close(&st->store);
    mt_db_close(&st->db);
    if (st->prober)
        st->film->prober_close(&st->prober);
}

/* For -o DIR and --dry-run, where an id or a document still leads to the database or the store. */
static int open_for_reading(struct mt_stage_state *st, bool db, struct mt_err *err)
{
    const struct mt_common *c = st->stage->common;

    if (!st->store && mt_store_open(&st->store, c->store, st->stage->stores, false, err) < 0)
        return -1;
    if (db && !st->db && mt_db_open(&st->db, c->db, st->stage->dbs, MT_DB_READ, err) < 0)
        return -1;
    return 0;
}

void mt_item_free(struct mt_item *item)
{
    struct mt_stage_state *st = item->state;

    json_decref(item->doc);
    json_decref(item->report);
    mt_fd_close(&item->fd);
    json_decref(st->source);
    st->source = NULL;
    free(st->stem);
    st->stem = NULL;
}

/* What notes and names of -o DIR are made from. */
static void set_plain(struct mt_item *item, const char *name, const char *identity, int64_t size,
                      int64_t mtime_ns)
{
    struct mt_stage_state *st = item->state;

    if (!st->stage->options->output)
        return;
    st->stem = mt_path_stem(name);
    st->source = mt_plain_source(identity, size, mtime_ns);
}

static void set_common(struct mt_item *item)
{
    item->name = mt_json_str(item->doc, "asset.original_filename", "?");
    item->duration_us = (int64_t)(mt_json_num(item->doc, "asset.metadata.duration", 0) * 1e6);
}

static int get_object(struct mt_item *item, const char *key, struct mt_err *err)
{
    item->fd = mt_store_get(item->state->store, key, err);
    if (item->fd >= 0)
        return 0;
    if (err->code == MT_ERR_NOT_FOUND)
        mt_hint(err, "the database knows it, the store lacks it: restore the store from a backup");
    return -1;
}

/*
 * What the row says wins; what only this pipe knows stays: whether its file was a
 * duplicate, how its earlier stages went, members of others.
 */
static void update_document(json_t *doc, json_t *fresh)
{
    json_t *duplicate = json_incref(mt_json_at(doc, "asset.duplicate"));

    json_object_update_recursive(doc, fresh);
    if (duplicate)
        json_object_set(json_object_get(doc, "asset"), "duplicate", duplicate);
    json_decref(duplicate);
}

/* Whether anything may be made of an asset in this state. */
static int check_status(const struct mt_stage *stage, const json_t *row, const char *id,
                        struct mt_err *err)
{
    const char *status = mt_json_str(row, "upload_status", "?");
    const char *why = mt_json_str(row, "metadata.policy.reason",
                                  mt_json_str(row, "scan.reason", "a person is to decide"));

    if (strcmp(status, "completed") == 0)
        return 0;
    if (strcmp(status, "held") != 0)
        return mt_fail(err, MT_ERR_POLICY, "asset %s is '%s', not completed", id, status);
    if (stage->takes_held || stage->options->output || stage->common->dry_run)
        return 0;
    mt_fail(err, MT_ERR_POLICY, "asset %s is held, not published: %s", id, why);
    return mt_hint(err, "media-ingest --release publishes it, --rescan has it scanned again; "
                        "-o DIR makes files for a look at it");
}

/* The asset's row is the truth: it says where the bytes are, whatever the document claims. */
static int use_asset(struct mt_item *item, const char *id, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;
    json_t *row = mt_asset_get(st->db, id, err);
    int ret = -1;

    if (!row)
        return -1;
    const char *full = mt_json_str(row, "id", id);
    if (check_status(st->stage, row, full, err) < 0)
        goto out;
    json_t *fresh = mt_document_of_asset(st->db, st->store, full, err);
    if (!fresh)
        goto out;
    json_object_del(fresh, "stages"); /* what earlier runs did is not what this pipe does */
    if (item->doc) {
        update_document(item->doc, fresh);
        json_decref(fresh);
    } else {
        item->doc = fresh;
    }
    set_common(item);
    item->asset_id = mt_json_str(item->doc, "asset.id", full);
    set_plain(item, item->name, item->asset_id, mt_json_int(row, "file_size", 0), 0);
    ret = get_object(item, mt_json_str(row, "s3_key", ""), err);
    if (st->stage->options->output)
        item->asset_id = NULL;
out:
    json_decref(row);
    return ret;
}

/* A document from a pipe without a database: its file is opened only where the store has it. */
static int use_url(struct mt_item *item, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;
    const char *url = mt_json_str(item->doc, "asset.url", NULL);

    set_common(item);
    if (!url)
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "the document has neither asset.id nor asset.url");
    if (open_for_reading(st, false, err) < 0)
        return -1;
    char *key = mt_store_key_within(st->store, url, err);
    if (!key)
        return -1;
    set_plain(item, item->name, url, mt_json_int(item->doc, "asset.file_size", 0), 0);
    int ret = get_object(item, key, err);
    free(key);
    return ret;
}

/* A document without an id: whose prefix its URL lies below. free() it; NULL on failure. */
static char *id_of_url(const struct mt_item *item, struct mt_err *err)
{
    const struct mt_stage_state *st = item->state;
    const char *url = mt_json_str(item->doc, "asset.url", NULL);
    char *key = url ? mt_store_key_within(st->store, url, err) : NULL;

    if (!url) {
        mt_fail(err, MT_ERR_BAD_DOCUMENT, "the document has neither asset.id nor asset.url");
        mt_hint(err, "feed the output of media-ingest, or use -o DIR");
    } else if (key) {
        key[strcspn(key, "/")] = '\0';
    }
    return key;
}

int mt_item_of_document(struct mt_item *item, json_t *doc, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;
    const char *id = mt_json_str(doc, "asset.id", NULL);

    item->doc = doc;
    set_common(item);
    if (!id && mt_json_at(doc, "asset.id"))
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "asset.id is not a string");
    if (st->stage->options->output && !(id && !mt_json_at(doc, "asset.url")))
        return use_url(item, err);
    if (open_for_reading(st, true, err) < 0)
        return -1;
    char *copy = id ? mt_strdup(id) : id_of_url(item, err);
    int ret = -1;
    if (copy && mt_uuid_valid(copy))
        ret = use_asset(item, copy, err);
    else if (copy)
        mt_fail(err, MT_ERR_BAD_DOCUMENT, "asset.id '%s' is not a UUID", copy);
    free(copy);
    return ret;
}

/* What the file is; for -o DIR and --dry-run, where nothing is ingested. */
static int probe_file(struct mt_item *item, const char *name, int64_t size, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;
    const struct mt_stage_options *o = st->stage->options;
    struct mt_probe_limits limits = {.av = mt_stage_limits(o)};
    json_t *asset = json_object_get(item->doc, "asset");

    json_object_set_new(asset, "file_size", json_integer(size));
    item->known = st->stage->knows && st->stage->knows(item->fd, asset, st->stage->ctx);
    if (item->known)
        return 0;
    const struct mt_film *film = mt_item_film(item, err);
    if (!film || (!st->prober && film->prober_open(&st->prober, err) < 0))
        return -1;
    json_t *found = film->prober_run(st->prober, item->fd, name, &limits, NULL, err);
    if (!found)
        return -1;
    json_object_set(asset, "content_type", json_object_get(found, "content_type"));
    json_object_set(asset, "mime_type", json_object_get(found, "mime_type"));
    json_object_set(asset, "metadata", json_object_get(found, "metadata"));
    json_decref(found);
    return 0;
}

static int use_plain_file(struct mt_item *item, const char *name, struct mt_err *err)
{
    char real[PATH_MAX];
    struct stat stat;

    item->doc = mt_doc_new(name);
    set_common(item);
    item->fd = mt_open_regular(name, &stat, err);
    if (item->fd < 0)
        return -1;
    if (stat.st_size == 0)
        return mt_fail(err, MT_ERR_EMPTY, "'%s' is empty", name);
    set_plain(item, name, realpath(name, real) ? real : name, stat.st_size,
              (int64_t)stat.st_mtim.tv_sec * 1000000000 + stat.st_mtim.tv_nsec);
    if (probe_file(item, name, stat.st_size, err) < 0)
        return -1;
    set_common(item);
    return 0;
}

/* The document that media-ingest printed for one file. New. */
static json_t *read_answer(struct mt_proc *proc, const char *name, struct mt_err *err)
{
    struct mt_lines lines;
    char *line;
    size_t n;
    json_t *doc = NULL;

    mt_lines_init(&lines, mt_proc_fd(proc), '\n', MT_JSON_LINE_MAX);
    lines.name = "media-ingest";
    int got = mt_lines_next(&lines, &line, &n, err);
    if (got == 1 && !(doc = mt_json_parse("media-ingest", line, n, err)))
        mt_hint(err, "the media-ingest beside this program is none: install all of the toolkit");
    else if (got == 0)
        mt_fail(err, MT_ERR_FAILED, "'%s' could not be ingested", name);
    mt_lines_free(&lines);
    return doc;
}

/* Our ceilings as options of media-ingest; free() each. */
static void ingest_limits(const struct mt_stage_options *o, char *out[6])
{
    out[0] = mt_asprintf("--max-pixels=%lld", (long long)o->pixels);
    out[1] = mt_asprintf("--max-side=%lld", (long long)o->side);
    out[2] = mt_asprintf("--max-streams=%lld", (long long)o->streams);
    out[3] = mt_asprintf("--max-frames=%lld", (long long)o->frames);
    out[4] = mt_asprintf("--max-duration=%.6f", (double)o->duration_us / 1e6);
    out[5] = mt_asprintf("--memory=%lld", (long long)o->memory);
}

/* A file that is to have results in the store becomes an asset first. */
static int ingest_file(struct mt_item *item, const char *name, struct mt_err *err)
{
    const struct mt_common *c = item->state->stage->common;
    char *path = mt_sibling(item->state->run->dir, "media-ingest");
    struct mt_proc *proc = NULL;
    int ret = -1;

    item->doc = mt_doc_new(name);
    set_common(item);
    if (!path) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "media-ingest is not beside this program");
        return mt_hint(err, "install all programs of the toolkit in one directory");
    }
    char *limits[6];
    ingest_limits(item->state->stage->options, limits);
    const char *const argv[] = {path,
                                "--progress=none",
                                "--config",
                                c->config ? c->config : "/dev/null",
                                "--db",
                                c->db,
                                "--store",
                                c->store,
                                limits[0],
                                limits[1],
                                limits[2],
                                limits[3],
                                limits[4],
                                limits[5],
                                c->quiet ? "--quiet" : "--color=auto",
                                "--",
                                name,
                                NULL};
    if (mt_proc_start(&proc, argv, MT_PROC_PIPE, err) == 0) {
        json_t *doc = read_answer(proc, name, err);
        mt_proc_finish(&proc, NULL);
        json_decref(item->doc);
        item->doc = NULL;
        if (doc && mt_doc_failed(doc)) {
            item->doc = doc;
        } else if (doc) {
            ret = mt_item_of_document(item, doc, err);
        }
        if (!item->doc)
            item->doc = mt_doc_new(name);
    }
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        free(limits[i]);
    free(path);
    return ret;
}

int mt_item_of_operand(struct mt_item *item, const char *operand, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;

    if (mt_uuid_valid(operand)) {
        if (open_for_reading(st, true, err) == 0 && use_asset(item, operand, err) == 0)
            return 0;
        if (!item->doc)
            item->doc =
                json_pack("{s:i, s:{s:s}}", "schema", MT_DOC_SCHEMA, "asset", "id", operand);
        return -1;
    }
    if (st->stage->options->output || st->stage->common->dry_run)
        return use_plain_file(item, operand, err);
    return ingest_file(item, operand, err);
}
