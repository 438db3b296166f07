/* SPDX-License-Identifier: GPL-2.0-or-later */
/* batch.c - many small outputs for the price of a few; see stage.h. */
#include "stage/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "catalog/variant.h"
#include "digest/digest.h"
#include "stage/plain.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 64 };

struct one {
    char *key;
    char *type, *format, *quality, *recipe;
    json_t *entry;
    char sum[MT_SHA256_TEXT];
};

struct mt_batch {
    struct mt_item *item;
    json_t *entries;
    int n;
    struct one ones[BATCH];
    struct mt_put *puts[BATCH];
    struct mt_put *notes[BATCH];
    char ids[BATCH][MT_UUID_TEXT];
    bool intended;
};

struct mt_batch *mt_batch_new(struct mt_item *item, json_t *entries)
{
    struct mt_batch *b = mt_alloc(sizeof *b);

    b->item = item;
    b->entries = entries;
    return b;
}

static void forget(struct mt_batch *b)
{
    for (int i = 0; i < b->n; i++) {
        struct one *o = &b->ones[i];

        mt_put_abort(&b->puts[i]);
        mt_put_abort(&b->notes[i]);
        free(o->key);
        free(o->type);
        free(o->format);
        free(o->quality);
        free(o->recipe);
        json_decref(o->entry);
        *o = (struct one){0};
    }
    b->n = 0;
    b->intended = false;
}

/* Takes the intents back, with the objects that are in place. */
static void abandon(struct mt_batch *b)
{
    struct mt_stage_state *st = b->item->state;
    struct mt_err err;

    for (int i = 0; i < b->n && b->intended; i++)
        if (mt_variant_abandon(st->db, st->store, b->ids[i], &err) < 0)
            mt_log_err(MT_LOG_WARN, &err); /* the sweep of the next program removes it */
    forget(b);
}

void mt_batch_free(struct mt_batch **batch)
{
    if (!*batch)
        return;
    abandon(*batch);
    free(*batch);
    *batch = NULL;
}

/* With -o DIR: nothing of somebody else's is replaced. */
static int check_way(struct mt_batch *b, const char *key, const char *recipe, struct mt_err *err)
{
    const struct mt_stage_options *o = b->item->state->stage->options;
    json_t *entry = NULL;
    int ret = mt_plain_made(o->output, key, recipe, b->item->state->source, o->force, &entry, err);

    json_decref(entry);
    return ret < 0 ? -1 : 0;
}

static int write_note(struct mt_batch *b, int i, struct mt_err *err)
{
    const struct one *o = &b->ones[i];
    const struct mt_stage_state *st = b->item->state;
    char *key = mt_plain_note_key(o->key);
    char *text = mt_plain_note_text(o->key, o->recipe, st->source, o->entry);
    int ret = mt_store_begin(st->out, key, &b->notes[i], err);

    if (ret == 0)
        ret = mt_put_write(b->notes[i], text, strlen(text), err);
    free(text);
    free(key);
    return ret;
}

int mt_batch_add(struct mt_batch *b, const struct mt_output *output, json_t *entry,
                 const void *data, size_t n, struct mt_err *err)
{
    bool plain = mt_item_is_plain(b->item);

    if (b->n == BATCH && mt_batch_publish(b, err) < 0) {
        json_decref(entry);
        return -1;
    }
    int i = b->n++;
    struct one *o = &b->ones[i];
    *o = (struct one){.key = mt_item_key(b->item, output),
                      .type = mt_strdup(output->type),
                      .format = mt_strdup(output->ext),
                      .quality = output->quality ? mt_strdup(output->quality) : NULL,
                      .recipe = mt_strdup(output->recipe),
                      .entry = entry};
    if (mt_sha256_of(data, n, o->sum, err) < 0)
        return -1;
    mt_entry_complete(b->item, o->key, (int64_t)n, o->sum, entry);
    if (plain && check_way(b, o->key, o->recipe, err) < 0)
        return -1;
    if (mt_store_begin(b->item->state->out, o->key, &b->puts[i], err) < 0 ||
        mt_put_write(b->puts[i], data, n, err) < 0)
        return -1;
    return 0;
}

