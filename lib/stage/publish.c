/* SPDX-License-Identifier: GPL-2.0-or-later */
/* publish.c - results become objects with rows, or files with notes. */
#include "stage/stage.h"

#include "base/log.h"
#include "base/mem.h"
#include "catalog/analysis.h"
#include "catalog/document.h"
#include "catalog/variant.h"
#include "digest/digest.h"
#include "stage/internal.h"
#include "stage/plain.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LANGUAGE_MAX = 10 }; /* as the column has it */

bool mt_item_is_plain(const struct mt_item *item)
{
    return item->state->stage->options->output != NULL;
}

char *mt_item_key(const struct mt_item *item, const struct mt_output *o)
{
    const char *stem = item->state->stem;

    if (mt_item_is_plain(item))
        return o->below ? mt_asprintf("%s-%s/%s.%s", stem, o->name, o->below, o->ext)
                        : mt_asprintf("%s-%s.%s", stem, o->name, o->ext);
    return o->below
               ? mt_asprintf("%s/%s-%s/%s.%s", item->asset_id, o->name, o->recipe, o->below, o->ext)
               : mt_asprintf("%s/%s-%s.%s", item->asset_id, o->name, o->recipe, o->ext);
}

/* The row is only worth something while the object is there. */
static int object_there(struct mt_store *store, const json_t *row, struct mt_err *err)
{
    int64_t size = 0;

    if (mt_store_stat(store, mt_json_str(row, "s3_key", ""), &size, err) == 0)
        return size == mt_json_int(row, "file_size", -1);
    return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
}

/* A row as the document shows it. New. */
static json_t *entry_of(const struct mt_item *item, const json_t *row)
{
    bool thumbnail = strcmp(mt_json_str(row, "variant_type", ""), "thumbnail") == 0;

    return thumbnail ? mt_document_thumbnail(row, item->state->store)
                     : mt_document_variant(row, item->state->store);
}

int mt_item_made(struct mt_item *item, const struct mt_output *output, json_t **entry,
                 struct mt_err *err)
{
    const struct mt_stage_options *o = item->state->stage->options;
    char *key = mt_item_key(item, output);
    int ret = 0;

    if (mt_item_is_plain(item)) {
        ret = mt_plain_made(o->output, key, output->recipe, item->state->source, o->force, entry,
                            err);
    } else if (!o->force) {
        json_t *row = mt_variant_find(item->state->db, item->asset_id, key, err);
        if (row) {
            ret = object_there(item->state->store, row, err);
            if (ret == 1)
                *entry = entry_of(item, row);
        } else if (err->code != MT_ERR_NOT_FOUND) {
            ret = -1;
        }
        json_decref(row);
    }
    free(key);
    return ret;
}

json_t *mt_item_made_below(struct mt_item *item, const char *name, const char *recipe,
                           struct mt_err *err)
{
    const struct mt_stage_options *o = item->state->stage->options;
    json_t *all = json_array();

    if (o->force)
        return all;
    if (mt_item_is_plain(item)) {
        char *prefix = mt_asprintf("%s-%s", item->state->stem, name);
        json_decref(all);
        all = mt_plain_made_below(o->output, prefix, recipe, item->state->source, err);
        free(prefix);
        return all;
    }
    json_t *rows = mt_variants_by_recipe(item->state->db, item->asset_id, recipe, err);
    json_t *row;
    size_t i;
    if (!rows) {
        json_decref(all);
        return NULL;
    }
    json_array_foreach(rows, i, row) if (object_there(item->state->store, row, err) == 1)
        json_array_append_new(all, entry_of(item, row));
    json_decref(rows);
    return all;
}

/* Other processes that want the same output are told to wait. */
static int announce(struct mt_item *item, const struct mt_output *o, const char *key,
                    struct mt_making *making, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;
    enum mt_variant_claim claim;
    struct mt_variant_intent intent = {.asset_id = item->asset_id,
                                       .type = o->type,
                                       .format = o->ext,
                                       .quality = o->quality,
                                       .recipe = o->recipe,
                                       .key = key,
                                       .force = true};

    return mt_variant_intend(st->db, &intent, making->id, &claim, err);
}

