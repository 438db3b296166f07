/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tally.c - percentiles, spans and lengths of any number of rows. */
#include "status/tally.h"
#include "../tap.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_near(int64_t got, int64_t want)
{
    int64_t off = got > want ? got - want : want - got;

    return off * 125 <= want;
}

static void test_percentiles(void)
{
    struct mt_tally *t = calloc(1, sizeof *t);

    OK(mt_tally_at(t, 0.5) == 0, "nothing was counted");
    json_t *none = mt_tally_json(t, 1);
    OK(json_is_null(none), "so there are no percentiles");
    json_decref(none);
    for (int64_t i = 1; i <= 200; i++)
        mt_tally_add(t, i);
    OK(mt_tally_at(t, 0.5) == 100, "the median of small figures is exact");
    OK(mt_tally_at(t, 0.99) == 198, "and so is 99 %%");
    OK(mt_tally_at(t, 1) == 200 && mt_tally_at(t, 0) == 1, "and the ends");
    memset(t, 0, sizeof *t);
    bool good = true;
    for (int64_t v = 1; v < INT64_C(1) << 40; v = v * 3 + 1) {
        memset(t, 0, sizeof *t);
        mt_tally_add(t, 0);
        mt_tally_add(t, v);
        mt_tally_add(t, v * 2);
        good = good && is_near(mt_tally_at(t, 0.5), v);
    }
    OK(good, "large ones are within 0.8 %%");
    memset(t, 0, sizeof *t);
    mt_tally_add(t, -5);
    mt_tally_add(t, INT64_MAX / 4);
    OK(mt_tally_at(t, 0) == 0, "below 0 counts as 0");
    OK(mt_tally_at(t, 1) > 0 && mt_tally_at(t, 1) <= INT64_MAX / 4, "too large stays in bounds");
    free(t);
}

static void test_spans(void)
{
    OK(mt_span_ms("2026-01-15T14:00:00.000Z", "2026-01-15T14:00:01.250Z") == 1250, "seconds");
    OK(mt_span_ms("2026-01-31T23:59:59.999Z", "2026-02-01T00:00:00.000Z") == 1, "a month's end");
    OK(mt_span_ms("2025-12-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z") == INT64_C(31536000000),
       "a year");
    OK(mt_span_ms("2026-01-15T14:00:00Z", "2026-01-15T14:00:01Z") == 1000, "without a fraction");
    OK(mt_span_ms(NULL, "2026-01-15T14:00:01Z") == -1, "no time");
    OK(mt_span_ms("yesterday", "2026-01-15T14:00:01Z") == -1, "not a time");
    OK(mt_span_ms("2026-01-15T14:00:01.000Z", "2026-01-15T14:00:00.000Z") == -1000, "backwards");
}

static void test_lengths(void)
{
    struct mt_lengths lengths = {0};
    bool good = true;
    char id[64];

    OK(!mt_lengths_get(&lengths, "00000000-0000-4000-8000-000000000000"), "nothing is known");
    for (int i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "%08x-0000-4000-8000-%012x", (unsigned)i * 2654435761U, i);
        mt_lengths_set(&lengths, id, i, i * 2);
    }
    mt_lengths_set(&lengths, id, 7, 8);
    for (int i = 0; i < 4999; i++) {
        snprintf(id, sizeof id, "%08X00004000-8000%012x", (unsigned)i * 2654435761U, i);
        const struct mt_length *l = mt_lengths_get(&lengths, id);
        good = good && l && l->ms == i && l->bytes == i * 2;
    }
    OK(good, "each is found, however it is written");
    OK(lengths.n == 5000, "and stands once");
    OK(!mt_lengths_get(&lengths, "ffffffff-ffff-4fff-8fff-ffffffffffff"), "others are not found");
    OK(!mt_lengths_get(&lengths, ""), "nor is nothing");
    mt_lengths_free(&lengths);
    OK(!mt_lengths_get(&lengths, id), "freed");
}

int main(void)
{
    test_percentiles();
    test_spans();
    test_lengths();
    return tap_done();
}
