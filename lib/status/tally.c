/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tally.c - see tally.h. */
#include "status/tally.h"

#include "base/clock.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* --- percentiles --- */

/* Values up to 255 have a step each; above, each doubling has MT_TALLY_STEPS of them. */
static size_t step_of(uint64_t value)
{
    if (value < 2 * MT_TALLY_STEPS)
        return (size_t)value;
    unsigned shift = 56 - (unsigned)__builtin_clzll(value);
    size_t step = shift * MT_TALLY_STEPS + (size_t)(value >> shift);
    return step < MT_TALLY_SIZE ? step : MT_TALLY_SIZE - 1;
}

/* The middle of a step. */
static int64_t value_of(size_t step)
{
    if (step < 2 * MT_TALLY_STEPS)
        return (int64_t)step;
    unsigned shift = (unsigned)(step / MT_TALLY_STEPS) - 1;
    uint64_t low = (uint64_t)(step - (size_t)shift * MT_TALLY_STEPS) << shift;
    return (int64_t)(low + (UINT64_C(1) << shift) / 2);
}

void mt_tally_add(struct mt_tally *tally, int64_t value)
{
    if (value < 0)
        value = 0;
    if (tally->n == 0 || value < tally->least)
        tally->least = value;
    if (value > tally->most)
        tally->most = value;
    tally->n++;
    tally->sum += value;
    tally->steps[step_of((uint64_t)value)]++;
}

int64_t mt_tally_at(const struct mt_tally *tally, double share)
{
    int64_t rank = (int64_t)(share * (double)tally->n + 0.999999);
    int64_t seen = 0;

    if (tally->n == 0)
        return 0;
    for (size_t i = 0; i < MT_TALLY_SIZE; i++) {
        seen += tally->steps[i];
        if (seen >= rank && seen > 0) {
            int64_t value = value_of(i);
            return value < tally->least ? tally->least : value > tally->most ? tally->most : value;
        }
    }
    return tally->most;
}

json_t *mt_tally_json(const struct mt_tally *tally, double unit)
{
    json_t *figures = json_object();

    if (tally->n == 0) {
        json_decref(figures);
        return json_null();
    }
    json_object_set_new(figures, "p50", mt_json_real((double)mt_tally_at(tally, 0.50) / unit, 3));
    json_object_set_new(figures, "p90", mt_json_real((double)mt_tally_at(tally, 0.90) / unit, 3));
    json_object_set_new(figures, "p99", mt_json_real((double)mt_tally_at(tally, 0.99) / unit, 3));
    json_object_set_new(figures, "max", mt_json_real((double)tally->most / unit, 3));
    return figures;
}

/* --- times --- */

static int two(const char *s)
{
    return (s[0] - '0') * 10 + s[1] - '0';
}

/* Milliseconds of "2026-01-15T14:00:00.000Z" since its month began. */
static int64_t ms_in_month(const char *t)
{
    int64_t s = ((two(t + 8) * 24 + two(t + 11)) * 60 + two(t + 14)) * 60 + two(t + 17);

    return s * 1000 + two(t + 20) * 10 + t[22] - '0';
}

/* Two times of one month, as those of a job mostly are, need no calendar. */
int64_t mt_span_ms(const char *from, const char *to)
{
    int64_t a;
    int64_t b;
    struct mt_err ignored;

    if (!from || !to)
        return -1;
    if (strlen(from) == 24 && strlen(to) == 24 && memcmp(from, to, 8) == 0)
        return ms_in_month(to) - ms_in_month(from);
    if (mt_time_parse(from, &a, &ignored) < 0 || mt_time_parse(to, &b, &ignored) < 0)
        return -1;
    return (b - a) / 1000;
}

/* --- lengths --- */

enum { FIRST_SIZE = 1024 };
static const size_t lengths_max = (size_t)8 << 20;

/* The 128 bits of a UUID folded to 64, never 0. */
static uint64_t key_of(const char *id)
{
    uint64_t half[2] = {0, 0};
    int digits = 0;

    for (; *id && digits < 32; id++) {
        if (*id == '-')
            continue;
        unsigned value = (unsigned)(*id <= '9' ? *id - '0' : (*id | 0x20) - 'a' + 10);
        half[digits / 16] = half[digits / 16] << 4 | (value & 15);
        digits++;
    }
    uint64_t key = (half[0] * UINT64_C(0x9e3779b97f4a7c15)) ^ half[1];
    return key ? key : 1;
}

static size_t place_of(const struct mt_lengths *l, uint64_t key)
{
    size_t at = (size_t)(key * UINT64_C(0xbf58476d1ce4e5b9) >> 32) & (l->size - 1);

    while (l->list[at].key && l->list[at].key != key)
        at = (at + 1) & (l->size - 1);
    return at;
}

static void grow(struct mt_lengths *l)
{
    struct mt_lengths wider = {.n = l->n, .size = l->size ? l->size * 2 : FIRST_SIZE};

    wider.list = mt_alloc(wider.size * sizeof *wider.list);
    for (size_t i = 0; i < l->size; i++)
        if (l->list[i].key)
            wider.list[place_of(&wider, l->list[i].key)] = l->list[i];
    mt_lengths_free(l);
    *l = wider;
}

void mt_lengths_set(struct mt_lengths *lengths, const char *id, int64_t ms, int64_t bytes)
{
    uint64_t key = key_of(id);

    if (lengths->n >= lengths_max)
        return;
    if (lengths->n * 2 >= lengths->size)
        grow(lengths);
    struct mt_length *l = &lengths->list[place_of(lengths, key)];
    if (!l->key)
        lengths->n++;
    *l = (struct mt_length){key, bytes, ms};
}

const struct mt_length *mt_lengths_get(const struct mt_lengths *lengths, const char *id)
{
    if (lengths->n == 0)
        return NULL;
    const struct mt_length *l = &lengths->list[place_of(lengths, key_of(id))];
    return l->key ? l : NULL;
}

void mt_lengths_free(struct mt_lengths *lengths)
{
    free(lengths->list);
    *lengths = (struct mt_lengths){0};
}
