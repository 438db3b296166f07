/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ledger.c - what all ledgers know; see ledger.h. */
#include "transcode/ledger.h"

#include "base/mem.h"
#include "transcode/ledger_parts.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- for the kinds ---- */

void mt_ledger_init(struct mt_ledger *ledger, const struct mt_ledger_kind *kind)
{
    *ledger = (struct mt_ledger){
        .kind = kind, .segments = json_object(), .sources = json_object(), .sounds = json_object()};
}

void mt_ledger_forget(struct mt_ledger *ledger, const json_t *plan)
{
    json_t *old = ledger->plan;

    json_object_clear(ledger->segments);
    json_object_clear(ledger->sources);
    json_object_clear(ledger->sounds);
    ledger->plan = json_incref((json_t *)(uintptr_t)plan);
    json_decref(old);
}

static char *key_of(const char *recipe, int64_t segment)
{
    return mt_asprintf("%s %lld", recipe, (long long)segment);
}

static void set(json_t *in, int64_t number, json_t *value)
{
    char name[24];

    snprintf(name, sizeof name, "%lld", (long long)number);
    json_object_set(in, name, value);
}

static const json_t *get(const json_t *in, int64_t number)
{
    char name[24];

    snprintf(name, sizeof name, "%lld", (long long)number);
    return json_object_get(in, name);
}

void mt_ledger_know_segment(struct mt_ledger *ledger, const char *recipe, int64_t segment,
                            json_t *lane)
{
    char *key = key_of(recipe, segment);

    json_object_set(ledger->segments, key, lane);
    free(key);
}

void mt_ledger_know_source(struct mt_ledger *ledger, int64_t segment, json_t *source)
{
    set(ledger->sources, segment, source);
}

void mt_ledger_know_sound(struct mt_ledger *ledger, int64_t voice, json_t *report)
{
    set(ledger->sounds, voice, report);
}

void mt_ledger_unknow(struct mt_ledger *ledger, const char *recipe, int64_t segment)
{
    char *key = key_of(recipe, segment);

    json_object_del(ledger->segments, key);
    free(key);
}

void mt_ledger_unknow_sound(struct mt_ledger *ledger, int64_t voice)
{
    char name[24];

    snprintf(name, sizeof name, "%lld", (long long)voice);
    json_object_del(ledger->sounds, name);
}

/* ---- what is known ---- */

const json_t *mt_ledger_plan(const struct mt_ledger *ledger)
{
    return ledger->plan;
}

const json_t *mt_ledger_segment(const struct mt_ledger *ledger, const char *recipe, int segment)
{
    char *key = key_of(recipe, segment);
    const json_t *found = json_object_get(ledger->segments, key);

    free(key);
    return found;
}

const json_t *mt_ledger_source(const struct mt_ledger *ledger, int segment)
{
    return get(ledger->sources, segment);
}

const json_t *mt_ledger_sound(const struct mt_ledger *ledger, int64_t voice)
{
    return get(ledger->sounds, voice);
}

/* ---- what the kinds do ---- */

int mt_ledger_set_plan(struct mt_ledger *ledger, const json_t *plan, struct mt_err *err)
{
    return ledger->kind->set_plan(ledger, plan, err);
}

int mt_ledger_data(struct mt_ledger *ledger, const char *recipe, int slot, struct mt_err *err)
{
    return ledger->kind->data(ledger, recipe, slot, err);
}

int mt_ledger_record(struct mt_ledger *ledger, const json_t *report, const char *const *recipes,
                     int slot, struct mt_err *err)
{
    return ledger->kind->record(ledger, report, recipes, slot, err);
}

int mt_ledger_gather(struct mt_ledger *ledger, const char *recipe, int n, struct mt_err *err)
{
    return ledger->kind->gather ? ledger->kind->gather(ledger, recipe, n, err) : 0;
}

struct mt_av_piece mt_ledger_piece(const struct mt_ledger *ledger, const char *recipe, int segment)
{
    return ledger->kind->piece(ledger, recipe, segment);
}

int mt_ledger_sound_data(struct mt_ledger *ledger, int64_t voice, bool fresh, struct mt_err *err)
{
    return ledger->kind->sound_data(ledger, voice, fresh, err);
}

int mt_ledger_record_sound(struct mt_ledger *ledger, const json_t *report, const int64_t *voices,
                           int n, struct mt_err *err)
{
    return ledger->kind->record_sound(ledger, report, voices, n, err);
}

void mt_ledger_sweep(const struct mt_ledger *ledger)
{
    ledger->kind->sweep(ledger);
}

void mt_ledger_close(struct mt_ledger **out)
{
    struct mt_ledger *ledger = *out;

    if (!ledger)
        return;
    json_decref(ledger->plan);
    json_decref(ledger->segments);
    json_decref(ledger->sources);
    json_decref(ledger->sounds);
    ledger->kind->close(ledger);
    *out = NULL;
}

void mt_ledger_remove(struct mt_ledger **out)
{
    if (*out)
        (*out)->kind->empty(*out);
    mt_ledger_close(out);
}
