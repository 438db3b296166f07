/* SPDX-License-Identifier: GPL-2.0-or-later */
/* publish.c - results become objects with rows, or files with notes. */
#include "stage/stage.h"

#include "base/mem.h"
#include "catalog/analysis.h"
#include "catalog/variant.h"
#include "digest/digest.h"
#include "stage/internal.h"
#include "stage/plain.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_plain(const struct mt_item *item)
{
    return item->state->stage->options->output != NULL;
}

/* "{id}/720p-{recipe}.mp4", or "talk-720p.mp4". free() it. */
static char *key_of(const struct mt_item *item, const struct mt_output *o)
{
    if (is_plain(item))
        return mt_asprintf("%s-%s.%s", item->state->stem, o->name, o->ext);
    return mt_asprintf("%s/%s-%s.%s", item->asset_id, o->name, o->recipe, o->ext);
}

/* The row is only worth something while the object is there. */
static int object_there(struct mt_store *store, const json_t *row, struct mt_err *err)
{
    int64_t size = 0;

    if (mt_store_stat(store, mt_json_str(row, "s3_key", ""), &size, err) == 0)
        return size == mt_json_int(row, "file_size", -1);
    return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
}

int mt_item_made(struct mt_item *item, const struct mt_output *output, json_t **entry,
                 struct mt_err *err)
{
    const struct mt_stage_options *o = item->state->stage->options;
    char *key = key_of(item, output);
    int ret = 0;

    if (is_plain(item)) {
        ret = mt_plain_made(o->output, key, output->recipe, item->state->source, o->force, entry,
                            err);
    } else if (!o->force) {
        json_t *row = mt_variant_find(item->state->db, item->asset_id, key, err);
        if (row) {
            ret = object_there(item->state->store, row, err);
            if (ret == 1)
                *entry = mt_variant_entry(item->state->store, row);
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
    if (is_plain(item)) {
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
        json_array_append_new(all, mt_variant_entry(item->state->store, row));
    json_decref(rows);
    return all;
}

int mt_item_begin(struct mt_item *item, const struct mt_output *output, struct mt_put **put,
                  struct mt_err *err)
{
    const struct mt_stage_options *o = item->state->stage->options;
    char *key = key_of(item, output);
    json_t *entry = NULL;
    int ret = 0;

    if (is_plain(item))
        ret = mt_plain_made(o->output, key, output->recipe, item->state->source, o->force, &entry,
                            err);
    if (ret >= 0)
        ret = mt_store_begin(item->state->out, key, put, err);
    json_decref(entry);
    free(key);
    return ret;
}

/* What only the finished file tells. */
static int complete_entry(struct mt_item *item, const char *key, int fd, json_t *entry,
                          struct mt_err *err)
{
    char hex[MT_SHA256_TEXT];
    struct stat st;

    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot stat '%s'", key);
    if (mt_sha256_fd(fd, hex, err) < 0)
        return -1;
    char *url = mt_store_url(item->state->out, key);
    json_object_set_new(entry, "url", mt_json_text(url));
    json_object_set_new(entry, "cdn_url", json_null());
    json_object_set_new(entry, "file_size", json_integer(st.st_size));
    json_object_set_new(entry, "checksum", json_string(hex));
    free(url);
    return 0;
}

static int publish_plain(struct mt_item *item, const struct mt_output *output, const char *key,
                         struct mt_put **put, json_t *entry, struct mt_err *err)
{
    const char *dir = item->state->stage->options->output;

    if (mt_plain_note(dir, key, output->recipe, item->state->source, entry, err) < 0)
        return -1;
    return mt_put_commit(put, mt_json_str(entry, "checksum", NULL), err);
}

/* Intent, object in place, one transaction that makes it visible. */
static int publish_row(struct mt_item *item, const struct mt_output *output, const char *key,
                       struct mt_put **put, json_t *entry, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;
    char id[MT_UUID_TEXT];
    struct mt_err second;
    struct mt_variant_new v = {.asset_id = item->asset_id,
                               .key = key,
                               .recipe = output->recipe,
                               .entry = entry,
                               .bucket = mt_store_scheme(st->store)};

    if (mt_variant_intent(st->db, &v, id, err) < 0)
        return -1;
    if (mt_put_commit(put, mt_json_str(entry, "checksum", NULL), err) < 0 ||
        mt_variant_publish(st->db, id, err) < 0) {
        if (mt_variant_abandon(st->db, st->store, id, &second) < 0) {
            /* The sweep of the next program removes it. */
        }
        return -1;
    }
    json_object_set_new(entry, "id", json_string(id));
    return 0;
}

int mt_item_publish(struct mt_item *item, const struct mt_output *output, struct mt_put **put,
                    json_t *entry, struct mt_err *err)
{
    char *key = key_of(item, output);
    int ret = complete_entry(item, key, mt_put_fd(*put), entry, err);

    if (ret == 0)
        ret = is_plain(item) ? publish_plain(item, output, key, put, entry, err)
                             : publish_row(item, output, key, put, entry, err);
    mt_put_abort(put);
    free(key);
    return ret;
}

int mt_item_record(struct mt_item *item, const char *type, const json_t *results,
                   struct mt_err *err)
{
    if (is_plain(item))
        return 0;
    struct mt_analysis_new a = {.asset_id = item->asset_id, .type = type, .results = results};
    return mt_analysis_put(item->state->db, &a, err);
}