static int announce(struct mt_batch *b, struct mt_err *err)
{
    struct mt_variant_intent intents[BATCH];
    enum mt_variant_claim claims[BATCH];

    for (int i = 0; i < b->n; i++) {
        const struct one *o = &b->ones[i];
        intents[i] = (struct mt_variant_intent){.asset_id = b->item->asset_id,
                                                .type = o->type,
                                                .format = o->format,
                                                .quality = o->quality,
                                                .recipe = o->recipe,
                                                .key = o->key,
                                                .force = true};
    }
    if (mt_variants_intend(b->item->state->db, intents, b->n, b->ids, claims, err) < 0)
        return -1;
    b->intended = true;
    for (int i = 0; i < b->n; i++)
        json_object_set_new(b->ones[i].entry, "id", json_string(b->ids[i]));
    return 0;
}

static int publish_rows(struct mt_batch *b, struct mt_err *err)
{
    struct mt_variant_result results[BATCH];
    json_t *details[BATCH];

    for (int i = 0; i < b->n; i++) {
        details[i] = mt_entry_details(b->ones[i].entry);
        results[i] = mt_entry_result(b->ones[i].entry, details[i]);
    }
    int ret = mt_lease_is_attached(b->item->state->db)
                  ? mt_variants_publish_within(b->item->state->db, b->ids, results, b->n, err)
                  : mt_variants_publish(b->item->state->db, b->ids, results, b->n, err);
    for (int i = 0; i < b->n; i++)
        json_decref(details[i]);
    return ret;
}

static int put_in_place(struct mt_batch *b, struct mt_err *err)
{
    const char *sums[BATCH] = {NULL};

    for (int i = 0; i < b->n && mt_item_is_plain(b->item); i++)
        if (write_note(b, i, err) < 0)
            return -1;
    if (mt_item_is_plain(b->item) && mt_puts_commit(b->notes, sums, b->n, err) < 0)
        return -1;
    for (int i = 0; i < b->n; i++)
        sums[i] = b->ones[i].sum;
    return mt_puts_commit(b->puts, sums, b->n, err);
}

/* As with a single output: in one transaction, with the disk waited for before. */
static int put_under_lease(struct mt_batch *b, struct mt_err *err)
{
    struct mt_db *db = b->item->state->db;

    for (int i = 0; i < b->n; i++)
        if (fdatasync(mt_put_fd(b->puts[i])) < 0)
            return mt_fail_errno(err, "cannot write '%s'", b->ones[i].key);
    if (mt_db_begin(db, true, err) < 0)
        return -1;
    if (put_in_place(b, err) == 0 && publish_rows(b, err) == 0)
        return mt_db_commit(db, err);
    mt_db_rollback(db);
    return -1;
}

/* To be put in place with those of other inputs. */
static int hand_over(struct mt_batch *b, struct mt_err *err)
{
    for (int i = 0; i < b->n; i++)
        if (write_note(b, i, err) < 0)
            return -1;
    for (int i = 0; i < b->n; i++)
        mt_group_put(b->item->state->group, &b->puts[i], b->ones[i].sum, &b->notes[i]);
    return 0;
}

static int put_and_publish(struct mt_batch *b, struct mt_err *err)
{
    if (b->item->state->group && b->item->known)
        return hand_over(b, err);
    if (!mt_item_is_plain(b->item) && mt_lease_is_attached(b->item->state->db))
        return put_under_lease(b, err);
    if (put_in_place(b, err) < 0)
        return -1;
    return mt_item_is_plain(b->item) ? 0 : publish_rows(b, err);
}

int mt_batch_publish(struct mt_batch *b, struct mt_err *err)
{
    bool plain = mt_item_is_plain(b->item);
    int ret = 0;

    if (b->n == 0)
        return 0;
    if (!plain)
        ret = announce(b, err);
    if (ret == 0)
        ret = put_and_publish(b, err);
    if (ret < 0) {
        abandon(b);
        return -1;
    }
    for (int i = 0; i < b->n; i++)
        json_array_append(b->entries, b->ones[i].entry);
    forget(b);
    return 0;
}

int mt_item_amend(struct mt_item *item, const struct mt_output *output, const json_t *entry,
                  struct mt_err *err)
{
    struct mt_stage_state *st = item->state;
    char *key = mt_item_key(item, output);
    json_t *details = mt_entry_details(entry);
    int ret =
        mt_item_is_plain(item)
            ? mt_plain_note(st->stage->options->output, key, output->recipe, st->source, entry, err)
            : mt_variant_amend(st->db, mt_json_str(entry, "id", ""), details, err);

    json_decref(details);
    free(key);
    return ret;
}