int mt_item_begin(struct mt_item *item, const struct mt_output *output, struct mt_making *making,
                  struct mt_err *err)
{
    const struct mt_stage_options *o = item->state->stage->options;
    char *key = mt_item_key(item, output);
    json_t *entry = NULL;
    int ret;

    making->id[0] = '\0';
    if (mt_item_is_plain(item))
        ret = mt_plain_made(o->output, key, output->recipe, item->state->source, o->force, &entry,
                            err);
    else
        ret = announce(item, output, key, making, err);
    if (ret >= 0)
        ret = mt_store_begin(item->state->out, key, &making->put, err);
    if (ret < 0)
        mt_item_abandon(item, making);
    json_decref(entry);
    free(key);
    return ret;
}

void mt_item_abandon(struct mt_item *item, struct mt_making *making)
{
    struct mt_stage_state *st = item->state;
    struct mt_err err;

    mt_put_abort(&making->put);
    if (making->id[0] && mt_variant_abandon(st->db, st->store, making->id, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err); /* the sweep of the next program removes it */
    making->id[0] = '\0';
}

void mt_entry_complete(const struct mt_item *item, const char *key, int64_t size,
                       const char *sha256, json_t *entry)
{
    char *url = mt_store_url(item->state->out, key);

    json_object_set_new(entry, "url", mt_json_text(url));
    json_object_set_new(entry, "cdn_url", json_null());
    json_object_set_new(entry, "file_size", json_integer(size));
    json_object_set_new(entry, "checksum", json_string(sha256));
    free(url);
}

static int complete_entry(struct mt_item *item, const char *key, int fd, json_t *entry,
                          struct mt_err *err)
{
    char hex[MT_SHA256_TEXT];
    struct stat st;

    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot stat '%s'", key);
    if (mt_sha256_fd(fd, hex, err) < 0)
        return -1;
    mt_entry_complete(item, key, st.st_size, hex, entry);
    return 0;
}

json_t *mt_entry_details(const json_t *entry)
{
    static const char *const columns[] = {
        "id",  "variant_type", "quality",   "format",   "resolution", "bitrate", "duration",
        "url", "cdn_url",      "file_size", "checksum", "verified",   "score",   "recipe"};
    json_t *details = json_copy((json_t *)(uintptr_t)entry);

    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        json_object_del(details, columns[i]);
    const json_t *duration = json_object_get(entry, "duration");
    if (json_is_number(duration))
        json_object_set(details, "duration", (json_t *)(uintptr_t)duration);
    return details;
}

struct mt_variant_result mt_entry_result(const json_t *entry, const json_t *details)
{
    double duration = mt_json_num(entry, "duration", -1);

    return (struct mt_variant_result){.resolution = mt_json_str(entry, "resolution", NULL),
                                      .bitrate = mt_json_str(entry, "bitrate", NULL),
                                      .duration_s = duration < 0 ? -1 : (int64_t)(duration + 0.5),
                                      .file_size = mt_json_int(entry, "file_size", 0),
                                      .checksum = mt_json_str(entry, "checksum", NULL),
                                      .verified = mt_json_bool(entry, "verified", false),
                                      .score = mt_json_at(entry, "score"),
                                      .details = details};
}

static int publish_row(struct mt_item *item, struct mt_making *making, const json_t *entry,
                       struct mt_err *err)
{
    json_t *details = mt_entry_details(entry);
    struct mt_variant_result result = mt_entry_result(entry, details);
    int ret = mt_lease_is_attached(item->state->db)
                  ? mt_variants_publish_within(item->state->db, &making->id, &result, 1, err)
                  : mt_variant_publish(item->state->db, making->id, &result, err);

    json_decref(details);
    return ret;
}

/* The object in its place, and the row that makes it visible. */
static int put_and_publish(struct mt_item *item, struct mt_making *making, const json_t *entry,
                           struct mt_err *err)
{
    if (mt_put_commit(&making->put, mt_json_str(entry, "checksum", NULL), err) < 0)
        return -1;
    return mt_item_is_plain(item) ? 0 : publish_row(item, making, entry, err);
}

/*
 * Under a lease within one transaction, which keeps the lease in force meanwhile: see
 * catalog/lease.h. What takes long, the disk, is waited for before.
 */
static int put_under_lease(struct mt_item *item, struct mt_making *making, const json_t *entry,
                           struct mt_err *err)
{
    struct mt_db *db = item->state->db;

    if (fdatasync(mt_put_fd(making->put)) < 0)
        return mt_fail_errno(err, "cannot write '%s'", mt_json_str(entry, "url", "an object"));
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    if (put_and_publish(item, making, entry, err) == 0)
        return mt_db_commit(db, err);
    mt_db_rollback(db);
    return -1;
}

int mt_item_publish(struct mt_item *item, const struct mt_output *output, struct mt_making *making,
                    json_t *entry, struct mt_err *err)
{
    const char *dir = item->state->stage->options->output;
    char *key = mt_item_key(item, output);
    int ret = complete_entry(item, key, mt_put_fd(making->put), entry, err);

    if (ret == 0 && making->id[0])
        json_object_set_new(entry, "id", json_string(making->id));
    if (ret == 0 && mt_item_is_plain(item))
        ret = mt_plain_note(dir, key, output->recipe, item->state->source, entry, err);
    if (ret == 0)
        ret = !mt_item_is_plain(item) && mt_lease_is_attached(item->state->db)
                  ? put_under_lease(item, making, entry, err)
                  : put_and_publish(item, making, entry, err);
    if (ret == 0)
        making->id[0] = '\0';
    else
        mt_item_abandon(item, making);
    free(key);
    return ret;
}

/* Negative when nothing tells. */
static double confidence_of(const json_t *results)
{
    const json_t *entry;
    double sum = 0;
    size_t i, n = 0;

    if (json_is_object(results))
        return mt_json_num(results, "confidence", -1);
    json_array_foreach(results, i, entry)
    {
        double one = mt_json_num(entry, "confidence", -1);
        sum += one >= 0 ? one : 0;
        n += one >= 0;
    }
    return n > 0 ? sum / (double)n : -1;
}

int mt_item_record(struct mt_item *item, const char *type, const char *recipe, const char *engine,
                   const json_t *results, struct mt_err *err)
{
    const char *language = mt_json_str(results, "language", NULL);
    struct mt_stage_state *st = item->state;
    char id[MT_UUID_TEXT];
    struct mt_analysis a = {.asset_id = item->asset_id,
                            .type = type,
                            .language =
                                language && strlen(language) <= LANGUAGE_MAX ? language : NULL,
                            .status = "completed",
                            .outcome = strcmp(item->status, "degraded") == 0 ? "degraded" : "ok",
                            .confidence = confidence_of(results),
                            .results = results,
                            .engine = engine,
                            .recipe = recipe,
                            .job_id = st->job.id[0] ? st->job.id : NULL};

    return mt_item_is_plain(item) ? 0 : mt_analysis_put(st->db, &a, id, err);
}

json_t *mt_item_recorded(struct mt_item *item, const char *type, const char *recipe,
                         struct mt_err *err)
{
    json_t *row = NULL;
    json_t *results = NULL;

    if (mt_item_is_plain(item) || item->state->stage->options->force) {
        mt_fail(err, MT_ERR_NOT_FOUND, "no earlier result is used");
        return NULL;
    }
    row = mt_analysis_find(item->state->db, item->asset_id, type, NULL, recipe, err);
    results = json_incref(json_object_get(row, "results"));
    json_decref(row);
    return results;
}
